/* SPDX-License-Identifier: BSD-3-Clause */
/* table_inner.h - the table's own structs, for table.c and its check. */
#ifndef HITHER_CACHE_TABLE_INNER_H
#define HITHER_CACHE_TABLE_INNER_H

#include <pthread.h>

#include "place.h"
#include "rcu.h"
#include "table.h"

#define STRIPES_MAX    64u
#define STRIPE_BYTES   (256u * 1024u) /* a stripe has no less, if it can */
#define BUCKET_BYTES   256u           /* of entries per bucket, when full */
#define BUCKETS_FIRST  256u           /* of a stripe, when it is empty */
#define HAND_STEPS_MAX 512u
#define FLUSH_SLICE    256u /* buckets walked under one lock */

struct stripe {
	struct table *table;
	_Atomic(struct entry *) *buckets; /* table->buckets_max of them */
	_Atomic uint32_t in_use; /* so many of them; only ever more, >= 2 */
	pthread_mutex_t lock;
	pthread_cond_t idle; /* no batch is on its way */
	/* Everything below is under the lock. */
	struct entry *newest, *oldest, *hand;
	struct entry *limbo; /* removed, not sent off yet */
	struct entry *batch; /* sent off */
	struct rcu_head rcu; /* the batch's */
	size_t live_bytes, waiting_bytes, limbo_bytes, batch_bytes;
	size_t entries;
	uint64_t evictions, refusals;
	bool in_flight, closing;
};

struct table {
	struct stripe *stripes;
	_Atomic(struct entry *) *buckets; /* of all stripes */
	size_t stripe_count;		   /* a power of two */
	size_t buckets_max;		   /* of each stripe */
	size_t name_at;
	size_t quota_bytes, soft_bytes;    /* of each stripe */
};

/* What a block costs the heap. */
size_t block_cost(size_t bytes);

static inline struct stripe *
table_stripe(const struct table *t, uint64_t hash)
{
	return &t->stripes[(hash >> 32) & (t->stripe_count - 1)];
}

/*
 * buckets.c: what readers walk. To change it takes the stripe's lock. An entry
 * is in the bucket of its hash, and in order: whose lowest bit differs first.
 */
static inline uint32_t
buckets_count(const struct stripe *s)
{
	return atomic_load_explicit(&s->in_use, memory_order_acquire);
}

/* Of `count` buckets those up to the last power of two were split, or not. */
static inline uint32_t
bucket_index(uint32_t hash, uint32_t count)
{
	const uint32_t mask = UINT32_MAX >> __builtin_clz(count - 1);
	const uint32_t bucket = hash & mask;

	return bucket < count ? bucket : bucket & mask >> 1;
}

static inline bool
hash_is_before(uint32_t a, uint32_t b)
{
	const uint32_t differs = a ^ b;

	return (b & differs & -differs) != 0;
}

/* Returns the entry of the same key, which is behind it now, or NULL. */
struct entry *buckets_add(struct stripe *s, const struct key *k,
    struct entry *e);
void buckets_remove(struct stripe *s, const struct entry *e);
/* One bucket more, if the entries are more than the buckets. */
void buckets_split(struct stripe *s);

#endif
