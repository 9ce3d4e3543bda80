/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failures.c - what failed a moment ago is not tried again at once: RFC 9520.
 *
 * A failure is remembered for the question, for the name the aliases had led
 * to, and, when none of its servers makes a sound any more, for the zone with
 * just these servers. It is in force for the first half of its life; the
 * second half is for the next failure to find it, which doubles its hold.
 *
 * When nobody at all has answered since the question came, the fault may be
 * ours: then the hold stays short, so that we are back soon after our uplink
 * is, and the root is asked whether it is there.
 */
#include "task.h"

#include <string.h>

#define ZONE_HOLD_MAX_S    60u
#define DOUBTED_HOLD_MAX_S 4u
#define TRIES_MAX          16u
/* What is bogus costs us more than it costs its sender. */
#define BOGUS_HOLD_MIN_S 20u
/* RFC 8767 section 5: with stale data at hand, no sooner than this. */
#define STALE_RECHECK_S 30u

static bool
failure_in_force(const struct task *t, const struct record *r)
{
	return r->tries > 0 &&
	       t->rs->ttl_ms <
		   r->stored_ms + (r->expires_ms - r->stored_ms) / 2;
}

/* Has anybody answered us anything while this question was under way? */
static bool
is_cut_off(const struct task *t)
{
	return t->rs->heard_us < t->began_us;
}

static uint64_t
hold_of(const struct task *t, unsigned tries, uint64_t most_s)
{
	const struct resolver_opts *o = &t->rs->o;
	uint64_t hold_s = (uint64_t)o->failure_first_s << (tries - 1);

	if (is_cut_off(t) && most_s > DOUBTED_HOLD_MAX_S)
		most_s = DOUBTED_HOLD_MAX_S;
	if (most_s > o->failure_max_s)
		most_s = o->failure_max_s;
	return hold_s > most_s ? most_s : hold_s;
}

static void
put(struct task *t, struct record *r, uint64_t hold_s)
{
	uint64_t now = t->rs->ttl_ms;

	r->kind = RECORD_FAILURE;
	r->rank = RANK_ADDITIONAL;
	r->security = SECURITY_UNCHECKED;
	r->stored_ms = now;
	r->expires_ms = now + hold_s * 2000;
	if (records_put(t->rs->o.cache, r, now) != ERR_OK)
		task_note(t, "the failure is not kept: no room");
}

static bool
get(const struct task *t, const uint8_t *owner, uint16_t type, struct record *r)
{
	return records_get_failure(t->rs->o.cache, owner, type, t->rs->ttl_ms,
	    t->arena, r);
}

static void
remember(struct task *t, const uint8_t *name, enum ede ede)
{
	const struct rdata text = { (const uint8_t *)t->answer.why,
		(uint16_t)strlen(t->answer.why) };
	struct rrset reason = { .owner = name,
		.rdata = &text,
		.type = TYPE_TXT,
		.count = 1 };
	struct rrset *sets[] = { &reason };
	/* Why something is bogus is told to everybody who asks. */
	struct record before, r = { .owner = name,
		.sets = sets,
		.set_count = t->answer.bogus ? 1 : 0,
		.ede = ede,
		.type = t->qtype,
		.tries = 1 };
	uint64_t hold_s;

	if (get(t, name, t->qtype, &before) && before.tries < TRIES_MAX)
		r.tries = (uint16_t)(before.tries + 1);
	hold_s = hold_of(t, r.tries, t->rs->o.failure_max_s);
	if (t->answer.bogus && hold_s < BOGUS_HOLD_MIN_S)
		hold_s = BOGUS_HOLD_MIN_S;
	if (t->has_stale && hold_s < STALE_RECHECK_S)
		hold_s = STALE_RECHECK_S;
	put(t, &r, hold_s);
}

bool
failed_lately(struct task *t, struct record *r)
{
	const struct seen *s = glance(t, t->sname.wire);

	if (s == NULL || !records_may_have_failure(&s->at[s->labels], t->qtype))
		return false;
	return get(t, t->sname.wire, t->qtype, r) && failure_in_force(t, r) &&
	       !(t->checking_disabled && r->set_count > 0);
}

