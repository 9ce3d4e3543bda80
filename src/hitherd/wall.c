/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wall.c - a line in the log when the wall clock is set.
 *
 * TTLs and timers go by clocks that are never set, so nothing ends too soon
 * or too late. Signatures are judged by the wall clock: a wrong one makes
 * every signed zone bogus, and this line is what tells why.
 */
#include "daemon.h"

#define LOOK_US 5000000u
/* What is corrected gradually (NTP: 0.5 ms a second) is never so much. */
#define JUMP_S 30

/* When the machine was started, by the wall clock. */
static int64_t
boot_s(void)
{
	return (int64_t)clock_real_s() - (int64_t)(clock_boot_ms() / 1000);
}

static void
wall_look(void *user)
{
	struct daemon *d = user;
	int64_t now_s = boot_s(), by_s = now_s - d->wall_boot_s;

	if (by_s > JUMP_S || by_s < -JUMP_S)
		log_warn("clock-jumped", "by_s=%lld", (long long)by_s);
	d->wall_boot_s = now_s;
	/* Without memory for a timer there is merely no line. */
	(void)!timer_arm(loop_timers(d->loop), &d->wall,
	    clock_mono_us() + LOOK_US);
}

void
wall_watch(struct daemon *d)
{
	d->wall = (struct timer){ .fire = wall_look, .user = d };
	d->wall_boot_s = boot_s();
	wall_look(d);
}
