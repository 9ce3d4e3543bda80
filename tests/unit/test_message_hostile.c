/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_message_hostile.c - what must not get through the message reader.
 * RFC 1035 section 4.1.4, RFC 9267.
 */
#include "packet.h"

static void
rdata_of_a_wrong_length_is_refused(void **state)
{
	static const struct {
		unsigned type, len;
		const char *rdata;
	} wrong[] = { { TYPE_A, 0, "" }, { TYPE_A, 3, "abc" },
		{ TYPE_A, 5, "abcde" }, { TYPE_AAAA, 15, "0123456789abcde" },
		{ TYPE_NS, 0, "" }, { TYPE_NS, 3, "\0\0\0" },
		{ TYPE_NS, 1, "\3" }, { TYPE_CNAME, 3, "\xc0\14x" },
		{ TYPE_MX, 2, "\0\1" }, { TYPE_SOA, 6, "\0\0\0\0\0\0" },
		{ TYPE_SRV, 6, "\0\0\0\0\0\0" }, { TYPE_TXT, 0, "" },
		{ TYPE_TXT, 3, "\5ab" }, { TYPE_DS, 4, "\0\0\0\0" },
		{ TYPE_DNSKEY, 4, "\0\0\3\15" }, { TYPE_DNAME, 2, "\xc0\xff" },
		{ TYPE_NSEC, 3, "\xc0\14\0" }, { TYPE_NSEC, 3, "\0\0\1" },
		{ TYPE_NSEC, 7, "\0\1\1\1\0\1\1" },
		{ TYPE_NSEC, 4, "\0\0\41\1" },
		{ TYPE_NSEC3, 6, "\1\0\0\0\0\0" },
		{ TYPE_NSEC3PARAM, 6, "\1\0\0\0\0\0" },
		{ TYPE_HTTPS, 4, "\0\1\xc0\14" }, { TYPE_HINFO, 1, "\0" },
		{ TYPE_RRSIG, 18, "\0\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		start(1, 0, 0);
		add_record(wrong[i].type, 1, wrong[i].rdata, wrong[i].len);
		assert_refused();
	}
}

static void
record_hidden_in_rdata_is_not_found(void **state)
{
	(void)state;
	start(1, 0, 0);
	add_record(TYPE_A, 1, "\1\1\1\1\xc0\14\0\1\0\1\0\0\0\1\0\4\6\6\6\6",
	    20);
	assert_refused();
}

static void
name_may_not_leave_its_rdata(void **state)
{
	(void)state;
	start(2, 0, 0);
	add_record(TYPE_NS, 1, "\3ab", 3); /* runs into the next owner */
	add_record(TYPE_A, 1, "\1\1\1\1", 4);
	assert_refused();
}

static void
pointers_lead_backwards_only(void **state)
{
	static const uint16_t targets[] = { 29, 30, 31, 33, 40, 0, 11, 0x3fff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(targets); i++) {
		start(1, 0, 0);
		add_u16(0xc000u | targets[i]);
		add_fixed(TYPE_A, 1, 4);
		add("\1\1\1\1", 4);
		assert_refused();
	}
}

/* An opaque record of `hops` names, each a label and a pointer to the last. */
static size_t
add_chain(unsigned hops)
{
	size_t last;
	unsigned i;

	add("", 1);
	add_fixed(65280, 1, 2 + 4 * hops);
	last = packet.len;
	add("\0\0", 2);
	for (i = 0; i < hops; i++) {
		size_t here = packet.len;

		add("\1x", 2);
		add_u16(0xc000u | (unsigned)last);
		last = here;
	}
	return last;
}

static void
name_of_64_hops_is_read_and_of_65_is_not(void **state)
{
	struct arena *a = NULL;
	struct message m;
	unsigned hops;

	(void)state;
	for (hops = 63; hops <= 64; hops++) {
		size_t last;

		start(2, 0, 0);
		last = add_chain(hops);
		add_u16(0xc000u | (unsigned)last); /* one more */
		add_fixed(TYPE_A, 1, 4);
		add("\1\1\1\1", 4);
		assert_int_equal(read_it(&a, &m),
		    hops == 63 ? ERR_OK : ERR_FORMAT);
	}
	arena_free(a);
}

static void
names_past_255_octets_are_refused(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		unsigned k;

		start(1, 0, 0);
		/* 13 octets of the question's name and 242 or 244 more. */
		for (k = 0; k < 121 + i; k++)
			add("\1x", 2);
		add_u16(0xc000 | QNAME_AT);
		add_fixed(TYPE_A, 1, 4);
		add("\1\1\1\1", 4);
		if (i == 1) {
			assert_refused();
		} else {
			struct arena *a = NULL;
			struct message m;

			assert_int_equal(read_it(&a, &m), ERR_OK);
			arena_free(a);
		}
	}
}

