/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.c - the one gate into the cache. What passes: sets on the path of an
 * answer, denials with their SOA, delegations out of referrals (kept apart
 * from other records, never longer than the parent said), failures.
 *
 * A refused insertion is no error: the task holds what it needs itself.
 */
#include "task.h"

#define NO_SOA_TTL_S 5u

/*
 * TTL 0 is for those who wait now, but what was known before is over: it must
 * not come back as stale data.
 */
static void
supersede(struct task *t, struct record *r)
{
	records_supersede(t->rs->o.cache, r);
	if (r->kind == RECORD_DELEGATION)
		return;
	/* The denial of the name and of the type exclude the other. */
	r->type = r->kind == RECORD_NXDOMAIN ? t->ask_type : r->type;
	r->kind = r->kind == RECORD_NXDOMAIN ? RECORD_NODATA : RECORD_NXDOMAIN;
	records_supersede(t->rs->o.cache, r);
}

void
store_put(struct task *t, struct record *r, uint32_t ttl_s)
{
	uint64_t now = t->rs->ttl_ms, end = now + (uint64_t)ttl_s * 1000;

	/* trace --cold leaves the cache as it was */
	if (t->cold)
		return;
	r->stored_ms = now;
	if (ttl_s == 0) {
		supersede(t, r);
		return;
	}
	if (r->expires_ms == 0 || r->expires_ms > end)
		r->expires_ms = end;
	r->security = r->kind == RECORD_SET || r->kind == RECORD_NODATA ||
			      r->kind == RECORD_NXDOMAIN
			  ? t->reply.security
			  : SECURITY_UNCHECKED;
	r->cost_ms = task_cost_ms(t);
	r->name_hash = glance_hash(t, r->owner);
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
		struct rrset *set = rp->path[i], *sets[1 + PROOFS_MAX];
		/* AA speaks of the first owner only: RFC 1035 4.1.1. */
		bool first = name_equal(set->owner, t->ask_name);
		uint32_t ttl = set->ttl;
		struct record r = { .owner = set->owner,
			.sets = sets,
			.set_count = store_with_proofs(t, set, sets, &ttl),
			.kind = RECORD_SET,
			.rank = aa && first ? RANK_AUTH_ANSWER : RANK_ANSWER,
			.ede = EDE_NONE,
			.type = set->type };

		/* A CNAME out of a DNAME will be made again, with its proof. */
		if (i == 0 || rp->path[i - 1]->type != TYPE_DNAME)
			store_put(t, &r, ttl);
	}
}

/*
 * RFC 2308 section 5. Without an SOA nobody said how long, so that it is
 * kept only as long as it takes to spare the server an echo.
 */
static void
store_negative(struct task *t)
{
	struct reply *rp = &t->reply;
	bool nxdomain = rp->kind == REPLY_NXDOMAIN;
	bool aa = rp->m.flags & FLAG_AA;
	struct rrset *sets[1 + PROOFS_MAX];
	struct record r = { .owner = rp->end.wire,
		.sets = sets,
		.kind = nxdomain ? RECORD_NXDOMAIN : RECORD_NODATA,
		.rank = aa ? RANK_AUTH_AUTHORITY : RANK_ANSWER,
		.ede = EDE_NONE,
		.type = nxdomain ? 0 : t->ask_type };
	uint32_t ttl = rp->soa != NULL ? rp->soa->ttl : NO_SOA_TTL_S;

	/* Relaxed minimisation does not believe a denial half-way. */
	if (nxdomain && rp->minimised && t->rs->o.qmin != QMIN_STRICT)
		return;
	r.set_count = store_with_proofs(t, rp->soa, sets, &ttl);
	store_put(t, &r, ttl);
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

/* The NS set and the addresses of its names, in `sets`; how many. */
static size_t
collect_delegation(const struct message *m, struct rrset *ns,
    struct rrset **sets)
{
	size_t n = 0;

	sets[n++] = ns;
	for (size_t i = 0; i < m->counts[SECTION_ADDITIONAL]; i++) {
		struct rrset *glue = m->sets[SECTION_ADDITIONAL][i];

		if (n < RECORD_SETS_MAX && is_server_of(ns, glue->owner))
			sets[n++] = glue;
	}
	return n;
}

/*
 * It lives no longer than the delegation of the zone that gave it, nor than
 * the glue without which it is worth nothing: what the parent has withdrawn
 * stays gone, whatever the child says (ghost and phoenix domains).
 */
static void
store_delegation(struct task *t, struct rrset *ns)
{
	struct rrset *sets[RECORD_SETS_MAX];
	const struct delegation_rules rules = resolver_rules(t->rs);
	size_t n = collect_delegation(&t->reply.m, ns, sets);
	uint32_t ttl = ns->ttl;
	struct record r = { .owner = ns->owner,
		.sets = sets,
		.set_count = n,
		.expires_ms = t->zone->expires_ms,
		.kind = RECORD_DELEGATION,
		.rank = RANK_AUTHORITY,
		.ede = EDE_NONE,
		.type = TYPE_NS };

	for (size_t i = 1; i < n; i++) {
		if (sets[i]->ttl < ttl &&
		    name_is_within(sets[i]->owner, ns->owner))
			ttl = sets[i]->ttl;
	}
	store_put(t, &r, ttl);
	store_ds(t, ns->owner);
	t->zone = delegation_build(t->arena, ns->owner, sets, n, &rules);
	if (t->zone != NULL)
		t->zone->expires_ms = r.expires_ms != 0 ? r.expires_ms : 1;
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
