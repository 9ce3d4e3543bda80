/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.c - how a name is resolved, from the top to the bottom of this
 * page: RFC 1034 section 5.3.3 as eight stages.
 *
 *   FROM_CACHE   do we hold the answer, an alias, or a denial?
 *   FIND_ZONE    the closest enclosing delegation we know
 *   PICK_SERVER  the nearest live address of that zone
 *   ASK          send one question, minimised; wait for a reply or silence
 *   READ_REPLY   remove what this server may not say; which kind is it?
 *   VALIDATE     secure, insecure or bogus
 *   STORE        keep what is worth keeping, with its rank
 *   FOLLOW       alias, referral, longer name, or done
 *
 * Each stage returns the next one, or WAIT; whoever wakes the task runs the
 * same stage again from its first line. Every budget is enforced by the
 * driver at the end of this file, and nowhere else.
 */
#include "task.h"

#include <stdio.h>

/* --- FROM_CACHE ------------------------------------------------------- */

/*
 * Do we hold the answer, an alias, or a denial? RFC 1034 section 5.3.3,
 * step 1.
 */
static enum stage
from_cache(struct task *t)
{
	struct record r;
	bool itself = t->chain_count == 0;

	if (t->cold || t->priming || t->distrusts_memory ||
	    (t->refresh && itself))
		return FIND_ZONE;
	if (known_fact(t, &r)) {
		known_follow(t, &r);
		prefetch_maybe(t, &r);
		return judge_known(t);
	}
	if (!t->has_stale)
		stale_expect(t);
	if (t->cache_only && t->has_stale) {
		prefetch_begin(t);
		return task_fail(t, EDE_NOT_READY, "asked anew meanwhile");
	}
	if (failed_lately(t, &r))
		return known_failure(t, &r);
	if (t->cache_only && t->chain_count == 0 && answer_referral(t))
		return DONE;
	if (t->cache_only)
		return task_fail(t, EDE_NOT_READY, "not in the cache");
	return FIND_ZONE;
}

/* --- FIND_ZONE -------------------------------------------------------- */

/*
 * Is there nothing to hide from this zone's servers? Not when minimisation is
 * off, nor when they told us the name themselves by an alias: walking to it
 * label by label would double the price of a long chain.
 */
static bool
shows_all(const struct task *t)
{
	return t->rs->o.qmin == QMIN_OFF || t->zone->forward || t->above > 0 ||
	       (t->told_by != NULL && name_equal(t->told_by, t->zone->zone));
}

/*
 * The closest enclosing delegation we know. RFC 1034 section 5.3.3, step 2.
 * The DS of a zone is the parent's: RFC 4035 section 3.1.4.1.
 */
static enum stage
find_zone(struct task *t)
{
	const uint8_t *name = t->sname.wire;
	UNCLEARED char text[NAME_TEXT_MAX];

	if (t->qtype == TYPE_DS)
		name = name_parent(name);
	if (t->above > 0)
		name = name_suffix(name, t->above - 1);
	t->zone = known_zone(t, name);
	if (t->zone == NULL)
		return task_fail(t, EDE_OTHER, "out of memory");
	hosts_recall(t);
	t->minimise = (struct minimise){ .off = shows_all(t) };
	t->question_made = false;
	task_note(t, "closest known zone: %s (%zu servers, %zu addresses)",
	    name_text(t->zone->zone, text), t->zone->name_count,
	    t->zone->address_count);
	return PICK_SERVER;
}

/* --- PICK_SERVER ------------------------------------------------------ */

/* The configured servers of a zone failed; may we find it ourselves? */
static bool
falls_back(struct task *t)
{
	const uint8_t *name = t->sname.wire;
	struct delegation *d;

	if (!t->zone->configured || !t->zone->first)
		return false;
	t->on_our_own = true;
	d = known_zone(t, t->qtype == TYPE_DS ? name_parent(name) : name);
	if (d == NULL)
		return false;
	task_note(t, "the configured servers fail: going on without them");
	t->zone = d;
	t->minimise = (struct minimise){ .off = shows_all(t) };
	t->question_made = false;
	return true;
}

