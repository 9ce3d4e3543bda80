/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.c - a striped hash table with SIEVE eviction and exact bytes.
 *
 * Invariants, per stripe and under its lock:
 *   - an entry is in exactly one bucket chain and once in the list of
 *     arrival, or in neither and waiting for reclamation;
 *   - live_bytes is what the entries cost the heap, waiting_bytes what the
 *     removed ones still do; together they never pass quota_bytes;
 *   - no two entries of a chain have the same key.
 *
 * Readers walk chains without a lock (buckets.c). An unlinked entry keeps its
 * `next`, so that a reader standing on it walks on, and is freed after a
 * grace period by liburcu's own thread: one batch a stripe is on its way at a
 * time, the next one gathers meanwhile. Nobody waits for a grace period but
 * table_free(). A little of the quota is left free (an eighth or a
 * sixteenth), so that at the bound insertions go on while bytes wait.
 *
 * SIEVE (Zhang et al., NSDI 2024): entries stay in order of arrival; a hand
 * goes from the oldest to the newest, spares what was visited since it came
 * by, clears the mark, and evicts the first that was not.
 */
#include "table.h"

#include <pthread.h>
#include <stddef.h>

#include "rcu.h"
#include "table_inner.h"

static size_t
power_of_two_below(size_t n)
{
	size_t p = 1;

	while (p <= n / 2)
		p *= 2;
	return p;
}

/* What a block costs: glibc's chunk, 8 octets of header, 16 of grain. */
size_t
block_cost(size_t bytes)
{
	size_t chunk = (bytes + 8 + 15) & ~(size_t)15;

	return chunk < 32 ? 32 : chunk;
}

/* --- beginning and end ------------------------------------------------ */

static void
stripe_start(struct stripe *s, struct table *t, size_t number)
{
	s->table = t;
	s->buckets = t->buckets + number * t->buckets_max;
	atomic_init(&s->in_use,
	    (uint32_t)(t->buckets_max < BUCKETS_FIRST ? t->buckets_max
						      : BUCKETS_FIRST));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->idle, NULL);
}

static void
table_plan(struct table *t, size_t max_bytes)
{
	size_t share, fixed;

	t->stripe_count = power_of_two_below(max_bytes / STRIPE_BYTES + 1);
	if (t->stripe_count > STRIPES_MAX)
		t->stripe_count = STRIPES_MAX;
	share = max_bytes / t->stripe_count;
	t->buckets_max = share / BUCKET_BYTES + 2;
	fixed = sizeof(struct stripe) +
		t->buckets_max * sizeof(t->stripes[0].buckets[0]);
	t->quota_bytes = share > 2 * fixed ? share - fixed : share / 2;
	t->soft_bytes =
	    t->quota_bytes -
	    t->quota_bytes / (t->quota_bytes < STRIPE_BYTES ? 8 : 16);
}

struct table *
table_new(size_t max_bytes, size_t name_at)
{
	struct table *t = memory_new(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->name_at = name_at;
	table_plan(t, max_bytes);
	t->stripes = memory_new(t->stripe_count * sizeof(t->stripes[0]));
	/* One block of all, so that it is mapped and untouched at first. */
	t->buckets = memory_new(
	    t->stripe_count * t->buckets_max * sizeof(t->buckets[0]));
	if (t->stripes == NULL || t->buckets == NULL) {
		memory_free(t->stripes);
		memory_free(t->buckets);
		memory_free(t);
		return NULL;
	}
	for (size_t i = 0; i < t->stripe_count; i++)
		stripe_start(&t->stripes[i], t, i);
	return t;
}

static void
free_list(struct entry *e)
{
	while (e != NULL) {
		struct entry *older = e->older;

		memory_free(e);
		e = older;
	}
}

/*
 * Waits for the batch on its way, whose last touch is to let go of the lock.
 * (rcu_barrier() would do, were it clean under ThreadSanitizer.)
 */
static void
stripe_end(struct stripe *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	while (s->in_flight)
		pthread_cond_wait(&s->idle, &s->lock);
	pthread_mutex_unlock(&s->lock);
	free_list(s->limbo);
	free_list(s->newest);
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->stripe_count; i++)
		stripe_end(&t->stripes[i]);
	memory_free(t->buckets);
	memory_free(t->stripes);
	memory_free(t);
}

/* --- reclamation ------------------------------------------------------ */

static void stripe_leave(struct stripe *s);

/* On liburcu's thread, after a grace period. */
static void
reclaim(struct rcu_head *head)
{
	void *at = (char *)head - offsetof(struct stripe, rcu);
	struct stripe *s = at;
	struct entry *batch;
	size_t bytes;

	rcu_called(head);
	rcu_readers_gone(s->table);
	pthread_mutex_lock(&s->lock);
	batch = s->batch;
	bytes = s->batch_bytes;
	s->batch = NULL;
	s->batch_bytes = 0;
	pthread_mutex_unlock(&s->lock);
	free_list(batch);
	pthread_mutex_lock(&s->lock);
	s->waiting_bytes -= bytes;
	s->in_flight = false;
	pthread_cond_signal(&s->idle);
	stripe_leave(s);
}

/* Unlocks; sends off what gathered, unless a batch is on its way. */
static void
stripe_leave(struct stripe *s)
{
	bool send = s->limbo != NULL && !s->in_flight && !s->closing;

	if (send) {
		s->in_flight = true;
		s->batch = s->limbo;
		s->batch_bytes = s->limbo_bytes;
		s->limbo = NULL;
		s->limbo_bytes = 0;
	}
	pthread_mutex_unlock(&s->lock);
	if (send)
		rcu_later(&s->rcu, reclaim);
}

