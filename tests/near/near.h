/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * near.h - what the tests on the simulated network share. Each test is
 * something that happens to zones of four servers (or more), and says what
 * clients may notice of it. Bounds hold for every seed tried.
 */
#ifndef HITHER_TESTS_NEAR_NEAR_H
#define HITHER_TESTS_NEAR_NEAR_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "world.h"

#define SEEDS 2u
#define BEGIN (100 * SECONDS) /* when the world's clock starts */
#define AT(s) (BEGIN + (uint64_t)((s) * 1e6))

/* `zones` zones, each with `count` servers of its own at these distances. */
struct setting {
	const double *rtt_ms;
	size_t count, zones;
};
void set_up(struct world *w, const struct setting *s,
    size_t (*at)[ZONE_SERVERS]);
extern const double usual[4]; /* 10, 40, 80, 160 */

/* The same rate to each of the first zones. */
void load_all(struct world *w, size_t zones, double per_s, double from_s,
    double until_s);
/* Of the questions between the two; prints them. */
struct figures between(struct world *w, const char *what, double from_s,
    double until_s);
int near_main(const struct CMUnitTest *tests, size_t count);

#endif
