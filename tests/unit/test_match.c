/* SPDX-License-Identifier: BSD-3-Clause */
/* test_match.c - which message is the reply to our question. */
#include "support.h"

#include <string.h>

#include "../../src/upstream/match.h"

static const uint8_t qname[] = "\3wWw\7eXample\3Org";

/* Header of a reply with one question, then www.example.org A IN. */
struct packet {
	uint8_t bytes[600];
	size_t len;
};

static struct packet
reply(void)
{
	static const uint8_t header[12] = { 0x12, 0x34, 0x84, 0x00, 0, 1 };
	struct packet p = { .len = 12 + sizeof(qname) + 4 };

	memcpy(p.bytes, header, 12);
	memcpy(p.bytes + 12, qname, sizeof(qname));
	p.bytes[12 + sizeof(qname) + 1] = TYPE_A;
	p.bytes[12 + sizeof(qname) + 3] = CLASS_IN;
	return p;
}

static enum match
judge(const struct packet *p, bool exact)
{
	struct expected e = { .qname = qname,
		.id = 0x1234,
		.qtype = TYPE_A,
		.exact_case = exact };

	return match_reply(&e, p->bytes, p->len);
}

static void
the_reply_to_our_question_matches(void **state)
{
	struct packet p = reply();

	(void)state;
	assert_int_equal(judge(&p, true), MATCH_YES);
}

static void
other_letters_are_suspect_only_when_ours_were_mixed(void **state)
{
	struct packet p = reply();

	(void)state;
	p.bytes[13] ^= 0x20;
	assert_int_equal(judge(&p, true), MATCH_CASE);
	assert_int_equal(judge(&p, false), MATCH_YES);
}

static void
every_wrong_field_is_a_mismatch(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} wrong[] = { { 0, 1 }, { 1, 1 }, { 2, 0x80 }, { 2, 0x08 }, { 5, 2 },
		{ 4, 1 }, { 12, 1 }, { 13, 1 }, { 12 + 4, 1 },
		{ 12 + sizeof(qname) + 1, 1 }, { 12 + sizeof(qname), 1 },
		{ 12 + sizeof(qname) + 3, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct packet p = reply();

		p.bytes[wrong[i].at] ^= wrong[i].flip;
		assert_int_equal(judge(&p, true), MATCH_NO);
	}
}

static void
a_label_length_is_no_letter(void **state)
{
	struct packet p = reply();

	(void)state;
	p.bytes[12] ^= 0x20;
	assert_int_equal(judge(&p, false), MATCH_NO);
}

static void
every_cut_of_a_reply_is_a_mismatch(void **state)
{
	struct packet p = reply();
	size_t whole = p.len;

	(void)state;
	for (p.len = 0; p.len < whole; p.len++)
		assert_int_equal(judge(&p, true), MATCH_NO);
}

static void
only_errors_may_lack_the_question(void **state)
{
	static const int errors[] = { RCODE_FORMERR, RCODE_SERVFAIL,
		RCODE_NOTIMP, RCODE_REFUSED };

	(void)state;
	for (uint8_t rcode = 0; rcode < 16; rcode++) {
		struct packet p = reply();
		enum match expect = MATCH_NO;

		p.bytes[5] = 0;
		p.bytes[3] = rcode;
		p.len = 12;
		for (size_t i = 0; i < ARRAY_LEN(errors); i++)
			if (errors[i] == rcode)
				expect = MATCH_YES;
		assert_int_equal(judge(&p, true), expect);
		p.bytes[0] ^= 1;
		assert_int_equal(judge(&p, true), MATCH_NO);
	}
}

/* Adds an A record and an OPT with a padding option and NSID "ab". */
static void
add_opt(struct packet *p)
{
	static const uint8_t tail[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4,
		192, 0, 2, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 12, 0, 1,
		0, 0, 3, 0, 2, 'a', 'b' };

	p->bytes[7] = 1;
	p->bytes[11] = 1;
	memcpy(p->bytes + p->len, tail, sizeof(tail));
	p->len += sizeof(tail);
}

static void
the_nsid_is_found_behind_other_records(void **state)
{
	struct packet p = reply();
	struct opt_seen opt;

	(void)state;
	add_opt(&p);
	match_opt(p.bytes, p.len, &opt);
	assert_true(opt.present);
	assert_int_equal(opt.nsid_len, 2);
	assert_memory_equal(opt.nsid, "ab", 2);
}

static void
a_cut_opt_is_not_seen(void **state)
{
	struct packet p = reply();
	struct opt_seen opt;
	size_t bare = p.len;

	(void)state;
	add_opt(&p);
	for (size_t len = 0; len < p.len; len++) {
		match_opt(p.bytes, len, &opt);
		assert_false(opt.present);
	}
	p.bytes[11] = 0;
	match_opt(p.bytes, p.len, &opt);
	assert_false(opt.present);
	match_opt(p.bytes, bare, &opt);
	assert_false(opt.present);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reply_to_our_question_matches),
		cmocka_unit_test(
		    other_letters_are_suspect_only_when_ours_were_mixed),
		cmocka_unit_test(every_wrong_field_is_a_mismatch),
		cmocka_unit_test(a_label_length_is_no_letter),
		cmocka_unit_test(every_cut_of_a_reply_is_a_mismatch),
		cmocka_unit_test(only_errors_may_lack_the_question),
		cmocka_unit_test(the_nsid_is_found_behind_other_records),
		cmocka_unit_test(a_cut_opt_is_not_seen),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
