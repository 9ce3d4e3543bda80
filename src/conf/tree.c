/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - mappings of options: what each name means and who said it.
 *
 * A name is an option, or a section that holds some. Anything else is an
 * error, with the nearest name there is.
 */
#include "read.h"

#include <string.h>

const struct option *
tree_find(const char *path)
{
	for (size_t i = 0; i < options_count; i++) {
		if (strcmp(options[i].path, path) == 0)
			return &options[i];
	}
	return NULL;
}

static bool
is_section(const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < options_count; i++) {
		if (strncmp(options[i].path, path, n) == 0 &&
		    options[i].path[n] == '.')
			return true;
	}
	return false;
}

/* Where the last part of a dotted path begins. */
static const char *
leaf(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

/*
 * A neighbour in the same section first, then the same name elsewhere, then
 * whatever looks alike as a whole.
 */
static const char *
nearest(const char *path)
{
	struct suggestion here = { .typed = leaf(path) };
	struct suggestion whole = { .typed = path };
	size_t stem = (size_t)(leaf(path) - path);
	const char *elsewhere = NULL;

	for (size_t i = 0; i < options_count; i++) {
		const char *name = options[i].path;

		if (strlen(name) > stem && strncmp(name, path, stem) == 0 &&
		    strchr(name + stem, '.') == NULL)
			suggest_consider(&here, name + stem);
		if (strcmp(leaf(name), leaf(path)) == 0)
			elsewhere = name;
		suggest_consider(&whole, name);
	}
	for (size_t i = 0; stem == 0 && i < sections_count; i++)
		suggest_consider(&here, sections[i].name);
	if (here.best != NULL)
		return here.best;
	return elsewhere != NULL ? elsewhere : whole.best;
}

void
tree_unknown(struct reader *r, const struct conf_mark *at, const char *path)
{
	const char *best = nearest(path);

	if (best != NULL)
		problem_add(r, false, at,
		    "%.120s: unknown option; did you mean \"%s\"?", path, best);
	else
		problem_add(r, false, at, "%.120s: unknown option", path);
}

void
tree_set(struct document *d, const struct option *o, const yaml_node_t *node)
{
	size_t i = (size_t)(o - options);
	struct place p = { .option = o, .base = d->r->conf, .path = o->path };

	d->r->origins[i] = node_mark(d, node);
	d->r->is_set[i] = true;
	item_read_option(d, &p, node, 1);
}

static void read_mapping(struct document *d, const yaml_node_t *node,
    const char *stem, unsigned nest);

static void
read_pair(struct document *d, const struct pair *pair, const char *stem,
    unsigned nest)
{
	struct conf_mark at = node_mark(d, pair->key);
	const struct option *o;
	char path[READ_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%.100s%s%.80s", stem,
	    stem[0] != '\0' ? "." : "", pair->name);
	o = tree_find(path);
	if (o != NULL) {
		tree_set(d, o, pair->value);
		return;
	}
	if (strcmp(path, "include") == 0)
		return; /* when this file is through */
	if (!is_section(path)) {
		tree_unknown(d->r, &at, path);
		return;
	}
	if (node_is_empty(pair->value))
		return;
	at = node_mark(d, pair->value);
	if (pair->value->type != YAML_MAPPING_NODE)
		problem_add(d->r, false, &at,
		    "%s: is %s, but a section with options is wanted", path,
		    node_kind(pair->value));
	else
		read_mapping(d, pair->value, path, nest + 1);
}

static void
read_mapping(struct document *d, const yaml_node_t *node, const char *stem,
    unsigned nest)
{
	struct pair pairs[READ_PAIRS_MAX];
	size_t count;

	if (!node_visit(d, node, nest))
		return;
	(void)node_overrides(d, node, false);
	count = node_pairs(d, node, pairs, nest);
	for (size_t i = 0; i < count; i++)
		read_pair(d, &pairs[i], stem, nest);
}

static const yaml_node_t *
find_include(const struct document *d, const yaml_node_t *root)
{
	for (const yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_at(d, p->key);

		if (key != NULL && key->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)key->data.scalar.value, "include") ==
			0)
			return node_at(d, p->value);
	}
	return NULL;
}

void
tree_read(struct document *d, const yaml_node_t *root)
{
	struct conf_mark at = node_mark(d, root);
	const yaml_node_t *include;

	if (node_is_empty(root))
		return;
	if (root->type != YAML_MAPPING_NODE) {
		problem_add(d->r, false, &at,
		    "options are wanted, like \"server:\", not %s",
		    node_kind(root));
		return;
	}
	read_mapping(d, root, "", 0);
	include = find_include(d, root);
	if (include != NULL)
		file_include(d, include);
}
