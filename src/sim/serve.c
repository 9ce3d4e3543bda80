/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serve.c - what distance does to a question: which site it reaches, whether
 * it is lost on the way or falls silent there, and how long the answer takes.
 * Loss is for UDP only: TCP would hide it. The delay is the whole round trip.
 */
#include <math.h>

#include "sim.h"

#define DELAY_MAX_US 60000000.0

static double
uniform(struct rng *r)
{
	return ((double)(rng_u64(r) >> 11) + 0.5) * 0x1p-53; /* in (0, 1) */
}

/* Box and Muller */
static double
normal(struct rng *r)
{
	return sqrt(-2 * log(uniform(r))) * cos(2 * M_PI * uniform(r));
}

static uint64_t
draw_delay(const struct delay_law *law, struct rng *r)
{
	double us = (double)law->median_us;

	if (law->sigma > 0 && law->median_us > 0)
		us *= exp(law->sigma * normal(r));
	if (law->late > 0 && rng_below(r, 1000000) < law->late)
		us -= law->late_mean_us * log(uniform(r));
	return us > DELAY_MAX_US ? (uint64_t)DELAY_MAX_US : (uint64_t)us;
}

static bool
is_lost(const struct packet *p, const struct site *site)
{
	return !p->by_tcp && site->loss > 0 &&
	       rng_below(p->door->sim->rng, 1000000) < site->loss;
}

/* Nobody answers; was it the way, or the end of it? */
static void
note_unanswered(const struct packet *p, const struct site *site,
    struct answer_out *out)
{
	enum query_verdict v = query_read(p->bytes, p->len, &out->query);
	struct counters *c = &p->door->address->counters;

	c->silent += site->silent;
	c->lost += !site->silent;
	out->len = 0;
	if (v != QUERY_SILENCE)
		querylog_write(p, out, site->silent ? "silent" : "lost");
}

/* Since the schedule began; 0 while that is yet to come. */
static uint64_t
age_us(const struct sim *s, uint64_t now_us)
{
	return now_us > s->start_us ? now_us - s->start_us : 0;
}

void
serve(const struct packet *p, struct answer_out *out, uint64_t *delay_us)
{
	struct sim *s = p->door->sim;
	struct address *a = p->door->address;
	struct site *site = address_site(a, age_us(s, p->now_us));
	struct ask ask = { .bytes = p->bytes,
		.len = p->len,
		.address = a,
		.site = site,
		.by_tcp = p->by_tcp };

	if (p->by_tcp)
		a->counters.tcp++;
	else
		a->counters.udp++;
	*delay_us = 0;
	if (site->silent || is_lost(p, site)) {
		note_unanswered(p, site, out);
		return;
	}
	answer_make(&ask, out);
	if (out->len == 0) {
		a->counters.silent++;
	} else {
		a->counters.answered++;
		*delay_us = draw_delay(&site->delay, s->rng);
	}
	if (out->is_question)
		querylog_write(p, out, out->len == 0 ? "silent" : NULL);
}
