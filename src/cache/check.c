/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - counts of the table, and the proof of its invariants.
 *
 * table_check() walks all there is, one stripe at a time under its lock, and
 * stops the process when table.c broke its word. For tests.
 */
#include "table_inner.h"

void
table_count(const struct table *t, struct table_counts *out)
{
	*out = (struct table_counts){ 0 };
	for (size_t i = 0; i < t->stripe_count; i++) {
		struct stripe *s = &t->stripes[i];

		pthread_mutex_lock(&s->lock);
		out->entries += s->entries;
		out->bytes += s->live_bytes + s->waiting_bytes;
		out->evictions += s->evictions;
		out->refusals += s->refusals;
		pthread_mutex_unlock(&s->lock);
	}
}

static bool
same_key(const struct table *t, const struct entry *a, const struct entry *b)
{
	return a->hash == b->hash && a->type == b->type &&
	       a->class == b->class && a->view == b->view &&
	       name_equal((const uint8_t *)a + t->name_at,
		   (const uint8_t *)b + t->name_at);
}

static size_t
check_chain(const struct stripe *s, size_t bucket)
{
	const struct entry *e = atomic_load(&s->buckets[bucket]);
	size_t n = 0;

	for (; e != NULL; e = atomic_load(&e->next), n++) {
		const struct entry *x = atomic_load(&e->next);

		require(bucket_index(e->hash, buckets_count(s)) == bucket);
		require(x == NULL || !hash_is_before(x->hash, e->hash));
		require(n <= s->entries);
		for (; x != NULL; x = atomic_load(&x->next))
			require(!same_key(s->table, e, x));
	}
	return n;
}

static void
check_order(const struct stripe *s)
{
	size_t n = 0, bytes = 0;
	bool hand_seen = s->hand == NULL;
	const struct entry *newer = NULL;

	for (const struct entry *e = s->newest; e != NULL; e = e->older) {
		require(e->newer == newer);
		require(n < s->entries);
		n++;
		bytes += block_cost(e->bytes);
		hand_seen = hand_seen || e == s->hand;
		newer = e;
	}
	require(newer == s->oldest);
	require(hand_seen);
	require(n == s->entries);
	require(bytes == s->live_bytes);
}

static void
check_waiting(const struct table *t, const struct stripe *s)
{
	size_t bytes = 0;

	for (const struct entry *e = s->limbo; e != NULL; e = e->older)
		bytes += block_cost(e->bytes);
	require(bytes == s->limbo_bytes);
	require(s->limbo_bytes + s->batch_bytes <= s->waiting_bytes);
	require(s->in_flight || s->limbo_bytes == s->waiting_bytes);
	require(s->live_bytes <= t->soft_bytes);
	require(s->live_bytes + s->waiting_bytes <= t->quota_bytes);
}

void
table_check(const struct table *t)
{
	for (size_t i = 0; i < t->stripe_count; i++) {
		struct stripe *s = &t->stripes[i];
		size_t n = 0;

		pthread_mutex_lock(&s->lock);
		require(buckets_count(s) <= t->buckets_max);
		for (size_t b = 0; b < t->buckets_max; b++)
			n += b < buckets_count(s)
				 ? check_chain(s, b)
				 : atomic_load(&s->buckets[b]) != NULL;
		require(n == s->entries);
		check_order(s);
		check_waiting(t, s);
		pthread_mutex_unlock(&s->lock);
	}
}
