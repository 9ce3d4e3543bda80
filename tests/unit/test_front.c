/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients: a question in, an answer out. */
#include "support.h"

#include <stdio.h>

#include "front_house.h"

static void
a_miss_is_resolved_and_then_a_hit(void **state)
{
	struct house *h = *state;
	struct asking q = plain("Www.eXample.");
	struct front_counts before = counts(h);
	struct message m;
	struct name n;
	int i;

	assert_int_equal(name_parse(q.name, &n), ERR_OK);
	for (i = 0; i < 20; i++) {
		ask(h, &q, &m);
		assert_int_equal(m.rcode, RCODE_NOERROR);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
		assert_true(name_same_case(m.qname, n.wire));
		assert_int_equal(m.flags & 0xfff0, FLAG_QR | FLAG_RD | FLAG_RA);
	}
	assert_true(counts(h).hits - before.hits >= 17);
}

static void
read_whole(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		ssize_t got;

		assert_int_equal(poll(&pf, 1, 2000), 1);
		got = recv(fd, p, n, 0);
		assert_true(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

static size_t
send_stream(struct house *h, const uint8_t *bytes, size_t len)
{
	int fd = client_socket(h, SOCK_STREAM);
	uint8_t buf[514] = { 0, (uint8_t)len }, size[2];
	size_t n;

	memcpy(buf + 2, bytes, len);
	assert_int_equal(send(fd, buf, len + 2, 0), (ssize_t)len + 2);
	read_whole(fd, size, 2);
	n = (size_t)size[0] << 8 | size[1];
	assert_in_range(n, HEADER_BYTES, sizeof(h->reply));
	read_whole(fd, h->reply, n);
	(void)close(fd);
	return n;
}

static size_t
exchange(struct house *h, const uint8_t *bytes, size_t len, bool tcp)
{
	return tcp ? send_stream(h, bytes, len)
		   : send_bytes(h, bytes, len, false);
}

/* The Z bit says nothing, but is not common: batch.c answers then. */
static bool
both_ways_agree(struct house *h, uint8_t *buf, size_t len, bool tcp)
{
	uint8_t quick[2048];
	size_t n = 0, i;
	bool same;

	for (i = 0; i < 3; i++)
		n = exchange(h, buf, len, tcp);
	memcpy(quick, h->reply, n);
	buf[3] |= 0x40;
	same = n > 0 && exchange(h, buf, len, tcp) == n &&
	       memcmp(quick, h->reply, n) == 0;
	buf[3] &= 0xbf;
	return same;
}

static void
the_quick_way_and_the_long_way_agree(void **state)
{
	static const uint16_t sizes[] = { 0, 100, 512, 600, 1232, 4096 };
	struct house *h = *state;
	uint8_t buf[512];
	size_t i, len;

	for (i = 0; i < 8 * ARRAY_LEN(sizes); i++) {
		struct asking q =
		    plain(i % 3 == 0 ? "Quick.exAmple." : "big.example.");

		q.udp_size = sizes[i / 8];
		q.flags |= (i & 1) != 0 ? FLAG_AD : 0;
		q.flags |= (i & 2) != 0 ? FLAG_CD : 0;
		len = question(&q, buf);
		if (q.udp_size != 0 && (i & 4) != 0)
			buf[len - 4] = 0x80; /* DO */
		/* Once more when a second passed between the two. */
		assert_true(both_ways_agree(h, buf, len, false) ||
			    both_ways_agree(h, buf, len, false));
		assert_true(both_ways_agree(h, buf, len, true) ||
			    both_ways_agree(h, buf, len, true));
	}
}

static void
questions_find_their_owner_on_another_worker(void **state)
{
	struct house *h = *state;
	struct front_counts before = counts(h);
	struct message m;
	char name[64];
	int i;

	for (i = 0; i < 200; i++) {
		struct asking q = plain(name);

		(void)snprintf(name, sizeof(name), "n%d.example.", i);
		ask(h, &q, &m);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
	}
	assert_int_equal(counts(h).misses - before.misses, 200);
	assert_in_range(counts(h).handed_over - before.handed_over, 50, 150);
}

static void
failures_say_why(void **state)
{
	struct house *h = *state;
	struct asking q = plain("broken.example.");
	struct message m;

	q.udp_size = 1232;
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_SERVFAIL);
	assert_int_equal(m.edns.ede, EDE_NO_REACHABLE_AUTHORITY);
}

static void
a_question_sent_again_is_answered_once(void **state)
{
	struct house *h = *state;
	struct asking q = plain("mute.example.");
	uint64_t before = resolved(h);
	int fd = client_socket(h, SOCK_DGRAM), i;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[512];
	size_t len = question(&q, buf);

	for (i = 0; i < 5; i++)
		assert_int_equal(send(fd, buf, len, 0), (ssize_t)len);
	assert_int_equal(poll(&p, 1, 200), 0);
	assert_int_equal(resolved(h) - before, 1);
	(void)close(fd);
}

static void
what_does_not_fit_leaves_with_tc(void **state)
{
	struct house *h = *state;
	struct asking q = plain("big.example.");
	struct message m;
	int i;

	for (i = 0; i < 4; i++) {
		ask(h, &q, &m);
		assert_true((m.flags & FLAG_TC) != 0);
		assert_int_equal(m.counts[SECTION_ANSWER], 0);
	}
	assert_true(counts(h).hits > 0);
	assert_true(counts(h).truncated >= 4);
}

static void
streams_carry_the_long_answers(void **state)
{
	struct house *h = *state;
	struct asking q = plain("big.example.");
	int fd = client_socket(h, SOCK_STREAM), i;
	uint8_t buf[514], size[2], got[4096];
	size_t len = question(&q, buf + 2);
	struct message m;

	buf[0] = 0;
	buf[1] = (uint8_t)len;
	for (i = 0; i < 3; i++) {
		size_t n;

		assert_int_equal(send(fd, buf, len + 2, 0), (ssize_t)len + 2);
		read_whole(fd, size, 2);
		n = (size_t)size[0] << 8 | size[1];
		assert_in_range(n, 1600, sizeof(got));
		read_whole(fd, got, n);
		arena_reset(h->arena);
		assert_int_equal(message_read(h->arena, got, n, &m), ERR_OK);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
	}
	(void)close(fd);
}

static void
local_names_never_reach_the_resolver(void **state)
{
	struct house *h = *state;
	uint64_t before = resolved(h);
	struct asking q = plain("printer.home.arpa.");
	struct message m;

	ask(h, &q, &m);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_true((m.flags & FLAG_AA) != 0);
	q.name = "nothing.home.arpa.";
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_NXDOMAIN);
	q.name = "id.server.";
	q.class = CLASS_CH;
	q.type = TYPE_TXT;
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_NOERROR);
	assert_int_equal(resolved(h), before);
}

