/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zones.c - the chain of trust, from the anchor down to a zone: RFC 4035
 * section 5.
 *
 * 1. The closest anchor above the zone says where to begin; a negative one
 *    ends the matter, none leaves it open.
 * 2. Of any other zone the DS is needed, which the parent signs; a helper
 *    finds it (mostly in what a referral brought along) and proves it, which
 *    makes it ask for the parent's keys in the same way.
 * 3. With the DS the zone's DNSKEY set is fetched and proven by a helper.
 * 4. What helpers find stands in the worker's trust table; a helper that
 *    failed tells its waiters itself.
 *
 * A zone without a signature is looked at from the anchor downwards: each
 * name that might be a cut is asked for its DS, the cut we know of first.
 */
#include "task.h"

#include <stdio.h>

#define TRUST_MAX_S 86400u
#define NO_ANCHOR   "no trust anchor stands above it"

static uint64_t
real_now(const struct task *t)
{
	return t->rs->o.wire->real_now_s(t->rs->o.wire_self);
}

/* A flush or a changed anchor makes everything older unknown. */
uint32_t
trust_generation(const struct task *t)
{
	return anchors_generation(t->rs->o.anchors) * 65599u +
	       answers_generation(t->rs->o.cache);
}

static const struct trust *
find(const struct task *t, const uint8_t *zone)
{
	const struct trust *found =
	    trust_find(t->rs->trust, zone, t->rs->ttl_ms, trust_generation(t));
	const struct task *payer;

	if (found == NULL || !t->cold)
		return found;
	/* trace --cold: only what was found out for this very question */
	payer = task_payer((struct task *)(uintptr_t)t);
	return payer == NULL || found->made_ms < payer->began_ms ? NULL : found;
}

bool
zone_is_signed(const struct task *t)
{
	const struct trust *found;

	if (t->rs->o.anchors == NULL)
		return false;
	found = find(t, t->zone->zone);
	return found != NULL &&
	       (found->state == TRUST_SECURE || found->state == TRUST_SIGNED);
}

static struct zone_known
unknown(enum known k, enum ede ede, const char *why)
{
	return (struct zone_known){ .known = k, .ede = ede, .why = why };
}

static struct zone_known
as_known(const struct trust *tr, struct arena *a)
{
	static const enum known of[] = {
		[TRUST_SECURE] = KNOWN_SECURE,
		[TRUST_SIGNED] = KNOWN_SIGNED,
		[TRUST_INSECURE] = KNOWN_INSECURE,
		[TRUST_NO_CUT] = KNOWN_NO_CUT,
	};
	struct zone_known k = { .known = of[tr->state],
		.keys = tr->keys,
		.entry = { tr->ds, NULL },
		.ede = tr->ede };

	if (tr->why != NULL)
		k.why = arena_print(a, "%s", tr->why);
	return k;
}

/* A helper for this zone brought nothing. */
static struct zone_known
as_broken(struct task *t, const struct broken *b)
{
	if (ede_is_dnssec(b->ede))
		return unknown(KNOWN_BROKEN, b->ede, b->why);
	return unknown(KNOWN_BROKEN,
	    b->type == TYPE_DNSKEY ? EDE_DNSKEY_MISSING : EDE_NETWORK_ERROR,
	    arena_print(t->arena, "no %s to be had: %s",
		b->type == TYPE_DNSKEY ? "DNSKEY" : "DS", b->why));
}

static const struct broken *
find_broken(const struct task *t, const uint8_t *zone, uint16_t type)
{
	for (unsigned i = 0; i < t->broken_count && i < BROKEN_MAX; i++) {
		const struct broken *b = &t->broken[i];

		if (b->type == type && name_equal(b->zone.wire, zone))
			return b;
	}
	return NULL;
}

