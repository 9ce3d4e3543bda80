/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolver.c - the room's door: questions in, the queue of ready tasks, and
 * what others may look at.
 */
#include "task.h"

#include <stddef.h>
#include <string.h>

/* What a worker remembers of zones: some 10 MB when full. */
#define TRUST_ZONES_MAX 4096u
#define TRUST_KEYS_MAX  2048u
#define SPAN_ZONES_MAX  1024u
#define SPANS_MAX       16384u

struct delegation_rules
resolver_rules(const struct resolver *rs)
{
	return (struct delegation_rules){ rs->o.do_not_query,
		rs->o.do_not_query_count, rs->o.port, rs->o.ip4, rs->o.ip6 };
}

void
resolver_read_clocks(struct resolver *rs)
{
	rs->now_us = rs->o.wire->now_us(rs->o.wire_self);
	rs->ttl_ms = rs->o.wire->ttl_now_ms(rs->o.wire_self);
}

/* An exchange has news: whoever owns it runs again, later. */
static void
on_change(void *user, uint64_t owner, uint32_t exchange)
{
	struct resolver *rs = user;
	uint32_t slot = (uint32_t)owner;
	struct task *t = slot < rs->o.tasks_max ? rs->slots[slot] : NULL;

	(void)exchange;
	if (t != NULL && t->number == (uint32_t)(owner >> 32))
		task_ready(t);
}

