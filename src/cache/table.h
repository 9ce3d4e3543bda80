/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.h - a hash table of immutable blocks, bounded in bytes.
 *
 * Both tiers of the cache stand on it. A block begins with struct entry and
 * carries its key; what follows is the tier's own.
 */
#ifndef HITHER_CACHE_TABLE_H
#define HITHER_CACHE_TABLE_H

#include <stdatomic.h>

#include <hither/dns.h>

struct entry {
	_Atomic(struct entry *) next; /* chain of the bucket; for readers */
	/* Order of arrival, under the stripe's lock. `older` also links what
	 * waits for reclamation. */
	struct entry *newer, *older;
	uint64_t expires_ms;
	uint32_t hash;  /* low half: bucket and tag */
	uint32_t bytes; /* of the block, as asked from the allocator */
	uint16_t own;	/* the tier's: it would be padding */
	/* The key; its name lies where all of the table's blocks have it. */
	uint16_t type;
	uint8_t class; /* the tier's: kind of key, or flags */
	uint8_t view;
	_Atomic uint8_t visited; /* the only octet that readers write */
	uint8_t name_bytes;
};

struct key {
	const uint8_t *name;
	uint64_t hash; /* of the name alone */
	uint16_t type;
	uint8_t class;
	uint8_t view;
	uint8_t name_bytes;
};

struct table;

/*
 * Bounded by max_bytes with all that it needs for itself. The names of the
 * keys lie name_at octets into the blocks.
 */
struct table *table_new(size_t max_bytes, size_t name_at) MUST_USE;
/* Ends when the last reclamation has ended. NULL is fine. */
void table_free(struct table *t);

/* Sets the name of a key, with its length and hash; 0: that is not known. */
static inline void
key_set_hashed(struct key *k, const struct hash_key *hk, const uint8_t *name,
    uint64_t hash)
{
	k->name = name;
	k->name_bytes = (uint8_t)name_bytes(name);
	k->hash = hash != 0 ? hash : name_hash_sized(hk, name, k->name_bytes);
}

static inline void
key_set_name(struct key *k, const struct hash_key *hk, const uint8_t *name)
{
	key_set_hashed(k, hk, name, 0);
}

/*
 * Within rcu_enter()/table_leave(): the entry of this key, live or not, or
 * NULL. table_touch() tells SIEVE that it was of use.
 */
struct entry *table_find(const struct table *t, const struct key *k);
void table_leave(struct table *t);
/* Fetches ahead what a look at the usual types of such a name will read. */
_Atomic(struct entry *) const *table_expect(
    const struct table *t, uint64_t name_hash);
/* And then, when that is there, the first entry it leads to. */
void table_expect_entry(_Atomic(struct entry *) const *bucket);
/*
 * Likewise: which entries there are of the name with this hash, a bit for
 * each (place_kind), as far as one bucket tells.
 */
uint32_t table_kinds(const struct table *t, uint64_t name_hash);
static inline void
table_touch(struct entry *e)
{
	if (!atomic_load_explicit(&e->visited, memory_order_relaxed))
		atomic_store_explicit(&e->visited, 1, memory_order_relaxed);
}

/* May `fresh` take the place of `old`, of the same key, which is live? */
typedef bool table_judge(const struct entry *old, const struct entry *fresh);

/* Would a block of this size have a chance at all? */
bool table_takes(const struct table *t, size_t bytes);
/*
 * Publishes e under k and takes it over, also on failure: ERR_REFUSED by
 * judge (NULL: none), ERR_LIMIT when there is no room now.
 */
enum err table_put(struct table *t, const struct key *k, struct entry *e,
    table_judge *judge, uint64_t now_ms) MUST_USE;

typedef bool table_wants_gone(const struct entry *e, const void *user);
/* Removes the entry of this key when fn says so. */
void table_remove(struct table *t, const struct key *k, table_wants_gone *fn,
    const void *user);
/* Removes what fn says; a slice at a time, so that writers are not held up. */
size_t table_remove_if(struct table *t, table_wants_gone *fn, const void *user);

/*
 * Shows every entry to fn, until it says false. What comes or goes meanwhile
 * may be seen or not, and when entries come, others now and then twice. fn
 * runs within a read section: it must not wait long.
 */
typedef bool table_sees(const struct entry *e, void *user);
void table_walk(struct table *t, table_sees *fn, void *user);

struct table_counts {
	uint64_t entries, bytes, evictions, refusals;
};
void table_count(const struct table *t, struct table_counts *out);
void table_check(const struct table *t);

#endif
