/* SPDX-License-Identifier: BSD-3-Clause */
#include "servers_support.h"

#define FOUR 4u

/* Four addresses, and a small world in which they are asked. */
struct world {
	struct servers *sv;
	struct rng *rng;
	struct addr at[FOUR];
	uint64_t rtt[FOUR]; /* 0: silent */
	bool tried[FOUR];
	uint64_t now;
	unsigned asked[FOUR], shadows, questions;
	uint64_t waited; /* by the clients */
};

static void
world_start(struct world *w, uint32_t budget)
{
	static const uint64_t rtt[FOUR] = { 40 * MS, 10 * MS, 160 * MS,
		80 * MS };

	memset(w, 0, sizeof(*w));
	w->sv = servers_start(budget);
	w->rng = rng_new_seeded(42);
	assert_non_null(w->rng);
	w->now = SEC;
	for (unsigned i = 0; i < FOUR; i++) {
		w->at[i] = address(i + 1);
		w->rtt[i] = rtt[i];
	}
}

static void
world_end(struct world *w)
{
	servers_free(w->sv);
	rng_free(w->rng);
}

static struct servers_choice
choose(struct world *w)
{
	struct servers_set set = {
		.addresses = w->at,
		.tried = w->tried,
		.count = FOUR,
		.zone = name_root,
	};
	struct servers_choice c;

	assert_int_equal(servers_choose(w->sv, &set, w->rng, w->now, &c),
	    ERR_OK);
	assert_true(c.primary < FOUR && c.shadow <= FOUR);
	assert_true(c.shadow != c.primary);
	assert_non_null(c.why);
	return c;
}

static void
teach(struct world *w, size_t i, const struct servers_choice *c)
{
	if (w->rtt[i] > 0)
		answer(w->sv, &w->at[i], w->rtt[i], w->now);
	else
		silence(w->sv, &w->at[i], w->questions, w->now + c->rto_us);
}

/* One question, asked until answered; 200 ms to the next. */
static void
ask(struct world *w)
{
	uint64_t waited = 0;

	w->questions++;
	for (;;) {
		struct servers_choice c = choose(w);

		w->asked[c.primary]++;
		teach(w, c.primary, &c);
		if (c.shadow < FOUR) {
			w->shadows++;
			teach(w, c.shadow, &c);
		}
		if (w->rtt[c.primary] > 0) {
			waited += w->rtt[c.primary];
			break;
		}
		waited += c.rto_us;
		w->tried[c.primary] = true;
	}
	memset(w->tried, 0, sizeof(w->tried));
	w->waited += waited;
	w->now += 200 * MS;
}

static void
ask_n(struct world *w, unsigned n)
{
	memset(w->asked, 0, sizeof(w->asked));
	w->waited = 0;
	w->shadows = 0;
	for (unsigned i = 0; i < n; i++)
		ask(w);
}

static void
the_nearest_is_found_and_kept(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 10);
	ask_n(&w, 1000);
	assert_true(w.asked[1] >= 990);
	assert_true(w.shadows <= 60);
	assert_true(w.shadows >= 5);
	world_end(&w);
}

static void
when_the_nearest_dies_the_next_takes_over(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 100);
	w.rtt[1] = 0;
	ask_n(&w, 100);
	assert_true(w.asked[1] <= 4);
	assert_true(w.asked[0] >= 95);
	w.rtt[1] = 10 * MS;
	ask_n(&w, 100);
	assert_true(w.asked[1] >= 50);
	world_end(&w);
}

static void
a_shift_is_followed_within_seconds(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 200);
	w.rtt[1] = 180 * MS;
	ask_n(&w, 25);
	assert_true(w.asked[1] <= 4);
	w.rtt[2] = 8 * MS;
	ask_n(&w, 250);
	ask_n(&w, 25);
	assert_true(w.asked[2] >= 24);
	world_end(&w);
}

