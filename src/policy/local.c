/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * local.c - the answers that local zones and local data give.
 *
 * For a name that the tree knows something about:
 *
 *  1. The deepest configured or special zone above it says what kind of place
 *     this is; one that is transparent, or none at all, leaves the name to
 *     the resolver unless there are records at this very name.
 *  2. Records of the type asked for, or an alias, are the answer. An alias is
 *     followed as long as its target is local too, a few steps; after that it
 *     is the resolver's.
 *  3. Otherwise the name exists (NODATA) or it does not (NXDOMAIN): the SOA
 *     of the zone goes along, of the form RFC 6303 section 3 gives it.
 *
 * DS at the top of a zone below arpa is the parent's to answer (RFC 4035
 * section 3.1.4.1, RFC 8375 section 4): without it validators below us could
 * not see that the name is unsigned on purpose.
 */
#include "inside.h"

#include <string.h>

#define LOCAL_TTL         10800u
#define LOCAL_ALIASES_MAX 8u

/* One look-up on its way. */
struct asking {
	const struct tree *tree;
	struct arena *arena;
	struct answer *out;
	const uint8_t *qname;
	struct tree_place place;
	uint16_t qtype;
};

/* --- answering -------------------------------------------------------- */

/* A set of one record, in the arena of the answer. */
static struct rrset *
make_set(struct arena *a, const uint8_t *owner, uint16_t type,
    const uint8_t *bytes, size_t len)
{
	struct rrset *s = arena_take(a, sizeof(*s));
	struct rdata *r = arena_take(a, sizeof(*r));

	if (s == NULL || r == NULL)
		return NULL;
	r->bytes = arena_copy(a, bytes, len);
	r->len = (uint16_t)len;
	s->owner = name_copy_in(a, owner);
	s->rdata = r;
	s->type = type;
	s->count = 1;
	s->ttl = LOCAL_TTL;
	return r->bytes != NULL && s->owner != NULL ? s : NULL;
}

/* The SOA of an empty zone: RFC 6303 section 3. */
static struct rrset *
make_soa(struct arena *a, const uint8_t *zone)
{
	static const uint8_t tail[] = "\006nobody\007invalid\000"
				      "\000\000\000\001"  /* serial 1 */
				      "\000\000\016\020"  /* refresh 3600 */
				      "\000\000\004\260"  /* retry 1200 */
				      "\000\011\072\200"  /* expire 604800 */
				      "\000\000\052\060"; /* minimum 10800 */
	uint8_t bytes[NAME_MAX_BYTES + sizeof(tail)];
	size_t len = name_bytes(zone);

	memcpy(bytes, zone, len);
	memcpy(bytes + len, tail, sizeof(tail) - 1);
	return make_set(a, zone, TYPE_SOA, bytes, len + sizeof(tail) - 1);
}

/* Out of memory in the middle of an answer: say so, with nothing in it. */
static void
give_up(struct answer *out)
{
	*out = (struct answer){ .ede = EDE_OTHER,
		.rcode = RCODE_SERVFAIL,
		.why = "no memory" };
}

static void
put(const struct asking *q, enum section s, struct rrset *set)
{
	if (set == NULL || !answer_add(q->arena, q->out, s, set))
		give_up(q->out);
}

/* Is what has no records here left to the resolver? */
static bool
is_open(enum zone_kind kind)
{
	return kind == ZONE_NONE || kind == ZONE_TRANSPARENT ||
	       kind == ZONE_TYPETRANSPARENT || kind == ZONE_INFORM;
}

static const uint8_t *
zone_name(const struct asking *q)
{
	if (is_open(q->place.zone))
		return q->qname;
	return name_suffix(q->qname, q->place.zone_labels);
}

/* NODATA or NXDOMAIN, with the SOA that says for how long. */
static void
put_negative(const struct asking *q, uint8_t rcode)
{
	const uint8_t *zone = zone_name(q);
	struct tree_place apex;
	struct local_set *own = NULL;

	q->out->rcode = rcode;
	if (name_tree_find(q->tree, zone, &apex) && apex.node != NULL)
		own = local_set_of(apex.node, TYPE_SOA);
	put(q, SECTION_AUTHORITY,
	    own != NULL ? &own->set : make_soa(q->arena, zone));
}

