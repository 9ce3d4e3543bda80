/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * item.c - the value of one option, from its YAML node into its struct.
 *
 * Lists append to what is there. A single value may stand where a list is
 * wanted; a group whose first field says all may be just that field. What
 * cannot be read leaves zeros behind, and an error that keeps the whole
 * configuration from being used.
 */
#include "read.h"

#include <string.h>

static void *
inside(void *base, size_t offset)
{
	return (unsigned char *)base + offset;
}

static void
read_scalar(struct document *d, const struct place *p, void *out,
    const yaml_node_t *node)
{
	const struct option *o = p->option;
	struct conf_mark at = node_mark(d, node);
	const char *text = (const char *)node->data.scalar.value;
	char why[WHY_MAX];

	(void)node_overrides(d, node, false);
	if (node->type != YAML_SCALAR_NODE) {
		problem_add(d->r, false, &at, "%s: is %s, but one %s is wanted",
		    p->path, node_kind(node), option_type_word(o->type));
		return;
	}
	if (node_is_empty(node)) {
		problem_add(d->r, false, &at, "%s: has no value%s", p->path,
		    o->type == OPTION_TEXT ? "; write \"\" for none" : "");
		return;
	}
	if (strlen(text) != node->data.scalar.length) {
		problem_add(d->r, false, &at, "%s: contains a NUL", p->path);
		return;
	}
	if (value_parse(o, text, d->r->arena, out, why) != ERR_OK)
		problem_add(d->r, false, &at, "%s: %s", p->path,
		    why[0] != '\0' ? why : "no memory left");
}

/* A set of words: one, or a list of them. */
static void
read_words(struct document *d, const struct place *p, void *out,
    const yaml_node_t *node, unsigned nest)
{
	struct conf_mark at = node_mark(d, node);

	memset(out, 0, option_bytes(p->option));
	if (node->type != YAML_SEQUENCE_NODE) {
		read_scalar(d, p, out, node);
		return;
	}
	(void)node_overrides(d, node, true);
	if (node->data.sequence.items.start == node->data.sequence.items.top)
		problem_add(d->r, false, &at, "%s: is empty", p->path);
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		const yaml_node_t *word = node_at(d, *i);

		if (!node_visit(d, word, nest + 1))
			return;
		read_scalar(d, p, out, word);
	}
}

/* --- groups --------------------------------------------------------------- */

static const struct option *
find_field(const struct option *group, const char *name)
{
	for (const struct option *f = group->fields; f->path != NULL; f++) {
		if (strcmp(f->path, name) == 0)
			return f;
	}
	return NULL;
}

/* Built-in values of fields are plain words, or a list of all of them. */
static void
fill_initials(struct document *d, const struct option *group, void *item)
{
	for (const struct option *f = group->fields; f->path != NULL; f++) {
		void *out = inside(item, f->offset);
		char why[WHY_MAX];

		if (f->initial == NULL)
			continue;
		if (f->type != OPTION_WORDS) {
			(void)!value_parse(f, f->initial, d->r->arena, out,
			    why);
			continue;
		}
		for (size_t i = 0; f->words[i] != NULL; i++)
			(void)!value_parse(f, f->words[i], d->r->arena, out,
			    why);
	}
}

static void
unknown_field(struct document *d, const struct place *p,
    const struct pair *pair)
{
	struct suggestion near = { .typed = pair->name };
	struct conf_mark at = node_mark(d, pair->key);

	for (const struct option *f = p->option->fields; f->path != NULL; f++)
		suggest_consider(&near, f->path);
	if (near.best != NULL)
		problem_add(d->r, false, &at,
		    "%s.%.60s: unknown option; did you mean \"%s\"?", p->path,
		    pair->name, near.best);
	else
		problem_add(d->r, false, &at, "%s.%.60s: unknown option",
		    p->path, pair->name);
}

static void
require_fields(struct document *d, const struct place *p,
    const yaml_node_t *node, const struct pair *pairs, size_t count)
{
	struct conf_mark at = node_mark(d, node);

	for (const struct option *f = p->option->fields; f->path != NULL; f++) {
		bool is_there = !f->is_required;

		for (size_t i = 0; i < count && !is_there; i++)
			is_there = strcmp(pairs[i].name, f->path) == 0;
		if (!is_there)
			problem_add(d->r, false, &at, "%s: lacks \"%s\"",
			    p->path, f->path);
	}
}

static void
read_fields(struct document *d, const struct place *p, void *item,
    const yaml_node_t *node, unsigned nest)
{
	struct pair pairs[READ_PAIRS_MAX];
	size_t count = node_pairs(d, node, pairs, nest);
	char path[READ_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct option *f = find_field(p->option, pairs[i].name);
		struct place field = { .option = f,
			.base = item,
			.path = path };

		if (f == NULL) {
			unknown_field(d, p, &pairs[i]);
			continue;
		}
		(void)snprintf(path, sizeof(path), "%.120s.%s", p->path,
		    f->path);
		item_read_option(d, &field, pairs[i].value, nest + 1);
	}
	require_fields(d, p, node, pairs, count);
}

