/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hall.c - errands between workers.
 *
 * An inbox a worker: many give, one takes, and takes all at once. Questions
 * are bounded here; answers are bounded by the questions that asked for
 * them. The lock is held for a few stores, and for one write to an eventfd
 * when the inbox was empty: under it, so that a loop that leaves is never
 * woken afterwards. Hits never come here.
 */
#include "hall.h"

#include <pthread.h>
#include <stdatomic.h>

struct inbox {
	_Alignas(64) pthread_mutex_t lock;
	struct loop *loop; /* NULL: nobody there */
	struct errand *first, *last;
	size_t questions;
	atomic_bool filled; /* whoever fills it wakes the loop afterwards */
};

struct exchange_hall {
	size_t workers;
	struct inbox *inboxes;
	void *memory; /* what inboxes lie in, aligned by hand */
};

void
errand_free(struct errand *e)
{
	if (e == NULL)
		return;
	memory_free(e->bytes);
	memory_free(e->alias);
	memory_free(e);
}

static void
errands_free(struct errand *e)
{
	while (e != NULL) {
		struct errand *next = e->next;

		errand_free(e);
		e = next;
	}
}

struct exchange_hall *
hall_new(size_t workers)
{
	struct exchange_hall *h;
	size_t i;

	if (workers == 0 || workers > FRONT_WORKERS_MAX)
		return NULL;
	h = memory_new(sizeof(*h));
	if (h == NULL)
		return NULL;
	h->memory = memory_new(workers * sizeof(*h->inboxes) + 64);
	if (h->memory == NULL) {
		memory_free(h);
		return NULL;
	}
	h->inboxes =
	    (struct inbox *)(((uintptr_t)h->memory + 63) & ~(uintptr_t)63);
	h->workers = workers;
	for (i = 0; i < workers; i++)
		(void)pthread_mutex_init(&h->inboxes[i].lock, NULL);
	return h;
}

void
hall_free(struct exchange_hall *h)
{
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->workers; i++) {
		errands_free(h->inboxes[i].first);
		(void)pthread_mutex_destroy(&h->inboxes[i].lock);
	}
	memory_free(h->memory);
	memory_free(h);
}

size_t
hall_workers(const struct exchange_hall *h)
{
	return h->workers;
}

void
hall_enter(struct exchange_hall *h, size_t worker, struct loop *l)
{
	struct inbox *in = &h->inboxes[worker];

	(void)pthread_mutex_lock(&in->lock);
	in->loop = l;
	(void)pthread_mutex_unlock(&in->lock);
}

static struct errand *
empty_inbox(struct inbox *in)
{
	struct errand *first = in->first;

	in->first = NULL;
	in->last = NULL;
	in->questions = 0;
	atomic_store(&in->filled, false);
	return first;
}

void
hall_leave(struct exchange_hall *h, size_t worker)
{
	struct inbox *in = &h->inboxes[worker];
	struct errand *left;

	(void)pthread_mutex_lock(&in->lock);
	in->loop = NULL;
	left = empty_inbox(in);
	(void)pthread_mutex_unlock(&in->lock);
	errands_free(left);
}

static bool
is_welcome(const struct inbox *in, const struct errand *e)
{
	if (in->loop == NULL)
		return false;
	return e->answered || in->questions < HALL_QUESTIONS_MAX;
}

bool
hall_give(struct exchange_hall *h, size_t worker, struct errand *e)
{
	struct inbox *in = &h->inboxes[worker];
	bool taken;

	(void)pthread_mutex_lock(&in->lock);
	taken = is_welcome(in, e);
	if (taken) {
		bool was_empty = in->first == NULL;

		e->next = NULL;
		if (was_empty)
			in->first = e;
		else
			in->last->next = e;
		in->last = e;
		in->questions += e->answered ? 0 : 1;
		atomic_store(&in->filled, true);
		if (was_empty)
			loop_wake(in->loop);
	}
	(void)pthread_mutex_unlock(&in->lock);
	return taken;
}

struct errand *
hall_take(struct exchange_hall *h, size_t worker)
{
	struct inbox *in = &h->inboxes[worker];
	struct errand *first;

	if (!atomic_load(&in->filled))
		return NULL; /* as after nearly every turn */
	(void)pthread_mutex_lock(&in->lock);
	first = empty_inbox(in);
	(void)pthread_mutex_unlock(&in->lock);
	return first;
}
