/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * task.c - tasks begin, are found again by those who ask the same, wake, and
 * end. A task lives in a slot; slot and number together name it, so that a
 * late event for one that ended finds nobody.
 */
#include "task.h"

#include <stddef.h>
#include <string.h>

static uint64_t
key_hash(const struct resolver *rs, const struct task_key *k)
{
	uint64_t name = k->name_hash != 0
			    ? k->name_hash
			    : cache_name_hash(rs->o.cache, k->qname);
	uint64_t flags =
	    (uint64_t)k->cache_only << 16 | (uint64_t)k->cold << 17 |
	    (uint64_t)k->trace << 18 | (uint64_t)k->priming << 19 |
	    (uint64_t)k->for_server << 20 | (uint64_t)k->for_trust << 21 |
	    (uint64_t)k->checking_disabled << 22 | (uint64_t)k->refresh << 23;

	flags |= (uint64_t)k->above << 32;
	name ^= (flags | k->qtype) * 0x9e3779b97f4a7c15u;
	return name ^ name >> 32;
}

static bool
key_fits(const struct task *t, const struct task_key *k)
{
	return t->qtype == k->qtype && t->cache_only == k->cache_only &&
	       t->cold == k->cold && t->trace == k->trace &&
	       t->priming == k->priming && t->for_server == k->for_server &&
	       t->above == k->above && t->for_trust == k->for_trust &&
	       t->checking_disabled == k->checking_disabled &&
	       t->refresh == k->refresh &&
	       name_equal(t->question.wire, k->qname);
}

static void
on_timer(void *user)
{
	task_ready(user);
}

static void
task_begin(struct task *t, const struct task_key *k, unsigned depth)
{
	struct resolver *rs = t->rs;

	reply_begin(&t->reply);
	name_copy(&t->question, k->qname);
	name_copy(&t->sname, k->qname);
	t->qtype = k->qtype;
	t->cache_only = k->cache_only;
	t->cold = k->cold;
	t->trace = k->trace;
	t->for_server = k->for_server;
	t->priming = k->priming;
	t->for_trust = k->for_trust;
	t->checking_disabled = k->checking_disabled;
	t->refresh = k->refresh;
	t->depth = depth;
	t->above = k->above;
	t->stage = FROM_CACHE;
	t->from_cache = true;
	t->refresh_ms = UINT64_MAX;
	t->last_ede = EDE_NO_REACHABLE_AUTHORITY;
	t->verdict = VERDICT_SECURE;
	t->note_ede = EDE_NONE;
	t->began_ms = rs->ttl_ms;
	t->generation = answers_generation(rs->o.cache);
	t->began_us = rs->now_us;
	t->timer.fire = t->stale_timer.fire = on_timer;
	t->timer.user = t->stale_timer.user = t;
	t->slot = rs->free_slots[--rs->free_count];
	t->number = ++rs->next_number;
	rs->slots[t->slot] = t;
	t->next_same_hash = rs->buckets[t->hash % TASK_BUCKETS];
	rs->buckets[t->hash % TASK_BUCKETS] = t;
	rs->counts.tasks++;
	rs->refreshes += t->refresh;
	task_ready(t);
}

/* Of the heap each would cost 400 instructions a question. */
struct client *
client_new(struct resolver *rs)
{
	struct client *c = rs->spare_clients;

	if (c == NULL)
		return memory_new(sizeof(*c));
	rs->spare_clients = c->next;
	rs->spare_client_count--;
	*c = (struct client){ .next = NULL };
	return c;
}

void
client_free(struct resolver *rs, struct client *c)
{
	if (c == NULL)
		return;
	if (rs->spare_client_count == SPARE_ARENAS) {
		memory_free(c);
		return;
	}
	c->next = rs->spare_clients;
	rs->spare_clients = c;
	rs->spare_client_count++;
}

void
clients_drop(struct resolver *rs)
{
	while (rs->spare_clients != NULL) {
		struct client *c = rs->spare_clients;

		rs->spare_clients = c->next;
		memory_free(c);
	}
}

/*
 * An arena that a task left behind, with its block, or a new one: 2,000
 * instructions less a task than malloc() and free() of both.
 */
static struct arena *
arena_lend(struct resolver *rs)
{
	if (rs->spare_count == 0)
		return arena_new(rs->o.arena_max);
	return rs->spare[--rs->spare_count];
}

static void
arena_take_back(struct resolver *rs, struct arena *a)
{
	if (rs->spare_count == SPARE_ARENAS) {
		arena_free(a);
		return;
	}
	arena_reset(a);
	rs->spare[rs->spare_count++] = a;
}

static struct task *
find_hashed(struct resolver *rs, const struct task_key *k, uint64_t hash)
{
	struct task *t = rs->buckets[hash % TASK_BUCKETS];

	while (t != NULL && (t->hash != hash || t->ended || !key_fits(t, k)))
		t = t->next_same_hash;
	return t;
}

struct task *
task_find(struct resolver *rs, const struct task_key *k)
{
	return find_hashed(rs, k, key_hash(rs, k));
}

struct task *
task_find_or_begin(struct resolver *rs, const struct task_key *k,
    unsigned depth)
{
	const uint64_t hash = key_hash(rs, k);
	struct task *t = find_hashed(rs, k, hash);
	struct arena *a;

	if (t != NULL) {
		rs->counts.joined++;
		return t;
	}
	if (rs->free_count == 0) {
		rs->counts.limit_tasks++;
		return NULL;
	}
	a = arena_lend(rs);
	t = a == NULL ? NULL : arena_room(a, sizeof(*t));
	if (t == NULL) {
		arena_free(a);
		return NULL;
	}
	memset(t, 0, offsetof(struct task, reply));
	t->rs = rs;
	t->arena = a;
	t->hash = hash;
	task_begin(t, k, depth);
	return t;
}

