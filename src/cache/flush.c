/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flush.c - forgetting on demand.
 *
 * The generation is raised first, so that an answer under way, made from
 * what is about to go, is refused; then the records go, then all packed
 * answers, which are misses already and only cost memory.
 */
#include "room.h"

struct wish {
	const uint8_t *name;
	enum flush_what what;
	uint16_t type;
};

static bool
is_negative(const struct record_entry *r)
{
	return r->kind == RECORD_NODATA || r->kind == RECORD_NXDOMAIN ||
	       r->kind == RECORD_FAILURE;
}

/* An NXDOMAIN speaks for every type, so it goes with any of them. */
static bool
speaks_of(const struct record_entry *r, uint16_t type)
{
	return r->kind == RECORD_NXDOMAIN || r->entry.type == type;
}

static bool
record_wanted_gone(const struct entry *e, const void *user)
{
	const struct record_entry *r =
	    (const struct record_entry *)(const void *)e;
	const struct wish *w = user;

	switch (w->what) {
	case FLUSH_ALL:
		return true;
	case FLUSH_NAME:
		return name_equal(r->packed, w->name);
	case FLUSH_ZONE:
		return name_is_within(r->packed, w->name);
	case FLUSH_TYPE:
		return name_equal(r->packed, w->name) && speaks_of(r, w->type);
	case FLUSH_NEGATIVE:
		return is_negative(r) &&
		       (w->name == NULL || name_is_within(r->packed, w->name));
	}
	return false;
}

static bool
everything(const struct entry *e, const void *user)
{
	(void)e;
	(void)user;
	return true;
}

size_t
cache_flush(struct cache *c, enum flush_what what, const uint8_t *name,
    uint16_t type)
{
	struct wish w = { .name = name, .what = what, .type = type };
	bool needs_name =
	    what == FLUSH_NAME || what == FLUSH_ZONE || what == FLUSH_TYPE;
	size_t n;

	if (needs_name && name == NULL)
		return 0;
	atomic_fetch_add_explicit(&c->generation, 1, memory_order_acq_rel);
	n = table_remove_if(c->records, record_wanted_gone, &w);
	(void)table_remove_if(c->answers, everything, NULL);
	return n;
}
