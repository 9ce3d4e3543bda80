/* SPDX-License-Identifier: BSD-3-Clause */
/* What is answered without asking anybody. */
#include "policy_support.h"

#include <stdio.h>
#include <string.h>

static bool
is_answered(struct bench *b, const char *name, uint16_t type)
{
	return ask(b, name, type) == POLICY_ANSWER;
}

/* A negative answer of this RCODE with the SOA of this zone? */
static void
assert_negative(const struct bench *b, uint8_t rcode, const char *zone)
{
	const struct answer *a = &b->answer;
	struct name z;

	assert_int_equal(name_parse(zone, &z), ERR_OK);
	assert_int_equal(a->rcode, rcode);
	assert_int_equal(a->counts[SECTION_ANSWER], 0);
	assert_int_equal(a->counts[SECTION_AUTHORITY], 1);
	assert_int_equal(a->sets[SECTION_AUTHORITY][0]->type, TYPE_SOA);
	assert_true(name_equal(a->sets[SECTION_AUTHORITY][0]->owner, z.wire));
	assert_int_equal(soa_minimum(&a->sets[SECTION_AUTHORITY][0]->rdata[0]),
	    10800);
}

static const struct rrset *
only_answer(const struct bench *b)
{
	assert_int_equal(b->answer.rcode, RCODE_NOERROR);
	assert_int_equal(b->answer.counts[SECTION_ANSWER], 1);
	return b->answer.sets[SECTION_ANSWER][0];
}

/* --- special names ---------------------------------------------------- */

static void
ordinary_names_are_left_to_the_resolver(void **state)
{
	static const char *const names[] = { ".", "com.", "www.example.com.",
		"arpa.", "in-addr.arpa.", "1.2.0.192.in-addr.arpa.com.",
		"8.8.8.8.in-addr.arpa.", "15.172.in-addr.arpa.",
		"32.172.in-addr.arpa.", "63.100.in-addr.arpa.",
		"128.100.in-addr.arpa.", "ip6.arpa.", "f.ip6.arpa.",
		"localhost.example.", "xlocalhost.", "ipv4only.arpa." };
	struct bench b;
	size_t i;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	for (i = 0; i < ARRAY_LEN(names); i++)
		assert_false(is_answered(&b, names[i], TYPE_A));
	bench_stop(&b);
}

static void
localhost_is_the_loopback_address(void **state)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	assert_true(is_answered(&b, "LocalHost.", TYPE_A));
	assert_memory_equal(only_answer(&b)->rdata[0].bytes, v4, 4);
	assert_true(b.answer.authoritative);
	assert_true(is_answered(&b, "a.b.localhost.", TYPE_AAAA));
	assert_int_equal(only_answer(&b)->rdata[0].len, 16);
	assert_int_equal(only_answer(&b)->rdata[0].bytes[15], 1);
	assert_true(is_answered(&b, "localhost.", TYPE_MX));
	assert_negative(&b, RCODE_NOERROR, "localhost.");
	bench_stop(&b);
}

static void
special_zones_are_empty(void **state)
{
	static const char *const zones[] = { "invalid.", "test.", "local.",
		"onion.", "alt.", "home.arpa.", "service.arpa.",
		"10.in-addr.arpa.", "16.172.in-addr.arpa.",
		"31.172.in-addr.arpa.", "168.192.in-addr.arpa.",
		"64.100.in-addr.arpa.", "127.100.in-addr.arpa.",
		"254.169.in-addr.arpa.", "255.255.255.255.in-addr.arpa.",
		"d.f.ip6.arpa.", "b.e.f.ip6.arpa.",
		"8.b.d.0.1.0.0.2.ip6.arpa." };
	struct bench b;
	char name[128];
	size_t i;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	for (i = 0; i < ARRAY_LEN(zones); i++) {
		strcpy(name, "x.Y.");
		strcat(name, zones[i]);
		assert_true(is_answered(&b, name, TYPE_PTR));
		assert_negative(&b, RCODE_NXDOMAIN, zones[i]);
		assert_true(is_answered(&b, zones[i], TYPE_PTR));
		assert_negative(&b, RCODE_NOERROR, zones[i]);
		assert_true(is_answered(&b, zones[i], TYPE_SOA));
		assert_int_equal(only_answer(&b)->type, TYPE_SOA);
		assert_true(is_answered(&b, zones[i], TYPE_NS));
		assert_int_equal(only_answer(&b)->type, TYPE_NS);
	}
	bench_stop(&b);
}

