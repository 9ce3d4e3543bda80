/* SPDX-License-Identifier: BSD-3-Clause */
#include "servers_support.h"

static void
two_samples_start_a_new_regime(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;
	struct server_view v;

	(void)state;
	answers_n(sv, &a, 10 * MS, 20, &now);
	answers_n(sv, &a, 180 * MS, 1, &now);
	v = look(sv, &a, now);
	assert_true(v.est_us < 30 * MS);
	assert_int_equal(v.regime_changes, 0);
	answers_n(sv, &a, 181 * MS, 1, &now);
	v = look(sv, &a, now);
	assert_in_range(v.est_us, 180 * MS, 181 * MS);
	assert_int_equal(v.regime_changes, 1);
	answers_n(sv, &a, 8 * MS, 2, &now);
	assert_in_range(look(sv, &a, now).est_us, 8 * MS, 8 * MS);
	servers_free(sv);
}

static void
one_spike_is_no_regime(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		answers_n(sv, &a, 20 * MS, 9, &now);
		answers_n(sv, &a, 200 * MS, 1, &now);
	}
	answers_n(sv, &a, 20 * MS, 1, &now);
	assert_int_equal(look(sv, &a, now).regime_changes, 0);
	assert_in_range(look(sv, &a, now).est_us, 20 * MS, 21 * MS);
	servers_free(sv);
}

static void
one_sample_suffices_when_the_site_changed(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	struct servers_sample s = {
		.address = &a,
		.nsid = (const uint8_t *)"ams1",
		.nsid_len = 4,
		.rtt_us = 10000,
	};
	struct server_view v;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		servers_answered(sv, &s, SEC + i);
	s.nsid = (const uint8_t *)"syd1";
	s.rtt_us = 280000;
	servers_answered(sv, &s, 2 * SEC);
	v = look(sv, &a, 2 * SEC);
	assert_int_equal(v.est_us, 280000);
	assert_int_equal(v.site_changes, 1);
	assert_string_equal(v.site, "syd1");
	servers_free(sv);
}

/* n replies from that site, a second apart. */
static struct server_view
from_site(struct servers *sv, const char *site, uint32_t rtt_ms, unsigned n,
    uint64_t *now)
{
	struct addr a = address(1);
	struct servers_sample s = { .address = &a,
		.nsid = (const uint8_t *)site,
		.nsid_len = site != NULL ? strlen(site) : 0,
		.rtt_us = rtt_ms * 1000 };

	for (unsigned i = 0; i < n; i++, *now += SEC)
		servers_answered(sv, &s, *now);
	return look(sv, &a, *now);
}

/* Four sites are remembered: one reply, and all is as it was there. */
static void
a_site_where_it_has_been_is_known_at_once(void **state)
{
	static const struct {
		const char *site;
		uint32_t rtt_ms;
	} sites[] = { { "ams1", 10 }, { "syd1", 280 }, { "nrt1", 120 },
		{ "lax1", 160 } };
	struct servers *sv = servers_start(1000);
	struct server_view v;
	uint64_t now = SEC;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sites); i++)
		(void)from_site(sv, sites[i].site, sites[i].rtt_ms, 60, &now);
	for (unsigned i = 0; i < ARRAY_LEN(sites); i++) {
		v = from_site(sv, sites[i].site, sites[i].rtt_ms, 1, &now);
		assert_string_equal(v.site, sites[i].site);
		assert_in_range(v.est_us, sites[i].rtt_ms * 990,
		    sites[i].rtt_ms * 1010);
		(void)from_site(sv, sites[i].site, sites[i].rtt_ms, 60, &now);
	}
	/* Without an NSID a reply as fast as from there says the same. */
	v = from_site(sv, NULL, 10, 1, &now);
	assert_in_range(v.est_us, 9900, 10100);
	servers_free(sv);
}

static void
a_flapping_address_gets_its_mean(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;
	uint32_t changes;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		answers_n(sv, &a, i % 2 == 0 ? 10 * MS : 150 * MS, 4, &now);
	changes = look(sv, &a, now).regime_changes;
	for (unsigned i = 0; i < 16; i++)
		answers_n(sv, &a, i % 2 == 0 ? 10 * MS : 150 * MS, 1, &now);
	assert_in_range(look(sv, &a, now).est_us, 60 * MS, 100 * MS);
	assert_int_equal(look(sv, &a, now).regime_changes, changes);
	servers_free(sv);
}

