/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c - the one door to the heap.
 *
 * Every allocation outside libraries passes here, so that a test can make
 * the n-th one fail. The countdown is atomic: threads may allocate at once,
 * and exactly one of them sees the failure.
 */
#include <hither/base.h>

#include <stdatomic.h>
#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define MAPPED_FROM (96 * 1024)

static _Atomic uint64_t fail_countdown;

static bool
fails_now(void)
{
	uint64_t left =
	    atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	while (left > 0) {
		if (atomic_compare_exchange_weak(&fail_countdown, &left,
			left - 1))
			return left == 1;
	}
	return false;
}

void
memory_fail_at(uint64_t n)
{
	atomic_store(&fail_countdown, n);
}

/*
 * glibc raises the size from which blocks are mapped whenever a mapped one is
 * freed; large tables then come from the heap, which may have to clear them,
 * and so is there at once what would be there page by page: 14 MB at start.
 */
void
memory_set_up(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
#endif
}

void *
memory_new(size_t bytes)
{
	if (fails_now())
		return NULL;
	return calloc(1, bytes > 0 ? bytes : 1);
}

void *
memory_grow(void *old, size_t bytes)
{
	if (fails_now())
		return NULL;
	return realloc(old, bytes > 0 ? bytes : 1);
}

void
memory_free(void *p)
{
	free(p);
}
