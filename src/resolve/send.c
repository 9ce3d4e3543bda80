/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send.c - the flights of one upstream question: each is one send to one
 * address. The first stays in the air when a second leaves; whichever is
 * answered first is read, the others only teach. A shadow copy is a flight
 * too: its answer is as good, but silence from it moves nobody.
 */
#include "task.h"

#include <stdio.h>
#include <string.h>

/* Listening goes on past the RTO: a late answer is still an answer. */
#define LISTEN_MIN_US 1500000u
#define TCP_RTO_US    2000000u
/* Between the second and the third question to an address. */
#define REPEAT_MIN_US 100000u
/* How often one that went out blindly looks what others have learnt. */
#define LOOK_US 5000u

/* Retries that RFC 9520 section 3.1 calls reasonable, and no more. */
#define SENDS_MAX  8u
#define PAID_MAX   3u
#define ROUNDS_MAX 4u

void
flights_leave(struct task *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		upstream_leave(t->rs->upstream, t->flights[i].exchange);
		quota_leave_server(t, &t->flights[i]);
	}
	t->flight_count = 0;
	t->reading = NULL;
}

void
task_begin_question(struct task *t)
{
	const uint8_t *qname = glance_name(t);

	flights_leave(t);
	memset(&t->pick, 0, sizeof(t->pick));
	t->round = 0;
	t->pick_again_us = t->held_since_us = 0;
	t->holds = false;
	t->saw_recursive = t->saw_empty = t->ask_recursively = false;
	delegation_fresh(t->zone);
	do {
		t->reply.minimised = minimise_next(&t->minimise, qname,
		    t->qtype, t->zone->zone, &t->ask_name, &t->ask_type);
	} while (t->reply.minimised && known_shortened(t));
	t->question_made = true;
}

static void
fill_ask(struct task *t, struct ask *a, const struct flight *f)
{
	const struct resolver_opts *o = &t->rs->o;

	a->to = &t->zone->addresses[f->server];
	a->to_key = f->key;
	a->zone = t->zone->zone;
	a->qname = t->ask_name;
	a->qtype = t->ask_type;
	a->owner = (uint64_t)t->number << 32 | t->slot;
	a->rto_us = f->rto_us;
	a->listen_us = f->rto_us < LISTEN_MIN_US ? LISTEN_MIN_US : f->rto_us;
	a->tcp = f->tcp;
	a->edns = f->edns;
	a->dnssec_ok = a->edns;
	a->recurse = t->zone->forward || t->ask_recursively;
	a->mix_case = o->mix_case;
	a->shadow = f->shadow;
	a->ask_nsid = a->edns && o->ask_nsid &&
		      (f->shadow || t->pick.ask_site || t->trace);
}

/* The copy that teaches; its cost is in the budget like any other's. */
static void
send_shadow(struct task *t, struct budget *b)
{
	struct delegation *d = t->zone;
	size_t i = t->pick.shadow;
	struct flight *f = &t->flights[t->flight_count];
	struct ask a = { 0 };
	char to[ADDR_TEXT_MAX];
	enum err why;

	if (i >= d->address_count || t->pick.tcp ||
	    t->flight_count == FLIGHTS_MAX ||
	    b->messages + 1 >= t->rs->o.messages_max)
		return;
	*f = (struct flight){ .server = i,
		.key = t->pick.shadow_key,
		.sent_us = t->rs->now_us,
		.hedge_us = UINT32_MAX,
		.rto_us = t->pick.shadow_rto_us,
		.edns = !d->plain[i] && servers_speaks_edns(t->rs->o.servers,
					    &d->addresses[i], t->rs->now_us),
		.shadow = true };
	fill_ask(t, &a, f);
	f->exchange = upstream_ask(t->rs->upstream, &a, &why);
	if (f->exchange == 0)
		return;
	if (t->trace)
		task_note(t, "a copy -> %s (%s)", addr_text(a.to, to),
		    t->pick.shadow_why);
	d->tried[i] = true;
	b->messages++;
	quota_enter_server(t, f);
	t->flight_count++;
}

