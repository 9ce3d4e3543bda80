/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.c - groups records into sets (RFC 2181 section 5).
 *
 * Of a few records each is compared with all before it, which is cheaper than
 * to hash any: 1,500 instructions less a reply. For more there are two tables
 * of open addressing, at most two thirds full: one finds the set of an owner,
 * type and section, the other finds a record equal octet for octet in its
 * set, which is then dropped. Both are keyed anew for every message, so that
 * nobody can aim records at one slot: the work is linear in the number of
 * records whatever they are.
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
	uint64_t hash; /* of the owner; 0 among a few */
	uint32_t ttl;
	uint16_t type;
	uint8_t section;
	uint8_t owner_bytes;
	struct list lists[2];
};

struct gather {
	struct arena *arena;
	struct hash_key key;
	struct item *items;
	struct set *sets;
	uint16_t *item_slots, *set_slots; /* NULL: a few records */
	size_t max, mask;
	uint16_t item_count, set_count;
};

/* 0: a few records need none. */
static size_t
slots_for(size_t records)
{
	size_t slots = 8;

	if (records <= FEW)
		return 0;
	/* An orphan's set takes two slots in the end: two thirds full. */
	while (slots < 3 * records)
		slots *= 2;
	return slots;
}

struct gather *
gather_new(struct arena *a, size_t max_records)
{
	const size_t slots = slots_for(max_records), n = max_records + 1;
	struct gather *g;
	uint16_t *at;

	if (max_records > GATHER_MAX)
		return NULL;
	g = arena_room(a, sizeof(*g) + n * sizeof(*g->sets) +
			      n * sizeof(*g->items) + 2 * slots * sizeof(*at));
	if (g == NULL)
		return NULL;
	*g = (struct gather){ .arena = a, .max = max_records };
	g->sets = (struct set *)(g + 1);
	g->items = (struct item *)(g->sets + n);
	if (slots == 0)
		return g;
	at = (uint16_t *)(g->items + n);
	g->mask = slots - 1;
	g->item_slots = at;
	g->set_slots = at + slots;
	memset(at, 0xff, 2 * slots * sizeof(*at));
	hash_key_random(&g->key);
	return g;
}

/* --- sets ------------------------------------------------------------- */

static uint64_t
mix(uint64_t h, uint64_t salt)
{
	h ^= salt * UINT64_C(0x9e3779b97f4a7c15);
	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

static bool
set_is(const struct set *s, const struct set *wanted)
{
	return s->hash == wanted->hash && s->type == wanted->type &&
	       s->section == wanted->section &&
	       s->owner_bytes == wanted->owner_bytes &&
	       name_equal_sized(s->owner, wanted->owner, s->owner_bytes);
}

/* The slot of such a set, or the free one where it belongs. */
static uint16_t *
set_slot(struct gather *g, const struct set *wanted)
{
	size_t slot = (size_t)mix(wanted->hash,
	    (uint64_t)wanted->type << 2 | (uint64_t)wanted->section);

	for (;; slot++) {
		uint16_t *n = &g->set_slots[slot & g->mask];

		if (*n == NONE || set_is(&g->sets[*n], wanted))
			return n;
	}
}

/* The number of such a set; NONE: there is none. */
static uint16_t
set_find(struct gather *g, const struct set *wanted)
{
	if (g->set_slots != NULL)
		return *set_slot(g, wanted);
	for (uint16_t i = 0; i < g->set_count; i++)
		if (set_is(&g->sets[i], wanted))
			return i;
	return NONE;
}

/* The number of the set for r, made when there is none; NONE: arena over. */
static uint16_t
set_for(struct gather *g, const struct gather_record *r)
{
	struct set *s = &g->sets[g->set_count];
	uint16_t found;

	*s = (struct set){ .owner = r->owner,
		.ttl = r->ttl,
		.type = r->type,
		.section = (uint8_t)r->section,
		.owner_bytes = (uint8_t)r->owner_bytes,
		.lists = { { NONE, NONE, 0 }, { NONE, NONE, 0 } } };
	if (g->set_slots != NULL)
		s->hash = name_hash_sized(&g->key, r->owner, r->owner_bytes);
	found = set_find(g, s);
	if (found != NONE)
		return found;
	if (!r->owner_lasts)
		s->owner = arena_copy(g->arena, r->owner, r->owner_bytes);
	if (s->owner == NULL)
		return NONE;
	if (g->set_slots != NULL)
		*set_slot(g, s) = g->set_count;
	return g->set_count++;
}

/* --- records ---------------------------------------------------------- */

static bool
item_is(const struct item *it, const struct item *other)
{
	return other->tag == it->tag && other->set == it->set &&
	       other->rdata.len == it->rdata.len &&
	       (it->rdata.len == 0 || memcmp(other->rdata.bytes,
					  it->rdata.bytes, it->rdata.len) == 0);
}

static bool
is_among_few(const struct gather *g, const struct item *it)
{
	for (uint16_t i = 0; i < g->item_count; i++)
		if (item_is(it, &g->items[i]))
			return true;
	return false;
}

/* Is an equal one there? If not, it is filed as the next. */
static bool
is_repeated(struct gather *g, struct item *it)
{
	uint64_t hash;
	size_t slot;

	it->tag = 0;
	if (g->item_slots == NULL)
		return is_among_few(g, it);
	hash =
	    mix(hash_bytes(&g->key, it->rdata.bytes, it->rdata.len), it->set);
	it->tag = (uint32_t)(hash >> 32);
	for (slot = (size_t)hash & g->mask; g->item_slots[slot] != NONE;
	     slot = (slot + 1) & g->mask)
		if (item_is(it, &g->items[g->item_slots[slot]]))
			return true;
	g->item_slots[slot] = g->item_count;
	return false;
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
	if (!is_repeated(g, it))
		list_append(g, &g->sets[set].lists[kind], g->item_count++);
	return ERR_OK;
}

/* --- sets of what was read -------------------------------------------- */

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
	struct set wanted = *s;
	uint16_t found;
	struct set *to;

	wanted.type = TYPE_RRSIG;
	found = set_find(g, &wanted);
	if (found == NONE) {
		found = number;
		s->type = TYPE_RRSIG;
		if (g->set_slots != NULL)
			*set_slot(g, s) = number;
	}
	to = &g->sets[found];
	if (to->ttl > s->ttl)
		to->ttl = s->ttl;
	list_join(g, &to->lists[RECORDS], &s->lists[SIGS]);
}

