/* SPDX-License-Identifier: BSD-3-Clause */
/* test_query.c - what the hit path makes of a packet. RFC 1035, 6891, 7873. */
#include "support.h"

#include <string.h>

#include <hither/dns.h>

struct packet {
	uint8_t bytes[2048];
	size_t len;
};

static void
add(struct packet *p, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(p->bytes) - p->len);
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void
add_u16(struct packet *p, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(p, b, 2);
}

/* id 0x1234, RD, one question "wWw.example" AAAA IN. */
static struct packet
question(unsigned additional)
{
	struct packet p = { .len = 0 };

	add_u16(&p, 0x1234);
	add_u16(&p, FLAG_RD);
	add_u16(&p, 1);
	add_u16(&p, 0);
	add_u16(&p, 0);
	add_u16(&p, additional);
	add(&p, "\3wWw\7example", 13);
	add_u16(&p, TYPE_AAAA);
	add_u16(&p, CLASS_IN);
	return p;
}

static void
add_opt(struct packet *p, unsigned version, unsigned flags, unsigned rdlen)
{
	add(p, "", 1);
	add_u16(p, TYPE_OPT);
	add_u16(p, 1400);
	add_u16(p, version);
	add_u16(p, flags);
	add_u16(p, rdlen);
}

static enum query_verdict
read_packet(const struct packet *p, struct query *q)
{
	memset(q, 0xaa, sizeof(*q));
	return query_read(p->bytes, p->len, q);
}

static void
ordinary_question_is_read(void **state)
{
	struct packet p = question(0);
	struct query q;

	(void)state;
	assert_int_equal(read_packet(&p, &q), QUERY_OK);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags, FLAG_RD);
	assert_int_equal(q.qtype, TYPE_AAAA);
	assert_int_equal(q.qclass, CLASS_IN);
	assert_int_equal(q.question_end, p.len);
	assert_memory_equal(q.qname.wire, "\3wWw\7example", 13);
	assert_false(q.edns.present);
}

static void
short_packets_and_replies_get_silence(void **state)
{
	struct packet p = question(0);
	struct query q;

	(void)state;
	p.len = 11;
	assert_int_equal(read_packet(&p, &q), QUERY_SILENCE);
	p = question(0);
	p.bytes[2] |= 0x80;
	assert_int_equal(read_packet(&p, &q), QUERY_SILENCE);
}

static void
other_opcodes_are_not_implemented(void **state)
{
	struct packet p = question(0);
	struct query q;

	(void)state;
	p.bytes[2] = 0x20; /* NOTIFY */
	assert_int_equal(read_packet(&p, &q), QUERY_NOTIMP);
	assert_int_equal(q.opcode, 4);
	assert_int_equal(q.question_end, 0);
}

static void
every_truncation_is_an_error(void **state)
{
	struct packet p = question(1);
	struct query q;
	size_t whole;

	(void)state;
	add_opt(&p, 0, 0x8000, 12);
	add(&p,
	    "\0\12\0\10"
	    "12345678",
	    12);
	whole = p.len;
	assert_int_equal(read_packet(&p, &q), QUERY_OK);
	for (p.len = HEADER_BYTES; p.len < whole; p.len++)
		assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
	p.len = whole + 1;
	assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
}

static void
counts_must_be_those_of_a_question(void **state)
{
	static const struct {
		unsigned place, value;
	} wrong[] = { { 5, 0 }, { 5, 2 }, { 7, 1 }, { 9, 1 }, { 11, 1 },
		{ 4, 1 } };
	struct query q;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		struct packet p = question(0);

		p.bytes[wrong[i].place] = (uint8_t)wrong[i].value;
		assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
	}
}

static void
pointer_in_the_question_is_an_error(void **state)
{
	struct packet p = question(0);
	struct query q;

	(void)state;
	p.bytes[16] = 0xc0;
	p.bytes[17] = 12;
	assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
	assert_int_equal(q.question_end, 0);
	assert_int_equal(q.qname.wire[0], 0);
}

