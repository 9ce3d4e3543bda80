/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finish.c - what the client gets: the chain of aliases, the set or the
 * denial, and until when all of it may be kept.
 */
#include "task.h"

#include <stdio.h>

bool
chain_add(struct task *t, struct rrset *set)
{
	if (t->chain_count == CHAIN_MAX)
		return false;
	t->chain[t->chain_count++] = set;
	return true;
}

static void
shorten_life(struct task *t, const struct rrset *set)
{
	uint64_t end = t->rs->ttl_ms + (uint64_t)set->ttl * 1000;

	uint64_t due = refresh_due_ms(t->rs, end, (uint64_t)set->ttl * 1000,
	    t->from_cache ? 0 : task_cost_ms(t));

	if (t->expires_ms == 0 || end < t->expires_ms)
		t->expires_ms = end;
	if (due < t->refresh_ms)
		t->refresh_ms = due;
}

static void
authority_add(struct task *t, struct rrset *set)
{
	for (size_t i = 0; i < t->authority_count; i++) {
		if (t->authority[i]->type == set->type &&
		    name_equal(t->authority[i]->owner, set->owner))
			return;
	}
	if (t->authority_count < AUTHORITY_MAX)
		t->authority[t->authority_count++] = set;
}

/*
 * The proofs of this reply go out with the answer. Those that merely stood
 * beside an alias do so when the answer is not secure: they may say why.
 */
void
answer_proofs(struct task *t)
{
	const struct reply *r = &t->reply;

	for (size_t i = 0; i < r->proof_count; i++) {
		if (r->proofs_needed)
			authority_add(t, r->proofs[i]);
		else if (r->security != SECURITY_UNCHECKED &&
			 t->aside_count < PROOFS_MAX)
			t->aside[t->aside_count++] = r->proofs[i];
	}
}

/* RFC 8509: the answer tells which keys of the root we believe. */
static void
answer_sentinel(struct task *t)
{
	if (!t->answer.secure || !t->rs->o.sentinel || t->checking_disabled ||
	    !sentinel_withholds(t->rs->o.anchors, t->question.wire, t->qtype))
		return;
	t->answer = (struct answer){ .rcode = RCODE_SERVFAIL,
		.ede = EDE_OTHER,
		.why = "withheld, as the root key sentinel asks for" };
	t->expires_ms = 0;
}

static void
answer_chain(struct task *t)
{
	t->answer.secure = t->verdict == VERDICT_SECURE;
	for (size_t i = 0; i < t->aside_count && !t->answer.secure; i++)
		authority_add(t, t->aside[i]);
	t->answer.ede = t->note_ede;
	if (t->note_why != NULL)
		(void)snprintf(t->answer.why, sizeof(t->answer.why), "%s",
		    t->note_why);
	t->answer.sets[SECTION_AUTHORITY] = t->authority;
	t->answer.counts[SECTION_AUTHORITY] = t->authority_count;
	for (size_t i = 0; i < t->authority_count; i++)
		shorten_life(t, t->authority[i]);
	t->answer.sets[SECTION_ANSWER] = t->chain;
	t->answer.counts[SECTION_ANSWER] = t->chain_count;
	for (size_t i = 0; i < t->chain_count; i++)
		shorten_life(t, t->chain[i]);
	answer_sentinel(t);
}

/* Hosts that the answer points to, when their addresses are known. */
static void
add_hosts(struct task *t, const struct rrset *set, struct rrset **out)
{
	size_t skip = set->type == TYPE_MX ? 2 : set->type == TYPE_SRV ? 6 : 0;
	size_t *n = &t->answer.counts[SECTION_ADDITIONAL];
	const struct resolver_opts *o = &t->rs->o;
	uint64_t now = t->rs->ttl_ms;

	for (uint16_t i = 0; i < set->count && i < 8; i++) {
		const uint8_t *host = rdata_name(&set->rdata[i], skip);

		for (int v6 = 0; v6 < 2 && *n < 16; v6++) {
			struct record r;

			if (!records_get(o->cache, host,
				v6 ? TYPE_AAAA : TYPE_A, now, t->arena, &r) ||
			    r.kind != RECORD_SET || r.rank < RANK_ANSWER)
				continue;
			r.sets[0]->ttl = record_ttl(&r, now);
			out[(*n)++] = r.sets[0];
		}
	}
}

void
answer_positive(struct task *t)
{
	const struct rrset *last =
	    t->chain_count > 0 ? t->chain[t->chain_count - 1] : NULL;
	struct rrset **extra;

	t->answer.rcode = RCODE_NOERROR;
	answer_chain(t);
	if (last == NULL || (last->type != TYPE_MX && last->type != TYPE_SRV))
		return;
	extra = arena_take(t->arena, 16 * sizeof(struct rrset *));
	if (extra == NULL)
		return;
	t->answer.sets[SECTION_ADDITIONAL] = extra;
	add_hosts(t, last, extra);
	for (size_t i = 0; i < t->answer.counts[SECTION_ADDITIONAL]; i++)
		shorten_life(t, extra[i]);
}

/* With what stands in t->reply.soa, when there is one. */
void
answer_negative(struct task *t, uint8_t rcode)
{
	t->answer.rcode = rcode;
	if (t->reply.soa != NULL)
		authority_add(t, t->reply.soa);
	answer_chain(t);
	/* The DNAME is proven; that it makes the name too long is not said. */
	if (rcode == RCODE_YXDOMAIN)
		t->answer.secure = false;
	/* RFC 2308 section 5: without an SOA it is not kept. */
	if (t->reply.soa == NULL)
		t->expires_ms = 0;
}

/*
 * RD was not set and nothing answers: the closest delegation we keep, which
 * is where the client may go on by itself (RFC 1034 section 4.3.2).
 */
bool
answer_referral(struct task *t)
{
	const struct resolver_opts *o = &t->rs->o;
	uint64_t now = t->rs->ttl_ms;
	struct record r;
	struct rrset **sets;

	for (unsigned n = name_labels(t->sname.wire) + 1; n-- > 0;) {
		if (!records_get_delegation(o->cache,
			name_suffix(t->sname.wire, n), now, t->arena, &r))
			continue;
		sets = arena_copy(t->arena, r.sets,
		    r.set_count * sizeof(struct rrset *));
		if (sets == NULL)
			return false;
		for (size_t i = 0; i < r.set_count; i++)
			sets[i]->ttl = record_ttl(&r, now);
		t->answer = (struct answer){ .rcode = RCODE_NOERROR,
			.ede = EDE_NONE,
			.referral = true };
		t->answer.sets[SECTION_AUTHORITY] = sets;
		t->answer.counts[SECTION_AUTHORITY] = 1;
		t->answer.sets[SECTION_ADDITIONAL] = sets + 1;
		t->answer.counts[SECTION_ADDITIONAL] = r.set_count - 1;
		return true;
	}
	return false;
}
