/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.c - the one gate into the cache. What passes: sets on the path of an
 * answer, denials with their SOA, delegations out of referrals (kept apart
 * from other records, never longer than the parent said), failures.
 *
 * A refused insertion is no error: the task holds what it needs itself.
 */
#include "task.h"

static uint64_t
ttl_now(const struct task *t)
{
	return t->rs->o.wire->ttl_now_ms(t->rs->o.wire_self);
}

static void
put(struct task *t, struct record *r, uint32_t ttl_s)
{
	uint64_t now = ttl_now(t);

	/* trace --cold leaves the cache as it was */
	if (ttl_s == 0 || t->cold)
		return;
	r->stored_ms = now;
	r->expires_ms = now + (uint64_t)ttl_s * 1000;
	r->security = SECURITY_UNCHECKED;
	if (records_put(t->rs->o.cache, r, now) != ERR_OK)
		task_note(t, "not kept: %s is full or knows better",
		    r->kind == RECORD_DELEGATION ? "delegations" : "records");
}

static void
store_path(struct task *t)
{
	struct reply *rp = &t->reply;
	bool aa = rp->m.flags & FLAG_AA;

	for (size_t i = 0; i < rp->path_count; i++) {
		struct rrset *set = rp->path[i];
		/* AA speaks of the first owner only: RFC 1035 4.1.1. */
		bool first = name_equal(set->owner, t->ask_name.wire);
		struct record r = { .owner = set->owner,
			.sets = &rp->path[i],
			.set_count = 1,
			.kind = RECORD_SET,
			.rank = aa && first ? RANK_AUTH_ANSWER : RANK_ANSWER,
			.ede = EDE_NONE,
			.type = set->type };

		put(t, &r, set->ttl);
	}
}

/* RFC 2308 section 5: the lesser of the SOA's TTL and its MINIMUM. */
static void
store_negative(struct task *t)
{
	struct reply *rp = &t->reply;
	bool nxdomain = rp->kind == REPLY_NXDOMAIN;
	struct record r = { .owner = rp->end.wire,
		.sets = &rp->soa,
		.set_count = 1,
		.kind = nxdomain ? RECORD_NXDOMAIN : RECORD_NODATA,
		.rank = RANK_AUTH_AUTHORITY,
		.ede = EDE_NONE,
		.type = nxdomain ? 0 : t->ask_type };
	uint32_t minimum;

	if (rp->soa == NULL)
		return;
	minimum = soa_minimum(&rp->soa->rdata[0]);
	if (rp->soa->ttl > minimum)
		rp->soa->ttl = minimum;
	/* Relaxed minimisation does not believe a denial half-way. */
	if (nxdomain && rp->minimised && t->rs->o.qmin != QMIN_STRICT)
		return;
	put(t, &r, rp->soa->ttl);
}

static bool
is_server_of(const struct rrset *ns, const uint8_t *host)
{
	for (uint16_t i = 0; i < ns->count; i++) {
		if (name_equal(rdata_name(&ns->rdata[i], 0), host))
			return true;
	}
	return false;
}

static void
store_delegation(struct task *t, struct rrset *ns)
{
	struct message *m = &t->reply.m;
	struct rrset *sets[RECORD_SETS_MAX] = { ns };
	struct delegation_rules rules;
	size_t n = 1;
	struct record r = { .owner = ns->owner,
		.sets = sets,
		.kind = RECORD_DELEGATION,
		.rank = RANK_AUTHORITY,
		.ede = EDE_NONE,
		.type = TYPE_NS };

	for (size_t i = 0; i < m->counts[SECTION_ADDITIONAL]; i++) {
		struct rrset *glue = m->sets[SECTION_ADDITIONAL][i];

		if (n < RECORD_SETS_MAX && is_server_of(ns, glue->owner))
			sets[n++] = glue;
	}
	r.set_count = n;
	put(t, &r, ns->ttl);
	rules = resolver_rules(t->rs);
	t->zone = delegation_build(t->arena, ns->owner, sets, n, &rules);
}

void
store_reply(struct task *t)
{
	struct reply *rp = &t->reply;

	if (rp->kind == REPLY_REFERRAL) {
		store_delegation(t, rp->ns);
		return;
	}
	if (t->priming && rp->kind == REPLY_ANSWER) {
		store_delegation(t, rp->path[rp->path_count - 1]);
		return;
	}
	if (rp->kind == REPLY_NXDOMAIN || rp->kind == REPLY_NODATA)
		store_negative(t);
	/* An answer to ANY need not be all there is (RFC 8482). */
	if (t->ask_type != TYPE_ANY)
		store_path(t);
}

/*
 * RFC 9520: held for `first`, doubled each time in a row. The entry stays
 * twice as long as it is in force, so that the next failure still finds it.
 */
void
store_failure(struct task *t, enum ede ede)
{
	const struct resolver_opts *o = &t->rs->o;
	struct record before, r = { .owner = t->question.wire,
		.kind = RECORD_FAILURE,
		.rank = RANK_ADDITIONAL,
		.ede = ede,
		.type = t->qtype,
		.tries = 1 };
	uint64_t hold_s = o->failure_first_s;

	if (t->cache_only || t->cold || t->priming || o->failure_max_s == 0)
		return;
	if (records_get(o->cache, t->question.wire, t->qtype, ttl_now(t),
		t->arena, &before) &&
	    before.kind == RECORD_FAILURE && before.tries < 16)
		r.tries = (uint16_t)(before.tries + 1);
	hold_s <<= r.tries - 1;
	if (hold_s > o->failure_max_s)
		hold_s = o->failure_max_s;
	put(t, &r, (uint32_t)hold_s * 2);
}
