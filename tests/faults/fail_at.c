/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fail_at.c - linked to all of hitherd: makes one allocation fail.
 *
 * The environment says which: FAIL_ALLOCATION=N, the N-th of ours, counted
 * over all threads; with FAIL_LIBRARIES=1 those of libevent and jansson are
 * counted as ours.
 */
#include <stdlib.h>

#include <event2/event.h>
#include <jansson.h>

#include <hither/base.h>

__attribute__((constructor)) static void
fail_at(void)
{
	const char *n = getenv("FAIL_ALLOCATION");

	if (getenv("FAIL_LIBRARIES") != NULL) {
		event_set_mem_functions(memory_new, memory_grow, memory_free);
		json_set_alloc_funcs(memory_new, memory_free);
	}
	if (n != NULL)
		memory_fail_at(strtoull(n, NULL, 10));
}
