/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_replay.c - the estimator and the choice against a reference.
 *
 * A simulation of the algorithm, written independently in another language,
 * recorded what it sent, what came back, what it gave up on, and whom it
 * would ask next. Here the same packets teach our code, and at each of its
 * questions ours must choose as well: the same address or one as good.
 *
 * A line: the event, microseconds since the line before, and
 *   B i us    address i is us away from now on; -1: gone
 *   Q i       a question; the reference asks i first
 *   S i       a packet leaves for i
 *   R i us s  its reply came after us, from site s (x: it refuses)
 *   L i n     the n-th packet that was not answered within the RTO
 *   G i       a packet to i is given up
 *
 * With arguments: plays those files instead, whatever they hold, and prints
 * a line for each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hither/servers.h>

#define ADDRESSES_MAX 16u
#define SETTLING      20u /* questions that are not compared */

struct replay {
	struct servers *sv;
	struct rng *rng;
	struct addr at[ADDRESSES_MAX];
	long away_us[ADDRESSES_MAX];
	size_t count;
	uint64_t now_us;
	size_t questions, compared, as_good;
	double regret_ours, regret_theirs; /* us, sums */
};

static void
replay_begin(struct replay *r)
{
	const struct servers_opts o = { .max_entries = 100,
		.budget_permille = 1000 };

	memset(r, 0, sizeof(*r));
	r->sv = servers_new(&o);
	r->rng = rng_new_seeded(1);
	assert_non_null(r->sv);
	assert_non_null(r->rng);
	r->now_us = 1000000;
}

static void
make_addresses(struct replay *r, size_t n)
{
	assert_in_range(n, 1, ADDRESSES_MAX);
	r->count = n;
	for (size_t i = 0; i < n; i++)
		r->at[i] = (struct addr){ .ip = { 10, 0, (uint8_t)i, 1 },
			.port = 53,
			.family = 4 };
}

static double
regret(const struct replay *r, size_t i)
{
	long best = -1, own = r->away_us[i];

	for (size_t k = 0; k < r->count; k++) {
		if (r->away_us[k] >= 0 && (best < 0 || r->away_us[k] < best))
			best = r->away_us[k];
	}
	return own < 0 ? 100000 : (double)(own - best);
}

static void
on_question(struct replay *r, size_t theirs)
{
	const struct servers_set set = { .addresses = r->at,
		.count = r->count,
		.zone = name_root };
	struct servers_choice c;
	double ours_us, theirs_us;

	assert_int_equal(servers_choose(r->sv, &set, r->rng, r->now_us, &c),
	    ERR_OK);
	if (r->questions++ < SETTLING)
		return;
	ours_us = regret(r, c.primary);
	theirs_us = regret(r, theirs);
	r->compared++;
	r->as_good += ours_us <= theirs_us + 1500;
	r->regret_ours += ours_us;
	r->regret_theirs += theirs_us;
}

static void
on_reply(struct replay *r, size_t i, long rtt_us, const char *site)
{
	struct servers_sample s = { .address = &r->at[i],
		.nsid = (const uint8_t *)site,
		.nsid_len = strlen(site),
		.rtt_us = (uint32_t)rtt_us };

	if (strcmp(site, "x") == 0)
		s.nsid = NULL;
	servers_answered(r->sv, &s, r->now_us);
	servers_landed(r->sv, &r->at[i], 0);
	if (s.nsid == NULL)
		servers_fault(r->sv, &r->at[i], name_root, FAULT_REFUSED,
		    r->now_us);
}

static void
on_late(struct replay *r, size_t i, long n)
{
	struct name name;
	char text[32];

	(void)snprintf(text, sizeof(text), "n%ld.test", n);
	assert_int_equal(name_parse(text, &name), ERR_OK);
	servers_silent(r->sv, &r->at[i], name.wire, r->now_us);
}

static void
on_line(struct replay *r, const char *line)
{
	char kind = line[0], site[16] = "";
	unsigned long since = 0, i = 0;
	long value = 0;
	int n = sscanf(line + 1, "%lu %lu %ld %15s", &since, &i, &value, site);

	if (kind == '#')
		return;
	if (kind == 'N') {
		make_addresses(r, since);
		return;
	}
	assert_true(n >= 2 && i < r->count);
	r->now_us += since;
	switch (kind) {
	case 'B':
		r->away_us[i] = value;
		break;
	case 'Q':
		on_question(r, i);
		break;
	case 'S':
		servers_sent(r->sv, &r->at[i], 0, r->now_us);
		break;
	case 'R':
		on_reply(r, i, value, site);
		break;
	case 'L':
		on_late(r, i, value);
		break;
	case 'G':
		servers_landed(r->sv, &r->at[i], 0);
		break;
	default:
		fail_msg("what is \"%s\"?", line);
	}
}

