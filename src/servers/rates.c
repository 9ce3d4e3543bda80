/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rates.c - bounds on what goes out beyond one packet a question.
 *
 * Of one set of servers (named by its zone's hash): shadow copies, two a
 * second; packets while all of it is dead, enough to notice its return within
 * a fraction of a second and nothing to speak of under a flood of questions.
 * Of all sets: races of unknown addresses. A bounded, set-associative table;
 * a set that was forgotten begins with a full burst again.
 */
#include "inner.h"

#define WAYS  4u
#define SETS  1024u
#define LOCKS 16u

#define COLD_BURST    50.0
#define COLD_YOUNG_US (300u * (uint64_t)SECOND)

static const struct {
	double per_us, burst;
} allowed[] = {
	[RATE_SHADOW] = { 2.0 / SECOND, 3 },
	[RATE_DEAD] = { 16.0 / SECOND, 24 },
};

struct bucket {
	uint64_t id; /* 0: free */
	uint64_t filled_us;
	double tokens[ARRAY_LEN(allowed)];
};

struct rates {
	pthread_mutex_t locks[LOCKS]; /* lock i: rows with number % LOCKS */
	struct bucket rows[SETS][WAYS];
	/* All questions lately, and how many of them raced. */
	atomic_uint_fast64_t asked; /* not in cold_all yet */
	atomic_uint_fast64_t cold_halve_us;
	pthread_mutex_t cold_lock;
	double cold_all, cold_extra;
	uint64_t cold_first_us;
};

struct rates *
rates_new(void)
{
	struct rates *r = memory_new(sizeof(*r));

	if (r == NULL)
		return NULL;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&r->locks[i], NULL);
	pthread_mutex_init(&r->cold_lock, NULL);
	return r;
}

void
rates_free(struct rates *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&r->locks[i]);
	pthread_mutex_destroy(&r->cold_lock);
	memory_free(r);
}

/* The bucket of this set; the one longest unused makes room. */
static struct bucket *
bucket_of(struct bucket *row, uint64_t id, uint64_t now_us)
{
	struct bucket *oldest = &row[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].id == id)
			return &row[i];
		if (row[i].filled_us < oldest->filled_us)
			oldest = &row[i];
	}
	*oldest = (struct bucket){ .id = id, .filled_us = now_us };
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		oldest->tokens[i] = allowed[i].burst;
	return oldest;
}

static void
refill(struct bucket *b, uint64_t now_us)
{
	double since =
	    now_us > b->filled_us ? (double)(now_us - b->filled_us) : 0;

	b->filled_us = now_us > b->filled_us ? now_us : b->filled_us;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		b->tokens[i] += since * allowed[i].per_us;
		if (b->tokens[i] > allowed[i].burst)
			b->tokens[i] = allowed[i].burst;
	}
}

bool
rates_take(struct rates *r, uint64_t set, enum rate which, double reserve,
    uint64_t now_us)
{
	size_t row = set % SETS;
	struct bucket *b;
	bool yes;

	set = set == 0 ? 1 : set;
	pthread_mutex_lock(&r->locks[row % LOCKS]);
	b = bucket_of(r->rows[row], set, now_us);
	refill(b, now_us);
	yes = b->tokens[which] >= 1 + reserve;
	if (yes)
		b->tokens[which] -= 1;
	pthread_mutex_unlock(&r->locks[row % LOCKS]);
	return yes;
}

/* Under its lock. */
static void
cold_count(struct rates *r)
{
	r->cold_all += (double)atomic_exchange(&r->asked, 0);
}

bool
rates_may_race(struct rates *r, double budget, uint64_t now_us)
{
	double share;
	bool yes;

	pthread_mutex_lock(&r->cold_lock);
	cold_count(r);
	if (r->cold_first_us == 0)
		r->cold_first_us = now_us + 1;
	share = now_us < r->cold_first_us + COLD_YOUNG_US ? 0.2 : 0.1;
	yes = r->cold_extra + 1 <= (COLD_BURST + r->cold_all * share) * budget;
	if (yes)
		r->cold_extra += 1;
	pthread_mutex_unlock(&r->cold_lock);
	return yes;
}

/* Once a minute. */
static void
cold_halve(struct rates *r, uint64_t now_us)
{
	pthread_mutex_lock(&r->cold_lock);
	if (now_us >= atomic_load(&r->cold_halve_us)) {
		cold_count(r);
		r->cold_all /= 2;
		r->cold_extra /= 2;
		atomic_store(&r->cold_halve_us, now_us + 60 * (uint64_t)SECOND);
	}
	pthread_mutex_unlock(&r->cold_lock);
}

void
rates_question(struct rates *r, uint64_t now_us)
{
	if (now_us >=
	    atomic_load_explicit(&r->cold_halve_us, memory_order_relaxed))
		cold_halve(r, now_us);
	atomic_fetch_add_explicit(&r->asked, 1, memory_order_relaxed);
}
