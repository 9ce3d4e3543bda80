/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * upstream.c - the life of an exchange; slots.c has their table.
 *
 * Promise: an exchange ends once, in ANSWERED, SILENT, BROKEN or SUSPECT;
 * from then on its flow is closed and its timer off. One that nobody waits
 * for (left, shadow) is freed as it ends, any other by upstream_leave().
 *
 *  WAITING --rto--> LATE --listen--> SILENT
 *     \______________/`----reply---> ANSWERED
 *             `--ICMP, reset, close-> BROKEN
 *             `--forgeries----------> SUSPECT
 *
 * Ids and letter case against forgery: RFC 5452 section 9, draft-vixie-dnsext-dns0x20.
 */
#include "slot.h"

#include <string.h>

#include "question.h"

/* A reply that belongs to an exchange. */
struct arrival {
	const uint8_t *bytes;
	size_t len;
	uint64_t at_us;
	struct opt_seen opt;
};

/* A timer that is so late was not the network's. */
#define AWAY_US 100000u

static void
slot_close(struct slot *s, bool answered)
{
	struct upstream_opts *o = &s->up->o;

	timer_cancel(o->timers, &s->timer);
	if (s->flow == 0)
		return;
	o->wire->close(o->wire_self, s->flow, answered);
	if (!s->landed)
		servers_landed(o->servers, &s->x.to, s->to_key);
	s->flow = 0;
}

/* --- teaching --------------------------------------------------------- */

static uint64_t
now_us(const struct upstream *up)
{
	return up->o.wire->now_us(up->o.wire_self);
}

/*
 * Only UDP's silence speaks of the address: where TCP alone is filtered the
 * server is as good as ever for most questions.
 */
static void
teach_silence(struct slot *s)
{
	struct upstream *up = s->up;

	if (s->silence_told || s->x.tcp)
		return;
	s->silence_told = true;
	servers_silent(up->o.servers, &s->x.to, s->names + s->qname_at,
	    now_us(up));
}

static void
teach_reply(struct slot *s, const struct arrival *r)
{
	/* With the sample: another lock and search would be 360 instructions. */
	s->landed = true;
	servers_answered(s->up->o.servers,
	    &(struct servers_sample){ .address = &s->x.to,
		.key = s->to_key,
		.nsid = r->opt.nsid,
		.nsid_len = r->opt.nsid_len,
		.rtt_us = s->x.rtt_us,
		.tcp = s->x.tcp,
		.landed = true,
		.edns_seen = r->opt.present,
		.truncated = (r->bytes[2] & (FLAG_TC >> 8)) != 0 },
	    now_us(s->up));
}

/* A reply that no task will look at, or not for long. */
static void
teach_fault(struct slot *s, const struct arrival *r)
{
	struct upstream *up = s->up;
	const uint8_t *qname = s->names + s->qname_at;
	int fault;

	if (up->o.judge == NULL)
		return;
	fault = up->o.judge(s->names, qname, s->qtype, r->bytes, r->len);
	if (fault >= 0)
		servers_fault(up->o.servers, &s->x.to, s->names,
		    (enum server_fault)fault, now_us(up));
	else if (s->x.shadow)
		servers_fault_over(up->o.servers, &s->x.to, s->names);
}

/*
 * We come back to it much later than its timer asked for: this process was
 * stopped, or has far too much to do. How long it took says nothing of the
 * server then, nor does it that nothing was read so far.
 */
static bool
was_away(struct slot *s)
{
	if (s->x.state == EXCHANGE_WAITING &&
	    now_us(s->up) > s->sent_us + s->rto_us + AWAY_US)
		s->was_away = true;
	return s->was_away;
}

/* --- the life of an exchange ------------------------------------------ */

static void
tell_owner(struct slot *s)
{
	struct upstream_opts *o = &s->up->o;

	if (!s->left && o->on_change != NULL)
		o->on_change(o->user, s->owner, s->id);
}

/* The one way to the end. s may be gone afterwards. */
static void
slot_end(struct slot *s, enum exchange_state state)
{
	slot_close(s, state == EXCHANGE_ANSWERED &&
			  s->x.state == EXCHANGE_WAITING &&
			  s->x.mismatches == 0);
	s->x.state = state;
	s->left ? slot_free(s) : tell_owner(s);
}

static void
slot_broken(struct slot *s, enum err why)
{
	s->up->counts.broken++;
	s->x.why = why;
	slot_end(s, EXCHANGE_BROKEN);
}

/* What came while we were away is still to be read. */
static void
listen_anew(struct slot *s)
{
	uint64_t late_us = now_us(s->up) - s->sent_us;

	if (s->x.state != EXCHANGE_WAITING)
		return;
	s->sent_us += late_us - s->rto_us;
}

static void
on_timer(void *user)
{
	struct slot *s = user;
	struct upstream *up = s->up;

	if (was_away(s))
		listen_anew(s);
	else
		teach_silence(s);
	up->counts.timeouts += s->x.state == EXCHANGE_WAITING;
	if (s->x.state == EXCHANGE_LATE || s->listen_us <= s->rto_us ||
	    timer_arm(up->o.timers, &s->timer, s->sent_us + s->listen_us) !=
		ERR_OK) {
		up->counts.silent++;
		slot_end(s, EXCHANGE_SILENT);
		return;
	}
	s->x.state = EXCHANGE_LATE;
	tell_owner(s);
}

static void
on_mismatch(struct slot *s)
{
	s->up->counts.mismatches++;
	if (++s->x.mismatches == EXCHANGE_MISMATCHES_WARY)
		servers_spoofed(s->up->o.servers, &s->x.to, DOUBT_FORGED,
		    now_us(s->up));
	if (s->x.mismatches <= EXCHANGE_MISMATCHES_MAX)
		return;
	if (s->x.tcp)
		slot_broken(s, ERR_FORMAT);
	else
		slot_end(s, EXCHANGE_SUSPECT);
}

static void
on_answer(struct slot *s, const struct arrival *r)
{
	struct upstream *up = s->up;
	uint64_t rtt = r->at_us > s->sent_us ? r->at_us - s->sent_us : 1;

	s->x.rtt_us = rtt < UINT32_MAX ? (uint32_t)rtt : UINT32_MAX;
	up->counts.answered++;
	up->counts.late_answers += s->x.state == EXCHANGE_LATE;
	up->counts.rcodes[r->bytes[3] & 15u]++;
	if (!was_away(s)) {
		if (!s->x.tcp)
			histogram_note(&up->counts.rtt, rtt);
		teach_reply(s, r);
	}
	if (s->left || s->x.shadow)
		teach_fault(s, r);
	if (s->left) {
		slot_end(s, EXCHANGE_ANSWERED);
		return;
	}
	if (slot_keep_reply(s, r->bytes, r->len))
		slot_end(s, EXCHANGE_ANSWERED);
	else
		slot_broken(s, ERR_MEMORY);
}

static void
on_message(void *user, uint32_t flow, const uint8_t *bytes, size_t len,
    uint64_t at_us)
{
	struct slot *s = user;
	struct expected e = { .qname = s->names + s->qname_at,
		.id = s->dns_id,
		.qtype = s->qtype,
		.exact_case = s->exact_case };
	struct arrival r = { .bytes = bytes, .len = len, .at_us = at_us };
	enum match m = MATCH_NO;

	if (flow != s->flow || flow == 0)
		return;
	s->up->counts.bytes_in += len;
	if (len <= MESSAGE_MAX)
		m = match_reply(&e, bytes, len);
	if (m == MATCH_YES) {
		match_opt(bytes, len, &r.opt);
		m = guard_match(s, &r.opt);
	}
	switch (m) {
	case MATCH_YES:
		guard_learn(s, bytes, len);
		on_answer(s, &r);
		break;
	case MATCH_CASE:
		s->x.mismatches++;
		s->up->counts.mismatches++;
		slot_end(s, EXCHANGE_SUSPECT);
		break;
	case MATCH_NO:
		on_mismatch(s);
		break;
	}
}

static void
on_broken(void *user, uint32_t flow, enum err why)
{
	struct slot *s = user;

	if (flow != s->flow || flow == 0)
		return;
	/* What we ran out of ourselves says nothing of the server. */
	if (why != ERR_LIMIT && why != ERR_MEMORY)
		teach_silence(s);
	slot_broken(s, why);
}

const struct wire_events *
upstream_events(void)
{
	static const struct wire_events events = { on_message, on_broken };

	return &events;
}

static void
slot_fill(struct slot *s, const struct ask *a)
{
	struct upstream *up = s->up;
	uint8_t *qname = s->names + s->qname_at;

	s->x.to = *a->to;
	s->to_key =
	    a->to_key != 0 ? a->to_key : servers_key(up->o.servers, a->to);
	s->x.state = EXCHANGE_WAITING;
	s->x.tcp = a->tcp;
	s->x.edns = a->edns;
	s->x.shadow = a->shadow;
	s->left = a->owner == 0;
	s->owner = a->owner;
	s->rto_us = a->rto_us;
	s->listen_us = a->listen_us;
	s->qtype = a->qtype;
	s->dns_id = rng_u16(up->o.rng);
	s->sent_us = now_us(up);
	guard_choose(s, a);
	if (s->mixed_case)
		question_mix_case(up->o.rng, qname, s->qname_bytes);
	s->timer.fire = on_timer;
	s->timer.user = s;
}

static enum err
slot_send(struct slot *s, const struct ask *a)
{
	struct upstream_opts *o = &s->up->o;
	UNCLEARED uint8_t buf[QUERY_MAX];
	const struct question q = { .ask = a,
		.qname = s->names + s->qname_at,
		.cookie = s->cookie_len > 0 ? s->cookie : NULL,
		.cookie_len = s->cookie_len,
		.id = s->dns_id,
		.udp_size = s->up->o.udp_size };
	size_t len = question_write(&q, buf);
	enum err e;

	if (len == 0)
		return ERR_SPACE;
	e = timer_arm(o->timers, &s->timer, s->sent_us + s->rto_us);
	if (e != ERR_OK)
		return e;
	e = o->wire->send(o->wire_self,
	    &(struct wire_send){ .to = &s->x.to,
		.bytes = buf,
		.len = len,
		.user = s,
		.tcp = a->tcp },
	    &s->flow);
	if (e == ERR_UNREACHABLE)
		teach_silence(s);
	return e;
}

uint32_t
upstream_ask(struct upstream *up, const struct ask *a, enum err *why)
{
	struct slot *s;

	*why = ERR_LIMIT;
	if (up->unused_count == 0)
		return 0;
	*why = ERR_MEMORY;
	s = slot_new(up, a);
	if (s == NULL)
		return 0;
	slot_fill(s, a);
	*why = slot_send(s, a);
	if (*why != ERR_OK) {
		s->flow = 0;
		slot_close(s, false);
		slot_free(s);
		return 0;
	}
	servers_sent(up->o.servers, a->to, s->to_key, s->sent_us);
	up->counts.sent_tcp += a->tcp;
	up->counts.sent_udp += !a->tcp;
	up->counts.sent_shadow += a->shadow;
	up->counts.sent6_tcp += a->tcp && a->to->family == 6;
	up->counts.sent6_udp += !a->tcp && a->to->family == 6;
	return s->id;
}

const struct exchange *
upstream_look(struct upstream *up, uint32_t id)
{
	struct slot *s = slot_find(up, id);

	return s != NULL ? &s->x : NULL;
}

void
upstream_leave(struct upstream *up, uint32_t id)
{
	struct slot *s = slot_find(up, id);

	if (s == NULL)
		return;
	s->left = true;
	if (s->x.state != EXCHANGE_WAITING && s->x.state != EXCHANGE_LATE)
		slot_free(s);
}

void
upstream_count(const struct upstream *up, struct upstream_counts *out)
{
	*out = up->counts;
}

struct upstream *
upstream_new(const struct upstream_opts *o)
{
	struct upstream *up = memory_new(sizeof(*up));
	size_t n = o->exchanges_max < SLOTS_MAX ? o->exchanges_max : SLOTS_MAX;

	if (up == NULL)
		return NULL;
	up->o = *o;
	up->capacity = n > 0 ? n : 1;
	if (up->o.udp_size == 0)
		up->o.udp_size = EDNS_UDP_SIZE;
	up->manners = manners_new(o->rng);
	if (up->manners == NULL || !slots_make(up)) {
		up->capacity = 0;
		upstream_free(up);
		return NULL;
	}
	return up;
}

void
upstream_free(struct upstream *up)
{
	if (up == NULL)
		return;
	for (size_t i = 0; i < up->capacity; i++) {
		if (up->slots[i] == NULL)
			continue;
		slot_close(up->slots[i], false);
		slot_free(up->slots[i]);
	}
	slots_free(up);
	manners_free(up->manners);
	memory_free(up);
}