static void
without_budget_nothing_extra_is_sent_and_order_decides(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 0);
	assert_int_equal(choose(&w).primary, 0);
	assert_int_equal(choose(&w).primary, 0);
	w.tried[0] = true;
	assert_int_equal(choose(&w).primary, 1);
	w.tried[0] = false;
	ask_n(&w, 500);
	assert_int_equal(w.shadows, 0);
	assert_int_equal(w.asked[0], 500);
	assert_false(servers_may_hedge(w.sv, &w.at[0]));
	world_end(&w);
}

static void
a_cold_set_is_raced_while_the_budget_lasts(void **state)
{
	struct world w;
	struct servers_choice c;
	unsigned raced = 0;

	(void)state;
	world_start(&w, 1000);
	c = choose(&w);
	assert_int_equal(c.hedge_us, 0);
	assert_int_equal(c.rto_us, SERVERS_UNKNOWN_RTO_US);
	assert_int_equal(c.expected_us, 0);
	assert_true(servers_may_hedge(w.sv, &w.at[c.primary]));
	w.tried[c.primary] = true;
	c = choose(&w);
	assert_true(c.hedge_us > 0);
	assert_int_equal(c.shadow, FOUR);
	w.tried[0] = w.tried[1] = w.tried[2] = w.tried[3] = false;
	for (unsigned i = 0; i < 500; i++) {
		c = choose(&w);
		raced += c.hedge_us == 0;
		assert_true(c.hedge_us == 0 || c.hedge_us == 80 * MS);
	}
	assert_in_range(raced, 30, 200);
	world_end(&w);
}

static void
a_race_goes_to_the_other_family(void **state)
{
	struct world w;
	struct servers_choice c;

	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		uint8_t family;

		world_start(&w, 1000);
		rng_free(w.rng);
		w.rng = rng_new_seeded(seed);
		w.at[2] = address(102);
		w.at[3] = address(103);
		c = choose(&w);
		family = w.at[c.primary].family;
		w.tried[c.primary] = true;
		c = choose(&w);
		assert_int_not_equal(w.at[c.primary].family, family);
		world_end(&w);
	}
}

static void
as_good_as_the_best_share_the_load(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	w.rtt[0] = 10 * MS + 300;
	ask_n(&w, 20);
	ask_n(&w, 400);
	assert_in_range(w.asked[0], 150, 250);
	assert_in_range(w.asked[1], 150, 250);
	world_end(&w);
}

static void
a_faulty_server_is_left_out_for_this_zone(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 50);
	servers_fault(w.sv, &w.at[1], name_root, FAULT_REFUSED, w.now);
	ask_n(&w, 100);
	assert_int_equal(w.asked[1], 0);
	for (unsigned i = 0; i < FOUR; i++)
		servers_fault(w.sv, &w.at[i], name_root, FAULT_REFUSED,
		    w.now + i);
	w.now += 1000;
	assert_int_equal(choose(&w).primary, 0);
	world_end(&w);
}

static void
when_all_are_dead_one_is_still_asked(void **state)
{
	struct world w;
	struct servers_choice c;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 50);
	for (unsigned k = 0; k < 20; k++) {
		for (unsigned i = 0; i < FOUR; i++)
			silence(w.sv, &w.at[i], k, w.now + SEC);
	}
	w.now += SEC;
	for (unsigned i = 0; i < FOUR; i++)
		assert_int_equal(look(w.sv, &w.at[i], w.now).state,
		    SERVER_DEAD);
	for (unsigned i = 0; i < FOUR; i++) {
		c = choose(&w);
		assert_false(w.tried[c.primary]);
		assert_true(c.rto_us >= SERVERS_UNKNOWN_RTO_US);
		w.tried[c.primary] = true;
	}
	memset(w.tried, 0, sizeof(w.tried));
	ask_n(&w, 10);
	ask_n(&w, 100);
	assert_true(w.asked[1] + w.asked[0] >= 90);
	world_end(&w);
}