/* Wait for a helper; it failed before, or it cannot be: the zone is broken. */
static struct zone_known
ask_helper(struct task *t, const uint8_t *zone, uint16_t type)
{
	const struct task_key k = { .qname = zone,
		.qtype = type,
		.cold = t->cold,
		.trace = t->trace,
		.for_trust = true };
	const struct broken *b = find_broken(t, zone, type);
	char text[NAME_TEXT_MAX], type_name[16];
	enum err e;

	if (b != NULL)
		return as_broken(t, b);
	e = task_depend(t, &k, 0);
	if (e == ERR_OK)
		task_note(t, "needs the %s of %s", type_text(type, type_name),
		    name_text(zone, text));
	if (e == ERR_OK || e == ERR_EXISTS)
		return unknown(KNOWN_WAIT, EDE_NONE, NULL);
	return unknown(KNOWN_BROKEN, EDE_DNSSEC_BOGUS,
	    "the chain of trust needs itself, or too many helpers");
}

/* "no DS key 4711 of shop. can be checked: algorithm 200" */
static const char *
unusable(struct task *t, const struct rrset *entry, enum ede ede,
    const struct ds *ds)
{
	char text[NAME_TEXT_MAX], alg[24];

	if (ede == EDE_UNSUPPORTED_DIGEST)
		return arena_print(t->arena,
		    "the DS of %s, key %u, has a digest that is not "
		    "supported: %u",
		    name_text(entry->owner, text), ds->tag, ds->digest_type);
	return arena_print(t->arena,
	    "%s, key %u, has an algorithm that is not supported: %s",
	    name_text(entry->owner, text), ds->tag,
	    algorithm_text(ds->algorithm, alg));
}

static struct zone_known
anchored(struct task *t, const struct anchor *an)
{
	struct zone_known k = unknown(KNOWN_INSECURE, EDE_NONE, NULL);
	struct ds ds;

	for (size_t i = 0; i < ARRAY_LEN(an->entry); i++) {
		k.entry[i] = an->entry[i];
		if (an->entry[i] == NULL)
			continue;
		if (entry_usable(&t->rs->o.dnssec, an->entry[i], &k.ede, &ds))
			k.known = KNOWN_SIGNED;
		else
			k.why = unusable(t, an->entry[i], k.ede, &ds);
	}
	if (k.known == KNOWN_SIGNED) {
		k.ede = EDE_NONE;
		k.why = NULL;
	}
	return k;
}

struct zone_known
zone_entry(struct task *t, const uint8_t *zone)
{
	const struct trust *tr = find(t, zone);
	struct zone_known k;
	struct anchor an;

	if (tr != NULL && (tr->state != TRUST_SECURE || tr->ds != NULL)) {
		k = as_known(tr, t->arena);
		if (k.known == KNOWN_SECURE)
			k.known = KNOWN_SIGNED;
		return k;
	}
	if (!anchors_find(t->rs->o.anchors, zone, real_now(t), t->arena, &an))
		return unknown(KNOWN_NO_ANCHOR, EDE_DNSSEC_INDETERMINATE,
		    NO_ANCHOR);
	if (an.negative)
		return unknown(KNOWN_INSECURE, EDE_NONE,
		    "a negative trust anchor");
	if (name_equal(an.zone.wire, zone))
		return anchored(t, &an);
	return ask_helper(t, zone, TYPE_DS);
}

struct zone_known
zone_keys(struct task *t, const uint8_t *zone)
{
	const struct trust *tr = find(t, zone);
	struct zone_known k;

	if (tr != NULL && tr->state != TRUST_SIGNED)
		return as_known(tr, t->arena);
	k = zone_entry(t, zone);
	if (k.known != KNOWN_SIGNED)
		return k;
	return ask_helper(t, zone, TYPE_DNSKEY);
}

bool
zone_anchor_between(struct task *t, const uint8_t *zone, const uint8_t *name)
{
	struct anchor an;

	return anchors_find(t->rs->o.anchors, name, real_now(t), t->arena,
		   &an) &&
	       name_labels(an.zone.wire) > name_labels(zone);
}

