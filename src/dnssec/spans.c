/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spans.c - proven gaps between names, kept to be used again: RFC 8198, RFC
 * 9077. How questions are answered out of them stands in spans_ask.c.
 *
 * Of each zone the NSEC and NSEC3 sets whose signatures were good are kept in
 * canonical order, the sets at its wildcards, and its SOA.
 *
 * A table of zones in sets of four; within a zone a sorted array. The zone
 * unused for longest makes room in its set; a zone that is full takes no more
 * until spans of it have ended.
 */
#include "spans.h"

#include <string.h>

#define WAYS           4u
#define ZONE_SPANS_MAX 2048u
#define WILDCARDS_MAX  256u /* of one zone */

struct spans *
spans_new(size_t zones_max, size_t spans_max)
{
	struct spans *s = memory_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->sets = zones_max / WAYS + 1;
	s->max = spans_max;
	s->zones = memory_new(s->sets * WAYS * sizeof(*s->zones));
	if (s->zones == NULL) {
		memory_free(s);
		return NULL;
	}
	hash_key_random(&s->hash);
	return s;
}

static void
list_clear(struct spans *s, struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		memory_free(l->items[i].set);
	s->count -= l->count;
	memory_free(l->items);
	memset(l, 0, sizeof(*l));
}

static void
zone_clear(struct spans *s, struct zone *z)
{
	list_clear(s, &z->nsec);
	list_clear(s, &z->nsec3);
	list_clear(s, &z->wildcards);
	memory_free(z->soa.set);
	memset(z, 0, sizeof(*z));
}

void
spans_free(struct spans *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->sets * WAYS; i++)
		zone_clear(s, &s->zones[i]);
	memory_free(s->zones);
	memory_free(s);
}

size_t
spans_count(const struct spans *s)
{
	return s->count;
}

struct zone *
spans_zone(struct spans *s, const uint8_t *name, uint32_t generation)
{
	struct zone *set =
	    &s->zones[name_hash(&s->hash, name) % s->sets * WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].taken && set[i].generation == generation &&
		    name_equal(set[i].name.wire, name))
			return &set[i];
	}
	return NULL;
}

static struct zone *
zone_make(struct spans *s, const uint8_t *name, uint32_t generation)
{
	struct zone *set =
	    &s->zones[name_hash(&s->hash, name) % s->sets * WAYS];
	struct zone *best = spans_zone(s, name, generation);

	if (best == NULL) {
		best = set;
		for (size_t i = 1; i < WAYS; i++) {
			if (set[i].used < best->used)
				best = &set[i];
		}
		zone_clear(s, best);
		name_copy(&best->name, name);
		best->generation = generation;
		best->taken = true;
	}
	best->used = ++s->clock;
	return best;
}

/* --- sorted lists ------------------------------------------------------- */

static bool
comes_after(const struct rrset *set, const uint8_t *name, uint16_t type)
{
	int c = name_compare(set->owner, name);

	return c > 0 || (c == 0 && set->type > type);
}

size_t
spans_upto(const struct list *l, const uint8_t *name, uint16_t type)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (comes_after(l->items[mid].set, name, type))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static bool
is_at(const struct list *l, size_t at, const struct rrset *set)
{
	return at > 0 && l->items[at - 1].set->type == set->type &&
	       name_equal(l->items[at - 1].set->owner, set->owner);
}

static void
list_drop_ended(struct spans *s, struct list *l, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].expires_ms > now_ms)
			l->items[kept++] = l->items[i];
		else
			memory_free(l->items[i].set);
	}
	s->count -= l->count - kept;
	l->count = kept;
}

