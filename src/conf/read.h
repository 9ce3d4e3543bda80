/* SPDX-License-Identifier: BSD-3-Clause */
/* read.h - the state of one conf_load(); private to conf. */
#ifndef HITHER_CONF_READ_H
#define HITHER_CONF_READ_H

#include <yaml.h>

#include "table.h"

#define READ_FILE_BYTES_MAX  (1u << 20)
#define READ_TOTAL_BYTES_MAX (8u << 20)
#define READ_FILES_MAX       64u
#define READ_INCLUDE_DEPTH   4u
#define READ_NODES_MAX       200000u /* visits; aliases count each time */
#define READ_NEST_MAX        8u
#define READ_PAIRS_MAX       128u /* keys of one mapping */
#define READ_ITEMS_MAX       65536u

struct reader {
	struct conf *conf;
	struct arena *arena; /* the conf's */
	struct conf_report *report;
	struct conf_mark *origins;
	bool *is_set; /* one an option: said by some source */
	size_t nodes;
	size_t files;
	size_t bytes;
};

/* One document being read. */
struct document {
	struct reader *r;
	yaml_document_t *yaml;
	const char *file;
	const char *source; /* NUL-terminated text */
	bool has_lines;     /* false: environment and --set */
	unsigned depth;     /* of includes */
	bool may_include;
};

/* report.c */
void problem_add(struct reader *r, bool is_warning, const struct conf_mark *at,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* tree.c */
struct conf_mark tree_mark(const struct document *d, const yaml_node_t *node);
/* Reads a whole document whose root is the options' mapping. */
void tree_read(struct document *d);
/* Reads the root node of the document as the value of one option. */
void tree_read_value(struct document *d, const struct option *o);
const struct option *tree_find(const char *path);
/* Says that path is unknown, with a suggestion. */
void tree_unknown(struct reader *r, const struct conf_mark *at,
    const char *path);

/* list.c: sequences and groups */
void list_read(struct document *d, const struct option *o, void *base,
    const yaml_node_t *node, const char *path);
void scalar_read(struct document *d, const struct option *o, void *out,
    const yaml_node_t *node, const char *path);
bool tree_visit(struct document *d, const yaml_node_t *node, unsigned nest);

struct pair {
	const yaml_node_t *key, *value;
	const char *name;
};
/* The pairs of a mapping, merge keys followed; complains of duplicates. */
size_t tree_pairs(struct document *d, const yaml_node_t *mapping,
    struct pair *out, unsigned nest);

/* include.c */
void include_files(struct document *d, const yaml_node_t *node,
    const char *path);

/* load.c */
void load_file(struct reader *r, const char *path, unsigned depth,
    const struct conf_mark *from);

/* check.c */
void check_conf(struct reader *r);

#endif