/* --- names without signatures ------------------------------------------ */

static void
conclude(struct finding *out, enum verdict v, enum ede ede, const char *why)
{
	*out = (struct finding){ .verdict = v, .ede = ede, .why = why };
}

/* A way down from the anchor to a name without a signature. */
struct way {
	const uint8_t *signed_zone; /* the deepest so far */
	bool wait;
};

/* True when the zone at this name settles the matter (or a wait is due). */
static bool
settled_at(struct task *t, const uint8_t *name, struct finding *out,
    struct way *way)
{
	struct zone_known k = zone_entry(t, name);

	way->wait = k.known == KNOWN_WAIT;
	if (k.known == KNOWN_SIGNED || k.known == KNOWN_SECURE)
		way->signed_zone = name;
	switch (k.known) {
	case KNOWN_INSECURE:
		conclude(out, VERDICT_INSECURE, k.ede, k.why);
		return true;
	case KNOWN_NO_ANCHOR:
		conclude(out, VERDICT_INDETERMINATE, k.ede, k.why);
		return true;
	case KNOWN_BROKEN:
		conclude(out, VERDICT_BOGUS, k.ede, k.why);
		out->from_above = true;
		return true;
	case KNOWN_WAIT:
		return true;
	case KNOWN_SECURE:
	case KNOWN_SIGNED:
	case KNOWN_NO_CUT:
	default:
		return false;
	}
}

/* Labels of the deepest zone around the name whose servers are known. */
static unsigned
deepest_cut(struct task *t, const uint8_t *name)
{
	struct delegation *d = t->zone;

	if (d == NULL || !name_is_within(name, d->zone))
		d = known_zone(t, name);
	return d == NULL || d->forward ? 0 : name_labels(d->zone);
}

/*
 * A signature is missing. The usual reason is a DS that was forgotten when
 * the zone was signed no more: then something is wrong with its keys too,
 * which tells more (and no server of the zone can help). False: wait.
 */
static bool
blame_signatures(struct task *t, const uint8_t *name, uint16_t type,
    const struct way *way, struct finding *out)
{
	const uint8_t *zone = way->signed_zone;
	char text[NAME_TEXT_MAX], type_name[16], zone_name[NAME_TEXT_MAX];
	struct zone_known k = { .known = KNOWN_SECURE };

	/* Its keys may be what is being asked for. */
	if (zone != NULL && !t->for_trust)
		k = zone_keys(t, zone);
	if (k.known == KNOWN_WAIT)
		return false;
	if (k.known == KNOWN_BROKEN) {
		conclude(out, VERDICT_BOGUS, k.ede, k.why);
		out->from_above = true;
		return true;
	}
	conclude(out, VERDICT_BOGUS, EDE_RRSIGS_MISSING,
	    arena_print(t->arena, "no signature of %s over %s %s",
		name_text(zone == NULL ? name_root : zone, zone_name),
		name_text(name, text), type_text(type, type_name)));
	return true;
}

bool
zone_may_be_unsigned(struct task *t, const uint8_t *name, uint16_t type,
    struct finding *out)
{
	const uint8_t *from =
	    type == TYPE_DS && name[0] != 0 ? name_parent(name) : name;
	unsigned last = name_labels(from), n, cut;
	struct way way = { .signed_zone = NULL };
	struct anchor an;

