/* SPDX-License-Identifier: BSD-3-Clause */
/* A packed answer becomes the reply to one client. */
#include "support.h"

#include <string.h>

#include "../../src/front/pack.h"
#include "../../src/front/reply.h"

static const uint8_t example[] = "\003www\007example\003com";
static const uint8_t spelt[] = "\003wWw\007eXample\003COM";

static const struct remark silent = { .ede = EDE_NONE };

static struct asked
asked(uint16_t flags, uint16_t limit)
{
	return (struct asked){ .qname = spelt,
		.id = 0x1234,
		.flags = flags,
		.qtype = TYPE_A,
		.qclass = CLASS_IN,
		.limit = limit,
		.has_question = true };
}

/* An answer of n addresses, secure, into buf. */
static size_t
packed_addresses(uint8_t *buf, uint16_t n)
{
	static uint8_t ips[200][4];
	static struct rdata rdata[200];
	struct rrset set = { .owner = example,
		.rdata = rdata,
		.ttl = 300,
		.type = TYPE_A,
		.count = n };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets[SECTION_ANSWER] = sets,
		.counts[SECTION_ANSWER] = 1,
		.secure = true,
		.ede = EDE_NONE };
	struct pack_opts o = { .qname = example,
		.qtype = TYPE_A,
		.qclass = CLASS_IN,
		.minimal = true };
	struct packed p;
	uint16_t i;

	for (i = 0; i < n; i++) {
		ips[i][0] = 10;
		ips[i][3] = (uint8_t)i;
		rdata[i] = (struct rdata){ ips[i], 4 };
	}
	assert_true(pack_answer(&a, &o, buf, PACK_MAX, &p));
	return p.len;
}

static unsigned
flags_of(const uint8_t *m)
{
	return (unsigned)m[2] << 8 | m[3];
}

/* Reads it back: whatever leaves must be well formed. */
static void
read_back(struct arena *a, const uint8_t *m, size_t len, struct message *out)
{
	arena_reset(a);
	assert_int_equal(message_read(a, m, len, out), ERR_OK);
}

struct room {
	struct arena *arena;
	uint8_t packed[MESSAGE_MAX], out[MESSAGE_MAX];
};

static int
room_open(void **state)
{
	struct room *r = memory_new(sizeof(*r));

	r->arena = arena_new(1 << 20);
	*state = r;
	return 0;
}

static int
room_close(void **state)
{
	struct room *r = *state;

	arena_free(r->arena);
	memory_free(r);
	return 0;
}

static void
a_reply_carries_id_flags_and_letter_case_of_its_question(void **state)
{
	struct room *r = *state;
	struct asked q = asked(FLAG_RD | FLAG_CD, 512);
	size_t len = packed_addresses(r->packed, 2);
	struct message m;

	len = reply_write(&q, &silent, r->packed, len, r->out);
	read_back(r->arena, r->out, len, &m);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.flags & 0xfff0,
	    FLAG_QR | FLAG_RD | FLAG_RA | FLAG_CD);
	assert_true(name_same_case(m.qname, spelt));
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->count, 2);
	assert_true(name_same_case(m.sets[SECTION_ANSWER][0]->owner, spelt));
	assert_false(m.edns.present);
}

static void
rd_and_cd_are_not_invented(void **state)
{
	struct room *r = *state;
	struct asked q = asked(0, 512);
	size_t len = packed_addresses(r->packed, 2);

	(void)reply_write(&q, &silent, r->packed, len, r->out);
	assert_int_equal(flags_of(r->out), FLAG_QR | FLAG_RA);
}

static void
ad_is_for_those_who_asked_for_it(void **state)
{
	struct room *r = *state;
	struct asked plain = asked(FLAG_RD, 512);
	struct asked by_ad = asked(FLAG_RD | FLAG_AD, 512);
	struct asked by_do = asked(FLAG_RD, 1232);
	size_t len = packed_addresses(r->packed, 2);

	by_do.edns = by_do.dnssec_ok = true;
	(void)reply_write(&plain, &silent, r->packed, len, r->out);
	assert_int_equal(flags_of(r->out) & FLAG_AD, 0);
	(void)reply_write(&by_ad, &silent, r->packed, len, r->out);
	assert_int_equal(flags_of(r->out) & FLAG_AD, FLAG_AD);
	(void)reply_write(&by_do, &silent, r->packed, len, r->out);
	assert_int_equal(flags_of(r->out) & FLAG_AD, FLAG_AD);
}

static void
an_opt_answers_an_opt(void **state)
{
	struct room *r = *state;
	struct asked q = asked(FLAG_RD, 1232);
	struct remark m = { .nsid = (const uint8_t *)"node",
		.nsid_len = 4,
		.ede = EDE_STALE_ANSWER,
		.why = "old but good" };
	size_t len = packed_addresses(r->packed, 2);
	struct message got;

	q.edns = q.dnssec_ok = q.wants_nsid = true;
	len = reply_write(&q, &m, r->packed, len, r->out);
	read_back(r->arena, r->out, len, &got);
	assert_true(got.edns.present);
	assert_true(got.edns.dnssec_ok);
	assert_int_equal(got.edns.version, 0);
	assert_int_equal(got.edns.udp_size, EDNS_UDP_SIZE);
	assert_int_equal(got.edns.nsid_len, 4);
	assert_memory_equal(got.edns.nsid, "node", 4);
	assert_true(got.edns.has_ede);
	assert_int_equal(got.edns.ede, EDE_STALE_ANSWER);
	q.wants_nsid = false;
	len = packed_addresses(r->packed, 2);
	len = reply_write(&q, &m, r->packed, len, r->out);
	read_back(r->arena, r->out, len, &got);
	assert_int_equal(got.edns.nsid_len, 0);
}

