/* SPDX-License-Identifier: BSD-3-Clause */
/* test_udp.c - questions by UDP, and where their answers leave from. */
#include "net_support.h"

#define MANY     200u
#define TOO_MANY 1500u /* for one turn */

struct server {
	struct ride ride;
	struct udp_listener *ul;
	size_t questions, batches, longest;
	size_t stop_at; /* questions */
	bool is_late;   /* answers by udp_listener_reply() */
	bool is_silent;
	struct addr asked;
};

static void
answer(struct server *s, struct udp_listener *ul, struct datagram *d)
{
	s->asked = d->local;
	if (d->len > s->longest)
		s->longest = d->len;
	if (s->is_silent)
		return;
	d->bytes[0] ^= 0xff;
	if (s->is_late)
		udp_listener_reply(ul, &d->from, &d->local, d->bytes, d->len);
	else
		d->reply_len = d->len;
}

static void
on_batch(void *user, struct udp_listener *ul, struct datagram *batch, size_t n)
{
	struct server *s = user;

	assert_in_range(n, 1, DATAGRAM_BATCH);
	s->batches++;
	for (size_t i = 0; i < n; i++)
		answer(s, ul, &batch[i]);
	s->questions += n;
	if (s->questions >= s->stop_at)
		loop_stop(s->ride.loop);
}

static void
serve(struct server *s, const char *where)
{
	const struct udp_listener_opts o = {
		.local = address(where, 0),
		.on_batch = on_batch,
		.user = s,
	};

	ride_begin(&s->ride);
	s->ul = udp_listener_new(s->ride.loop, &o);
	assert_non_null(s->ul);
	s->stop_at = 1;
}

static void
close_down(struct server *s)
{
	udp_listener_free(s->ul);
	ride_end(&s->ride);
}

static int
client_of(const struct server *s, const char *where)
{
	struct addr to = address(where, 0);

	to.port = udp_listener_local(s->ul).port;
	return peer_socket(&to, SOCK_DGRAM, false);
}

/* The client's socket is connected: only the address asked gets through. */
static void
ask_and_expect(struct server *s, const char *where)
{
	const int fd = client_of(s, where);
	const struct addr expected = address(where, 0);
	uint8_t got[16];

	assert_int_equal(send(fd, "\1234567", 5, 0), 5);
	ride_on(&s->ride);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 5);
	assert_int_equal(got[0], 0123 ^ 0xff);
	assert_true(addr_same_ip(&s->asked, &expected));
	(void)close(fd);
}

static void
a_question_is_answered_in_place(void **state)
{
	struct server s = { 0 };

	(void)state;
	serve(&s, "127.0.0.1");
	ask_and_expect(&s, "127.0.0.1");
	close_down(&s);
}

static void
answers_leave_from_the_address_asked_on_a_wildcard(void **state)
{
	struct server s = { 0 };

	(void)state;
	serve(&s, "0.0.0.0");
	ask_and_expect(&s, "127.0.0.2");
	ask_and_expect(&s, "127.0.0.3");
	s.is_late = true;
	ask_and_expect(&s, "127.0.0.4");
	close_down(&s);
}

static void
answers_leave_from_the_address_asked_by_ipv6(void **state)
{
	struct server s = { 0 };

	(void)state;
	serve(&s, "::");
	ask_and_expect(&s, "::1");
	s.is_late = true;
	ask_and_expect(&s, "::1");
	close_down(&s);
}

static void
a_wildcard_of_ipv6_leaves_ipv4_alone(void **state)
{
	struct server s = { 0 };
	struct addr other = address("0.0.0.0", 0);
	int fd;

	(void)state;
	serve(&s, "::");
	other.port = udp_listener_local(s.ul).port;
	fd = peer_socket(&other, SOCK_DGRAM, true);
	(void)close(fd);
	close_down(&s);
}

static void
many_answers(const char *where, bool is_late)
{
	struct server s = { 0 };
	uint8_t got[16];
	int fd;

	serve(&s, where);
	s.is_late = is_late;
	s.stop_at = MANY;
	fd = client_of(&s, "127.0.0.1");
	for (unsigned i = 0; i < MANY; i++) {
		const uint8_t bytes[] = { 0, (uint8_t)i };

		assert_int_equal(send(fd, bytes, sizeof(bytes), 0), 2);
	}
	ride_on(&s.ride);
	assert_int_equal(s.questions, MANY);
	assert_int_equal(s.batches,
	    (MANY + DATAGRAM_BATCH - 1) / DATAGRAM_BATCH);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(recv(fd, got, sizeof(got), 0), 2);
		assert_int_equal(got[0], 0xff);
		assert_int_equal(got[1], (uint8_t)i);
	}
	(void)close(fd);
	close_down(&s);
}

