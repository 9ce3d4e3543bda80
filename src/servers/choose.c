/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choose.c - the address that is asked.
 *
 *  1. known and live: the least expected wait, or at random one of those
 *     that are as good within a millisecond or a twentieth;
 *  2. else one never heard from (a second one races it, while the budget
 *     for that lasts);
 *  3. else, all being dead, the two that were asked longest ago, raced; no
 *     more of that than the set's rate allows;
 *  4. else the one longest ago found faulty for this zone.
 *
 * The first choice of a question refills tokens and may name a shadow copy;
 * a choice after a silence or for a hedge (something was tried) does not.
 * With no budget nothing is drawn at random: the order given decides, so
 * that a scripted world repeats itself.
 */
#include "inner.h"

#define COLD_HEDGE_US (80u * MS)
#define HEDGE_CAP     6.0
/* How long a question waits for what others find out. */
#define COLD_WAIT_US (40u * MS)
/* Of an unknown set, so many at most are asked without knowing better. */
#define COLD_TRIED_MAX 4u
#define DEAD_WAIT_US   (300u * MS)
/* Of what may go to a dead set, so much is kept for new questions. */
#define DEAD_RESERVE 8.0
#define CHOSEN_FADE  (900.0 * SECOND)

/* --- 1. known --------------------------------------------------------- */

static size_t
pick_tied(const struct field *f, struct rng *rng, bool *tied)
{
	const struct cand *best = &f->c[f->order[0]];
	double most = tie_limit(best->cost);
	size_t n = 1;

	while (n < f->live && f->c[f->order[n]].cost <= most &&
	       cand_is_last(&f->c[f->order[n]]) == cand_is_last(best))
		n++;
	*tied = n > 1;
	if (n == 1 || f->sv->budget <= 0)
		return f->order[0];
	return f->order[rng_below(rng, (uint32_t)n)];
}

/* Copies would only help a forger. */
static bool
is_withheld(const struct field *f)
{
	if (f->spoofed)
		servers_tally(f->sv, f->by_cookie ? HELD_COOKIE : HELD_SPOOFED);
	return f->spoofed;
}

static void
hedge_refill(const struct field *f, struct peer *p)
{
	double share = 0.03;

	share += p->loss > 0.01 ? p->loss - 0.01 : 0;
	share += p->oob > 0.03 ? p->oob - 0.03 : 0;
	p->hedge_tokens += share * f->sv->budget;
	if (p->hedge_tokens > HEDGE_CAP)
		p->hedge_tokens = HEDGE_CAP;
}

static void
choose_known(struct field *f, struct rng *rng, struct servers_choice *out)
{
	bool tied = false;
	const struct cand *c;

	out->primary = f->first ? pick_tied(f, rng, &tied) : f->order[0];
	c = &f->c[out->primary];
	out->rto_us = out->hedge_us = c->rto;
	out->expected_us = c->est;
	out->why = !f->first ? "next best" : tied ? "nearest, tied" : "nearest";
	servers_tally(f->sv, !f->first ? CHOSE_NEXT
			     : tied    ? CHOSE_TIED
				       : CHOSE_NEAREST);
	if (!f->first || f->sv->budget <= 0)
		return;
	if (is_withheld(f))
		return;
	out->hedge_us = c->racing                ? 0
			: c->hedge < out->rto_us ? c->hedge
						 : out->rto_us;
	f->refills = true;
}

/* --- 2. unknown ------------------------------------------------------- */

/* A race or a late second copy is allowed: the hedge's token for it. */
static void
grant_hedge(struct field *f, size_t i)
{
	struct shard *sh;
	struct peer *p = servers_hold_new_hashed(f->sv, &f->set->addresses[i],
	    f->c[i].hash, &sh);

	if (p == NULL)
		return;
	if (p->hedge_tokens < 1)
		p->hedge_tokens = 1;
	servers_release(sh);
}

static uint32_t
unknown_rto(struct field *f, size_t i)
{
	uint32_t prior = f->sv->budget > 0 ? prior_of(f, i) : 0;
	uint32_t rto =
	    prior == 0 ? SERVERS_UNKNOWN_RTO_US : rtt_rto(prior, prior / 2.0);

	return rto < SERVERS_UNKNOWN_RTO_US ? rto : SERVERS_UNKNOWN_RTO_US;
}

/*
 * Many questions at once for an unknown set: when the first of them have
 * asked all of it, whoever comes next does better to wait for what they find
 * out than to ask blindly.
 */
static bool
others_find_out(const struct field *f)
{
	size_t asked = 0;

	if (f->set->waited_us >= COLD_WAIT_US || !f->first ||
	    f->sv->budget <= 0)
		return false;
	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (!cand_unknown(c))
			continue;
		if (c->unanswered > 0 || c->asked_us == 0 ||
		    f->now_us > c->asked_us + SERVERS_UNKNOWN_RTO_US)
			return false;
		asked++;
	}
	return asked > 1;
}

