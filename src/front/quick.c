/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quick.c - the shortest way: the commonest question, answered where it lies.
 *
 * That is: RD, one question of class IN, nothing else but perhaps an OPT
 * without options, from somebody who may ask, and a packed answer that fits.
 * Whatever is not just so is left untouched to batch.c, which knows every
 * case; here and there the same reply comes out, octet for octet (a test
 * compares them). The name is neither copied nor written back: what a hit
 * costs falls from 1,450 instructions to 500.
 *
 * A question that came by TCP is copied first, and long answers are left to
 * batch.c, too.
 *
 * A name that is answered locally has no packed answer: misses are looked up
 * locally first, and new rules make older answers void.
 */
#include "inside.h"

#include <string.h>

#define OPT_BYTES    11u
#define QUESTION_END 4u /* type and class */
#define UDP_PLAIN    512u

static unsigned
u16_at(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* QR, opcode, AA, TC, RA, Z and the rcode are 0, RD is 1; one question. */
static bool
is_common_header(const uint8_t *p)
{
	static const uint8_t counts[7] = { 0, 1, 0, 0, 0, 0, 0 };

	return p[2] == FLAG_RD >> 8 && (p[3] & ~(FLAG_AD | FLAG_CD)) == 0 &&
	       memcmp(p + 4, counts, sizeof(counts)) == 0 && p[11] <= 1;
}

/* An OPT of version 0 without options and with no flag but DO. */
static bool
is_common_opt(const uint8_t *p, struct glance *g)
{
	static const uint8_t head[3] = { 0, 0, TYPE_OPT };
	size_t size = u16_at(p + 3);

	if (memcmp(p, head, sizeof(head)) != 0 || u16_at(p + 5) != 0 ||
	    (p[7] & 0x7f) != 0 || p[8] != 0 || u16_at(p + 9) != 0)
		return false;
	g->edns = true;
	g->dnssec_ok = p[7] != 0;
	if (size > EDNS_UDP_SIZE)
		size = EDNS_UDP_SIZE;
	g->limit =
	    (uint16_t)((size > UDP_PLAIN ? size : UDP_PLAIN) - OPT_BYTES);
	return true;
}

static bool
read_glance(const uint8_t *p, size_t len, struct glance *g)
{
	size_t name_bytes, end;

	if (len < HEADER_BYTES + 1 + QUESTION_END || !is_common_header(p))
		return false;
	name_bytes = flat_name(p + HEADER_BYTES, len - HEADER_BYTES);
	end = HEADER_BYTES + name_bytes + QUESTION_END;
	if (name_bytes == 0 || end + (p[11] == 0 ? 0 : OPT_BYTES) != len)
		return false;
	g->qtype = (uint16_t)u16_at(p + end - 4);
	g->edns = g->dnssec_ok = false;
	g->limit = UDP_PLAIN;
	if (u16_at(p + end - 2) != CLASS_IN || g->qtype == TYPE_ANY ||
	    (p[11] != 0 && !is_common_opt(p + end, g)))
		return false;
	g->name_bytes = (uint8_t)name_bytes;
	return true;
}

/* One source sends many questions in a row: its verdict is kept. */
static bool
may_ask(struct front *f, const struct addr *from)
{
	struct last_source *s = &f->last_source;

	if (!s->known || !addr_same_ip(&s->from, from)) {
		s->known = true;
		s->from = *from;
		s->quick =
		    policy_access(f->rules->policy, from) >= ACCESS_ALLOW &&
		    policy_is_common(f->rules->policy, from);
	}
	return s->quick;
}

static void
put_opt(uint8_t *message, size_t at, bool dnssec_ok)
{
	const uint8_t opt[OPT_BYTES] = { 0, 0, TYPE_OPT, EDNS_UDP_SIZE >> 8,
		EDNS_UDP_SIZE & 0xff, 0, 0, dnssec_ok ? 0x80 : 0 };
	unsigned records = u16_at(message + 10) + 1;

	memcpy(message + at, opt, sizeof(opt));
	message[10] = (uint8_t)(records >> 8);
	message[11] = (uint8_t)records;
}

void
quick_look(struct front *f, const struct datagram *d, struct glance *g)
{
	g->name_bytes = 0;
	g->hash = 0;
	g->absent = false;
	if (!may_ask(f, &d->from) || !read_glance(d->bytes, d->len, g))
		return;
	g->hash = answers_expect(f->opts.cache, d->bytes + HEADER_BYTES,
	    g->name_bytes, &g->ahead);
}

void
quick_asked(const uint8_t *bytes, const struct glance *g, struct asked *out)
{
	*out = (struct asked){
		.id = (uint16_t)u16_at(bytes),
		.flags = (uint16_t)u16_at(bytes + 2),
		.qtype = g->qtype,
		.qclass = CLASS_IN,
		.limit = (uint16_t)(g->limit + (g->edns ? OPT_BYTES : 0)),
		.has_question = true,
		.edns = g->edns,
		.dnssec_ok = g->dnssec_ok,
	};
}

bool
quick_reply(struct front *f, struct datagram *d, struct glance *g,
    uint64_t now_ms)
{
	uint8_t *p = d->bytes;
	uint8_t asked = p[3]; /* AD and CD */
	size_t len;

	if (g->name_bytes == 0)
		return false;
	len = answers_place(f->opts.cache,
	    &(struct answer_spot){
		.message = p,
		.size = g->limit,
		.now_ms = now_ms,
		.hash = g->hash,
		.turn = f->rules->rotate ? f->turn : 0,
		.qtype = g->qtype,
		.name_bytes = g->name_bytes,
		.flags = (uint8_t)((g->dnssec_ok ? ANSWER_KEY_DO : 0) |
				   (asked & FLAG_CD ? ANSWER_KEY_CD : 0)),
		.absent = &g->absent,
	    });
	if (len == 0)
		return false;
	f->turn += f->rules->rotate;
	if (!g->dnssec_ok && (asked & FLAG_AD) == 0)
		p[3] &= (uint8_t)~FLAG_AD;
	p[2] |= (FLAG_QR | FLAG_RD) >> 8;
	p[3] |= FLAG_RA | (asked & FLAG_CD);
	if (g->edns)
		put_opt(p, len, g->dnssec_ok);
	d->reply_len = len + (g->edns ? OPT_BYTES : 0);
	return true;
}
