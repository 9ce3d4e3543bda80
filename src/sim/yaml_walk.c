/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * yaml_walk.c - going through a YAML document by tables of keys. A fault is
 * reported with line and column, and the walk goes on behind it.
 */
#include <string.h>

#include "yaml_walk.h"

void
walk_fault(struct walk *p, const yaml_node_t *n, const char *what,
    const char *which)
{
	struct place at = { .path = p->path };

	if (n != NULL) {
		at.line = n->start_mark.line + 1;
		at.column = n->start_mark.column + 1;
	}
	if (which == NULL)
		complain(p->complaints, &at, "%s", what);
	else
		complain(p->complaints, &at, "%s: %s", which, what);
}

const char *
walk_scalar(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value
					   : NULL;
}

yaml_node_t *
walk_item(struct walk *p, const yaml_node_t *seq, size_t i)
{
	return yaml_document_get_node(&p->doc,
	    seq->data.sequence.items.start[i]);
}

size_t
walk_items(const yaml_node_t *seq)
{
	return (size_t)(seq->data.sequence.items.top -
			seq->data.sequence.items.start);
}

static void
read_pair(struct walk *p, const yaml_node_pair_t *pair,
    const struct walk_key *keys, void *into)
{
	const yaml_node_t *k = yaml_document_get_node(&p->doc, pair->key);
	const yaml_node_t *v = yaml_document_get_node(&p->doc, pair->value);
	const char *name = walk_scalar(k);

	while (
	    name != NULL && keys->name != NULL && strcmp(keys->name, name) != 0)
		keys++;
	if (name == NULL || keys->name == NULL)
		walk_fault(p, k, "unknown key", name);
	else
		keys->read(p, v, into);
}

static bool
came_before(struct walk *p, const yaml_node_t *n, const yaml_node_pair_t *pair)
{
	const yaml_node_pair_t *q = n->data.mapping.pairs.start;
	const char *name =
	    walk_scalar(yaml_document_get_node(&p->doc, pair->key));

	for (; name != NULL && q < pair; q++) {
		const char *other =
		    walk_scalar(yaml_document_get_node(&p->doc, q->key));

		if (other != NULL && strcmp(name, other) == 0)
			return true;
	}
	return false;
}

void
walk_mapping(struct walk *p, const yaml_node_t *n, const struct walk_key *keys,
    void *into)
{
	const yaml_node_pair_t *pair;

	if (n->type != YAML_MAPPING_NODE) {
		walk_fault(p, n, "expected a mapping (key: value)", NULL);
		return;
	}
	for (pair = n->data.mapping.pairs.start;
	     pair < n->data.mapping.pairs.top; pair++) {
		if (came_before(p, n, pair))
			walk_fault(p,
			    yaml_document_get_node(&p->doc, pair->key),
			    "given twice", NULL);
		else
			read_pair(p, pair, keys, into);
	}
}
