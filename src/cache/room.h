/* SPDX-License-Identifier: BSD-3-Clause */
/* room.h - what the files of the cache know of each other. */
#ifndef HITHER_CACHE_ROOM_H
#define HITHER_CACHE_ROOM_H

#include <stddef.h>

#include <hither/cache.h>

#include "sketch.h"
#include "table.h"

/* Kinds of key among the records; an NXDOMAIN is KEY_FACT of type 0. */
enum key_class { KEY_FACT, KEY_FAILURE, KEY_DELEGATION };

struct cache {
	struct table *records;
	struct table *answers;
	struct sketch *sketch; /* which answers were asked for lately */
	struct hash_key hash_key;
	size_t records_max, answers_max; /* as configured */
	_Atomic uint32_t generation;
};

/* A record set's block: packed sets follow the owner. entry.own: tries. */
struct record_entry {
	struct entry entry;
	uint32_t lifetime_ms; /* from when it was stored to when it ends */
	uint16_t cost_ms;
	uint8_t set_count;
	uint8_t kind : 3, rank : 3, security : 2;
	int8_t ede;
	uint8_t packed[]; /* the owner, then the sets */
};

static inline uint64_t
record_stored_ms(const struct record_entry *e)
{
	return e->entry.expires_ms - e->lifetime_ms;
}

/* A packed answer's block. entry.own: how many TTLs there are, ROTATES. */
#define ROTATES 0x8000u
struct answer_entry {
	struct entry entry;
	uint32_t lifetime_ms;	  /* from when it was stored to when it ends */
	uint32_t refresh_left_ms; /* so long before its end; 0: never */
	uint32_t generation;
	uint16_t len;
	int8_t ede;
	_Atomic uint8_t claimed; /* somebody went to refresh it */
	/* len octets; the offsets of the TTLs; the rotation, if any */
	uint8_t message[];
};
#define ANSWER_NAME_AT (offsetof(struct answer_entry, message) + HEADER_BYTES)

/*
 * pack.c: record sets to and from one run of octets. k is the record's key,
 * whose type is not written; the reader has it in out->type.
 */
size_t pack_bytes(const struct record *r, const struct key *k);
void pack_record(const struct record *r, const struct key *k, uint8_t *to);
/* Borrows from `from`; false when the arena is over. */
bool unpack_record(const uint8_t *from, size_t set_count, struct arena *a,
    struct record *out);

/* No entry is kept for longer than a lifetime can say: 49 days. */
static inline uint64_t
lifetime_bounded(uint64_t stored_ms, uint64_t expires_ms)
{
	return expires_ms - stored_ms > UINT32_MAX ? stored_ms + UINT32_MAX
						   : expires_ms;
}

/* ranks.c: may fresh replace a live old one? RFC 2181 section 5.4.1. */
struct standing {
	enum record_kind kind;
	enum rank rank;
	enum security security;
};
bool standing_yields(const struct standing *old, const struct standing *fresh);
/* Both live for one name: does "no such name" win over the set? */
bool standing_denies(const struct standing *set, uint64_t set_stored_ms,
    const struct standing *nxdomain, uint64_t nxdomain_stored_ms);

#endif