/* An item that is just the first field, when the others can do without. */
static void
read_short_form(struct document *d, const struct place *p, void *item,
    const yaml_node_t *node)
{
	const struct option *f = p->option->fields;
	struct place field = { .option = f, .base = item, .path = p->path };
	struct conf_mark at = node_mark(d, node);

	for (const struct option *other = f + 1; other->path != NULL; other++) {
		if (!other->is_required)
			continue;
		problem_add(d->r, false, &at,
		    "%s: write {%s: ..., %s: ...} here", p->path, f->path,
		    other->path);
		return;
	}
	read_scalar(d, &field, inside(item, f->offset), node);
}

static void
read_group(struct document *d, const struct place *p, void *item,
    const yaml_node_t *node, unsigned nest)
{
	struct conf_mark at = node_mark(d, node);

	/* Every group begins with the place it was said at. */
	memcpy(item, &at, sizeof(at));
	fill_initials(d, p->option, item);
	if (node->type == YAML_MAPPING_NODE)
		read_fields(d, p, item, node, nest);
	else if (node->type == YAML_SCALAR_NODE)
		read_short_form(d, p, item, node);
	else
		problem_add(d->r, false, &at,
		    "%s: is a list, but a mapping is wanted", p->path);
}

/* --- lists ---------------------------------------------------------------- */

/* The stored form of every list: the items, then how many. */
struct list {
	void *items;
	size_t count;
};

static void
load_list(struct list *l, const struct place *p)
{
	const unsigned char *at = inside(p->base, p->option->offset);

	memcpy(&l->items, at, sizeof(l->items));
	memcpy(&l->count, at + sizeof(l->items), sizeof(l->count));
}

static void
store_list(const struct list *l, const struct place *p)
{
	unsigned char *at = inside(p->base, p->option->offset);

	memcpy(at, &l->items, sizeof(l->items));
	memcpy(at + sizeof(l->items), &l->count, sizeof(l->count));
}

/* Room for `more` further items, zeroed; false after complaining. */
static bool
grow_list(struct document *d, const struct place *p, struct list *l,
    const struct conf_mark *at, size_t more)
{
	size_t bytes = option_bytes(p->option);
	void *items;

	if (more > READ_ITEMS_MAX - l->count) {
		problem_add(d->r, false, at, "%s: has more than %u items",
		    p->path, READ_ITEMS_MAX);
		return false;
	}
	items = arena_take(d->r->arena, (l->count + more) * bytes);
	if (items == NULL)
		return false;
	if (l->count > 0)
		memcpy(items, l->items, l->count * bytes);
	l->items = items;
	return true;
}

static void
read_item(struct document *d, const struct place *p, struct list *l,
    const yaml_node_t *node, unsigned nest)
{
	void *out = inside(l->items, l->count * option_bytes(p->option));
	char path[READ_PATH_MAX];
	struct place item = { .option = p->option, .path = path };

	if (!node_visit(d, node, nest))
		return;
	(void)snprintf(path, sizeof(path), "%.120s[%zu]", p->path, l->count);
	if (p->option->type == OPTION_GROUP)
		read_group(d, &item, out, node, nest);
	else
		read_scalar(d, &item, out, node);
	l->count++;
}

static void
read_list(struct document *d, const struct place *p, const yaml_node_t *node,
    unsigned nest)
{
	bool is_sequence = node->type == YAML_SEQUENCE_NODE;
	struct conf_mark at = node_mark(d, node);
	size_t more = 1;
	struct list l;

	load_list(&l, p);
	if (is_sequence && node_overrides(d, node, true))
		l.count = 0;
	if (is_sequence)
		more = (size_t)(node->data.sequence.items.top -
				node->data.sequence.items.start);
	if (node_is_empty(node)) {
		problem_add(d->r, false, &at,
		    "%s: has no value; write [] for an empty list", p->path);
		return;
	}
	if (!grow_list(d, p, &l, &at, more))
		return;
	for (size_t i = 0; is_sequence && i < more; i++)
		read_item(d, p, &l,
		    node_at(d, node->data.sequence.items.start[i]), nest + 1);
	if (!is_sequence)
		read_item(d, p, &l, node, nest + 1);
	store_list(&l, p);
}

void
item_read_option(struct document *d, const struct place *p,
    const yaml_node_t *node, unsigned nest)
{
	void *out = inside(p->base, p->option->offset);

	if (!node_visit(d, node, nest))
		return;
	if (p->option->is_list)
		read_list(d, p, node, nest);
	else if (p->option->type == OPTION_WORDS)
		read_words(d, p, out, node, nest);
	else
		read_scalar(d, p, out, node);
}
