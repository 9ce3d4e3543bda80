/* SPDX-License-Identifier: BSD-3-Clause */
/* test_outgoing.c - the seam over real sockets, against servers on loopback. */
#include "net_support.h"

#define LEASES    20000u
#define PORT_LOW  1024u
#define PORT_HIGH 65535u
#define BINS      63u   /* of 1024 ports */
#define CHI_MOST  140.0 /* 62 degrees of freedom: p < 1e-7 */

struct world {
	struct ride ride;
	struct rng *rng;
	struct outgoing *og;
	const struct wire_ops *ops;
	int server; /* plain socket, UDP or TCP */
	struct addr to;
	size_t messages, breaks;
	size_t stop_at; /* events */
	uint32_t last_flow;
	enum err last_error;
	uint8_t got[64];
	size_t got_len;
	uint64_t sent_us;
	bool closes; /* the flow, from within the event */
};

static void
count(struct world *w, uint32_t flow)
{
	w->last_flow = flow;
	if (w->closes)
		w->ops->close(w->og, flow);
	if (w->messages + w->breaks == w->stop_at)
		loop_stop(w->ride.loop);
}

static void
on_message(void *user, uint32_t flow, const uint8_t *bytes, size_t len,
    uint64_t at_us)
{
	struct world *w = user;

	assert_true(at_us >= w->sent_us && at_us <= clock_mono_us());
	w->messages++;
	w->got_len = len < sizeof(w->got) ? len : sizeof(w->got);
	memcpy(w->got, bytes, w->got_len);
	count(w, flow);
}

static void
on_broken(void *user, uint32_t flow, enum err e)
{
	struct world *w = user;

	w->breaks++;
	w->last_error = e;
	count(w, flow);
}

static void
open_world(struct world *w, int type, struct outgoing_opts o)
{
	struct addr at = address("127.0.0.1", 0);

	memset(w, 0, sizeof(*w));
	o.events.message = on_message;
	o.events.broken = on_broken;
	if (o.port_low == 0) {
		o.port_low = PORT_LOW;
		o.port_high = PORT_HIGH;
	}
	if (o.sockets_max == 0)
		o.sockets_max = 100;
	ride_begin(&w->ride);
	w->rng = rng_new();
	assert_non_null(w->rng);
	w->og = outgoing_new(w->ride.loop, w->rng, &o);
	assert_non_null(w->og);
	w->ops = outgoing_ops();
	w->server = peer_socket(&at, type, true);
	w->to = peer_address(w->server);
	w->stop_at = 1;
	w->closes = true;
}

static void
close_world(struct world *w)
{
	outgoing_free(w->og);
	rng_free(w->rng);
	if (w->server != -1)
		(void)close(w->server);
	ride_end(&w->ride);
}

static enum err
ask(struct world *w, bool tcp, uint32_t *flow)
{
	const struct wire_send s = {
		.to = &w->to,
		.bytes = (const uint8_t *)"hello",
		.len = 5,
		.user = w,
		.tcp = tcp,
	};
	const size_t events = w->messages + w->breaks;
	enum err e;

	w->sent_us = w->ops->now_us(w->og);
	e = w->ops->send(w->og, &s, flow);
	assert_int_equal(w->messages + w->breaks, events);
	return e;
}

static uint32_t
must_ask(struct world *w, bool tcp)
{
	uint32_t flow;

	assert_int_equal(ask(w, tcp, &flow), ERR_OK);
	assert_int_not_equal(flow, 0);
	return flow;
}

/* The question at the server, and who asked. */
static void
hear(struct world *w, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);
	uint8_t got[64];

	assert_int_equal(recvfrom(w->server, got, sizeof(got), 0,
			     (struct sockaddr *)from, &len),
	    5);
	assert_memory_equal(got, "hello", 5);
}

static void
say(const struct world *w, const struct sockaddr_storage *to, const char *text)
{
	assert_int_equal(sendto(w->server, text, strlen(text), 0,
			     (const struct sockaddr *)to,
			     sizeof(struct sockaddr_in)),
	    strlen(text));
}

/* --- UDP -------------------------------------------------------------- */

