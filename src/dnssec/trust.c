/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trust.c - what is known of zones: their proven keys, their proven DS, or
 * that they are unsigned. A table of sets of eight places; within a set the
 * one unused for longest makes room. One block of memory an entry.
 */
#include "inner.h"

#include <string.h>

#define WAYS 8u

struct place {
	struct trust *t; /* NULL: free; the block holds all it points to */
	uint64_t used;
};

struct trust_table {
	struct place *places;
	size_t sets;
	struct hash_key hash;
	uint64_t clock;
};

struct trust_table *
trust_table_new(size_t zones_max)
{
	struct trust_table *tt = memory_new(sizeof(*tt));

	if (tt == NULL)
		return NULL;
	tt->sets = zones_max / WAYS + 1;
	tt->places = memory_new(tt->sets * WAYS * sizeof(*tt->places));
	if (tt->places == NULL) {
		memory_free(tt);
		return NULL;
	}
	hash_key_random(&tt->hash);
	return tt;
}

void
trust_table_free(struct trust_table *tt)
{
	if (tt == NULL)
		return;
	for (size_t i = 0; i < tt->sets * WAYS; i++)
		memory_free(tt->places[i].t);
	memory_free(tt->places);
	memory_free(tt);
}

static struct place *
set_of(const struct trust_table *tt, const uint8_t *zone)
{
	return &tt->places[name_hash(&tt->hash, zone) % tt->sets * WAYS];
}

static size_t
set_bytes(const struct rrset *s)
{
	size_t n = sizeof(*s);

	if (s == NULL)
		return 0;
	for (uint16_t i = 0; i < s->count; i++)
		n += sizeof(struct rdata) + s->rdata[i].len;
	return (n + 15) & ~(size_t)15; /* the next one begins aligned */
}

/* At `at`, which is aligned and has set_bytes(s) bytes. */
static const struct rrset *
pack_set(uint8_t *at, const struct rrset *s, const uint8_t *owner)
{
	struct rrset *out = (struct rrset *)(void *)at;
	struct rdata *list = (struct rdata *)(void *)(out + 1);
	uint8_t *p;

	if (s == NULL)
		return NULL;
	p = (uint8_t *)(list + s->count);
	*out = *s;
	out->owner = owner;
	out->rdata = list;
	out->sigs = NULL;
	out->sig_count = 0;
	for (uint16_t i = 0; i < s->count; i++) {
		list[i].bytes = p;
		list[i].len = s->rdata[i].len;
		if (list[i].len > 0)
			memcpy(p, s->rdata[i].bytes, list[i].len);
		p += list[i].len;
	}
	return out;
}

/* One block: the struct, the sets, the name, the words. */
static struct trust *
pack(const struct trust *t)
{
	size_t keys = set_bytes(t->keys), ds = set_bytes(t->ds);
	size_t head = (sizeof(*t) + 15) & ~(size_t)15;
	size_t name_len = name_bytes(t->zone);
	size_t why_len = t->why == NULL ? 0 : strlen(t->why) + 1;
	uint8_t *block = memory_new(head + keys + ds + name_len + why_len);
	struct trust *out = (struct trust *)(void *)block;

	if (out == NULL)
		return NULL;
	*out = *t;
	out->zone = memcpy(block + head + keys + ds, t->zone, name_len);
	if (why_len > 0)
		out->why = memcpy(block + head + keys + ds + name_len, t->why,
		    why_len);
	out->keys = pack_set(block + head, t->keys, out->zone);
	out->ds = pack_set(block + head + keys, t->ds, out->zone);
	return out;
}

enum err
trust_put(struct trust_table *tt, const struct trust *t)
{
	struct place *set = set_of(tt, t->zone), *best = set;
	struct trust *packed = pack(t); /* may borrow from the old one */

	for (size_t i = 0; i < WAYS; i++) {
		struct place *at = &set[i];

		if (at->t != NULL && name_equal(at->t->zone, t->zone)) {
			best = at;
			break;
		}
		if (at->t == NULL ? best->t != NULL : at->used < best->used)
			best = at;
	}
	memory_free(best->t);
	best->used = ++tt->clock;
	best->t = packed;
	return best->t == NULL ? ERR_MEMORY : ERR_OK;
}

const struct trust *
trust_find(const struct trust_table *tt, const uint8_t *zone, uint64_t now_ms,
    uint32_t generation)
{
	struct place *set = set_of(tt, zone);

	for (size_t i = 0; i < WAYS; i++) {
		struct trust *t = set[i].t;

		if (t == NULL || !name_equal(t->zone, zone))
			continue;
		if (t->generation != generation || t->expires_ms <= now_ms)
			return NULL;
		/* The clock moves with puts: among finds any order will do. */
		set[i].used = tt->clock + 1;
		return t;
	}
	return NULL;
}
