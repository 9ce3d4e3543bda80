/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spans.c - proven gaps between names, used again: RFC 8198, RFC 9077.
 *
 * What was proven absent once need not be asked for again: of each zone the
 * NSEC and NSEC3 sets whose signatures were good are kept in canonical order,
 * with its SOA. A question is answered out of them by gathering the few sets
 * that could prove its denial and giving them to the same judgement that
 * replies go through. An opt-out span denies nothing to a client.
 *
 * A table of zones in sets of four; within a zone a sorted array. The zone
 * unused for longest makes room in its set; a zone that is full takes no more
 * until spans of it have ended.
 */
#include "inner.h"

#include <string.h>

#define WAYS             4u
#define ZONE_SPANS_MAX   2048u
#define GATHERED_MAX     12u
#define CHAIN_LABELS_MAX 6u /* NSEC3: names hashed for one look */

struct span {
	struct rrset *set; /* one block */
	uint64_t made_ms, expires_ms;
};

struct list {
	struct span *items; /* by owner, RFC 4034 section 6.1 */
	size_t count, room;
};

struct zone {
	struct name name;
	struct list nsec, nsec3;
	struct span soa;
	uint64_t used;
	uint32_t generation;
	bool taken;
};

struct spans {
	struct zone *zones; /* sets * WAYS */
	size_t sets, count, max;
	struct hash_key hash;
	uint64_t clock;
};

struct spans *
spans_new(size_t zones_max, size_t spans_max)
{
	struct spans *s = memory_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->sets = zones_max / WAYS + 1;
	s->max = spans_max;
	s->zones = memory_new(s->sets * WAYS * sizeof(*s->zones));
	if (s->zones == NULL) {
		memory_free(s);
		return NULL;
	}
	hash_key_random(&s->hash);
	return s;
}

static void
list_clear(struct spans *s, struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		memory_free(l->items[i].set);
	s->count -= l->count;
	memory_free(l->items);
	memset(l, 0, sizeof(*l));
}

static void
zone_clear(struct spans *s, struct zone *z)
{
	list_clear(s, &z->nsec);
	list_clear(s, &z->nsec3);
	memory_free(z->soa.set);
	memset(z, 0, sizeof(*z));
}

void
spans_free(struct spans *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->sets * WAYS; i++)
		zone_clear(s, &s->zones[i]);
	memory_free(s->zones);
	memory_free(s);
}

size_t
spans_count(const struct spans *s)
{
	return s->count;
}

static struct zone *
zone_find(const struct spans *s, const uint8_t *name, uint32_t generation)
{
	struct zone *set =
	    &s->zones[name_hash(&s->hash, name) % s->sets * WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].taken && set[i].generation == generation &&
		    name_equal(set[i].name.wire, name))
			return &set[i];
	}
	return NULL;
}

static struct zone *
zone_make(struct spans *s, const uint8_t *name, uint32_t generation)
{
	struct zone *set =
	    &s->zones[name_hash(&s->hash, name) % s->sets * WAYS];
	struct zone *best = zone_find(s, name, generation);

	if (best == NULL) {
		best = set;
		for (size_t i = 1; i < WAYS; i++) {
			if (set[i].used < best->used)
				best = &set[i];
		}
		zone_clear(s, best);
		name_copy(&best->name, name);
		best->generation = generation;
		best->taken = true;
	}
	best->used = ++s->clock;
	return best;
}

/* --- sorted lists ------------------------------------------------------- */

/* How many owners come before the name, or are it. */
static size_t
list_upto(const struct list *l, const uint8_t *name)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_compare(l->items[mid].set->owner, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
list_drop_ended(struct spans *s, struct list *l, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].expires_ms > now_ms)
			l->items[kept++] = l->items[i];
		else
			memory_free(l->items[i].set);
	}
	s->count -= l->count - kept;
	l->count = kept;
}

