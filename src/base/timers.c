/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timers.c - a binary heap of the timers of one loop.
 *
 * The nodes belong to others and lie inside their structs; the heap holds
 * pointers. Invariant: heap[i]->slot == i + 1, and no parent is due after
 * its children. A timer may free itself, arm or cancel any timer while it
 * fires: it has left the heap by then.
 */
#include <hither/base.h>

struct timers {
	struct timer **heap;
	size_t count;
	size_t room;
};

struct timers *
timers_new(void)
{
	return memory_new(sizeof(struct timers));
}

void
timers_free(struct timers *ts)
{
	if (ts == NULL)
		return;
	memory_free(ts->heap);
	memory_free(ts);
}

static void
place(struct timers *ts, struct timer *t, size_t i)
{
	ts->heap[i] = t;
	t->slot = i + 1;
}

static void
sift_up(struct timers *ts, size_t i)
{
	struct timer *t = ts->heap[i];

	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (ts->heap[parent]->at_us <= t->at_us)
			break;
		place(ts, ts->heap[parent], i);
		i = parent;
	}
	place(ts, t, i);
}

static void
sift_down(struct timers *ts, size_t i)
{
	struct timer *t = ts->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ts->count)
			break;
		if (child + 1 < ts->count &&
		    ts->heap[child + 1]->at_us < ts->heap[child]->at_us)
			child++;
		if (ts->heap[child]->at_us >= t->at_us)
			break;
		place(ts, ts->heap[child], i);
		i = child;
	}
	place(ts, t, i);
}

static bool
has_room(struct timers *ts)
{
	size_t room = ts->room > 0 ? 2 * ts->room : 64;
	struct timer **heap;

	if (ts->count < ts->room)
		return true;
	heap = memory_grow(ts->heap, room * sizeof(struct timer *));
	if (heap == NULL)
		return false;
	ts->heap = heap;
	ts->room = room;
	return true;
}

enum err
timer_arm(struct timers *ts, struct timer *t, uint64_t at_us)
{
	if (t->slot != 0) {
		t->at_us = at_us;
		sift_up(ts, t->slot - 1);
		sift_down(ts, t->slot - 1);
		return ERR_OK;
	}
	if (!has_room(ts))
		return ERR_MEMORY;
	t->at_us = at_us;
	place(ts, t, ts->count);
	ts->count++;
	sift_up(ts, ts->count - 1);
	return ERR_OK;
}

void
timer_cancel(struct timers *ts, struct timer *t)
{
	size_t i;
	struct timer *last;

	if (t->slot == 0)
		return;
	i = t->slot - 1;
	t->slot = 0;
	ts->count--;
	if (i == ts->count)
		return;
	last = ts->heap[ts->count];
	place(ts, last, i);
	sift_up(ts, i);
	sift_down(ts, last->slot - 1);
}

/*
 * At most as many fire as were armed at the start: one that always arms
 * itself for `now` must not keep the loop from its sockets.
 */
size_t
timers_run(struct timers *ts, uint64_t now_us)
{
	size_t most = ts->count;
	size_t fired = 0;

	while (fired < most && ts->count > 0) {
		struct timer *t = ts->heap[0];

		if (t->at_us > now_us)
			break;
		timer_cancel(ts, t);
		fired++;
		t->fire(t->user);
	}
	return fired;
}

uint64_t
timers_next(const struct timers *ts)
{
	return ts->count > 0 ? ts->heap[0]->at_us : UINT64_MAX;
}
