/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spread.c - drawing source ports (RFC 6056, RFC 5452 section 9.2).
 *
 * A port that will serve r questions makes what an observer counts r times as
 * uneven as chance does, if ports are drawn blindly. So they are drawn as
 * balls are thrown by "the power of two choices" (Azar and others, 1994): of
 * several candidates the one whose neighbourhood had the fewest is taken.
 * The counts then differ by so little that r = 4 uses of each stay within
 * what chance would do, for any division of the range into 2,000 bins or
 * fewer over 20,000 questions (test_spread.c). Six candidates are the fewest
 * that do so. Who has seen every port drawn so far gains at most a factor of
 * six for the next, of the 65,536 / 6 = 2^13.4 it still may be.
 */
#include "spread.h"

#include <string.h>

#define CANDIDATES 6u
#define REACH      3u /* cells looked at on either side */
#define WIDE_SPAN  1024u

/* Filters on the way drop these as services that reflect attacks. */
static const uint16_t shunned[] = { 1900, 4791, 11211 };

void
spread_start(struct spread *sp, uint16_t low, uint16_t high)
{
	memset(sp, 0, sizeof(*sp));
	sp->low = low;
	sp->span = (uint32_t)high - low + 1u;
}

uint16_t
spread_draw(const struct spread *sp, struct rng *rng)
{
	uint16_t port;
	bool is_shunned;

	do {
		port = (uint16_t)(sp->low + rng_below(rng, sp->span));
		is_shunned = false;
		for (size_t i = 0; i < ARRAY_LEN(shunned); i++)
			is_shunned = is_shunned || port == shunned[i];
	} while (is_shunned && sp->span > WIDE_SPAN);
	return port;
}

static uint32_t
cell_of(const struct spread *sp, uint16_t port)
{
	return (uint32_t)(port - sp->low) / SPREAD_CELL_PORTS;
}

/* What lies beyond an end of the range is seen as in a mirror. */
static uint32_t
drawn_in(const struct spread *sp, int32_t cell)
{
	const int32_t cells =
	    (int32_t)((sp->span + SPREAD_CELL_PORTS - 1) / SPREAD_CELL_PORTS);

	if (cell < 0)
		cell = -cell - 1;
	if (cell >= cells)
		cell = 2 * cells - 1 - cell;
	return cell >= 0 && cell < cells ? sp->drawn[cell] : 0;
}

/* The nearer a cell, the more it counts. */
static uint32_t
crowd_around(const struct spread *sp, uint16_t port)
{
	const int32_t at = (int32_t)cell_of(sp, port);
	uint32_t sum = (REACH + 1) * drawn_in(sp, at);

	for (int32_t i = 1; i <= (int32_t)REACH; i++)
		sum += (REACH + 1 - (uint32_t)i) *
		       (drawn_in(sp, at - i) + drawn_in(sp, at + i));
	return sum;
}

uint16_t
spread_draw_even(const struct spread *sp, struct rng *rng)
{
	uint16_t best = spread_draw(sp, rng);
	uint32_t least = crowd_around(sp, best);

	for (size_t i = 1; i < CANDIDATES; i++) {
		const uint16_t port = spread_draw(sp, rng);
		const uint32_t crowd = crowd_around(sp, port);

		if (crowd < least) {
			least = crowd;
			best = port;
		}
	}
	return best;
}

/* The emptiest cell counts as nothing. */
static void
count_from_the_least(struct spread *sp)
{
	const uint32_t cells = cell_of(sp, (uint16_t)(sp->low + sp->span - 1));
	uint16_t least = UINT16_MAX;

	for (uint32_t i = 0; i <= cells; i++)
		least = sp->drawn[i] < least ? sp->drawn[i] : least;
	/* Cannot be, but a range of which a part is always taken would. */
	if (least == 0)
		least = UINT16_MAX / 2;
	for (uint32_t i = 0; i <= cells; i++)
		sp->drawn[i] =
		    sp->drawn[i] > least ? (uint16_t)(sp->drawn[i] - least) : 0;
}

void
spread_count(struct spread *sp, uint16_t port)
{
	uint16_t *drawn = &sp->drawn[cell_of(sp, port)];

	if (*drawn == UINT16_MAX)
		count_from_the_least(sp);
	(*drawn)++;
}
