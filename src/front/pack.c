/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.c - an answer becomes a packed message.
 *
 * What goes in: the answer section whole; of the authority section what a
 * resolver needs (the SOA of a negative answer, RFC 2308; proofs when DO is
 * set) and the rest only if replies are not minimal; of the additional
 * section whatever fits, if replies are not minimal. RRSIGs only with DO
 * (RFC 4035 section 3.2.1).
 *
 * A set rotates in its place: only when its records are equally long and
 * nothing in them or behind them can point into them, which holds for the
 * addresses at the end of the answer section.
 */
#include "pack.h"

static uint32_t
capped_ttl(const struct pack_opts *o, const struct rrset *s)
{
	if (o->ttl_max_s != 0 && s->ttl > o->ttl_max_s)
		return o->ttl_max_s;
	return s->ttl;
}

static bool
put_set(struct writer *w, const struct pack_opts *o, enum section s,
    const struct rrset *set)
{
	return writer_rrset(w, s, set, capped_ttl(o, set), o->dnssec_ok, 0);
}

static bool
is_rotating(const struct rrset *s)
{
	return s->count > 1 && (s->type == TYPE_A || s->type == TYPE_AAAA);
}

/*
 * Notes where a set of addresses lies that was written at [from, to): with a
 * compressed owner each record has 12 octets and its address.
 */
static void
note_rotation(const uint8_t *buf, size_t from, const struct rrset *s,
    struct packed *out)
{
	size_t size = 12u + (s->type == TYPE_A ? 4u : 16u), i;

	for (i = 0; i < s->count; i++) {
		if (s->rdata[i].len + 12u != size ||
		    (buf[from + i * size] & 0xc0) != 0xc0)
			return;
	}
	out->rotate_at = (uint16_t)from;
	out->rotate_count = s->count;
	out->rotate_size = (uint16_t)size;
}

static bool
put_answer(struct writer *w, const struct answer *a, const struct pack_opts *o,
    struct packed *out)
{
	size_t i, n = a->counts[SECTION_ANSWER];

	for (i = 0; i < n; i++) {
		const struct rrset *s = a->sets[SECTION_ANSWER][i];
		bool turns = i + 1 == n && is_rotating(s);
		size_t from = w->at;
		uint16_t first = 0;

		if (turns)
			first = (uint16_t)(o->first % s->count);
		if (!writer_rrset(w, SECTION_ANSWER, s, capped_ttl(o, s),
			o->dnssec_ok, first))
			return false;
		if (turns)
			note_rotation(w->buf, from, s, out);
	}
	return true;
}

/* Does this set of the authority section have to be there? */
static bool
is_needed(const struct rrset *s, const struct pack_opts *o)
{
	switch (s->type) {
	case TYPE_SOA:
		return true;
	case TYPE_NSEC:
	case TYPE_NSEC3:
	case TYPE_RRSIG:
		return o->dnssec_ok;
	default:
		return false;
	}
}

static bool
is_proof(const struct rrset *s)
{
	return s->type == TYPE_NSEC || s->type == TYPE_NSEC3 ||
	       s->type == TYPE_RRSIG;
}

static bool
put_authority(struct writer *w, const struct answer *a,
    const struct pack_opts *o)
{
	size_t i;

	for (i = 0; i < a->counts[SECTION_AUTHORITY]; i++) {
		const struct rrset *s = a->sets[SECTION_AUTHORITY][i];
		bool needed = a->referral || is_needed(s, o);

		if (!needed && (o->minimal || is_proof(s)))
			continue;
		if (!put_set(w, o, SECTION_AUTHORITY, s) && needed)
			return false;
	}
	return true;
}

static void
put_additional(struct writer *w, const struct answer *a,
    const struct pack_opts *o)
{
	size_t i;

	for (i = 0;
	     i < a->counts[SECTION_ADDITIONAL] && (a->referral || !o->minimal);
	     i++)
		if (!put_set(w, o, SECTION_ADDITIONAL,
			a->sets[SECTION_ADDITIONAL][i]))
			return;
}

/*
 * Sets are of class IN; an answer of another class (CHAOS) is one TXT set,
 * whose records lie one behind the other from the end of the question on.
 */
static void
patch_class(uint8_t *buf, size_t at, size_t len, uint16_t class)
{
	while (at + 10 < len) {
		if ((buf[at] & 0xc0) == 0xc0)
			at += 2;
		else
			at += name_bytes(buf + at);
		if (at + 10 > len)
			return;
		buf[at + 2] = (uint8_t)(class >> 8);
		buf[at + 3] = (uint8_t) class;
		at += 10u + ((size_t)buf[at + 8] << 8 | buf[at + 9]);
	}
}

bool
pack_answer(const struct answer *a, const struct pack_opts *o, uint8_t *buf,
    size_t size, struct packed *out)
{
	unsigned flags = FLAG_QR | FLAG_RA | (a->rcode & 15u);
	struct writer w;
	size_t question_end;

	*out = (struct packed){ .bytes = buf, .ede = EDE_NONE };
	if (a->secure)
		flags |= FLAG_AD;
	if (a->authoritative)
		flags |= FLAG_AA;
	writer_start(&w, buf, size, 0, (uint16_t)flags);
	writer_question(&w, o->qname, o->qtype, o->qclass);
	question_end = w.at;
	if (!put_answer(&w, a, o, out) || !put_authority(&w, a, o))
		return false;
	put_additional(&w, a, o);
	out->len = writer_finish(&w);
	if (o->qclass != CLASS_IN)
		patch_class(buf, question_end, out->len, o->qclass);
	return true;
}