static void
edns_is_read(void **state)
{
	struct packet p = question(1);
	struct query q;

	(void)state;
	add_opt(&p, 0, 0x8000, 16);
	add(&p,
	    "\0\3\0\0"
	    "\0\12\0\10"
	    "12345678",
	    16);
	assert_int_equal(read_packet(&p, &q), QUERY_OK);
	assert_true(q.edns.present && q.edns.dnssec_ok && q.edns.wants_nsid);
	assert_null(q.edns.nsid);
	assert_int_equal(q.edns.udp_size, 1400);
	assert_int_equal(q.edns.cookie_len, 8);
	assert_memory_equal(q.edns.cookie, "12345678", 8);
}

static void
edns_version_one_is_badvers_with_its_question(void **state)
{
	struct packet p = question(1);
	struct query q;

	(void)state;
	add_opt(&p, 1, 0, 0);
	assert_int_equal(read_packet(&p, &q), QUERY_BADVERS);
	assert_true(q.question_end > 0 && q.edns.present);
}

static void
bad_option_lengths_are_errors(void **state)
{
	static const struct {
		const char *bytes;
		unsigned len;
	} bad[] = { { "\0\12\0\3"
		      "123",
			7 },
		{ "\0\12\0\11"
		  "123456789",
		    13 },
		{ "\0\3\0\5"
		  "abc",
		    7 },
		{ "\0\17\0\1x", 5 }, { "\0\3\0", 3 } };
	struct query q;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct packet p = question(1);

		add_opt(&p, 0, 0, bad[i].len);
		add(&p, bad[i].bytes, bad[i].len);
		assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
		assert_true(q.question_end > 0);
		assert_false(q.edns.present);
	}
}

static void
first_of_equal_options_counts_and_32_are_read(void **state)
{
	struct packet p = question(1);
	struct query q;
	unsigned i;

	(void)state;
	add_opt(&p, 0, 0, 2 * 12 + 30 * 4 + 12);
	add(&p,
	    "\0\12\0\10"
	    "firstone",
	    12);
	add(&p,
	    "\0\12\0\10"
	    "otherone",
	    12);
	for (i = 0; i < 30; i++)
		add(&p, "\xfd\xe9\0\0", 4);
	/* The 33rd, which nobody reads: a cookie of no length we know. */
	add(&p, "\0\12\0\1x\0\3\0\0\0\0\0", 12);
	assert_int_equal(read_packet(&p, &q), QUERY_OK);
	assert_memory_equal(q.edns.cookie, "firstone", 8);
	assert_false(q.edns.wants_nsid);
}

static void
additional_records_other_than_one_opt_are_errors(void **state)
{
	struct packet p = question(2), tsig = question(1);
	struct query q;

	(void)state;
	add_opt(&p, 0, 0, 0);
	add_opt(&p, 0, 0, 0);
	assert_int_equal(read_packet(&p, &q), QUERY_FORMERR);
	add_opt(&tsig, 0, 0, 0);
	tsig.bytes[tsig.len - 9] = TYPE_TSIG;
	assert_int_equal(read_packet(&tsig, &q), QUERY_FORMERR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_question_is_read),
		cmocka_unit_test(short_packets_and_replies_get_silence),
		cmocka_unit_test(other_opcodes_are_not_implemented),
		cmocka_unit_test(every_truncation_is_an_error),
		cmocka_unit_test(counts_must_be_those_of_a_question),
		cmocka_unit_test(pointer_in_the_question_is_an_error),
		cmocka_unit_test(edns_is_read),
		cmocka_unit_test(edns_version_one_is_badvers_with_its_question),
		cmocka_unit_test(bad_option_lengths_are_errors),
		cmocka_unit_test(first_of_equal_options_counts_and_32_are_read),
		cmocka_unit_test(
		    additional_records_other_than_one_opt_are_errors),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
