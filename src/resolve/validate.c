/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * validate.c - the stage VALIDATE: is the reply secure, insecure or bogus?
 *
 * 1. What need not be judged passes as it is: referrals (what they say of the
 *    DS is judged when it is used), steps of minimisation, addresses of name
 *    servers, everything for a client that checks itself (CD).
 * 2. The sets on the path are judged, then the proofs, where something is
 *    denied or a wildcard was at work. Each judgement is recorded, so that a
 *    rerun after a wait goes on behind it.
 * 3. Bogus data from memory is asked for again; from a server, it is asked
 *    for at another one, and what stays bogus fails with its reason.
 */
#include "task.h"

#include <string.h>

#define ADOPTED_MAX     32u /* signatures of one set */
#define BOGUS_TRIES_MAX 3u  /* servers that are asked for better data */

static bool
is_negative(const struct reply *r)
{
	return r->kind == REPLY_NODATA || r->kind == REPLY_NXDOMAIN;
}

static bool
is_denial_set(const struct rrset *set)
{
	return set->type == TYPE_NSEC || set->type == TYPE_NSEC3;
}

/* Made by us out of the DNAME before it, which is what was signed. */
static bool
is_synthesised(const struct rrset *before, const struct rrset *set)
{
	return before != NULL && before->type == TYPE_DNAME &&
	       set->type == TYPE_CNAME && set->sig_count == 0;
}

static bool
looks_expanded(const struct rrset *set)
{
	struct rrsig sig;

	return set->sig_count > 0 && rrsig_read(&set->sigs[0], &sig) &&
	       rrsig_wildcard_parent(set, &sig) != NULL;
}

void
reply_collect_proofs(struct reply *r)
{
	struct message *m = &r->m;
	bool wanted = is_negative(r);

	for (size_t i = 0; i < r->path_count; i++)
		wanted = wanted || looks_expanded(r->path[i]);
	r->proofs_needed = wanted;
	/* Beside an alias they may spare us a question about its target. */
	if (!wanted && r->kind != REPLY_ALIAS)
		return;
	for (size_t i = 0; i < m->counts[SECTION_AUTHORITY]; i++) {
		struct rrset *set = m->sets[SECTION_AUTHORITY][i];

		if (is_denial_set(set) && r->proof_count < PROOFS_MAX)
			r->proofs[r->proof_count++] = set;
	}
}

/*
 * Some put a signature into another section than the set it covers. It
 * proves itself wherever it stands.
 */
static void
adopt(struct task *t, struct rrset *set, const struct rrset *orphans)
{
	struct rdata *sigs = arena_take(t->arena,
	    (set->sig_count + (size_t)orphans->count) * sizeof(*sigs));
	struct rrsig sig;

	if (sigs == NULL || set->sig_count + orphans->count > ADOPTED_MAX)
		return;
	for (uint16_t i = 0; i < set->sig_count; i++)
		sigs[i] = set->sigs[i];
	for (uint16_t i = 0; i < orphans->count; i++) {
		if (rrsig_read(&orphans->rdata[i], &sig) &&
		    sig.covered == set->type)
			sigs[set->sig_count++] = orphans->rdata[i];
	}
	set->sigs = sigs;
}

static void
adopt_signatures(struct task *t, struct rrset *set)
{
	struct message *m = &t->reply.m;

	for (int s = 0; s < SECTION_COUNT; s++) {
		for (size_t i = 0; i < m->counts[s]; i++) {
			const struct rrset *other = m->sets[s][i];

			if (other->type == TYPE_RRSIG &&
			    name_equal(other->owner, set->owner))
				adopt(t, set, other);
		}
	}
}

static struct validation *
begin(struct task *t)
{
	struct reply *r = &t->reply;
	struct validation *v = arena_take(t->arena, sizeof(*v));
	size_t n = r->path_count + PROOFS_MAX + 1;

	if (v == NULL)
		return NULL;
	v->items = arena_take(t->arena, n * sizeof(*v->items));
	v->found =
	    (struct finding){ .verdict = VERDICT_SECURE, .ede = EDE_NONE };
	if (v->items == NULL)
		return NULL;
	for (size_t i = 0; i < r->path_count; i++) {
		if (is_synthesised(i > 0 ? r->path[i - 1] : NULL, r->path[i]))
			continue;
		adopt_signatures(t, r->path[i]);
		v->items[v->count].set = r->path[i];
		/* Signatures are not signed: they prove themselves or not. */
		if (r->path[i]->type == TYPE_RRSIG)
			v->found.verdict = VERDICT_INSECURE;
		else
			v->count++;
	}
	v->path_items = v->count;
	if (is_negative(r) && r->soa != NULL)
		v->items[v->count++].set = r->soa;
	for (size_t i = 0; i < r->proof_count; i++) {
		v->items[v->count].is_proof = true;
		v->items[v->count++].set = r->proofs[i];
	}
	return v;
}

static void
merge(struct validation *v, const struct finding *f)
{
	if (verdict_worse(v->found.verdict, f->verdict) == v->found.verdict)
		return;
	v->found = *f;
}

static bool
needs_proofs(const struct task *t, const struct validation *v)
{
	if (is_negative(&t->reply) || t->reply.kind == REPLY_ALIAS)
		return true;
	for (size_t i = 0; i < v->path_items; i++) {
		if (v->items[i].wildcard_parent != NULL)
			return true;
	}
	return false;
}

