/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c - one record set, or one denial, of a reply: RFC 4035 section 5.3,
 * RFC 4035 section 5.4, RFC 5155 section 8.
 *
 * The signature names the zone whose keys are needed; without one it must be
 * proven that the name is unsigned. A set that a wildcard made, and a name or
 * type that is denied, need proofs, which are sets to be judged like others.
 */
#include "task.h"

#include <stdio.h>
#include <time.h>

/* Worst last: what a chain comes to is what its worst part is. */
enum verdict
verdict_worse(enum verdict a, enum verdict b)
{
	static const int badness[] = {
		[VERDICT_SECURE] = 0,
		[VERDICT_INSECURE] = 1,
		[VERDICT_INDETERMINATE] = 2,
		[VERDICT_BOGUS] = 3,
	};

	return badness[a] > badness[b] ? a : b;
}

/* The deepest zone that claims to have signed the set; NULL: none does. */
static const uint8_t *
signer_of(const struct rrset *set)
{
	const uint8_t *best = NULL;

	for (uint16_t i = 0; i < set->sig_count; i++) {
		struct rrsig sig;

		if (!rrsig_read(&set->sigs[i], &sig) ||
		    sig.covered != set->type ||
		    !name_is_within(set->owner, sig.signer))
			continue;
		if (best == NULL || name_labels(sig.signer) > name_labels(best))
			best = sig.signer;
	}
	return best;
}

static void
date_text(uint32_t when, char buf[24])
{
	time_t at = (time_t)when;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(buf, 24, "%Y-%m-%dT%H:%MZ", &tm) == 0)
		buf[0] = '\0';
}

/* "the signature has expired: www.shop. A, key 4711 ECDSAP256SHA256 ..." */
static const char *
describe(struct task *t, const struct rrset *set, const struct sig_walk *w)
{
	char owner[NAME_TEXT_MAX], zone[NAME_TEXT_MAX], type[16], alg[24];
	char when[24] = "";

	if (w->best.signer == NULL)
		return arena_print(t->arena, "%s: %s %s",
		    rrsig_fault_text(w->fault), name_text(set->owner, owner),
		    type_text(set->type, type));
	if (w->fault == RRSIG_EXPIRED || w->fault == RRSIG_GOOD)
		date_text(w->best.expires, when);
	else if (w->fault == RRSIG_EARLY)
		date_text(w->best.begins, when);
	return arena_print(t->arena, "%s%s%s: %s %s, key %u %s of %s",
	    rrsig_fault_text(w->fault), when[0] == '\0' ? "" : " ", when,
	    name_text(set->owner, owner), type_text(set->type, type),
	    w->best.tag, algorithm_text(w->best.algorithm, alg),
	    name_text(w->best.signer, zone));
}

static void
condemn(struct task *t, struct item *it, struct finding *out,
    const struct finding *f)
{
	it->verdict = f->verdict;
	it->judged = true;
	*out = *f;
	if (f->verdict == VERDICT_BOGUS)
		task_note(t, "bogus: %s", f->why == NULL ? "" : f->why);
}

static bool
judge_unsigned(struct task *t, struct item *it, struct finding *out)
{
	const uint8_t *owner = it->set->owner;
	/* All that answers for a DS is the parent's: RFC 4035 3.1.4.1. */
	uint16_t type = t->qtype == TYPE_DS && name_equal(owner, t->sname.wire)
			    ? TYPE_DS
			    : it->set->type;
	struct finding f;

	if (!zone_may_be_unsigned(t, owner, type, &f))
		return false;
	condemn(t, it, out, &f);
	return true;
}

/* Come back in the loop's next turn: others want to be served too. */
static void
yield(struct task *t)
{
	uint64_t now_us = t->rs->now_us;

	if (timer_arm(t->rs->o.timers, &t->timer, now_us) != ERR_OK)
		task_ready(t);
}

