/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache.c - the two tiers as one value, and what concerns both.
 *
 * Each tier is a table of its own (table.c) with its own bound; the answers'
 * sketch is paid from the answers' bound.
 */
#include "room.h"

#include "rcu.h"

#define BYTES_MIN    (64u * 1024u)
#define SKETCH_SHARE 64u /* of the answers' bytes */

struct cache *
cache_new(const struct cache_opts *o)
{
	struct cache *c;

	if (o->records_max_bytes < BYTES_MIN ||
	    o->answers_max_bytes < BYTES_MIN)
		return NULL;
	c = memory_new(sizeof(*c));
	if (c == NULL)
		return NULL;
	c->records_max = o->records_max_bytes;
	c->answers_max = o->answers_max_bytes;
	hash_key_random(&c->hash_key);
	c->sketch = sketch_new(o->answers_max_bytes / SKETCH_SHARE);
	c->records = table_new(o->records_max_bytes,
	    offsetof(struct record_entry, packed));
	if (c->sketch != NULL)
		c->answers =
		    table_new(o->answers_max_bytes - sketch_bytes(c->sketch),
			ANSWER_NAME_AT);
	if (c->records == NULL || c->answers == NULL) {
		cache_free(c);
		return NULL;
	}
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	table_free(c->records);
	table_free(c->answers);
	sketch_free(c->sketch);
	memory_free(c);
}

uint64_t
cache_name_hash(const struct cache *c, const uint8_t *name)
{
	return name_hash(&c->hash_key, name);
}

void
cache_thread_start(void)
{
	urcu_memb_register_thread();
}

void
cache_thread_stop(void)
{
	urcu_memb_unregister_thread();
}

void
cache_read_start(void)
{
	rcu_enter();
}

void
cache_read_end(struct cache *c)
{
	table_leave(c->answers);
}

void
cache_count(const struct cache *c, struct cache_counts *out)
{
	struct table_counts r, a;

	table_count(c->records, &r);
	table_count(c->answers, &a);
	*out = (struct cache_counts){
		.records = r.entries,
		.record_bytes = r.bytes,
		.record_bytes_max = c->records_max,
		.answers = a.entries,
		.answer_bytes = a.bytes,
		.answer_bytes_max = c->answers_max,
		.evictions = r.evictions + a.evictions,
		.refusals = r.refusals + a.refusals,
	};
}

void
cache_check(struct cache *c)
{
	struct cache_counts n;

	table_check(c->records);
	table_check(c->answers);
	cache_count(c, &n);
	require(n.record_bytes <= n.record_bytes_max);
	require(n.answer_bytes <= n.answer_bytes_max);
}