static void
move_orphans(struct gather *g)
{
	for (uint16_t i = 0; i < g->set_count; i++)
		if (g->sets[i].lists[RECORDS].count == 0)
			move_orphan(g, i);
}

/* Returns what lies behind the last one. */
static struct rdata *
list_to_array(const struct gather *g, const struct list *l, struct rdata *out)
{
	uint16_t n;

	for (n = l->first; n != NONE; n = g->items[n].next)
		*out++ = g->items[n].rdata;
	return out;
}

/* Its records go to `rdata`; returns what lies behind them. */
static struct rdata *
set_build(const struct gather *g, const struct set *s, struct rrset *out,
    struct rdata *rdata)
{
	struct rdata *sigs = list_to_array(g, &s->lists[RECORDS], rdata);

	*out = (struct rrset){ .owner = s->owner,
		.rdata = rdata,
		.sigs = sigs,
		.ttl = s->ttl,
		.type = s->type,
		.count = s->lists[RECORDS].count,
		.sig_count = s->lists[SIGS].count };
	return list_to_array(g, &s->lists[SIGS], sigs);
}

/* They lie in the order of their sections: those of one are in one piece. */
enum err
gather_sets(struct gather *g, struct rrset **sets[SECTION_COUNT],
    size_t counts[SECTION_COUNT])
{
	const size_t most = g->set_count;
	struct rrset *made = arena_room(g->arena,
	    most * (sizeof(*made) + sizeof(struct rrset *)) +
		g->item_count * sizeof(struct rdata));
	struct rdata *rdata;
	struct rrset **at;

	if (made == NULL)
		return ERR_MEMORY;
	rdata = (struct rdata *)(made + most);
	at = (struct rrset **)(rdata + g->item_count);
	memset(counts, 0, SECTION_COUNT * sizeof(counts[0]));
	for (size_t s = 0; s < SECTION_COUNT; s++)
		sets[s] = at;
	move_orphans(g);
	for (size_t i = 0; i < most; i++) {
		const struct set *s = &g->sets[i];

		if (s->lists[RECORDS].count == 0)
			continue;
		if (counts[s->section]++ == 0)
			sets[s->section] = at;
		rdata = set_build(g, s, made, rdata);
		*at++ = made++;
	}
	return ERR_OK;
}