static void
an_answer_comes_back_on_its_flow(void **state)
{
	struct sockaddr_storage from;
	struct world w;
	uint32_t flow;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	flow = must_ask(&w, false);
	hear(&w, &from);
	say(&w, &from, "yes");
	ride_on(&w.ride);
	assert_int_equal(w.last_flow, flow);
	assert_memory_equal(w.got, "yes", 3);
	close_world(&w);
}

static void
a_flow_stays_open_until_it_is_closed(void **state)
{
	struct sockaddr_storage from;
	struct world w;
	uint32_t flow;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	w.closes = false;
	w.stop_at = 3;
	flow = must_ask(&w, false);
	hear(&w, &from);
	for (unsigned i = 0; i < 3; i++)
		say(&w, &from, "no");
	ride_on(&w.ride);
	w.ops->close(w.og, flow);
	w.ops->close(w.og, flow);
	say(&w, &from, "late");
	ride_for(&w.ride, 10000);
	assert_int_equal(w.messages, 3);
	assert_int_not_equal(must_ask(&w, false), flow);
	close_world(&w);
}

static void
only_the_address_asked_gets_through(void **state)
{
	struct sockaddr_storage from;
	struct addr liar_at = address("127.0.0.2", 0);
	struct world w;
	int honest, liar;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	(void)must_ask(&w, false);
	hear(&w, &from);
	liar_at.port = w.to.port;
	liar = peer_socket(&liar_at, SOCK_DGRAM, true);
	honest = w.server;
	w.server = liar;
	say(&w, &from, "lie");
	w.server = honest;
	ride_for(&w.ride, 10000);
	assert_int_equal(w.messages, 0);
	say(&w, &from, "yes");
	ride_on(&w.ride);
	assert_memory_equal(w.got, "yes", 3);
	(void)close(liar);
	close_world(&w);
}

static void
a_closed_port_is_told_once_and_from_the_loop(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	(void)close(w.server);
	w.server = -1;
	w.closes = false;
	(void)must_ask(&w, false);
	ride_on(&w.ride);
	ride_for(&w.ride, 10000);
	assert_int_equal(w.breaks, 1);
	assert_int_equal(w.last_error, ERR_REFUSED);
	close_world(&w);
}

static void
what_has_no_route_is_said_at_once(void **state)
{
	struct world w;
	uint32_t flow;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	w.to = address("255.255.255.255", 53);
	assert_int_equal(ask(&w, false, &flow), ERR_UNREACHABLE);
	assert_int_equal(flow, 0);
	w.to = address("::ffff:127.0.0.1", 53);
	assert_int_equal(ask(&w, false, &flow), ERR_UNREACHABLE);
	assert_int_equal(ask(&w, true, &flow), ERR_UNREACHABLE);
	w.to = address("127.0.0.1", 0);
	assert_int_equal(ask(&w, false, &flow), ERR_UNREACHABLE);
	close_world(&w);
}

static void
flows_are_bounded(void **state)
{
	const struct outgoing_opts o = { .sockets_max = 3 };
	uint32_t flows[3], flow;
	struct world w;

	(void)state;
	open_world(&w, SOCK_DGRAM, o);
	for (size_t i = 0; i < 3; i++)
		flows[i] = must_ask(&w, i == 1);
	assert_int_equal(ask(&w, false, &flow), ERR_LIMIT);
	assert_int_equal(flow, 0);
	w.ops->close(w.og, flows[1]);
	(void)must_ask(&w, false);
	assert_int_equal(ask(&w, true, &flow), ERR_LIMIT);
	close_world(&w);
}

static void
a_range_without_free_ports_is_a_limit(void **state)
{
	struct outgoing_opts o = { 0 };
	struct world w;
	struct addr at = address("127.0.0.1", 0);
	const int other = peer_socket(&at, SOCK_DGRAM, true);
	uint32_t flow;

	(void)state;
	o.port_low = o.port_high = peer_address(other).port;
	open_world(&w, SOCK_DGRAM, o);
	assert_int_equal(ask(&w, false, &flow), ERR_LIMIT);
	(void)close(other);
	(void)must_ask(&w, false);
	assert_int_equal(ask(&w, false, &flow), ERR_LIMIT);
	close_world(&w);
}