/* --- writing: all under the stripe's lock ----------------------------- */

static void
order_add(struct stripe *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest != NULL)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

static void
order_remove(struct stripe *s, struct entry *e)
{
	if (s->hand == e)
		s->hand = e->newer;
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		s->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
}

/* Takes e out of sight; it is freed when no reader can hold it. */
static void
stripe_remove(struct stripe *s, struct entry *e)
{
	size_t cost = block_cost(e->bytes);

	buckets_remove(s, e);
	order_remove(s, e);
	e->older = s->limbo;
	s->limbo = e;
	s->limbo_bytes += cost;
	s->waiting_bytes += cost;
	s->live_bytes -= cost;
	s->entries--;
}

/* One turn of SIEVE's hand; bounded even when everything was visited. */
static bool
evict_one(struct stripe *s, uint64_t now_ms)
{
	struct entry *e = s->hand != NULL ? s->hand : s->oldest;

	for (unsigned n = 0; e != NULL && n < HAND_STEPS_MAX; n++) {
		if (e->expires_ms <= now_ms ||
		    !atomic_load_explicit(&e->visited, memory_order_relaxed))
			break;
		atomic_store_explicit(&e->visited, 0, memory_order_relaxed);
		e = e->newer != NULL ? e->newer : s->oldest;
	}
	if (e == NULL)
		return false;
	s->hand = e;
	stripe_remove(s, e);
	s->evictions++;
	return true;
}

/*
 * Room for `cost` more within the soft bound. When enough is already waiting
 * for reclamation, evicting more would help nobody: it is refused instead.
 */
static bool
make_room(struct stripe *s, size_t cost, uint64_t now_ms)
{
	const struct table *t = s->table;

	while (s->live_bytes + cost > t->soft_bytes) {
		bool full =
		    s->live_bytes + s->waiting_bytes + cost > t->quota_bytes;

		if (full && s->waiting_bytes >= cost)
			break;
		if (!evict_one(s, now_ms))
			break;
	}
	return s->live_bytes + cost <= t->soft_bytes &&
	       s->live_bytes + s->waiting_bytes + cost <= t->quota_bytes;
}

static enum err
stripe_put(struct stripe *s, const struct key *k, struct entry *e,
    uint64_t now_ms)
{
	struct entry *old;

	if (!make_room(s, block_cost(e->bytes), now_ms)) {
		s->refusals++;
		return ERR_LIMIT;
	}
	/* Looked for only now: making room may have evicted it. */
	old = buckets_add(s, k, e);
	if (old != NULL) {
		atomic_store_explicit(&e->visited,
		    atomic_load_explicit(&old->visited, memory_order_relaxed),
		    memory_order_relaxed);
	}
	order_add(s, e);
	s->live_bytes += block_cost(e->bytes);
	s->entries++;
	if (old != NULL)
		stripe_remove(s, old);
	buckets_split(s);
	return ERR_OK;
}

enum err
table_put(struct table *t, const struct key *k, struct entry *e,
    table_judge *judge, uint64_t now_ms)
{
	uint64_t hash = place_hash(k);
	struct stripe *s = table_stripe(t, hash);
	const struct entry *old;
	enum err err = ERR_REFUSED;

	e->hash = (uint32_t)hash;
	e->type = k->type;
	e->class = k->class;
	e->view = k->view;
	e->name_bytes = k->name_bytes;
	if (!table_takes(t, e->bytes)) {
		memory_free(e);
		return ERR_LIMIT;
	}
	pthread_mutex_lock(&s->lock);
	old = judge != NULL ? table_find(t, k) : NULL;
	if (old == NULL || old->expires_ms <= now_ms || judge(old, e))
		err = stripe_put(s, k, e, now_ms);
	stripe_leave(s);
	if (err != ERR_OK)
		memory_free(e);
	return err;
}

void
table_remove(struct table *t, const struct key *k, table_wants_gone *fn,
    const void *user)
{
	struct stripe *s = table_stripe(t, place_hash(k));
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	e = table_find(t, k);
	if (e != NULL && fn(e, user))
		stripe_remove(s, e);
	stripe_leave(s);
}

static size_t
bucket_remove_if(struct stripe *s, size_t bucket, table_wants_gone *fn,
    const void *user)
{
	struct entry *e =
	    atomic_load_explicit(&s->buckets[bucket], memory_order_relaxed);
	size_t n = 0;

	while (e != NULL) {
		struct entry *next =
		    atomic_load_explicit(&e->next, memory_order_relaxed);

		if (fn(e, user)) {
			stripe_remove(s, e);
			n++;
		}
		e = next;
	}
	return n;
}

size_t
table_remove_if(struct table *t, table_wants_gone *fn, const void *user)
{
	size_t n = 0;

	for (size_t i = 0; i < t->stripe_count; i++) {
		struct stripe *s = &t->stripes[i];

		pthread_mutex_lock(&s->lock);
		/* What a split moves meanwhile, it moves to the end. */
		for (size_t b = 0; b < buckets_count(s); b++) {
			n += bucket_remove_if(s, b, fn, user);
			if (b % FLUSH_SLICE != FLUSH_SLICE - 1)
				continue;
			stripe_leave(s);
			pthread_mutex_lock(&s->lock);
		}
		stripe_leave(s);
	}
	return n;
}
