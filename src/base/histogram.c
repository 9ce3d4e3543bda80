/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * histogram.c - durations by powers of two, from an eighth of a millisecond
 * to four seconds. Counters only grow; a reader on another thread sees each
 * as it was at some moment, never torn.
 */
#include <hither/base.h>

static void
more(uint64_t *n, uint64_t by)
{
	__atomic_store_n(n, __atomic_load_n(n, __ATOMIC_RELAXED) + by,
	    __ATOMIC_RELAXED);
}

void
histogram_note(struct histogram *h, uint64_t took_us)
{
	uint64_t firsts = took_us == 0 ? 0 : (took_us - 1) / HISTOGRAM_FIRST_US;
	size_t i = firsts == 0 ? 0 : 64u - (unsigned)__builtin_clzll(firsts);

	more(&h->buckets[i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1], 1);
	more(&h->sum_us, took_us);
}

void
histogram_add(struct histogram *sum, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->buckets[i] +=
		    __atomic_load_n(&from->buckets[i], __ATOMIC_RELAXED);
	sum->sum_us += __atomic_load_n(&from->sum_us, __ATOMIC_RELAXED);
}

uint64_t
histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->buckets[i];
	return n;
}

uint64_t
histogram_bound_us(size_t bucket)
{
	return bucket + 1 < HISTOGRAM_BUCKETS
		   ? (uint64_t)HISTOGRAM_FIRST_US << bucket
		   : UINT64_MAX;
}
