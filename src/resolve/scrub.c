/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scrub.c - what this server may not say is removed before anybody reads it.
 *
 * A server asked about a zone speaks for that zone and what lies below, and
 * for nothing else. Additional data is only believed as the address of a name
 * server that the same message delegates to, or of a mail or service host it
 * names.
 */
#include "reply.h"

#include <string.h>

static bool
authority_type(uint16_t type)
{
	return type == TYPE_NS || type == TYPE_SOA || type == TYPE_DS ||
	       type == TYPE_NSEC || type == TYPE_NSEC3 || type == TYPE_RRSIG;
}

static bool
set_points_to(const struct rrset *s, const uint8_t *host)
{
	size_t skip = s->type == TYPE_MX ? 2 : s->type == TYPE_SRV ? 6 : 0;

	if (s->type != TYPE_NS && s->type != TYPE_MX && s->type != TYPE_SRV)
		return false;
	/* A bounded look: what lies behind it is asked for when needed. */
	for (uint16_t i = 0; i < s->count && i < 32; i++) {
		if (name_equal(rdata_name(&s->rdata[i], skip), host))
			return true;
	}
	return false;
}

static bool
is_pointed_to(const struct message *m, const uint8_t *host)
{
	for (int s = SECTION_ANSWER; s <= SECTION_AUTHORITY; s++) {
		for (size_t i = 0; i < m->counts[s] && i < 32; i++) {
			if (set_points_to(m->sets[s][i], host))
				return true;
		}
	}
	return false;
}

static bool
may_say(const struct message *m, const struct asked *q, enum section s,
    const struct rrset *set)
{
	if (!name_is_within(set->owner, q->zone)) {
		/* Kept in the authority section to see an upward referral. */
		return s == SECTION_AUTHORITY && set->type == TYPE_NS;
	}
	/* CVE-2026-13321 and kin: a denial for names of other zones. */
	if (set->type == TYPE_NSEC &&
	    !name_is_within(rdata_name(&set->rdata[0], 0), q->zone))
		return false;
	if (s == SECTION_ANSWER)
		return true;
	if (s == SECTION_AUTHORITY)
		return authority_type(set->type);
	if (set->type == TYPE_RRSIG)
		return true; /* of a set that stands in its right place */
	return (set->type == TYPE_A || set->type == TYPE_AAAA) &&
	       is_pointed_to(m, set->owner);
}

/*
 * An SOA in the authority section is the life of a denial: the lesser of its
 * TTL and its MINIMUM (RFC 2308 section 5).
 */
static uint32_t
capped(const struct rrset *set, bool denial, const struct ttl_limits *l)
{
	uint32_t ttl = set->ttl, max = l->max_s;

	if (denial && soa_minimum(&set->rdata[0]) < ttl)
		ttl = soa_minimum(&set->rdata[0]);
	if (denial && l->negative_max_s < max)
		max = l->negative_max_s;
	if (ttl < l->min_s)
		ttl = l->min_s;
	return ttl > max ? max : ttl;
}

void
reply_scrub(struct message *m, const struct asked *q,
    const struct ttl_limits *limits)
{
	/* Additional first: it is judged by the other two. */
	for (int s = SECTION_COUNT - 1; s >= 0; s--) {
		size_t kept = 0;

		for (size_t i = 0; i < m->counts[s]; i++) {
			struct rrset *set = m->sets[s][i];

			if (!may_say(m, q, (enum section)s, set))
				continue;
			set->ttl = capped(set,
			    s == SECTION_AUTHORITY && set->type == TYPE_SOA,
			    limits);
			m->sets[s][kept++] = set;
		}
		m->counts[s] = kept;
	}
}

/* The owner, with the labels that it shares with `own` as spelt there. */
static const uint8_t *
respelt(const uint8_t *owner, const uint8_t *own, struct arena *a)
{
	const uint8_t *from, *to;
	unsigned common;
	size_t head, tail;
	uint8_t *out;

	if (name_equal(owner, own))
		return own; /* most are: 400 instructions less a miss */
	common = name_common_labels(owner, own);
	from = name_suffix(owner, common);
	to = name_suffix(own, common);
	head = (size_t)(from - owner);
	tail = name_bytes(from);
	if (memcmp(from, to, tail) == 0)
		return owner;
	if (head == 0)
		return to;
	out = arena_take(a, head + tail);
	if (out == NULL)
		return owner;
	memcpy(out, owner, head);
	memcpy(out + head, to, tail);
	return out;
}

/*
 * 0x20 is between us and the server: where it echoes the letters we mixed,
 * which by compression is wherever a name ends like the question's, the
 * question's own spelling comes back.
 */
void
reply_restore_case(struct message *m, const struct asked *q, struct arena *a)
{
	for (int s = 0; s < SECTION_COUNT; s++)
		for (size_t i = 0; i < m->counts[s]; i++)
			m->sets[s][i]->owner =
			    respelt(m->sets[s][i]->owner, q->qname, a);
}
