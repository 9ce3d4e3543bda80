/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stream.c - the seam by TCP, against servers on loopback. */
#include "net_world.h"

static const struct outgoing_opts keeping = { .tcp_idle_us = 100000 };

/* Lets the loop turn until somebody has connected. */
static int
accepted(struct world *w)
{
	const struct timeval patience = { .tv_sec = 2 };
	int fd;

	ride_for(&w->ride, 5000);
	fd = accept(w->server, NULL, NULL);
	assert_int_not_equal(fd, -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	return fd;
}

static void
hear_stream(struct world *w, int fd)
{
	uint8_t got[7];

	ride_for(&w->ride, 5000);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), 7);
	assert_memory_equal(got, "\0\5hello", 7);
}

static bool
nobody_connects(const struct world *w)
{
	struct timeval patience = { .tv_usec = 20000 };
	int fd;

	(void)setsockopt(w->server, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	fd = accept(w->server, NULL, NULL);
	patience = (struct timeval){ .tv_sec = 2 };
	(void)setsockopt(w->server, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	if (fd != -1)
		(void)close(fd);
	return fd == -1;
}

static void
an_answer_by_tcp_is_put_together(void **state)
{
	static const char text[] = "\0\3yes";
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, (struct outgoing_opts){ 0 });
	(void)must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(w.messages, 0);
		assert_int_equal(send(fd, text + i, 1, 0), 1);
		ride_for(&w.ride, 5000);
	}
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.got_len, 3);
	assert_memory_equal(w.got, "yes", 3);
	/* not kept: closed */
	assert_int_equal(recv(fd, w.got, 1, 0), 0);
	(void)close(fd);
	close_world(&w);
}

static void
a_connection_is_kept_for_a_while(void **state)
{
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	(void)must_ask(&w, true);
	fd = accepted(&w);
	for (size_t i = 1; i <= 3; i++) {
		hear_stream(&w, fd);
		assert_int_equal(send(fd, "\0\3yes", 5, 0), 5);
		ride_for(&w.ride, 5000);
		assert_int_equal(w.messages, i);
		if (i < 3)
			(void)must_ask(&w, true);
	}
	assert_true(nobody_connects(&w));
	ride_for(&w.ride, 200000);
	assert_int_equal(recv(fd, w.got, 1, MSG_DONTWAIT), 0);
	assert_int_equal(w.breaks, 0);
	(void)close(fd);
	close_world(&w);
}

