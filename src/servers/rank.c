/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rank.c - what a client would wait at each address.
 *
 * A reply slower than the retransmission to the best other address is
 * overtaken by that one's, so no sample costs more than the cut: own RTO
 * plus the other's estimate. Loss beyond what is usual costs the whole cut.
 * Works on a snapshot: peers are locked one after the other, briefly.
 */
#include "inner.h"

#include <string.h>

#define LOSS_USUAL 0.02

static void
cand_fill(struct cand *c, const struct peer *p, uint64_t now_us)
{
	bool all = p->unstable > 0;
	size_t n = all ? p->history_len : p->regime_len;

	memcpy(c->samples, all ? p->history : p->regime,
	    n * sizeof(c->samples[0]));
	c->sample_count = (uint8_t)n;
	c->loss = p->loss;
	c->answered_us = p->answered_us;
	c->probe_at_us = p->probe_at_us;
	c->est = p->est;
	c->best = p->best;
	c->hedge = p->hedge;
	c->rto = peer_rto(p);
	c->confirm = p->confirm;
	c->known = p->samples > 0;
	c->dead = p->dead;
	c->unstable = all;
	/* A shadow copy whose fate nobody told counts as over after a while. */
	c->probing = p->probing && now_us < p->probing_us + 3 * SECOND;
	c->racing = p->unanswered + 1u >= peer_deadly(p);
}

void
field_read(struct field *f, struct servers *sv, const struct servers_set *set,
    uint64_t now_us)
{
	uint64_t zone = name_hash(&sv->hash_key, set->zone);

	f->set = set;
	f->now_us = now_us;
	for (size_t i = 0; i < set->count; i++) {
		const struct addr *a = &set->addresses[i];
		struct cand *c = &f->c[i];
		struct shard *sh;
		const struct peer *p = servers_hold(sv, a, &sh);

		*c = (struct cand){ .rto = SERVERS_UNKNOWN_RTO_US };
		if (p != NULL) {
			cand_fill(c, p, now_us);
			servers_release(sh);
		}
		c->marked_us =
		    faults_marked(sv->faults, fault_id(sv, a, zone), now_us);
		c->lame = c->marked_us != 0;
		c->tried = set->tried != NULL && set->tried[i];
		c->guarded = !c->known && !c->dead &&
			     families_guarded(sv->families, a->family);
	}
}

bool
cand_live(const struct cand *c)
{
	return c->known && !c->dead && !c->lame;
}

static double
biased_est(const struct field *f, size_t i, int32_t v4_bias_us)
{
	double est = f->c[i].est;

	return f->set->addresses[i].family == 4 ? est + v4_bias_us : est;
}

/* The least estimate among the live ones other than `not`; < 0: none. */
static double
best_other(const struct field *f, size_t not )
{
	double best = -1;

	for (size_t k = 0; k < f->live; k++) {
		const struct cand *c = &f->c[f->order[k]];

		if (f->order[k] != not &&(best < 0 || c->est < best))
			best = c->est;
	}
	return best;
}

static double
cost(const struct field *f, size_t i, double est)
{
	const struct cand *c = &f->c[i];
	double other = best_other(f, i);
	double cut = c->rto + other, sum = 0, lost;
	double raised = est - c->est; /* by the bias */
	bool overtaken = false;

	if (other < 0 || c->sample_count == 0)
		return est;
	for (size_t k = 0; k < c->sample_count; k++) {
		double x = c->samples[k];

		overtaken = overtaken || x > cut;
		sum += x > cut ? cut : x;
	}
	sum = sum / c->sample_count + raised;
	if (overtaken && sum < est)
		est = sum;
	lost = c->loss - LOSS_USUAL;
	return lost > 0 ? (1 - lost) * est + lost * cut : est;
}

static void
order_by_cost(struct field *f)
{
	for (size_t i = 1; i < f->live; i++) {
		size_t x = f->order[i], k = i;

		for (; k > 0 && f->c[f->order[k - 1]].cost > f->c[x].cost; k--)
			f->order[k] = f->order[k - 1];
		f->order[k] = x;
	}
}

void
field_rank(struct field *f, int32_t v4_bias_us)
{
	f->live = 0;
	for (size_t i = 0; i < f->set->count; i++) {
		if (cand_live(&f->c[i]) && !f->c[i].tried)
			f->order[f->live++] = i;
	}
	for (size_t k = 0; k < f->live; k++) {
		size_t i = f->order[k];

		f->c[i].cost = cost(f, i, biased_est(f, i, v4_bias_us));
	}
	order_by_cost(f);
}