static enum stage
no_server_left(struct task *t)
{
	if (falls_back(t))
		return PICK_SERVER;
	if (t->saw_empty && !t->reply.minimised) {
		/* All they have to say is nothing. */
		reply_begin(&t->reply);
		t->reply.kind = REPLY_NODATA;
		name_copy(&t->reply.end, t->ask_name);
		t->reading = NULL;
		return VALIDATE;
	}
	store_zone_down(t);
	if (t->last_trouble == NULL)
		t->last_trouble = t->zone->address_count == 0
				      ? "no server of the zone has an address"
				      : "no server left to ask";
	return task_fail(t, t->last_ede, t->last_trouble);
}

/* Not a failure of this name: nothing is kept (see store_failure). */
static enum stage
crowded_out(struct task *t)
{
	t->crowded_out = true;
	return task_fail(t, EDE_NO_REACHABLE_AUTHORITY,
	    "too many questions wait for the servers of this zone");
}

/*
 * The nearest live address not yet tried; addresses that are missing are
 * looked up; those that kept silent get another round.
 */
static enum stage
pick_server(struct task *t)
{
	if (!t->question_made && zone_is_down(t))
		return task_fail(t, EDE_NO_REACHABLE_AUTHORITY,
		    "every server of the zone was silent a moment ago");
	if (!t->question_made) {
		if (!quota_enter_zone(t))
			return crowded_out(t);
		task_begin_question(t);
	}
	if (t->pick.made || pick_nearest(t))
		return ASK;
	if (t->holds)
		return WAIT;
	if (!flights_newest_waits(t))
		pick_lookups(t);
	if (t->flight_count > 0 && !flights_newest_waits(t) &&
	    flights_may_repeat(t) && delegation_again(t->zone)) {
		t->round++;
		if (pick_nearest(t))
			return ASK;
	}
	if (flights_live(t) > 0)
		return ASK;
	pick_lookups(t);
	if (delegation_lookups_run(t->zone))
		return WAIT;
	return pick_last_resort(t) ? PICK_SERVER : no_server_left(t);
}

/* --- ASK -------------------------------------------------------------- */

/* Sends what was picked, then waits for a reply or for silence. */
static enum stage
ask(struct task *t)
{
	if (t->pick.made && !flights_send_pick(t))
		return PICK_SERVER;
	t->reading = flights_answered(t);
	if (t->reading != NULL)
		return READ_REPLY;
	if (flights_settle(t))
		return ASK;
	if (flights_live(t) == 0 || flights_want_another(t))
		return PICK_SERVER;
	return WAIT;
}

/* --- READ_REPLY ------------------------------------------------------- */

/* Remove what this server may not say; which kind of reply is it? */
static enum stage
read_reply(struct task *t)
{
	const struct resolver_opts *o = &t->rs->o;
	const struct exchange *x =
	    upstream_look(t->rs->upstream, t->reading->exchange);
	struct asked q = { .zone = t->zone->zone,
		.qname = t->ask_name,
		.qtype = t->ask_type,
		.forward = t->zone->forward,
		.recursive = t->ask_recursively,
		.tcp = t->reading->tcp,
		.edns = t->reading->edns };
	bool minimised = t->reply.minimised;

	reply_begin(&t->reply);
	t->reply.minimised = minimised;
	if (x == NULL ||
	    message_read(t->arena, x->bytes, x->len, &t->reply.m) != ERR_OK) {
		t->reply.kind = REPLY_BAD;
		t->reply.why = "the reply is malformed";
	} else {
		reply_scrub(&t->reply.m, &q,
		    &(struct ttl_limits){ o->ttl_min_s, o->ttl_max_s,
			o->negative_ttl_max_s });
		if (o->mix_case)
			reply_restore_case(&t->reply.m, &q, t->arena);
		reply_classify(&t->reply, &q, t->arena);
	}
	if (x != NULL) {
		zone_was_heard(t);
		task_budget(t)->bytes += (uint32_t)x->len;
		task_note_reply(t, x);
	}
	if (t->reply.kind > REPLY_REFERRAL)
		return reject_reply(t);
	confirm_no_edns(t);
	hosts_fetch(t);
	return VALIDATE;
}

/* --- STORE ------------------------------------------------------------ */

