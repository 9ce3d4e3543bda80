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

#include "match.h"

#define QUERY_MAX 512u

static void
slot_close(struct slot *s)
{
	struct upstream_opts *o = &s->up->o;

	timer_cancel(o->timers, &s->timer);
	if (s->flow != 0)
		o->wire->close(o->wire_self, s->flow);
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
teach_reply(struct slot *s, const uint8_t *bytes, size_t len)
{
	struct opt_seen opt;

	match_opt(bytes, len, &opt);
	servers_answered(s->up->o.servers,
	    &(struct servers_sample){ .address = &s->x.to,
		.nsid = opt.nsid,
		.nsid_len = opt.nsid_len,
		.rtt_us = s->x.rtt_us,
		.tcp = s->x.tcp,
		.edns_seen = opt.present },
	    now_us(s->up));
}

/* A reply that no task will look at. */
static void
teach_fault(struct slot *s, const uint8_t *bytes, size_t len)
{
	struct upstream *up = s->up;
	int fault;

	if (up->o.judge == NULL)
		return;
	fault =
	    up->o.judge(s->names, s->names + s->qname_at, s->qtype, bytes, len);
	if (fault >= 0)
		servers_fault(up->o.servers, &s->x.to, s->names,
		    (enum server_fault)fault, now_us(up));
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
	slot_close(s);
	s->x.state = state;
	if (s->left)
		slot_free(s);
	else
		tell_owner(s);
}

static void
slot_broken(struct slot *s, enum err why)
{
	s->up->counts.broken++;
	s->x.why = why;
	slot_end(s, EXCHANGE_BROKEN);
}

static void
on_timer(void *user)
{
	struct slot *s = user;
	struct upstream *up = s->up;

	teach_silence(s);
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
	if (++s->x.mismatches <= EXCHANGE_MISMATCHES_MAX)
		return;
	if (s->x.tcp)
		slot_broken(s, ERR_FORMAT);
	else
		slot_end(s, EXCHANGE_SUSPECT);
}

static void
on_answer(struct slot *s, const uint8_t *bytes, size_t len, uint64_t at_us)
{
	struct upstream *up = s->up;
	uint64_t rtt = at_us > s->sent_us ? at_us - s->sent_us : 1;

	s->x.rtt_us = rtt < UINT32_MAX ? (uint32_t)rtt : UINT32_MAX;
	up->counts.answered++;
	up->counts.late_answers += s->x.state == EXCHANGE_LATE;
	teach_reply(s, bytes, len);
	if (s->left) {
		teach_fault(s, bytes, len);
		slot_end(s, EXCHANGE_ANSWERED);
		return;
	}
	if (slot_keep_reply(s, bytes, len))
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

	if (flow != s->flow || flow == 0)
		return;
	s->up->counts.bytes_in += len;
	switch (len <= MESSAGE_MAX ? match_reply(&e, bytes, len) : MATCH_NO) {
	case MATCH_YES:
		on_answer(s, bytes, len, at_us);
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
	teach_silence(s);
	slot_broken(s, why);
}

const struct wire_events *
upstream_events(void)
{
	static const struct wire_events events = { .message = on_message,
		.broken = on_broken };

	return &events;
}

/* Letter case by chance: bits that a forger must guess too. */
static void
mix_case(struct rng *rng, uint8_t *name, size_t len)
{
	uint32_t bits = 0;
	unsigned left = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = name[i] & 0xdfu;

		if (c < 'A' || c > 'Z')
			continue;
		if (left == 0) {
			bits = rng_u32(rng);
			left = 32;
		}
		name[i] = (bits & 1) != 0 ? (uint8_t)(c | 0x20u) : c;
		bits >>= 1;
		left--;
	}
}

static size_t
write_query(struct slot *s, const struct ask *a, uint8_t *buf)
{
	struct writer w;
	struct opt_out opt = { .ede = EDE_NONE,
		.udp_size = EDNS_UDP_SIZE,
		.dnssec_ok = a->dnssec_ok,
		.ask_nsid = a->ask_nsid };

	writer_start(&w, buf, QUERY_MAX, s->dns_id, a->recurse ? FLAG_RD : 0);
	writer_question(&w, s->names + s->qname_at, a->qtype, CLASS_IN);
	if (a->edns && !writer_opt(&w, &opt))
		return 0;
	return writer_finish(&w);
}

static void
slot_fill(struct slot *s, const struct ask *a)
{
	struct upstream *up = s->up;
	uint8_t *qname = s->names + s->qname_at;

	s->x.to = *a->to;
	s->x.state = EXCHANGE_WAITING;
	s->x.tcp = a->tcp;
	s->x.edns = a->edns;
	s->x.shadow = a->shadow;
	s->left = a->shadow || a->owner == 0;
	s->owner = a->owner;
	s->rto_us = a->rto_us;
	s->listen_us = a->listen_us;
	s->qtype = a->qtype;
	s->dns_id = rng_u16(up->o.rng);
	s->exact_case = a->mix_case && !a->tcp;
	if (s->exact_case)
		mix_case(up->o.rng, qname, name_bytes(qname));
	s->sent_us = now_us(up);
	s->timer.fire = on_timer;
	s->timer.user = s;
}

static enum err
slot_send(struct slot *s, const struct ask *a)
{
	struct upstream_opts *o = &s->up->o;
	UNCLEARED uint8_t buf[QUERY_MAX];
	size_t len = write_query(s, a, buf);
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
		slot_close(s);
		slot_free(s);
		return 0;
	}
	up->counts.sent_tcp += a->tcp;
	up->counts.sent_udp += !a->tcp;
	up->counts.sent_shadow += a->shadow;
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
	if (!slots_make(up)) {
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
		slot_close(up->slots[i]);
		slot_free(up->slots[i]);
	}
	slots_free(up);
	memory_free(up);
}
