/* SPDX-License-Identifier: BSD-3-Clause */
/* walk.c - a table as a whole: what it takes, what is in it. */
#include "table_inner.h"

static bool
walk_bucket(struct table *t, _Atomic(struct entry *) const *bucket,
    table_sees *fn, void *user)
{
	struct entry *e;
	bool more = true;

	rcu_enter();
	e = atomic_load_explicit(bucket, memory_order_acquire);
	for (; more && e != NULL;
	     e = atomic_load_explicit(&e->next, memory_order_acquire))
		more = fn(e, user);
	table_leave(t);
	return more;
}

void
table_walk(struct table *t, table_sees *fn, void *user)
{
	for (size_t i = 0; i < t->stripe_count; i++) {
		const struct stripe *s = &t->stripes[i];

		/* What a split moves meanwhile, it moves to the end. */
		for (size_t b = 0; b < buckets_count(s); b++)
			if (!walk_bucket(t, &s->buckets[b], fn, user))
				return;
	}
}

bool
table_takes(const struct table *t, size_t bytes)
{
	return bytes <= UINT32_MAX / 2 &&
	       block_cost(bytes) <= t->soft_bytes / 2;
}