static void
loopback_addresses_are_called_localhost(void **state)
{
	static const uint8_t localhost[] = "\011localhost";
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	assert_true(is_answered(&b, "1.0.0.127.in-addr.arpa.", TYPE_PTR));
	assert_true(
	    name_equal(rdata_name(&only_answer(&b)->rdata[0], 0), localhost));
	assert_true(is_answered(&b,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.ip6.arpa.",
	    TYPE_PTR));
	assert_true(
	    name_equal(rdata_name(&only_answer(&b)->rdata[0], 0), localhost));
	assert_true(is_answered(&b, "2.0.0.127.in-addr.arpa.", TYPE_PTR));
	assert_negative(&b, RCODE_NXDOMAIN, "127.in-addr.arpa.");
	assert_true(is_answered(&b, "0.127.in-addr.arpa.", TYPE_PTR));
	assert_negative(&b, RCODE_NOERROR, "127.in-addr.arpa.");
	bench_stop(&b);
}

static void
designated_resolvers_are_nodata(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	assert_true(is_answered(&b, "_dns.resolver.arpa.", TYPE_SVCB));
	assert_negative(&b, RCODE_NOERROR, "resolver.arpa.");
	bench_stop(&b);
}

static void
ds_of_a_zone_below_arpa_is_its_parents(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	assert_false(is_answered(&b, "home.arpa.", TYPE_DS));
	assert_false(is_answered(&b, "10.in-addr.arpa.", TYPE_DS));
	assert_true(is_answered(&b, "1.10.in-addr.arpa.", TYPE_DS));
	assert_true(is_answered(&b, "onion.", TYPE_DS));
	bench_stop(&b);
}

/* --- local zones and data --------------------------------------------- */

static void
local_data_answers_for_its_own_name_only(void **state)
{
	const char *const data[] = {
		"host.example.com. 300 IN A 192.0.2.1",
		"host.example.com. 200 IN A 192.0.2.2",
		"host.example.com. 300 IN A 192.0.2.1",
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .data = data, .data_count = 3 });
	assert_true(is_answered(&b, "HOST.example.com.", TYPE_A));
	assert_int_equal(only_answer(&b)->count, 2);
	assert_int_equal(only_answer(&b)->ttl, 200);
	assert_true(is_answered(&b, "host.example.com.", TYPE_AAAA));
	assert_negative(&b, RCODE_NOERROR, "host.example.com.");
	assert_false(is_answered(&b, "example.com.", TYPE_A));
	assert_false(is_answered(&b, "a.host.example.com.", TYPE_A));
	assert_false(is_answered(&b, "other.example.com.", TYPE_A));
	bench_stop(&b);
}

static struct local_zone
zone(struct name *n, const char *text, enum local_kind kind)
{
	assert_int_equal(name_parse(text, n), ERR_OK);
	return (struct local_zone){ .name = n->wire, .kind = kind };
}

static void
each_kind_of_zone_keeps_its_word(void **state)
{
	const char *const data[] = { "a.static.example. 60 IN A 192.0.2.1",
		"deep.in.static.example. 60 IN A 192.0.2.1",
		"a.refused.example. 60 IN A 192.0.2.2",
		"a.gone.example. 60 IN A 192.0.2.3" };
	struct name n[5];
	struct local_zone zones[] = {
		zone(&n[0], "static.example.", LOCAL_STATIC),
		zone(&n[1], "refused.example.", LOCAL_REFUSE),
		zone(&n[2], "gone.example.", LOCAL_NXDOMAIN),
		zone(&n[3], "open.static.example.", LOCAL_TRANSPARENT),
		zone(&n[4], "168.192.in-addr.arpa.", LOCAL_TRANSPARENT),
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .data = data,
			    .data_count = ARRAY_LEN(data),
			    .zones = zones,
			    .zone_count = ARRAY_LEN(zones) });
	assert_true(is_answered(&b, "a.static.example.", TYPE_A));
	assert_int_equal(only_answer(&b)->type, TYPE_A);
	assert_true(is_answered(&b, "in.static.example.", TYPE_A));
	assert_negative(&b, RCODE_NOERROR, "static.example.");
	assert_true(is_answered(&b, "b.static.example.", TYPE_A));
	assert_negative(&b, RCODE_NXDOMAIN, "static.example.");
	assert_false(is_answered(&b, "b.open.static.example.", TYPE_A));
	assert_true(is_answered(&b, "b.refused.example.", TYPE_A));
	assert_int_equal(b.answer.rcode, RCODE_REFUSED);
	assert_true(is_answered(&b, "a.refused.example.", TYPE_A));
	assert_int_equal(only_answer(&b)->type, TYPE_A);
	assert_true(is_answered(&b, "a.gone.example.", TYPE_A));
	assert_negative(&b, RCODE_NXDOMAIN, "gone.example.");
	assert_false(is_answered(&b, "1.1.168.192.in-addr.arpa.", TYPE_PTR));
	bench_stop(&b);
}