static void
no_reply_is_longer_than_the_client_can_take(void **state)
{
	struct room *r = *state;
	struct remark m = { .nsid = (const uint8_t *)"a-rather-long-name",
		.nsid_len = 18,
		.ede = EDE_OTHER,
		.why = "words and words and words and words and words" };
	struct message got;
	uint16_t n;

	for (n = 1; n < 120; n++) {
		size_t packed = packed_addresses(r->packed, n), len;
		uint16_t limit = n % 2 ? 512 : 1232;
		struct asked q = asked(FLAG_RD | FLAG_AD, limit);
		bool fits;

		q.edns = n % 3 != 0;
		q.wants_nsid = true;
		fits = packed + (q.edns ? 11 : 0) <= limit;
		memset(r->out, 0xa5, sizeof(r->out));
		len = reply_write(&q, &m, r->packed, packed, r->out);
		assert_true(len <= limit);
		assert_int_equal(r->out[limit], 0xa5);
		read_back(r->arena, r->out, len, &got);
		assert_int_equal((got.flags & FLAG_TC) == 0, fits);
		assert_int_equal(got.counts[SECTION_ANSWER], fits ? 1 : 0);
		assert_int_equal(got.edns.present, q.edns);
		assert_true(name_same_case(got.qname, spelt));
	}
}

static void
truncation_works_in_place(void **state)
{
	struct room *r = *state;
	struct asked q = asked(FLAG_RD, 512);
	size_t len = packed_addresses(r->out, 60);
	struct message got;

	len = reply_write(&q, &silent, r->out, len, r->out);
	assert_int_equal(len, 12 + sizeof(example) + 4);
	read_back(r->arena, r->out, len, &got);
	assert_true((got.flags & FLAG_TC) != 0);
}

static void
errors_repeat_the_question_if_there_was_one(void **state)
{
	struct room *r = *state;
	struct asked q = asked(FLAG_RD, 512);
	struct message got;
	size_t len = reply_error(&q, &silent, RCODE_REFUSED, r->out);

	read_back(r->arena, r->out, len, &got);
	assert_int_equal(got.rcode, RCODE_REFUSED);
	assert_true(got.has_question);
	q.has_question = false;
	q.flags = FLAG_RD | 5u << 11;
	len = reply_error(&q, &silent, RCODE_NOTIMP, r->out);
	assert_int_equal(len, HEADER_BYTES);
	assert_int_equal(flags_of(r->out),
	    FLAG_QR | FLAG_RD | FLAG_RA | 5u << 11 | RCODE_NOTIMP);
}

static void
a_later_edns_version_is_told_which_one_we_speak(void **state)
{
	struct room *r = *state;
	struct asked q = asked(FLAG_RD, 512);
	struct message got;
	size_t len;

	q.edns = true;
	len = reply_error(&q, &silent, RCODE_BADVERS, r->out);
	read_back(r->arena, r->out, len, &got);
	assert_int_equal(got.rcode, RCODE_BADVERS);
	assert_int_equal(got.edns.version, 0);
}

static void
the_limit_follows_transport_and_edns(void **state)
{
	struct query q = { .question_end = 30 };
	struct asked a;

	(void)state;
	asked_from_query(&a, &q, true);
	assert_int_equal(a.limit, 512);
	asked_from_query(&a, &q, false);
	assert_int_equal(a.limit, MESSAGE_MAX);
	q.edns.present = true;
	q.edns.udp_size = 100;
	asked_from_query(&a, &q, true);
	assert_int_equal(a.limit, 512);
	q.edns.udp_size = 900;
	asked_from_query(&a, &q, true);
	assert_int_equal(a.limit, 900);
	q.edns.udp_size = 4096;
	asked_from_query(&a, &q, true);
	assert_int_equal(a.limit, 1232);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_reply_carries_id_flags_and_letter_case_of_its_question),
		cmocka_unit_test(rd_and_cd_are_not_invented),
		cmocka_unit_test(ad_is_for_those_who_asked_for_it),
		cmocka_unit_test(an_opt_answers_an_opt),
		cmocka_unit_test(no_reply_is_longer_than_the_client_can_take),
		cmocka_unit_test(truncation_works_in_place),
		cmocka_unit_test(errors_repeat_the_question_if_there_was_one),
		cmocka_unit_test(
		    a_later_edns_version_is_told_which_one_we_speak),
		cmocka_unit_test(the_limit_follows_transport_and_edns),
	};

	return cmocka_run_group_tests_name("reply", tests, room_open,
	    room_close);
}