static bool
choose_unknown(struct field *f, struct rng *rng, struct servers_choice *out)
{
	struct servers *sv = f->sv;
	bool wanted[SERVERS_SET_MAX];
	bool race;

	for (size_t i = 0; i < f->set->count; i++)
		wanted[i] = !f->c[i].tried && cand_unknown(&f->c[i]);
	out->primary = f->set->count;
	if (sv->budget > 0)
		out->primary = unknown_pick(f, wanted, rng);
	for (size_t i = 0; sv->budget <= 0 && i < f->set->count; i++)
		if (wanted[i] && out->primary == f->set->count)
			out->primary = i;
	if (out->primary == f->set->count)
		return false;
	servers_tally(sv, CHOSE_UNKNOWN);
	out->rto_us = out->hedge_us = unknown_rto(f, out->primary);
	out->why = "never heard from";
	out->blind = sv->budget > 0 && f->set->count > 1 && !f->spoofed;
	if (!f->first || is_withheld(f))
		return true;
	out->hedge_us = COLD_HEDGE_US;
	if (!out->blind)
		return true;
	race = rates_may_race(sv->rates, sv->budget, f->now_us);
	if (race) {
		out->hedge_us = 0;
		out->why = "never heard from, raced";
		servers_tally(sv, RACED_COLD);
	}
	grant_hedge(f, out->primary);
	return true;
}

/* --- 3 and 4. nobody is well ------------------------------------------ */

static size_t
pick_oldest(const struct field *f, bool lame)
{
	size_t best = f->set->count;

	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];
		const struct cand *b = &f->c[best < f->set->count ? best : i];
		bool older = lame ? c->marked_us < b->marked_us
				  : c->asked_us < b->asked_us;

		if (!c->tried && c->lame == lame &&
		    (best == f->set->count || older))
			best = i;
	}
	return best;
}

/*
 * Somebody else has come back since this one was asked: perhaps it was our
 * own line that was down, and then it is worth asking at once.
 */
static bool
hope_is_new(const struct field *f, size_t i)
{
	return f->c[i].asked_us < atomic_load(&f->sv->revived_us);
}

static enum err
choose_dead(struct field *f, struct servers_choice *out)
{
	struct servers *sv = f->sv;

	if (sv->budget > 0 && !hope_is_new(f, out->primary) &&
	    !rates_take(sv->rates, field_zone(f), RATE_DEAD,
		f->first ? 0 : DEAD_RESERVE, f->now_us)) {
		servers_tally(sv, HELD_RATE);
		out->wait = f->first && f->set->waited_us < DEAD_WAIT_US;
		return ERR_LIMIT;
	}
	out->why = "all dead: longest unprobed";
	servers_tally(sv, CHOSE_DEAD);
	if (!f->first || sv->budget <= 0 || f->set->count < 2)
		return ERR_OK;
	out->hedge_us = 0;
	grant_hedge(f, out->primary);
	return ERR_OK;
}

static enum err
choose_unwell(struct field *f, struct servers_choice *out)
{
	bool lame = false;

	out->primary = pick_oldest(f, false);
	if (out->primary == f->set->count) {
		lame = true;
		out->primary = pick_oldest(f, true);
	}
	if (out->primary == f->set->count)
		return ERR_NOT_FOUND;
	out->rto_us = f->c[out->primary].rto;
	if (out->rto_us < SERVERS_UNKNOWN_RTO_US)
		out->rto_us = SERVERS_UNKNOWN_RTO_US;
	out->hedge_us = out->rto_us;
	out->expected_us = f->c[out->primary].est;
	if (!lame)
		return choose_dead(f, out);
	out->why = "all faulty: longest ago";
	servers_tally(f->sv, CHOSE_FAULTY);
	return ERR_OK;
}

/* --- all -------------------------------------------------------------- */

/* The policy of those who learn nothing: uniform among the live. */
static bool
choose_at_random(const struct field *f, struct rng *rng,
    struct servers_choice *out)
{
	size_t pool[SERVERS_SET_MAX], n = 0;

	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (!c->tried && !c->dead && !c->lame && !c->guarded)
			pool[n++] = i;
	}
	if (n == 0)
		return false;
	out->primary = pool[rng_below(rng, (uint32_t)n)];
	out->rto_us = f->c[out->primary].rto;
	out->expected_us = f->c[out->primary].est;
	out->hedge_us = out->rto_us;
	out->why = "at random";
	servers_tally(f->sv, CHOSE_AT_RANDOM);
	return true;
}

/*
 * The primary was decided: what its peer has to know of it, and the tokens it
 * gets for the question.
 */