static void
a_kept_connection_the_server_ends_is_replaced_unseen(void **state)
{
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	(void)must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	assert_int_equal(send(fd, "\0\3yes", 5, 0), 5);
	ride_for(&w.ride, 5000);
	/* asked before the loop can see that it was ended */
	(void)close(fd);
	(void)must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	assert_int_equal(send(fd, "\0\3two", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.messages, 2);
	assert_memory_equal(w.got, "two", 3);
	assert_int_equal(w.breaks, 0);
	(void)close(fd);
	close_world(&w);
}

static void
a_server_that_hangs_up_is_told_and_not_called_again(void **state)
{
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	(void)must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	assert_int_equal(send(fd, "\0\3y", 3, 0), 3);
	(void)close(fd);
	ride_on(&w.ride);
	assert_int_equal(w.breaks, 1);
	assert_int_equal(w.last_error, ERR_CLOSED);
	assert_true(nobody_connects(&w));
	close_world(&w);
}

static void
a_refused_connection_is_told_from_the_loop(void **state)
{
	struct world w;
	uint32_t flow;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	(void)close(w.server);
	w.server = -1;
	w.closes = false;
	flow = must_ask(&w, true);
	ride_on(&w.ride);
	assert_int_equal(w.last_error, ERR_REFUSED);
	ride_for(&w.ride, 10000);
	assert_int_equal(w.breaks, 1);
	w.ops->close(w.og, flow, false);
	close_world(&w);
}

static void
a_flow_closed_before_its_answer_ends_the_connection(void **state)
{
	struct world w;
	uint32_t flow;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	flow = must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	w.ops->close(w.og, flow, false);
	assert_int_equal(recv(fd, w.got, 1, 0), 0);
	(void)close(fd);
	close_world(&w);
}

static void
a_kept_connection_that_speaks_unasked_is_ended(void **state)
{
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	(void)must_ask(&w, true);
	fd = accepted(&w);
	hear_stream(&w, fd);
	assert_int_equal(send(fd, "\0\3yes", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(send(fd, "\0\3boo", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.messages, 1);
	assert_true(recv(fd, w.got, 1, 0) <= 0);
	(void)close(fd);
	close_world(&w);
}

/* A question of two octets, its id, and how to know its flow again. */
static uint32_t
ask_short(struct world *w, const char *id)
{
	const struct wire_send s = { .to = &w->to,
		.bytes = (const uint8_t *)id,
		.len = 2,
		.user = w,
		.tcp = true };
	uint32_t flow;

	w->sent_us = w->ops->now_us(w->og);
	assert_int_equal(w->ops->send(w->og, &s, &flow), ERR_OK);
	return flow;
}

static void
hear_short(struct world *w, int fd, const char *want, size_t len)
{
	char got[16];

	ride_for(&w->ride, 5000);
	assert_int_equal(recv(fd, got, len, MSG_WAITALL), (ssize_t)len);
	assert_memory_equal(got, want, len);
}

static void
questions_share_a_connection_and_are_answered_in_any_order(void **state)
{
	struct world w;
	uint32_t first, second;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	first = ask_short(&w, "ab");
	second = ask_short(&w, "cd");
	fd = accepted(&w);
	hear_short(&w, fd, "\0\2ab\0\2cd", 8);
	assert_true(nobody_connects(&w));
	assert_int_equal(send(fd, "\0\3cd2", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.last_flow, second);
	assert_int_equal(send(fd, "\0\3ab1", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.last_flow, first);
	assert_int_equal(w.messages, 2);
	/* and it is kept */
	assert_int_equal(recv(fd, w.got, 1, MSG_DONTWAIT), -1);
	(void)close(fd);
	close_world(&w);
}

static void
equal_ids_never_share_a_connection(void **state)
{
	struct world w;
	int one, other;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	(void)ask_short(&w, "ab");
	(void)ask_short(&w, "ab");
	one = accepted(&w);
	other = accepted(&w);
	hear_short(&w, one, "\0\2ab", 4);
	hear_short(&w, other, "\0\2ab", 4);
	(void)close(one);
	(void)close(other);
	close_world(&w);
}

static void
a_server_that_answers_one_question_only_gets_the_others_alone(void **state)
{
	struct world w;
	uint32_t second;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	(void)ask_short(&w, "ab");
	second = ask_short(&w, "cd");
	fd = accepted(&w);
	hear_short(&w, fd, "\0\2ab\0\2cd", 8);
	assert_int_equal(send(fd, "\0\3ab1", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.messages, 1);
	(void)close(fd);
	ride_for(&w.ride, 5000);
	fd = accepted(&w);
	hear_short(&w, fd, "\0\2cd", 4);
	assert_int_equal(send(fd, "\0\3cd2", 5, 0), 5);
	ride_for(&w.ride, 5000);
	assert_int_equal(w.last_flow, second);
	assert_int_equal(w.breaks, 0);
	(void)close(fd);
	close_world(&w);
}

static void
a_break_tells_all_who_wait_and_each_once(void **state)
{
	struct world w;
	int fd;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	w.stop_at = 0;
	(void)ask_short(&w, "ab");
	(void)ask_short(&w, "cd");
	fd = accepted(&w);
	hear_short(&w, fd, "\0\2ab\0\2cd", 8);
	(void)close(fd);
	ride_for(&w.ride, 5000);
	/* each alone, once more */
	for (size_t i = 0; i < 2; i++) {
		fd = accepted(&w);
		hear_short(&w, fd, i == 0 ? "\0\2ab" : "\0\2cd", 4);
		(void)close(fd);
	}
	ride_for(&w.ride, 5000);
	assert_int_equal(w.breaks, 2);
	assert_int_equal(w.last_error, ERR_CLOSED);
	assert_true(nobody_connects(&w));
	close_world(&w);
}

static void
memory_that_runs_out_is_an_error_of_send(void **state)
{
	struct world w;
	uint32_t flow;
	enum err e;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	for (uint64_t n = 1; n <= 4; n++) {
		memory_fail_at(n);
		e = ask(&w, true, &flow);
		memory_fail_at(0);
		assert_int_equal(e, ERR_MEMORY);
		assert_int_equal(flow, 0);
	}
	(void)must_ask(&w, true);
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_by_tcp_is_put_together),
		cmocka_unit_test(a_connection_is_kept_for_a_while),
		cmocka_unit_test(
		    a_kept_connection_the_server_ends_is_replaced_unseen),
		cmocka_unit_test(
		    a_server_that_hangs_up_is_told_and_not_called_again),
		cmocka_unit_test(a_refused_connection_is_told_from_the_loop),
		cmocka_unit_test(
		    a_flow_closed_before_its_answer_ends_the_connection),
		cmocka_unit_test(
		    a_kept_connection_that_speaks_unasked_is_ended),
		cmocka_unit_test(
		    questions_share_a_connection_and_are_answered_in_any_order),
		cmocka_unit_test(equal_ids_never_share_a_connection),
		cmocka_unit_test(
		    a_server_that_answers_one_question_only_gets_the_others_alone),
		cmocka_unit_test(a_break_tells_all_who_wait_and_each_once),
		cmocka_unit_test(memory_that_runs_out_is_an_error_of_send),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
