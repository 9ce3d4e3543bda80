/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.c - answers like an authoritative server, and misbehaves like one:
 *
 *   1. read the question; what is no question gets no answer
 *   2. quirks that keep silent
 *   3. errors: format, opcode, EDNS version, and quirks that pretend one
 *   4. the deepest zone of this site that holds the name; none: REFUSED
 *   5. look up, write, truncate when it does not fit (RFC 2181 section 9)
 *   6. quirks that spoil what was written
 *
 * No allocation, and no more work than one lookup and one writing.
 */
#include <string.h>

#include "answer.h"
#include "prove.h"

static const struct rdata upward_rdata = {
	.bytes = (const uint8_t *)"\1a\14root-servers\3net",
	.len = 20,
};
/* What lame servers used to say: "ask the root". */
static const struct rrset upward = {
	.owner = name_root,
	.rdata = &upward_rdata,
	.ttl = 518400,
	.type = TYPE_NS,
	.count = 1,
};

static bool
has(const struct ask *ask, unsigned quirk)
{
	return (ask->address->quirks & quirk) != 0;
}

/* --- 2: silence ------------------------------------------------------- */

static bool
keeps_silent(const struct ask *ask, const struct query *q)
{
	const struct address *a = ask->address;

	if (has(ask, QUIRK_SILENT) ||
	    (has(ask, QUIRK_DROP_EDNS) && q->edns.present))
		return true;
	for (size_t i = 0; i < a->silent_type_count; i++) {
		if (a->silent_types[i] == q->qtype)
			return true;
	}
	for (size_t i = 0; i < a->silent_name_count; i++) {
		if (name_is_within(q->qname.wire, a->silent_names[i].wire))
			return true;
	}
	return false;
}

/* --- 3: errors -------------------------------------------------------- */

static unsigned
error_of(const struct ask *ask, const struct query *q, enum query_verdict v)
{
	if (v == QUERY_FORMERR)
		return RCODE_FORMERR;
	if (v == QUERY_NOTIMP || has(ask, QUIRK_NOTIMP))
		return RCODE_NOTIMP;
	if (has(ask, QUIRK_NO_EDNS) && q->edns.present)
		return RCODE_FORMERR;
	if (v == QUERY_BADVERS || (has(ask, QUIRK_BADVERS) && q->edns.present))
		return RCODE_BADVERS;
	if (has(ask, QUIRK_REFUSED) || q->qclass != CLASS_IN)
		return RCODE_REFUSED;
	if (has(ask, QUIRK_SERVFAIL))
		return RCODE_SERVFAIL;
	if (q->qtype == TYPE_AXFR || q->qtype == TYPE_IXFR)
		return RCODE_REFUSED;
	return RCODE_NOERROR;
}

/* --- 4: the zone ------------------------------------------------------ */

/*
 * The deepest zone that holds the name; DS of an apex belongs to the zone
 * above (RFC 4035 section 3.1.4.1), if that is here too.
 */
static const struct zone *
find_zone(const struct site *s, const struct query *q)
{
	const struct zone *best = NULL, *apex = NULL;

	for (size_t i = 0; i < s->zone_count; i++) {
		const struct zone *z = s->zones[i]->zone;

		if (!name_is_within(q->qname.wire, z->origin.wire))
			continue;
		if (q->qtype == TYPE_DS &&
		    name_equal(q->qname.wire, z->origin.wire))
			apex = z;
		else if (best == NULL || z->labels > best->labels)
			best = z;
	}
	return best != NULL ? best : apex;
}

/* --- 5: writing ------------------------------------------------------- */

struct writing {
	const struct ask *ask;
	const struct query *q;
	const struct zone *zone; /* NULL: none is asked */
	struct writer w;
	struct name qname; /* as it will stand in the answer */
	struct opt_out opt;
	bool with_opt, truncated;
};

static uint8_t
other_case(uint8_t c)
{
	uint8_t low = c | 0x20u;

	return low >= 'a' && low <= 'z' ? (uint8_t)(c ^ 0x20u) : c;
}

static void
choose_question(struct writing *wr)
{
	static const uint8_t label[] = "not-what-you-asked";
	struct name *n = &wr->qname;
	struct name asked;

	name_copy(n, wr->q->qname.wire);
	if (has(wr->ask, QUIRK_NO_0X20))
		name_lower(n, wr->q->qname.wire);
	if (has(wr->ask, QUIRK_WRONG_CASE)) {
		for (size_t at = 0; n->wire[at] != 0;) {
			size_t end = at + 1u + n->wire[at];

			while (++at < end)
				n->wire[at] = other_case(n->wire[at]);
		}
	}
	if (has(wr->ask, QUIRK_WRONG_QUESTION)) {
		name_copy(&asked, n->wire);
		if (name_prepend(n, label, sizeof(label) - 1, asked.wire) !=
		    ERR_OK)
			name_copy(n, name_root);
	}
}

static void
choose_opt(struct writing *wr, unsigned rcode)
{
	const char *nsid = wr->ask->site->nsid;
	const struct edns *e = &wr->q->edns;

	wr->with_opt = e->present && !has(wr->ask, QUIRK_NO_EDNS);
	wr->opt = (struct opt_out){ .ede = EDE_NONE,
		.rcode = (uint16_t)rcode,
		.udp_size = EDNS_UDP_SIZE,
		.dnssec_ok = e->dnssec_ok };
	if (e->wants_nsid && nsid != NULL) {
		wr->opt.nsid = (const uint8_t *)nsid;
		wr->opt.nsid_len = strlen(nsid);
	}
}