static bool
is_apex(const struct asking *q)
{
	return q->place.zone_labels == q->place.labels &&
	       !is_open(q->place.zone);
}

/* What a zone has by being one; false when this is not it. */
static bool
put_zone_set(const struct asking *q)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	bool loopback = q->place.zone == ZONE_LOOPBACK;
	struct rrset *s = NULL;

	if (loopback && q->qtype == TYPE_A)
		s = make_set(q->arena, q->qname, TYPE_A, v4, sizeof(v4));
	else if (loopback && q->qtype == TYPE_AAAA)
		s = make_set(q->arena, q->qname, TYPE_AAAA, v6, sizeof(v6));
	else if (is_apex(q) && q->qtype == TYPE_SOA)
		s = make_soa(q->arena, q->qname);
	else if (is_apex(q) && q->qtype == TYPE_NS)
		s = make_set(q->arena, q->qname, TYPE_NS, q->qname,
		    name_bytes(q->qname));
	else
		return false;
	put(q, SECTION_ANSWER, s);
	return true;
}

/* Where the records of this name lie: for a redirected one, at the top. */
static const struct tree_node *
data_node(const struct asking *q)
{
	struct tree_place apex;

	if (q->place.zone != ZONE_REDIRECT)
		return q->place.node;
	return name_tree_find(q->tree, zone_name(q), &apex) ? apex.node : NULL;
}

/* The set, with the name asked for as its owner when it lies elsewhere. */
static struct rrset *
set_for(const struct asking *q, struct local_set *s)
{
	struct rrset *copy;

	if (name_equal(s->set.owner, q->qname))
		return &s->set;
	copy = arena_copy(q->arena, &s->set, sizeof(s->set));
	if (copy != NULL)
		copy->owner = name_copy_in(q->arena, q->qname);
	return copy != NULL && copy->owner != NULL ? copy : NULL;
}

/* Records of this name. The RDATA are the policy's own. */
static bool
put_data(const struct asking *q)
{
	const struct tree_node *node = data_node(q);
	struct local_set *s;
	bool any = false;

	if (node == NULL)
		return false;
	for (s = node->sets; s != NULL; s = s->next) {
		if (s->set.type != q->qtype && q->qtype != TYPE_ANY &&
		    s->set.type != TYPE_CNAME)
			continue;
		put(q, SECTION_ANSWER, set_for(q, s));
		any = true;
	}
	return any;
}

static void
say_blocked(const struct asking *q)
{
	static const char why[] = "local-zones blocks this name";

	q->out->ede = EDE_BLOCKED;
	memcpy(q->out->why, why, sizeof(why));
}

static void
put_refusal(const struct asking *q)
{
	say_blocked(q);
	q->out->rcode = RCODE_REFUSED;
	q->out->authoritative = false;
}

static void
put_null(const struct asking *q)
{
	static const uint8_t zero[16];

	if (q->qtype == TYPE_A || q->qtype == TYPE_AAAA)
		put(q, SECTION_ANSWER,
		    make_set(q->arena, q->qname, q->qtype, zero,
			q->qtype == TYPE_A ? 4 : 16));
	else
		put_negative(q, RCODE_NOERROR);
}

/* Neither data nor a set of the zone's own: what does the zone say? */
static enum policy_verdict
put_verdict(const struct asking *q)
{
	bool has_sets = q->place.node != NULL && q->place.node->sets != NULL;

	switch (q->place.zone) {
	case ZONE_NXDOMAIN:
		say_blocked(q);
		put_negative(q, RCODE_NXDOMAIN);
		return POLICY_ANSWER;
	case ZONE_NODATA:
		say_blocked(q);
		put_negative(q, RCODE_NOERROR);
		return POLICY_ANSWER;
	case ZONE_ALWAYS_NULL:
		say_blocked(q);
		put_null(q);
		return POLICY_ANSWER;
	case ZONE_DROP:
	case ZONE_INFORM_DROP:
		return POLICY_SILENCE;
	case ZONE_REFUSE:
		if (has_sets) {
			put_negative(q, RCODE_NOERROR);
			return POLICY_ANSWER;
		}
		put_refusal(q);
		return POLICY_ANSWER;
	case ZONE_ALWAYS_REFUSE:
		put_refusal(q);
		return POLICY_ANSWER;
	case ZONE_STATIC:
		put_negative(q,
		    q->place.node != NULL ? RCODE_NOERROR : RCODE_NXDOMAIN);
		return POLICY_ANSWER;
	case ZONE_REDIRECT:
	case ZONE_LOOPBACK:
	case ZONE_EMPTY:
		put_negative(q, RCODE_NOERROR);
		return POLICY_ANSWER;
	case ZONE_TYPETRANSPARENT:
		return POLICY_RESOLVE;
	case ZONE_NONE:
	case ZONE_TRANSPARENT:
	case ZONE_INFORM:
	default:
		if (!has_sets)
			return POLICY_RESOLVE;
		put_negative(q, RCODE_NOERROR);
		return POLICY_ANSWER;
	}
}

