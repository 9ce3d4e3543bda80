/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spans_ask.c - questions answered out of what was proven before: RFC 8198.
 *
 * 1. A denial (section 5.1 and 5.2): the few sets that could prove it are
 *    gathered and given to the same judgement that replies go through. An
 *    opt-out span denies nothing to a client.
 * 2. An answer (sections 5.3 and 5.4): where a wildcard was proven, and a
 *    span proves that nothing stands between it and the name, the wildcard's
 *    set is the name's. What goes out is what its server would have said, so
 *    that the client can check it in the same way.
 */
#include "spans.h"

#include <string.h>

#define GATHERED_MAX     12u
#define CHAIN_LABELS_MAX 6u /* NSEC3: names hashed for one look */

struct gathered {
	struct rrset *sets[GATHERED_MAX];
	uint64_t made_ms[GATHERED_MAX];
	size_t count;
	uint64_t expires_ms;
};

/* The span that begins at or before the name, if it still counts. */
static const struct span *
span_before(const struct list *l, const uint8_t *name, bool round,
    uint64_t now_ms)
{
	size_t n = spans_upto(l, name, UINT16_MAX);
	const struct span *at;

	if (n == 0 && !(round && l->count > 0))
		return NULL;
	at = &l->items[(n == 0 ? l->count : n) - 1];
	return at->expires_ms > now_ms ? at : NULL;
}

static void
gather(struct gathered *g, const struct span *sp)
{
	for (size_t i = 0; i < g->count; i++) {
		if (sp->set == g->sets[i])
			return;
	}
	if (g->count == GATHERED_MAX)
		return;
	g->made_ms[g->count] = sp->made_ms;
	g->sets[g->count++] = sp->set;
	if (sp->expires_ms < g->expires_ms)
		g->expires_ms = sp->expires_ms;
}

static const uint8_t star = '*';

static void
gather_nsec(struct gathered *g, const struct zone *z, const uint8_t *qname,
    const struct span_question *q)
{
	const struct span *sp = span_before(&z->nsec, qname, false, q->now_ms);
	const uint8_t *next;
	struct name wildcard;
	unsigned a, b;

	if (sp == NULL)
		return;
	gather(g, sp);
	next = rdata_name(&sp->set->rdata[0], 0);
	a = name_common_labels(qname, sp->set->owner);
	b = name_common_labels(qname, next);
	if (name_prepend(&wildcard, &star, 1,
		name_suffix(qname, a > b ? a : b)) != ERR_OK)
		return;
	sp = span_before(&z->nsec, wildcard.wire, false, q->now_ms);
	if (sp != NULL)
		gather(g, sp);
}

/* The owner that an NSEC3 of this name would have. */
static bool
hashed_owner(const struct zone *z, const struct span_question *q,
    const uint8_t *name, struct name *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	const uint8_t *p = z->nsec3.items[0].set->rdata[0].bytes;
	uint8_t hash[20], label[32];
	uint16_t iterations = take_u16(p + 2);

	if (iterations > q->policy->iterations_max ||
	    q->work->hashes >= q->work->hashes_max)
		return false;
	q->work->hashes++;
	nsec3_hash(name, iterations, p + 5, p[4], hash);
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5, at = bit / 8;
		unsigned two =
		    (unsigned)hash[at] << 8 | (at < 19 ? hash[at + 1] : 0u);

		label[i] = (uint8_t)digits[two >> (11 - bit % 8) & 31];
	}
	return name_prepend(out, label, 32, z->name.wire) == ERR_OK;
}

static void
gather_nsec3(struct gathered *g, const struct zone *z, const uint8_t *qname,
    const struct span_question *q)
{
	unsigned top = name_labels(z->name.wire);
	const struct span *sp;
	struct name owner, wildcard;

	if (name_labels(qname) > top + CHAIN_LABELS_MAX)
		return;
	for (unsigned n = name_labels(qname) + 1; n-- > top;) {
		const uint8_t *name = name_suffix(qname, n);

		if (!hashed_owner(z, q, name, &owner))
			return;
		sp = span_before(&z->nsec3, owner.wire, true, q->now_ms);
		if (sp == NULL)
			return;
		gather(g, sp);
		if (!name_equal(sp->set->owner, owner.wire))
			continue;
		/* The closest encloser: its wildcard ends the matter. */
		if (name_prepend(&wildcard, &star, 1, name) != ERR_OK ||
		    !hashed_owner(z, q, wildcard.wire, &owner))
			return;
		sp = span_before(&z->nsec3, owner.wire, true, q->now_ms);
		if (sp != NULL)
			gather(g, sp);
		return;
	}
}

static bool
judge(const struct zone *z, const struct gathered *g,
    const struct span_question *q, struct span_answer *out)
{
	struct dnssec_work work = *q->work; /* running out ends only this */
	struct denial_proof d = { .zone = z->name.wire,
		.sets = g->sets,
		.count = g->count,
		.policy = q->policy,
		.work = &work };
	bool denied = false;
	enum denial r;

	out->no_such_name = out->positive = false;
	if (q->qtype == TYPE_DS) {
		r = denial_ds(&d, q->qname);
		/*
		 * For the chain of trust an opt-out span is enough, where
		 * the delegation would stand right below the zone.
		 */
		denied =
		    r == DENIAL_PROVEN || r == DENIAL_UNSIGNED ||
		    (r == DENIAL_OPT_OUT && q->without_soa &&
			name_labels(q->qname) == name_labels(z->name.wire) + 1);
	} else if (denial_nodata(&d, q->qname, q->qtype) == DENIAL_PROVEN) {
		denied = true;
	} else if (denial_nxdomain(&d, q->qname) == DENIAL_PROVEN) {
		out->no_such_name = denied = true;
	}
	q->work->hashes = work.hashes;
	return denied;
}

