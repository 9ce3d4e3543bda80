/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_spread.c - what an observer of 20,000 questions can make of the ports
 * they leave from, when each port serves four of them.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include <hither/base.h>

#include "../../src/net/spread.h"

#define LOW       1024u
#define HIGH      65535u
#define SPAN      (HIGH - LOW + 1)
#define QUESTIONS 20000u
#define SEEDS     20u
#define IDLE      1024u
#define USES      4u

static const unsigned divisions[] = { 16, 64, 100, 256, 1000 };

typedef uint16_t drawing(const struct spread *sp, struct rng *rng);

struct kept {
	uint16_t port;
	unsigned uses;
};

/* What ports.c does, with sockets that never fail. */
struct model {
	struct spread spread;
	struct rng *rng;
	drawing *draw;
	struct kept idle[IDLE + 1];
	size_t idle_count;
};

static uint16_t
next_port(struct model *m)
{
	struct kept *k;
	uint16_t port;

	if (m->idle_count < IDLE) {
		port = m->draw(&m->spread, m->rng);
		spread_count(&m->spread, port);
		m->idle[m->idle_count++] = (struct kept){ port, 1 };
		return port;
	}
	k = &m->idle[rng_below(m->rng, IDLE)];
	port = k->port;
	if (++k->uses == USES)
		*k = m->idle[--m->idle_count];
	return port;
}

static void
model_start(struct model *m, uint64_t seed, drawing *draw)
{
	memset(m, 0, sizeof(*m));
	m->rng = rng_new_seeded(seed);
	assert_non_null(m->rng);
	m->draw = draw;
	spread_start(&m->spread, LOW, HIGH);
}

/*
 * How many standard deviations above a uniform one's the chi-square lies, by
 * Wilson and Hilferty: 3.09 is p = 0.001.
 */
static double
excess(const uint16_t *ports, size_t n, unsigned bins)
{
	static double seen[SPAN];
	const double expected = (double)n / bins, d = bins - 1.0;
	double chi = 0;

	memset(seen, 0, bins * sizeof(seen[0]));
	for (size_t i = 0; i < n; i++)
		seen[(size_t)(ports[i] - LOW) * bins / SPAN]++;
	for (unsigned i = 0; i < bins; i++)
		chi += (seen[i] - expected) * (seen[i] - expected) / expected;
	return (cbrt(chi / d) - (1 - 2 / (9 * d))) / sqrt(2 / (9 * d));
}

/* Of all seeds and divisions, how many are uneven with p < 0.001. */
static size_t
uneven(drawing *draw, size_t before)
{
	static uint16_t ports[QUESTIONS];
	static struct model m;
	size_t count = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		model_start(&m, seed, draw);
		for (size_t i = 0; i < before; i++)
			(void)next_port(&m);
		for (size_t i = 0; i < QUESTIONS; i++)
			ports[i] = next_port(&m);
		for (size_t i = 0; i < ARRAY_LEN(divisions); i++)
			count += excess(ports, QUESTIONS, divisions[i]) > 3.09;
		rng_free(m.rng);
	}
	return count;
}

/* 100 tests at p = 0.001: by chance two of them in one run of 200. */
static void
four_uses_of_a_port_do_not_show_in_20000_questions(void **state)
{
	(void)state;
	assert_in_range(uneven(spread_draw_even, 0), 0, 1);
	assert_in_range(uneven(spread_draw_even, 3000), 0, 1);
	assert_in_range(uneven(spread_draw_even, 100000), 0, 1);
}

static void
drawn_blindly_they_would(void **state)
{
	(void)state;
	assert_true(uneven(spread_draw, 3000) > SEEDS * 3);
}

static void
one_draw_for_one_question_is_uniform(void **state)
{
	static uint16_t ports[QUESTIONS];
	static struct spread sp;
	size_t count = 0;

	(void)state;
	spread_start(&sp, LOW, HIGH);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rng *rng = rng_new_seeded(seed);

		for (size_t i = 0; i < QUESTIONS; i++)
			ports[i] = spread_draw(&sp, rng);
		for (size_t i = 0; i < ARRAY_LEN(divisions); i++)
			count += excess(ports, QUESTIONS, divisions[i]) > 3.09;
		rng_free(rng);
	}
	assert_in_range(count, 0, 1);
}

/*
 * Who knows that half of the range is crowded knows only that all of the
 * candidates lie there in one draw of 64.
 */
static void
a_crowded_half_is_drawn_from_all_the_same(void **state)
{
	static struct spread sp;
	struct rng *rng = rng_new_seeded(7);
	size_t crowded = 0;

	(void)state;
	spread_start(&sp, LOW, HIGH);
	for (size_t port = LOW; port < LOW + SPAN / 2; port++)
		spread_count(&sp, (uint16_t)port);
	for (size_t i = 0; i < QUESTIONS; i++)
		crowded += spread_draw_even(&sp, rng) < LOW + SPAN / 2;
	/* 312; deviation 17.5 */
	assert_in_range(crowded, 230, 400);
	rng_free(rng);
}

static void
a_narrow_range_is_never_left(void **state)
{
	static struct spread sp;
	struct rng *rng = rng_new_seeded(9);
	bool seen[3] = { false };

	(void)state;
	spread_start(&sp, 65533, 65535);
	/* Past what a cell can count. */
	for (size_t i = 0; i < 70000; i++) {
		const uint16_t port = spread_draw_even(&sp, rng);

		assert_in_range(port, 65533, 65535);
		seen[port - 65533] = true;
		spread_count(&sp, port);
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	rng_free(rng);
}

static void
ports_that_filters_drop_are_left_out(void **state)
{
	static struct spread sp;
	struct rng *rng = rng_new_seeded(11);

	(void)state;
	spread_start(&sp, 1024, 4096);
	for (size_t i = 0; i < 100000; i++)
		assert_int_not_equal(spread_draw(&sp, rng), 1900);
	rng_free(rng);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    four_uses_of_a_port_do_not_show_in_20000_questions),
		cmocka_unit_test(drawn_blindly_they_would),
		cmocka_unit_test(one_draw_for_one_question_is_uniform),
		cmocka_unit_test(a_crowded_half_is_drawn_from_all_the_same),
		cmocka_unit_test(a_narrow_range_is_never_left),
		cmocka_unit_test(ports_that_filters_drop_are_left_out),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
