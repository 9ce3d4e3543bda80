/* SPDX-License-Identifier: BSD-3-Clause */
/* records_support.h - a cache of 2 MB for each test of records. */
#ifndef HITHER_TESTS_RECORDS_SUPPORT_H
#define HITHER_TESTS_RECORDS_SUPPORT_H

#include "cache_support.h"

struct fixture {
	struct cache *c;
	struct arena *a;
};

static inline int
start(void **state)
{
	static struct fixture f;
	struct cache_opts o = { 1 << 20, 1 << 20 };

	cache_thread_start();
	f.c = cache_new(&o);
	f.a = arena_new(1 << 22);
	*state = &f;
	return f.c == NULL || f.a == NULL;
}

static inline int
stop(void **state)
{
	struct fixture *f = *state;

	cache_check(f->c);
	cache_free(f->c);
	arena_free(f->a);
	cache_thread_stop();
	return 0;
}

static inline bool
get_a(struct fixture *f, const char *text, uint64_t now, struct record *out)
{
	struct name n;

	assert_int_equal(name_parse(text, &n), ERR_OK);
	return records_get(f->c, n.wire, TYPE_A, now, f->a, out);
}

#endif
