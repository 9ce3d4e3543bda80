/* SPDX-License-Identifier: BSD-3-Clause */
/* test_loop.c - turns, timers, hooks and waking. */
#include "net_support.h"

#include <pthread.h>

struct trace {
	struct ride ride;
	struct timer timers[3];
	char order[16];
	size_t count;
	unsigned turns;
};

static void
note(struct trace *t, char what)
{
	if (t->count < sizeof(t->order) - 1)
		t->order[t->count++] = what;
}

static void
note_hook_a(void *user)
{
	note(user, 'a');
}

static void
note_hook_b(void *user)
{
	note(user, 'b');
}

static void
note_timer(void *user)
{
	struct trace *t = user;

	note(t, 't');
	loop_stop(t->ride.loop);
}

static void
count_turn(void *user)
{
	struct trace *t = user;

	t->turns++;
}

static void
hooks_run_in_order_after_the_timers_of_a_turn(void **state)
{
	struct trace t = { 0 };

	(void)state;
	ride_begin(&t.ride);
	loop_after_turn(t.ride.loop, note_hook_a, &t);
	loop_after_turn(t.ride.loop, note_hook_b, &t);
	t.timers[0] = (struct timer){ .fire = note_timer, .user = &t };
	assert_int_equal(timer_arm(loop_timers(t.ride.loop), &t.timers[0], 0),
	    ERR_OK);
	ride_on(&t.ride);
	assert_string_equal(t.order, "tab");
	ride_end(&t.ride);
}

static void
a_hook_that_was_ended_is_not_called(void **state)
{
	struct trace t = { 0 };

	(void)state;
	ride_begin(&t.ride);
	loop_after_turn(t.ride.loop, note_hook_a, &t);
	loop_after_turn(t.ride.loop, note_hook_b, &t);
	loop_after_turn_end(t.ride.loop, note_hook_a, &t);
	loop_after_turn_end(t.ride.loop, note_hook_a, NULL);
	loop_stop(t.ride.loop);
	loop_run(t.ride.loop);
	assert_string_equal(t.order, "");
	loop_wake(t.ride.loop);
	ride_for(&t.ride, 1000);
	assert_int_equal(t.order[0], 'b');
	assert_null(strchr(t.order, 'a'));
	ride_end(&t.ride);
}

static void
a_timer_fires_on_time_and_not_before(void **state)
{
	struct trace t = { 0 };
	const uint64_t at = clock_mono_us() + 20000;

	(void)state;
	ride_begin(&t.ride);
	t.timers[0] = (struct timer){ .fire = note_timer, .user = &t };
	assert_int_equal(timer_arm(loop_timers(t.ride.loop), &t.timers[0], at),
	    ERR_OK);
	ride_on(&t.ride);
	assert_true(clock_mono_us() >= at);
	assert_true(clock_mono_us() < at + 500000);
	ride_end(&t.ride);
}

static void
an_earlier_timer_moves_the_clock_forward(void **state)
{
	struct trace t = { 0 };
	const uint64_t now = clock_mono_us();

	(void)state;
	ride_begin(&t.ride);
	t.timers[0] = (struct timer){ .fire = note_timer, .user = &t };
	t.timers[1] = (struct timer){ .fire = note_timer, .user = &t };
	assert_int_equal(timer_arm(loop_timers(t.ride.loop), &t.timers[0],
			     now + 60000000),
	    ERR_OK);
	ride_for(&t.ride, 1000);
	assert_int_equal(timer_arm(loop_timers(t.ride.loop), &t.timers[1],
			     clock_mono_us() + 5000),
	    ERR_OK);
	ride_on(&t.ride);
	assert_string_equal(t.order, "t");
	timer_cancel(loop_timers(t.ride.loop), &t.timers[0]);
	ride_end(&t.ride);
}

static void
a_loop_with_nothing_to_do_does_not_spin(void **state)
{
	struct trace t = { 0 };

	(void)state;
	ride_begin(&t.ride);
	loop_after_turn(t.ride.loop, count_turn, &t);
	ride_for(&t.ride, 50000);
	assert_true(t.turns <= 3);
	ride_end(&t.ride);
}

static void *
stop_from_elsewhere(void *user)
{
	struct trace *t = user;

	for (unsigned i = 0; i < 1000; i++)
		loop_wake(t->ride.loop);
	loop_stop(t->ride.loop);
	return NULL;
}

static void
another_thread_wakes_and_stops_a_loop(void **state)
{
	struct trace t = { 0 };
	pthread_t thread;

	(void)state;
	ride_begin(&t.ride);
	loop_after_turn(t.ride.loop, count_turn, &t);
	assert_int_equal(pthread_create(&thread, NULL, stop_from_elsewhere, &t),
	    0);
	ride_on(&t.ride);
	assert_int_equal(pthread_join(thread, NULL), 0);
	ride_end(&t.ride);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_run_in_order_after_the_timers_of_a_turn),
		cmocka_unit_test(a_hook_that_was_ended_is_not_called),
		cmocka_unit_test(a_timer_fires_on_time_and_not_before),
		cmocka_unit_test(an_earlier_timer_moves_the_clock_forward),
		cmocka_unit_test(a_loop_with_nothing_to_do_does_not_spin),
		cmocka_unit_test(another_thread_wakes_and_stops_a_loop),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
