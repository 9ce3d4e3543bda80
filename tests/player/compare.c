/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.c - what the client would have got, and whether it is what the
 * scenario expects. Sections are compared as sets of records.
 *
 * hither's answers are minimal: where a file asks for full ones, the
 * authority section of a positive answer and all additional sections are let
 * go.
 */
#include "player.h"

#include <string.h>

#define FLAGS_SEEN 0x87b0u /* QR AA TC RD RA AD CD */

/* RRSIG and its like leave only for clients that set DO (RFC 3225). */
static bool
is_shown(const struct rrset *set, const struct entry *q)
{
	if (q->dnssec_ok || set->type == q->qtype || q->qtype == TYPE_ANY)
		return true;
	return set->type != TYPE_RRSIG && set->type != TYPE_NSEC &&
	       set->type != TYPE_NSEC3;
}

/* A record as `like`, but for its data. */
static bool
add_rdata(struct scenario *sc, struct record_list *l,
    const struct record_line *like, const struct rdata *rd)
{
	struct record_line r = *like;

	r.rdata = arena_copy(sc->arena, rd->bytes, rd->len);
	r.len = rd->len;
	return r.owner != NULL && r.rdata != NULL &&
	       record_add(sc->arena, l, &r);
}

static bool
add_set(struct scenario *sc, struct record_list *l, const struct rrset *set,
    const struct entry *q)
{
	struct record_line like = {
		.owner = name_copy_in(sc->arena, set->owner),
		.ttl = set->ttl,
		.type = set->type,
		.class = q->qclass,
	};

	if (!is_shown(set, q))
		return true;
	for (size_t i = 0; i < set->count; i++)
		if (!add_rdata(sc, l, &like, &set->rdata[i]))
			return false;
	like.type = TYPE_RRSIG;
	for (size_t i = 0; q->dnssec_ok && i < set->sig_count; i++)
		if (!add_rdata(sc, l, &like, &set->sigs[i]))
			return false;
	return true;
}

static struct client_answer *
answer_new(struct scenario *sc, const struct entry *query)
{
	struct client_answer *c = arena_take(sc->arena, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ede = EDE_NONE;
	c->flags = (uint16_t)(FLAG_QR | FLAG_RA |
			      (query->flags & (FLAG_RD | FLAG_CD)));
	return c;
}

struct client_answer *
answer_refused(struct scenario *sc, const struct entry *query)
{
	struct client_answer *c = answer_new(sc, query);

	if (c != NULL)
		c->rcode = RCODE_REFUSED;
	return c;
}

struct client_answer *
answer_copy(struct scenario *sc, const struct entry *query,
    const struct outcome *o)
{
	struct client_answer *c = answer_new(sc, query);
	const struct answer *a = o->answer;

	if (c == NULL)
		return NULL;
	c->rcode = a->rcode;
	c->ede = a->ede;
	memcpy(c->why, a->why, sizeof(c->why));
	if (a->authoritative)
		c->flags |= FLAG_AA;
	if (a->secure && (query->dnssec_ok || (query->flags & FLAG_AD) != 0))
		c->flags |= FLAG_AD;
	for (int s = 0; s < SECTION_COUNT; s++)
		for (size_t i = 0; i < a->counts[s]; i++)
			if (!add_set(sc, &c->sections[s], a->sets[s][i], query))
				return NULL;
	return c;
}

/* --- judging ---------------------------------------------------------- */

static const char *const section_names[] = { "answer", "authority",
	"additional" };

/* A record of x that y lacks, or, with ttl, has with another TTL. */
static const struct record_line *
lacking(const struct record_list *x, const struct record_list *y, bool ttl)
{
	for (size_t i = 0; i < x->count; i++) {
		bool found = false;

		for (size_t j = 0; j < y->count && !found; j++)
			found = record_same(&x->items[i], &y->items[j]) &&
				(!ttl || x->items[i].ttl == y->items[j].ttl);
		if (!found)
			return &x->items[i];
	}
	return NULL;
}

/*
 * Beside an SOA the name servers of the zone may stand or not (RFC 2308
 * section 2.2.1): they are taken out of both sides.
 */
static const struct record_list *
without_servers(struct scenario *sc, const struct record_list *l)
{
	struct record_list *out = arena_take(sc->arena, sizeof(*out));

	for (size_t i = 0; out != NULL && i < l->count; i++)
		if (l->items[i].type != TYPE_NS &&
		    !record_add(sc->arena, out, &l->items[i]))
			return l;
	return out != NULL ? out : l;
}

static bool
has_soa(const struct record_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].type == TYPE_SOA)
			return true;
	return false;
}

