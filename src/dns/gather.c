/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.c - groups records into sets (RFC 2181 section 5).
 *
 * Two tables of open addressing, at most two thirds full: one finds the set
 * of an owner, type and section, the other finds a record equal octet for
 * octet in its set, which is then dropped. Both are keyed anew for every
 * message of more than a few records, so that nobody can aim records at one
 * slot: the work is linear in the number of records whatever they are.
 *
 * An RRSIG is filed under the type it covers. When all is read, sets that
 * have signatures only become the owner's set of type RRSIG.
 */
#include "gather.h"

#include <string.h>

#define NONE UINT16_MAX
#define FEW  16u

struct item {
	struct rdata rdata;
	uint32_t tag; /* part of the hash, spares most comparisons */
	uint16_t next;
	uint16_t set; /* list number: set * 2 + is_sig */
};

struct list {
	uint16_t first, last, count;
};

enum { RECORDS, SIGS };

struct set {
	const uint8_t *owner;
	uint64_t hash; /* of the owner */
	uint32_t ttl;
	uint16_t type;
	uint8_t section;
	struct list lists[2];
};

struct gather {
	struct arena *arena;
	struct hash_key key;
	struct item *items;
	struct set *sets;
	uint16_t *item_slots, *set_slots;
	size_t max, mask;
	uint16_t item_count, set_count;
	bool orphans_moved;
};

struct gather *
gather_new(struct arena *a, size_t max_records)
{
	struct gather *g = arena_take(a, sizeof(*g));
	size_t slots = 8;

	if (g == NULL || max_records > GATHER_MAX)
		return NULL;
	/* An orphan's set takes two slots in the end: two thirds full. */
	while (slots < 3 * max_records)
		slots *= 2;
	g->arena = a;
	g->max = max_records;
	g->mask = slots - 1;
	g->items = arena_take(a, (max_records + 1) * sizeof(*g->items));
	g->sets = arena_take(a, (max_records + 1) * sizeof(*g->sets));
	g->item_slots = arena_take(a, slots * sizeof(*g->item_slots));
	g->set_slots = arena_take(a, slots * sizeof(*g->set_slots));
	if (arena_over(a))
		return NULL;
	memset(g->item_slots, 0xff, slots * sizeof(*g->item_slots));
	memset(g->set_slots, 0xff, slots * sizeof(*g->set_slots));
	/* A few cannot be made to cost much, and a key is a system call. */
	if (max_records > FEW)
		hash_key_random(&g->key);
	return g;
}