static size_t
size_limit(const struct writing *wr, size_t room)
{
	size_t limit = 512;

	if (wr->ask->by_tcp)
		return room;
	if (wr->q->edns.present && wr->q->edns.udp_size > limit)
		limit = wr->q->edns.udp_size;
	return limit < ANSWER_UDP_MAX ? limit : ANSWER_UDP_MAX;
}

/* Header, question, and room kept for the OPT. */
static void
start(struct writing *wr, const struct answer_out *out)
{
	writer_start(&wr->w, out->buf, size_limit(wr, out->size), wr->q->id, 0);
	if (wr->q->question_end != 0)
		writer_question(&wr->w, wr->qname.wire, wr->q->qtype,
		    wr->q->qclass);
	if (wr->with_opt)
		writer_reserve(&wr->w, opt_bytes(&wr->opt));
}

static bool
write_answers(struct writing *wr, const struct reply *r)
{
	struct address *a = wr->ask->address;
	bool signed_too = wr->q->edns.dnssec_ok;

	for (size_t i = 0; i < r->answer_count; i++) {
		const struct rrset *s = r->answers[i];
		uint16_t first = 0;

		if (has(wr->ask, QUIRK_ROTATE))
			first = (uint16_t)(a->rotation++ % s->count);
		if (!writer_rrset(&wr->w, SECTION_ANSWER, s, s->ttl, signed_too,
			first))
			return false;
	}
	return true;
}

/* RFC 4035 section 3.1: the proofs of what is not there. */
static bool
write_proofs(struct writing *wr, const struct reply *r)
{
	struct proofs proofs;

	if (wr->zone == NULL || !wr->q->edns.dnssec_ok)
		return true;
	prove(wr->zone, r, &proofs);
	for (size_t i = 0; i < proofs.count; i++)
		if (!writer_rrset(&wr->w, SECTION_AUTHORITY, proofs.sets[i],
			proofs.sets[i]->ttl, true, 0))
			return false;
	return true;
}

static bool
write_reply(struct writing *wr, const struct reply *r)
{
	bool signed_too = wr->q->edns.dnssec_ok;

	if (!write_answers(wr, r))
		return false;
	if (r->authority != NULL &&
	    !writer_rrset(&wr->w, SECTION_AUTHORITY, r->authority,
		r->authority_ttl, signed_too, 0))
		return false;
	if (r->ds != NULL && signed_too &&
	    !writer_rrset(&wr->w, SECTION_AUTHORITY, r->ds, r->ds->ttl, true,
		0))
		return false;
	if (!write_proofs(wr, r))
		return false;
	for (size_t i = 0; i < r->extra_count; i++) {
		const struct rrset *s = r->extras[i];

		/* RFC 9471: glue below the cut must not be left out */
		if (!writer_rrset(&wr->w, SECTION_ADDITIONAL, s, s->ttl,
			signed_too, 0))
			return i >= r->extra_needed;
	}
	return true;
}

static void
finish(struct writing *wr, const struct reply *r, struct answer_out *out)
{
	unsigned flags = FLAG_QR | (unsigned)wr->q->opcode << 11 |
			 (wr->q->flags & (unsigned)(FLAG_RD | FLAG_CD)) |
			 (out->rcode & 15u);

	if (wr->truncated)
		flags |= FLAG_TC;
	if (r != NULL && r->is_authoritative)
		flags |= FLAG_AA;
	if (has(wr->ask, QUIRK_QR0))
		flags &= ~(unsigned)FLAG_QR;
	if (wr->with_opt)
		(void)writer_opt(&wr->w, &wr->opt);
	out->len = writer_finish(&wr->w);
	out->buf[2] = (uint8_t)(flags >> 8);
	out->buf[3] = (uint8_t)flags;
	if (has(wr->ask, QUIRK_WRONG_ID))
		out->buf[0] ^= 0x55;
}

static void
write_message(struct writing *wr, const struct reply *r, struct answer_out *out)
{
	choose_question(wr);
	choose_opt(wr, out->rcode);
	start(wr, out);
	if (has(wr->ask, QUIRK_TRUNCATE_ALL) && !wr->ask->by_tcp)
		wr->truncated = true;
	else if (r != NULL && !write_reply(wr, r))
		wr->truncated = true;
	if (wr->truncated)
		start(wr, out); /* half an answer helps nobody */
	finish(wr, r, out);
}

static void
answer_from_zone(const struct ask *ask, const struct zone *z,
    struct writing *wr, struct answer_out *out)
{
	struct reply r;

	wr->zone = z;
	if (has(ask, QUIRK_LOOP))
		lookup_self_referral(z, &r);
	else
		lookup(z, out->query.qname.wire, out->query.qtype, &r);
	out->rcode = r.rcode;
	write_message(wr, &r, out);
}

static void
answer_lame(struct writing *wr, struct answer_out *out)
{
	struct reply r = { .authority = &upward, .authority_ttl = upward.ttl };

	write_message(wr, &r, out);
}

void
answer_make(const struct ask *ask, struct answer_out *out)
{
	struct writing wr = { .ask = ask, .q = &out->query };
	enum query_verdict v = query_read(ask->bytes, ask->len, &out->query);
	const struct zone *z;

	out->len = 0;
	out->rcode = RCODE_NOERROR;
	out->is_question = v != QUERY_SILENCE;
	if (v == QUERY_SILENCE || keeps_silent(ask, &out->query))
		return;
	out->rcode = error_of(ask, &out->query, v);
	if (out->rcode != RCODE_NOERROR) {
		write_message(&wr, NULL, out);
		return;
	}
	if (has(ask, QUIRK_LAME)) {
		answer_lame(&wr, out);
		return;
	}
	z = find_zone(ask->site, &out->query);
	if (z != NULL) {
		answer_from_zone(ask, z, &wr, out);
	} else {
		out->rcode = RCODE_REFUSED;
		write_message(&wr, NULL, out);
	}
}