struct oddity {
	struct asking q;
	uint16_t rcode;
};

static void
odd_questions_are_told_so(void **state)
{
	static const struct oddity odd[] = {
		{ { "a.example.", TYPE_A, 254, FLAG_RD, 0, 0 }, RCODE_REFUSED },
		{ { "a.example.", TYPE_AXFR, 1, FLAG_RD, 0, 0 },
		    RCODE_REFUSED },
		{ { "a.example.", TYPE_MAILB, 1, FLAG_RD, 0, 0 },
		    RCODE_NOTIMP },
		{ { "a.example.", TYPE_OPT, 1, FLAG_RD, 0, 0 }, RCODE_NOTIMP },
		{ { "a.example.", 0, 1, FLAG_RD, 0, 0 }, RCODE_FORMERR },
		{ { "a.example.", TYPE_A, 1, 0, 0, 0 }, RCODE_REFUSED },
		{ { "a.example.", TYPE_A, 1, FLAG_RD, 1232, 1 },
		    RCODE_BADVERS },
		{ { "a.example.", TYPE_A, 1, FLAG_RD | 4u << 11, 0, 0 },
		    RCODE_NOTIMP },
	};
	struct house *h = *state;
	uint64_t before = resolved(h);
	struct message m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(odd); i++) {
		ask(h, &odd[i].q, &m);
		assert_int_equal(m.rcode, odd[i].rcode);
		assert_int_equal(m.counts[SECTION_ANSWER], 0);
	}
	assert_int_equal(resolved(h), before);
}

