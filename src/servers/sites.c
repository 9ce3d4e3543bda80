/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sites.c - where an anycast address has been, and what it was like there.
 *
 * Estimates of the last four sites (by NSID) are kept with the address, so
 * that one reply suffices to be at home again after a flip back.
 */
#include "inner.h"

struct place *
place_of(struct peer *p, uint64_t site)
{
	for (size_t i = 0; i < SITES_KEPT; i++) {
		if (p->places[i].site == site && site != 0)
			return &p->places[i];
	}
	return NULL;
}

/* What the present regime is like is kept for when we are back. */
void
place_keep(struct peer *p)
{
	struct place *x = place_of(p, p->site);

	if (p->site == 0 || p->regime_len < 2)
		return;
	if (x == NULL) {
		x = &p->places[p->next_place];
		p->next_place = (uint8_t)((p->next_place + 1) % SITES_KEPT);
	}
	*x = (struct place){ p->site, p->est, p->dev };
}

bool
place_fits(const struct place *x, uint32_t rtt)
{
	double off = rtt > x->est ? rtt - x->est : x->est - rtt;
	double near = 0.1 * x->est > 2 * MS ? 0.1 * x->est : 2 * MS;

	return off <= near || off <= 4.0 * x->dev;
}

/* Two samples like those of then: the regime is as sure as it was. */
void
place_resume(struct peer *p, const struct place *x)
{
	uint32_t low = x->dev < x->est ? x->est - x->dev : 1;

	p->regime[0] = p->regime_sorted[0] = low;
	p->regime[1] = p->regime_sorted[1] = x->est + x->dev;
	p->regime_len = 2;
}

/* A faster reply, just as it was at another site we know: we are there. */
const struct place *
place_guessed(struct peer *p, uint32_t rtt)
{
	for (size_t i = 0; i < SITES_KEPT; i++) {
		const struct place *x = &p->places[i];

		if (x->site != 0 && x->site != p->site && rtt < p->est &&
		    place_fits(x, rtt))
			return x;
	}
	return NULL;
}
