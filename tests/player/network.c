/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * network.c - the network of a scenario and its clock.
 *
 * A query is looked for in the ranges of the step that comes next, then in
 * those of the step that asked. When none answers: it waits if a later range
 * or a STEP REPLY may do so, else the reply is SERVFAIL. A reply takes
 * LATENCY_US of virtual time; TTLs see whole seconds only, so that a fresh
 * record shows the TTL it was sent with.
 */
#include "player.h"

#include <stdio.h>
#include <string.h>

#define LATENCY_US 500u

struct flow {
	void *user; /* NULL: closed */
	uint8_t *query;
	uint8_t *reply; /* on its way; NULL: none */
	size_t query_len, reply_len;
	uint64_t due_us;
	struct addr to;
	unsigned asked_at; /* number of the step */
	bool tcp, dropped;
	bool seen; /* by a CHECK_OUT_QUERY */
};

struct network {
	struct scenario *sc;
	struct timers *timers;
	const struct moment *asking, *now;
	uint64_t now_us, start_us;
	struct flow flows[FLOWS_MAX];
	size_t count;
};

/* --- a query, as far as entries look at it ---------------------------- */

struct asked {
	struct query q;
	const struct addr *to;
	bool tcp;
};

static bool
same_case(const uint8_t *a, const uint8_t *b)
{
	return name_bytes(a) == name_bytes(b) && name_same_case(a, b);
}

static bool
entry_matches(const struct entry *e, const struct asked *a)
{
	unsigned m = e->match;

	if ((m & (PART_QTYPE | PART_QUESTION | PART_ALL)) != 0 &&
	    e->qtype != a->q.qtype)
		return false;
	if ((m & (PART_QNAME | PART_QUESTION | PART_ALL)) != 0 &&
	    !name_equal(e->qname.wire, a->q.qname.wire))
		return false;
	if ((m & PART_QCASE) != 0 && !same_case(e->qname.wire, a->q.qname.wire))
		return false;
	if ((m & PART_SUBDOMAIN) != 0 &&
	    !name_is_within(a->q.qname.wire, e->qname.wire))
		return false;
	if (((m & PART_UDP) != 0 && a->tcp) || ((m & PART_TCP) != 0 && !a->tcp))
		return false;
	if ((m & PART_DO) != 0 && !a->q.edns.dnssec_ok)
		return false;
	if ((m & PART_NOEDNS) != 0 && a->q.edns.present)
		return false;
	return e->opcode == a->q.opcode;
}

static bool
range_has(const struct range *r, const struct addr *to)
{
	if (r->address_count == 0)
		return true;
	for (size_t i = 0; i < r->address_count; i++)
		if (addr_same_ip(&r->addresses[i], to))
			return true;
	return false;
}

static const struct entry *
range_look(const struct range *r, const struct asked *a)
{
	if (!range_has(r, a->to))
		return NULL;
	for (const struct entry *e = r->entries; e != NULL; e = e->next)
		if (entry_matches(e, a))
			return e;
	return NULL;
}

static const struct entry *
find_entry(const struct network *n, unsigned step, const struct asked *a)
{
	for (const struct range *r = n->sc->ranges; r != NULL; r = r->next) {
		const struct entry *e;

		if (step < r->from || step > r->to)
			continue;
		e = range_look(r, a);
		if (e != NULL)
			return e;
	}
	return NULL;
}

static bool
may_be_answered_later(const struct network *n, unsigned step,
    const struct asked *a)
{
	for (const struct range *r = n->sc->ranges; r != NULL; r = r->next)
		if (r->from > step && range_look(r, a) != NULL)
			return true;
	for (const struct moment *m = n->now; m != NULL; m = m->next)
		if (m->kind == STEP_REPLY || m->kind == STEP_TIMEOUT ||
		    m->kind == STEP_CHECK_OUT_QUERY)
			return true;
	return false;
}

static void
tell(const struct network *n, const struct flow *f, const char *what)
{
	char name[NAME_TEXT_MAX], type[16], to[ADDR_TEXT_MAX];
	struct query q;

	if (!n->sc->verbose)
		return;
	query_read(f->query, f->query_len, &q);
	fprintf(stderr, "%10.4f  %s %s%s to %s: %s\n", (double)n->now_us / 1e6,
	    name_text(q.qname.wire, name), type_text(q.qtype, type),
	    f->tcp ? " (TCP)" : "", addr_text(&f->to, to), what);
}

static void
send_reply(struct network *n, struct flow *f, const struct entry *e)
{
	struct query q;
	char what[32];

	if (e->asked != NULL)
		*e->asked = true;
	query_read(f->query, f->query_len, &q);
	f->reply = memory_new(MESSAGE_MAX);
	if (f->reply == NULL)
		return;
	f->reply_len = reply_write(f->reply, e, f->query, &q);
	f->due_us = n->now_us + LATENCY_US;
	snprintf(what, sizeof(what), "entry of line %u", e->line);
	tell(n, f, what);
}

/* --- answering -------------------------------------------------------- */

static bool
is_pending(const struct flow *f)
{
	return f->user != NULL && f->reply == NULL && !f->dropped;
}

static void
look_at(const struct flow *f, struct asked *a)
{
	*a = (struct asked){ .to = &f->to, .tcp = f->tcp };
	query_read(f->query, f->query_len, &a->q);
}

