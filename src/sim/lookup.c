/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lookup.c - the algorithm of RFC 1034 section 4.3.2 (with RFC 4592 for
 * wildcards, RFC 6672 for DNAME, RFC 2308 for what does not exist), as a
 * pure function from zone and question to the sets of a reply:
 *
 *   1. go down from the apex label by label: a cut gives a referral, a DNAME
 *      a new name
 *   2. the name is there: its set, its alias, or nothing of this type
 *   3. the name is not there: the wildcard of the closest encloser, or
 *      NXDOMAIN
 *   4. an alias or a DNAME within this zone: begin again with the new name
 *
 * An alias met a second time, and the end of the room for aliases, end the
 * chain: what was found so far is the answer.
 */
#include <string.h>

#include "lookup.h"

enum found { FOUND_NODE, FOUND_WILD, FOUND_CUT, FOUND_DNAME, FOUND_NOTHING };

/*
 * Steps 1 and 3: where the name leads. `out` is never NULL afterwards, and
 * *closest is the deepest name that is there.
 */
static enum found
descend(const struct zone *z, const uint8_t *name, uint16_t qtype,
    const struct node **out, const struct node **closest)
{
	unsigned labels = name_labels(name);
	const struct node *n = z->apex;

	*out = n;
	*closest = n;
	if (n->has_dname && labels > z->labels)
		return FOUND_DNAME;
	for (unsigned k = z->labels + 1; k <= labels; k++) {
		n = zone_node(z, name_suffix(name, k));
		if (n == NULL && (*out)->wild != NULL) {
			*out = (*out)->wild;
			return FOUND_WILD;
		}
		if (n == NULL)
			return FOUND_NOTHING;
		*out = n;
		*closest = n;
		if (n->is_cut && (k < labels || qtype != TYPE_DS))
			return FOUND_CUT;
		if (n->has_dname && k < labels)
			return FOUND_DNAME;
	}
	return FOUND_NODE;
}

static void
claim(struct reply *r, enum claim_kind kind, const uint8_t *name,
    const struct node *closest)
{
	if (r->claim_count < REPLY_CLAIMS)
		r->claims[r->claim_count++] = (struct claim){ .name = name,
			.closest = closest,
			.kind = kind };
}

static void
say_no(const struct zone *z, uint8_t rcode, struct reply *r)
{
	r->rcode = rcode;
	r->authority = &z->soa->set;
	r->authority_ttl = z->negative_ttl;
}

/* Section 4.2 of RFC 1034: the cut's servers and what glue we have. */
static void
refer(const struct node *cut, struct reply *r)
{
	const struct zone_set *ns = node_set(cut, TYPE_NS);
	const struct zone_set *ds = node_set(cut, TYPE_DS);

	if (ns == NULL)
		return;
	r->authority = &ns->set;
	r->authority_ttl = ns->set.ttl;
	r->ds = ds == NULL ? NULL : &ds->set;
	if (ds == NULL)
		claim(r, CLAIM_NO_DATA, cut->name, cut);
	r->extras = ns->extras;
	r->extra_count = ns->extra_count;
	r->extra_needed = ns->extra_needed;
}

/* The set, or a copy of it under `owner` where a wildcard stood for it. */
static bool
add_answer(struct reply *r, const struct rrset *set, const uint8_t *owner)
{
	struct rrset *made;

	if (r->answer_count == REPLY_ANSWERS)
		return false;
	if (owner != NULL) {
		if (r->made_count == REPLY_MADE)
			return false;
		made = &r->made[r->made_count++];
		*made = *set;
		made->owner = owner;
		set = made;
	}
	for (size_t i = 0; i < r->answer_count; i++) {
		if (r->answers[i]->type == set->type &&
		    name_equal(r->answers[i]->owner, set->owner))
			return false; /* the aliases go round in a circle */
	}
	r->answers[r->answer_count++] = set;
	return true;
}

