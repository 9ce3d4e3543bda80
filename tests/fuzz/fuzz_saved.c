/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_saved.c - the reader of a saved cache against any bytes.
 *
 * An even first octet: the rest is one entry, as if its checksum were right.
 * An odd one: the rest is a file. What is taken must come out of the cache
 * again without a breach of its invariants.
 */
#include <stdlib.h>

#include "../../src/cache/save.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NOW 1000000u

static void
try_entry(struct cache *c, const uint8_t *bytes, size_t len)
{
	const struct saved_at at = { .now_ms = NOW, .elapsed_ms = 1000 };
	struct arena *a = arena_new(4 << 20);
	struct record r, got;

	if (a != NULL && saved_read(bytes, len, &at, a, &r) &&
	    records_put(c, &r, NOW) == ERR_OK &&
	    !(r.kind == RECORD_DELEGATION
		    ? records_get_delegation(c, r.owner, NOW, a, &got)
		    : records_get(c, r.owner, r.type, NOW, a, &got)))
		abort();
	arena_free(a);
}

static void
try_file(struct cache *c, const uint8_t *bytes, size_t len)
{
	const struct cache_moment now = { .now_ms = NOW, .wall_s = UINT32_MAX };
	FILE *f = fmemopen((void *)(uintptr_t)bytes, len, "rb");
	uint64_t count;

	if (f == NULL)
		return;
	if (cache_read(c, f, &now, &count) != ERR_OK && count > 0)
		abort();
	(void)fclose(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct cache *c;
	const struct cache_opts o = { 1 << 20, 1 << 20 };

	if (c == NULL) {
		cache_thread_start();
		c = cache_new(&o);
	}
	if (c == NULL || len < 2)
		return 0;
	if ((bytes[0] & 1) == 0)
		try_entry(c, bytes + 1, len - 1);
	else
		try_file(c, bytes + 1, len - 1);
	(void)cache_flush(c, FLUSH_ALL, NULL, 0);
	cache_check(c);
	return 0;
}
