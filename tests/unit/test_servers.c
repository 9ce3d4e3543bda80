/* SPDX-License-Identifier: BSD-3-Clause */
#include "servers_support.h"

static void
an_address_is_known_once_heard_from(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1), b = address(2);
	struct server_view v;

	(void)state;
	assert_false(servers_look(sv, &a, NULL, 0, &v));
	answer(sv, &a, 10 * MS, SEC);
	v = look(sv, &a, 2 * SEC);
	assert_int_equal(v.state, SERVER_GOOD);
	assert_int_equal(v.est_us, 10 * MS);
	assert_in_range(v.age_us, SEC - 1, SEC);
	assert_false(servers_look(sv, &b, NULL, 0, &v));
	assert_int_equal(servers_known(sv), 1);
	assert_int_equal(servers_forget(sv), 1);
	assert_int_equal(servers_known(sv), 0);
	servers_free(sv);
}

static void
the_least_used_makes_room(void **state)
{
	struct servers_opts o = { .max_entries = 10 };
	struct servers *sv = servers_new(&o);
	struct addr hot = address(99);
	struct server_view v;

	(void)state;
	for (unsigned i = 0; i < 90; i++) {
		struct addr a = address(i);

		answer(sv, &hot, 10 * MS, SEC);
		answer(sv, &a, 10 * MS, SEC);
		assert_true(servers_known(sv) <= 10);
	}
	assert_int_equal(servers_known(sv), 10);
	assert_true(servers_look(sv, &hot, NULL, SEC, &v));
	servers_free(sv);
}

static void
a_fault_concerns_one_zone_and_backs_off(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	struct server_view v;
	struct name zone, other;
	uint64_t now = 10 * SEC;

	(void)state;
	assert_int_equal(name_parse("zone.test", &zone), ERR_OK);
	assert_int_equal(name_parse("other.test", &other), ERR_OK);
	answer(sv, &a, 10 * MS, now);
	servers_fault(sv, &a, zone.wire, FAULT_LAME, now);
	servers_fault(sv, &a, zone.wire, FAULT_LAME, now + 1);
	assert_true(servers_look(sv, &a, other.wire, now, &v));
	assert_false(v.lame);
	assert_true(servers_look(sv, &a, zone.wire, now + 59 * SEC, &v));
	assert_true(v.lame);
	now += 61 * SEC;
	assert_true(servers_look(sv, &a, zone.wire, now, &v));
	assert_false(v.lame);
	assert_true(v.probation);
	servers_fault(sv, &a, zone.wire, FAULT_LAME, now);
	assert_true(servers_look(sv, &a, zone.wire, now + 239 * SEC, &v));
	assert_true(v.lame);
	now += 241 * SEC;
	servers_fault(sv, &a, zone.wire, FAULT_LAME, now);
	assert_true(servers_look(sv, &a, zone.wire, now + 899 * SEC, &v));
	assert_true(v.lame);
	assert_true(servers_look(sv, &a, zone.wire, now + 901 * SEC, &v));
	assert_false(v.lame);
	servers_fault(sv, &a, other.wire, FAULT_SERVFAIL, now);
	assert_true(servers_look(sv, &a, other.wire, now + 4 * SEC, &v));
	assert_true(v.lame);
	assert_true(servers_look(sv, &a, other.wire, now + 6 * SEC, &v));
	assert_false(v.lame);
	assert_true(v.probation);
	servers_fault_over(sv, &a, other.wire);
	assert_true(servers_look(sv, &a, other.wire, now + 6 * SEC, &v));
	assert_false(v.lame || v.probation);
	servers_free(sv);
}

static void
edns_is_given_up_after_two_in_agreement(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);

	(void)state;
	assert_true(servers_speaks_edns(sv, &a, SEC));
	servers_edns_refused(sv, &a, SEC);
	assert_true(servers_speaks_edns(sv, &a, SEC));
	answer(sv, &a, 10 * MS, SEC);
	servers_edns_refused(sv, &a, SEC);
	assert_true(servers_speaks_edns(sv, &a, SEC));
	servers_edns_refused(sv, &a, SEC);
	assert_false(servers_speaks_edns(sv, &a, 2 * SEC));
	assert_true(servers_speaks_edns(sv, &a, 902 * SEC));
	servers_free(sv);
}

static void
tcp_teaches_nothing_about_udp(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	struct servers_sample s = {
		.address = &a,
		.rtt_us = 90000,
		.tcp = true,
	};

	(void)state;
	answer(sv, &a, 10 * MS, SEC);
	servers_answered(sv, &s, SEC);
	assert_int_equal(look(sv, &a, SEC).est_us, 10 * MS);
	servers_free(sv);
}

static void
a_site_is_printed_without_hostile_octets(void **state)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1);
	uint8_t nsid[200];
	struct servers_sample s = {
		.address = &a,
		.rtt_us = 10000,
		.nsid = nsid,
		.nsid_len = sizeof(nsid),
	};
	struct server_view v;

	(void)state;
	memset(nsid, 'x', sizeof(nsid));
	nsid[1] = 0x1b;
	nsid[2] = 0xff;
	servers_answered(sv, &s, SEC);
	v = look(sv, &a, SEC);
	assert_int_equal(strlen(v.site), 64);
	assert_int_equal(strncmp(v.site, "x..x", 4), 0);
	servers_free(sv);
}

static void
no_memory_costs_knowledge_only(void **state)
{
	struct servers_opts o = { .max_entries = 100 };
	struct servers *sv = NULL;
	struct addr a = address(1);
	struct server_view v;

	(void)state;
	for (uint64_t i = 1; sv == NULL && i < 50; i++) {
		memory_fail_at(i);
		sv = servers_new(&o);
		memory_fail_at(0);
	}
	assert_non_null(sv);
	memory_fail_at(1);
	answer(sv, &a, 10 * MS, SEC);
	memory_fail_at(0);
	assert_false(servers_look(sv, &a, NULL, SEC, &v));
	o.max_entries = 0;
	assert_null(servers_new(&o));
	servers_free(sv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_known_once_heard_from),
		cmocka_unit_test(the_least_used_makes_room),
		cmocka_unit_test(a_fault_concerns_one_zone_and_backs_off),
		cmocka_unit_test(edns_is_given_up_after_two_in_agreement),
		cmocka_unit_test(tcp_teaches_nothing_about_udp),
		cmocka_unit_test(a_site_is_printed_without_hostile_octets),
		cmocka_unit_test(no_memory_costs_knowledge_only),
	};

	return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