static void
questions_that_wait_come_in_batches(void **state)
{
	(void)state;
	many_answers("127.0.0.1", false);
	many_answers("0.0.0.0", false);
}

static void
late_answers_are_gathered_and_all_leave(void **state)
{
	(void)state;
	many_answers("127.0.0.1", true);
	many_answers("0.0.0.0", true);
}

static void
who_leaves_questions_unread_is_behind(void **state)
{
	struct server s = { 0 };
	const uint8_t byte = 1;
	int fd;

	(void)state;
	serve(&s, "127.0.0.1");
	s.is_silent = true;
	fd = client_of(&s, "127.0.0.1");
	for (unsigned i = 0; i < TOO_MANY; i++)
		assert_int_equal(send(fd, &byte, 1, 0), 1);
	if (udp_listener_drops(s.ul) > 0) {
		(void)close(fd);
		close_down(&s);
		skip(); /* the system allows no queue of more than a turn */
	}
	assert_false(udp_listener_is_behind(s.ul));
	ride_on(&s.ride);
	assert_in_range(s.questions, 1, TOO_MANY - 1);
	assert_true(udp_listener_is_behind(s.ul));
	s.stop_at = TOO_MANY;
	ride_on(&s.ride);
	assert_false(udp_listener_is_behind(s.ul));
	(void)close(fd);
	close_down(&s);
}

static void
long_and_empty_questions_are_cut_off_and_survived(void **state)
{
	struct server s = { 0 };
	static uint8_t bytes[5000];
	int fd;

	(void)state;
	serve(&s, "127.0.0.1");
	s.is_silent = true;
	s.stop_at = 2;
	fd = client_of(&s, "127.0.0.1");
	assert_int_equal(send(fd, bytes, 0, 0), 0);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	ride_on(&s.ride);
	assert_int_equal(s.longest, 2048);
	(void)close(fd);
	close_down(&s);
}

static void
answers_that_cannot_be_sent_do_not_stop_the_others(void **state)
{
	struct server s = { 0 };
	const struct addr nowhere = address("255.255.255.255", 53);
	const struct addr six = address("::1", 53);
	struct addr to;
	uint8_t got[16];
	int fd;

	(void)state;
	serve(&s, "127.0.0.1");
	fd = client_of(&s, "127.0.0.1");
	to = peer_address(fd);
	for (unsigned i = 0; i < 100; i++) {
		udp_listener_reply(s.ul, &nowhere, &to, (const uint8_t *)"x",
		    1);
		udp_listener_reply(s.ul, &six, &to, (const uint8_t *)"x", 1);
		udp_listener_reply(s.ul, &to, &to, (const uint8_t *)"y", 1);
	}
	ride_for(&s.ride, 1000);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(recv(fd, got, sizeof(got), 0), 1);
	(void)close(fd);
	close_down(&s);
}

static void
two_workers_share_and_a_first_one_finds_the_rival(void **state)
{
	struct server s = { 0 };
	struct udp_listener_opts o = { .on_batch = on_batch, .user = &s };
	struct udp_listener *second;
	char buf[80], expected[32];

	(void)state;
	serve(&s, "127.0.0.1");
	o.local = udp_listener_local(s.ul);
	second = udp_listener_new(s.ride.loop, &o);
	assert_non_null(second);
	udp_listener_free(second);
	o.first = true;
	assert_null(udp_listener_new(s.ride.loop, &o));
	assert_int_equal(errno, EADDRINUSE);
	(void)net_port_holder(&o.local, false, buf, sizeof(buf));
	(void)snprintf(expected, sizeof(expected), "(pid %d)", (int)getpid());
	assert_non_null(strstr(buf, expected));
	close_down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered_in_place),
		cmocka_unit_test(
		    answers_leave_from_the_address_asked_on_a_wildcard),
		cmocka_unit_test(answers_leave_from_the_address_asked_by_ipv6),
		cmocka_unit_test(a_wildcard_of_ipv6_leaves_ipv4_alone),
		cmocka_unit_test(questions_that_wait_come_in_batches),
		cmocka_unit_test(late_answers_are_gathered_and_all_leave),
		cmocka_unit_test(who_leaves_questions_unread_is_behind),
		cmocka_unit_test(
		    long_and_empty_questions_are_cut_off_and_survived),
		cmocka_unit_test(
		    answers_that_cannot_be_sent_do_not_stop_the_others),
		cmocka_unit_test(
		    two_workers_share_and_a_first_one_finds_the_rival),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