bool
host_failed_lately(const struct task *t, const uint8_t *host, uint16_t type)
{
	struct record r;

	return get(t, host, type, &r) && failure_in_force(t, &r);
}

void
store_failure(struct task *t, enum ede ede)
{
	if (t->cache_only || t->cold || t->priming || t->crowded_out ||
	    t->rs->o.failure_max_s == 0)
		return;
	remember(t, t->question.wire, ede);
	if (!name_equal(t->sname.wire, t->question.wire))
		remember(t, t->sname.wire, ede);
	if (is_cut_off(t))
		known_prime_root(t);
}

/* --- a zone whose servers are silent ---------------------------------- */

/* Was it about the servers that the zone has now? */
static bool
same_servers(const struct record *r, const struct delegation *d)
{
	if (d->ns == NULL || r->set_count == 0)
		return d->ns == NULL && r->set_count == 0;
	return rrset_equal(r->sets[0], d->ns);
}

/*
 * When the hold has passed, one question goes out to see; until it comes
 * back, the others are told at once. Where servers bounds what a dead set is
 * asked, and so finds it back within a moment, nothing is held.
 */
bool
zone_is_down(struct task *t)
{
	struct delegation *d = t->zone;
	struct record r;

	if (servers_spare_dead(t->rs->o.servers))
		return false;
	if (t->cold || d->let_through || !get(t, d->zone, 0, &r) ||
	    r.tries == 0 || !same_servers(&r, d))
		return false;
	if (failure_in_force(t, &r))
		return true;
	d->let_through = true;
	put(t, &r, 1);
	return false;
}

static bool
all_dead(const struct task *t)
{
	const struct delegation *d = t->zone;
	uint64_t now_us = t->rs->now_us;
	struct server_view v;

	for (size_t i = 0; i < d->address_count; i++) {
		if (!servers_look(t->rs->o.servers, &d->addresses[i], d->zone,
			now_us, &v) ||
		    v.state != SERVER_DEAD)
			return false;
	}
	return d->address_count > 0;
}

void
store_zone_down(struct task *t)
{
	struct delegation *d = t->zone;
	struct rrset *ns = d->ns;
	struct record before, r = { .owner = d->zone,
		.sets = &ns,
		.set_count = ns != NULL ? 1 : 0,
		.ede = EDE_NO_REACHABLE_AUTHORITY,
		.tries = 1 };

	if (t->cold || t->rs->o.failure_max_s == 0 || d->heard || !all_dead(t))
		return;
	if (get(t, d->zone, 0, &before) && before.tries < TRIES_MAX &&
	    same_servers(&before, d))
		r.tries = (uint16_t)(before.tries + 1);
	put(t, &r, hold_of(t, r.tries, ZONE_HOLD_MAX_S));
}

/* Somebody of the zone spoke: whatever was remembered is over. */
void
zone_was_heard(struct task *t)
{
	struct delegation *d = t->zone;
	struct record r = { .owner = d->zone, .ede = EDE_NONE, .tries = 0 };

	t->rs->heard_us = t->rs->now_us;
	if (d->let_through && !d->heard)
		put(t, &r, 1);
	d->heard = true;
}

/* A failure in memory; what was bogus keeps its reason. */
enum stage
known_failure(struct task *t, const struct record *r)
{
	const char *why =
	    r->ede == EDE_NONE ? "failed a moment ago" : ede_title(r->ede);

	t->last_ede = EDE_CACHED_ERROR;
	t->is_refused = r->set_count > 0;
	if (!t->is_refused)
		return task_fail(t, EDE_CACHED_ERROR, why);
	if (r->sets[0]->type == TYPE_TXT)
		why =
		    arena_print(t->arena, "%.*s", (int)r->sets[0]->rdata[0].len,
			(const char *)r->sets[0]->rdata[0].bytes);
	return task_fail(t, r->ede, why == NULL ? "" : why);
}
