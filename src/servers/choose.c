/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choose.c - the address that is asked.
 *
 *  1. known and live: the least expected wait, or at random one of those
 *     that are as good within a millisecond or a twentieth;
 *  2. else one never heard from (a second one races it, while the budget
 *     for that lasts);
 *  3. else the dead one whose probe is longest due;
 *  4. else the one longest ago found faulty for this zone.
 *
 * The first choice of a question refills tokens and may name a shadow copy;
 * a choice after a silence or for a hedge (something was tried) does not.
 * With no budget nothing is drawn at random: the order given decides, so
 * that a scripted world repeats itself.
 */
#include "inner.h"

#define COLD_HEDGE_US (80u * MS)
#define COLD_BURST    50.0
#define COLD_YOUNG_US (300u * (uint64_t)SECOND)
#define HEDGE_CAP     6.0

static bool
is_first(const struct field *f)
{
	for (size_t i = 0; i < f->set->count; i++) {
		if (f->c[i].tried)
			return false;
	}
	return true;
}

/* --- 1. known --------------------------------------------------------- */

static size_t
pick_tied(const struct field *f, const struct servers *sv, struct rng *rng,
    bool *tied)
{
	double best = f->c[f->order[0]].cost;
	double most = best + (best / 20 > MS ? best / 20 : MS);
	size_t n = 1;

	while (n < f->live && f->c[f->order[n]].cost <= most)
		n++;
	*tied = n > 1;
	if (n == 1 || sv->budget <= 0)
		return f->order[0];
	return f->order[rng_below(rng, (uint32_t)n)];
}

static void
hedge_refill(struct servers *sv, const struct addr *a)
{
	struct shard *sh;
	struct peer *p = servers_hold(sv, a, &sh);
	double share = 0.03;

	if (p == NULL)
		return;
	share += p->loss > 0.01 ? p->loss - 0.01 : 0;
	share += p->oob > 0.03 ? p->oob - 0.03 : 0;
	p->hedge_tokens += share * sv->budget;
	if (p->hedge_tokens > HEDGE_CAP)
		p->hedge_tokens = HEDGE_CAP;
	servers_release(sh);
}

static void
choose_known(struct servers *sv, struct field *f, struct rng *rng,
    struct servers_choice *out)
{
	bool tied = false, first = is_first(f);
	const struct cand *c;

	out->primary = first ? pick_tied(f, sv, rng, &tied) : f->order[0];
	c = &f->c[out->primary];
	out->rto_us = c->rto;
	out->expected_us = c->est;
	out->hedge_us = c->racing && sv->budget > 0 ? 0 : c->hedge;
	if (out->hedge_us > out->rto_us)
		out->hedge_us = out->rto_us;
	out->why = !first ? "next best" : tied ? "nearest, tied" : "nearest";
	if (!first || sv->budget <= 0)
		return;
	hedge_refill(sv, &f->set->addresses[out->primary]);
	out->shadow = shadow_pick(sv, f, out->primary, rng);
}

/* --- 2. unknown ------------------------------------------------------- */

/*
 * May two be asked at once? As long as such copies are a tenth of the last
 * minute's questions (a fifth when we are young), after a small burst.
 */
static bool
cold_may_race(struct servers *sv, uint64_t now_us)
{
	double share;
	bool yes;

	pthread_mutex_lock(&sv->cold_lock);
	if (sv->cold_first_us == 0)
		sv->cold_first_us = now_us + 1;
	share = now_us < sv->cold_first_us + COLD_YOUNG_US ? 0.2 : 0.1;
	yes = sv->cold_extra + 1 <=
	      (COLD_BURST + sv->cold_all * share) * sv->budget;
	if (yes)
		sv->cold_extra += 1;
	pthread_mutex_unlock(&sv->cold_lock);
	return yes;
}

static void
cold_count(struct servers *sv, uint64_t now_us)
{
	pthread_mutex_lock(&sv->cold_lock);
	if (now_us >= sv->cold_since_us + 60 * (uint64_t)SECOND) {
		sv->cold_since_us = now_us;
		sv->cold_all /= 2;
		sv->cold_extra /= 2;
	}
	sv->cold_all += 1;
	pthread_mutex_unlock(&sv->cold_lock);
}

static bool
is_unknown(const struct cand *c)
{
	return !c->known && !c->dead && !c->lame && !c->guarded;
}

static bool
is_elsewhere(const struct field *f, size_t i)
{
	const struct addr *a = &f->set->addresses[i];

	for (size_t k = 0; k < f->set->count; k++) {
		const struct addr *b = &f->set->addresses[k];

		if (f->c[k].tried && (a->family == b->family ||
					 addr_network(a) == addr_network(b)))
			return false;
	}
	return true;
}

