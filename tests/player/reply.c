/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.c - the bytes of a scripted reply. Written by hand and without
 * compression, so that replies may be as odd as a scenario wants them.
 */
#include "player.h"

#include <string.h>

struct out {
	uint8_t *buf;
	size_t at;
};

static void
put(struct out *o, const void *p, size_t len)
{
	if (len == 0 || len > MESSAGE_MAX - o->at)
		return;
	memcpy(o->buf + o->at, p, len);
	o->at += len;
}

static void
put_u16(struct out *o, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(o, b, 2);
}

static void
put_record(struct out *o, const struct record_line *r)
{
	put(o, r->owner, name_bytes(r->owner));
	put_u16(o, r->type);
	put_u16(o, r->class);
	put_u16(o, r->ttl >> 16);
	put_u16(o, r->ttl & 0xffff);
	put_u16(o, r->len);
	put(o, r->rdata, r->len);
}

static void
put_opt(struct out *o, const struct entry *e)
{
	put(o, name_root, 1);
	put_u16(o, TYPE_OPT);
	put_u16(o, EDNS_UDP_SIZE);
	put_u16(o, (unsigned)(e->rcode >> 4) << 8);
	put_u16(o, e->dnssec_ok ? 0x8000 : 0);
	put_u16(o, (unsigned)e->options_len);
	put(o, e->options, e->options_len);
}

static bool
wants_opt(const struct entry *e, const struct query *q)
{
	return e->dnssec_ok || e->options != NULL || e->rcode > 15 ||
	       ((e->adjust & DO_BIT) != 0 && q->edns.dnssec_ok);
}

static void
put_question(struct out *o, const struct entry *e, const uint8_t *query,
    const struct query *q)
{
	if ((e->adjust & COPY_QUERY) != 0) {
		put(o, query + HEADER_BYTES,
		    q->question_end - (size_t)HEADER_BYTES);
		return;
	}
	/* The same name in other letters is what servers echo, too. */
	put(o,
	    name_equal(e->qname.wire, q->qname.wire) &&
		    (e->match & PART_QCASE) == 0
		? q->qname.wire
		: e->qname.wire,
	    name_bytes(e->qname.wire));
	put_u16(o, e->qtype);
	put_u16(o, e->qclass);
}

size_t
reply_write(uint8_t *buf, const struct entry *e, const uint8_t *query,
    const struct query *q)
{
	struct out o = { .buf = buf };
	bool question = e->has_question || (e->adjust & COPY_QUERY) != 0;
	bool opt = wants_opt(e, q);

	if (e->raw != NULL) {
		put(&o, e->raw, e->raw_len);
		memcpy(o.buf, query, 2);
		return o.at;
	}
	put_u16(&o, (e->adjust & RAW_ID) != 0 ? q->id ^ 0xffffu : q->id);
	put_u16(&o,
	    (unsigned)e->flags | (e->opcode & 15u) << 11 | (e->rcode & 15u));
	put_u16(&o, question);
	for (int s = 0; s < SECTION_COUNT; s++)
		put_u16(&o, (unsigned)e->sections[s].count +
				(opt && s == SECTION_ADDITIONAL));
	if (question)
		put_question(&o, e, query, q);
	for (int s = 0; s < SECTION_COUNT; s++)
		for (size_t i = 0; i < e->sections[s].count; i++)
			put_record(&o, &e->sections[s].items[i]);
	if (opt)
		put_opt(&o, e);
	return o.at;
}