static void
accept_set(struct task *t, struct item *it, struct finding *out)
{
	struct rrset *set = it->set;

	it->verdict = VERDICT_SECURE;
	it->judged = true;
	it->zone = it->walk.best.signer;
	it->wildcard_parent = rrsig_wildcard_parent(set, &it->walk.best);
	set->ttl = rrsig_life_s(set, &it->walk.best,
	    t->rs->o.wire->real_now_s(t->rs->o.wire_self));
	*out = (struct finding){ .verdict = VERDICT_SECURE, .ede = EDE_NONE };
	remember_span(t, it);
	if (t->trace)
		task_note(t, "secure: %s", describe(t, set, &it->walk));
}

/*
 * The budget is spent, which says nothing of this set: the driver ends the
 * question that had it, and whoever else waits here pays on.
 */
static void
leave_to_next_payer(struct task *t, struct item *it)
{
	it->walk = (struct sig_walk){ 0 };
	task_ready(t);
}

/* Tries these keys. False: wait. */
static bool
walk_signatures(struct task *t, struct item *it, const uint8_t *zone,
    const struct rrset *keys, struct finding *out)
{
	struct resolver *rs = t->rs;
	struct sig_judge j = { .policy = &rs->o.dnssec,
		.store = rs->key_store,
		.work = &task_budget(t)->work,
		.zone = zone,
		.keys = keys,
		.now_s = rs->o.wire->real_now_s(rs->o.wire_self),
		.turn_us = rs->turn_us,
		.checks = rs->counts.dnssec_checks };
	enum walk w = sig_walk_on(&j, it->set, &it->walk);
	struct finding f = { .verdict = VERDICT_BOGUS };

	rs->turn_us = j.turn_us;
	if (w == WALK_MORE) {
		yield(t);
		return false;
	}
	if (w == WALK_GOOD) {
		accept_set(t, it, out);
		return true;
	}
	if (j.work->over) {
		leave_to_next_payer(t, it);
		return false;
	}
	f.ede = rrsig_fault_ede(it->walk.fault);
	f.why = describe(t, it->set, &it->walk);
	condemn(t, it, out, &f);
	return true;
}

/* --- a zone's own keys --------------------------------------------------- */

/* Is one of the keys the one meant, but not allowed to sign? */
static bool
lacks_zone_bit(const struct rrset *keys, const struct ds *d)
{
	struct dnskey k;

	for (uint16_t j = 0; j < keys->count; j++) {
		if (dnskey_read(&keys->rdata[j], &k) && k.tag == d->tag &&
		    k.algorithm == d->algorithm && !(k.flags & KEY_FLAG_ZONE))
			return true;
	}
	return false;
}

/* No key fits: which one was meant? RFC 8914 sections 4.10 and 4.12. */
static void
blame_keys(struct task *t, const struct rrset *keys, const struct zone_known *k,
    struct finding *f)
{
	char text[NAME_TEXT_MAX], alg[24];
	const struct rrset *ds = k->entry[0];
	struct ds d;

	f->ede = EDE_DNSKEY_MISSING;
	(void)name_text(keys->owner, text);
	f->why = arena_print(t->arena, "no key of %s is its anchor", text);
	for (uint16_t i = 0; ds != NULL && i < ds->count; i++) {
		if (!ds_read(&ds->rdata[i], &d))
			continue;
		if (lacks_zone_bit(keys, &d)) {
			f->ede = EDE_NO_ZONE_KEY_BIT;
			f->why = arena_print(t->arena,
			    "key %u %s of %s has no zone key bit", d.tag,
			    algorithm_text(d.algorithm, alg), text);
			return;
		}
		f->why = arena_print(t->arena,
		    "no key of %s is the one its DS names: key %u %s", text,
		    d.tag, algorithm_text(d.algorithm, alg));
	}
}

/* Keys that the DS set or the anchor names, joined. */
static struct rrset *
vouched_keys(struct task *t, const struct rrset *set,
    const struct zone_known *k)
{
	struct rrset *one = NULL, *two = NULL;
	struct rdata *all;

	if (k->entry[0] != NULL)
		one = dnskeys_vouched(t->arena, &t->rs->o.dnssec, set,
		    k->entry[0]);
	if (k->entry[1] != NULL)
		two = dnskeys_vouched(t->arena, &t->rs->o.dnssec, set,
		    k->entry[1]);
	if (one == NULL || two == NULL)
		return one == NULL ? two : one;
	all =
	    arena_take(t->arena, (one->count + two->count + 1u) * sizeof(*all));
	if (all == NULL)
		return NULL;
	for (uint16_t i = 0; i < one->count; i++)
		all[i] = one->rdata[i];
	for (uint16_t i = 0; i < two->count; i++)
		all[one->count + i] = two->rdata[i];
	one->count = (uint16_t)(one->count + two->count);
	one->rdata = all;
	return one;
}

