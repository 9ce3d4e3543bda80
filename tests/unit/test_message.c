/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_message.c - replies into record sets.
 * RFC 1035 section 4, RFC 2181 section 5, RFC 3597, RFC 6891.
 */
#include "packet.h"

static void
records_become_sets_with_the_least_ttl(void **state)
{
	struct arena *a = NULL;
	struct message m;
	const struct rrset *s;

	(void)state;
	start(3, 0, 1);
	add_record(TYPE_A, 300, "\1\1\1\1", 4);
	add_record(TYPE_A, 60, "\1\1\1\2", 4);
	add_record(TYPE_AAAA, 9, "0123456789abcdef", 16);
	add_record(TYPE_A, 5, "\1\1\1\1", 4);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_true(m.has_question && m.qtype == TYPE_A && m.id == 0x4242);
	assert_int_equal(m.counts[SECTION_ANSWER], 2);
	assert_int_equal(m.counts[SECTION_ADDITIONAL], 1);
	s = m.sets[SECTION_ANSWER][0];
	assert_int_equal(s->type, TYPE_A);
	assert_int_equal(s->count, 2);
	assert_int_equal(s->ttl, 60);
	assert_memory_equal(s->rdata[1].bytes, "\1\1\1\2", 4);
	arena_free(a);
}

static void
duplicates_are_dropped_whatever_the_owners_case(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(2, 0, 0);
	add_record(TYPE_A, 300, "\1\1\1\1", 4);
	add("\7EXAMPLE\3com", 13);
	add_fixed(TYPE_A, 20, 4);
	add("\1\1\1\1", 4);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->count, 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->ttl, 20);
	assert_memory_equal(m.sets[SECTION_ANSWER][0]->owner, "\7example\3com",
	    13);
	arena_free(a);
}

static void
ttl_with_the_top_bit_is_zero(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(1, 0, 0);
	add_record(TYPE_A, 0x80000001u, "\1\1\1\1", 4);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->ttl, 0);
	arena_free(a);
}

static void
signatures_join_what_they_cover_in_their_section(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(3, 1, 0);
	add_rrsig(TYPE_A);
	add_record(TYPE_A, 300, "\1\1\1\1", 4);
	add_rrsig(TYPE_MX);
	add_rrsig(TYPE_A);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 2);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->type, TYPE_A);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->sig_count, 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->ttl, 100);
	assert_int_equal(m.sets[SECTION_ANSWER][1]->type, TYPE_RRSIG);
	assert_int_equal(m.counts[SECTION_AUTHORITY], 1);
	assert_int_equal(m.sets[SECTION_AUTHORITY][0]->type, TYPE_RRSIG);
	arena_free(a);
}

static void
orphan_signatures_of_an_owner_are_one_set(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(4, 0, 0);
	add_rrsig(TYPE_A);
	add_rrsig(TYPE_RRSIG);
	add_rrsig(TYPE_MX);
	add_rrsig(TYPE_MX);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->type, TYPE_RRSIG);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->count, 3);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->sig_count, 0);
	arena_free(a);
}

/* Many are found by tables, a few by looking at each. */
static void
few_and_many_records_come_to_the_same_sets(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	for (unsigned more = 0; more <= 20; more += 20) {
		const struct rrset *s;

		start(5 + more, 1, 0);
		add_rrsig(TYPE_MX);
		add_record(TYPE_A, 300, "\1\1\1\1", 4);
		add_rrsig(TYPE_A);
		add_record(TYPE_A, 200, "\1\1\1\1", 4);
		add_rrsig(TYPE_AAAA);
		for (unsigned i = 0; i < more; i++) {
			const uint8_t ip[4] = { 2, 2, 2, (uint8_t)i };

			add_record(TYPE_A, 250, ip, 4);
		}
		add_record(TYPE_A, 100, "\1\1\1\1", 4);
		assert_int_equal(read_it(&a, &m), ERR_OK);
		assert_int_equal(m.counts[SECTION_ANSWER], 2);
		assert_int_equal(m.counts[SECTION_AUTHORITY], 1);
		s = m.sets[SECTION_ANSWER][0];
		assert_int_equal(s->type, TYPE_RRSIG);
		assert_int_equal(s->count, 2);
		s = m.sets[SECTION_ANSWER][1];
		assert_int_equal(s->count, 1 + more);
		assert_int_equal(s->sig_count, 1);
		assert_int_equal(s->ttl, 100);
		s = m.sets[SECTION_AUTHORITY][0];
		assert_int_equal(s->count, 1);
		assert_int_equal(s->ttl, 100);
	}
	arena_free(a);
}

static void
compressed_names_in_rdata_are_expanded(void **state)
{
	struct arena *a = NULL;
	struct message m;
	const struct rdata *r;

	(void)state;
	start(2, 0, 0);
	add_record(TYPE_MX, 300, "\0\12\4mail\xc0\14", 9);
	add_record(TYPE_SRV, 300, "\0\1\0\2\0\3\xc0\14", 8);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	r = &m.sets[SECTION_ANSWER][0]->rdata[0];
	assert_int_equal(r->len, 20);
	assert_memory_equal(r->bytes, "\0\12\4mail\7example\3com", 20);
	assert_memory_equal(rdata_name(r, 2), "\4mail\7example\3com", 18);
	assert_int_equal(m.sets[SECTION_ANSWER][1]->rdata[0].len, 19);
	arena_free(a);
}

