/* SPDX-License-Identifier: BSD-3-Clause */
/* test_arena.c - memory that is freed whole, and the failing allocator. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <hither/base.h>

static void
pieces_are_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_new(1u << 20);
	static const uint8_t zero[300];

	(void)state;
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = arena_take(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_memory_equal(p, zero, n);
		memset(p, 0xff, n);
	}
	assert_false(arena_over(a));
	arena_free(a);
}

static void
an_arena_never_holds_more_than_its_cap(void **state)
{
	struct arena *a = arena_new(10000);
	size_t taken = 0;

	(void)state;
	while (arena_take(a, 100) != NULL)
		taken += 100;
	assert_true(taken > 8000);
	assert_true(arena_bytes(a) <= 10000);
	assert_true(arena_over(a));
	arena_free(a);
}

static void
once_over_an_arena_stays_over(void **state)
{
	struct arena *a = arena_new(4096);

	(void)state;
	assert_null(arena_take(a, 5000));
	assert_null(arena_take(a, 1));
	arena_reset(a);
	assert_non_null(arena_take(a, 1));
	arena_free(a);
}

static void
absurd_sizes_are_refused(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);
	/* The compiler would warn of what it can see to be absurd. */
	volatile size_t absurd = SIZE_MAX;

	(void)state;
	assert_null(arena_take(a, absurd));
	arena_reset(a);
	assert_null(arena_take(a, absurd - 15));
	assert_true(arena_over(a));
	arena_free(a);
}

static void
a_big_request_gets_a_block_of_its_own(void **state)
{
	struct arena *a = arena_new(1u << 22);
	uint8_t *big = arena_take(a, 1u << 20);

	(void)state;
	assert_non_null(big);
	memset(big, 1, 1u << 20);
	assert_non_null(arena_take(a, 16));
	arena_free(a);
}

static void
reset_keeps_one_block_and_zeroes_again(void **state)
{
	struct arena *a = arena_new(1u << 20);
	uint8_t *p;

	(void)state;
	for (int i = 0; i < 100; i++)
		memset(arena_take(a, 1000), 0xff, 1000);
	arena_reset(a);
	assert_in_range(arena_bytes(a), 1, 65536);
	p = arena_take(a, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	arena_free(a);
}

static void
a_failed_allocation_marks_the_arena_over(void **state)
{
	struct arena *a = arena_new(1u << 20);

	(void)state;
	memory_fail_at(1);
	assert_null(arena_take(a, 10));
	assert_true(arena_over(a));
	assert_null(arena_print(a, "x"));
	assert_null(arena_copy(a, "x", 1));
	arena_free(a);
	memory_fail_at(1);
	assert_null(arena_new(100));
}

static void
only_the_nth_allocation_fails(void **state)
{
	void *p[3];

	(void)state;
	memory_fail_at(2);
	for (int i = 0; i < 3; i++)
		p[i] = memory_new(8);
	assert_non_null(p[0]);
	assert_null(p[1]);
	assert_non_null(p[2]);
	memory_free(p[0]);
	memory_free(p[2]);
}

static void
text_is_printed_and_bytes_are_copied(void **state)
{
	struct arena *a = arena_new(1u << 16);
	char *copy = arena_copy(a, "abc", 4);

	(void)state;
	assert_string_equal(arena_print(a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(copy, "abc");
	assert_non_null(arena_copy(a, NULL, 0));
	arena_free(a);
	arena_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_and_aligned),
		cmocka_unit_test(an_arena_never_holds_more_than_its_cap),
		cmocka_unit_test(once_over_an_arena_stays_over),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(a_big_request_gets_a_block_of_its_own),
		cmocka_unit_test(reset_keeps_one_block_and_zeroes_again),
		cmocka_unit_test(a_failed_allocation_marks_the_arena_over),
		cmocka_unit_test(only_the_nth_allocation_fails),
		cmocka_unit_test(text_is_printed_and_bytes_are_copied),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
