/* SPDX-License-Identifier: BSD-3-Clause */
/* spread.h - which port is drawn next. Pure but for its own memory. */
#ifndef HITHER_NET_SPREAD_H
#define HITHER_NET_SPREAD_H

#include <hither/base.h>

#define SPREAD_CELL_PORTS 8u
#define SPREAD_CELLS      (65536u / SPREAD_CELL_PORTS)

struct spread {
	uint16_t low;
	uint32_t span; /* low .. low + span - 1 */
	/* Ports drawn evenly so far, of each cell; only differences count. */
	uint16_t drawn[SPREAD_CELLS];
};

/* 1 <= low <= high. */
void spread_start(struct spread *sp, uint16_t low, uint16_t high);
/* For one question: every port of the range is as likely as any other. */
uint16_t spread_draw(const struct spread *sp, struct rng *rng);
/*
 * For several questions: of six such draws the one around which the fewest
 * have been drawn. No port is more than six times as likely as by spread_draw.
 */
uint16_t spread_draw_even(const struct spread *sp, struct rng *rng);
/* That one was taken. */
void spread_count(struct spread *sp, uint16_t port);

#endif
