/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_conn.c - one client by TCP: framing, pipelining, taking answers. */
#include "net_server.h"

static void
messages_are_framed_however_they_are_cut(void **state)
{
	static const char text[] = "\0\3abc\0\1x\0\5hello";
	struct server s = { .stop_at = 3 };
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		put(fd, text + i, 1);
		if (i + 2 < sizeof(text))
			ride_for(&s.ride, 500);
	}
	ride_on(&s.ride);
	expect(fd, text, sizeof(text) - 1);
	put(fd, text, sizeof(text) - 1);
	s.stop_at = 6;
	ride_on(&s.ride);
	expect(fd, text, sizeof(text) - 1);
	(void)close(fd);
	close_down(&s);
}

static void
the_longest_message_passes(void **state)
{
	static uint8_t bytes[2 + 65535] = { 0xff, 0xff, 7 };
	static uint8_t got[2 + 65535];
	struct server s = { .stop_at = 1 };
	size_t sent = 0, len = 0;
	ssize_t n;
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	while (s.questions == 0) {
		n = send(fd, bytes + sent, sizeof(bytes) - sent, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		ride_for(&s.ride, 1000);
	}
	assert_int_equal(s.bytes, 65535);
	while (len < sizeof(got)) {
		n = recv(fd, got + len, sizeof(got) - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
		ride_for(&s.ride, 1000);
	}
	assert_memory_equal(bytes, got, sizeof(got));
	(void)close(fd);
	close_down(&s);
}

static void
an_empty_message_ends_the_connection(void **state)
{
	struct server s = { 0 };
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	put(fd, "\0\0\0\1x", 5);
	ride_for(&s.ride, 20000);
	assert_true(is_closed(fd));
	assert_int_equal(s.questions, 0);
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	(void)close(fd);
	close_down(&s);
}

static void
reading_stops_until_questions_are_answered(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { .holds = true };
	int fd;

	(void)state;
	limits.pipelined_max = 4;
	serve(&s, &limits);
	fd = client_of(&s);
	for (size_t i = 0; i < 10; i++)
		put(fd, "\0\1x", 3);
	ride_for(&s.ride, 20000);
	assert_int_equal(s.questions, 4);
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"a", 1);
	ride_for(&s.ride, 20000);
	assert_int_equal(s.questions, 5);
	s.holds = false;
	for (size_t i = 0; i < 3; i++)
		tcp_listener_reply(s.tl, s.held[0], NULL, 0);
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"b", 1);
	ride_for(&s.ride, 20000);
	assert_int_equal(s.questions, 10);
	expect(fd, "\0\1a\0\1b\0\1x\0\1x\0\1x\0\1x\0\1x", 21);
	(void)close(fd);
	close_down(&s);
}

static void
who_takes_no_answers_is_read_no_more_and_closed(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { .answer_len = 60000 };
	const int small = 4096;
	int fd;

	(void)state;
	limits.take_us = 200000;
	serve(&s, &limits);
	fd = client_of(&s);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (size_t i = 0; i < 3000; i++)
		(void)send(fd, "\0\1x", 3, MSG_DONTWAIT | MSG_NOSIGNAL);
	ride_for(&s.ride, 50000);
	assert_in_range(s.questions, 2, 60);
	assert_int_equal(tcp_listener_clients(s.tl), 1);
	ride_for(&s.ride, 400000);
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	(void)close(fd);
	close_down(&s);
}

static void
who_takes_answers_late_gets_them_all(void **state)
{
	static uint8_t got[65536];
	struct server s = { .answer_len = 60000 };
	size_t len = 0;
	ssize_t n;
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	for (size_t i = 0; i < 100; i++)
		put(fd, "\0\1x", 3);
	ride_for(&s.ride, 20000);
	assert_true(s.questions < 100);
	for (size_t i = 0; i < 2000 && len < 100 * 60002u; i++) {
		while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) > 0)
			len += (size_t)n;
		ride_for(&s.ride, 500);
	}
	assert_int_equal(len, 100 * 60002u);
	assert_int_equal(s.questions, 100);
	(void)close(fd);
	close_down(&s);
}

static void
answers_to_the_gone_and_to_strangers_are_dropped(void **state)
{
	struct server s = { .stop_at = 1, .holds = true };
	int fd, other;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	put(fd, "\0\1x", 3);
	ride_on(&s.ride);
	(void)close(fd);
	ride_for(&s.ride, 10000);
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"y", 1);
	ride_for(&s.ride, 10000);
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	other = client_of(&s);
	ride_for(&s.ride, 10000);
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"y", 1);
	tcp_listener_reply(s.tl, UINT64_MAX, (const uint8_t *)"y", 1);
	ride_for(&s.ride, 10000);
	assert_int_equal(recv(other, zeros, 1, MSG_DONTWAIT), -1);
	(void)close(other);
	close_down(&s);
}

static void
who_has_said_all_still_gets_answers(void **state)
{
	struct server s = { .stop_at = 2, .holds = true };
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	put(fd, "\0\1x\0\1y\0", 7);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	ride_on(&s.ride);
	ride_for(&s.ride, 10000);
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"1", 1);
	tcp_listener_reply(s.tl, s.held[1], (const uint8_t *)"2", 1);
	ride_for(&s.ride, 10000);
	expect(fd,
	    "\0\1"
	    "1\0\1"
	    "2",
	    6);
	assert_true(is_closed(fd));
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	(void)close(fd);
	close_down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_framed_however_they_are_cut),
		cmocka_unit_test(the_longest_message_passes),
		cmocka_unit_test(an_empty_message_ends_the_connection),
		cmocka_unit_test(reading_stops_until_questions_are_answered),
		cmocka_unit_test(
		    who_takes_no_answers_is_read_no_more_and_closed),
		cmocka_unit_test(who_takes_answers_late_gets_them_all),
		cmocka_unit_test(
		    answers_to_the_gone_and_to_strangers_are_dropped),
		cmocka_unit_test(who_has_said_all_still_gets_answers),
	};

	return cmocka_run_group_tests_name("tcp_conn", tests, NULL, NULL);
}
