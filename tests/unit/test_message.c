/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_message.c - replies into record sets, and what must not get through.
 * RFC 1035 section 4, RFC 2181 section 5, RFC 3597, RFC 9267.
 */
#include "support.h"

#include <string.h>

#include <hither/dns.h>

#define QNAME_AT 12u

struct packet {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
};

/* Too big for a stack shared with others; each test starts it anew. */
static struct packet packet;

static void
add(const void *bytes, size_t len)
{
	assert_true(len <= sizeof(packet.bytes) - packet.len);
	memcpy(packet.bytes + packet.len, bytes, len);
	packet.len += len;
}

static void
add_u16(unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(b, 2);
}

/* A reply to "example.com" A with so many records a section. */
static void
start(unsigned answers, unsigned authorities, unsigned additional)
{
	packet.len = 0;
	add_u16(0x4242);
	add_u16(FLAG_QR | FLAG_AA);
	add_u16(1);
	add_u16(answers);
	add_u16(authorities);
	add_u16(additional);
	add("\7example\3com", 13);
	add_u16(TYPE_A);
	add_u16(CLASS_IN);
}

static void
add_fixed(unsigned type, uint32_t ttl, unsigned len)
{
	add_u16(type);
	add_u16(CLASS_IN);
	add_u16(ttl >> 16);
	add_u16(ttl & 0xffff);
	add_u16(len);
}

/* A record owned by the question's name. */
static void
add_record(unsigned type, uint32_t ttl, const void *rdata, unsigned len)
{
	add_u16(0xc000 | QNAME_AT);
	add_fixed(type, ttl, len);
	add(rdata, len);
}

static enum err
read_it(struct arena **a, struct message *m)
{
	arena_free(*a);
	*a = arena_new(4u << 20);
	assert_non_null(*a);
	return message_read(*a, packet.bytes, packet.len, m);
}

static void
assert_refused(void)
{
	struct arena *a = NULL;
	struct message m;

	assert_int_equal(read_it(&a, &m), ERR_FORMAT);
	arena_free(a);
}

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
	assert_memory_equal(
	    m.sets[SECTION_ANSWER][0]->owner, "\7example\3com", 13);
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

/* An RRSIG by "com" over `covered`; 18 + 5 + 1 octets. */
static void
add_rrsig(unsigned covered)
{
	uint8_t rdata[24] = { (uint8_t)(covered >> 8), (uint8_t)covered };

	memcpy(rdata + 18, "\3com", 5);
	rdata[23] = 's';
	add_record(TYPE_RRSIG, 100, rdata, sizeof(rdata));
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
	static const char rdata[] =
	    "\xc0\xfe\4host\xc0\xfe" "aaaabbbbccccddddeeee";
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
	assert_memory_equal(r->bytes, "\0\4host\1x\0" "aaaa", 13);
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
	add_record(TYPE_A, 1, "\1\1\1\1\xc0\14\0\1\0\1\0\0\0\1\0\4\6\6\6\6", 20);
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
		assert_int_equal(
		    read_it(&a, &m), hops == 63 ? ERR_OK : ERR_FORMAT);
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
	assert_int_equal(m.sets[SECTION_ANSWER][299]->owner[2], 0x80 | (299 & 63));
	arena_free(a);
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
		cmocka_unit_test(records_become_sets_with_the_least_ttl),
		cmocka_unit_test(
		    duplicates_are_dropped_whatever_the_owners_case),
		cmocka_unit_test(ttl_with_the_top_bit_is_zero),
		cmocka_unit_test(
		    signatures_join_what_they_cover_in_their_section),
		cmocka_unit_test(orphan_signatures_of_an_owner_are_one_set),
		cmocka_unit_test(compressed_names_in_rdata_are_expanded),
		cmocka_unit_test(
		    names_are_expanded_even_when_the_length_stays),
		cmocka_unit_test(unknown_types_stay_octets),
		cmocka_unit_test(rdata_of_a_wrong_length_is_refused),
		cmocka_unit_test(record_hidden_in_rdata_is_not_found),
		cmocka_unit_test(name_may_not_leave_its_rdata),
		cmocka_unit_test(pointers_lead_backwards_only),
		cmocka_unit_test(name_of_64_hops_is_read_and_of_65_is_not),
		cmocka_unit_test(names_past_255_octets_are_refused),
		cmocka_unit_test(reserved_label_types_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(opt_is_read_once_and_only_in_additional),
		cmocka_unit_test(other_classes_and_meta_types_are_left_out),
		cmocka_unit_test(
		    counts_the_bytes_cannot_bear_are_refused_early),
		cmocka_unit_test(reply_without_a_question_is_read),
		cmocka_unit_test(three_thousand_records_make_one_set),
		cmocka_unit_test(three_thousand_owners_make_as_many_sets),
		cmocka_unit_test(small_message_of_giant_names_hits_the_budget),
		cmocka_unit_test(full_arena_is_said_to_be_memory),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
