/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of local zones, views and the hosts file. */
#include "policy_support.h"

#include <stdio.h>
#include <string.h>

static struct local_zone
zone(struct name *n, const char *text, enum local_kind kind, uint8_t view)
{
	assert_int_equal(name_parse(text, n), ERR_OK);
	return (struct local_zone){ n->wire, kind, view };
}

/* The one address that was answered, as its last octet. */
static uint8_t
answered(const struct bench *b)
{
	const struct rrset *s;

	assert_int_equal(b->answer.rcode, RCODE_NOERROR);
	assert_int_equal(b->answer.counts[SECTION_ANSWER], 1);
	s = b->answer.sets[SECTION_ANSWER][0];
	return s->rdata[0].bytes[s->rdata[0].len - 1];
}

static void
assert_denied(const struct bench *b, uint8_t rcode)
{
	assert_int_equal(b->answer.rcode, rcode);
	assert_int_equal(b->answer.counts[SECTION_ANSWER], 0);
	assert_int_equal(b->answer.counts[SECTION_AUTHORITY], 1);
}

static void
kinds_differ_in_what_becomes_of_names_without_data(void **state)
{
	const char *const data[] = { "a.types.example. 60 IN A 192.0.2.1",
		"ads.example. 60 IN A 192.0.2.2",
		"a.empty.example. 60 IN A 192.0.2.3",
		"a.mute.example. 60 IN A 192.0.2.4" };
	struct name n[5];
	struct local_zone zones[] = {
		zone(&n[0], "types.example.", LOCAL_TYPETRANSPARENT, 0),
		zone(&n[1], "ads.example.", LOCAL_REDIRECT, 0),
		zone(&n[2], "empty.example.", LOCAL_NODATA, 0),
		zone(&n[3], "mute.example.", LOCAL_DROP, 0),
		zone(&n[4], "seen.example.", LOCAL_INFORM, 0),
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .data = data,
			    .data_count = ARRAY_LEN(data),
			    .zones = zones,
			    .zone_count = ARRAY_LEN(zones) });
	assert_int_equal(ask(&b, "a.types.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 1);
	assert_int_equal(ask(&b, "a.types.example.", TYPE_MX), POLICY_RESOLVE);
	assert_int_equal(ask(&b, "x.y.ads.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 2);
	assert_int_equal(name_labels(b.answer.sets[SECTION_ANSWER][0]->owner),
	    4);
	assert_int_equal(ask(&b, "x.ads.example.", TYPE_AAAA), POLICY_ANSWER);
	assert_denied(&b, RCODE_NOERROR);
	assert_int_equal(ask(&b, "a.empty.example.", TYPE_A), POLICY_ANSWER);
	assert_denied(&b, RCODE_NOERROR);
	assert_int_equal(ask(&b, "a.mute.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(ask(&b, "b.mute.example.", TYPE_A), POLICY_SILENCE);
	assert_int_equal(ask(&b, "b.seen.example.", TYPE_A), POLICY_RESOLVE);
	assert_true(b.inform);
	assert_int_equal(ask(&b, "elsewhere.example.", TYPE_A), POLICY_RESOLVE);
	assert_false(b.inform);
	bench_stop(&b);
}

static struct addr
client(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, 0, &a), ERR_OK);
	return a;
}

static void
a_view_has_names_of_its_own_and_shares_the_rest(void **state)
{
	const char *const all[] = { "www.example. 60 IN A 192.0.2.1",
		"all.example. 60 IN A 192.0.2.9" };
	const char *const inside[] = { "www.example. 60 IN A 10.0.0.2" };
	struct prefix nets[2];
	struct policy_view views[] = { { &nets[0], 1, inside, 1 },
		{ &nets[1], 1, NULL, 0 } };
	struct name n[2];
	struct local_zone zones[] = {
		zone(&n[0], "ads.example.", LOCAL_NXDOMAIN, 0),
		zone(&n[1], "ads.example.", LOCAL_TRANSPARENT, 2),
	};
	struct addr home, lab, other = client("198.51.100.7");
	struct bench b;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/8", &nets[0]), ERR_OK);
	assert_int_equal(prefix_parse("10.9.0.0/16", &nets[1]), ERR_OK);
	home = client("10.1.1.1");
	lab = client("10.9.1.1");
	bench_start(&b, &(struct policy_opts){ .data = all,
			    .data_count = ARRAY_LEN(all),
			    .zones = zones,
			    .zone_count = ARRAY_LEN(zones),
			    .views = views,
			    .view_count = ARRAY_LEN(views) });
	assert_int_equal(policy_view_of(b.policy, &home), 1);
	assert_int_equal(policy_view_of(b.policy, &lab), 2);
	assert_int_equal(policy_view_of(b.policy, &other), 0);
	b.client = &home;
	assert_int_equal(ask(&b, "www.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 2);
	assert_int_equal(ask(&b, "all.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 9);
	assert_int_equal(ask(&b, "ads.example.", TYPE_A), POLICY_ANSWER);
	assert_denied(&b, RCODE_NXDOMAIN);
	b.client = &lab;
	assert_int_equal(ask(&b, "www.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 1);
	assert_int_equal(ask(&b, "ads.example.", TYPE_A), POLICY_RESOLVE);
	b.client = &other;
	assert_int_equal(ask(&b, "www.example.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 1);
	bench_stop(&b);
}

static void
a_hosts_file_gives_names_and_points_back(void **state)
{
	static const char hosts[] = "# the house\n"
				    "192.0.2.5 printer.home Printer2 # old\n"
				    "\n"
				    "2001:db8::5\tprinter.home\r\n"
				    "not-an-address nobody\n"
				    "192.0.2.6 a..b good.home\n"
				    "192.0.2.7 last.home";
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .hosts = hosts,
			    .hosts_len = sizeof(hosts) - 1 });
	assert_int_equal(ask(&b, "printer.home.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 5);
	assert_int_equal(ask(&b, "PRINTER2.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 5);
	assert_int_equal(ask(&b, "printer.home.", TYPE_AAAA), POLICY_ANSWER);
	assert_int_equal(answered(&b), 5);
	assert_int_equal(ask(&b, "printer2.", TYPE_AAAA), POLICY_ANSWER);
	assert_denied(&b, RCODE_NOERROR);
	assert_int_equal(ask(&b, "good.home.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(ask(&b, "last.home.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 7);
	assert_int_equal(ask(&b, "nobody.", TYPE_A), POLICY_RESOLVE);
	assert_int_equal(ask(&b, "5.2.0.192.in-addr.arpa.", TYPE_PTR),
	    POLICY_ANSWER);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 1);
	assert_int_equal(ask(&b,
			     "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
			     "0.8.b.d.0.1.0.0.2.ip6.arpa.",
			     TYPE_PTR),
	    POLICY_ANSWER);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 1);
	bench_stop(&b);
}

static void
of_a_line_that_is_too_long_no_half_names_are_taken(void **state)
{
	char hosts[1200];
	size_t at = (size_t)snprintf(hosts, sizeof(hosts), "192.0.2.5");
	struct bench b;

	(void)state;
	while (at < 1100)
		at += (size_t)snprintf(hosts + at, sizeof(hosts) - at,
		    " name%zu.home.example", at);
	bench_start(&b,
	    &(struct policy_opts){ .hosts = hosts, .hosts_len = at });
	assert_int_equal(ask(&b, "name9.home.example.", TYPE_A), POLICY_ANSWER);
	/* Each prefix of a name is another name. */
	for (size_t cut = 1000; cut < 1100; cut++) {
		char word[64];
		size_t from = cut;

		while (hosts[from - 1] != ' ')
			from--;
		if (cut == from || hosts[cut] == ' ' || hosts[cut - 1] == '.')
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)(cut - from),
		    hosts + from);
		assert_int_equal(ask(&b, word, TYPE_A), POLICY_RESOLVE);
	}
	bench_stop(&b);
}

static void
blocklists_have_their_kinds(void **state)
{
	static const char *const data[] = { "x.n. 1 A 192.0.2.7",
		"x.r. 1 A 192.0.2.7", "x.d. 1 A 192.0.2.7" };
	struct name names[3];
	struct local_zone zones[3] = {
		zone(&names[0], "n.", LOCAL_ALWAYS_NULL, 0),
		zone(&names[1], "r.", LOCAL_ALWAYS_REFUSE, 0),
		zone(&names[2], "d.", LOCAL_INFORM_DROP, 0),
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .zones = zones,
			    .zone_count = 3,
			    .data = data,
			    .data_count = 3 });
	assert_int_equal(ask(&b, "x.n.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 0);
	assert_int_equal(ask(&b, "n.", TYPE_AAAA), POLICY_ANSWER);
	assert_int_equal(b.answer.sets[SECTION_ANSWER][0]->rdata[0].len, 16);
	assert_int_equal(ask(&b, "n.", TYPE_TXT), POLICY_ANSWER);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 0);
	assert_int_equal(b.answer.rcode, RCODE_NOERROR);
	assert_int_equal(ask(&b, "x.r.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(b.answer.rcode, RCODE_REFUSED);
	assert_false(b.answer.authoritative);
	assert_int_equal(ask(&b, "y.d.", TYPE_A), POLICY_SILENCE);
	assert_true(b.inform);
	assert_int_equal(ask(&b, "x.d.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(answered(&b), 7);
	bench_stop(&b);
}

static void
an_alias_that_leads_away_is_for_the_resolver(void **state)
{
	static const char *const data[] = { "a.home.arpa. 1 CNAME b.home.arpa.",
		"b.home.arpa. 1 CNAME www.example.", "c. 1 A 192.0.2.7",
		"loop.home.arpa. 1 CNAME loop.home.arpa." };
	static const char *const own[] = { "v. 1 CNAME a.home.arpa.",
		"w. 1 CNAME c." };
	struct prefix net;
	struct policy_view view = { &net, 1, own, 2 };
	struct addr client;
	struct policy_question q = { .client = &client, .qtype = TYPE_A };
	struct name n;
	struct bench b;

	(void)state;
	assert_int_equal(prefix_parse("192.0.2.0/24", &net), ERR_OK);
	assert_int_equal(addr_parse("192.0.2.1", 0, &client), ERR_OK);
	bench_start(&b, &(struct policy_opts){ .data = data,
			    .data_count = 4,
			    .views = &view,
			    .view_count = 1 });
	assert_int_equal(name_parse("v.", &n), ERR_OK);
	q.qname = n.wire;
	assert_int_equal(policy_answer(b.policy, &q, b.arena, &b.answer),
	    POLICY_FOLLOW);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 3);
	assert_memory_equal(q.target, "\003www\007example", 13);
	b.client = &client;
	assert_int_equal(ask(&b, "w.", TYPE_A), POLICY_ANSWER);
	assert_int_equal(b.answer.counts[SECTION_ANSWER], 2);
	assert_int_equal(ask(&b, "v.", TYPE_CNAME), POLICY_ANSWER);
	assert_int_equal(ask(&b, "loop.home.arpa.", TYPE_A), POLICY_ANSWER);
	bench_stop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    kinds_differ_in_what_becomes_of_names_without_data),
		cmocka_unit_test(
		    a_view_has_names_of_its_own_and_shares_the_rest),
		cmocka_unit_test(a_hosts_file_gives_names_and_points_back),
		cmocka_unit_test(
		    of_a_line_that_is_too_long_no_half_names_are_taken),
		cmocka_unit_test(blocklists_have_their_kinds),
		cmocka_unit_test(an_alias_that_leads_away_is_for_the_resolver),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
