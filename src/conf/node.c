/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node.c - YAML nodes: their place, their pairs, how often they are visited.
 *
 * Aliases make a document a graph, even one with cycles. Every visit counts
 * against one budget for the whole load, and depth is bounded, so neither a
 * cycle nor a bomb of aliases gets far.
 */
#include "read.h"

#include <string.h>

const yaml_node_t *
node_at(const struct document *d, int index)
{
	size_t count = (size_t)(d->yaml.nodes.top - d->yaml.nodes.start);

	if (index < 1 || (size_t)index > count)
		return NULL;
	return d->yaml.nodes.start + index - 1;
}

struct conf_mark
node_mark(const struct document *d, const yaml_node_t *node)
{
	struct conf_mark at = { .file = d->file };
	size_t width = 1;

	if (!d->has_lines || node == NULL)
		return at;
	if (node->end_mark.line == node->start_mark.line &&
	    node->end_mark.column > node->start_mark.column)
		width = node->end_mark.column - node->start_mark.column;
	at.source = d->source;
	at.line = (uint32_t)node->start_mark.line + 1;
	at.column = (uint32_t)node->start_mark.column + 1;
	at.width = (uint32_t)width;
	return at;
}

bool
node_visit(struct document *d, const yaml_node_t *node, unsigned nest)
{
	struct conf_mark at;

	if (node == NULL || d->r->nodes > READ_NODES_MAX)
		return false;
	at = node_mark(d, node);
	d->r->nodes++;
	if (nest > READ_NEST_MAX) {
		problem_add(d->r, false, &at, "nested too deep");
		return false;
	}
	if (d->r->nodes > READ_NODES_MAX) {
		problem_add(d->r, false, &at,
		    "more than %u values (aliases count each time)",
		    READ_NODES_MAX);
		return false;
	}
	return true;
}

bool
node_is_empty(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.length == 0 &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool
node_overrides(struct document *d, const yaml_node_t *node, bool is_list)
{
	static const char standard[] = "tag:yaml.org,2002:";
	const char *tag = (const char *)node->tag;
	struct conf_mark at = node_mark(d, node);

	if (tag == NULL || strcmp(tag, "!") == 0 ||
	    strncmp(tag, standard, sizeof(standard) - 1) == 0)
		return false;
	if (strcmp(tag, "!override") != 0)
		problem_add(d->r, false, &at,
		    "unknown tag \"%.40s\"; the only one is !override", tag);
	else if (!is_list)
		problem_add(d->r, false, &at,
		    "!override is for lists; other values replace anyway");
	else
		return true;
	return false;
}

const char *
node_kind(const yaml_node_t *node)
{
	if (node->type == YAML_SEQUENCE_NODE)
		return "a list";
	return node->type == YAML_MAPPING_NODE ? "a mapping" : "one value";
}

/* A pair list in the making. */
struct gather {
	struct document *d;
	struct pair *pairs;
	size_t count;
	bool is_merged; /* keys that are there already win, silently */
};

static const struct pair *
find_pair(const struct gather *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++) {
		if (strcmp(g->pairs[i].name, name) == 0)
			return &g->pairs[i];
	}
	return NULL;
}

static void
gather_pair(struct gather *g, const yaml_node_t *key, const yaml_node_t *value)
{
	struct document *d = g->d;
	struct conf_mark at = node_mark(d, key);
	const struct pair *before;
	const char *name;

	if (key->type != YAML_SCALAR_NODE ||
	    memchr(key->data.scalar.value, 0, key->data.scalar.length)) {
		problem_add(d->r, false, &at, "a name was expected here");
		return;
	}
	name = (const char *)key->data.scalar.value;
	before = find_pair(g, name);
	if (before != NULL && g->is_merged)
		return;
	if (before != NULL) {
		problem_add(d->r, false, &at,
		    "\"%.60s\" is there twice, first in line %zu", name,
		    before->key->start_mark.line + 1);
		return;
	}
	if (g->count == READ_PAIRS_MAX) {
		problem_add(d->r, false, &at, "too many names at one place");
		return;
	}
	g->pairs[g->count++] =
	    (struct pair){ .key = key, .value = value, .name = name };
}

static void gather_merge(struct gather *g, const yaml_node_t *node,
    unsigned nest);

static bool
is_merge_key(const yaml_node_t *key)
{
	return key->type == YAML_SCALAR_NODE &&
	       key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       key->data.scalar.length == 2 &&
	       memcmp(key->data.scalar.value, "<<", 2) == 0;
}

/* First a mapping's own pairs, then those it merges, which lose. */
static void
gather_mapping(struct gather *g, const yaml_node_t *mapping, unsigned nest)
{
	const yaml_node_pair_t *start = mapping->data.mapping.pairs.start;
	const yaml_node_pair_t *top = mapping->data.mapping.pairs.top;

	for (const yaml_node_pair_t *p = start; p < top; p++) {
		const yaml_node_t *key = node_at(g->d, p->key);
		const yaml_node_t *value = node_at(g->d, p->value);

		if (!node_visit(g->d, key, nest) || value == NULL)
			return;
		if (!is_merge_key(key))
			gather_pair(g, key, value);
	}
	for (const yaml_node_pair_t *p = start; p < top; p++) {
		const yaml_node_t *key = node_at(g->d, p->key);
		bool was_merged = g->is_merged;

		if (key == NULL || !is_merge_key(key))
			continue;
		g->is_merged = true;
		gather_merge(g, node_at(g->d, p->value), nest + 1);
		g->is_merged = was_merged;
	}
}

static void
gather_merge(struct gather *g, const yaml_node_t *node, unsigned nest)
{
	struct conf_mark at = node_mark(g->d, node);

	if (!node_visit(g->d, node, nest))
		return;
	if (node->type == YAML_MAPPING_NODE) {
		gather_mapping(g, node, nest);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		problem_add(g->d->r, false, &at,
		    "<< merges a mapping or a list of mappings");
		return;
	}
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++)
		gather_merge(g, node_at(g->d, *i), nest + 1);
}

size_t
node_pairs(struct document *d, const yaml_node_t *mapping, struct pair *out,
    unsigned nest)
{
	struct gather g = { .d = d, .pairs = out };

	gather_mapping(&g, mapping, nest);
	return g.count;
}
