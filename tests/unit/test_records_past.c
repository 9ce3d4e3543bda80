/* SPDX-License-Identifier: BSD-3-Clause */
#include "records_support.h"

static void
what_has_ended_is_found_by_an_earlier_clock_until_superseded(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "old.test", 1, 5);
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_false(get_a(f, "old.test", NOW + 9000, &got));
	assert_true(get_a(f, "old.test", NOW + 9000 - 5000, &got));
	/* A lower rank ends what has expired, but not what lives. */
	r.rank = RANK_ADDITIONAL;
	r.stored_ms = NOW + 1000;
	records_supersede(f->c, &r);
	assert_true(get_a(f, "old.test", NOW + 1000, &got));
	r.stored_ms = NOW + 9000;
	records_supersede(f->c, &r);
	assert_false(get_a(f, "old.test", NOW, &got));
}

static void
a_failure_is_found_beside_a_fact(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "both.test", 1, 60);
	r = record_of(&o, NOW);
	r.cost_ms = 321;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r.kind = RECORD_FAILURE;
	r.set_count = 0;
	r.tries = 3;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "both.test", NOW, &got));
	assert_int_equal(got.kind, RECORD_SET);
	assert_int_equal(got.cost_ms, 321);
	assert_true(
	    records_get_failure(f->c, o.owner.wire, TYPE_A, NOW, f->a, &got));
	assert_int_equal(got.tries, 3);
	assert_false(
	    records_get_failure(f->c, o.owner.wire, TYPE_MX, NOW, f->a, &got));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(
		    what_has_ended_is_found_by_an_earlier_clock_until_superseded),
		TEST(a_failure_is_found_beside_a_fact),
	};

	return cmocka_run_group_tests_name("records_past", tests, NULL, NULL);
}