/* Keep what is worth keeping, with its rank (RFC 2181 section 5.4.1). */
static enum stage
store(struct task *t)
{
	if (t->reply.from_memory)
		store_judged(t);
	else
		store_reply(t);
	if (t->reading != NULL)
		t->reading->over = true;
	return FOLLOW;
}

/* --- FOLLOW ----------------------------------------------------------- */

static bool
take_path(struct task *t)
{
	for (size_t i = 0; i < t->reply.path_count; i++) {
		t->aliases += t->reply.path[i]->type == TYPE_CNAME &&
			      t->qtype != TYPE_CNAME;
		if (!chain_add(t, t->reply.path[i]))
			return false;
	}
	answer_proofs(t);
	return t->aliases + t->reply.run <= t->rs->o.aliases_max;
}

static enum stage
follow_alias(struct task *t)
{
	/* RFC 2181 section 10.3 */
	if (t->for_server)
		return task_fail(t, EDE_INVALID_DATA,
		    "a name server's name is an alias");
	for (size_t i = 0; i < t->chain_count; i++) {
		if (t->chain[i]->type == TYPE_CNAME &&
		    name_equal(t->chain[i]->owner, t->reply.end.wire))
			return task_fail(t, EDE_INVALID_DATA,
			    "the aliases form a circle");
	}
	t->sname = t->reply.end;
	t->told_by = t->reading != NULL ? t->zone->zone : NULL;
	t->on_our_own = false;
	flights_leave(t);
	return FROM_CACHE;
}

/* The next name on the way, asked from the same zone's servers. */
static enum stage
follow_longer_name(struct task *t)
{
	if (t->reply.kind == REPLY_NXDOMAIN)
		t->minimise.off = true;
	t->question_made = false;
	return PICK_SERVER;
}

static enum stage
follow_referral(struct task *t)
{
	UNCLEARED char text[NAME_TEXT_MAX];

	if (t->zone == NULL)
		return task_fail(t, EDE_OTHER, "out of memory");
	if (t->above > 0 && name_labels(t->zone->zone) >= t->above)
		return task_fail(t, EDE_INVALID_DATA,
		    "the parent does not give the address of its own server");
	t->referrals++;
	hosts_recall(t);
	t->question_made = false;
	if (t->told_by != NULL) {
		/* These have not told us anything yet. */
		t->told_by = NULL;
		t->minimise = (struct minimise){ .off = shows_all(t),
			.asked = t->minimise.asked };
	}
	task_note(t, "delegated: %s (%zu servers, %zu addresses)",
	    name_text(t->zone->zone, text), t->zone->name_count,
	    t->zone->address_count);
	return PICK_SERVER;
}

/* Alias, referral, longer name, or done: RFC 1034 section 5.3.3, step 4. */
static enum stage
follow(struct task *t)
{
	enum reply_kind k = t->reply.kind;
	bool denied_strictly =
	    k == REPLY_NXDOMAIN && t->rs->o.qmin == QMIN_STRICT;

	if (k == REPLY_REFERRAL)
		return follow_referral(t);
	if (t->reply.minimised && !denied_strictly)
		return follow_longer_name(t);
	t->verdict = verdict_worse(t->verdict, t->reply.verdict);
	if (!take_path(t)) {
		t->rs->counts.limit_aliases++;
		return task_fail(t, EDE_OTHER, "too many aliases");
	}
	if (k == REPLY_ALIAS)
		return follow_alias(t);
	if (k == REPLY_ANSWER)
		answer_positive(t);
	else
		answer_negative(t, k == REPLY_NXDOMAIN   ? RCODE_NXDOMAIN
				   : k == REPLY_YXDOMAIN ? RCODE_YXDOMAIN
							 : RCODE_NOERROR);
	return DONE;
}

/* --- the table and the driver ----------------------------------------- */

