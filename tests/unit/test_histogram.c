/* SPDX-License-Identifier: BSD-3-Clause */
/* Durations by powers of two. */
#include <hither/base.h>

#include "support.h"

static size_t
bucket_of(uint64_t us)
{
	struct histogram h = { .sum_us = 0 };
	size_t i = 0;

	histogram_note(&h, us);
	assert_int_equal(histogram_count(&h), 1);
	assert_int_equal(h.sum_us, us);
	while (h.buckets[i] == 0)
		i++;
	return i;
}

static void
each_bound_belongs_to_its_bucket(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(0), 0);
	for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound_us(i);

		assert_int_equal(bound, HISTOGRAM_FIRST_US << i);
		assert_int_equal(bucket_of(bound), i);
		assert_int_equal(bucket_of(bound - 1), i);
		assert_int_equal(bucket_of(bound + 1), i + 1);
	}
	assert_int_equal(bucket_of(UINT64_MAX / 2), HISTOGRAM_BUCKETS - 1);
	assert_true(histogram_bound_us(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void
sums_are_of_both(void **state)
{
	struct histogram a = { .sum_us = 0 }, b = { .sum_us = 0 };

	(void)state;
	histogram_note(&a, 100);
	histogram_note(&a, 100);
	histogram_note(&b, 100);
	histogram_note(&b, 9000);
	histogram_add(&a, &b);
	assert_int_equal(a.buckets[0], 3);
	assert_int_equal(histogram_count(&a), 4);
	assert_int_equal(a.sum_us, 9300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bound_belongs_to_its_bucket),
		cmocka_unit_test(sums_are_of_both),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
