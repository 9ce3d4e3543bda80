/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp.c - clients by TCP: framing, pipelining and who has to go. */
#include "net_support.h"

#include <fcntl.h>
#include <sys/resource.h>

#define HELD_MAX 512u

struct server {
	struct ride ride;
	struct tcp_listener *tl;
	size_t questions, bytes;
	size_t stop_at;
	size_t answer_len; /* 0: the question comes back */
	bool holds;        /* answers nothing yet */
	bool is_closed;    /* the access list lets nobody in */
	uint64_t held[HELD_MAX];
	size_t held_count;
};

static uint8_t zeros[65535];

static bool
admit(void *user, const struct addr *from)
{
	const struct server *s = user;

	assert_int_equal(from->family, 4);
	return !s->is_closed;
}

static void
on_message(void *user, struct tcp_listener *tl, uint64_t connection,
    const struct addr *from, const uint8_t *bytes, size_t len)
{
	struct server *s = user;

	assert_int_equal(from->family, 4);
	s->questions++;
	s->bytes += len;
	if (s->holds && s->held_count < HELD_MAX)
		s->held[s->held_count++] = connection;
	else if (s->answer_len > 0)
		tcp_listener_reply(tl, connection, zeros, s->answer_len);
	else
		tcp_listener_reply(tl, connection, bytes, len);
	if (s->questions == s->stop_at)
		loop_stop(s->ride.loop);
}

static void
serve(struct server *s, const struct tcp_limits *limits)
{
	const struct tcp_listener_opts o = {
		.local = address("127.0.0.1", 0),
		.limits = *limits,
		.admit = admit,
		.on_message = on_message,
		.user = s,
	};

	ride_begin(&s->ride);
	s->tl = tcp_listener_new(s->ride.loop, &o);
	assert_non_null(s->tl);
}

static void
close_down(struct server *s)
{
	tcp_listener_free(s->tl);
	ride_end(&s->ride);
}

static const struct tcp_limits roomy = {
	.clients_max = 20,
	.pipelined_max = 100,
	.buffer_max = 65536,
	.idle_us = 2000000,
};

static int
client_of(const struct server *s)
{
	const struct addr to = tcp_listener_local(s->tl);

	return peer_socket(&to, SOCK_STREAM, false);
}

static void
put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void
expect(int fd, const void *bytes, size_t len)
{
	uint8_t got[256];

	assert_in_range(len, 1, sizeof(got));
	assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
	assert_memory_equal(got, bytes, len);
}

static bool
is_closed(int fd)
{
	uint8_t byte;
	const ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

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
single_octets_do_not_buy_time(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { 0 };
	size_t octets = 0;
	int fd;

	(void)state;
	limits.idle_us = 150000;
	serve(&s, &limits);
	fd = client_of(&s);
	put(fd, "\1\0", 2);
	while (octets < 60 && !is_closed(fd)) {
		(void)send(fd, "x", 1, MSG_NOSIGNAL);
		ride_for(&s.ride, 10000);
		octets++;
	}
	assert_in_range(octets, 2, 40);
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	(void)close(fd);
	close_down(&s);
}

static void
a_silent_client_is_closed_and_a_waiting_one_is_not(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { .holds = true };
	int silent, waiting;

	(void)state;
	limits.idle_us = 60000;
	serve(&s, &limits);
	silent = client_of(&s);
	waiting = client_of(&s);
	put(waiting, "\0\1x", 3);
	ride_for(&s.ride, 150000);
	assert_true(is_closed(silent));
	assert_false(is_closed(waiting));
	tcp_listener_reply(s.tl, s.held[0], (const uint8_t *)"y", 1);
	ride_for(&s.ride, 10000);
	expect(waiting, "\0\1y", 3);
	(void)close(silent);
	(void)close(waiting);
	close_down(&s);
}

static void
the_longest_idle_makes_room_when_all_slots_are_taken(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { .stop_at = 1 };
	int fds[3], fd;

	(void)state;
	limits.clients_max = 3;
	serve(&s, &limits);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = client_of(&s);
		ride_for(&s.ride, 2000);
	}
	/* Octets do not make it any younger; a question does. */
	put(fds[1], "\0", 1);
	put(fds[0], "\0\1x", 3);
	ride_on(&s.ride);
	fd = client_of(&s);
	ride_for(&s.ride, 10000);
	assert_int_equal(tcp_listener_clients(s.tl), 3);
	assert_false(is_closed(fds[0]));
	assert_true(is_closed(fds[1]));
	assert_false(is_closed(fds[2]));
	for (size_t i = 0; i < 3; i++)
		(void)close(fds[i]);
	(void)close(fd);
	close_down(&s);
}

