/* SPDX-License-Identifier: BSD-3-Clause */
/* test_backlog.c - questions that come faster than they are answered. */
#include "net_support.h"

#include "../../src/net/backlog.h"
#include "../../src/net/sock.h"

/* More than any receive buffer of ours holds. */
#define TOO_MANY 20000u
#define SOME     300u
#define LONG_US  60000u
#define TURNS_US 20000u
#define SHORT_US 2100000u

struct office {
	struct ride ride;
	struct udp_listener *ul;
	uint64_t served, sent;
	int client;
};

static void
on_batch(void *user, struct udp_listener *ul, struct datagram *batch, size_t n)
{
	struct office *o = user;

	(void)ul;
	(void)batch;
	o->served += n;
}

static void
open_office(struct office *o)
{
	const struct udp_listener_opts opts = {
		.local = address("127.0.0.1", 0),
		.on_batch = on_batch,
		.user = o,
	};
	struct addr to;

	memset(o, 0, sizeof(*o));
	ride_begin(&o->ride);
	o->ul = udp_listener_new(o->ride.loop, &opts);
	assert_non_null(o->ul);
	to = udp_listener_local(o->ul);
	o->client = peer_socket(&to, SOCK_DGRAM, false);
}

static void
close_office(struct office *o)
{
	(void)close(o->client);
	udp_listener_free(o->ul);
	ride_end(&o->ride);
}

static uint64_t
seen(const struct office *o)
{
	return o->served + udp_listener_overdue(o->ul);
}

/* Questions that lie in the queue for a while before the loop turns. */
static void
ask(struct office *o, unsigned count, unsigned wait_us)
{
	uint64_t before;

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(send(o->client, "12345", 5, 0), 5);
	o->sent += count;
	(void)usleep(wait_us);
	do {
		before = seen(o);
		ride_for(&o->ride, TURNS_US);
	} while (seen(o) > before);
}

static void
all_are_accounted_for(const struct office *o)
{
	assert_int_equal(seen(o) + udp_listener_drops(o->ul), o->sent);
}

static void
what_runs_over_is_counted(void **state)
{
	struct office o;

	(void)state;
	open_office(&o);
	ask(&o, TOO_MANY, LONG_US);
	assert_true(o.served > 0);
	assert_true(udp_listener_drops(o.ul) > 0);
	all_are_accounted_for(&o);
	close_office(&o);
}

static void
what_is_too_old_in_a_full_queue_is_dropped(void **state)
{
	struct office o;
	uint64_t served;

	(void)state;
	open_office(&o);
	ask(&o, TOO_MANY, LONG_US);
	served = o.served;
	ask(&o, TOO_MANY, LONG_US);
	assert_true(udp_listener_overdue(o.ul) > 0);
	assert_true(o.served - served < DATAGRAM_BATCH);
	all_are_accounted_for(&o);
	close_office(&o);
}

static void
a_queue_that_did_not_run_over_is_served_however_old(void **state)
{
	struct office o;
	uint64_t served;

	(void)state;
	open_office(&o);
	ask(&o, TOO_MANY, LONG_US);
	served = o.served;
	ask(&o, SOME, LONG_US);
	assert_int_equal(o.served - served, SOME);
	close_office(&o);
}

static void
after_too_much_what_is_fresh_is_served(void **state)
{
	struct office o;
	uint64_t served;

	(void)state;
	open_office(&o);
	ask(&o, TOO_MANY, LONG_US);
	ask(&o, TOO_MANY, LONG_US);
	served = o.served;
	ask(&o, SOME, 0);
	assert_int_equal(o.served - served, SOME);
	close_office(&o);
}

/* How many of too many it holds. */
static uint64_t
held(struct office *o)
{
	const uint64_t before = seen(o);

	ask(o, TOO_MANY, 0);
	return seen(o) - before;
}

static void
a_queue_that_ran_over_is_short_for_a_while(void **state)
{
	struct office o;
	uint64_t at_first, then;

	(void)state;
	open_office(&o);
	at_first = held(&o);
	then = held(&o);
	/* Who may not have a long queue sees little of it. */
	assert_true(at_first < 5000 || then < at_first / 8);
	assert_true(then <= at_first);
	(void)usleep(SHORT_US / 2);
	(void)held(&o); /* that a short one runs over says nothing */
	(void)usleep(SHORT_US / 2);
	ask(&o, SOME, 0);
	/* This time ages are known, and all is dropped. */
	ask(&o, TOO_MANY, LONG_US);
	assert_true(udp_listener_overdue(o.ul) > at_first - at_first / 8);
	then = held(&o);
	assert_true(at_first < 5000 || then < at_first / 8);
	all_are_accounted_for(&o);
	close_office(&o);
}

static int
room_of(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len),
	    0);
	return bytes;
}

/* As one that was opened by root, who is root no more. */
static void
a_queue_that_could_not_be_made_again_stays(void **state)
{
	const struct addr anywhere = address("127.0.0.1", 0);
	const int large = 64 << 20;
	const int fd = sock_listen_at(&anywhere, SOCK_DGRAM, true);
	const struct addr to = sock_local(fd);
	const int client = peer_socket(&to, SOCK_DGRAM, false);
	struct backlog b = { .drops = UINT32_MAX }; /* some were lost since */

	(void)state;
	if (!sock_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, large))
		skip();
	assert_int_equal(send(client, "12345", 5, 0), 5);
	backlog_grows(&b, fd);
	assert_true(b.spilling);
	assert_int_equal(room_of(fd), 2 * large);
	(void)close(client);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_runs_over_is_counted),
		cmocka_unit_test(what_is_too_old_in_a_full_queue_is_dropped),
		cmocka_unit_test(
		    a_queue_that_did_not_run_over_is_served_however_old),
		cmocka_unit_test(after_too_much_what_is_fresh_is_served),
		cmocka_unit_test(a_queue_that_ran_over_is_short_for_a_while),
		cmocka_unit_test(a_queue_that_could_not_be_made_again_stays),
	};

	return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
