/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stale.c - what is past its time is better than nothing: RFC 8767.
 *
 *  1. A question that memory no longer answers looks whether it did so lately.
 *  2. If it has no answer when the client's patience ends, whoever waits is
 *     told the old data, with a short TTL and a reason; the question itself
 *     goes on and its answer is kept. Who joins it from then on is told at once.
 *  3. If it fails, the old data take the failure's place; that it failed is
 *     remembered for longer than otherwise, so that a dead zone is left alone.
 *
 * Data that do not validate are no reason to believe older ones.
 */
#include "task.h"

#include <stdio.h>

/* RFC 8914: from "DNSSEC Indeterminate" to "NSEC Missing". */
#define EDE_PROOF_FIRST 5
#define EDE_PROOF_LAST  12

void
stale_expect(struct task *t)
{
	const struct resolver_opts *o = &t->rs->o;
	struct record r;

	if (o->stale_max_s == 0 || t->for_server)
		return;
	t->reading_stale = true;
	t->has_stale = known_fact(t, &r);
	t->reading_stale = false;
	if (!t->has_stale || t->cache_only)
		return;
	t->stale_at_us = t->began_us + (uint64_t)o->stale_client_ms * 1000;
	/* Without the timer it is told when the question fails. */
	if (timer_arm(o->timers, &t->stale_timer, t->stale_at_us) != ERR_OK)
		task_note(t, "no memory for the client's timer");
}

/* Where proof is asked for, only what was judged counts. */
static bool
may_be_told(const struct task *t, const struct record *r)
{
	if (r->security == SECURITY_BOGUS)
		return false;
	return t->rs->o.anchors == NULL || t->checking_disabled ||
	       r->security != SECURITY_UNCHECKED;
}

/* The question from memory, aliases and all, with what has expired. */
static bool
walk(struct task *t, struct answer *out)
{
	struct rrset **chain = arena_take(t->arena, CHAIN_MAX * sizeof(*chain));
	struct rrset **soa = arena_take(t->arena, sizeof(*soa));
	size_t n = 0;
	struct record r;

	if (chain == NULL || soa == NULL)
		return false;
	for (unsigned i = 0; i <= t->rs->o.aliases_max; i++) {
		if (!known_fact(t, &r) || !may_be_told(t, &r))
			return false;
		known_follow(t, &r);
		for (size_t k = 0; k < t->reply.path_count; k++) {
			if (n == CHAIN_MAX)
				return false;
			chain[n++] = t->reply.path[k];
		}
		if (t->reply.kind == REPLY_ALIAS) {
			t->sname = t->reply.end;
			continue;
		}
		*soa = t->reply.soa;
		out->sets[SECTION_ANSWER] = chain;
		out->counts[SECTION_ANSWER] = n;
		out->sets[SECTION_AUTHORITY] = soa;
		out->counts[SECTION_AUTHORITY] = *soa != NULL ? 1 : 0;
		return true;
	}
	return false;
}

/*
 * True: *out is told in place of the failure in t->answer, or, when there is
 * none yet, before there is an answer. The task's own way is left as it was.
 */
bool
stale_answer(struct task *t, struct answer *out)
{
	struct reply reply = t->reply;
	struct name sname = t->sname;
	bool denied;

	if (!t->has_stale || t->answer.bogus) {
		t->has_stale = false;
		return false;
	}
	*out = (struct answer){ .rcode = RCODE_NOERROR };
	t->sname = t->question;
	t->reading_stale = true;
	t->has_stale = walk(t, out);
	t->reading_stale = false;
	denied = t->reply.kind == REPLY_NXDOMAIN;
	t->reply = reply;
	t->sname = sname;
	if (!t->has_stale)
		return false;
	if (denied)
		out->rcode = RCODE_NXDOMAIN;
	out->ede = denied ? EDE_STALE_NXDOMAIN : EDE_STALE_ANSWER;
	snprintf(out->why, sizeof(out->why), "%s",
	    t->answer.why[0] != '\0' ? t->answer.why
				     : "no answer yet, the question goes on");
	t->rs->counts.stale++;
	return true;
}

/* Has the patience of those who wait ended? */
void
stale_serve(struct task *t)
{
	struct answer a;

	if (t->stale_at_us == 0 || t->clients == NULL ||
	    t->rs->now_us < t->stale_at_us)
		return;
	if (!stale_answer(t, &a)) {
		t->stale_at_us = 0;
		return;
	}
	task_note(t, "the client's patience ends: stale data are told");
	task_tell_clients(t, &a);
}
