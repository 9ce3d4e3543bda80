/* SPDX-License-Identifier: BSD-3-Clause */
/* test_servers_bounds.c - what limits the copies, and whom they spare. */
#include "servers_support.h"

#define FOUR 4u

struct world {
	struct servers *sv;
	struct rng *rng;
	struct addr at[FOUR];
	bool tried[FOUR];
	uint64_t waited_us, now;
	const uint8_t *qname;
};

static void
world_start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->sv = servers_start(1000);
	w->rng = rng_new_seeded(5);
	assert_non_null(w->rng);
	for (unsigned i = 0; i < FOUR; i++)
		w->at[i] = address(i + 1);
	w->now = SEC;
}

static void
world_end(struct world *w)
{
	servers_free(w->sv);
	rng_free(w->rng);
}

static void
know_all(struct world *w)
{
	for (unsigned i = 0; i < FOUR; i++)
		answers_n(w->sv, &w->at[i], (10u + 30u * i) * MS, 10, &w->now);
}

static enum err
choose(struct world *w, struct servers_choice *c)
{
	const struct servers_set set = { .addresses = w->at,
		.tried = w->tried,
		.count = FOUR,
		.zone = name_root,
		.qname = w->qname,
		.waited_us = w->waited_us };

	return servers_choose(w->sv, &set, w->rng, w->now, c);
}

static size_t
copies_in(struct world *w, unsigned questions, uint64_t apart_us)
{
	struct servers_choice c;
	size_t n = 0;

	for (unsigned i = 0; i < questions; i++) {
		assert_int_equal(choose(w, &c), ERR_OK);
		answer(w->sv, &w->at[c.primary], 10 * MS, w->now);
		if (c.shadow < FOUR) {
			answer(w->sv, &w->at[c.shadow],
			    (10u + 30u * c.shadow) * MS, w->now);
			n++;
		}
		w->now += apart_us;
	}
	return n;
}

static void
a_set_gets_two_copies_a_second_at_most(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	know_all(&w);
	w.now += 100 * SEC;
	assert_true(copies_in(&w, 2000, 1 * MS) <= 3 + 2 * 2);
	world_end(&w);
}

static void
copies_end(enum server_doubt why, enum server_decision held)
{
	struct servers_counts counts;
	struct servers_choice c;
	struct world w;

	world_start(&w);
	know_all(&w);
	servers_spoofed(w.sv, &w.at[0], why, w.now);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(choose(&w, &c), ERR_OK);
		assert_int_equal(c.shadow, FOUR);
		assert_int_equal(c.hedge_us, c.rto_us);
		w.now += 100 * MS;
	}
	servers_count(w.sv, &counts);
	assert_int_equal(counts.decisions[held], 500);
	w.now += 61 * SEC;
	assert_true(copies_in(&w, 500, 100 * MS) > 0);
	world_end(&w);
}

static void
forgery_ends_the_copies(void **state)
{
	(void)state;
	copies_end(DOUBT_FORGED, HELD_SPOOFED);
}

static void
a_cookie_that_fails_ends_the_copies(void **state)
{
	(void)state;
	copies_end(DOUBT_COOKIE, HELD_COOKIE);
}

static void
too_much_under_way_sends_the_next_elsewhere(void **state)
{
	struct world w;
	struct servers_choice c;

	(void)state;
	world_start(&w);
	know_all(&w);
	for (unsigned i = 0; i < 1000; i++)
		servers_sent(w.sv, &w.at[0], 0, w.now);
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 1);
	servers_landed(w.sv, &w.at[0], 0);
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 0);
	world_end(&w);
}

static void
silence_on_a_name_is_about_that_name(void **state)
{
	struct world w;
	struct servers_choice c;
	struct name same, other;

	(void)state;
	world_start(&w);
	know_all(&w);
	assert_int_equal(name_parse("n7.test", &same), ERR_OK);
	assert_int_equal(name_parse("n8.test", &other), ERR_OK);
	silence(w.sv, &w.at[0], 7, w.now);
	answer(w.sv, &w.at[0], 10 * MS, w.now);
	w.qname = same.wire;
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 1);
	w.qname = other.wire;
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 0);
	w.qname = same.wire;
	w.now += 11 * SEC;
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 0);
	world_end(&w);
}

static void
after_a_fault_a_copy_tries_first(void **state)
{
	struct world w;
	struct servers_choice c;
	bool copied = false;

	(void)state;
	world_start(&w);
	know_all(&w);
	servers_fault(w.sv, &w.at[0], name_root, FAULT_LAME, w.now);
	w.now += 61 * SEC;
	for (unsigned i = 0; i < 20 && !copied; i++) {
		assert_int_equal(choose(&w, &c), ERR_OK);
		assert_int_equal(c.primary, 1);
		copied = c.shadow == 0;
		w.now += 100 * MS;
	}
	assert_true(copied);
	servers_fault_over(w.sv, &w.at[0], name_root);
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 0);
	world_end(&w);
}