static const char *
section_differs(struct scenario *sc, const struct entry *expect,
    const struct client_answer *got, int s)
{
	bool ttl = (expect->match & PART_TTL) != 0;
	const struct record_list *want = &expect->sections[s];
	const struct record_list *have = &got->sections[s];
	const struct record_line *r;

	if (s == SECTION_AUTHORITY && has_soa(want)) {
		want = without_servers(sc, want);
		have = without_servers(sc, have);
	}
	r = lacking(want, have, ttl);
	if (r != NULL)
		return arena_print(sc->arena, "%s lacks %s", section_names[s],
		    record_print(sc->arena, r));
	r = lacking(have, want, ttl);
	if (r != NULL)
		return arena_print(sc->arena, "%s has %s", section_names[s],
		    record_print(sc->arena, r));
	return NULL;
}

static bool
is_positive(const struct entry *e)
{
	for (size_t i = 0; i < e->sections[SECTION_ANSWER].count; i++)
		if (e->sections[SECTION_ANSWER].items[i].type == e->qtype)
			return e->rcode == RCODE_NOERROR;
	return false;
}

static bool
section_counts(const struct scenario *sc, const struct entry *e, int s)
{
	static const unsigned bit[] = { PART_ANSWER, PART_AUTHORITY,
		PART_ADDITIONAL };

	if ((e->match & (PART_ALL | bit[s])) == 0)
		return false;
	if (s == SECTION_ANSWER)
		return true;
	if (sc->relaxed)
		return false;
	return !sc->setup.full_answers ||
	       (s == SECTION_AUTHORITY && !is_positive(e));
}

static const char *
header_differs(struct scenario *sc, const struct entry *e,
    const struct client_answer *got)
{
	unsigned mask = sc->relaxed ? FLAG_TC | FLAG_AD : FLAGS_SEEN;
	unsigned wrong = ((unsigned)e->flags ^ got->flags) & mask;

	if ((e->match & (PART_ALL | PART_RCODE)) != 0 && e->rcode != got->rcode)
		return arena_print(sc->arena, "rcode %s, expected %s%s%s",
		    rcode_text(got->rcode), rcode_text(e->rcode),
		    got->why[0] != '\0' ? ": " : "", got->why);
	if ((e->match & (PART_ALL | PART_FLAGS)) != 0 && wrong != 0)
		return arena_print(sc->arena, "flags %04x, expected %04x",
		    got->flags, e->flags);
	if (e->ede == EDE_ANY_CODE ? got->ede == EDE_NONE
				   : e->ede != EDE_NONE && e->ede != got->ede)
		return arena_print(sc->arena, "EDE %d, expected %d", got->ede,
		    e->ede);
	return NULL;
}

static const char *
question_differs(const struct entry *e, const struct entry *q)
{
	unsigned m = e->match;

	if ((m & (PART_ALL | PART_QUESTION | PART_QNAME)) != 0 &&
	    e->has_question && !name_equal(e->qname.wire, q->qname.wire))
		return "another question's name";
	if ((m & PART_QCASE) != 0 &&
	    !name_same_case(e->qname.wire, q->qname.wire))
		return "another letter case";
	if ((m & (PART_ALL | PART_QUESTION | PART_QTYPE)) != 0 &&
	    e->has_question && e->qtype != q->qtype)
		return "another question's type";
	return NULL;
}

const char *
answer_differs(struct scenario *sc, const struct entry *expect,
    const struct client_query *got)
{
	const char *why = question_differs(expect, got->entry);

	if (why == NULL)
		why = header_differs(sc, expect, got->answer);
	for (int s = 0; s < SECTION_COUNT && why == NULL; s++)
		if (section_counts(sc, expect, s))
			why = section_differs(sc, expect, got->answer, s);
	return why;
}