static void
questions_leave_from_the_addresses_given(void **state)
{
	const struct addr from[] = { address("127.0.0.5", 0),
		address("127.0.0.6", 0) };
	const struct outgoing_opts o = { .from_v4 = from, .from_v4_count = 2 };
	struct sockaddr_storage name;
	unsigned seen[2] = { 0 };
	struct world w;
	struct addr a;

	(void)state;
	open_world(&w, SOCK_DGRAM, o);
	for (size_t i = 0; i < 64; i++) {
		const uint32_t flow = must_ask(&w, false);

		hear(&w, &name);
		w.ops->close(w.og, flow);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name,
				     sizeof(name), &a),
		    ERR_OK);
		assert_in_range(a.ip[3], 5, 6);
		seen[a.ip[3] - 5]++;
	}
	assert_true(seen[0] > 8 && seen[1] > 8);
	close_world(&w);
}

static void
source_ports_are_uniform_over_the_whole_range(void **state)
{
	static uint8_t is_seen[65536];
	double bins[BINS] = { 0 }, chi = 0;
	const double expected = (double)LEASES / BINS;
	struct sockaddr_storage name;
	struct addr a;
	size_t distinct = 0, low = 65535, high = 0;
	struct world w;

	(void)state;
	open_world(&w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	for (size_t i = 0; i < LEASES; i++) {
		const uint32_t flow = must_ask(&w, false);

		hear(&w, &name);
		w.ops->close(w.og, flow);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name,
				     sizeof(name), &a),
		    ERR_OK);
		assert_true(a.port >= PORT_LOW);
		bins[(a.port - PORT_LOW) / 1024]++;
		distinct += !is_seen[a.port];
		is_seen[a.port] = 1;
		low = a.port < low ? a.port : low;
		high = a.port > high ? a.port : high;
	}
	for (size_t i = 0; i < BINS; i++)
		chi += (bins[i] - expected) * (bins[i] - expected) / expected;
	assert_true(chi < CHI_MOST);
	assert_true(high - low > 64000);
	/* 64,512 (1 - exp(-20,000 / 64,512)) = 17,195; deviation about 43 */
	assert_in_range(distinct, 16800, 17500);
	close_world(&w);
}

static void
no_two_open_flows_share_a_port(void **state)
{
	static uint8_t is_seen[65536];
	const struct outgoing_opts o = { .sockets_max = 200,
		.port_low = 20000,
		.port_high = 20399 };
	struct sockaddr_storage name;
	struct world w;
	struct addr a;

	(void)state;
	open_world(&w, SOCK_DGRAM, o);
	for (size_t i = 0; i < 200; i++) {
		(void)must_ask(&w, false);
		hear(&w, &name);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name,
				     sizeof(name), &a),
		    ERR_OK);
		assert_in_range(a.port, 20000, 20399);
		assert_false(is_seen[a.port]);
		is_seen[a.port] = 1;
	}
	close_world(&w);
}

/* --- TCP -------------------------------------------------------------- */

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
	w.ops->close(w.og, flow);
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
	w.ops->close(w.og, flow);
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

static void
memory_that_runs_out_is_an_error_of_send(void **state)
{
	struct world w;
	uint32_t flow;
	enum err e;

	(void)state;
	open_world(&w, SOCK_STREAM, keeping);
	for (uint64_t n = 1; n <= 2; n++) {
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
		cmocka_unit_test(an_answer_comes_back_on_its_flow),
		cmocka_unit_test(a_flow_stays_open_until_it_is_closed),
		cmocka_unit_test(only_the_address_asked_gets_through),
		cmocka_unit_test(a_closed_port_is_told_once_and_from_the_loop),
		cmocka_unit_test(what_has_no_route_is_said_at_once),
		cmocka_unit_test(flows_are_bounded),
		cmocka_unit_test(a_range_without_free_ports_is_a_limit),
		cmocka_unit_test(questions_leave_from_the_addresses_given),
		cmocka_unit_test(source_ports_are_uniform_over_the_whole_range),
		cmocka_unit_test(no_two_open_flows_share_a_port),
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
		cmocka_unit_test(memory_that_runs_out_is_an_error_of_send),
	};

	return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
