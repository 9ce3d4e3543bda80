/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resort.c - the last resorts, when nobody is left who answers as a server
 * should. In this order, each once for a zone:
 *
 *  1. addresses the parent of a server's own zone gave for it, where the
 *     zone's own data led nowhere (parent and child may differ);
 *  2. wrong glue: the names' addresses are looked up after all;
 *  3. missing glue: the parent's servers are asked for one name's address;
 *  4. a resolver in a server's place: better its answer than none.
 */
#include "task.h"

/* The addresses among `sets` that belong to name number i. */
static bool
take_addresses(struct task *t, size_t i, const struct record *r)
{
	const struct delegation_rules rules = resolver_rules(t->rs);
	size_t before = t->zone->address_count;

	for (size_t k = 0; k < r->set_count; k++) {
		if (name_equal(r->sets[k]->owner, t->zone->names[i].name))
			delegation_add(t->zone, i, r->sets[k], &rules);
	}
	return t->zone->address_count > before;
}

static bool
take_parent_glue(struct task *t, size_t i)
{
	const uint8_t *name = t->zone->names[i].name;
	struct record r;

	for (unsigned n = name_labels(name); n > 0; n--) {
		if (records_get_delegation(t->rs->o.cache, name_suffix(name, n),
			t->rs->ttl_ms, t->arena, &r) &&
		    take_addresses(t, i, &r))
			return true;
	}
	return false;
}

static bool
find_parent_glue(struct task *t)
{
	struct delegation *d = t->zone;
	bool found = false;

	d->took_parent_glue = true;
	for (size_t i = 0; i < d->name_count && !t->cold; i++) {
		if (!name_is_within(d->names[i].name, d->zone) &&
		    take_parent_glue(t, i))
			found = true;
	}
	return found;
}

static bool
ask_parent(struct task *t)
{
	struct delegation *d = t->zone;
	struct task_key k = { .qtype = t->rs->o.ip4 ? TYPE_A : TYPE_AAAA,
		.cold = t->cold,
		.trace = t->trace,
		.for_server = true,
		.above = name_labels(d->zone) };

	d->asked_parent = true;
	for (size_t i = 0; i < d->name_count; i++) {
		struct server_name *n = &d->names[i];

		if (n->has_glue || !name_is_within(n->name, d->zone))
			continue;
		k.qname = n->name;
		if (task_depend(t, &k, i) != ERR_OK)
			return false;
		*(k.qtype == TYPE_A ? &n->v4 : &n->v6) = LOOKUP_RUNS;
		return true;
	}
	return false;
}

static bool
ask_resolvers(struct task *t)
{
	struct delegation *d = t->zone;

	t->ask_recursively = true;
	flights_leave(t);
	for (size_t i = 0; i < d->address_count; i++)
		d->tried[i] = d->spent[i] = !d->recursive[i];
	return true;
}

/* True: PICK_SERVER has something to do again. */
bool
pick_last_resort(struct task *t)
{
	struct delegation *d = t->zone;

	if (!d->took_parent_glue && !d->configured && find_parent_glue(t))
		return true;
	if (!d->doubt_glue && !d->configured) {
		d->doubt_glue = true;
		return true;
	}
	if (!d->asked_parent && !d->configured && d->address_count == 0 &&
	    t->above == 0 && name_labels(d->zone) > 0 && ask_parent(t))
		return true;
	return t->saw_recursive && !t->ask_recursively && ask_resolvers(t);
}