/* Section 3.1 of RFC 6672: the DNAME, and a CNAME made from it. */
static const uint8_t *
rename_below(const struct node *n, const uint8_t *name, struct reply *r)
{
	const struct zone_set *dname = node_set(n, TYPE_DNAME);
	struct rrset cname = { .type = TYPE_CNAME, .count = 1 };
	struct name *to;
	struct rdata *rdata;
	enum err e;

	if (dname == NULL || r->name_count == REPLY_DNAMES)
		return NULL;
	to = &r->names[r->name_count];
	rdata = &r->made_rdata[r->name_count++];
	(void)add_answer(r, &dname->set, NULL);
	e = name_replace_suffix(to, name, n->name,
	    rdata_name(&dname->set.rdata[0], 0));
	if (e != ERR_OK) {
		r->rcode = RCODE_YXDOMAIN;
		return NULL;
	}
	rdata->bytes = to->wire;
	rdata->len = (uint16_t)name_bytes(to->wire);
	cname.rdata = rdata;
	cname.ttl = dname->set.ttl;
	return add_answer(r, &cname, name) ? to->wire : NULL;
}

/* Step 2. Gives the name that an alias leads to, or NULL at the end. */
static const uint8_t *
take_sets(const struct zone *z, const struct node *n, const uint8_t *owner,
    uint16_t qtype, struct reply *r)
{
	const struct zone_set *s = node_set(n, qtype);

	if (qtype == TYPE_ANY && n->set_count > 0)
		s = &n->sets[0]; /* RFC 8482 section 4.1 */
	if (s != NULL) {
		if (add_answer(r, &s->set, owner)) {
			r->extras = s->extras;
			r->extra_count = s->extra_count;
		}
		return NULL;
	}
	s = node_set(n, TYPE_CNAME);
	if (s == NULL) {
		say_no(z, RCODE_NOERROR, r);
		return NULL;
	}
	if (!add_answer(r, &s->set, owner))
		return NULL;
	return rdata_name(&s->set.rdata[0], 0);
}

static const uint8_t *
take_name(const struct zone *z, const uint8_t *name, uint16_t qtype,
    struct reply *r)
{
	const struct node *n, *closest;
	size_t before = r->answer_count;
	const uint8_t *next;

	switch (descend(z, name, qtype, &n, &closest)) {
	case FOUND_NODE:
		next = take_sets(z, n, NULL, qtype, r);
		if (r->authority != NULL)
			claim(r, CLAIM_NO_DATA, name, closest);
		return next;
	case FOUND_WILD:
		next = take_sets(z, n, name, qtype, r);
		if (r->answer_count > before)
			claim(r, CLAIM_WILD, name, closest);
		else if (r->authority != NULL)
			claim(r, CLAIM_WILD_NO_DATA, name, closest);
		return next;
	case FOUND_DNAME:
		return rename_below(n, name, r);
	case FOUND_CUT:
		r->is_authoritative = r->answer_count > 0;
		if (r->answer_count == 0)
			refer(n, r);
		return NULL;
	case FOUND_NOTHING:
		say_no(z, RCODE_NXDOMAIN, r);
		claim(r, CLAIM_NO_NAME, name, closest);
		return NULL;
	}
	return NULL;
}

/* Only what is filled before it is read: the rest is large. */
static void
reply_start(struct reply *r)
{
	memset(r, 0, offsetof(struct reply, made));
	r->made_count = 0;
	r->name_count = 0;
}

void
lookup(const struct zone *z, const uint8_t *qname, uint16_t qtype,
    struct reply *out)
{
	const uint8_t *name = qname;

	reply_start(out);
	out->is_authoritative = true;
	while (name != NULL && name_is_within(name, z->origin.wire))
		name = take_name(z, name, qtype, out);
}

void
lookup_self_referral(const struct zone *z, struct reply *out)
{
	reply_start(out);
	refer(z->apex, out);
}
