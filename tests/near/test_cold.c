/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_cold.c - the first questions to zones of which nothing is known yet.
 */
#include "near.h"

/* --- nothing is known ------------------------------------------------- */

/* The zone above is known: one question to a zone that is not looked at. */
static void
warm_above(struct world *w)
{
	size_t zone = world_zone(w);

	world_serves(w, zone, world_server(w, 10, 4));
	world_ask_at(w, zone, AT(0));
}

static double
mean_of_first(struct world *w, size_t zones, size_t n)
{
	size_t seen[WORLD_ZONES] = { 0 };
	double sum = 0;

	for (size_t i = 0; i < world_questions(w); i++) {
		const struct asked_once *q = world_question(w, i);

		if (q->zone < zones && seen[q->zone]++ < n)
			sum += q->took_ms;
	}
	return sum / (double)(zones * n);
}

static void
fresh_zones(struct world *w, double spread_s)
{
	for (size_t z = 0; z < 40; z++) {
		for (size_t i = 0; i < 20; i++)
			world_ask_at(w, z,
			    AT(1 + (double)z + (double)i * spread_s / 20));
	}
	world_run(w, AT(60));
}

static void
fresh(double spread_s, const char *what, const double *bounds)
{
	double first, all;

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[40][ZONE_SERVERS];

		set_up(w, &(struct setting){ usual, 4, 40 }, at);
		warm_above(w);
		fresh_zones(w, spread_s);
		first = mean_of_first(w, 40, 1);
		all = mean_of_first(w, 40, 20);
		printf("%-28s question 1 %.1f, first 20 %.2f\n", what, first,
		    all);
		assert_true(first <= bounds[0]);
		assert_true(all <= bounds[1]);
		world_free(w);
	}
}

static void
fresh_zones_are_learnt_in_a_few_questions(void **state)
{
	static const double slow[] = { 40, 12.5 }, burst[] = { 40, 30 };

	(void)state;
	fresh(4, "S6 fresh", slow);
	fresh(0.1, "S6b burst in 100 ms", burst);
	fresh(0, "S6b burst at once", burst);
}

static void
a_saved_table_spares_the_learning(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		size_t at[40][ZONE_SERVERS];
		uint64_t from;
		double first, all;

		set_up(w, &(struct setting){ usual, 4, 40 }, at);
		warm_above(w);
		fresh_zones(w, seed % 2 == 0 ? 0.1 : 4);
		world_restart(w, "near-test.table");
		from = world_now(w) + SECONDS;
		world_ask_at(w, 40, from);
		for (size_t z = 0; z < 40; z++) {
			for (size_t i = 0; i < 20; i++)
				world_ask_at(w, z,
				    from + (1 + z) * SECONDS +
					i * (seed % 2 == 0 ? 5000 : 200000));
		}
		world_run(w, from + 60 * SECONDS);
		first = mean_of_first(w, 40, 1);
		all = mean_of_first(w, 40, 20);
		printf("%-28s question 1 %.1f, first 20 %.2f\n", "S6 restarted",
		    first, all);
		assert_true(first <= 16);
		assert_true(all <= 11);
		world_free(w);
	}
}

static void
a_dead_family_is_hardly_noticed(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		struct figures f;

		for (size_t z = 0; z < 4; z++) {
			size_t zone = world_zone(w);

			for (size_t i = 0; i < 8; i++) {
				size_t s = world_server(w, usual[(i + z) % 4],
				    i < 4 ? 4 : 6);

				if (i >= 4)
					world_at(w, s)->spans[0].loss = 1;
				world_serves(w, zone, s);
			}
		}
		warm_above(w);
		load_all(w, 4, 25, 1, 41);
		world_run(w, AT(11));
		world_count_packets(w);
		world_run(w, AT(50));
		f = between(w, "S7 v6 dead, cold", 1, 11);
		assert_true(f.mean_ms <= 14);
		assert_true(f.p99_ms <= 40 * 1.08);
		f = between(w, "S7 v6 dead, steady", 11, 41);
		assert_true(f.mean_ms <= 10.5);
		assert_true(f.packets <= 1.06);
		world_free(w);
	}
}

static void
many_zones_share_what_is_known(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new(seed);
		struct figures f;
		size_t at[4];

		for (size_t i = 0; i < 4; i++)
			at[i] = world_server(w, usual[i], 4);
		for (size_t z = 0; z < 100; z++) {
			size_t zone = world_zone(w);

			for (size_t i = 0; i < 4; i++)
				world_serves(w, zone, at[(i + z) % 4]);
		}
		warm_above(w);
		load_all(w, 100, 0.1, 1, 41);
		world_run(w, AT(50));
		f = between(w, "S10 100 zones, cold", 1, 41);
		printf("  (the first question of a zone costs 5 ms above)\n");
		assert_true(f.mean_ms <= 13);
		assert_true(f.nearest >= 0.97);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_zones_are_learnt_in_a_few_questions),
		cmocka_unit_test(a_saved_table_spares_the_learning),
		cmocka_unit_test(a_dead_family_is_hardly_noticed),
		cmocka_unit_test(many_zones_share_what_is_known),
	};

	return near_main(tests, ARRAY_LEN(tests));
}