static uint64_t
mix(uint64_t h, uint64_t salt)
{
	h ^= salt * UINT64_C(0x9e3779b97f4a7c15);
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

static bool
set_is(const struct set *s, const struct gather_record *r, uint64_t hash)
{
	return s->hash == hash && s->type == r->type &&
	       s->section == r->section && name_equal(s->owner, r->owner);
}

/* The slot of the set for r, or the free one where it belongs. */
static uint16_t *
set_slot(struct gather *g, const struct gather_record *r, uint64_t hash)
{
	size_t slot =
	    (size_t)mix(hash, (uint64_t)r->type << 2 | (uint64_t)r->section);

	for (;; slot++) {
		uint16_t *n = &g->set_slots[slot & g->mask];

		if (*n == NONE || set_is(&g->sets[*n], r, hash))
			return n;
	}
}

/* The number of the set for r, made when there is none; NONE: arena over. */
static uint16_t
set_for(struct gather *g, const struct gather_record *r)
{
	uint64_t hash = name_hash(&g->key, r->owner);
	uint16_t *slot = set_slot(g, r, hash);
	struct set *s = &g->sets[g->set_count];

	if (*slot != NONE)
		return *slot;
	*s = (struct set){ .owner = name_copy_in(g->arena, r->owner),
		.hash = hash,
		.ttl = r->ttl,
		.type = r->type,
		.section = (uint8_t)r->section,
		.lists = { { NONE, NONE, 0 }, { NONE, NONE, 0 } } };
	if (s->owner == NULL)
		return NONE;
	*slot = g->set_count;
	return g->set_count++;
}

/* The free slot for an item, or g->mask + 1 when the list has it. */
static size_t
item_slot(struct gather *g, const struct item *it, uint64_t hash)
{
	size_t slot = (size_t)hash & g->mask;

	for (;; slot = (slot + 1) & g->mask) {
		uint16_t n = g->item_slots[slot];
		const struct item *other = &g->items[n == NONE ? 0 : n];

		if (n == NONE)
			return slot;
		if (other->tag == it->tag && other->set == it->set &&
		    other->rdata.len == it->rdata.len &&
		    (it->rdata.len == 0 ||
			memcmp(other->rdata.bytes, it->rdata.bytes,
			    it->rdata.len) == 0))
			return g->mask + 1;
	}
}

static void
list_append(struct gather *g, struct list *l, uint16_t n)
{
	g->items[n].next = NONE;
	if (l->count == 0)
		l->first = n;
	else
		g->items[l->last].next = n;
	l->last = n;
	l->count++;
}

static uint16_t
type_covered(const struct rdata *r)
{
	if (r->len < 2)
		return 0;
	return (uint16_t)(r->bytes[0] << 8 | r->bytes[1]);
}

enum err
gather_add(struct gather *g, const struct gather_record *r)
{
	struct gather_record filed = *r;
	struct item *it = &g->items[g->item_count];
	uint16_t set, kind = RECORDS;
	uint64_t hash;
	size_t slot;

	if (g->item_count >= g->max)
		return ERR_LIMIT;
	if (r->type == TYPE_RRSIG && type_covered(&r->rdata) != TYPE_RRSIG) {
		filed.type = type_covered(&r->rdata);
		kind = SIGS;
	}
	set = set_for(g, &filed);
	if (set == NONE)
		return ERR_MEMORY;
	if (g->sets[set].ttl > r->ttl)
		g->sets[set].ttl = r->ttl;
	it->rdata = r->rdata;
	it->set = (uint16_t)(set * 2 + kind);
	hash = mix(hash_bytes(&g->key, r->rdata.bytes, r->rdata.len), it->set);
	it->tag = (uint32_t)(hash >> 32);
	slot = item_slot(g, it, hash);
	if (slot > g->mask)
		return ERR_OK; /* a duplicate */
	g->item_slots[slot] = g->item_count;
	list_append(g, &g->sets[set].lists[kind], g->item_count++);
	return ERR_OK;
}

/* Hangs the whole list `from` behind `to`. */
static void
list_join(struct gather *g, struct list *to, struct list *from)
{
	if (to->count == 0) {
		*to = *from;
	} else {
		g->items[to->last].next = from->first;
		to->last = from->last;
		to->count = (uint16_t)(to->count + from->count);
	}
	*from = (struct list){ NONE, NONE, 0 };
}

/*
 * A set of signatures that cover nothing present joins the owner's RRSIG set,
 * or becomes it.
 */
static void
move_orphan(struct gather *g, uint16_t number)
{
	struct set *s = &g->sets[number];
	struct gather_record key = { .owner = s->owner,
		.type = TYPE_RRSIG,
		.section = (enum section)s->section };
	uint16_t *slot = set_slot(g, &key, s->hash);
	struct set *to;

	if (*slot == NONE) {
		*slot = number;
		s->type = TYPE_RRSIG;
	}
	to = &g->sets[*slot];
	if (to->ttl > s->ttl)
		to->ttl = s->ttl;
	list_join(g, &to->lists[RECORDS], &s->lists[SIGS]);
}

static void
move_orphans(struct gather *g)
{
	uint16_t i;

	if (g->orphans_moved)
		return;
	g->orphans_moved = true;
	for (i = 0; i < g->set_count; i++)
		if (g->sets[i].lists[RECORDS].count == 0)
			move_orphan(g, i);
}

static void
list_to_array(const struct gather *g, const struct list *l, struct rdata *out)
{
	uint16_t n;

	for (n = l->first; n != NONE; n = g->items[n].next)
		*out++ = g->items[n].rdata;
}

static struct rrset *
set_build(struct gather *g, const struct set *s)
{
	size_t records = s->lists[RECORDS].count, sigs = s->lists[SIGS].count;
	struct rrset *made = arena_take(g->arena,
	    sizeof(*made) + (records + sigs) * sizeof(struct rdata));
	struct rdata *rdata;

	if (made == NULL)
		return NULL;
	rdata = (struct rdata *)(made + 1);
	list_to_array(g, &s->lists[RECORDS], rdata);
	list_to_array(g, &s->lists[SIGS], rdata + records);
	made->owner = s->owner;
	made->rdata = rdata;
	made->sigs = rdata + records;
	made->ttl = s->ttl;
	made->type = s->type;
	made->count = (uint16_t)records;
	made->sig_count = (uint16_t)sigs;
	return made;
}

enum err
gather_sets(struct gather *g, enum section s, struct rrset ***sets,
    size_t *count)
{
	size_t i, n = 0;

	move_orphans(g);
	*sets = NULL;
	*count = 0;
	for (i = 0; i < g->set_count; i++)
		n += g->sets[i].section == s &&
		     g->sets[i].lists[RECORDS].count > 0;
	*sets = arena_take(g->arena, (n + 1) * sizeof(**sets));
	if (*sets == NULL)
		return ERR_MEMORY;
	for (i = 0; i < g->set_count; i++) {
		if (g->sets[i].section != s ||
		    g->sets[i].lists[RECORDS].count == 0)
			continue;
		(*sets)[*count] = set_build(g, &g->sets[i]);
		if ((*sets)[(*count)++] == NULL)
			return ERR_MEMORY;
	}
	return ERR_OK;
}