static void
local_aliases_are_followed_but_not_for_ever(void **state)
{
	const char *const data[] = { "a.home.arpa. 60 IN CNAME b.home.arpa.",
		"b.home.arpa. 60 IN A 192.0.2.1",
		"x.home.arpa. 60 IN CNAME y.home.arpa.",
		"y.home.arpa. 60 IN CNAME x.home.arpa." };
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .data = data,
			    .data_count = ARRAY_LEN(data) });
	assert_true(is_answered(&b, "a.home.arpa.", TYPE_A));
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 2);
	assert_true(is_answered(&b, "a.home.arpa.", TYPE_CNAME));
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 1);
	assert_true(is_answered(&b, "x.home.arpa.", TYPE_A));
	assert_in_range(b.answer.counts[SECTION_ANSWER], 2, 16);
	bench_stop(&b);
}

static void
bad_local_data_is_named(void **state)
{
	const char *const broken[] = { "a.example. IN A 192.0.2.1",
		"b.example. IN A not-an-address" };
	const char *const clash[] = { "a.example. IN A 192.0.2.1",
		"a.example. IN CNAME b.example." };
	const char *bad = NULL;

	(void)state;
	assert_null(
	    policy_new(&(struct policy_opts){ .data = broken, .data_count = 2 },
		&bad));
	assert_ptr_equal(bad, broken[1]);
	assert_null(
	    policy_new(&(struct policy_opts){ .data = clash, .data_count = 2 },
		&bad));
	assert_ptr_equal(bad, clash[1]);
}

static void
many_local_names_are_all_found(void **state)
{
	static struct name names[3000];
	static struct local_zone zones[3000];
	struct bench b;
	char text[64];
	unsigned i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		(void)snprintf(text, sizeof(text), "n%u.blocked.example.", i);
		zones[i] = zone(&names[i], text, LOCAL_NXDOMAIN);
	}
	bench_start(&b,
	    &(struct policy_opts){ .zones = zones, .zone_count = 3000 });
	for (i = 0; i < 3000; i++) {
		(void)snprintf(text, sizeof(text), "w.n%u.blocked.example.", i);
		assert_true(is_answered(&b, text, TYPE_A));
		assert_int_equal(b.answer.rcode, RCODE_NXDOMAIN);
	}
	assert_false(is_answered(&b, "n3000.blocked.example.", TYPE_A));
	bench_stop(&b);
}

static void
no_memory_is_no_policy(void **state)
{
	const char *const data[] = { "a.example. IN A 192.0.2.1" };
	struct access_rule rules[] = { rule("10.0.0.0/8", ACCESS_ALLOW) };
	struct policy_opts o = { .data = data,
		.data_count = 1,
		.access = rules,
		.access_count = 1 };
	struct policy *p = NULL;
	const char *bad;
	uint64_t n;

	(void)state;
	for (n = 1; p == NULL && n < 1000; n++) {
		memory_fail_at(n);
		p = policy_new(&o, &bad);
	}
	memory_fail_at(0);
	assert_non_null(p);
	assert_true(n > 4);
	policy_free(p);
}

/* --- the CHAOS class -------------------------------------------------- */

static uint8_t
chaos(struct bench *b, const char *name, uint16_t type)
{
	struct name n;

	assert_int_equal(name_parse(name, &n), ERR_OK);
	policy_chaos(b->policy, n.wire, type, b->arena, &b->answer);
	return b->answer.rcode;
}

static void
identity_and_version_are_told_when_configured(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b,
	    &(struct policy_opts){ .identity = "ns7", .version = "" });
	assert_int_equal(chaos(&b, "ID.server.", TYPE_TXT), RCODE_NOERROR);
	assert_memory_equal(only_answer(&b)->rdata[0].bytes, "\003ns7", 4);
	assert_int_equal(only_answer(&b)->rdata[0].len, 4);
	assert_int_equal(chaos(&b, "hostname.bind.", TYPE_TXT), RCODE_NOERROR);
	assert_int_equal(chaos(&b, "id.server.", TYPE_A), RCODE_NOERROR);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 0);
	assert_int_equal(chaos(&b, "version.bind.", TYPE_TXT), RCODE_REFUSED);
	assert_int_equal(chaos(&b, "authors.bind.", TYPE_TXT), RCODE_REFUSED);
	bench_stop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_are_left_to_the_resolver),
		cmocka_unit_test(localhost_is_the_loopback_address),
		cmocka_unit_test(special_zones_are_empty),
		cmocka_unit_test(loopback_addresses_are_called_localhost),
		cmocka_unit_test(designated_resolvers_are_nodata),
		cmocka_unit_test(ds_of_a_zone_below_arpa_is_its_parents),
		cmocka_unit_test(local_data_answers_for_its_own_name_only),
		cmocka_unit_test(each_kind_of_zone_keeps_its_word),
		cmocka_unit_test(local_aliases_are_followed_but_not_for_ever),
		cmocka_unit_test(bad_local_data_is_named),
		cmocka_unit_test(many_local_names_are_all_found),
		cmocka_unit_test(no_memory_is_no_policy),
		cmocka_unit_test(identity_and_version_are_told_when_configured),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