/* A question of n labels of one octet in place of the usual one. */
static void
start_long(unsigned answers, unsigned labels)
{
	start(answers, 0, 0);
	packet.len = QNAME_AT;
	for (unsigned i = 0; i < labels; i++)
		add("\1x", 2);
	add("", 1);
	add_u16(TYPE_A);
	add_u16(CLASS_IN);
}

static void
question_past_255_octets_or_of_a_pointer_is_refused(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start_long(0, 127);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(name_bytes(m.qname), 255);
	arena_free(a);
	start_long(0, 128);
	assert_refused();
	start(0, 0, 0);
	packet.len = QNAME_AT;
	add_u16(0xc000 | QNAME_AT);
	add_u16(TYPE_A);
	add_u16(CLASS_IN);
	add_u16(0);
	assert_refused();
}

static void
many_owners_named_as_a_giant_question_hit_the_budget(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start_long(4000, 127);
	for (unsigned i = 0; i < 4000; i++)
		add_record(TYPE_A, 60, "\1\1\1\1", 4);
	assert_int_equal(read_it(&a, &m), ERR_LIMIT);
	arena_free(a);
}

static void
reserved_label_types_are_refused(void **state)
{
	(void)state;
	start(1, 0, 0);
	add("\x41x\0", 3);
	add_fixed(TYPE_A, 1, 4);
	add("\1\1\1\1", 4);
	assert_refused();
}

static void
every_truncation_is_refused(void **state)
{
	size_t whole;

	(void)state;
	start(2, 1, 1);
	add_record(TYPE_A, 1, "\1\1\1\1", 4);
	add_rrsig(TYPE_A);
	add_record(TYPE_NS, 1, "\2ns\xc0\14", 5);
	add("\0\0\51\4\320\0\0\0\0\0\6\0\3\0\2ab", 17);
	whole = packet.len;
	for (packet.len = 0; packet.len < whole; packet.len++)
		assert_refused();
	packet.len = whole;
	add("x", 1);
	assert_refused();
}

static void
counts_the_bytes_cannot_bear_are_refused_early(void **state)
{
	(void)state;
	start(65535, 65535, 65535);
	assert_refused();
	start(0, 0, 0);
	packet.bytes[5] = 2;
	assert_refused();
}

static void
small_message_of_giant_names_hits_the_budget(void **state)
{
	struct arena *a = NULL;
	struct message m;
	unsigned i, k;

	(void)state;
	start(4000, 0, 0);
	for (k = 0; k < 120; k++)
		add("\1x", 2);
	add_record(TYPE_A, 60, "\1\1\1\1", 4);
	for (i = 1; i < 4000; i++) {
		add_u16(0xc000 | 29);
		add_fixed(TYPE_NS, 60, 2);
		add_u16(0xc000 | 29);
	}
	assert_int_equal(read_it(&a, &m), ERR_LIMIT);
	assert_true(arena_bytes(a) < 2u << 20);
	arena_free(a);
}

static void
full_arena_is_said_to_be_memory(void **state)
{
	struct message m;
	size_t bytes;

	(void)state;
	start(1, 0, 1);
	add_record(TYPE_NS, 1, "\2ns\xc0\14", 5);
	add_record(TYPE_A, 1, "\1\1\1\1", 4);
	for (bytes = 1; bytes < 2048; bytes += 7) {
		struct arena *a = arena_new(bytes);
		enum err e;

		assert_non_null(a);
		e = message_read(a, packet.bytes, packet.len, &m);
		assert_true(e == ERR_OK || (e == ERR_MEMORY && arena_over(a)));
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rdata_of_a_wrong_length_is_refused),
		cmocka_unit_test(record_hidden_in_rdata_is_not_found),
		cmocka_unit_test(name_may_not_leave_its_rdata),
		cmocka_unit_test(pointers_lead_backwards_only),
		cmocka_unit_test(name_of_64_hops_is_read_and_of_65_is_not),
		cmocka_unit_test(names_past_255_octets_are_refused),
		cmocka_unit_test(
		    question_past_255_octets_or_of_a_pointer_is_refused),
		cmocka_unit_test(
		    many_owners_named_as_a_giant_question_hit_the_budget),
		cmocka_unit_test(reserved_label_types_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(
		    counts_the_bytes_cannot_bear_are_refused_early),
		cmocka_unit_test(small_message_of_giant_names_hits_the_budget),
		cmocka_unit_test(full_arena_is_said_to_be_memory),
	};

	return cmocka_run_group_tests_name("message_hostile", tests, NULL,
	    NULL);
}
