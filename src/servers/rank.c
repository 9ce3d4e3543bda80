/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rank.c - what a client would wait at each address.
 *
 * A reply slower than the retransmission to the best other address is
 * overtaken by that one's, so no sample costs more than the cut: own RTO plus
 * the other's estimate. Loss beyond what is usual costs the whole cut. A
 * truncated reply costs another one by TCP, and a little more: what takes one
 * packet is preferred to two.
 * Works on a snapshot: peers are locked one after the other, briefly, and
 * their samples are looked at again only when one of them was overtaken.
 */
#include "inner.h"

#define LOSS_USUAL 0.02
#define TCP_EXTRA  (1500.0)

static void
cand_fill(struct cand *c, const struct peer *p, uint64_t now_us)
{
	c->loss = p->loss;
	c->oob = p->oob;
	c->answered_us = p->answered_us;
	c->asked_us = p->asked_us;
	c->probe_at_us = p->probe_at_us;
	c->event_us = p->event_us;
	c->est = p->est;
	c->best = p->best;
	c->hedge = p->hedge;
	c->rto = p->rto;
	c->most = p->most;
	c->tail = p->tail;
	c->by_tcp =
	    p->truncated <= 0
		? 0
		: p->truncated *
		      (TCP_EXTRA + (p->tcp_est != 0 ? p->tcp_est : 2 * p->est));
	c->confirm = p->confirm;
	c->unanswered = p->unanswered;
	c->known = p->samples > 0;
	c->dead = p->dead;
	c->unstable = p->unstable > 0;
	/* A shadow copy whose fate nobody told counts as over after a while. */
	c->probing = p->probing && now_us < p->probing_us + 3 * SECOND;
	c->racing = p->unanswered > 0 && p->flying <= 64 &&
		    p->unanswered + 1u >= peer_deadly(p);
	c->full = p->flying >= FLYING_MAX;
	c->spoofed = p->spoofed_us > now_us;
	c->cookie_failed = p->cookie_failed;
	c->wants_site = p->want_site || p->site_turn >= 15;
}

static void
cand_read(struct field *f, size_t i, uint32_t *qname)
{
	const struct addr *a = &f->set->addresses[i];
	struct cand *c = &f->c[i];
	struct shard *sh;
	const struct peer *p;

	*c = (struct cand){ .rto = SERVERS_UNKNOWN_RTO_US };
	c->hash = servers_key(f->sv, a);
	p = servers_hold_hashed(f->sv, a, c->hash, &sh);
	if (p == NULL)
		return;
	cand_fill(c, p, f->now_us);
	if (p->silent_last > f->now_us && f->set->qname != NULL) {
		if (*qname == 0)
			*qname = (uint32_t)name_hash(&f->sv->hash_key,
			    f->set->qname);
		c->mute = peer_is_mute(p, *qname, f->now_us);
	}
	servers_release(sh);
}

static void
cand_read_fault(struct field *f, struct cand *c)
{
	enum fault_state state = faults_look(f->sv->faults,
	    fault_id(c->hash, field_zone(f)), f->now_us, &c->marked_us);

	c->lame = state != FAULT_NONE;
	c->probation = state == FAULT_PROBATION;
}

void
field_read(struct field *f, struct servers *sv, const struct servers_set *set,
    uint64_t now_us)
{
	const bool faulty = faults_any(sv->faults);
	uint32_t qname = 0;

	f->set = set;
	f->sv = sv;
	f->now_us = now_us;
	f->zone_hash = 0;
	f->first = true;
	f->refills = false;
	f->tokens = (struct tokens){ 0 };
	f->spoofed = f->by_cookie = false;
	for (size_t i = 0; i < set->count; i++) {
		struct cand *c = &f->c[i];

		cand_read(f, i, &qname);
		if (faulty)
			cand_read_fault(f, c);
		c->tried = set->tried != NULL && set->tried[i];
		c->guarded =
		    !c->known && !c->dead &&
		    families_guarded(sv->families, set->addresses[i].family);
		f->first = f->first && !c->tried;
		f->spoofed = f->spoofed || c->spoofed;
		f->by_cookie |= c->spoofed && c->cookie_failed;
	}
}

