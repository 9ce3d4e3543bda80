/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shadow.c - which other address gets a copy of the question.
 *
 * No client waits for an experiment. At most one copy a question, by the
 * first rule that fires:
 *  a. an address never heard from (once each, so without a limit);
 *  b. one whose change of rank is to be confirmed;
 *  c. a dead one whose probe is due (or an unknown one of a guarded family);
 *  d. one on probation after a fault of this zone;
 *  e. one not asked since the path to another of the set changed, or since
 *     another came back: what moves one path moves others;
 *  f. by tokens: the one whose knowledge is oldest for what it could gain.
 * Tokens belong to the primary, so busy sets pay for themselves; one copy at
 * a time to an address, two a second to a set, of which f. takes what is left.
 */
#include "inner.h"

#define DEAD_SHARE    0.08
#define DEAD_CAP      3.0
#define EXPLORE_CAP   2.0
#define EXPLORE_SHARE 0.08
#define EXPLORE_DEBT  (-3.0)
#define CONTESTED     0.05
#define LOOK_EVERY    15.0 /* questions */
#define LOOK_MIN      (500.0 * MS)
#define LOOK_MAX      (12.0 * SECOND)
#define LOOK_BUSY     (1.5 * SECOND)
#define BUSY_GAP      (125.0 * MS) /* 8 questions a second */
#define EVENT_FRESH   (10u * (uint64_t)SECOND)
/* Copies of a set: never heard from, those always go. */
#define UNLIMITED (-1.0)
/* What can wait leaves one for what cannot, as a dead one that may be back. */
#define FOR_OTHERS    1.0
#define SILENCE_AGAIN ((uint64_t)SECOND)

/* What a rule sees and settles. */
struct turn {
	struct field *f;
	struct rng *rng;
	size_t primary;
	double best; /* what the primary costs */
};

/* Has it lately shown replies clearly better than the best known? */
static bool
contests(const struct cand *c, double best)
{
	return cand_live(c) && !c->unstable && c->best < 0.8 * best - MS;
}

static bool
is_contested(const struct field *f, size_t primary)
{
	for (size_t i = 0; i < f->set->count; i++) {
		if (i != primary && contests(&f->c[i], f->c[primary].cost))
			return true;
	}
	return false;
}

static double
least(double a, double b)
{
	return a < b ? a : b;
}

static double
patience(double gap)
{
	double most = least(LOOK_MAX, LOOK_EVERY * gap);

	if (gap <= BUSY_GAP)
		most = least(most, LOOK_BUSY);
	return most < LOOK_MIN ? LOOK_MIN : most;
}

void
shadow_refill(struct field *f, size_t primary, struct peer *p)
{
	const double best = f->c[primary].cost;
	double share = 0.012 + 0.04 * least(1, best / (100.0 * MS));
	double since, scale;

	since =
	    f->now_us > p->primary_us ? (double)(f->now_us - p->primary_us) : 0;
	since = least(since, 60.0 * SECOND);
	share += since / (900.0 * SECOND);
	share += is_contested(f, primary) ? CONTESTED : 0;
	scale = p->wary_us > f->now_us ? f->sv->budget / 2 : f->sv->budget;
	p->gap += (since - p->gap) / 8;
	p->primary_us = f->now_us;
	p->explore_tokens = least(EXPLORE_CAP,
	    p->explore_tokens + least(share, EXPLORE_SHARE) * scale);
	p->dead_tokens = least(DEAD_CAP, p->dead_tokens + DEAD_SHARE * scale);
	f->tokens = (struct tokens){ p->explore_tokens, p->dead_tokens,
		patience(p->gap) };
}

static void
tokens_spend(struct turn *s, double explore, double dead)
{
	struct shard *sh;
	struct peer *p = field_hold(s->f, s->primary, &sh);

	if (p == NULL)
		return;
	p->explore_tokens -= explore;
	p->dead_tokens -= dead;
	servers_release(sh);
}

/*
 * Nobody else's copy is under way to it, and the set has one left, and
 * `reserve` more for what is urgent: marks ours. The peer stays held.
 */
