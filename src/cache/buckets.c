/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buckets.c - the buckets of a stripe: as many as it needs, read without a lock.
 *
 * A stripe begins with few buckets and splits one whenever it holds more
 * entries than it has buckets (linear hashing, Litwin 1980): the table costs
 * what is in it, and no page of it is touched before its time. With 200,000
 * names under a bound of 384 MB that is 46 bytes a name less.
 *
 * Chains are in the order of their hashes, read from the lowest bit up, so
 * that what moves when a bucket is split is the chain's end (split-ordered
 * lists, Shalev and Shavit 2006). First the new bucket leads there, then the
 * count says so, and then the chain is cut: who walks by the old count finds
 * all of it, or ends at the cut, sees the count changed, and looks again.
 */
#include "table_inner.h"

/* --- reading ---------------------------------------------------------- */

static bool
key_is(const struct table *t, const struct entry *e, const struct key *k,
    uint32_t hash)
{
	return e->hash == hash && e->type == k->type && e->class == k->class &&
	       e->view == k->view && e->name_bytes == k->name_bytes &&
	       name_equal_sized((const uint8_t *)e + t->name_at, k->name,
		   k->name_bytes);
}

static struct entry *
next_of(_Atomic(struct entry *) const *link)
{
	return atomic_load_explicit(link, memory_order_acquire);
}

/*
 * Does e stand where there is nothing more of this hash? Who finds nothing,
 * as in a miss, needs to look at half a chain only, each entry of which may
 * have to come from memory.
 */
static bool
is_behind(const struct entry *e, uint32_t hash)
{
	return hash_is_before(hash, e->hash);
}

struct entry *
table_find(const struct table *t, const struct key *k)
{
	const uint64_t place = place_hash(k);
	const uint32_t hash = (uint32_t)place;
	const struct stripe *s = table_stripe(t, place);
	uint32_t count = buckets_count(s), before;
	struct entry *e;

	do {
		before = count;
		e = next_of(&s->buckets[bucket_index(hash, count)]);
		for (; e != NULL && !is_behind(e, hash); e = next_of(&e->next))
			if (key_is(t, e, k, hash))
				return e;
	} while (e == NULL && (count = buckets_count(s)) != before);
	return NULL;
}

_Atomic(struct entry *) const *
table_expect(const struct table *t, uint64_t name_hash)
{
	const uint64_t place = place_of_name(name_hash);
	const struct stripe *s = table_stripe(t, place);
	_Atomic(struct entry *) const *bucket =
	    &s->buckets[bucket_index((uint32_t)place, buckets_count(s))];

	__builtin_prefetch(bucket);
	return bucket;
}

void
table_expect_entry(_Atomic(struct entry *) const *bucket)
{
	const char *e = (const char *)next_of(bucket);

	if (e == NULL)
		return;
	__builtin_prefetch(e);
	__builtin_prefetch(e + 64);
}

uint32_t
table_kinds(const struct table *t, uint64_t name_hash)
{
	const uint64_t place = place_of_name(name_hash);
	const uint32_t hash = (uint32_t)place;
	const struct stripe *s = table_stripe(t, place);
	uint32_t count = buckets_count(s), before, kinds = 0;
	const struct entry *e;

	do {
		before = count;
		e = next_of(&s->buckets[bucket_index(hash, count)]);
		for (; e != NULL && !is_behind(e, hash); e = next_of(&e->next))
			if (e->hash == hash)
				kinds |= place_kind(e->class, e->type);
	} while ((count = buckets_count(s)) != before);
	return kinds;
}

void
table_leave(struct table *t)
{
	rcu_leave(t);
}

/* --- writing: all under the stripe's lock ----------------------------- */

static _Atomic(struct entry *) *
bucket_of(struct stripe *s, uint32_t hash)
{
	return &s->buckets[bucket_index(hash, buckets_count(s))];
}

struct entry *
buckets_add(struct stripe *s, const struct key *k, struct entry *e)
{
	_Atomic(struct entry *) *at = bucket_of(s, e->hash);
	struct entry *x;
	bool is_same = false;

	while ((x = next_of(at)) != NULL) {
		is_same = key_is(s->table, x, k, e->hash);
		if (is_same || hash_is_before(e->hash, x->hash))
			break;
		at = &x->next;
	}
	atomic_store_explicit(&e->next, x, memory_order_relaxed);
	atomic_store_explicit(at, e, memory_order_release);
	return is_same ? x : NULL;
}

void
buckets_remove(struct stripe *s, const struct entry *e)
{
	_Atomic(struct entry *) *at = bucket_of(s, e->hash);
	struct entry *x;

	while ((x = next_of(at)) != e) {
		require(x != NULL);
		at = &x->next;
	}
	atomic_store_explicit(at, next_of(&x->next), memory_order_release);
}

/*
 * What the next split will walk through was not looked at for long: fetched
 * ahead it costs nothing, and else 3 % of the time of a miss.
 */
static void
split_expect(const struct stripe *s, uint32_t fresh)
{
	__builtin_prefetch(next_of(&s->buckets[bucket_index(fresh, fresh)]));
}

void
buckets_split(struct stripe *s)
{
	const uint32_t fresh = buckets_count(s);
	const uint32_t old = bucket_index(fresh, fresh);
	_Atomic(struct entry *) *at = &s->buckets[old];
	struct entry *e;

	if (s->entries <= fresh || fresh == s->table->buckets_max)
		return;
	while ((e = next_of(at)) != NULL && (e->hash & (fresh ^ old)) == 0)
		at = &e->next;
	atomic_store_explicit(&s->buckets[fresh], e, memory_order_release);
	atomic_store_explicit(&s->in_use, fresh + 1, memory_order_release);
	atomic_store_explicit(at, NULL, memory_order_release);
	split_expect(s, fresh + 1);
}
