/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shadow.c - which other address gets a copy of the question.
 *
 * No client waits for an experiment; the copy only teaches. First rule that
 * fires, at most one copy a question:
 *  a. an address never heard from;
 *  b. one whose change of rank is to be confirmed;
 *  c. a dead one whose probe is due (or an unknown one of a guarded family);
 *  d. by tokens: the one whose knowledge is oldest for what it could gain.
 * Tokens belong to the primary, so busy sets pay for themselves.
 */
#include "inner.h"

#define DEAD_SHARE    0.08
#define DEAD_CAP      3.0
#define EXPLORE_CAP   2.0
#define EXPLORE_SHARE 0.08
#define CONTESTED     0.05
#define BUSY_GAP      125000.0 /* 8 questions a second */

struct tokens {
	double explore, dead;
	bool busy;
};

/* Has it lately shown replies clearly better than the best known? */
static bool
contests(const struct cand *c, double best)
{
	return c->known && !c->dead && !c->lame && !c->unstable &&
	       c->best < 0.8 * best - MS;
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

/* One question more at this primary. */
static struct tokens
tokens_refill(struct servers *sv, const struct field *f, size_t primary)
{
	double best = f->c[primary].cost;
	double share = 0.012 + 0.04 * least(1, best / (100.0 * MS));
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, &f->set->addresses[primary], &sh);
	struct tokens t = { .explore = 0 };
	double since;

	if (p == NULL)
		return t;
	since =
	    f->now_us > p->primary_us ? (double)(f->now_us - p->primary_us) : 0;
	since = least(since, 60.0 * SECOND);
	share += since / (900.0 * SECOND);
	share += is_contested(f, primary) ? CONTESTED : 0;
	share = least(share, EXPLORE_SHARE) * sv->budget;
	p->gap += (since - p->gap) / 8;
	p->primary_us = f->now_us;
	p->explore_tokens = least(EXPLORE_CAP, p->explore_tokens + share);
	p->dead_tokens =
	    least(DEAD_CAP, p->dead_tokens + DEAD_SHARE * sv->budget);
	t.explore = p->explore_tokens;
	t.dead = p->dead_tokens;
	t.busy = p->gap < BUSY_GAP;
	servers_release(sh);
	return t;
}

static void
tokens_spend(struct servers *sv, const struct addr *a, double explore,
    double dead)
{
	struct shard *sh;
	struct peer *p = servers_hold(sv, a, &sh);

	if (p == NULL)
		return;
	p->explore_tokens -= explore;
	p->dead_tokens -= dead;
	servers_release(sh);
}

/* Nobody else's copy is under way to it: marks ours. */
static bool
claim(struct servers *sv, const struct addr *a, uint64_t now_us,
    struct shard **sh, struct peer **out)
{
	struct peer *p = servers_hold_new(sv, a, sh);

	if (p == NULL)
		return false;
	if (p->probing && now_us < p->probing_us + 3 * SECOND) {
		servers_release(*sh);
		return false;
	}
	p->probing = true;
	p->probing_us = now_us;
	p->queries++;
	*out = p;
	return true;
}

static size_t
rule_unknown(struct servers *sv, struct field *f, size_t primary,
    struct rng *rng)
{
	size_t pool[SERVERS_SET_MAX], n = 0;
	struct shard *sh;
	struct peer *p;

	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (i != primary && !c->known && !c->dead && !c->lame &&
		    !c->guarded && !c->probing)
			pool[n++] = i;
	}
	if (n == 0)
		return f->set->count;
	n = pool[rng_below(rng, (uint32_t)n)];
	if (!claim(sv, &f->set->addresses[n], f->now_us, &sh, &p))
		return f->set->count;
	servers_release(sh);
	return n;
}