static bool
list_room(struct list *l)
{
	size_t room = l->room * 2 + 8;
	struct span *grown;

	if (l->count < l->room)
		return true;
	grown = memory_grow(l->items, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	l->items = grown;
	l->room = room;
	return true;
}

static enum err
list_put(struct spans *s, struct list *l, const struct rrset *set,
    const struct span_time *when)
{
	size_t at = spans_upto(l, set->owner, set->type);
	size_t max = set->type == TYPE_NSEC || set->type == TYPE_NSEC3
			 ? ZONE_SPANS_MAX
			 : WILDCARDS_MAX;
	struct span fresh = { .made_ms = when->now_ms,
		.expires_ms = when->expires_ms };

	if (is_at(l, at, set)) {
		fresh.set = set_pack(set);
		if (fresh.set == NULL)
			return ERR_MEMORY;
		memory_free(l->items[at - 1].set);
		l->items[at - 1] = fresh;
		return ERR_OK;
	}
	if (l->count >= max || s->count >= s->max) {
		list_drop_ended(s, l, when->now_ms);
		at = spans_upto(l, set->owner, set->type);
	}
	if (l->count >= max || s->count >= s->max)
		return ERR_LIMIT;
	if (!list_room(l))
		return ERR_MEMORY;
	fresh.set = set_pack(set);
	if (fresh.set == NULL)
		return ERR_MEMORY;
	memmove(&l->items[at + 1], &l->items[at],
	    (l->count - at) * sizeof(*l->items));
	l->items[at] = fresh;
	l->count++;
	s->count++;
	return ERR_OK;
}

/* Another salt or other iterations: a new chain, the old one is over. */
static bool
same_chain(const struct rrset *a, const struct rrset *b)
{
	const struct rdata *x = &a->rdata[0], *y = &b->rdata[0];
	size_t head;

	if (x->len < 5 || y->len < 5 || x->bytes[4] != y->bytes[4])
		return false;
	head = 5u + x->bytes[4];
	return x->len >= head && y->len >= head &&
	       memcmp(x->bytes + 2, y->bytes + 2, head - 2) == 0;
}

enum err
spans_put(struct spans *s, const uint8_t *zone, const struct rrset *set,
    const struct span_time *when)
{
	struct zone *z;
	struct rrset *copy;

	if (set->count != 1 || !name_is_within(set->owner, zone))
		return ERR_RANGE;
	z = zone_make(s, zone, when->generation);
	switch (set->type) {
	case TYPE_NSEC:
		if (!name_is_within(rdata_name(&set->rdata[0], 0), zone))
			return ERR_RANGE;
		return list_put(s, &z->nsec, set, when);
	case TYPE_NSEC3:
		if (z->nsec3.count > 0 &&
		    !same_chain(z->nsec3.items[0].set, set))
			list_clear(s, &z->nsec3);
		return list_put(s, &z->nsec3, set, when);
	case TYPE_SOA:
		copy = name_equal(set->owner, zone) ? set_pack(set) : NULL;
		if (copy == NULL)
			return ERR_MEMORY;
		memory_free(z->soa.set);
		z->soa = (struct span){ copy, when->now_ms, when->expires_ms };
		return ERR_OK;
	default:
		return ERR_RANGE;
	}
}

/* One that stands there for an alias or a cut would speak of what is below. */
static bool
expands(uint16_t type)
{
	return type != TYPE_NS && type != TYPE_DS && type != TYPE_DNAME &&
	       type != TYPE_SOA && type != TYPE_NSEC && type != TYPE_NSEC3 &&
	       type != TYPE_RRSIG;
}

enum err
spans_put_wildcard(struct spans *s, const uint8_t *zone,
    const struct rrset *expanded, const uint8_t *parent,
    const struct span_time *when)
{
	static const uint8_t star = '*';
	struct rrset set = *expanded;
	struct name owner;

	if (!expands(set.type) || !name_is_within(parent, zone) ||
	    set.sig_count == 0 ||
	    name_prepend(&owner, &star, 1, parent) != ERR_OK)
		return ERR_RANGE;
	set.owner = owner.wire;
	return list_put(s, &zone_make(s, zone, when->generation)->wildcards,
	    &set, when);
}