static bool
is_parents_ds(const struct asking *q)
{
	static const uint8_t arpa[] = "\004arpa";

	return q->qtype == TYPE_DS && is_apex(q) &&
	       (q->place.zone == ZONE_STATIC || q->place.zone == ZONE_EMPTY) &&
	       name_is_within(q->qname, arpa) &&
	       local_set_of(q->place.node, TYPE_DS) == NULL;
}

static bool
overrides_data(enum zone_kind kind)
{
	return kind == ZONE_NXDOMAIN || kind == ZONE_NODATA ||
	       kind == ZONE_ALWAYS_REFUSE || kind == ZONE_ALWAYS_NULL;
}

/* The name asked for, or the target of an alias: ANSWER when it is ours. */
static enum policy_verdict
answer_name(struct asking *q)
{
	if (!name_tree_find(q->tree, q->qname, &q->place) || is_parents_ds(q))
		return POLICY_RESOLVE;
	if (overrides_data(q->place.zone))
		return put_verdict(q);
	return put_data(q) || put_zone_set(q) ? POLICY_ANSWER : put_verdict(q);
}

/* The target of the alias just put, when it should be followed. */
static const uint8_t *
alias_target(const struct asking *q)
{
	size_t n = q->out->counts[SECTION_ANSWER];
	const struct rrset *last;

	if (n == 0 || q->qtype == TYPE_CNAME || q->qtype == TYPE_ANY)
		return NULL;
	last = q->out->sets[SECTION_ANSWER][n - 1];
	if (last->type != TYPE_CNAME)
		return NULL;
	return rdata_name(&last->rdata[0], 0);
}

/* ANSWER, or FOLLOW when the last alias leads out of here. */
static enum policy_verdict
follow(struct asking *q, struct policy_question *pq)
{
	for (unsigned i = 0; i < LOCAL_ALIASES_MAX; i++) {
		size_t before = q->out->counts[SECTION_ANSWER];
		enum policy_verdict v;

		q->qname = alias_target(q);
		if (q->qname == NULL)
			break;
		v = answer_name(q);
		if (v == POLICY_RESOLVE) {
			pq->target = q->qname;
			return POLICY_FOLLOW;
		}
		if (v != POLICY_ANSWER ||
		    q->out->counts[SECTION_ANSWER] == before)
			break;
	}
	return POLICY_ANSWER;
}

bool
local_answer(const struct tree *t, struct policy_question *pq, struct arena *a,
    struct answer *out, enum policy_verdict *verdict)
{
	struct asking q = { .tree = t,
		.arena = a,
		.out = out,
		.qname = pq->qname,
		.qtype = pq->qtype };

	if (!name_tree_find(t, pq->qname, &q.place))
		return false;
	pq->inform =
	    q.place.zone == ZONE_INFORM || q.place.zone == ZONE_INFORM_DROP;
	*out = (struct answer){ .ede = EDE_NONE, .authoritative = true };
	*verdict = answer_name(&q);
	if (*verdict != POLICY_ANSWER)
		return q.place.zone != ZONE_NONE;
	*verdict = follow(&q, pq);
	return true;
}

enum policy_verdict
local_go_on(const struct tree *t, struct policy_question *pq, struct arena *a,
    struct answer *out)
{
	struct asking q = { .tree = t,
		.arena = a,
		.out = out,
		.qname = pq->qname,
		.qtype = pq->qtype };

	pq->target = NULL;
	return follow(&q, pq);
}
