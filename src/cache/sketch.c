/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sketch.c - counters by hash, two for a key, halved once a minute.
 *
 * A key was seen when both its counters say so. Counters are in slices that
 * age on their own when they are next touched, so that no call ever walks
 * more than one slice. Races between threads lose a count at worst.
 */
#include "sketch.h"

#include <stdatomic.h>
#include <string.h>

#define SLICE_CELLS 1024u
#define AGE_MS      60000u
#define COUNT_MAX   3u

struct slice {
	_Atomic uint64_t aged_ms;
	_Atomic uint8_t cells[SLICE_CELLS];
};

struct sketch {
	struct slice *slices;
	size_t count; /* a power of two */
};

struct sketch *
sketch_new(size_t max_bytes)
{
	struct sketch *s = memory_new(sizeof(*s));
	size_t count = 1;

	if (s == NULL)
		return NULL;
	while (count * 2 * sizeof(struct slice) <= max_bytes)
		count *= 2;
	s->count = count;
	s->slices = memory_new(count * sizeof(struct slice));
	if (s->slices == NULL) {
		memory_free(s);
		return NULL;
	}
	return s;
}

void
sketch_free(struct sketch *s)
{
	if (s != NULL)
		memory_free(s->slices);
	memory_free(s);
}

size_t
sketch_bytes(const struct sketch *s)
{
	return sizeof(*s) + s->count * sizeof(struct slice);
}

static void
slice_age(struct slice *sl, uint64_t now_ms)
{
	uint64_t aged = atomic_load(&sl->aged_ms);
	uint64_t minutes;

	if (now_ms < aged + AGE_MS)
		return;
	if (aged == 0) { /* nothing to halve yet */
		atomic_store(&sl->aged_ms, now_ms);
		return;
	}
	minutes = (now_ms - aged) / AGE_MS;
	/* Whoever wins halves; the others may still count meanwhile. */
	if (!atomic_compare_exchange_strong(&sl->aged_ms, &aged, now_ms))
		return;
	for (size_t i = 0; i < SLICE_CELLS; i++) {
		uint8_t n =
		    atomic_load_explicit(&sl->cells[i], memory_order_relaxed);

		n = (uint8_t)(minutes > 7 ? 0 : n >> minutes);
		atomic_store_explicit(&sl->cells[i], n, memory_order_relaxed);
	}
}

/* Returns what it was. */
static uint8_t
cell_raise(_Atomic uint8_t *cell)
{
	uint8_t n = atomic_load_explicit(cell, memory_order_relaxed);

	if (n < COUNT_MAX)
		atomic_store_explicit(cell, (uint8_t)(n + 1),
		    memory_order_relaxed);
	return n;
}

static struct slice *
slice_of(const struct sketch *s, uint64_t hash)
{
	return &s->slices[(hash >> 40) & (s->count - 1)];
}

static size_t
first_cell(uint64_t hash)
{
	return hash & (SLICE_CELLS - 1);
}

static size_t
second_cell(uint64_t hash)
{
	return (hash >> 10) & (SLICE_CELLS - 1);
}

void
sketch_expect(const struct sketch *s, uint64_t hash)
{
	const struct slice *sl = slice_of(s, hash);

	__builtin_prefetch(&sl->aged_ms);
	__builtin_prefetch(&sl->cells[first_cell(hash)], 1);
	__builtin_prefetch(&sl->cells[second_cell(hash)], 1);
}

bool
sketch_seen(struct sketch *s, uint64_t hash, uint64_t now_ms)
{
	struct slice *sl = slice_of(s, hash);
	uint8_t a, b;

	slice_age(sl, now_ms);
	a = cell_raise(&sl->cells[first_cell(hash)]);
	b = cell_raise(&sl->cells[second_cell(hash)]);
	return a > 0 && b > 0;
}