static const struct {
	const char *name;
	enum stage (*run)(struct task *t);
	unsigned may_go; /* stages this one may hand over to, but for DONE */
} stages[] = {
	/* clang-format off */
	[FROM_CACHE]  = { "from-cache",  from_cache,  BIT(FIND_ZONE) | BIT(VALIDATE) | BIT(FOLLOW) },
	[FIND_ZONE]   = { "find-zone",   find_zone,   BIT(PICK_SERVER) },
	[PICK_SERVER] = { "pick-server", pick_server, BIT(PICK_SERVER) | BIT(ASK) | BIT(VALIDATE) },
	[ASK]         = { "ask",         ask,         BIT(ASK) | BIT(READ_REPLY) | BIT(PICK_SERVER) },
	[READ_REPLY]  = { "read-reply",  read_reply,  BIT(VALIDATE) | BIT(ASK) | BIT(PICK_SERVER) },
	[VALIDATE]    = { "validate",    validate,    BIT(FIND_ZONE) | BIT(ASK) | BIT(STORE) },
	[STORE]       = { "store",       store,       BIT(FOLLOW) },
	[FOLLOW]      = { "follow",      follow,      BIT(FROM_CACHE) | BIT(PICK_SERVER) },
	/* clang-format on */
};

/*
 * Ends the question in SERVFAIL with a reason (RFC 8914), and remembers it
 * (RFC 9520) unless it was remembered, or is about our budget and not about
 * this name.
 */
enum stage
task_fail(struct task *t, enum ede ede, const char *why)
{
	char name[NAME_TEXT_MAX];
	struct answer instead;

	t->answer = (struct answer){ .rcode = RCODE_SERVFAIL,
		.ede = ede,
		.bogus = ede_is_dnssec(ede) || t->is_refused };
	if (t->answer.bogus || t->zone == NULL)
		snprintf(t->answer.why, sizeof(t->answer.why), "%s", why);
	else
		snprintf(t->answer.why, sizeof(t->answer.why), "%s (%s)", why,
		    name_text(t->zone->zone, name));
	t->chain_count = 0;
	t->expires_ms = 0;
	if (stale_answer(t, &instead))
		task_note(t, "%s, so stale data are told", t->answer.why);
	if (t->last_ede != EDE_CACHED_ERROR &&
	    (t->owns_budget || task_budget(t) != NULL))
		store_failure(t, ede);
	if (t->has_stale)
		t->answer = instead;
	return DONE;
}

/*
 * Runs the task until it waits or is done. A helper whose payer has nothing
 * left wakes the payer, which fails and lets go; the next waiter pays on.
 */
void
task_run(struct task *t)
{
	t->is_ready = false;
	resolver_read_clocks(t->rs);
	while (t->stage != DONE) {
		struct task *payer = t->owns_budget ? t : task_payer(t);
		enum stage at = t->stage, next;
		enum limit spent;

		if (payer == NULL)
			break; /* nobody waits for it any more */
		if (t->stale_at_us != 0)
			stale_serve(t);
		spent = budget_spent(payer, &payer->budget);
		if (spent != LIMIT_NONE)
			at = budget_end(payer, spent);
		if (at == DONE && payer != t) {
			payer->stage = DONE;
			task_ready(payer);
			return;
		}
		next = at == DONE ? DONE : stages[t->stage].run(t);
		t->steps_run++;
		if (next == WAIT)
			return;
		if (next != DONE && !(stages[t->stage].may_go & BIT(next)))
			next = task_fail(t, EDE_OTHER, "a step out of order");
		t->stage = next;
	}
	t->ended = true;
	task_note(t, "%s%s%s", rcode_text(t->answer.rcode),
	    t->answer.why[0] == '\0' ? "" : ": ", t->answer.why);
	task_end(t);
}

/* "from-cache -> find-zone follow", a line a stage. */
size_t
resolver_stage_lines(char *buf, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		at += (size_t)snprintf(at < size ? buf + at : NULL,
		    at < size ? size - at : 0, "%-11s ->", stages[i].name);
		for (size_t j = 0; j < ARRAY_LEN(stages); j++) {
			if (stages[i].may_go & BIT(j))
				at += (size_t)snprintf(at < size ? buf + at
								 : NULL,
				    at < size ? size - at : 0, " %s",
				    stages[j].name);
		}
		at += (size_t)snprintf(at < size ? buf + at : NULL,
		    at < size ? size - at : 0, "%s\n",
		    i == FOLLOW ? " done" : "");
	}
	return at;
}