static bool
judge_keys(struct task *t, struct item *it, struct finding *out)
{
	struct zone_known k = zone_entry(t, it->set->owner);
	struct rrset *keys;
	struct finding f = { .verdict = VERDICT_BOGUS };

	if (k.known == KNOWN_WAIT)
		return false;
	if (k.known != KNOWN_SIGNED)
		return judge_unsigned(t, it, out);
	keys = vouched_keys(t, it->set, &k);
	if (keys == NULL || keys->count == 0) {
		blame_keys(t, it->set, &k, &f);
		condemn(t, it, out, &f);
		return true;
	}
	if (!walk_signatures(t, it, it->set->owner, keys, out))
		return false;
	if (it->verdict == VERDICT_SECURE)
		zone_learn_keys(t, it->set, it->set->ttl);
	return true;
}

/* --- any set ------------------------------------------------------------ */

bool
judge_item(struct task *t, struct item *it, struct finding *out)
{
	const uint8_t *zone = signer_of(it->set);
	struct finding f = { .verdict = VERDICT_BOGUS, .from_above = true };
	struct zone_known k;

	if (zone == NULL)
		return judge_unsigned(t, it, out);
	if (it->set->type == TYPE_DNSKEY && name_equal(zone, it->set->owner))
		return judge_keys(t, it, out);
	k = zone_keys(t, zone);
	switch (k.known) {
	case KNOWN_WAIT:
		return false;
	case KNOWN_SECURE:
		return walk_signatures(t, it, zone, k.keys, out);
	case KNOWN_BROKEN:
		f.ede = k.ede;
		f.why = k.why;
		condemn(t, it, out, &f);
		return true;
	case KNOWN_INSECURE:
	case KNOWN_NO_ANCHOR:
		if (zone_anchor_between(t, zone, it->set->owner))
			return judge_unsigned(t, it, out);
		f.verdict = k.known == KNOWN_INSECURE ? VERDICT_INSECURE
						      : VERDICT_INDETERMINATE;
		f.ede = k.ede;
		f.why = k.why;
		condemn(t, it, out, &f);
		return true;
	case KNOWN_NO_CUT:
	case KNOWN_SIGNED:
	default:
		/* A signature nobody can vouch for is none. */
		return judge_unsigned(t, it, out);
	}
}

/* --- denial ------------------------------------------------------------- */

/* The proofs that one zone's keys vouched for. */
static struct denial_proof
secure_proofs(struct task *t, const struct validation *v)
{
	struct rrset **sets = arena_take(t->arena, PROOFS_MAX * sizeof(*sets));
	struct denial_proof d = { .sets = sets,
		.policy = &t->rs->o.dnssec,
		.work = &task_budget(t)->work };

	for (size_t i = v->path_items; i < v->count && sets != NULL; i++) {
		const struct item *it = &v->items[i];

		/* One made by a wildcard proves nothing about this name. */
		if (!it->is_proof || it->verdict != VERDICT_SECURE ||
		    it->wildcard_parent != NULL || d.count == PROOFS_MAX)
			continue;
		if (d.zone == NULL)
			d.zone = it->zone;
		if (name_equal(d.zone, it->zone))
			sets[d.count++] = it->set;
	}
	return d;
}

