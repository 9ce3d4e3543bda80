/* SPDX-License-Identifier: BSD-3-Clause */
/* yaml_walk.h - going through a YAML document by tables of keys. */
#ifndef HITHER_SIM_YAML_WALK_H
#define HITHER_SIM_YAML_WALK_H

#include <yaml.h>

#include "world.h"

struct walk {
	yaml_document_t doc;
	struct world *world;
	struct complaints *complaints;
	const char *path;
	uint16_t port;
};

/* A key of a mapping, what reads its value, and on what. */
struct walk_key {
	const char *name;
	void (*read)(struct walk *p, const yaml_node_t *value, void *into);
};

/* Complains about what stands at n; `which` (or NULL) is named first. */
void walk_fault(struct walk *p, const yaml_node_t *n, const char *what,
    const char *which);
const char *walk_scalar(const yaml_node_t *n); /* NULL: it is none */
size_t walk_items(const yaml_node_t *seq);
yaml_node_t *walk_item(struct walk *p, const yaml_node_t *seq, size_t i);
/* Every key must be in the table (ended by a NULL name), and only once. */
void walk_mapping(struct walk *p, const yaml_node_t *n,
    const struct walk_key *keys, void *into);
/* The value of `signing`, into the world (sign_yaml.c). */
void signing_read(struct walk *p, const yaml_node_t *n, void *into);

#endif
