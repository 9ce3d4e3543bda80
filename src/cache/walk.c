/* SPDX-License-Identifier: BSD-3-Clause */
/* walk.c - a table as a whole: what it takes, what is in it. */
#include "table_inner.h"

void
table_walk(struct table *t, table_sees *fn, void *user)
{
	bool more = true;

	for (size_t i = 0; more && i < t->stripe_count * t->bucket_count; i++) {
		const struct stripe *s = &t->stripes[i / t->bucket_count];
		struct entry *e;

		rcu_enter();
		e = atomic_load_explicit(&s->buckets[i % t->bucket_count],
		    memory_order_acquire);
		for (; more && e != NULL;
		     e = atomic_load_explicit(&e->next, memory_order_acquire))
			more = fn(e, user);
		table_leave(t);
	}
}

bool
table_takes(const struct table *t, size_t bytes)
{
	return bytes <= UINT32_MAX / 2 &&
	       block_cost(bytes) <= t->soft_bytes / 2;
}