/* Collects the untried ones; those in other networks alone, if there are. */
static size_t
unknown_pool(const struct field *f, size_t *pool)
{
	size_t n = 0, far = 0;

	for (size_t i = 0; i < f->set->count; i++) {
		if (!f->c[i].tried && is_unknown(&f->c[i]))
			pool[n++] = i;
	}
	for (size_t k = 0; k < n; k++) {
		size_t i = pool[k];

		if (is_elsewhere(f, i)) {
			pool[k] = pool[far];
			pool[far++] = i;
		}
	}
	return far > 0 ? far : n;
}

/* A race or a late second copy is allowed: the hedge's token for it. */
static void
grant_hedge(struct servers *sv, const struct addr *a)
{
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, a, &sh);

	if (p == NULL)
		return;
	if (p->hedge_tokens < 1)
		p->hedge_tokens = 1;
	servers_release(sh);
}

static bool
choose_unknown(struct servers *sv, struct field *f, struct rng *rng,
    struct servers_choice *out)
{
	size_t pool[SERVERS_SET_MAX];
	bool elsewhere = sv->budget > 0;
	size_t n = unknown_pool(f, pool);
	bool race;

	if (n == 0)
		return false;
	if (elsewhere) {
		out->primary = pool[rng_below(rng, (uint32_t)n)];
	} else {
		out->primary = 0;
		while (f->c[out->primary].tried ||
		       !is_unknown(&f->c[out->primary]))
			out->primary++;
	}
	out->rto_us = SERVERS_UNKNOWN_RTO_US;
	out->hedge_us = SERVERS_UNKNOWN_RTO_US;
	out->why = "never heard from";
	if (!is_first(f))
		return true;
	out->hedge_us = COLD_HEDGE_US;
	if (sv->budget <= 0 || f->set->count < 2)
		return true;
	race = cold_may_race(sv, f->now_us);
	out->hedge_us = race ? 0 : COLD_HEDGE_US;
	out->why = race ? "never heard from, raced" : "never heard from";
	grant_hedge(sv, &f->set->addresses[out->primary]);
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
				  : c->probe_at_us < b->probe_at_us;

		if (!c->tried && c->lame == lame &&
		    (best == f->set->count || older))
			best = i;
	}
	return best;
}

static enum err
choose_unwell(struct servers *sv, struct field *f, struct servers_choice *out)
{
	const struct addr *a;

	out->why = "all dead: longest unprobed";
	out->primary = pick_oldest(f, false);
	if (out->primary == f->set->count) {
		out->why = "all faulty: longest ago";
		out->primary = pick_oldest(f, true);
	}
	if (out->primary == f->set->count)
		return ERR_NOT_FOUND;
	a = &f->set->addresses[out->primary];
	out->rto_us = f->c[out->primary].rto;
	if (out->rto_us < SERVERS_UNKNOWN_RTO_US)
		out->rto_us = SERVERS_UNKNOWN_RTO_US;
	out->expected_us = f->c[out->primary].est;
	out->hedge_us = out->rto_us;
	if (is_first(f) && sv->budget > 0 && f->set->count > 1 &&
	    cold_may_race(sv, f->now_us)) {
		out->hedge_us = 0;
		grant_hedge(sv, a);
	}
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
	return true;
}

static void
note_asked(struct servers *sv, const struct addr *a, uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, a, &sh);

	if (p == NULL)
		return;
	p->queries++;
	/* A dead one that is asked for want of another: that was its probe. */
	if (p->dead && p->probe_at_us <= now_us)
		p->probe_at_us = now_us + p->probe_every;
	servers_release(sh);
}

enum err
servers_choose(struct servers *sv, const struct servers_set *set,
    struct rng *rng, uint64_t now_us, struct servers_choice *out)
{
	UNCLEARED struct field f; /* 13 KB */
	enum err err = ERR_OK;

	*out = (struct servers_choice){ .shadow = set->count, .why = "" };
	if (set->count == 0)
		return ERR_NOT_FOUND;
	if (set->count > SERVERS_SET_MAX)
		return ERR_LIMIT;
	field_read(&f, sv, set, now_us);
	field_rank(&f, sv->opts.v4_bias_us);
	cold_count(sv, now_us);
	if (sv->opts.random_policy) {
		if (!choose_at_random(&f, rng, out))
			err = choose_unwell(sv, &f, out);
	} else if (f.live > 0) {
		choose_known(sv, &f, rng, out);
	} else if (!choose_unknown(sv, &f, rng, out)) {
		err = choose_unwell(sv, &f, out);
	}
	if (err == ERR_OK)
		note_asked(sv, &set->addresses[out->primary], now_us);
	return err;
}

bool
servers_may_hedge(struct servers *sv, const struct addr *primary)
{
	struct shard *sh;
	struct peer *p;
	bool may;

	if (sv->budget <= 0 || sv->opts.random_policy)
		return false;
	p = servers_hold(sv, primary, &sh);
	if (p == NULL)
		return false;
	may = p->hedge_tokens >= 1;
	if (may)
		p->hedge_tokens -= 1;
	servers_release(sh);
	return may;
}