static void
note_send(struct task *t, const struct ask *a)
{
	char name[NAME_TEXT_MAX], zone[NAME_TEXT_MAX], type[16];
	char to[ADDR_TEXT_MAX], server[NAME_TEXT_MAX];
	struct server_view v;
	char rtt[48] = "never measured";

	if (servers_look(t->rs->o.servers, a->to, a->zone, t->rs->now_us, &v) &&
	    v.est_us > 0)
		snprintf(rtt, sizeof(rtt), "RTT about %.1f ms",
		    (double)v.est_us / 1000);
	task_note(t, "%s %s -> %s %s for zone %s (%s, %s, %s)",
	    name_text(a->qname, name), type_text(a->qtype, type),
	    addr_text(a->to, to),
	    name_text(t->zone->names[t->zone->name_of[t->pick.server]].name,
		server),
	    name_text(a->zone, zone), a->tcp ? "tcp" : "udp", rtt,
	    t->zone->address_count == 1 ? "the only one" : t->pick.why);
}

/*
 * All were asked, one of them for the second time: it is hardly the path that
 * loses so much, rather a name that takes long. No address sees a third
 * question within a tenth of a second, nor a fourth within two.
 */
static uint32_t
courtesy_us(const struct task *t, unsigned doublings)
{
	size_t count = t->zone->address_count;

	if (doublings == 0 || count == 0)
		return 0;
	return (REPEAT_MIN_US << (doublings - 1)) / (uint32_t)count;
}

static uint32_t
patience_us(const struct task *t)
{
	unsigned doublings = t->round > 3 ? 3 : t->round;
	uint32_t rto = t->pick.rto_us << doublings;
	uint32_t least = courtesy_us(t, doublings);

	if (t->pick.tcp && least < TCP_RTO_US)
		least = TCP_RTO_US;
	return rto < least ? least : rto;
}

/* Sends what was picked. False: it could not leave; t->pick is used up. */
bool
flights_send_pick(struct task *t)
{
	struct flight *f = &t->flights[t->flight_count];
	struct budget *b = task_budget(t);
	struct ask a = { 0 };
	enum err why = ERR_LIMIT;

	t->pick.made = false;
	if (t->flight_count == FLIGHTS_MAX || b == NULL)
		return false;
	*f = (struct flight){ .server = t->pick.server,
		.key = t->pick.key,
		.sent_us = t->rs->now_us,
		.hedge_us = t->pick.tcp ? UINT32_MAX : t->pick.hedge_us,
		.rto_us = patience_us(t),
		.tcp = t->pick.tcp,
		.edns = t->pick.edns,
		.blind = t->pick.blind };
	if (t->pick.tcp && b->bytes + MESSAGE_MAX > t->rs->o.bytes_max) {
		/* Its answer may be longer than what is left to be read. */
		t->zone->spent[t->pick.server] = true;
		t->last_trouble = "too many octets for one question";
		t->last_ede = EDE_OTHER;
		t->rs->counts.limit_bytes++;
		return false;
	}
	fill_ask(t, &a, f);
	if (t->trace)
		note_send(t, &a);
	b->messages++;
	t->from_cache = false;
	t->zone->tried[f->server] = true;
	t->zone->by_tcp[f->server] |= f->tcp;
	f->exchange = upstream_ask(t->rs->upstream, &a, &why);
	if (f->exchange == 0) {
		t->last_trouble = err_text(why);
		t->last_ede = EDE_NETWORK_ERROR;
		return false;
	}
	quota_enter_server(t, f);
	t->flight_count++;
	send_shadow(t, b);
	return true;
}

struct flight *
flights_answered(struct task *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		struct flight *f = &t->flights[i];
		const struct exchange *x =
		    upstream_look(t->rs->upstream, f->exchange);

		if (!f->over && x != NULL && x->state == EXCHANGE_ANSWERED)
			return f;
	}
	return NULL;
}

/* Forged replies or a mangled letter case: once more, by TCP. */
static void
repeat_by_tcp(struct task *t, struct flight *f)
{
	task_note(t, "replies that do not match: asking again by TCP");
	if (t->zone->by_tcp[f->server])
		return;
	t->pick = (struct pick){ .server = f->server,
		.key = f->key,
		.shadow = t->zone->address_count,
		.rto_us = TCP_RTO_US,
		.why = "again by TCP",
		.made = true,
		.tcp = true,
		.edns = f->edns };
}

/* Marks what has ended. True: something was picked to be sent instead. */
bool
flights_settle(struct task *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		struct flight *f = &t->flights[i];
		const struct exchange *x =
		    upstream_look(t->rs->upstream, f->exchange);
		enum exchange_state s = x == NULL ? EXCHANGE_SILENT : x->state;

		if (f->over || s == EXCHANGE_WAITING || s == EXCHANGE_LATE ||
		    s == EXCHANGE_ANSWERED)
			continue;
		f->over = true;
		if (f->shadow)
			continue;
		if (s == EXCHANGE_BROKEN) {
			t->last_trouble = err_text(x->why);
			t->last_ede = EDE_NETWORK_ERROR;
			/* A refused port will not open by asking again. */
			t->zone->spent[f->server] = true;
		} else if (s == EXCHANGE_SILENT) {
			t->last_trouble = "no reply";
			if (f->tcp)
				t->zone->spent[f->server] = true;
		} else {
			repeat_by_tcp(t, f);
			return t->pick.made;
		}
	}
	return false;
}

