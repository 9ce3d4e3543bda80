/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../../src/resolve/reply.h"

#include "support.h"

/* A reply built from text, as a server of `zone` would have sent it. */
struct scene {
	struct arena *a;
	struct reply r;
	struct name zone, qname;
	struct rrset *sets[SECTION_COUNT][8];
};

static struct scene *
scene(const char *zone, const char *qname)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.a = arena_new(1 << 20);
	assert_int_equal(name_parse(zone, &s.zone), ERR_OK);
	assert_int_equal(name_parse(qname, &s.qname), ERR_OK);
	s.r.m.flags = FLAG_QR | FLAG_AA;
	for (int i = 0; i < SECTION_COUNT; i++)
		s.r.m.sets[i] = s.sets[i];
	return &s;
}

static void
says(struct scene *s, enum section where, const char *line)
{
	struct rrset *set = rrset_parse(s->a, line);

	assert_non_null(set);
	s->sets[where][s->r.m.counts[where]++] = set;
}

static enum reply_kind
judged(struct scene *s, uint16_t qtype)
{
	const struct asked q = { .zone = s->zone.wire,
		.qname = s->qname.wire,
		.qtype = qtype,
		.edns = true };
	const struct ttl_limits limits = { 0, 86400, 3600 };

	reply_scrub(&s->r.m, &q, &limits);
	reply_classify(&s->r, &q, s->a);
	return s->r.kind;
}

static void
the_set_asked_for_is_an_answer(void **state)
{
	struct scene *s = scene("example.", "www.example.");

	(void)state;
	says(s, SECTION_ANSWER, "www.example. 60 IN A 192.0.2.1");
	assert_int_equal(judged(s, TYPE_A), REPLY_ANSWER);
	assert_int_equal(s->r.path_count, 1);
	arena_free(s->a);
}

static void
an_alias_out_of_the_zone_is_followed_and_its_target_not_believed(void **state)
{
	struct scene *s = scene("example.", "www.example.");

	(void)state;
	says(s, SECTION_ANSWER, "www.example. 60 IN CNAME www.victim.");
	says(s, SECTION_ANSWER, "www.victim. 60 IN A 192.0.2.66");
	assert_int_equal(judged(s, TYPE_A), REPLY_ALIAS);
	assert_int_equal(s->r.path_count, 1);
	assert_int_equal(s->r.m.counts[SECTION_ANSWER], 1);
	arena_free(s->a);
}

static void
of_a_chain_only_the_first_alias_is_believed(void **state)
{
	struct scene *s = scene("example.", "a.example.");

	(void)state;
	says(s, SECTION_ANSWER, "b.example. 60 IN A 192.0.2.1");
	says(s, SECTION_ANSWER, "a.example. 60 IN CNAME b.example.");
	assert_int_equal(judged(s, TYPE_A), REPLY_ALIAS);
	assert_int_equal(s->r.path_count, 1);
	arena_free(s->a);
}

static void
an_alias_of_itself_is_bad(void **state)
{
	struct scene *s = scene("example.", "a.example.");

	(void)state;
	says(s, SECTION_ANSWER, "a.example. 60 IN CNAME A.example.");
	assert_int_equal(judged(s, TYPE_A), REPLY_BAD);
	arena_free(s->a);
}

static void
an_authoritative_nothing_without_soa_is_empty(void **state)
{
	struct scene *s = scene("example.", "a.example.");

	(void)state;
	assert_int_equal(judged(s, TYPE_A), REPLY_EMPTY);
	arena_free(s->a);
}

static void
a_dname_renames_what_lies_below_it(void **state)
{
	struct scene *s = scene("example.", "x.old.example.");
	struct name want;

	(void)state;
	says(s, SECTION_ANSWER, "old.example. 60 IN DNAME new.test.");
	assert_int_equal(judged(s, TYPE_A), REPLY_ALIAS);
	assert_int_equal(name_parse("x.new.test.", &want), ERR_OK);
	assert_true(name_equal(s->r.end.wire, want.wire));
	assert_int_equal(s->r.path_count, 2);
	assert_int_equal(s->r.path[1]->type, TYPE_CNAME);
	arena_free(s->a);
}

