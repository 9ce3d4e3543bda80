/* SPDX-License-Identifier: BSD-3-Clause */
/* room.h - what the files of the cache know of each other. */
#ifndef HITHER_CACHE_ROOM_H
#define HITHER_CACHE_ROOM_H

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

/* A record set's block: packed sets follow the owner. */
struct record_entry {
	struct entry entry;
	uint64_t stored_ms;
	int16_t ede;
	uint16_t tries;
	uint16_t cost_ms;
	uint8_t set_count;
	uint8_t kind, rank, security;
	uint8_t packed[]; /* the owner, then the sets */
};

/* pack.c: record sets to and from one run of octets. */
size_t pack_bytes(const struct record *r);
void pack_record(const struct record *r, uint8_t *to);
/* Borrows from `from`; false when the arena is over. */
bool unpack_record(const uint8_t *from, size_t set_count, struct arena *a,
    struct record *out);

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
