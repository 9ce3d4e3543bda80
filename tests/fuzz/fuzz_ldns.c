/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_ldns.c - our reader against ldns's on the same octets.
 *
 * Where both accept a message, the records of plain types must be the same in
 * every section: each of theirs is in one of our sets, and each of ours is
 * among theirs. Tolerated, because meant: we refuse more (exact RDATA length,
 * backward pointers, octets left over) and they refuse more (types that are
 * octets to us); we leave out duplicates and classes other than IN. Messages
 * with types or classes whose RDATA is octets to us are not compared: what
 * ldns does not use of such RDATA it takes for the next record.
 */
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include <hither/dns.h>

#define ARENA_BYTES (4u << 20)
#define INPUT_MAX   2048u /* ldns is quadratic in places */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(bool truth)
{
	if (!truth)
		abort();
}

static bool
is_plain(uint16_t type)
{
	static const uint16_t plain[] = { TYPE_A, TYPE_NS, TYPE_CNAME, TYPE_SOA,
		TYPE_PTR, TYPE_MX, TYPE_TXT, TYPE_AAAA, TYPE_SRV, TYPE_DS,
		TYPE_DNSKEY };
	size_t i;

	for (i = 0; i < ARRAY_LEN(plain); i++)
		if (plain[i] == type)
			return true;
	return false;
}

/* Do we know, as ldns does, how long every record must be? */
static bool
is_comparable(const ldns_rr_list *list)
{
	size_t i;

	for (i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		unsigned type = (unsigned)ldns_rr_get_type(rr);

		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
		    (!is_plain((uint16_t)type) && type != TYPE_RRSIG &&
			type != TYPE_NSEC && type != TYPE_DNAME))
			return false;
	}
	return true;
}

/* The RDATA of theirs in one piece. */
static size_t
rdata_flat(const ldns_rr *rr, uint8_t *out)
{
	size_t i, at = 0;

	for (i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *f = ldns_rr_rdf(rr, i);

		memcpy(out + at, ldns_rdf_data(f), ldns_rdf_size(f));
		at += ldns_rdf_size(f);
	}
	return at;
}

static bool
is_same(const struct rrset *set, const struct rdata *r, const ldns_rr *rr)
{
	static uint8_t flat[65536];

	return (unsigned)ldns_rr_get_type(rr) == set->type &&
	       ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       name_equal(set->owner, ldns_rdf_data(ldns_rr_owner(rr))) &&
	       rdata_flat(rr, flat) == r->len &&
	       memcmp(flat, r->bytes, r->len) == 0;
}

static bool
we_have(struct rrset *const *sets, size_t count, const ldns_rr *rr)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < sets[i]->count; k++)
			if (is_same(sets[i], &sets[i]->rdata[k], rr))
				return true;
	return false;
}

static bool
they_have(const ldns_rr_list *list, const struct rrset *s, size_t record)
{
	size_t i;

	for (i = 0; i < ldns_rr_list_rr_count(list); i++)
		if (is_same(s, &s->rdata[record], ldns_rr_list_rr(list, i)))
			return true;
	return false;
}

static void
section_agrees(struct rrset *const *sets, size_t count,
    const ldns_rr_list *theirs)
{
	size_t i, k;

	for (i = 0; i < ldns_rr_list_rr_count(theirs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(theirs, i);

		if (ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		    is_plain((uint16_t)ldns_rr_get_type(rr)))
			check(we_have(sets, count, rr));
	}
	for (i = 0; i < count; i++)
		for (k = 0; is_plain(sets[i]->type) && k < sets[i]->count; k++)
			check(they_have(theirs, sets[i], k));
}

static void
question_agrees(const struct message *m, const ldns_pkt *theirs)
{
	const ldns_rr_list *list = ldns_pkt_question(theirs);

	check(ldns_rr_list_rr_count(list) == (m->has_question ? 1u : 0u));
	if (m->has_question)
		check(name_same_case(m->qname,
		    ldns_rdf_data(ldns_rr_owner(ldns_rr_list_rr(list, 0)))));
	check(ldns_pkt_edns(theirs) == m->edns.present);
}

static void
messages_agree(const struct message *m, const ldns_pkt *theirs)
{
	const ldns_rr_list *lists[SECTION_COUNT] = { ldns_pkt_answer(theirs),
		ldns_pkt_authority(theirs), ldns_pkt_additional(theirs) };
	size_t s;

	/* Theirs stands in no list, but may have been read past its end. */
	if (ldns_pkt_tsig(theirs) != NULL)
		return;
	for (s = 0; s < SECTION_COUNT; s++)
		if (!is_comparable(lists[s]))
			return;
	question_agrees(m, theirs);
	for (s = 0; s < SECTION_COUNT; s++)
		section_agrees(m->sets[s], m->counts[s], lists[s]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena *a;
	struct message m;
	ldns_pkt *theirs = NULL;

	if (len > INPUT_MAX)
		return 0;
	a = arena_new(ARENA_BYTES);
	check(a != NULL);
	if (message_read(a, bytes, len, &m) == ERR_OK &&
	    ldns_wire2pkt(&theirs, bytes, len) == LDNS_STATUS_OK)
		messages_agree(&m, theirs);
	ldns_pkt_free(theirs);
	arena_free(a);
	return 0;
}