static void
name_servers_of_a_deeper_zone_are_a_referral(void **state)
{
	struct scene *s = scene("com.", "www.example.com.");

	(void)state;
	s->r.m.flags = FLAG_QR;
	says(s, SECTION_AUTHORITY, "example.com. 60 IN NS ns1.example.com.");
	says(s, SECTION_ADDITIONAL, "ns1.example.com. 60 IN A 192.0.2.1");
	says(s, SECTION_ADDITIONAL, "www.victim.com. 60 IN A 192.0.2.66");
	says(s, SECTION_ADDITIONAL, "ns.victim.net. 60 IN A 192.0.2.66");
	assert_int_equal(judged(s, TYPE_A), REPLY_REFERRAL);
	assert_int_equal(s->r.m.counts[SECTION_ADDITIONAL], 1);
	arena_free(s->a);
}

static void
referrals_upward_sideways_and_to_itself_are_lame(void **state)
{
	const char *const lame[] = { ". 60 IN NS a.root.", "com. 60 IN NS b.",
		"other.com. 60 IN NS c.", "example.com. 60 IN NS ns.d." };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lame); i++) {
		struct scene *s = scene("example.com.", "www.example.com.");

		s->r.m.flags = FLAG_QR;
		says(s, SECTION_AUTHORITY, lame[i]);
		assert_int_equal(judged(s, TYPE_A), REPLY_LAME);
		arena_free(s->a);
	}
}

static void
denials_are_told_apart_by_rcode(void **state)
{
	static const struct {
		uint16_t rcode;
		enum reply_kind want;
	} cases[] = { { RCODE_NOERROR, REPLY_NODATA },
		{ RCODE_NXDOMAIN, REPLY_NXDOMAIN } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s = scene("example.", "no.example.");

		s->r.m.rcode = cases[i].rcode;
		says(s, SECTION_AUTHORITY,
		    "example. 99999 IN SOA ns. host. 1 2 3 4 7200");
		assert_int_equal(judged(s, TYPE_A), cases[i].want);
		assert_non_null(s->r.soa);
		assert_int_equal(s->r.soa->ttl, 3600);
		arena_free(s->a);
	}
}