static struct peer *
claim(struct turn *s, size_t i, double reserve, struct shard **sh)
{
	struct field *f = s->f;
	struct peer *p;

	if (reserve >= 0 && !rates_take(f->sv->rates, field_zone(f),
				RATE_SHADOW, reserve, f->now_us)) {
		servers_tally(f->sv, HELD_RATE);
		return NULL;
	}
	p = servers_hold_new(f->sv, &f->set->addresses[i], sh);
	if (p == NULL)
		return NULL;
	if (p->probing && f->now_us < p->probing_us + 3 * SECOND) {
		servers_release(*sh);
		return NULL;
	}
	p->probing = true;
	p->probing_us = f->now_us;
	p->site_turn = 0;
	p->want_site = false;
	return p;
}

static bool
may_copy(const struct turn *s, size_t i)
{
	const struct cand *c = &s->f->c[i];

	return i != s->primary && !c->tried && !c->probing && !c->full;
}

static size_t
rule_unknown(struct turn *s)
{
	struct field *f = s->f;
	bool wanted[SERVERS_SET_MAX];
	struct shard *sh;
	size_t i;

	for (i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];
		bool waits =
		    c->asked_us != 0 && f->now_us < c->asked_us + SILENCE_AGAIN;

		wanted[i] = may_copy(s, i) && cand_unknown(c) && !waits;
	}
	i = unknown_pick(f, wanted, s->rng);
	if (i == f->set->count || claim(s, i, UNLIMITED, &sh) == NULL)
		return f->set->count;
	servers_release(sh);
	return i;
}

static size_t
rule_confirm(struct turn *s)
{
	struct field *f = s->f;
	struct shard *sh;
	struct peer *p;
	size_t i = 0;

	while (i < f->set->count &&
	       !(may_copy(s, i) && cand_live(&f->c[i]) && f->c[i].confirm > 0))
		i++;
	if (i == f->set->count || s->f->tokens.explore <= EXPLORE_DEBT)
		return f->set->count;
	p = claim(s, i, 0, &sh);
	if (p == NULL)
		return f->set->count;
	if (p->confirm > 0)
		p->confirm--;
	servers_release(sh);
	tokens_spend(s, 1, 0);
	return i;
}

/*
 * When a dead address is asked again: later the longer it has been dead, but
 * one that would be the best is not left alone for more than 15 of the set's
 * questions (within bounds): so much of the set's traffic its return is worth.
 */
static void
probe_plan(struct peer *p, const struct turn *s, const struct cand *c)
{
	bool would_win = c->known && c->est < 0.8 * s->best - MS;
	double most = would_win ? s->f->tokens.patience : 120.0 * SECOND;
	double age = (double)(s->f->now_us - p->dead_us);
	double jitter = 0.75 + rng_below(s->rng, 501) / 1000.0;
	double every = age / 12 > SECOND ? age / 12 : SECOND;

	if (p->samples == 0) {
		most = 600.0 * SECOND;
		every = (double)p->probe_every * 3;
	}
	every = least(every, most);
	p->probe_every = (uint64_t)every;
	p->probe_at_us = s->f->now_us + (uint64_t)(every * jitter);
}

static bool
is_due(const struct turn *s, size_t i)
{
	struct field *f = s->f;
	const struct cand *c = &f->c[i];

	if (c->lame || !may_copy(s, i))
		return false;
	if (c->dead)
		return c->probe_at_us <= f->now_us;
	return c->guarded && families_retest(f->sv->families,
				 f->set->addresses[i].family, f->now_us);
}

static size_t
rule_dead(struct turn *s)
{
	struct field *f = s->f;
	struct shard *sh;
	struct peer *p;
	size_t i = 0;

	if (s->f->tokens.dead < 1)
		return f->set->count;
	while (i < f->set->count && !is_due(s, i))
		i++;
	if (i == f->set->count)
		return i;
	p = claim(s, i, 0, &sh);
	if (p == NULL)
		return f->set->count;
	if (p->dead)
		probe_plan(p, s, &f->c[i]);
	servers_release(sh);
	tokens_spend(s, 0, 1);
	return i;
}