static size_t
rule_confirm(struct servers *sv, struct field *f, size_t primary,
    const struct tokens *t)
{
	size_t i = 0;
	struct shard *sh;
	struct peer *p;

	for (; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];

		if (i != primary && c->confirm > 0 && cand_live(c) &&
		    !c->probing)
			break;
	}
	if (i == f->set->count || t->explore <= -3 ||
	    !claim(sv, &f->set->addresses[i], f->now_us, &sh, &p))
		return f->set->count;
	if (p->confirm > 0)
		p->confirm--;
	servers_release(sh);
	tokens_spend(sv, &f->set->addresses[primary], 1, 0);
	return i;
}

/* When a dead address is asked again: later the longer it has been dead. */
static void
probe_plan(struct peer *p, const struct field *f, double most, struct rng *rng)
{
	double every, age = (double)(f->now_us - p->dead_us);
	double jitter = 0.75 + rng_below(rng, 501) / 1000.0;

	if (p->samples > 0) {
		every = age / 12 > SECOND ? age / 12 : SECOND;
		every = least(every, most);
	} else {
		every = least((double)p->probe_every * 3, 600.0 * SECOND);
	}
	p->probe_every = (uint64_t)every;
	p->probe_at_us = f->now_us + (uint64_t)(every * jitter);
}

/* A dead address that would be the best is worth asking more often. */
static double
probe_most(const struct cand *c, double best, bool busy)
{
	bool would_win = c->known && c->est < 0.8 * best - MS;

	if (!would_win)
		return 120.0 * SECOND;
	return busy ? 1.5 * SECOND : 12.0 * SECOND;
}

static bool
is_due(struct servers *sv, const struct field *f, size_t i)
{
	const struct cand *c = &f->c[i];

	if (c->lame || c->probing)
		return false;
	if (c->dead)
		return c->probe_at_us <= f->now_us;
	return c->guarded && families_retest(sv->families,
				 f->set->addresses[i].family, f->now_us);
}

static size_t
rule_dead(struct servers *sv, struct field *f, size_t primary,
    const struct tokens *t, struct rng *rng)
{
	size_t i = 0;
	struct shard *sh;
	struct peer *p;

	if (t->dead < 1)
		return f->set->count;
	while (i < f->set->count && (i == primary || !is_due(sv, f, i)))
		i++;
	if (i == f->set->count ||
	    !claim(sv, &f->set->addresses[i], f->now_us, &sh, &p))
		return f->set->count;
	if (p->dead)
		probe_plan(p, f,
		    probe_most(&f->c[i], f->c[primary].cost, t->busy), rng);
	servers_release(sh);
	tokens_spend(sv, &f->set->addresses[primary], 0, 1);
	return i;
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
rule_explore(struct servers *sv, struct field *f, size_t primary,
    const struct tokens *t)
{
	size_t best = f->set->count;
	double most = 0;
	struct shard *sh;
	struct peer *p;

	if (t->explore < 1)
		return best;
	for (size_t i = 0; i < f->set->count; i++) {
		const struct cand *c = &f->c[i];
		double w;

		if (i == primary || !cand_live(c) || c->probing)
			continue;
		w = worth(c, f->c[primary].cost, f->now_us);
		if (w > most) {
			most = w;
			best = i;
		}
	}
	if (best == f->set->count ||
	    !claim(sv, &f->set->addresses[best], f->now_us, &sh, &p))
		return f->set->count;
	servers_release(sh);
	tokens_spend(sv, &f->set->addresses[primary], 1, 0);
	return best;
}

size_t
shadow_pick(struct servers *sv, struct field *f, size_t primary,
    struct rng *rng)
{
	struct tokens t = tokens_refill(sv, f, primary);
	size_t none = f->set->count;
	size_t i = rule_unknown(sv, f, primary, rng);

	if (i == none)
		i = rule_confirm(sv, f, primary, &t);
	if (i == none)
		i = rule_dead(sv, f, primary, &t, rng);
	if (i == none)
		i = rule_explore(sv, f, primary, &t);
	return i;
}