static void
a_denial_lives_as_long_as_the_lesser_of_ttl_and_minimum(void **state)
{
	static const struct {
		const char *soa;
		uint32_t ttl;
	} cases[] = { { "example. 600 IN SOA ns. host. 1 2 3 4 60", 60 },
		{ "example. 60 IN SOA ns. host. 1 2 3 4 600", 60 },
		{ "example. 0 IN SOA ns. host. 1 2 3 4 600", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s = scene("example.", "no.example.");

		says(s, SECTION_AUTHORITY, cases[i].soa);
		assert_int_equal(judged(s, TYPE_A), REPLY_NODATA);
		assert_int_equal(s->r.soa->ttl, cases[i].ttl);
		arena_free(s->a);
	}
}

static void
a_name_too_long_needs_a_dname_that_made_it(void **state)
{
	struct scene *s = scene("example.", "a.example.");

	(void)state;
	s->r.m.rcode = RCODE_YXDOMAIN;
	says(s, SECTION_ANSWER, "a.example. 60 IN A 192.0.2.1");
	assert_int_equal(judged(s, TYPE_A), REPLY_BAD);
	arena_free(s->a);
}

static void
codes_that_speak_of_the_server_are_told_apart(void **state)
{
	static const struct {
		uint16_t rcode;
		bool opt;
		enum reply_kind want;
	} cases[] = {
		{ RCODE_SERVFAIL, true, REPLY_SERVFAIL },
		{ RCODE_REFUSED, true, REPLY_REFUSED },
		{ RCODE_FORMERR, false, REPLY_NO_EDNS },
		{ RCODE_FORMERR, true, REPLY_BAD },
		{ RCODE_NOTIMP, false, REPLY_NO_EDNS },
		{ RCODE_BADVERS, true, REPLY_NO_EDNS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s = scene("example.", "www.example.");

		s->r.m.rcode = cases[i].rcode;
		s->r.m.edns.present = cases[i].opt;
		assert_int_equal(judged(s, TYPE_A), cases[i].want);
		arena_free(s->a);
	}
}

static void
a_truncated_reply_is_never_taken_for_complete(void **state)
{
	struct scene *s = scene("example.", "www.example.");

	(void)state;
	s->r.m.flags |= FLAG_TC;
	says(s, SECTION_ANSWER, "www.example. 60 IN A 192.0.2.1");
	assert_int_equal(judged(s, TYPE_A), REPLY_TRUNCATED);
	arena_free(s->a);
}

static void
a_resolver_in_the_place_of_a_server_is_lame(void **state)
{
	struct scene *s = scene("example.", "www.example.");

	(void)state;
	s->r.m.flags = FLAG_QR | FLAG_RA;
	says(s, SECTION_ANSWER, "www.example. 60 IN A 192.0.2.1");
	assert_int_equal(judged(s, TYPE_A), REPLY_RECURSIVE);
	arena_free(s->a);
}

static void
mixed_letters_stay_between_us_and_the_server(void **state)
{
	struct scene *s = scene("example.", "www.Shop.example.");
	const struct asked q = { .qname = s->qname.wire };
	static const char *const spelt[] = { "www.Shop.example.",
		"MAIL.Shop.example.", "example.", "other.test." };
	struct name n;

	(void)state;
	says(s, SECTION_ANSWER, "wWw.sHOP.eXAMPLE. 60 IN A 192.0.2.1");
	says(s, SECTION_ANSWER, "MAIL.sHOP.eXAMPLE. 60 IN A 192.0.2.1");
	says(s, SECTION_ANSWER, "eXAMPLE. 60 IN A 192.0.2.1");
	says(s, SECTION_ANSWER, "other.test. 60 IN A 192.0.2.1");
	reply_restore_case(&s->r.m, &q, s->a);
	for (size_t i = 0; i < ARRAY_LEN(spelt); i++) {
		assert_int_equal(name_parse(spelt[i], &n), ERR_OK);
		assert_memory_equal(s->sets[SECTION_ANSWER][i]->owner, n.wire,
		    name_bytes(n.wire));
	}
	arena_free(s->a);
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(the_set_asked_for_is_an_answer),
		cmocka_unit_test(
		    an_alias_out_of_the_zone_is_followed_and_its_target_not_believed),
		cmocka_unit_test(of_a_chain_only_the_first_alias_is_believed),
		cmocka_unit_test(an_alias_of_itself_is_bad),
		cmocka_unit_test(an_authoritative_nothing_without_soa_is_empty),
		cmocka_unit_test(a_dname_renames_what_lies_below_it),
		cmocka_unit_test(name_servers_of_a_deeper_zone_are_a_referral),
		cmocka_unit_test(
		    referrals_upward_sideways_and_to_itself_are_lame),
		cmocka_unit_test(denials_are_told_apart_by_rcode),
		cmocka_unit_test(
		    a_denial_lives_as_long_as_the_lesser_of_ttl_and_minimum),
		cmocka_unit_test(a_name_too_long_needs_a_dname_that_made_it),
		cmocka_unit_test(codes_that_speak_of_the_server_are_told_apart),
		cmocka_unit_test(mixed_letters_stay_between_us_and_the_server),
		cmocka_unit_test(a_truncated_reply_is_never_taken_for_complete),
		cmocka_unit_test(a_resolver_in_the_place_of_a_server_is_lame),
	};

	return cmocka_run_group_tests_name("classify", claims, NULL, NULL);
}
