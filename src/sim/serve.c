/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serve.c - what distance does to a question: which site it reaches, whether
 * it is lost on the way, and how long the answer takes. Loss is for UDP
 * only: TCP would hide it. The delay is the whole round trip.
 */
#include <math.h>

#include "sim.h"

#define DELAY_MAX_US 60000000.0

static double
uniform(struct rng *r)
{
	return ((double)(rng_u64(r) >> 11) + 0.5) * 0x1p-53; /* in (0, 1) */
}

static uint64_t
draw_delay(const struct delay_law *law, struct rng *r)
{
	double normal, us;

	if (law->sigma <= 0 || law->median_us == 0)
		return law->median_us;
	/* Box and Muller */
	normal = sqrt(-2 * log(uniform(r))) * cos(2 * M_PI * uniform(r));
	us = (double)law->median_us * exp(law->sigma * normal);
	return us > DELAY_MAX_US ? (uint64_t)DELAY_MAX_US : (uint64_t)us;
}

static bool
is_lost(const struct packet *p, const struct site *site)
{
	return !p->by_tcp && site->loss > 0 &&
	       rng_below(p->door->sim->rng, 1000000) < site->loss;
}

static void
note_lost(const struct packet *p, struct answer_out *out)
{
	enum query_verdict v = query_read(p->bytes, p->len, &out->query);

	p->door->address->counters.lost++;
	out->len = 0;
	if (v != QUERY_SILENCE)
		querylog_write(p, out, "lost");
}

void
serve(const struct packet *p, struct answer_out *out, uint64_t *delay_us)
{
	struct sim *s = p->door->sim;
	struct address *a = p->door->address;
	struct site *site = address_site(a, p->now_us - s->start_us);
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
	if (is_lost(p, site)) {
		note_lost(p, out);
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