static void
the_rto_covers_the_estimate(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;
	struct server_view v;

	(void)state;
	answers_n(sv, &a, 10 * MS, 20, &now);
	v = look(sv, &a, now);
	assert_in_range(v.rto_us, 22 * MS, 30 * MS);
	answers_n(sv, &a, 60 * SEC, 5, &now);
	answers_n(sv, &a, UINT32_MAX, 5, &now);
	v = look(sv, &a, now);
	assert_int_equal(v.rto_us, SERVERS_RTO_MAX_US);
	answers_n(sv, &a, 0, 40, &now);
	v = look(sv, &a, now);
	assert_in_range(v.est_us, 1, MS);
	assert_true(v.rto_us > v.est_us);
	servers_free(sv);
}

static void
two_silences_kill_on_a_clean_path_and_a_reply_revives(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;

	(void)state;
	answers_n(sv, &a, 10 * MS, 20, &now);
	silence(sv, &a, 1, now);
	assert_int_equal(look(sv, &a, now).state, SERVER_GOOD);
	silence(sv, &a, 2, now);
	assert_int_equal(look(sv, &a, now).state, SERVER_DEAD);
	assert_in_range(look(sv, &a, now).probe_in_us, 1, SEC);
	answer(sv, &a, 50 * MS, now + SEC);
	assert_int_equal(look(sv, &a, now + SEC).state, SERVER_GOOD);
	assert_int_equal(look(sv, &a, now + SEC).est_us, 50 * MS);
	servers_free(sv);
}

static void
a_lossy_path_needs_more_silence(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		answers_n(sv, &a, 10 * MS, 3, &now);
		silence(sv, &a, i, now);
	}
	assert_in_range(look(sv, &a, now).loss_permille, 150, 350);
	silence(sv, &a, 1001, now);
	silence(sv, &a, 1002, now);
	assert_int_equal(look(sv, &a, now).state, SERVER_GOOD);
	for (unsigned i = 0; i < 5; i++)
		silence(sv, &a, 2000 + i, now);
	assert_int_equal(look(sv, &a, now).state, SERVER_DEAD);
	servers_free(sv);
}

static void
a_name_that_is_dropped_kills_no_server(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;

	(void)state;
	answers_n(sv, &a, 10 * MS, 20, &now);
	for (unsigned i = 0; i < 50; i++)
		silence(sv, &a, 1, now + i * 100 * MS);
	assert_int_equal(look(sv, &a, now).state, SERVER_GOOD);
	assert_true(look(sv, &a, now).loss_permille < 60);
	servers_free(sv);
}

static void
late_is_not_lost(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint64_t now = SEC;

	(void)state;
	answers_n(sv, &a, 10 * MS, 20, &now);
	for (unsigned i = 0; i < 40; i++) {
		silence(sv, &a, i, now);
		answer(sv, &a, 100 * MS, now + 80 * MS);
		now += 300 * MS;
		answers_n(sv, &a, 10 * MS, 3, &now);
	}
	assert_true(look(sv, &a, now).loss_permille < 30);
	servers_free(sv);
}

/* Any order of events leaves figures that can be used. */
static void
figures_stay_sane_whatever_happens(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	struct rng *r = rng_new_seeded(7);
	uint64_t now = SEC;

	(void)state;
	assert_non_null(r);
	for (unsigned i = 0; i < 20000; i++) {
		struct server_view v;

		now += rng_below(r, 1u << rng_below(r, 24));
		if (rng_below(r, 4) == 0)
			silence(sv, &a, rng_below(r, 30), now);
		else
			answer(sv, &a, rng_u32(r) >> rng_below(r, 32), now);
		v = look(sv, &a, now);
		assert_true(v.loss_permille <= 1000);
		assert_true(v.rto_us > 0 && v.rto_us <= SERVERS_RTO_MAX_US);
		assert_true(v.est_us <= 60 * SEC);
	}
	rng_free(r);
	servers_free(sv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_samples_start_a_new_regime),
		cmocka_unit_test(one_spike_is_no_regime),
		cmocka_unit_test(one_sample_suffices_when_the_site_changed),
		cmocka_unit_test(a_site_where_it_has_been_is_known_at_once),
		cmocka_unit_test(a_flapping_address_gets_its_mean),
		cmocka_unit_test(the_rto_covers_the_estimate),
		cmocka_unit_test(
		    two_silences_kill_on_a_clean_path_and_a_reply_revives),
		cmocka_unit_test(a_lossy_path_needs_more_silence),
		cmocka_unit_test(a_name_that_is_dropped_kills_no_server),
		cmocka_unit_test(late_is_not_lost),
		cmocka_unit_test(figures_stay_sane_whatever_happens),
	};

	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
