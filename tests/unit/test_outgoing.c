/* SPDX-License-Identifier: BSD-3-Clause */
/* test_outgoing.c - the seam by UDP, against servers on loopback. */
#include "net_world.h"

#include <sys/syscall.h>

#define LEASES   20000u
#define BINS     63u   /* of 1024 ports */
#define CHI_MOST 140.0 /* 62 degrees of freedom: p < 1e-7 */

#define ROW 70u /* more than leave in one go */

static bool sends_fail;

/* As the system would, or one that lets nothing out. */
ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
	if (sends_fail) {
		errno = EPERM;
		return -1;
	}
	return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
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
	w.ops->close(w.og, flow, false);
	w.ops->close(w.og, flow, false);
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
	w.ops->close(w.og, flows[1], false);
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
		w.ops->close(w.og, flow, false);
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
		w.ops->close(w.og, flow, false);
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

struct row {
	struct world w;
	struct timer timer;
	size_t asked, refused; /* at once */
	bool closes;
};

static void
ask_a_row(void *user)
{
	struct row *r = user;
	uint32_t flow;

	for (; r->asked < ROW; r->asked++) {
		if (ask(&r->w, false, &flow) != ERR_OK)
			r->refused++;
		else if (r->closes)
			r->w.ops->close(r->w.og, flow, false);
	}
}

/* All are asked within one turn of the loop. */
static void
row_begin(struct row *r)
{
	memset(r, 0, sizeof(*r));
	open_world(&r->w, SOCK_DGRAM, (struct outgoing_opts){ 0 });
	r->timer = (struct timer){ .fire = ask_a_row, .user = r };
	r->w.stop_at = ROW;
	assert_int_equal(timer_arm(loop_timers(r->w.ride.loop), &r->timer, 1),
	    ERR_OK);
}

static void
questions_of_one_turn_leave_in_a_row(void **state)
{
	struct sockaddr_storage from;
	struct row r;

	(void)state;
	row_begin(&r);
	ride_for(&r.w.ride, 10000);
	for (unsigned i = 0; i < ROW; i++) {
		hear(&r.w, &from);
		say(&r.w, &from, "yes");
	}
	ride_on(&r.w.ride);
	assert_int_equal(r.refused, 0);
	assert_int_equal(r.w.messages, ROW);
	close_world(&r.w);
}

/* ask() sees to it that nothing is told from within. */
static void
a_row_that_cannot_leave_is_told_all_the_same(void **state)
{
	struct row r;

	(void)state;
	row_begin(&r);
	sends_fail = true;
	ride_for(&r.w.ride, 10000);
	sends_fail = false;
	assert_int_equal(r.w.messages, 0);
	assert_in_range(r.w.breaks, 1, ROW);
	assert_int_equal(r.w.breaks + r.refused, ROW);
	close_world(&r.w);
}

static void
what_is_closed_before_it_left_stays_here(void **state)
{
	uint8_t got[16];
	struct row r;

	(void)state;
	row_begin(&r);
	r.closes = true;
	ride_for(&r.w.ride, 10000);
	assert_int_equal(r.asked, ROW);
	assert_int_equal(r.refused, 0);
	assert_int_equal(recv(r.w.server, got, sizeof(got), MSG_DONTWAIT), -1);
	close_world(&r.w);
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
		cmocka_unit_test(questions_of_one_turn_leave_in_a_row),
		cmocka_unit_test(a_row_that_cannot_leave_is_told_all_the_same),
		cmocka_unit_test(what_is_closed_before_it_left_stays_here),
	};

	return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
