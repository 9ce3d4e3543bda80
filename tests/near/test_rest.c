/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rest.c - what clients see while nothing moves: good paths, lossy ones,
 * late ones, and servers that answer badly.
 */
#include "near.h"

/* --- nothing happens -------------------------------------------------- */

static void
steady(const double *rtt, size_t n, const char *what, double mean_max)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[4][ZONE_SERVERS];
		struct figures f;

		set_up(w, &(struct setting){ rtt, n, 4 }, at);
		load_all(w, 4, 25, 0, 40);
		world_run(w, AT(10));
		world_count_packets(w);
		world_run(w, AT(50));
		f = between(w, what, 10, 40);
		assert_true(f.mean_ms <= mean_max);
		assert_true(f.nearest >= 0.99);
		assert_true(f.packets <= 1.05);
		assert_true(f.p99_ms <= f.oracle_ms * 1.08 + 2);
		assert_int_equal(f.failures, 0);
		world_free(w);
	}
}

static void
four_servers_at_rest(void **state)
{
	(void)state;
	steady(usual, 4, "S1a steady", 10.4);
}

static void
thirteen_servers_at_rest(void **state)
{
	static const double rtt[] = { 3, 8, 12, 15, 22, 28, 35, 60, 95, 120,
		150, 180, 250 };

	(void)state;
	steady(rtt, 13, "S1b thirteen", 3.5);
}

static void
two_servers_nearly_as_near(void **state)
{
	static const double rtt[] = { 20, 30 }, far[] = { 20, 300 };

	(void)state;
	steady(rtt, 2, "S1c 20/30", 20.4);
	steady(far, 2, "S1d 20/300", 20.4);
}

/* --- loss and lateness ------------------------------------------------ */

static void
the_nearest_loses_a_fifth(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[4][ZONE_SERVERS];
		struct figures f;

		set_up(w, &(struct setting){ usual, 4, 4 }, at);
		for (size_t z = 0; z < 4; z++)
			world_at(w, at[z][0])->spans[0].loss = 0.2;
		load_all(w, 4, 25, 0, 60);
		world_run(w, AT(10));
		world_count_packets(w);
		world_run(w, AT(70));
		f = between(w, "S5 20 % loss", 10, 60);
		assert_true(f.mean_ms <= 20);
		assert_true(f.packets <= 1.25);
		assert_int_equal(f.failures, 0);
		world_free(w);
	}
}

static void
all_lose_a_little(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[4][ZONE_SERVERS];
		struct figures f;

		set_up(w, &(struct setting){ usual, 4, 4 }, at);
		for (size_t z = 0; z < 4; z++) {
			for (size_t i = 0; i < 4; i++)
				world_at(w, at[z][i])->spans[0].loss = 0.03;
		}
		load_all(w, 4, 25, 0, 60);
		world_run(w, AT(10));
		world_count_packets(w);
		world_run(w, AT(70));
		f = between(w, "S5b 3 % loss everywhere", 10, 60);
		assert_true(f.mean_ms <= 12.5);
		assert_true(f.packets <= 1.1);
		world_free(w);
	}
}

static void
the_nearest_is_sometimes_late(void **state)
{
	static const double rtt[] = { 12, 30, 80, 180 };

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[4][ZONE_SERVERS];
		struct figures f;

		set_up(w, &(struct setting){ rtt, 4, 4 }, at);
		for (size_t z = 0; z < 4; z++) {
			struct place_server *s = world_at(w, at[z][0]);

			s->spike_share = 0.15;
			s->spike_ms = 80;
		}
		load_all(w, 4, 25, 0, 60);
		world_run(w, AT(10));
		world_count_packets(w);
		world_run(w, AT(70));
		f = between(w, "S9 15 % late", 10, 60);
		assert_true(f.mean_ms <= 22);
		assert_true(f.packets <= 1.2);
		world_free(w);
	}
}

/* --- bad answers ------------------------------------------------------ */

static void
bad_answers_are_not_asked_for_again(void **state)
{
	static const struct {
		enum conduct conduct;
		const char *what;
	} cases[] = {
		{ REFUSES, "S8a refuses" },
		{ LAME, "S8b lame" },
		{ SERVFAILS, "S8c SERVFAIL" },
	};

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		for (unsigned seed = 1; seed <= SEEDS; seed++) {
			struct world *w = world_new(seed);
			size_t at[4][ZONE_SERVERS];
			struct figures f;

			set_up(w, &(struct setting){ usual, 4, 4 }, at);
			for (size_t z = 0; z < 4; z++)
				world_at(w, at[z][0])->conduct =
				    cases[c].conduct;
			load_all(w, 4, 25, 0, 90);
			world_run(w, AT(10));
			world_count_packets(w);
			world_run(w, AT(100));
			f = between(w, cases[c].what, 10, 90);
			assert_true(f.mean_ms <= 41);
			assert_true(f.packets <= 1.06);
			assert_int_equal(f.failures, 0);
			world_free(w);
		}
	}
}

static void
a_truncating_server_is_asked_by_tcp(void **state)
{
	static const double rtt[] = { 10, 40, 80, 160 };

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[4][ZONE_SERVERS];
		struct figures f;

		set_up(w, &(struct setting){ rtt, 4, 4 }, at);
		for (size_t z = 0; z < 4; z++)
			world_at(w, at[z][0])->conduct = TRUNCATES;
		load_all(w, 4, 25, 0, 40);
		world_run(w, AT(50));
		f = between(w, "S8d truncates", 10, 40);
		assert_true(f.mean_ms <= 20.8);
		assert_int_equal(f.failures, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_servers_at_rest),
		cmocka_unit_test(thirteen_servers_at_rest),
		cmocka_unit_test(two_servers_nearly_as_near),
		cmocka_unit_test(the_nearest_loses_a_fifth),
		cmocka_unit_test(all_lose_a_little),
		cmocka_unit_test(the_nearest_is_sometimes_late),
		cmocka_unit_test(bad_answers_are_not_asked_for_again),
		cmocka_unit_test(a_truncating_server_is_asked_by_tcp),
	};

	return near_main(tests, ARRAY_LEN(tests));
}
