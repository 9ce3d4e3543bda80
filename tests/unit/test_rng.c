/* SPDX-License-Identifier: BSD-3-Clause */
/* test_rng.c - random numbers. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <hither/base.h>

static void
one_seed_gives_one_sequence(void **state)
{
	struct rng *a = rng_new_seeded(42), *b = rng_new_seeded(42);
	struct rng *c = rng_new_seeded(43);
	unsigned same = 0;

	(void)state;
	/* More than one reseed interval of the other kind. */
	for (int i = 0; i < 200000; i++) {
		uint64_t x = rng_u64(a);

		assert_true(x == rng_u64(b));
		same += x == rng_u64(c);
	}
	assert_int_equal(same, 0);
	rng_free(a);
	rng_free(b);
	rng_free(c);
}

static void
the_first_seeded_number_never_changes(void **state)
{
	struct rng *r = rng_new_seeded(0);

	(void)state;
	/* ChaCha20, zero key and nonce: keystream bytes 32 to 39. */
	assert_true(rng_u64(r) == 0x8d4857517c5941daULL);
	rng_free(r);
}

static void
numbers_below_n_stay_below_and_all_occur(void **state)
{
	struct rng *r = rng_new();
	unsigned seen[7] = { 0 };

	(void)state;
	for (int i = 0; i < 70000; i++)
		seen[rng_below(r, 7)]++;
	for (size_t i = 0; i < 7; i++)
		assert_in_range(seen[i], 9000, 11000);
	assert_int_equal(rng_below(r, 1), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_below(r, UINT32_MAX) < UINT32_MAX);
	rng_free(r);
}

static void
two_generators_differ(void **state)
{
	struct rng *a = rng_new(), *b = rng_new();

	(void)state;
	assert_true(rng_u64(a) != rng_u64(b));
	assert_true(rng_u16(a) != rng_u16(b) || rng_u32(a) != rng_u32(b));
	rng_free(a);
	rng_free(b);
}

static void
a_child_does_not_repeat_its_parent(void **state)
{
	struct rng *r = rng_new();
	uint64_t from_child = 0;
	int ends[2], status;
	pid_t child;

	(void)state;
	(void)rng_u64(r);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		uint64_t x = rng_u64(r);

		_exit(write(ends[1], &x, sizeof(x)) == sizeof(x) ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(read(ends[0], &from_child, sizeof(from_child)),
	    sizeof(from_child));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(from_child != rng_u64(r));
	(void)close(ends[0]);
	(void)close(ends[1]);
	rng_free(r);
}

static void
without_memory_there_is_no_generator(void **state)
{
	(void)state;
	memory_fail_at(1);
	assert_null(rng_new());
	memory_fail_at(1);
	assert_null(rng_new_seeded(1));
	rng_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_seed_gives_one_sequence),
		cmocka_unit_test(the_first_seeded_number_never_changes),
		cmocka_unit_test(numbers_below_n_stay_below_and_all_occur),
		cmocka_unit_test(two_generators_differ),
		cmocka_unit_test(a_child_does_not_repeat_its_parent),
		cmocka_unit_test(without_memory_there_is_no_generator),
	};

	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
