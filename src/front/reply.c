/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.c - a packed answer becomes the reply to one client.
 *
 * Packed answers are the same for everybody. What differs: the id, RD and CD
 * (copied), AD (only for who asked by DO or AD, RFC 6840 section 5.8), the
 * letter case of the name, the OPT (only for who sent one), and how much the
 * client can take (RFC 6891 section 6.2.5; never more than 1232 octets by
 * UDP). No reply is longer than asked->limit: explanations go first, then
 * the answer, of which the header with TC remains.
 */
#include "reply.h"

#include <string.h>

#define UDP_PLAIN_MAX 512u
#define OPT_PLAIN     11u
#define OPTION_HEAD   4u
#define OPTION_NSID   3u
#define OPTION_COOKIE 10u
#define OPTION_ALIVE  11u
#define OPTION_EDE    15u
#define WHY_MAX       160u
#define OPCODE_BITS   0x7800u

static void
put_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned
get_u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

void
asked_from_query(struct asked *out, const struct query *q, bool udp)
{
	uint16_t limit = UDP_PLAIN_MAX;

	if (!udp)
		limit = MESSAGE_MAX;
	else if (q->edns.present && q->edns.udp_size > EDNS_UDP_SIZE)
		limit = EDNS_UDP_SIZE;
	else if (q->edns.present && q->edns.udp_size > limit)
		limit = q->edns.udp_size;
	*out = (struct asked){
		.qname = q->qname.wire,
		.id = q->id,
		.flags = q->flags,
		.qtype = q->qtype,
		.qclass = q->qclass,
		.limit = limit,
		.has_question = q->question_end != 0,
		.edns = q->edns.present,
		.dnssec_ok = q->edns.present && q->edns.dnssec_ok,
		.wants_nsid = q->edns.present && q->edns.wants_nsid,
		.wants_keepalive =
		    !udp && q->edns.present && q->edns.wants_keepalive,
	};
}

/* --- the OPT ---------------------------------------------------------- */

/* Which parts of the OPT are sent. */
struct opt_plan {
	size_t bytes, why_len;
	bool opt, nsid, ede;
};

/*
 * The OPT without what may be left out: the cookie never is (RFC 7873 5.2),
 * and by TCP, where keepalive is told, there is room.
 */
static size_t
opt_least(const struct asked *q)
{
	if (!q->edns)
		return 0;
	return OPT_PLAIN +
	       (q->cookie_len > 0 ? OPTION_HEAD + q->cookie_len : 0) +
	       (q->wants_keepalive ? OPTION_HEAD + 2 : 0);
}

static struct opt_plan
plan_opt(const struct asked *q, const struct remark *m, size_t room)
{
	struct opt_plan p = { .opt = q->edns, .bytes = opt_least(q) };
	size_t ede, nsid;

	if (!p.opt)
		return (struct opt_plan){ .opt = false };
	p.nsid = q->wants_nsid && m->nsid != NULL && m->nsid_len <= 255;
	p.ede = m->ede != EDE_NONE;
	p.why_len = p.ede && m->why != NULL ? strnlen(m->why, WHY_MAX) : 0;
	ede = p.ede ? OPTION_HEAD + 2 : 0;
	nsid = p.nsid ? OPTION_HEAD + m->nsid_len : 0;
	if (p.bytes + ede + nsid + p.why_len > room)
		p.why_len = 0;
	if (p.bytes + ede + nsid > room) {
		p.nsid = false;
		nsid = 0;
	}
	if (p.bytes + ede > room) {
		p.ede = false;
		ede = 0;
	}
	p.bytes += ede + nsid + p.why_len;
	return p;
}

static uint8_t *
put_option(uint8_t *p, unsigned code, size_t len)
{
	put_u16(p, code);
	put_u16(p + 2, (unsigned)len);
	return p + OPTION_HEAD;
}