static void
all_tried_is_told(void **state)
{
	struct world w;
	struct servers_set set;
	struct servers_choice c;

	(void)state;
	world_start(&w, 1000);
	memset(w.tried, 1, sizeof(w.tried));
	set = (struct servers_set){ .addresses = w.at,
		.tried = w.tried,
		.count = FOUR,
		.zone = name_root };
	assert_int_equal(servers_choose(w.sv, &set, w.rng, w.now, &c),
	    ERR_NOT_FOUND);
	set.count = 0;
	assert_int_equal(servers_choose(w.sv, &set, w.rng, w.now, &c),
	    ERR_NOT_FOUND);
	set.count = SERVERS_SET_MAX + 1;
	assert_int_equal(servers_choose(w.sv, &set, w.rng, w.now, &c),
	    ERR_LIMIT);
	world_end(&w);
}

static void
hedges_are_rationed(void **state)
{
	struct world w;
	unsigned hedges = 0;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 10);
	for (unsigned i = 0; i < 1000; i++) {
		ask(&w);
		hedges += servers_may_hedge(w.sv, &w.at[1]);
	}
	assert_in_range(hedges, 20, 60);
	world_end(&w);
}

static void
a_dead_family_is_not_tried_on_clients(void **state)
{
	struct world w;

	(void)state;
	world_start(&w, 1000);
	ask_n(&w, 5);
	for (unsigned i = 0; i < 3; i++) {
		struct addr a = address(110 + i);

		silence(w.sv, &a, 1, w.now);
		silence(w.sv, &a, 2, w.now);
	}
	for (unsigned i = 0; i < 3; i++)
		w.at[i] = address(120 + i);
	w.at[3] = address(60);
	assert_int_equal(choose(&w).primary, 3);
	answer(w.sv, &w.at[0], 20 * MS, w.now);
	assert_int_equal(choose(&w).primary, 0);
	world_end(&w);
}

static void
the_random_policy_spreads_over_the_live(void **state)
{
	struct servers_opts o = {
		.max_entries = 100,
		.budget_permille = 1000,
		.random_policy = true,
	};
	struct world w;

	(void)state;
	world_start(&w, 1000);
	servers_free(w.sv);
	w.sv = servers_new(&o);
	w.rtt[3] = 0;
	ask_n(&w, 20);
	ask_n(&w, 900);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(w.asked[i], 240, 360);
	assert_int_equal(w.shadows, 0);
	world_end(&w);
}

static void
a_bias_moves_ipv4_back(void **state)
{
	struct servers_opts o = { .max_entries = 100, .v4_bias_us = 50000 };
	struct world w;

	(void)state;
	world_start(&w, 0);
	servers_free(w.sv);
	w.sv = servers_new(&o);
	w.at[0] = address(101);
	answer(w.sv, &w.at[0], 40 * MS, w.now);
	answer(w.sv, &w.at[1], 10 * MS, w.now);
	assert_int_equal(choose(&w).primary, 0);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_is_found_and_kept),
		cmocka_unit_test(when_the_nearest_dies_the_next_takes_over),
		cmocka_unit_test(a_shift_is_followed_within_seconds),
		cmocka_unit_test(
		    without_budget_nothing_extra_is_sent_and_order_decides),
		cmocka_unit_test(a_cold_set_is_raced_while_the_budget_lasts),
		cmocka_unit_test(a_race_goes_to_the_other_family),
		cmocka_unit_test(as_good_as_the_best_share_the_load),
		cmocka_unit_test(a_faulty_server_is_left_out_for_this_zone),
		cmocka_unit_test(when_all_are_dead_one_is_still_asked),
		cmocka_unit_test(all_tried_is_told),
		cmocka_unit_test(hedges_are_rationed),
		cmocka_unit_test(a_dead_family_is_not_tried_on_clients),
		cmocka_unit_test(the_random_policy_spreads_over_the_live),
		cmocka_unit_test(a_bias_moves_ipv4_back),
	};

	return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
