/* SPDX-License-Identifier: BSD-3-Clause */
/* table_inner.h - the table's own structs, for table.c and its check. */
#ifndef HITHER_CACHE_TABLE_INNER_H
#define HITHER_CACHE_TABLE_INNER_H

#include <pthread.h>

#include "rcu.h"
#include "table.h"

#define STRIPES_MAX    64u
#define STRIPE_BYTES   (256u * 1024u) /* a stripe has no less, if it can */
#define BUCKET_BYTES   256u           /* of entries per bucket, when full */
#define HAND_STEPS_MAX 512u
#define FLUSH_SLICE    256u /* buckets walked under one lock */

struct stripe {
	struct table *table;
	_Atomic(struct entry *) *buckets; /* table->bucket_count of them */
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
	size_t stripe_count, bucket_count; /* powers of two */
	size_t quota_bytes, soft_bytes;    /* of each stripe */
};

/* place.c: bucket and stripe of a key, and of a name's usual types. */
uint64_t place_hash(const struct key *k);
uint64_t place_of_name(uint64_t name_hash);
size_t block_cost(size_t bytes);
struct stripe *table_stripe(const struct table *t, uint64_t hash);

#endif