static bool
make_tables(struct resolver *rs)
{
	size_t n = rs->o.tasks_max;
	struct delegation_rules rules = resolver_rules(rs);

	rs->slots = memory_new(n * sizeof(*rs->slots));
	rs->free_slots = memory_new(n * sizeof(*rs->free_slots));
	rs->arena = arena_new(1024 * 1024);
	if (rs->slots == NULL || rs->free_slots == NULL || rs->arena == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		rs->free_slots[i] = (uint32_t)(n - 1 - i);
	rs->free_count = n;
	rs->root = delegation_build(rs->arena, name_root, rs->o.hints,
	    rs->o.hint_count, &rules);
	if (rs->root != NULL)
		rs->root->from_hints = true;
	return rs->root != NULL;
}

static bool
make_trust(struct resolver *rs)
{
	if (rs->o.anchors == NULL)
		return true;
	rs->trust = trust_table_new(TRUST_ZONES_MAX);
	rs->key_store = key_store_new(TRUST_KEYS_MAX);
	rs->spans = spans_new(SPAN_ZONES_MAX, SPANS_MAX);
	return rs->trust != NULL && rs->key_store != NULL && rs->spans != NULL;
}

struct resolver *
resolver_new(const struct resolver_opts *o)
{
	struct resolver *rs = memory_new(sizeof(*rs));
	const struct upstream_opts up = { .wire = o->wire,
		.wire_self = o->wire_self,
		.timers = o->timers,
		.servers = o->servers,
		.rng = o->rng,
		.exchanges_max = o->tasks_max * 4,
		.udp_size = o->udp_size,
		.cookies = o->cookies,
		.on_change = on_change,
		.user = rs,
		.judge = reply_judge };

	if (rs == NULL)
		return NULL;
	rs->o = *o;
	rs->upstream = upstream_new(&up);
	if (rs->upstream == NULL || !make_tables(rs) || !make_trust(rs)) {
		resolver_free(rs);
		return NULL;
	}
	return rs;
}

static void
drop_edges(struct task *t)
{
	while (t->waiters != NULL) {
		struct edge *e = t->waiters;

		t->waiters = e->next_waiter;
		memory_free(e);
	}
}

void
resolver_free(struct resolver *rs)
{
	if (rs == NULL)
		return;
	for (size_t i = 0; rs->slots != NULL && i < rs->o.tasks_max; i++) {
		if (rs->slots[i] == NULL)
			continue;
		drop_edges(rs->slots[i]);
		task_free(rs->slots[i]);
	}
	timer_cancel(rs->o.timers, &rs->deadline);
	upstream_free(rs->upstream);
	trust_table_free(rs->trust);
	key_store_free(rs->key_store);
	spans_free(rs->spans);
	arena_free(rs->arena);
	while (rs->spare_count > 0)
		arena_free(rs->spare[--rs->spare_count]);
	clients_drop(rs);
	memory_free(rs->slots);
	memory_free(rs->free_slots);
	memory_free(rs);
}

/*
 * A refresh that is under way serves those who come after the old data have
 * ended as well.
 */
static struct task *
task_for(struct resolver *rs, const struct task_key *k)
{
	struct task_key refresh = { .qname = k->qname,
		.qtype = k->qtype,
		.trace = k->trace,
		.checking_disabled = k->checking_disabled,
		.name_hash = k->name_hash,
		.refresh = true };
	struct task *t = NULL;

	if (rs->refreshes > 0 && !k->cache_only && !k->cold &&
	    task_find(rs, k) == NULL)
		t = task_find(rs, &refresh);
	if (t != NULL && !known_alive(t))
		return t;
	return task_find_or_begin(rs, k, 0);
}

uint64_t
resolver_ask(struct resolver *rs, const struct resolver_question *q,
    resolver_done done, void *user)
{
	const struct task_key k = { .qname = q->qname,
		.qtype = q->qtype,
		.cache_only = q->cache_only,
		.cold = q->cold,
		.trace = q->trace,
		.checking_disabled =
		    q->checking_disabled && rs->o.anchors != NULL,
		/* Once for three searches: 600 instructions less. */
		.name_hash = q->name_hash != 0
				 ? q->name_hash
				 : cache_name_hash(rs->o.cache, q->qname) };
	struct client *c = client_new(rs);
	struct task *t = NULL;

	/* The task runs when those asked with it have been taken, too. */
	records_expect(rs->o.cache, k.name_hash);
	resolver_read_clocks(rs);
	if (c != NULL)
		t = task_for(rs, &k);
	if (t == NULL) {
		client_free(rs, c);
		return 0;
	}
	rs->counts.asked++;
	task_give_budget(t);
	c->done = done;
	c->user = user;
	c->number = ++rs->next_number;
	c->next = t->clients;
	t->clients = c;
	/* Who comes late to stale data need not wait for them. */
	if (t->stale_at_us != 0)
		task_ready(t);
	return (uint64_t)c->number << 32 | t->slot;
}

void
resolver_cancel(struct resolver *rs, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct task *t = slot < rs->o.tasks_max ? rs->slots[slot] : NULL;

	if (t == NULL)
		return;
	for (struct client **at = &t->clients; *at != NULL; at = &(*at)->next) {
		struct client *c = *at;

		if (c->number != (uint32_t)(id >> 32))
			continue;
		*at = c->next;
		client_free(rs, c);
		return;
	}
}

/* It slept for as long as its server took: it is fetched ahead. */
static void
task_expect(const struct task *t)
{
	for (size_t at = 0; at < offsetof(struct task, reply); at += 64)
		__builtin_prefetch((const char *)t + at);
	__builtin_prefetch(&t->ask_name);
	__builtin_prefetch(t->flights);
}

bool
resolver_turn_some(struct resolver *rs, size_t most)
{
	rs->turn_us = TURN_US;
	while (rs->ready_head != NULL && most-- > 0) {
		struct task *t = rs->ready_head;

		rs->ready_head = t->next_ready;
		if (rs->ready_head == NULL)
			rs->ready_tail = NULL;
		else
			task_expect(rs->ready_head);
		task_run(t);
	}
	return rs->ready_head == NULL;
}

void
resolver_turn(struct resolver *rs)
{
	(void)resolver_turn_some(rs, SIZE_MAX);
}

void
resolver_count(const struct resolver *rs, struct resolver_counts *out)
{
	*out = rs->counts;
	upstream_count(rs->upstream, &out->upstream);
}

static struct delegation *
closest_delegation(struct resolver *rs, const uint8_t *zone, struct arena *a)
{
	uint64_t now = rs->o.wire->ttl_now_ms(rs->o.wire_self);
	struct delegation_rules rules = resolver_rules(rs);
	struct record r;

	for (unsigned n = name_labels(zone) + 1; n-- > 0;) {
		const uint8_t *at = name_suffix(zone, n);

		if (records_get_delegation(rs->o.cache, at, now, a, &r))
			return delegation_build(a, at, r.sets, r.set_count,
			    &rules);
	}
	return rs->root;
}

size_t
resolver_zone_servers(struct resolver *rs, const uint8_t *zone,
    struct name *closest, struct resolver_server *out, size_t max)
{
	struct arena *a = arena_new(256 * 1024);
	struct delegation *d =
	    a == NULL ? NULL : closest_delegation(rs, zone, a);
	size_t n = 0;

	name_copy(closest, d == NULL ? name_root : d->zone);
	for (size_t i = 0; d != NULL && i < d->address_count && n < max; i++) {
		out[n].address = d->addresses[i];
		name_copy(&out[n++].server, d->names[d->name_of[i]].name);
	}
	arena_free(a);
	return n;
}
