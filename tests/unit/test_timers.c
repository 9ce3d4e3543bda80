/* SPDX-License-Identifier: BSD-3-Clause */
/* test_timers.c - the heap of timers. */
#include "support.h"

#include <string.h>

#include <hither/base.h>

#define MANY 2000u

struct probe {
	struct timer timer;
	struct timers *ts;
	uint64_t *last_us;
	unsigned fired;
};

static void
note(void *user)
{
	struct probe *p = user;

	assert_int_equal(p->timer.slot, 0);
	assert_true(p->timer.at_us >= *p->last_us);
	*p->last_us = p->timer.at_us;
	p->fired++;
}

static void
arm_again(void *user)
{
	struct probe *p = user;

	p->fired++;
	assert_int_equal(timer_arm(p->ts, &p->timer, p->timer.at_us), ERR_OK);
}

static void
timers_fire_in_order_whatever_was_moved_or_cancelled(void **state)
{
	static struct probe probes[MANY];
	struct timers *ts = timers_new();
	struct rng *r = rng_new_seeded(1);
	uint64_t last = 0;
	size_t armed = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		probes[i] = (struct probe){ .last_us = &last,
			.timer = { .fire = note, .user = &probes[i] } };
		assert_int_equal(timer_arm(ts, &probes[i].timer,
				     rng_below(r, 500)),
		    ERR_OK);
	}
	for (size_t i = 0; i < MANY; i++) {
		if (i % 3 == 0)
			timer_cancel(ts, &probes[i].timer);
		if (i % 5 == 0)
			assert_int_equal(timer_arm(ts, &probes[i].timer,
					     rng_below(r, 1000)),
			    ERR_OK);
	}
	for (size_t i = 0; i < MANY; i++)
		armed += probes[i].timer.slot != 0;
	assert_int_equal(timers_run(ts, 1000), armed);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(probes[i].fired,
		    i % 3 != 0 || i % 5 == 0 ? 1 : 0);
	assert_true(timers_next(ts) == UINT64_MAX);
	rng_free(r);
	timers_free(ts);
}

static void
only_what_is_due_fires(void **state)
{
	struct timers *ts = timers_new();
	uint64_t last = 0;
	struct probe a = { .last_us = &last }, b = { .last_us = &last };

	(void)state;
	a.timer = (struct timer){ .fire = note, .user = &a };
	b.timer = (struct timer){ .fire = note, .user = &b };
	assert_int_equal(timer_arm(ts, &a.timer, 10), ERR_OK);
	assert_int_equal(timer_arm(ts, &b.timer, 20), ERR_OK);
	assert_int_equal(timers_next(ts), 10);
	assert_int_equal(timers_run(ts, 9), 0);
	assert_int_equal(timers_run(ts, 10), 1);
	assert_int_equal(timers_next(ts), 20);
	timer_cancel(ts, &b.timer);
	timer_cancel(ts, &b.timer);
	assert_int_equal(timers_run(ts, 100), 0);
	timers_free(ts);
}

static void
a_timer_that_rearms_itself_does_not_hold_the_loop(void **state)
{
	struct timers *ts = timers_new();
	struct probe p = { .ts = ts };

	(void)state;
	p.timer = (struct timer){ .fire = arm_again, .user = &p };
	assert_int_equal(timer_arm(ts, &p.timer, 5), ERR_OK);
	assert_int_equal(timers_run(ts, 50), 1);
	assert_int_equal(p.fired, 1);
	assert_int_equal(timers_next(ts), 5);
	timers_free(ts);
}

static void
without_memory_arming_fails_and_nothing_breaks(void **state)
{
	struct timers *ts = timers_new();
	struct timer t = { 0 };

	(void)state;
	memory_fail_at(1);
	assert_int_equal(timer_arm(ts, &t, 1), ERR_MEMORY);
	assert_int_equal(t.slot, 0);
	assert_int_equal(timer_arm(ts, &t, 1), ERR_OK);
	timers_free(ts);
	timers_free(NULL);
	memory_fail_at(1);
	assert_null(timers_new());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    timers_fire_in_order_whatever_was_moved_or_cancelled),
		cmocka_unit_test(only_what_is_due_fires),
		cmocka_unit_test(
		    a_timer_that_rearms_itself_does_not_hold_the_loop),
		cmocka_unit_test(
		    without_memory_arming_fails_and_nothing_breaks),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