static size_t
rule_probation(struct turn *s)
{
	struct field *f = s->f;
	struct shard *sh;
	size_t i = 0;

	while (i < f->set->count && !(may_copy(s, i) && f->c[i].probation &&
					f->c[i].known && !f->c[i].dead))
		i++;
	if (i == f->set->count || s->f->tokens.dead < 1 ||
	    claim(s, i, 0, &sh) == NULL)
		return f->set->count;
	servers_release(sh);
	tokens_spend(s, 0, 1);
	return i;
}

/* When the path to one of the set changed last; 0: not lately. */
static uint64_t
latest_event(const struct field *f)
{
	uint64_t latest = 0;

	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (!c->unstable && c->event_us > latest)
			latest = c->event_us;
	}
	return latest != 0 && f->now_us < latest + EVENT_FRESH ? latest : 0;
}

static size_t
rule_event(struct turn *s)
{
	struct field *f = s->f;
	uint64_t event = latest_event(f);
	size_t best = f->set->count;
	struct shard *sh;

	if (event == 0 || s->f->tokens.explore <= EXPLORE_DEBT)
		return best;
	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (may_copy(s, i) && c->known && !c->lame &&
		    c->asked_us < event &&
		    (best == f->set->count || c->est < f->c[best].est))
			best = i;
	}
	if (best == f->set->count || claim(s, best, 0, &sh) == NULL)
		return f->set->count;
	servers_release(sh);
	tokens_spend(s, 1, 0);
	return best;
}

/* Worth of asking again: age, for what could be gained. */
static double
worth(const struct cand *c, double best, uint64_t now_us)
{
	double age =
	    now_us > c->answered_us ? (double)(now_us - c->answered_us) : 0;
	double behind = c->est / (best > MS ? best : MS) - 1;

	if (contests(c, best))
		return 200 * age;
	if (age < 2.0 * SECOND)
		return 0;
	return age / (1 + 0.25 * (behind > 0 ? behind : 0));
}

static size_t
rule_old(struct turn *s)
{
	struct field *f = s->f;
	size_t best = f->set->count;
	double most = 0;
	struct shard *sh;

	if (s->f->tokens.explore < 1)
		return best;
	for (size_t i = 0; i < f->set->count; i++) {
		double w;

		if (!may_copy(s, i) || !cand_live(&f->c[i]))
			continue;
		w = worth(&f->c[i], s->best, f->now_us);
		if (w > most) {
			most = w;
			best = i;
		}
	}
	if (best == f->set->count || claim(s, best, FOR_OTHERS, &sh) == NULL)
		return f->set->count;
	servers_release(sh);
	tokens_spend(s, 1, 0);
	return best;
}

static const struct {
	size_t (*pick)(struct turn *s);
	const char *why;
	enum server_decision decision;
} rules[] = {
	{ rule_unknown, "never heard from", COPIED_UNKNOWN },
	{ rule_confirm, "to confirm a change", COPIED_CONFIRM },
	{ rule_dead, "is it back?", COPIED_DEAD },
	{ rule_probation, "does it serve the zone again?", COPIED_PROBATION },
	{ rule_event, "another's path has changed", COPIED_EVENT },
	{ rule_old, "not measured for long", COPIED_OLD },
};

static size_t
first_rule(struct turn *s, size_t count, const char **why)
{
	for (size_t r = 0; r < count; r++) {
		size_t i = rules[r].pick(s);

		if (i == s->f->set->count)
			continue;
		*why = rules[r].why;
		servers_tally(s->f->sv, rules[r].decision);
		return i;
	}
	return s->f->set->count;
}

size_t
shadow_pick(struct field *f, size_t primary, struct rng *rng, const char **why)
{
	struct turn s = { .f = f,
		.rng = rng,
		.primary = primary,
		.best = f->c[primary].cost };

	if (f->set->count == 1)
		return f->set->count; /* nobody else is there */
	return first_rule(&s, ARRAY_LEN(rules), why);
}