static void
try_ranges(struct network *n, struct flow *f)
{
	static const struct entry servfail = {
		.adjust = COPY_ID | COPY_QUERY,
		.flags = FLAG_QR,
		.rcode = RCODE_SERVFAIL,
	};
	unsigned step = n->now != NULL ? n->now->number : UINT32_MAX;
	const struct entry *e;
	struct asked a;

	look_at(f, &a);
	e = find_entry(n, step, &a);
	if (e == NULL)
		e = find_entry(n, f->asked_at, &a);
	if (e == NULL && may_be_answered_later(n, step, &a)) {
		tell(n, f, "waits");
		return;
	}
	send_reply(n, f, e != NULL ? e : &servfail);
}

void
network_step(struct network *n, const struct moment *asking,
    const struct moment *now)
{
	n->asking = asking;
	n->now = now;
	for (size_t i = 0; i < n->count; i++)
		if (is_pending(&n->flows[i]))
			try_ranges(n, &n->flows[i]);
}

static struct flow *
find_pending(struct network *n, const struct entry *e)
{
	for (size_t i = 0; i < n->count; i++) {
		struct asked a;

		if (!is_pending(&n->flows[i]))
			continue;
		look_at(&n->flows[i], &a);
		if (e == NULL || entry_matches(e, &a))
			return &n->flows[i];
	}
	return NULL;
}

bool
network_reply(struct network *n, const struct entry *e)
{
	struct flow *f = find_pending(n, e);

	if (f == NULL)
		return false;
	send_reply(n, f, e);
	return true;
}

bool
network_has_query(struct network *n, const struct entry *e)
{
	return find_pending(n, e) != NULL;
}

bool
network_check_query(struct network *n, const struct entry *e)
{
	for (size_t i = 0; i < n->count; i++) {
		struct asked a;

		look_at(&n->flows[i], &a);
		if (n->flows[i].seen || !entry_matches(e, &a))
			continue;
		n->flows[i].seen = true;
		return true;
	}
	return false;
}

bool
network_drop_oldest(struct network *n)
{
	struct flow *f = find_pending(n, NULL);

	if (f == NULL)
		return false;
	f->dropped = true;
	tell(n, f, "lost");
	return true;
}

/* --- time ------------------------------------------------------------- */

static struct flow *
next_due(struct network *n)
{
	struct flow *best = NULL;

	for (size_t i = 0; i < n->count; i++) {
		struct flow *f = &n->flows[i];

		if (f->user == NULL || f->reply == NULL)
			continue;
		if (best == NULL || f->due_us < best->due_us)
			best = f;
	}
	return best;
}

/* A flow may be closed from within, and its bytes with it. */
static void
deliver(struct network *n, struct flow *f)
{
	uint8_t *bytes = f->reply;

	f->reply = NULL;
	f->dropped = true;
	upstream_events()->message(f->user, (uint32_t)(f - n->flows) + 1, bytes,
	    f->reply_len, n->now_us);
	memory_free(bytes);
}

bool
network_advance(struct network *n, struct resolver *rs, uint64_t until_us)
{
	struct flow *f = next_due(n);
	uint64_t timer = timers_next(n->timers);
	uint64_t at = f != NULL && f->due_us <= timer ? f->due_us : timer;

	if (at > until_us) {
		if (until_us != UINT64_MAX && until_us > n->now_us)
			n->now_us = until_us;
		return false;
	}
	if (at > n->now_us)
		n->now_us = at;
	if (f != NULL && f->due_us <= timer)
		deliver(n, f);
	else
		timers_run(n->timers, n->now_us);
	resolver_turn(rs);
	return true;
}

void
network_settle(struct network *n, struct resolver *rs)
{
	struct flow *f;

	resolver_turn(rs);
	while ((f = next_due(n)) != NULL)
		if (!network_advance(n, rs, f->due_us))
			break;
}

uint64_t
network_now(const struct network *n)
{
	return n->now_us;
}

/* --- the seam --------------------------------------------------------- */

static enum err
on_send(void *self, const struct wire_send *s, uint32_t *flow)
{
	struct network *n = self;
	struct flow *f;

	if (n->count == FLOWS_MAX)
		return ERR_LIMIT;
	f = &n->flows[n->count];
	f->query = arena_copy(n->sc->arena, s->bytes, s->len);
	if (f->query == NULL)
		return ERR_MEMORY;
	f->query_len = s->len;
	f->user = s->user;
	f->to = *s->to;
	f->tcp = s->tcp;
	f->asked_at = n->asking != NULL ? n->asking->number : UINT32_MAX;
	*flow = (uint32_t)++n->count;
	try_ranges(n, f);
	return ERR_OK;
}

static void
on_close(void *self, uint32_t flow, bool answered)
{
	struct network *n = self;
	struct flow *f = &n->flows[flow - 1];

	(void)answered;
	require(flow > 0 && flow <= n->count && f->user != NULL);
	f->user = NULL;
	memory_free(f->reply);
	f->reply = NULL;
}

static uint64_t
on_now(void *self)
{
	return ((struct network *)self)->now_us;
}

static uint64_t
on_ttl_now(void *self)
{
	return ((struct network *)self)->now_us / 1000000 * 1000;
}

static uint64_t
on_real_now(void *self)
{
	struct network *n = self;

	return n->sc->setup.trust.real_s + (n->now_us - n->start_us) / 1000000;
}

const struct wire_ops *
network_ops(void)
{
	static const struct wire_ops ops = { .send = on_send,
		.close = on_close,
		.now_us = on_now,
		.ttl_now_ms = on_ttl_now,
		.real_now_s = on_real_now };

	return &ops;
}

struct network *
network_new(struct scenario *sc, struct timers *timers, uint64_t start_us)
{
	struct network *n = arena_take(sc->arena, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->sc = sc;
	n->timers = timers;
	n->now_us = n->start_us = start_us;
	return n;
}