void
task_ready(struct task *t)
{
	struct resolver *rs = t->rs;

	if (t->is_ready || t->ended)
		return;
	t->is_ready = true;
	t->next_ready = NULL;
	if (rs->ready_tail != NULL)
		rs->ready_tail->next_ready = t;
	else
		rs->ready_head = t;
	rs->ready_tail = t;
}

/*
 * Who pays: the task itself when a client began it, else its oldest waiter.
 * Edges never close a circle and are at most depth_max long.
 */
struct task *
task_payer(struct task *t)
{
	while (!t->owns_budget) {
		if (t->waiters == NULL)
			return NULL;
		t = t->waiters->parent;
	}
	return t;
}

struct budget *
task_budget(struct task *t)
{
	struct task *payer = task_payer(t);

	return payer == NULL ? NULL : &payer->budget;
}

static void
unlink_from_bucket(struct task *t)
{
	struct task **at = &t->rs->buckets[t->hash % TASK_BUCKETS];

	while (*at != t)
		at = &(*at)->next_same_hash;
	*at = t->next_same_hash;
}

/* It may have been woken by what it did itself last. */
static void
unlink_from_ready(struct task *t)
{
	struct resolver *rs = t->rs;
	struct task *before = NULL;

	if (!t->is_ready)
		return;
	for (struct task *at = rs->ready_head; at != t; at = at->next_ready)
		before = at;
	if (before != NULL)
		before->next_ready = t->next_ready;
	else
		rs->ready_head = t->next_ready;
	if (rs->ready_tail == t)
		rs->ready_tail = before;
}

/* To all who wait for it now. */
void
task_tell_clients(struct task *t, const struct answer *a)
{
	struct resolver *rs = t->rs;
	uint64_t now_us = rs->now_us;
	struct outcome o = {
		.answer = a,
		.steps = t->steps,
		.step_count = t->step_count,
		.took_us = now_us - t->began_us,
		.messages = t->budget.messages,
		.checks = t->budget.work.good + t->budget.work.failed,
		.generation = t->generation,
		.expires_ms = a == &t->answer ? t->expires_ms : 0,
		.refresh_ms = t->refresh_ms != UINT64_MAX ? t->refresh_ms : 0,
		.from_cache = t->from_cache,
	};

	while (t->clients != NULL) {
		struct client *c = t->clients;

		t->clients = c->next;
		if (a == &t->answer && t->from_cache)
			rs->counts.told_from_cache++;
		else if (a == &t->answer)
			rs->counts.told_resolved++;
		c->done(c->user, &o);
		client_free(rs, c);
	}
}

static void
log_bogus(const struct task *t)
{
	UNCLEARED char name[NAME_TEXT_MAX];
	char type[16];

	log_info("bogus", "name=%s type=%s ede=%d reason=\"%s\"",
	    name_text(t->question.wire, name), type_text(t->qtype, type),
	    (int)t->answer.ede, t->answer.why);
}

/* How it ended for a client; one line in the log for what is bogus. */
static void
count_verdict(struct task *t)
{
	struct resolver_counts *n = &t->rs->counts;

	if (t->rs->o.anchors == NULL || t->checking_disabled)
		return;
	if (!t->answer.bogus) {
		if (t->answer.rcode != RCODE_SERVFAIL)
			n->verdicts[t->verdict]++;
		return;
	}
	n->verdicts[VERDICT_BOGUS]++;
	n->bogus[t->answer.ede > 0 && t->answer.ede < DNSSEC_REASONS
		     ? t->answer.ede
		     : 0]++;
	if (t->last_ede != EDE_CACHED_ERROR)
		log_bogus(t);
}

/* How long it has taken so far. */
uint16_t
task_cost_ms(const struct task *t)
{
	uint64_t now_us = t->rs->now_us;
	uint64_t ms = (now_us - t->began_us + 999) / 1000;

	return ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
}

/* Hands the result to all who wait, then frees everything. */
void
task_end(struct task *t)
{
	struct resolver *rs = t->rs;

	t->ended = true;
	if (t->answer.rcode == RCODE_SERVFAIL)
		rs->counts.failed++;
	else
		rs->counts.answered++;
	if (t->clients != NULL)
		count_verdict(t);
	edges_drop_children(t);
	edges_deliver(t);
	task_tell_clients(t, &t->answer);
	task_free(t);
}

void
task_free(struct task *t)
{
	struct resolver *rs = t->rs;

	while (t->clients != NULL) {
		struct client *c = t->clients;

		t->clients = c->next;
		client_free(rs, c);
	}
	flights_leave(t);
	quota_leave_zone(t);
	rs->background -= t->in_background;
	rs->refreshes -= t->refresh;
	timer_cancel(rs->o.timers, &t->timer);
	budget_forget_deadline(t);
	timer_cancel(rs->o.timers, &t->stale_timer);
	unlink_from_ready(t);
	unlink_from_bucket(t);
	rs->slots[t->slot] = NULL;
	rs->free_slots[rs->free_count++] = t->slot;
	rs->counts.tasks--;
	arena_take_back(rs, t->arena);
}
