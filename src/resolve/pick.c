/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pick.c - whom to ask: the nearest address by what servers knows, the look-up
 * of addresses that are missing, and what becomes of a server whose reply did
 * not help.
 */
#include "task.h"

/* A choice that failed for want of tokens is tried again after so long. */
#define PICK_AGAIN_US 50000u
/* A question that waits for what others find out looks so soon again. */
#define HOLD_LOOK_US 2000u

static struct servers_set
set_of(const struct task *t, const uint8_t **names)
{
	const struct delegation *d = t->zone;

	for (size_t i = 0; i < d->address_count; i++)
		names[i] = d->names[d->name_of[i]].name;
	return (struct servers_set){ .addresses = d->addresses,
		.tried = d->tried,
		.count = d->address_count,
		.zone = d->zone,
		.qname = t->ask_name,
		.names = d->configured ? NULL : names,
		.waited_us = t->held_since_us == 0
				 ? 0
				 : t->rs->now_us - t->held_since_us };
}

/* Looks again soon; false: no timer to be had, so it fails instead. */
static bool
pick_hold(struct task *t, uint64_t now_us)
{
	if (t->held_since_us == 0)
		t->held_since_us = now_us;
	return timer_arm(t->rs->o.timers, &t->timer,
		   now_us + HOLD_LOOK_US + (now_us - t->held_since_us) / 4) ==
	       ERR_OK;
}

/* The best that has room. Whoever is full counts as tried in this round. */
static enum err
choose_with_room(struct task *t, uint64_t now_us, struct servers_choice *c)
{
	struct delegation *d = t->zone;
	UNCLEARED const uint8_t *names[DELEGATION_ADDRESSES_MAX];
	const struct servers_set set = set_of(t, names);

	for (size_t i = 0; i < d->address_count; i++) {
		enum err e = servers_choose(t->rs->o.servers, &set,
		    t->rs->o.rng, now_us, c);

		if (e != ERR_OK || !quota_server_full(t, c->primary, c->key))
			return e;
		d->tried[c->primary] = true;
		t->crowded_out = true;
		t->last_trouble = "too many questions wait for this server";
	}
	return ERR_NOT_FOUND;
}

/* The nearest untried address. False: none is left in this round. */
bool
pick_nearest(struct task *t)
{
	struct delegation *d = t->zone;
	uint64_t now_us = t->rs->now_us;
	struct servers_choice c;
	enum err e;

	if (!flights_may_send(t) || d->address_count == 0)
		return false;
	e = choose_with_room(t, now_us, &c);
	t->pick_again_us = e == ERR_LIMIT ? now_us + PICK_AGAIN_US : 0;
	t->holds = e == ERR_LIMIT && c.wait && pick_hold(t, now_us);
	if (e != ERR_OK)
		return false;
	t->pick = (struct pick){ .server = c.primary,
		.shadow = c.shadow,
		.key = c.key,
		.shadow_key = c.shadow_key,
		.hedge_us = c.hedge_us,
		.rto_us = c.rto_us,
		.shadow_rto_us = c.shadow_rto_us,
		.ask_site = c.ask_site,
		.blind = c.blind,
		.why = c.why,
		.shadow_why = c.shadow_why,
		.made = true,
		.tcp = d->tcp,
		.edns = !d->plain[c.primary] && c.speaks_edns };
	return true;
}

/* Has another question found out meanwhile who is near? */
bool
pick_may_overtake(struct task *t, uint64_t waited_us)
{
	UNCLEARED const uint8_t *names[DELEGATION_ADDRESSES_MAX];
	const struct servers_set set = set_of(t, names);

	return servers_overtake(t->rs->o.servers, &set, waited_us,
	    t->rs->now_us);
}

/*
 * Two at a time: a hostile delegation may list dozens of names that do not
 * resolve, and each would cost us a look-up (NXNSAttack, 2020).
 */
void
pick_lookups(struct task *t)
{
	const struct delegation_rules rules = resolver_rules(t->rs);
	size_t i;
	uint16_t type;

	if (delegation_lookups_run(t->zone) || !flights_may_send(t))
		return;
	for (unsigned n = 0; n < 2; n++) {
		struct task_key k = { .cold = t->cold,
			.trace = t->trace,
			.for_server = true };
		enum lookup *state;

		if (!delegation_next_lookup(t->zone, &rules, &i, &type))
			return;
		state = type == TYPE_A ? &t->zone->names[i].v4
				       : &t->zone->names[i].v6;
		k.qname = t->zone->names[i].name;
		k.qtype = type;
		t->zone->lookups++;
		*state = task_depend(t, &k, i) == ERR_OK ? LOOKUP_RUNS
							 : LOOKUP_FAILED;
	}
}

static void
blame(struct task *t, enum server_fault f, enum ede ede)
{
	struct delegation *d = t->zone;
	size_t server = t->reading->server;

	servers_fault(t->rs->o.servers, &d->addresses[server], d->zone, f,
	    t->rs->now_us);
	d->spent[server] = true;
	t->last_ede = ede;
	t->last_trouble = t->reply.why;
}

