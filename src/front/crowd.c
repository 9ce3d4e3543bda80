/* SPDX-License-Identifier: BSD-3-Clause */
/* crowd.c - when so many come that being woken for each is what costs. */
#include "crowd.h"

#include <sched.h>

/* A burst shorter than this is no crowd. */
#define LOOK_US 100000u
/* Questions a second; it ends at fewer, so that it does not come and go. */
#define CROWD     50000u
#define CROWD_END 25000u

static bool
change(int from, int to)
{
	const struct sched_param plain = { .sched_priority = 0 };

	/* A policy somebody else has set stays, as does one we may not set. */
	return sched_getscheduler(0) == from &&
	       sched_setscheduler(0, to, &plain) == 0;
}

static void
crowd_comes(struct crowd *c)
{
	c->is_there = change(SCHED_OTHER, SCHED_BATCH);
}

static void
crowd_goes(struct crowd *c)
{
	(void)change(SCHED_BATCH, SCHED_OTHER);
	c->is_there = false;
}

void
crowd_look(struct crowd *c, uint64_t now_us, uint64_t asked)
{
	const uint64_t span_us = now_us - c->since_us;
	uint64_t a_second;

	if (span_us < LOOK_US)
		return;
	a_second = (asked - c->asked) * 1000000u / span_us;
	c->since_us = now_us;
	c->asked = asked;
	if (!c->is_there && a_second >= CROWD)
		crowd_comes(c);
	else if (c->is_there && a_second < CROWD_END)
		crowd_goes(c);
}