/* RFC 6891 section 6.1.2; version 0 is the only one we speak. */
static void
put_opt(const struct asked *q, const struct remark *m,
    const struct opt_plan *plan, uint8_t *p, unsigned rcode)
{
	p[0] = 0;
	put_u16(p + 1, TYPE_OPT);
	put_u16(p + 3, EDNS_UDP_SIZE);
	p[5] = (uint8_t)(rcode >> 4);
	p[6] = 0;
	put_u16(p + 7, q->dnssec_ok ? 0x8000u : 0);
	put_u16(p + 9, (unsigned)(plan->bytes - OPT_PLAIN));
	p += OPT_PLAIN;
	if (q->cookie_len > 0) {
		p = put_option(p, OPTION_COOKIE, q->cookie_len);
		memcpy(p, q->cookie, q->cookie_len);
		p += q->cookie_len;
	}
	if (q->wants_keepalive) {
		p = put_option(p, OPTION_ALIVE, 2);
		put_u16(p, q->keepalive);
		p += 2;
	}
	if (plan->nsid) {
		p = put_option(p, OPTION_NSID, m->nsid_len);
		memcpy(p, m->nsid, m->nsid_len);
		p += m->nsid_len;
	}
	if (plan->ede) {
		p = put_option(p, OPTION_EDE, 2 + plan->why_len);
		put_u16(p, (unsigned)m->ede);
		if (plan->why_len > 0)
			memcpy(p + 2, m->why, plan->why_len);
	}
}

/* --- replies ---------------------------------------------------------- */

static size_t
question_bytes(const struct asked *q)
{
	return q->has_question ? name_bytes(q->qname) + 4 : 0;
}

static unsigned
reply_flags(const struct asked *q, unsigned flags)
{
	if (!q->dnssec_ok && (q->flags & FLAG_AD) == 0)
		flags &= ~(unsigned)FLAG_AD;
	flags |= FLAG_QR | FLAG_RA;
	flags |= q->flags & (FLAG_RD | FLAG_CD | OPCODE_BITS);
	return flags;
}

/* Header and question only, with this RCODE and these flags. */
static size_t
put_bare(const struct asked *q, unsigned flags, uint8_t *out)
{
	size_t len = HEADER_BYTES + question_bytes(q);

	memset(out, 0, HEADER_BYTES);
	put_u16(out, q->id);
	put_u16(out + 2, flags);
	if (!q->has_question)
		return len;
	put_u16(out + 4, 1);
	memcpy(out + HEADER_BYTES, q->qname, len - HEADER_BYTES - 4);
	put_u16(out + len - 4, q->qtype);
	put_u16(out + len - 2, q->qclass);
	return len;
}

static size_t
finish(const struct asked *q, const struct remark *m, uint8_t *out, size_t len,
    unsigned rcode)
{
	struct opt_plan plan = plan_opt(q, m, q->limit - len);

	if (!plan.opt)
		return len;
	put_opt(q, m, &plan, out + len, rcode);
	put_u16(out + 10, get_u16(out + 10) + 1);
	return len + plan.bytes;
}

/* What is left of it proves nothing: no AD. */
static size_t
put_truncated(const struct asked *q, const struct remark *m, unsigned flags,
    uint8_t *out)
{
	size_t len = put_bare(q, (flags | FLAG_TC) & ~(unsigned)FLAG_AD, out);

	return finish(q, m, out, len, 0);
}

size_t
reply_truncated(const struct asked *q, const struct remark *m, uint8_t *out)
{
	return put_truncated(q, m, reply_flags(q, 0), out);
}

size_t
reply_write(const struct asked *q, const struct remark *m,
    const uint8_t *packed, size_t len, uint8_t *out)
{
	size_t opt = opt_least(q);
	unsigned flags = reply_flags(q, get_u16(packed + 2));

	if (len + opt > q->limit)
		return put_truncated(q, m, flags, out);
	if (out != packed)
		memcpy(out, packed, len);
	put_u16(out, q->id);
	put_u16(out + 2, flags);
	memcpy(out + HEADER_BYTES, q->qname, name_bytes(q->qname));
	return finish(q, m, out, len, 0);
}

size_t
reply_error(const struct asked *q, const struct remark *m, unsigned rcode,
    uint8_t *out)
{
	/* An extended RCODE needs an OPT to be told in. */
	unsigned told = q->edns || rcode < 16 ? rcode : RCODE_SERVFAIL;
	unsigned flags = reply_flags(q, told & 15u);
	size_t len = put_bare(q, flags, out);

	return finish(q, m, out, len, told);
}