	if (!anchors_find(t->rs->o.anchors, from, real_now(t), t->arena, &an)) {
		conclude(out, VERDICT_INDETERMINATE, EDE_DNSSEC_INDETERMINATE,
		    NO_ANCHOR);
		return true;
	}
	if (an.negative) {
		conclude(out, VERDICT_INSECURE, EDE_NONE,
		    "a negative trust anchor");
		return true;
	}
	n = name_labels(an.zone.wire);
	cut = deepest_cut(t, from);
	if (settled_at(t, name_suffix(from, n), out, &way))
		return !way.wait;
	if (cut > n && cut <= last) {
		if (settled_at(t, name_suffix(from, cut), out, &way))
			return !way.wait;
		n = cut;
	}
	while (++n <= last) {
		if (!settled_at(t, name_suffix(from, n), out, &way))
			continue;
		if (!way.wait && out->verdict == VERDICT_BOGUS)
			break; /* another server may have the signature */
		return !way.wait;
	}
	return blame_signatures(t, name, type, &way, out);
}

/* --- what a finished question says of a zone ---------------------------- */

static void
put(struct task *t, struct trust *tr, uint32_t ttl)
{
	static const char *const words[] = {
		[TRUST_SECURE] = "proven keys",
		[TRUST_SIGNED] = "proven DS",
		[TRUST_INSECURE] = "unsigned",
		[TRUST_NO_CUT] = "no zone of its own",
	};
	char text[NAME_TEXT_MAX];

	if (ttl > TRUST_MAX_S)
		ttl = TRUST_MAX_S;
	tr->made_ms = t->rs->ttl_ms;
	/* TTL 0 must last until the waiters have looked. */
	tr->expires_ms = tr->made_ms + (ttl > 0 ? ttl : 1) * UINT64_C(1000);
	tr->generation = trust_generation(t);
	task_note(t, "%s: %s%s%s", name_text(tr->zone, text), words[tr->state],
	    tr->why == NULL ? "" : ", ", tr->why == NULL ? "" : tr->why);
	if (trust_put(t->rs->trust, tr) != ERR_OK)
		task_note(t, "trust not kept: out of memory");
}

static uint32_t
least_ttl(const struct validation *v)
{
	uint32_t ttl = TRUST_MAX_S;

	for (size_t i = 0; i < v->count; i++) {
		const struct item *it = &v->items[i];

		if (it->judged && it->set->ttl < ttl)
			ttl = it->set->ttl;
	}
	return ttl;
}

void
zone_learn_keys(struct task *t, const struct rrset *keys, uint32_t ttl)
{
	const struct trust *old = find(t, keys->owner);
	struct trust tr = { .zone = keys->owner,
		.keys = keys,
		.state = TRUST_SECURE,
		.ede = EDE_NONE };
	uint64_t now = t->rs->ttl_ms;

	if (old != NULL && old->ds != NULL) {
		uint64_t left = (old->expires_ms - now) / 1000;

		tr.ds = rrset_copy(t->arena, old->ds);
		if (left < ttl)
			ttl = (uint32_t)left;
	}
	put(t, &tr, ttl);
}

/* A DS question came to an end that is not bogus. */
void
zone_learn(struct task *t, const struct validation *v)
{
	const struct reply *r = &t->reply;
	struct trust tr = { .zone = t->sname.wire,
		.ede = v->found.ede,
		.why = v->found.why,
		.state = TRUST_INSECURE };
	struct ds ds;

	if (t->qtype != TYPE_DS || r->minimised)
		return;
	if (v->found.verdict == VERDICT_INDETERMINATE)
		return;
	if (v->found.verdict == VERDICT_SECURE) {
		tr.state = TRUST_NO_CUT;
		if (r->kind == REPLY_ANSWER) {
			tr.ds = r->path[r->path_count - 1];
			tr.state = TRUST_SIGNED;
			if (!entry_usable(&t->rs->o.dnssec, tr.ds, &tr.ede,
				&ds)) {
				tr.state = TRUST_INSECURE;
				tr.why = unusable(t, tr.ds, tr.ede, &ds);
				tr.ds = NULL;
			}
		} else if (v->denial == DENIAL_UNSIGNED) {
			tr.state = TRUST_INSECURE;
			tr.why = "proven to have no DS";
		}
	}
	put(t, &tr, least_ttl(v));
}
