/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp.c - clients by TCP: who is let in, and who has to go. */
#include "net_server.h"

#include <fcntl.h>
#include <sys/resource.h>

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
		cmocka_unit_test(single_octets_do_not_buy_time),
		cmocka_unit_test(
		    a_silent_client_is_closed_and_a_waiting_one_is_not),
		cmocka_unit_test(
		    the_longest_idle_makes_room_when_all_slots_are_taken),
		cmocka_unit_test(the_newcomer_goes_when_all_wait_for_us),
		cmocka_unit_test(idle_time_shrinks_when_slots_are_few),
		cmocka_unit_test(
		    the_access_list_is_asked_before_anything_is_read),
		cmocka_unit_test(accepting_pauses_when_descriptors_run_out),
		cmocka_unit_test(a_first_listener_finds_the_rival),
		cmocka_unit_test(memory_that_runs_out_costs_a_connection_only),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