static void
any_gets_one_small_record(void **state)
{
	struct house *h = *state;
	struct asking q = plain("a.example.");
	struct message m;

	q.type = TYPE_ANY;
	ask(h, &q, &m);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->type, TYPE_HINFO);
}

static void
some_packets_get_no_answer(void **state)
{
	struct house *h = *state;
	struct asking q = plain("a.example.");
	struct front_counts before = counts(h);
	uint8_t buf[512];
	size_t len;

	q.flags |= FLAG_QR;
	len = question(&q, buf);
	assert_int_equal(send_bytes(h, buf, len, true), 0);
	assert_int_equal(send_bytes(h, buf, 11, true), 0);
	assert_int_equal(send_bytes(h, buf, 0, true), 0);
	assert_true(counts(h).dropped - before.dropped >= 2);
}

/* Whatever the octets: an answer fits, and is a message, or there is none. */
static void
garbage_gets_small_and_sound_answers(void **state)
{
	struct house *h = *state;
	struct rng *r = rng_new_seeded(7);
	struct asking q = plain("www.example.");
	int i;

	q.udp_size = 4096;
	for (i = 0; i < 300; i++) {
		uint8_t buf[512];
		size_t len = question(&q, buf), got, n = rng_below(r, 6);
		struct message m;

		for (; n > 0; n--)
			buf[rng_below(r, (uint32_t)len)] = (uint8_t)rng_u32(r);
		buf[2] &= 0x7f;
		buf[12] = buf[12] == 4 ? 3 : buf[12];
		len -= rng_below(r, 3);
		got = send_bytes(h, buf, len, true);
		assert_true(got <= 1232);
		if (got == 0)
			continue;
		arena_reset(h->arena);
		assert_int_equal(message_read(h->arena, h->reply, got, &m),
		    ERR_OK);
	}
	rng_free(r);
}

/* Whatever the claims before it have asked: stands at the end. */
static void
every_question_has_come_to_one_end(void **state)
{
	const struct front_counts c = counts(*state);
	uint64_t ends =
	    c.dropped + c.repeated + c.waiting + c.limited - c.limited_told;

	for (size_t i = 0; i < ARRAY_LEN(c.rcodes); i++)
		ends += c.rcodes[i];
	assert_int_equal(c.repeated, 4);
	assert_int_equal(c.waiting, 1);
	assert_int_equal(c.udp_queries + c.tcp_queries, ends);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_quick_way_and_the_long_way_agree),
		cmocka_unit_test(a_miss_is_resolved_and_then_a_hit),
		cmocka_unit_test(questions_find_their_owner_on_another_worker),
		cmocka_unit_test(failures_say_why),
		cmocka_unit_test(what_does_not_fit_leaves_with_tc),
		cmocka_unit_test(streams_carry_the_long_answers),
		cmocka_unit_test(local_names_never_reach_the_resolver),
		cmocka_unit_test(odd_questions_are_told_so),
		cmocka_unit_test(any_gets_one_small_record),
		cmocka_unit_test(some_packets_get_no_answer),
		cmocka_unit_test(garbage_gets_small_and_sound_answers),
		cmocka_unit_test(a_question_sent_again_is_answered_once),
		cmocka_unit_test(every_question_has_come_to_one_end),
	};

	return cmocka_run_group_tests_name("front", tests, house_open,
	    house_close);
}