static enum stage
ask_again(struct task *t, bool tcp, bool edns)
{
	t->pick = (struct pick){ .server = t->reading->server,
		.key = t->reading->key,
		.shadow = t->zone->address_count,
		.hedge_us = UINT32_MAX,
		.rto_us = t->reading->rto_us,
		.why = tcp ? "again by TCP" : "again without EDNS",
		.made = true,
		.tcp = tcp,
		.edns = edns };
	return ASK;
}

static bool
plain_flies(const struct task *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		if (!t->flights[i].over && !t->flights[i].edns)
			return true;
	}
	return false;
}

/*
 * The reply has the server's part, which upstream sends back by itself: once
 * to a server, and to two of a zone, since servers that never take it would
 * cost three messages each.
 */
static bool
takes_new_cookie(struct task *t)
{
	struct delegation *d = t->zone;
	size_t server = t->reading->server;

	if (t->reply.m.edns.cookie_len < 16 || d->new_cookie[server] ||
	    d->new_cookies >= 2)
		return false;
	d->new_cookie[server] = true;
	d->new_cookies++;
	return true;
}

/*
 * FORMERR alone may be forged, and to be without EDNS is to be without proofs:
 * it is remembered when the same server then gave an answer without.
 */
void
confirm_no_edns(struct task *t)
{
	const struct delegation *d = t->zone;
	size_t server = t->reading->server;

	if (!t->reading->edns && d->plain[server])
		servers_edns_refused(t->rs->o.servers, &d->addresses[server],
		    t->rs->now_us);
}

/* A reply that does not help: the same server in another way, or the next. */
enum stage
reject_reply(struct task *t)
{
	static const struct {
		enum server_fault fault;
		enum ede ede;
	} verdicts[REPLY_KINDS] = {
		[REPLY_SERVFAIL] = { FAULT_SERVFAIL,
		    EDE_NO_REACHABLE_AUTHORITY },
		[REPLY_REFUSED] = { FAULT_REFUSED, EDE_NO_REACHABLE_AUTHORITY },
		[REPLY_LAME] = { FAULT_LAME, EDE_NOT_AUTHORITATIVE },
		[REPLY_RECURSIVE] = { FAULT_LAME, EDE_NOT_AUTHORITATIVE },
		[REPLY_NO_EDNS] = { FAULT_BAD, EDE_INVALID_DATA },
		[REPLY_EMPTY] = { FAULT_BAD, EDE_INVALID_DATA },
		[REPLY_BAD] = { FAULT_BAD, EDE_INVALID_DATA },
		[REPLY_BADCOOKIE] = { FAULT_BAD, EDE_NETWORK_ERROR },
		[REPLY_TRUNCATED] = { FAULT_BAD, EDE_NETWORK_ERROR },
	};
	struct flight *f = t->reading;
	struct delegation *d = t->zone;
	enum reply_kind k = t->reply.kind;

	f->over = true;
	if (f->shadow)
		return ASK; /* upstream has learnt what there is to learn */
	t->saw_recursive = t->saw_recursive || k == REPLY_RECURSIVE;
	d->recursive[f->server] |= k == REPLY_RECURSIVE;
	t->saw_empty = t->saw_empty || k == REPLY_EMPTY;
	if (k == REPLY_NO_EDNS && !zone_is_signed(t)) {
		d->plain[f->server] = true;
		/* Of several that raced, one asked without EDNS is enough. */
		return plain_flies(t) ? ASK : ask_again(t, f->tcp, false);
	}
	/* Signatures come with EDNS only: then this is more likely a forgery. */
	if (k == REPLY_NO_EDNS && !d->by_tcp[f->server])
		return ask_again(t, true, true);
	if (k == REPLY_BADCOOKIE && takes_new_cookie(t))
		return ask_again(t, f->tcp, f->edns);
	if (k == REPLY_BADCOOKIE && !d->by_tcp[f->server] && !d->cookie_tcp) {
		d->cookie_tcp = true;
		return ask_again(t, true, f->edns);
	}
	if (k == REPLY_TRUNCATED && !d->by_tcp[f->server])
		return ask_again(t, true, f->edns);
	if (t->reply.minimised && t->rs->o.qmin != QMIN_STRICT &&
	    k != REPLY_TRUNCATED) {
		/* RFC 9156 section 2.3: perhaps it only minds the short name */
		t->minimise.off = true;
		t->question_made = false;
		return PICK_SERVER;
	}
	blame(t, verdicts[k].fault, verdicts[k].ede);
	return ASK;
}

/* Data that does not verify: perhaps another server has better. */
enum stage
reject_bogus(struct task *t, enum ede ede)
{
	t->reading->over = true;
	blame(t, FAULT_BAD, ede);
	return ASK;
}