static void
a_set_all_dead_is_asked_now_and_then(void **state)
{
	struct world w;
	struct servers_choice c;
	unsigned sent = 0;

	(void)state;
	world_start(&w);
	know_all(&w);
	for (unsigned k = 0; k < 20; k++) {
		for (unsigned i = 0; i < FOUR; i++)
			silence(w.sv, &w.at[i], k, w.now + SEC);
	}
	w.now += 2 * SEC;
	for (unsigned i = 0; i < 5000; i++) {
		enum err e = choose(&w, &c);

		assert_true(e == ERR_OK || (e == ERR_LIMIT && c.wait));
		if (e == ERR_OK) {
			servers_sent(w.sv, &w.at[c.primary], c.key, w.now);
			sent++;
		}
		w.now += 1 * MS;
	}
	assert_in_range(sent, 50, 24 + 16 * 5 + 1);
	w.waited_us = SEC;
	while (choose(&w, &c) == ERR_OK)
		servers_sent(w.sv, &w.at[c.primary], c.key, w.now);
	assert_false(c.wait);
	world_end(&w);
}

static void
a_burst_for_an_unknown_set_waits_for_its_first(void **state)
{
	struct world w;
	struct servers_choice c;
	unsigned sent = 0;

	(void)state;
	world_start(&w);
	while (choose(&w, &c) == ERR_OK && sent < 100) {
		servers_sent(w.sv, &w.at[c.primary], c.key, w.now);
		if (c.shadow < FOUR)
			servers_sent(w.sv, &w.at[c.shadow], c.shadow_key,
			    w.now);
		sent++;
		w.now += 10;
	}
	assert_in_range(sent, 2, 20);
	assert_true(c.wait);
	w.waited_us = 50 * MS;
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_true(c.blind);
	answer(w.sv, &w.at[2], 10 * MS, w.now + 10 * MS);
	w.waited_us = 0;
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 2);
	world_end(&w);
}

static void
neighbours_rank_those_never_heard_from(void **state)
{
	struct world w;
	struct servers_choice c;

	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		struct addr near = address(3), far = address(1);

		world_start(&w);
		for (uint8_t i = 0; i < 3; i++) {
			near.ip[3] = far.ip[3] = (uint8_t)(i + 50);
			answers_n(w.sv, &near, 10 * MS, 3, &w.now);
			answers_n(w.sv, &far, 200 * MS, 3, &w.now);
		}
		assert_int_equal(choose(&w, &c), ERR_OK);
		assert_int_equal(c.primary, 2);
		assert_true(c.rto_us < SERVERS_UNKNOWN_RTO_US);
		assert_int_equal(c.expected_us, 0);
		world_end(&w);
	}
}

static void
truncation_costs_another_round_trip(void **state)
{
	struct world w;
	struct servers_choice c;

	(void)state;
	world_start(&w);
	know_all(&w);
	for (unsigned i = 0; i < 40; i++) {
		struct servers_sample s = { .address = &w.at[0],
			.rtt_us = 30000,
			.truncated = true };

		servers_answered(w.sv, &s, w.now);
	}
	assert_int_equal(choose(&w, &c), ERR_OK);
	assert_int_equal(c.primary, 1);
	world_end(&w);
}

static void
a_tail_weight_prefers_the_steady(void **state)
{
	struct servers_opts o = { .max_entries = 100,
		.budget_permille = 1000,
		.tail_permille = 1000 };
	struct servers_choice c;

	(void)state;
	for (int weighed = 0; weighed < 2; weighed++) {
		struct world w;

		world_start(&w);
		if (weighed) {
			servers_free(w.sv);
			w.sv = servers_new(&o);
		}
		know_all(&w);
		for (unsigned i = 0; i < 48; i++)
			answer(w.sv, &w.at[0], (i % 8 == 0 ? 70 : 10) * MS,
			    w.now);
		for (unsigned i = 1; i < FOUR; i++)
			answers_n(w.sv, &w.at[i], (i * 24) * MS, 30, &w.now);
		assert_int_equal(choose(&w, &c), ERR_OK);
		assert_int_equal(c.primary, weighed);
		world_end(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_gets_two_copies_a_second_at_most),
		cmocka_unit_test(forgery_ends_the_copies),
		cmocka_unit_test(a_cookie_that_fails_ends_the_copies),
		cmocka_unit_test(too_much_under_way_sends_the_next_elsewhere),
		cmocka_unit_test(silence_on_a_name_is_about_that_name),
		cmocka_unit_test(after_a_fault_a_copy_tries_first),
		cmocka_unit_test(a_set_all_dead_is_asked_now_and_then),
		cmocka_unit_test(
		    a_burst_for_an_unknown_set_waits_for_its_first),
		cmocka_unit_test(neighbours_rank_those_never_heard_from),
		cmocka_unit_test(truncation_costs_another_round_trip),
		cmocka_unit_test(a_tail_weight_prefers_the_steady),
	};

	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