/* False: wait. */
static bool
judge_items(struct task *t, struct validation *v, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct item *it = &v->items[i];
		struct finding f;

		if (it->judged)
			continue;
		if (!judge_item(t, it, &f))
			return false;
		/* Beside a positive answer a bad proof is merely none. */
		if (i < v->path_items || is_negative(&t->reply))
			merge(v, &f);
		if (v->found.verdict == VERDICT_BOGUS)
			return true;
	}
	return true;
}

/* The keys were asked for to prove others: without them nothing is. */
static bool
lacks_keys(const struct task *t)
{
	return t->for_trust && t->qtype == TYPE_DNSKEY &&
	       t->reply.kind != REPLY_ANSWER;
}

/* What an alias came with goes on to the client if it is proven. */
static void
keep_good_proofs(struct reply *r, const struct validation *v)
{
	r->proof_count = 0;
	for (size_t i = v->path_items; i < v->count; i++) {
		if (v->items[i].is_proof &&
		    v->items[i].verdict == VERDICT_SECURE)
			r->proofs[r->proof_count++] = v->items[i].set;
	}
}

static bool
judge(struct task *t, struct validation *v)
{
	if (lacks_keys(t)) {
		v->found = (struct finding){ .verdict = VERDICT_BOGUS,
			.ede = EDE_DNSKEY_MISSING,
			.why = "the zone has a DS but no DNSKEY" };
		return true;
	}
	if (!judge_items(t, v, 0, v->path_items))
		return false;
	if (v->found.verdict == VERDICT_BOGUS || !needs_proofs(t, v))
		return true;
	if (!judge_items(t, v, v->path_items, v->count))
		return false;
	/* What AD vouches for is all that is said: RFC 4035 section 3.2.3. */
	if (!t->reply.proofs_needed || v->found.verdict == VERDICT_SECURE)
		keep_good_proofs(&t->reply, v);
	return v->found.verdict == VERDICT_BOGUS || judge_denial(t, v);
}

/* What memory says was judged when it was put there. */
static void
take_known(struct task *t, struct validation *v)
{
	if (t->reply.known == SECURITY_INSECURE) {
		v->found.verdict = VERDICT_INSECURE;
		v->done = true;
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		struct item *it = &v->items[i];
		struct rrsig sig;

		it->judged = true;
		it->verdict = VERDICT_SECURE;
		if (it->set->sig_count == 0 ||
		    !rrsig_read(&it->set->sigs[0], &sig))
			continue;
		it->zone = sig.signer;
		it->wildcard_parent = rrsig_wildcard_parent(it->set, &sig);
	}
	if (t->qtype == TYPE_DNSKEY && t->reply.kind == REPLY_ANSWER)
		zone_learn_keys(t, t->reply.path[0], t->reply.path[0]->ttl);
}

bool
validation_wanted(const struct task *t)
{
	const struct reply *r = &t->reply;

	if (t->rs->o.anchors == NULL || t->checking_disabled || t->for_server ||
	    t->priming || r->kind == REPLY_REFERRAL)
		return false;
	return !r->minimised ||
	       (r->kind == REPLY_NXDOMAIN && t->rs->o.qmin == QMIN_STRICT);
}

static enum stage
refuse(struct task *t, const struct finding *f)
{
	enum ede ede = f->ede == EDE_NONE ? EDE_DNSSEC_BOGUS : f->ede;
	const char *why = f->why == NULL ? "bogus" : f->why;

	if (t->reply.from_memory && !t->cache_only) {
		t->distrusts_memory = true;
		return FIND_ZONE;
	}
	t->reply.why = why;
	t->is_refused = true;
	if (f->from_above || t->reading == NULL ||
	    ++t->bogus_tries >= BOGUS_TRIES_MAX)
		return task_fail(t, ede, why);
	return reject_bogus(t, ede);
}

enum stage
validate(struct task *t)
{
	struct reply *r = &t->reply;
	struct validation *v = r->v;

	if (v == NULL) {
		reply_collect_proofs(r);
		if (!validation_wanted(t)) {
			r->verdict = VERDICT_INDETERMINATE;
			return STORE;
		}
		v = r->v = begin(t);
		if (v == NULL)
			return task_fail(t, EDE_OTHER, "out of memory");
		if (r->known != SECURITY_UNCHECKED)
			take_known(t, v);
	}
	if (!v->done && !judge(t, v))
		return WAIT;
	v->done = true;
	r->verdict = v->found.verdict;
	if (r->verdict == VERDICT_BOGUS)
		return refuse(t, &v->found);
	r->security =
	    r->verdict == VERDICT_SECURE ? SECURITY_SECURE : SECURITY_INSECURE;
	if (v->found.ede != EDE_NONE && t->note_ede == EDE_NONE) {
		t->note_ede = v->found.ede;
		t->note_why = v->found.why;
	}
	zone_learn(t, v);
	return STORE;
}

/* What was judged when it was kept is followed at once. */
enum stage
judge_known(struct task *t)
{
	static const enum verdict verdicts[] = {
		[SECURITY_UNCHECKED] = VERDICT_INDETERMINATE,
		[SECURITY_INSECURE] = VERDICT_INSECURE,
		[SECURITY_SECURE] = VERDICT_SECURE,
		[SECURITY_BOGUS] = VERDICT_BOGUS,
	};

	t->reading = NULL;
	t->reply.verdict = verdicts[t->reply.known];
	if (t->reply.known != SECURITY_UNCHECKED && !t->for_trust)
		reply_collect_proofs(&t->reply);
	else if (validation_wanted(t))
		return VALIDATE;
	return FOLLOW;
}
