/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faults.c - lame, refusing or failing for one zone at one address.
 *
 * A bounded, set-associative table under the 64-bit keyed hash of (address,
 * zone): a collision, or a forgotten entry, costs one query. A fault
 * excludes for a while; when it is found again after that, for longer:
 * lame and its like 1, 4, 15 minutes, SERVFAIL 5 s doubling to a minute.
 * Between the two it is on probation: only a copy nobody waits for goes to
 * it, and a good reply to that ends the matter.
 */
#include "inner.h"

#include <string.h>

#define WAYS   8u
#define LOCKS  16u
#define MINUTE (60u * (uint64_t)SECOND)

struct fault {
	uint64_t id; /* 0: free */
	uint64_t until_us, marked_us;
	uint64_t lasts; /* of the present exclusion */
};

struct faults {
	pthread_mutex_t locks[LOCKS]; /* lock i: sets with number % LOCKS */
	struct fault *slots;
	size_t set_count; /* a power of two, at least LOCKS */
	atomic_bool used; /* most resolvers never need to look */
};

struct faults *
faults_new(size_t max_entries)
{
	struct faults *f = memory_new(sizeof(*f));
	size_t sets = LOCKS;

	if (f == NULL)
		return NULL;
	while (sets * 2 * WAYS <= max_entries)
		sets *= 2;
	f->set_count = sets;
	f->slots = memory_new(sets * WAYS * sizeof(f->slots[0]));
	if (f->slots == NULL) {
		memory_free(f);
		return NULL;
	}
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&f->locks[i], NULL);
	return f;
}

void
faults_free(struct faults *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&f->locks[i]);
	memory_free(f->slots);
	memory_free(f);
}

void
faults_forget(struct faults *f)
{
	for (size_t i = 0; i < f->set_count; i++) {
		pthread_mutex_lock(&f->locks[i % LOCKS]);
		memset(&f->slots[i * WAYS], 0, WAYS * sizeof(f->slots[0]));
		pthread_mutex_unlock(&f->locks[i % LOCKS]);
	}
}

static uint64_t
first_lasts(enum server_fault fault)
{
	return fault == FAULT_SERVFAIL ? 5 * (uint64_t)SECOND : MINUTE;
}

static uint64_t
next_lasts(uint64_t lasts, enum server_fault fault)
{
	uint64_t most = fault == FAULT_SERVFAIL ? MINUTE : 15 * MINUTE;
	uint64_t next = lasts * (fault == FAULT_SERVFAIL ? 2 : 4);

	return next > most ? most : next;
}

/* The slot of this id, or the one that is worth least. */
static struct fault *
slot_for(struct fault *set, uint64_t id)
{
	struct fault *least = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (set[i].until_us < least->until_us)
			least = &set[i];
	}
	return least;
}

static void
fault_mark(struct fault *x, enum server_fault fault, uint64_t now_us)
{
	bool lately = x->until_us + 2 * x->lasts > now_us;

	x->marked_us = now_us;
	/* Replies that were under way when it was marked say nothing new. */
	if (x->lasts != 0 && x->until_us > now_us)
		return;
	x->lasts = x->lasts != 0 && lately ? next_lasts(x->lasts, fault)
					   : first_lasts(fault);
	x->until_us = now_us + x->lasts;
}

void
faults_note(struct faults *f, uint64_t id, enum server_fault fault,
    uint64_t now_us)
{
	size_t set = id & (f->set_count - 1);
	struct fault *x;

	id = id == 0 ? 1 : id;
	atomic_store(&f->used, true);
	pthread_mutex_lock(&f->locks[set % LOCKS]);
	x = slot_for(&f->slots[set * WAYS], id);
	if (x->id != id)
		*x = (struct fault){ .id = id };
	fault_mark(x, fault, now_us);
	pthread_mutex_unlock(&f->locks[set % LOCKS]);
}

void
faults_over(struct faults *f, uint64_t id)
{
	size_t set = id & (f->set_count - 1);
	struct fault *x;

	if (!faults_any(f))
		return;
	id = id == 0 ? 1 : id;
	pthread_mutex_lock(&f->locks[set % LOCKS]);
	x = slot_for(&f->slots[set * WAYS], id);
	if (x->id == id)
		*x = (struct fault){ .id = 0 };
	pthread_mutex_unlock(&f->locks[set % LOCKS]);
}

bool
faults_any(struct faults *f)
{
	return atomic_load_explicit(&f->used, memory_order_relaxed);
}

enum fault_state
faults_look(struct faults *f, uint64_t id, uint64_t now_us, uint64_t *marked_us)
{
	size_t set = id & (f->set_count - 1);
	enum fault_state state = FAULT_NONE;
	const struct fault *x;

	if (!faults_any(f))
		return FAULT_NONE;
	id = id == 0 ? 1 : id;
	pthread_mutex_lock(&f->locks[set % LOCKS]);
	x = slot_for(&f->slots[set * WAYS], id);
	if (x->id == id && x->until_us > now_us)
		state = FAULT_MARKED;
	else if (x->id == id && x->until_us + 2 * x->lasts > now_us)
		state = FAULT_PROBATION;
	if (state != FAULT_NONE)
		*marked_us = x->marked_us == 0 ? 1 : x->marked_us;
	pthread_mutex_unlock(&f->locks[set % LOCKS]);
	return state;
}