static void
note_chosen(struct field *f, struct servers_choice *out)
{
	const struct cand *c = &f->c[out->primary];
	const uint8_t *name =
	    f->set->names == NULL ? NULL : f->set->names[out->primary];
	struct shard *sh;
	struct peer *p = servers_hold_new_hashed(f->sv,
	    &f->set->addresses[out->primary], c->hash, &sh);
	double since;

	out->key = c->hash;
	if (p == NULL)
		return;
	out->ask_site = c->wants_site || !c->known;
	p->site_turn = out->ask_site ? 0 : (uint8_t)(p->site_turn + 1);
	p->want_site = p->want_site && !out->ask_site;
	since =
	    f->now_us > p->chosen_us ? (double)(f->now_us - p->chosen_us) : 0;
	p->chosen = p->chosen / (1 + since / CHOSEN_FADE) + 1;
	p->chosen_us = f->now_us;
	out->speaks_edns = p->edns_off_until <= f->now_us;
	/* A dead one that is asked for want of another: that was its probe. */
	if (p->dead && p->probe_at_us <= f->now_us)
		p->probe_at_us = f->now_us + p->probe_every;
	if (p->operator_id == 0 && name != NULL && name_labels(name) >= 3)
		p->operator_id = name_hash(&f->sv->hash_key, name_parent(name));
	if (f->refills) {
		hedge_refill(f, p);
		shadow_refill(f, out->primary, p);
	}
	servers_release(sh);
}

static void
note_copied(const struct cand *c, struct servers_choice *out)
{
	out->shadow_key = c->hash;
	out->shadow_rto_us = c->rto;
}

enum err
servers_choose(struct servers *sv, const struct servers_set *set,
    struct rng *rng, uint64_t now_us, struct servers_choice *out)
{
	UNCLEARED struct field f; /* 13 KB */
	enum err err = ERR_OK;

	*out = (struct servers_choice){ .shadow = set->count,
		.speaks_edns = true,
		.why = "",
		.shadow_why = "" };
	if (set->count == 0)
		return ERR_NOT_FOUND;
	if (set->count > SERVERS_SET_MAX)
		return ERR_LIMIT;
	field_read(&f, sv, set, now_us);
	field_rank(&f);
	rates_question(sv->rates, now_us);
	if (sv->opts.random_policy) {
		if (!choose_at_random(&f, rng, out))
			err = choose_unwell(&f, out);
	} else if (f.live > 0) {
		choose_known(&f, rng, out);
	} else if (others_find_out(&f)) {
		out->wait = true;
		return ERR_LIMIT;
	} else if (!choose_unknown(&f, rng, out)) {
		err = choose_unwell(&f, out);
	}
	if (err != ERR_OK) {
		servers_tally(sv, CHOSE_NOBODY);
		return err;
	}
	note_chosen(&f, out);
	if (f.refills)
		out->shadow =
		    shadow_pick(&f, out->primary, rng, &out->shadow_why);
	if (out->shadow < set->count)
		note_copied(&f.c[out->shadow], out);
	return ERR_OK;
}

bool
servers_spare_dead(const struct servers *sv)
{
	return sv->budget > 0;
}

bool
servers_may_hedge(struct servers *sv, const struct addr *primary)
{
	struct shard *sh;
	struct peer *p;
	enum server_decision d = HEDGED;
	bool may, cold;

	if (sv->budget <= 0 || sv->opts.random_policy)
		return false;
	p = servers_hold(sv, primary, &sh);
	if (p == NULL)
		return false;
	may = p->hedge_tokens >= 1;
	cold = p->samples == 0 || p->dead;
	if (may)
		p->hedge_tokens -= 1;
	if (p->unanswered > 0)
		d = RACED_DOUBTED;
	servers_release(sh);
	if (may && !cold)
		servers_tally(sv, d);
	return may;
}

/* Two were raced and are late: one more, and a fourth after that. */
static bool
unknown_may_join(const struct field *f)
{
	size_t tried = 0, left = 0;

	for (size_t i = 0; i < f->set->count; i++) {
		tried += f->c[i].tried;
		left += !f->c[i].tried && cand_unknown(&f->c[i]);
	}
	return left > 0 && tried < COLD_TRIED_MAX;
}

bool
servers_overtake(struct servers *sv, const struct servers_set *set,
    uint64_t waited_us, uint64_t now_us)
{
	UNCLEARED struct field f;
	const struct cand *c;

	if (sv->budget <= 0 || set->count == 0 || set->count > SERVERS_SET_MAX)
		return false;
	field_read(&f, sv, set, now_us);
	field_rank(&f);
	c = f.live > 0 ? &f.c[f.order[0]] : NULL;
	/* Who has waited for so long must expect to wait as long again. */
	if (f.spoofed ||
	    (f.live == 0 ? !unknown_may_join(&f)
			 : cand_is_last(c) || c->est > waited_us) ||
	    !rates_may_race(sv->rates, sv->budget, now_us))
		return false;
	servers_tally(sv, f.live == 0 ? RACED_COLD : OVERTOOK);
	return true;
}