/* What the two were like, over all questions but the first ones. */
struct verdict {
	double share;    /* of choices that were as good as theirs */
	double worse_ms; /* by so much, in the mean, than theirs */
};

static struct verdict
replay_file(const char *what, const char *path)
{
	char line[128];
	struct replay r;
	struct verdict v;
	double n;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	replay_begin(&r);
	while (fgets(line, sizeof(line), f) != NULL)
		on_line(&r, line);
	(void)fclose(f);
	assert_true(r.compared > 0);
	n = (double)r.compared;
	v = (struct verdict){ (double)r.as_good / n,
		(r.regret_ours - r.regret_theirs) / 1000 / n };
	printf("%-14s %zu questions, as good %.1f %%, regret %.2f ms against "
	       "%.2f\n",
	    what, r.compared, v.share * 100, r.regret_ours / 1000 / n,
	    r.regret_theirs / 1000 / n);
	servers_free(r.sv);
	rng_free(r.rng);
	return v;
}

static void
replay(const char *what, double as_good_min, double worse_ms_max)
{
	const char *top = getenv("TOP_SRC");
	struct verdict v;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/near/traces/%s.trace",
	    top != NULL ? top : ".", what);
	v = replay_file(what, path);
	assert_true(v.share >= as_good_min);
	assert_true(v.worse_ms <= worse_ms_max);
}

static void
servers_at_rest_are_chosen_alike(void **state)
{
	(void)state;
	replay("rest", 0.99, 0.2);
}

static void
a_death_and_a_return_are_seen_alike(void **state)
{
	(void)state;
	replay("dies", 0.98, 0.3);
}

static void
shifts_are_seen_alike(void **state)
{
	(void)state;
	replay("shift", 0.98, 0.3);
}

static void
loss_is_weighed_alike(void **state)
{
	(void)state;
	replay("loss", 0.97, 0.5);
}

static void
lateness_is_weighed_alike(void **state)
{
	(void)state;
	replay("late", 0.95, 0.7);
}

static void
a_mix_is_judged_alike(void **state)
{
	(void)state;
	replay("mix", 0.95, 0.7);
}

static void
thirteen_are_ranked_alike(void **state)
{
	(void)state;
	replay("thirteen", 0.99, 0.2);
}

static void
a_question_in_20_s_is_enough_alike(void **state)
{
	(void)state;
	replay("sparse", 0.99, 0.2);
}

static void
flapping_is_seen_alike(void **state)
{
	(void)state;
	replay("flap", 0.98, 0.3);
}

static void
a_dead_half_is_left_alone_alike(void **state)
{
	(void)state;
	replay("half", 0.98, 0.3);
}

static void
refusals_are_taken_alike(void **state)
{
	(void)state;
	replay("refuses", 0.98, 0.3);
}

static void
hours_of_a_mix_are_judged_alike(void **state)
{
	(void)state;
	replay("slow", 0.90, 0.3);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_at_rest_are_chosen_alike),
		cmocka_unit_test(a_death_and_a_return_are_seen_alike),
		cmocka_unit_test(shifts_are_seen_alike),
		cmocka_unit_test(loss_is_weighed_alike),
		cmocka_unit_test(lateness_is_weighed_alike),
		cmocka_unit_test(a_mix_is_judged_alike),
		cmocka_unit_test(thirteen_are_ranked_alike),
		cmocka_unit_test(a_question_in_20_s_is_enough_alike),
		cmocka_unit_test(flapping_is_seen_alike),
		cmocka_unit_test(a_dead_half_is_left_alone_alike),
		cmocka_unit_test(refusals_are_taken_alike),
		cmocka_unit_test(hours_of_a_mix_are_judged_alike),
	};

	log_set_level(LOG_LEVEL_WARN);
	for (int i = 1; i < argc; i++)
		(void)replay_file(argv[i], argv[i]);
	if (argc > 1)
		return 0;
	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
