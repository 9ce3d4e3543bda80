/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry.c - one record as octets that outlive the process.
 *
 *	kind:1 rank:1 ede:2 tries:2 cost:2 type:2 left:8 (milliseconds)
 *	a DNS message: the owner as its question, the sets as its answer
 *
 * The message is read back by the reader of hostile packets: whatever a
 * damaged or forged file says is at worst a record that was never asked for.
 * What was proven is proven anew: security is not saved.
 */
#include "save.h"

#include <string.h>

#define HEAD 18u

/* What is left of a set's own TTL; 0: nothing. */
static uint32_t
ttl_left(uint32_t ttl, uint64_t age_ms)
{
	uint64_t age_s = (age_ms + 999) / 1000;

	return ttl > age_s ? ttl - (uint32_t)age_s : 0;
}

/* The first set is the record; the others may be left out. */
static size_t
write_sets(const struct record *r, uint64_t age_ms, uint8_t *to)
{
	struct writer w;

	writer_start(&w, to, MESSAGE_MAX, 0, FLAG_QR);
	writer_question(&w, r->owner, r->type, CLASS_IN);
	for (size_t i = 0; i < r->set_count; i++) {
		uint32_t ttl = ttl_left(r->sets[i]->ttl, age_ms);

		if (i > 0 && ttl == 0)
			continue;
		if (!writer_rrset(&w, SECTION_ANSWER, r->sets[i],
			ttl > 0 ? ttl : 1, true, 0))
			return 0;
	}
	return writer_finish(&w);
}

size_t
saved_write(const struct record_entry *e, uint64_t now_ms, struct arena *a,
    uint8_t *to)
{
	struct record r = { .type = e->entry.type };
	const uint64_t stored_ms = record_stored_ms(e);
	uint64_t age = now_ms > stored_ms ? now_ms - stored_ms : 0;
	uint8_t *p = to;
	size_t len;

	if (e->kind == RECORD_FAILURE || e->entry.expires_ms <= now_ms ||
	    e->security == SECURITY_BOGUS ||
	    !unpack_record(e->packed, e->set_count, a, &r))
		return 0;
	p = octets_put(p, e->kind, 1);
	p = octets_put(p, e->rank, 1);
	p = octets_put(p, (uint64_t)(uint16_t)e->ede, 2);
	p = octets_put(p, (uint64_t)e->entry.own, 2);
	p = octets_put(p, e->cost_ms, 2);
	p = octets_put(p, e->entry.type, 2);
	p = octets_put(p, e->entry.expires_ms - now_ms, 8);
	len = write_sets(&r, age, p);
	return len > 0 ? HEAD + len : 0;
}

/* --- reading ---------------------------------------------------------- */

#define LEFT_MAX_MS (8 * 86400 * (uint64_t)1000)

/* Does it say what a record of its kind says? */
static bool
is_sound(const struct record *r)
{
	const struct rrset *first = r->set_count > 0 ? r->sets[0] : NULL;

	switch (r->kind) {
	case RECORD_SET:
		return first != NULL && first->type == r->type &&
		       r->type != 0 && name_equal(first->owner, r->owner);
	case RECORD_DELEGATION:
		return first != NULL && first->type == TYPE_NS &&
		       r->type == TYPE_NS && name_equal(first->owner, r->owner);
	case RECORD_NODATA:
	case RECORD_NXDOMAIN:
		return (r->kind == RECORD_NXDOMAIN) == (r->type == 0) &&
		       (first == NULL || first->type == TYPE_NSEC ||
			   first->type == TYPE_NSEC3 ||
			   (first->type == TYPE_SOA &&
			       name_is_within(r->owner, first->owner)));
	case RECORD_FAILURE:
		break;
	}
	return false;
}

static void
age_sets(struct message *m, uint64_t elapsed_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->counts[SECTION_ANSWER]; i++) {
		struct rrset *set = m->sets[SECTION_ANSWER][i];

		set->ttl = ttl_left(set->ttl, elapsed_ms);
		if (i > 0 && set->ttl == 0)
			continue;
		m->sets[SECTION_ANSWER][kept++] = set;
	}
	m->counts[SECTION_ANSWER] = kept;
}

bool
saved_read(const uint8_t *from, size_t len, const struct saved_at *at,
    struct arena *a, struct record *out)
{
	struct message *m = arena_take(a, sizeof(*m));
	uint64_t left;

	if (m == NULL || len < HEAD ||
	    message_read(a, from + HEAD, len - HEAD, m) != ERR_OK ||
	    !m->has_question || from[0] > RECORD_DELEGATION ||
	    from[1] < RANK_ADDITIONAL || from[1] > RANK_AUTH_ANSWER)
		return false;
	left = octets_get(from + 10, 8);
	if (left > LEFT_MAX_MS || left <= at->elapsed_ms)
		return false;
	age_sets(m, at->elapsed_ms);
	*out = (struct record){ .owner = m->qname,
		.sets = m->sets[SECTION_ANSWER],
		.set_count = m->counts[SECTION_ANSWER],
		.stored_ms = at->now_ms,
		.expires_ms = at->now_ms + left - at->elapsed_ms,
		.kind = (enum record_kind)from[0],
		.rank = (enum rank)from[1],
		.ede = EDE_NONE,
		.tries = (uint16_t)octets_get(from + 4, 2),
		.cost_ms = (uint16_t)octets_get(from + 6, 2),
		.type = (uint16_t)octets_get(from + 8, 2) };
	return out->set_count <= RECORD_SETS_MAX && is_sound(out);
}