uint64_t
field_zone(struct field *f)
{
	if (f->zone_hash == 0)
		f->zone_hash = name_hash(&f->sv->hash_key, f->set->zone);
	return f->zone_hash;
}

struct peer *
field_hold(struct field *f, size_t i, struct shard **sh)
{
	return servers_hold_hashed(f->sv, &f->set->addresses[i], f->c[i].hash,
	    sh);
}

bool
cand_live(const struct cand *c)
{
	return c->known && !c->dead && !c->lame;
}

bool
cand_unknown(const struct cand *c)
{
	return !c->known && !c->dead && !c->lame && !c->guarded;
}

bool
cand_is_last(const struct cand *c)
{
	return c->mute || c->full;
}

double
tie_limit(double best)
{
	return best + (best / 20 > MS ? best / 20 : MS);
}

/* --- cost ------------------------------------------------------------- */

static double
biased_est(const struct field *f, size_t i)
{
	double est = f->c[i].est;

	return f->set->addresses[i].family == 4 ? est + f->sv->opts.v4_bias_us
						: est;
}

/* The mean of its samples, none of them longer than the cut. */
static double
overtaken_mean(struct field *f, size_t i, double cut)
{
	struct shard *sh;
	const struct peer *p = field_hold(f, i, &sh);
	const uint32_t *v;
	size_t n;
	double sum = 0;

	if (p == NULL)
		return f->c[i].est;
	v = p->unstable > 0 ? p->history : p->regime;
	n = p->unstable > 0 ? p->history_len : p->regime_len;
	for (size_t k = 0; k < n; k++)
		sum += v[k] > cut ? cut : v[k];
	servers_release(sh);
	return n == 0 ? f->c[i].est : sum / (double)n;
}

/* other: the least estimate among the others that live; 0: there is none. */
static double
cost(struct field *f, size_t i, double other)
{
	const struct cand *c = &f->c[i];
	double est = biased_est(f, i), lost, mean;
	double cut = c->rto + other;
	double extra = c->tail * (f->sv->opts.tail_permille / 1000.0);

	extra += c->by_tcp;
	if (other <= 0)
		return est + extra;
	if (c->most > cut) {
		mean = overtaken_mean(f, i, cut) + est - c->est;
		est = mean < est ? mean : est;
	}
	lost = c->loss - LOSS_USUAL;
	return extra + (lost > 0 ? (1 - lost) * est + lost * cut : est);
}

static bool
goes_before(const struct cand *a, const struct cand *b)
{
	if (cand_is_last(a) != cand_is_last(b))
		return cand_is_last(b);
	return a->cost < b->cost;
}

static void
order_by_cost(struct field *f)
{
	for (size_t i = 1; i < f->live; i++) {
		size_t x = f->order[i], k = i;

		for (; k > 0 && goes_before(&f->c[x], &f->c[f->order[k - 1]]);
		     k--)
			f->order[k] = f->order[k - 1];
		f->order[k] = x;
	}
}

void
field_rank(struct field *f)
{
	double first = 0, second = 0; /* least estimates; 0: none */

	f->live = 0;
	for (size_t i = 0; i < f->set->count; i++) {
		double est = f->c[i].est;

		if (!cand_live(&f->c[i]) || f->c[i].tried)
			continue;
		f->order[f->live++] = i;
		if (first <= 0 || est < first) {
			second = first;
			first = est;
		} else if (second <= 0 || est < second) {
			second = est;
		}
	}
	for (size_t k = 0; k < f->live; k++) {
		size_t i = f->order[k];

		f->c[i].cost =
		    cost(f, i, f->c[i].est <= first ? second : first);
	}
	order_by_cost(f);
}