/* What a proof that is more or less than a proof makes of the reply. */
static void
weigh(struct task *t, struct validation *v, enum denial d,
    const struct denial_proof *by, const uint8_t *name)
{
	struct finding f = { .verdict = VERDICT_SECURE, .ede = EDE_NONE };
	char text[NAME_TEXT_MAX], zone[NAME_TEXT_MAX];

	(void)name_text(by->zone == NULL ? name_root : by->zone, zone);
	switch (d) {
	case DENIAL_PROVEN:
	case DENIAL_UNSIGNED:
		return;
	case DENIAL_OPT_OUT:
		f.verdict = VERDICT_INSECURE;
		f.why = "an opt-out span of NSEC3";
		break;
	case DENIAL_ITERATIONS:
		f.verdict = VERDICT_INSECURE;
		f.ede = EDE_NSEC3_ITERATIONS;
		f.why = arena_print(t->arena,
		    "NSEC3 of %s with more than %u iterations", zone,
		    t->rs->o.dnssec.iterations_max);
		break;
	case DENIAL_LIMIT:
		f.verdict = VERDICT_BOGUS;
		f.ede = EDE_DNSSEC_BOGUS;
		f.why = "too many NSEC3 hashes for one question";
		break;
	case DENIAL_NONE:
	default:
		f.verdict = VERDICT_BOGUS;
		f.ede = EDE_DNSSEC_BOGUS;
		f.why = arena_print(t->arena,
		    "nothing signed by %s proves what is said of %s", zone,
		    name_text(name, text));
		break;
	}
	if (verdict_worse(v->found.verdict, f.verdict) != v->found.verdict ||
	    v->found.ede == EDE_NONE)
		v->found.ede = f.ede, v->found.why = f.why;
	v->found.verdict = verdict_worse(v->found.verdict, f.verdict);
}

static enum denial
deny(const struct task *t, const struct denial_proof *d, const uint8_t *name)
{
	uint16_t type = t->reply.minimised ? t->ask_type : t->qtype;

	if (t->reply.kind == REPLY_NXDOMAIN)
		return type == TYPE_DS ? denial_ds(d, name)
				       : denial_nxdomain(d, name);
	return type == TYPE_DS ? denial_ds(d, name)
			       : denial_nodata(d, name, type);
}

/*
 * Some servers say NXDOMAIN of a name below which others exist; the proof
 * knows better (RFC 8020 section 2).
 */
static enum denial
deny_leniently(struct task *t, const struct denial_proof *d,
    const uint8_t *name)
{
	enum denial r = deny(t, d, name);

	if (r != DENIAL_NONE || t->reply.kind != REPLY_NXDOMAIN)
		return r;
	t->reply.kind = REPLY_NODATA;
	r = deny(t, d, name);
	if (r == DENIAL_NONE)
		t->reply.kind = REPLY_NXDOMAIN;
	return r;
}

static bool
judge_negative(struct task *t, struct validation *v)
{
	struct denial_proof d = secure_proofs(t, v);
	struct finding f;

	if (d.count > 0 && v->found.verdict == VERDICT_SECURE) {
		v->denial = deny_leniently(t, &d, t->reply.end.wire);
		if (d.work->over) {
			task_ready(t);
			return false;
		}
		weigh(t, v, v->denial, &d, t->reply.end.wire);
		return true;
	}
	/* Nothing secure speaks of it: then it must be an unsigned name. */
	if (!zone_may_be_unsigned(t, t->reply.end.wire, t->qtype, &f))
		return false;
	if (f.verdict == VERDICT_BOGUS && f.ede == EDE_RRSIGS_MISSING &&
	    t->reply.soa != NULL && t->reply.soa->sig_count > 0)
		f.ede = EDE_NSEC_MISSING;
	v->found = f;
	return true;
}

/* False: wait. */
bool
judge_denial(struct task *t, struct validation *v)
{
	struct denial_proof d;

	if (t->reply.kind == REPLY_NODATA || t->reply.kind == REPLY_NXDOMAIN)
		return judge_negative(t, v);
	d = secure_proofs(t, v);
	for (size_t i = 0; i < v->path_items; i++) {
		const struct item *it = &v->items[i];
		enum denial r = DENIAL_NONE;

		if (it->verdict != VERDICT_SECURE ||
		    it->wildcard_parent == NULL)
			continue;
		if (d.count > 0)
			r = denial_closer(&d, it->set->owner,
			    it->wildcard_parent);
		if (d.work->over) {
			task_ready(t);
			return false;
		}
		weigh(t, v, r, &d, it->set->owner);
		if (r == DENIAL_PROVEN)
			remember_wildcard(t, it);
	}
	return true;
}
