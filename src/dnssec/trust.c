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

/* Everything behind the struct: RDATA list first, for its alignment. */
static struct trust *
pack(const struct trust *t)
{
	size_t count = t->set == NULL ? 0 : t->set->count, octets = 0;
	size_t name_len = name_bytes(t->zone);
	size_t why_len = t->why == NULL ? 0 : strlen(t->why) + 1;
	struct trust *out;
	struct rrset *set;
	struct rdata *list;
	uint8_t *p;

	for (size_t i = 0; i < count; i++)
		octets += t->set->rdata[i].len;
	out = memory_new(sizeof(*out) + sizeof(*set) + count * sizeof(*list) +
			 octets + name_len + why_len);
	if (out == NULL)
		return NULL;
	*out = *t;
	set = (struct rrset *)(void *)(out + 1);
	list = (struct rdata *)(void *)(set + 1);
	p = (uint8_t *)(list + count);
	out->zone = memcpy(p, t->zone, name_len);
	p += name_len;
	for (size_t i = 0; i < count; i++) {
		list[i].bytes = p;
		list[i].len = t->set->rdata[i].len;
		if (list[i].len > 0)
			memcpy(p, t->set->rdata[i].bytes, list[i].len);
		p += list[i].len;
	}
	if (why_len > 0)
		out->why = memcpy(p, t->why, why_len);
	if (t->set != NULL) {
		*set = *t->set;
		set->owner = out->zone;
		set->rdata = list;
		set->sigs = NULL;
		set->sig_count = 0;
		out->set = set;
	}
	return out;
}

enum err
trust_put(struct trust_table *tt, const struct trust *t)
{
	struct place *set = set_of(tt, t->zone), *best = set;

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
	best->t = pack(t);
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
