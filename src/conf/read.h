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
#define READ_SETS_MAX        1024u
#define READ_ARENA_BYTES     (64u << 20)
#define READ_PATH_MAX        192u

struct reader {
	struct conf *conf;
	struct arena *arena; /* the conf's */
	struct conf_report *report;
	struct conf_mark *origins; /* one an option */
	bool *is_set;              /* one an option: some source said it */
	size_t nodes;
	size_t files;
	size_t bytes;
};

/* One text being read. */
struct document {
	struct reader *r;
	yaml_document_t yaml;
	const char *file;
	const char *source; /* NUL-terminated */
	size_t source_bytes;
	bool has_lines; /* false: environment, --set, built in */
	bool may_include;
	unsigned depth; /* of includes */
};

/* What a value is for: an option, where its parent lies, and its full name. */
struct place {
	const struct option *option;
	void *base; /* the conf, or the item of a group */
	const char *path;
};

/* report.c */
void problem_add(struct reader *r, bool is_warning, const struct conf_mark *at,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
void text_as_json(FILE *out, const char *text);

/* node.c: what YAML nodes are, whatever they mean */
struct pair {
	const yaml_node_t *key, *value;
	const char *name;
};
struct conf_mark node_mark(const struct document *d, const yaml_node_t *node);
const yaml_node_t *node_at(const struct document *d, int index);
/* Counts the visit; false, after complaining, when there were too many. */
bool node_visit(struct document *d, const yaml_node_t *node, unsigned nest);
bool node_is_empty(const yaml_node_t *node); /* nothing behind the colon */
/* Complains of tags other than YAML's own and, where allowed, !override. */
bool node_overrides(struct document *d, const yaml_node_t *node, bool is_list);
const char *node_kind(const yaml_node_t *node); /* "a list", ... */
/*
 * The pairs of a mapping into out[READ_PAIRS_MAX], merge keys followed;
 * complains of duplicates.
 */
size_t node_pairs(struct document *d, const yaml_node_t *mapping,
    struct pair *out, unsigned nest);

/* item.c: nodes to values */
void item_read_option(struct document *d, const struct place *p,
    const yaml_node_t *node, unsigned nest);

/* tree.c: mappings of options */
const struct option *tree_find(const char *path);
void tree_read(struct document *d, const yaml_node_t *root);
/* Sets an option and notes who did. */
void tree_set(struct document *d, const struct option *o,
    const yaml_node_t *node);
void tree_unknown(struct reader *r, const struct conf_mark *at,
    const char *path);

/* text.c: bytes to nodes */
/* Loads the first document; false after complaining. Delete it after use. */
bool text_load(struct document *d, yaml_parser_t *parser);
/* Reads a text that holds one option's value. */
void text_read_value(struct document *d, const struct option *o);
/* Reads a text that holds a file's options. */
void text_read(struct document *d);

/* file.c */
void file_read(struct reader *r, const char *path, unsigned depth,
    const struct conf_mark *from);
void file_include(struct document *d, const yaml_node_t *node);

/* check.c */
void check_conf(struct reader *r);

#endif