size_t
flights_live(const struct task *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->flight_count; i++)
		n += !t->flights[i].over;
	return n;
}

/* The one that is waited for: the last that is no copy. */
static struct flight *
newest(struct task *t)
{
	for (size_t i = t->flight_count; i-- > 0;) {
		if (!t->flights[i].shadow)
			return &t->flights[i];
	}
	return NULL;
}

static size_t
sends_of(const struct task *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->flight_count; i++)
		n += !t->flights[i].shadow;
	return n;
}

bool
flights_newest_waits(struct task *t)
{
	const struct flight *f = newest(t);
	const struct exchange *x;

	if (f == NULL)
		return false;
	x = upstream_look(t->rs->upstream, f->exchange);
	return !f->over && x != NULL && x->state == EXCHANGE_WAITING;
}

/*
 * Addresses that had to be looked up have cost messages already: a look-up
 * weighs as much as a send, so that a referral to names without glue and
 * without life (NRDelegation, CVE-2022-3204) is not dearer than one with.
 */
bool
flights_may_send(const struct task *t)
{
	size_t paid = t->zone->lookups;

	if (paid > PAID_MAX)
		paid = PAID_MAX;
	return sends_of(t) + paid < SENDS_MAX;
}

static bool
has_untried(const struct delegation *d)
{
	for (size_t i = 0; i < d->address_count; i++) {
		if (!d->tried[i])
			return true;
	}
	return false;
}

/* May those that kept silent be asked once more? */
bool
flights_may_repeat(const struct task *t)
{
	const struct delegation *d = t->zone;

	if (t->round + 1 >= ROUNDS_MAX || !flights_may_send(t))
		return false;
	for (size_t i = 0; i < d->address_count; i++) {
		if (!d->spent[i])
			return true;
	}
	return false;
}

/* False replies come in: copies would only help whoever sends them. */
static bool
is_forged(struct task *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		const struct exchange *x =
		    upstream_look(t->rs->upstream, t->flights[i].exchange);

		if (x != NULL && x->mismatches > 0)
			return true;
	}
	return false;
}

static bool
wake_at(struct task *t, uint64_t at_us)
{
	return timer_arm(t->rs->o.timers, &t->timer, at_us) == ERR_OK;
}

/*
 * One that left blindly: others may have learnt since who is near. Looks now
 * and then; *look_at is when it does so next.
 */
static bool
is_overtaken(struct task *t, struct flight *f, uint64_t *look_at)
{
	uint64_t waited = t->rs->now_us - t->flights[0].sent_us;

	*look_at = UINT64_MAX;
	if (!f->blind)
		return false;
	if (waited >= LOOK_US && pick_may_overtake(t, waited)) {
		f->blind = false;
		return true;
	}
	*look_at =
	    t->rs->now_us + (waited / 4 > LOOK_US ? waited / 4 : LOOK_US);
	return false;
}

/*
 * Should another address be asked while these are in the air? At the hedge
 * point when a token allows it, at the RTO in any case. Arms the timer for
 * the hedge point.
 */
bool
flights_want_another(struct task *t)
{
	struct flight *f = newest(t);
	bool untried = has_untried(t->zone) && flights_may_send(t);
	uint64_t hedge_at, look_at;

	if (f == NULL || t->rs->now_us < t->pick_again_us)
		return f != NULL && !wake_at(t, t->pick_again_us);
	if (!flights_newest_waits(t))
		return untried || flights_may_repeat(t);
	if (!untried || f->tcp || is_forged(t))
		return false;
	if (is_overtaken(t, f, &look_at))
		return true;
	hedge_at =
	    f->hedge_us == UINT32_MAX ? UINT64_MAX : f->sent_us + f->hedge_us;
	if (t->rs->now_us < hedge_at) {
		look_at = look_at < hedge_at ? look_at : hedge_at;
		return look_at != UINT64_MAX && !wake_at(t, look_at);
	}
	f->hedge_us = UINT32_MAX;
	return servers_may_hedge(t->rs->o.servers,
		   &t->zone->addresses[f->server]) ||
	       (look_at != UINT64_MAX && !wake_at(t, look_at));
}
