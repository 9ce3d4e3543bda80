/* SPDX-License-Identifier: BSD-3-Clause */
/* test_crowd.c - how this thread is scheduled while many questions come. */
#include "support.h"

#include <sched.h>

#include "../../src/front/crowd.h"

#define SECOND_US 1000000u

/* A thread and what it was asked. */
struct day {
	struct crowd crowd;
	uint64_t now_us, asked;
};

/* A second in turns of a millisecond. */
static void
pass_second(struct day *d, uint64_t questions)
{
	for (size_t i = 0; i < 1000; i++) {
		d->now_us += SECOND_US / 1000;
		d->asked += questions / 1000;
		crowd_look(&d->crowd, d->now_us, d->asked);
	}
}

static void
set_policy(int policy)
{
	const struct sched_param plain = { .sched_priority = 0 };

	assert_int_equal(sched_setscheduler(0, policy, &plain), 0);
}

static int
begin(void **state)
{
	static struct day day;

	day = (struct day){ .now_us = 77 * SECOND_US };
	set_policy(SCHED_OTHER);
	*state = &day;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	set_policy(SCHED_OTHER);
	return 0;
}

static void
test_few_questions_change_nothing(void **state)
{
	struct day *d = *state;

	pass_second(d, 0);
	pass_second(d, 40000);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void
test_a_crowd_makes_patient_and_its_end_eager(void **state)
{
	struct day *d = *state;

	pass_second(d, 60000);
	assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
	pass_second(d, 30000);
	assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
	pass_second(d, 20000);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	pass_second(d, 30000);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void
test_one_burst_is_no_crowd(void **state)
{
	struct day *d = *state;

	pass_second(d, 0);
	d->asked += 4000;
	pass_second(d, 0);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void
test_the_first_question_after_a_silence_ends_it(void **state)
{
	struct day *d = *state;

	pass_second(d, 100000);
	d->now_us += 60 * SECOND_US;
	d->asked++;
	crowd_look(&d->crowd, d->now_us, d->asked);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void
test_what_somebody_else_has_set_stays(void **state)
{
	struct day *d = *state;

	set_policy(SCHED_BATCH);
	pass_second(d, 100000);
	pass_second(d, 0);
	assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_few_questions_change_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
		    test_a_crowd_makes_patient_and_its_end_eager, begin, end),
		cmocka_unit_test_setup_teardown(test_one_burst_is_no_crowd,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    test_the_first_question_after_a_silence_ends_it, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    test_what_somebody_else_has_set_stays, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