static void
the_newcomer_goes_when_all_wait_for_us(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { .stop_at = 2, .holds = true };
	int fds[2], fd;

	(void)state;
	limits.clients_max = 2;
	serve(&s, &limits);
	for (size_t i = 0; i < 2; i++) {
		fds[i] = client_of(&s);
		put(fds[i], "\0\1x", 3);
	}
	ride_on(&s.ride);
	fd = client_of(&s);
	ride_for(&s.ride, 10000);
	assert_true(is_closed(fd));
	assert_int_equal(tcp_listener_clients(s.tl), 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fd);
	close_down(&s);
}

static void
idle_time_shrinks_when_slots_are_few(void **state)
{
	struct tcp_limits limits = roomy;
	struct server s = { 0 };
	int fds[20];
	uint64_t began;

	(void)state;
	serve(&s, &limits);
	for (size_t i = 0; i < 20; i++)
		fds[i] = client_of(&s);
	began = clock_mono_us();
	while (tcp_listener_clients(s.tl) < 20)
		ride_for(&s.ride, 1000);
	while (tcp_listener_clients(s.tl) == 20)
		ride_for(&s.ride, 1000);
	assert_in_range(clock_mono_us() - began, 100000, 1500000);
	for (size_t i = 0; i < 20; i++)
		(void)close(fds[i]);
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

static void
the_access_list_is_asked_before_anything_is_read(void **state)
{
	struct server s = { .is_closed = true };
	int fd;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	ride_for(&s.ride, 10000);
	assert_true(is_closed(fd));
	assert_int_equal(s.questions, 0);
	(void)close(fd);
	close_down(&s);
}

static void
accepting_pauses_when_descriptors_run_out(void **state)
{
	struct server s = { .stop_at = 1 };
	struct rlimit before, few;
	int fd, top;

	(void)state;
	serve(&s, &roomy);
	fd = client_of(&s);
	put(fd, "\0\1x", 3);
	top = fcntl(fd, F_DUPFD, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)top + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	ride_for(&s.ride, 150000);
	assert_int_equal(tcp_listener_clients(s.tl), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	ride_on(&s.ride);
	expect(fd, "\0\1x", 3);
	(void)close(top);
	(void)close(fd);
	close_down(&s);
}

static void
a_first_listener_finds_the_rival(void **state)
{
	struct server s = { 0 };
	struct tcp_listener_opts o = { .limits = roomy, .first = true };
	char buf[80], expected[32];

	(void)state;
	serve(&s, &roomy);
	o.local = tcp_listener_local(s.tl);
	assert_null(tcp_listener_new(s.ride.loop, &o));
	assert_int_equal(errno, EADDRINUSE);
	(void)net_port_holder(&o.local, true, buf, sizeof(buf));
	(void)snprintf(expected, sizeof(expected), "(pid %d)", (int)getpid());
	assert_non_null(strstr(buf, expected));
	close_down(&s);
	(void)net_port_holder(&o.local, true, buf, sizeof(buf));
	assert_string_equal(buf, "another process");
}

static void
memory_that_runs_out_costs_a_connection_only(void **state)
{
	struct server s = { 0 };
	int fd;

	(void)state;
	serve(&s, &roomy);
	ride_for(&s.ride, 1000); /* the timers have their memory then */
	for (uint64_t n = 1; n <= 6; n++) {
		fd = client_of(&s);
		put(fd, "\0\1x\0\5ab", 7);
		memory_fail_at(n);
		ride_for(&s.ride, 5000);
		memory_fail_at(0);
		(void)close(fd);
		ride_for(&s.ride, 5000);
		assert_int_equal(tcp_listener_clients(s.tl), 0);
	}
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
		cmocka_unit_test(single_octets_do_not_buy_time),
		cmocka_unit_test(
		    a_silent_client_is_closed_and_a_waiting_one_is_not),
		cmocka_unit_test(
		    the_longest_idle_makes_room_when_all_slots_are_taken),
		cmocka_unit_test(the_newcomer_goes_when_all_wait_for_us),
		cmocka_unit_test(idle_time_shrinks_when_slots_are_few),
		cmocka_unit_test(
		    answers_to_the_gone_and_to_strangers_are_dropped),
		cmocka_unit_test(who_has_said_all_still_gets_answers),
		cmocka_unit_test(
		    the_access_list_is_asked_before_anything_is_read),
		cmocka_unit_test(accepting_pauses_when_descriptors_run_out),
		cmocka_unit_test(a_first_listener_finds_the_rival),
		cmocka_unit_test(memory_that_runs_out_costs_a_connection_only),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