static void
names_are_expanded_even_when_the_length_stays(void **state)
{
	/* One pointer shrinks to the root, the other grows by as much. */
	static const char rdata[] = "\xc0\xfe\4host\xc0\xfe"
				    "aaaabbbbccccddddeeee";
	struct arena *a = NULL;
	struct message m;
	const struct rdata *r;
	size_t root_at, one_at;

	(void)state;
	start(2, 0, 0);
	add_record(65280, 1, "\1x\0", 3);
	one_at = packet.len - 3;
	root_at = packet.len - 1;
	add_record(TYPE_SOA, 1, rdata, 29);
	packet.bytes[packet.len - 28] = (uint8_t)root_at;
	packet.bytes[packet.len - 21] = (uint8_t)one_at;
	packet.bytes[packet.len - 29] = 0xc0;
	packet.bytes[packet.len - 22] = 0xc0;
	assert_int_equal(read_it(&a, &m), ERR_OK);
	r = &m.sets[SECTION_ANSWER][1]->rdata[0];
	assert_int_equal(r->len, 29);
	assert_memory_equal(r->bytes,
	    "\0\4host\1x\0"
	    "aaaa",
	    13);
	arena_free(a);
}

static void
unknown_types_stay_octets(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(1, 0, 0);
	add_record(65280, 300, "\xc0\14\xff", 3);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->rdata[0].len, 3);
	arena_free(a);
}

static void
opt_is_read_once_and_only_in_additional(void **state)
{
	static const char opt[] = "\0\0\51\4\320\1\0\200\0\0\6\0\17\0\2\0\26";
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(0, 0, 1);
	add(opt, 17);
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_true(m.edns.present && m.edns.dnssec_ok && m.edns.has_ede);
	assert_int_equal(m.edns.ede, 22);
	assert_int_equal(m.edns.udp_size, 1232);
	assert_int_equal(m.rcode, 16);
	arena_free(a);
	start(0, 0, 2);
	add(opt, 17);
	add(opt, 17);
	assert_refused();
	start(1, 0, 0);
	add(opt, 17);
	assert_refused();
}

static void
other_classes_and_meta_types_are_left_out(void **state)
{
	static const unsigned meta[] = { 0, 128, TYPE_TSIG, TYPE_ANY,
		TYPE_AXFR };
	struct arena *a = NULL;
	struct message m;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(meta); i++) {
		start(1, 0, 0);
		add_record(meta[i], 1, "abc", 3);
		assert_int_equal(read_it(&a, &m), ERR_OK);
		assert_int_equal(m.counts[SECTION_ANSWER], 0);
	}
	start(1, 0, 0);
	add_record(TYPE_A, 1, "abc", 3);
	packet.bytes[packet.len - 10] = CLASS_CH;
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 0);
	arena_free(a);
}

static void
reply_without_a_question_is_read(void **state)
{
	struct arena *a = NULL;
	struct message m;

	(void)state;
	start(0, 0, 0);
	packet.bytes[5] = 0;
	packet.len = HEADER_BYTES;
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_false(m.has_question);
	arena_free(a);
}

static void
three_thousand_records_make_one_set(void **state)
{
	struct arena *a = NULL;
	struct message m;
	unsigned i;

	(void)state;
	start(3000, 0, 0);
	for (i = 0; i < 3000; i++) {
		uint8_t ip[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };

		add_record(TYPE_A, 60, ip, 4);
	}
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->count, 3000);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->rdata[2999].bytes[3], 183);
	arena_free(a);
}

static void
three_thousand_owners_make_as_many_sets(void **state)
{
	struct arena *a = NULL;
	struct message m;
	unsigned i;

	(void)state;
	start(3000, 0, 0);
	for (i = 0; i < 3000; i++) {
		/* No letters, which would be equal in two cases. */
		uint8_t label[3] = { 2, (uint8_t)(0x80 | i >> 6),
			(uint8_t)(0x80 | (i & 63)) };

		add(label, 3);
		add_record(TYPE_A, 60, "\1\1\1\1", 4);
	}
	assert_int_equal(read_it(&a, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 3000);
	assert_int_equal(m.sets[SECTION_ANSWER][299]->owner[2],
	    0x80 | (299 & 63));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_become_sets_with_the_least_ttl),
		cmocka_unit_test(
		    duplicates_are_dropped_whatever_the_owners_case),
		cmocka_unit_test(ttl_with_the_top_bit_is_zero),
		cmocka_unit_test(
		    signatures_join_what_they_cover_in_their_section),
		cmocka_unit_test(orphan_signatures_of_an_owner_are_one_set),
		cmocka_unit_test(few_and_many_records_come_to_the_same_sets),
		cmocka_unit_test(compressed_names_in_rdata_are_expanded),
		cmocka_unit_test(names_are_expanded_even_when_the_length_stays),
		cmocka_unit_test(unknown_types_stay_octets),
		cmocka_unit_test(opt_is_read_once_and_only_in_additional),
		cmocka_unit_test(other_classes_and_meta_types_are_left_out),
		cmocka_unit_test(reply_without_a_question_is_read),
		cmocka_unit_test(three_thousand_records_make_one_set),
		cmocka_unit_test(three_thousand_owners_make_as_many_sets),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