static void
add_aged(struct span_answer *out, const struct span_question *q,
    const struct rrset *set, uint64_t made_ms)
{
	struct rrset *copy = rrset_copy(q->arena, set);
	uint64_t age_s = (q->now_ms - made_ms) / 1000;

	if (copy == NULL)
		return;
	copy->ttl = age_s < copy->ttl ? copy->ttl - (uint32_t)age_s : 1;
	out->sets[out->count++] = copy;
}

static bool
answer_from(const struct zone *z, const struct gathered *g,
    const struct span_question *q, struct span_answer *out)
{
	bool has_soa = z->soa.set != NULL && z->soa.expires_ms > q->now_ms;

	if (g->count == 0 || (!has_soa && !q->without_soa) ||
	    !judge(z, g, q, out))
		return false;
	out->expires_ms = g->expires_ms;
	out->count = 0;
	if (has_soa) {
		add_aged(out, q, z->soa.set, z->soa.made_ms);
		if (z->soa.expires_ms < out->expires_ms)
			out->expires_ms = z->soa.expires_ms;
	}
	for (size_t i = 0; i < g->count; i++)
		add_aged(out, q, g->sets[i], g->made_ms[i]);
	return !arena_over(q->arena);
}

/* --- wildcards ---------------------------------------------------------- */

/* What stands at the wildcard below parent: the type, or an alias. */
static const struct span *
wildcard_set(const struct zone *z, const uint8_t *parent,
    const struct span_question *q)
{
	const uint16_t types[] = { q->qtype, TYPE_CNAME };
	const struct list *l = &z->wildcards;
	struct name owner;

	if (name_prepend(&owner, &star, 1, parent) != ERR_OK)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t n = spans_upto(l, owner.wire, types[i]);
		const struct span *at = n == 0 ? NULL : &l->items[n - 1];

		if (at != NULL && at->expires_ms > q->now_ms &&
		    at->set->type == types[i] &&
		    name_equal(at->set->owner, owner.wire))
			return at;
	}
	return NULL;
}

/* Is it proven that nothing stands between the wildcard and the name? */
static bool
wildcard_counts(const struct zone *z, struct gathered *g,
    const struct span_question *q, const uint8_t *parent)
{
	struct dnssec_work work = *q->work;
	struct denial_proof d = { .zone = z->name.wire,
		.sets = g->sets,
		.policy = q->policy,
		.work = &work };
	const struct span *sp;
	struct name owner;
	enum denial r;

	sp = span_before(&z->nsec, q->qname, false, q->now_ms);
	if (sp != NULL)
		gather(g, sp);
	if (z->nsec3.count > 0 &&
	    hashed_owner(z, q, name_suffix(q->qname, name_labels(parent) + 1),
		&owner)) {
		sp = span_before(&z->nsec3, owner.wire, true, q->now_ms);
		if (sp != NULL)
			gather(g, sp);
	}
	d.count = g->count;
	work.hashes = q->work->hashes;
	r = denial_closer(&d, q->qname, parent);
	q->work->hashes = work.hashes;
	return r == DENIAL_PROVEN;
}

static bool
expand(const struct zone *z, const struct span_question *q,
    struct span_answer *out)
{
	unsigned top = name_labels(z->name.wire);

	if (z->wildcards.count == 0 || !q->wildcards)
		return false;
	for (unsigned n = name_labels(q->qname); n-- > top;) {
		const uint8_t *parent = name_suffix(q->qname, n);
		const struct span *set = wildcard_set(z, parent, q);
		struct gathered g = { .expires_ms = UINT64_MAX };

		if (set == NULL || !wildcard_counts(z, &g, q, parent))
			continue;
		*out = (struct span_answer){ .expires_ms = g.expires_ms,
			.positive = true };
		if (set->expires_ms < out->expires_ms)
			out->expires_ms = set->expires_ms;
		add_aged(out, q, set->set, set->made_ms);
		if (out->count > 0)
			out->sets[0]->owner = name_copy_in(q->arena, q->qname);
		for (size_t i = 0; i < g.count; i++)
			add_aged(out, q, g.sets[i], g.made_ms[i]);
		return !arena_over(q->arena);
	}
	return false;
}

bool
spans_ask(struct spans *s, const struct span_question *q,
    struct span_answer *out)
{
	const uint8_t *from = q->qname;
	unsigned n;

	if (q->qtype == TYPE_DS && from[0] != 0)
		from = name_parent(from);
	for (n = name_labels(from) + 1; n-- > 0;) {
		struct zone *z =
		    spans_zone(s, name_suffix(from, n), q->generation);
		struct gathered g = { .expires_ms = UINT64_MAX };

		if (z == NULL)
			continue;
		z->used = ++s->clock;
		if (z->nsec.count > 0)
			gather_nsec(&g, z, q->qname, q);
		if (answer_from(z, &g, q, out))
			return true;
		if (z->nsec3.count > 0) {
			g = (struct gathered){ .expires_ms = UINT64_MAX };
			gather_nsec3(&g, z, q->qname, q);
			if (answer_from(z, &g, q, out))
				return true;
		}
		return expand(z, q, out);
	}
	return false;
}