static bool
list_room(struct list *l)
{
	size_t room = l->room * 2 + 8;
	struct span *grown;

	if (l->count < l->room)
		return true;
	grown = memory_grow(l->items, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	l->items = grown;
	l->room = room;
	return true;
}

static enum err
list_put(struct spans *s, struct list *l, const struct rrset *set,
    const struct span_time *when)
{
	size_t at = list_upto(l, set->owner);
	struct span fresh = { .made_ms = when->now_ms,
		.expires_ms = when->expires_ms };

	if (at > 0 && name_equal(l->items[at - 1].set->owner, set->owner)) {
		fresh.set = set_pack(set);
		if (fresh.set == NULL)
			return ERR_MEMORY;
		memory_free(l->items[at - 1].set);
		l->items[at - 1] = fresh;
		return ERR_OK;
	}
	if (l->count >= ZONE_SPANS_MAX || s->count >= s->max) {
		list_drop_ended(s, l, when->now_ms);
		at = list_upto(l, set->owner);
	}
	if (l->count >= ZONE_SPANS_MAX || s->count >= s->max)
		return ERR_LIMIT;
	if (!list_room(l))
		return ERR_MEMORY;
	fresh.set = set_pack(set);
	if (fresh.set == NULL)
		return ERR_MEMORY;
	memmove(&l->items[at + 1], &l->items[at],
	    (l->count - at) * sizeof(*l->items));
	l->items[at] = fresh;
	l->count++;
	s->count++;
	return ERR_OK;
}

/* Another salt or other iterations: a new chain, the old one is over. */
static bool
same_chain(const struct rrset *a, const struct rrset *b)
{
	const struct rdata *x = &a->rdata[0], *y = &b->rdata[0];
	size_t head;

	if (x->len < 5 || y->len < 5 || x->bytes[4] != y->bytes[4])
		return false;
	head = 5u + x->bytes[4];
	return x->len >= head && y->len >= head &&
	       memcmp(x->bytes + 2, y->bytes + 2, head - 2) == 0;
}

enum err
spans_put(struct spans *s, const uint8_t *zone, const struct rrset *set,
    const struct span_time *when)
{
	struct zone *z;
	struct rrset *copy;

	if (set->count != 1 || !name_is_within(set->owner, zone))
		return ERR_RANGE;
	z = zone_make(s, zone, when->generation);
	switch (set->type) {
	case TYPE_NSEC:
		if (!name_is_within(rdata_name(&set->rdata[0], 0), zone))
			return ERR_RANGE;
		return list_put(s, &z->nsec, set, when);
	case TYPE_NSEC3:
		if (z->nsec3.count > 0 &&
		    !same_chain(z->nsec3.items[0].set, set))
			list_clear(s, &z->nsec3);
		return list_put(s, &z->nsec3, set, when);
	case TYPE_SOA:
		copy = name_equal(set->owner, zone) ? set_pack(set) : NULL;
		if (copy == NULL)
			return ERR_MEMORY;
		memory_free(z->soa.set);
		z->soa = (struct span){ copy, when->now_ms, when->expires_ms };
		return ERR_OK;
	default:
		return ERR_RANGE;
	}
}

/* --- asking ------------------------------------------------------------- */

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
	size_t n = list_upto(l, name);
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

	out->no_such_name = false;
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
		    zone_find(s, name_suffix(from, n), q->generation);
		struct gathered g = { .expires_ms = UINT64_MAX };

		if (z == NULL)
			continue;
		z->used = ++s->clock;
		if (z->nsec.count > 0)
			gather_nsec(&g, z, q->qname, q);
		if (answer_from(z, &g, q, out))
			return true;
		if (z->nsec3.count == 0)
			return false;
		g = (struct gathered){ .expires_ms = UINT64_MAX };
		gather_nsec3(&g, z, q->qname, q);
		return answer_from(z, &g, q, out);
	}
	return false;
}
