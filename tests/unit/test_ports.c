/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ports.c - ports that serve some questions, on loopback. */
#include "net_support.h"

#include <math.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "../../src/net/port.h"

#define KEPT      2048u
#define IDLE      (KEPT / 2)
#define QUESTIONS 20000u
#define PORT_LOW  1024u
#define SPAN      64512u

struct world {
	struct timers *timers;
	struct rng *rng;
	struct ports *ports;
	int set, server;
	struct addr to;
	uint64_t now_us;
};

static bool
begin(struct world *w, struct outgoing_opts o)
{
	const struct addr at = address("127.0.0.1", 0);
	struct rlimit limit;

	memset(w, 0, sizeof(*w));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < KEPT + 256)
		return false;
	o.port_low = PORT_LOW;
	o.port_high = 65535;
	o.sockets_max = 100;
	w->timers = timers_new();
	w->rng = rng_new();
	w->set = epoll_create1(EPOLL_CLOEXEC);
	w->ports = ports_new(w->rng, w->timers, w->set, &o);
	assert_non_null(w->ports);
	w->server = peer_socket(&at, SOCK_DGRAM, true);
	w->to = peer_address(w->server);
	w->now_us = 5000000;
	return true;
}

static void
end(struct world *w)
{
	ports_free(w->ports);
	rng_free(w->rng);
	timers_free(w->timers);
	(void)close(w->server);
	(void)close(w->set);
}

static struct port *
must_take(struct world *w)
{
	const struct port_wish wish = { .to = &w->to,
		.now_us = w->now_us,
		.flow = 1 };
	struct port *p;

	assert_int_equal(port_take(w->ports, &wish, &p), ERR_OK);
	assert_int_equal(p->flow, 1);
	return p;
}

static uint16_t
number_of(const struct port *p)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&name, &len), 0);
	return ntohs(name.sin_port);
}

/* So many questions, answered, as fast as they can be asked. */
static void
ask_and_answer(struct world *w, size_t n)
{
	while (n-- > 0)
		port_return(w->ports, must_take(w), true);
}

static const struct outgoing_opts usual = { .kept_max = KEPT, .port_uses = 4 };

static void
when_little_is_asked_each_question_has_its_own_port(void **state)
{
	struct world w;

	(void)state;
	if (!begin(&w, usual))
		skip();
	/* 1,000 a second for ten seconds */
	for (size_t i = 0; i < 10000; i++) {
		struct port *p = must_take(&w);

		assert_int_equal(p->uses, 1);
		port_return(w.ports, p, true);
		assert_int_equal(p->fd, -1);
		w.now_us += 1000;
	}
	end(&w);
}

static void
with_one_use_or_few_sockets_too(void **state)
{
	const struct outgoing_opts opts[] = { { .kept_max = KEPT,
						  .port_uses = 1 },
		{ .kept_max = KEPT - 2, .port_uses = 4 } };
	struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(opts); i++) {
		if (!begin(&w, opts[i]))
			skip();
		for (size_t n = 0; n < 3 * KEPT; n++) {
			struct port *p = must_take(&w);

			assert_int_equal(p->uses, 1);
			port_return(w.ports, p, true);
		}
		end(&w);
	}
}

static double
chi_of(const uint16_t *ports, unsigned bins)
{
	static double seen[SPAN];
	const double expected = (double)QUESTIONS / bins;
	double chi = 0;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < QUESTIONS; i++)
		seen[(size_t)(ports[i] - PORT_LOW) * bins / SPAN]++;
	for (unsigned i = 0; i < bins; i++)
		chi += (seen[i] - expected) * (seen[i] - expected) / expected;
	return chi;
}

/* RFC 5452 section 9.2, at 50 questions in flight and 20,000 a second. */
static void
ports_of_a_busy_resolver_are_uniform_and_none_is_pending_twice(void **state)
{
	static uint16_t ports[QUESTIONS];
	static uint8_t pending[65536];
	struct port *flying[50] = { NULL };
	size_t fresh = 0;
	struct world w;

	(void)state;
	if (!begin(&w, usual))
		skip();
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct port **p = &flying[i % ARRAY_LEN(flying)];

		if (*p != NULL) {
			pending[number_of(*p)] = 0;
			port_return(w.ports, *p, true);
		}
		*p = must_take(&w);
		ports[i] = number_of(*p);
		assert_false(pending[ports[i]]);
		pending[ports[i]] = 1;
		assert_in_range((*p)->uses, 1, 4);
		fresh += (*p)->uses == 1;
		w.now_us += 50;
	}
	/* a quarter of all, and those that are idle at the end */
	assert_in_range(fresh, QUESTIONS / 4, QUESTIONS / 4 + 2 * IDLE);
	/* mean + 3.09 deviations, with p = 0.001: 63 bins, and 1000 */
	assert_true(chi_of(ports, 63) < 103.4);
	assert_true(chi_of(ports, 1000) < 1143.9);
	for (size_t i = 0; i < ARRAY_LEN(flying); i++)
		port_return(w.ports, flying[i], true);
	end(&w);
}

static void
one_that_was_not_answered_is_closed(void **state)
{
	struct world w;
	struct port *p;

	(void)state;
	if (!begin(&w, usual))
		skip();
	ask_and_answer(&w, 2 * IDLE);
	p = must_take(&w);
	assert_in_range(p->uses, 2, 3);
	port_return(w.ports, p, false);
	assert_int_equal(p->fd, -1);
	end(&w);
}

static void
none_is_older_than_a_second(void **state)
{
	struct world w;
	struct port *p;

	(void)state;
	if (!begin(&w, usual))
		skip();
	ask_and_answer(&w, 2 * IDLE);
	w.now_us += 999999;
	p = must_take(&w);
	assert_in_range(p->uses, 2, 3);
	port_return(w.ports, p, true);
	w.now_us += 2;
	assert_int_equal(must_take(&w)->uses, 1);
	/* Nobody asks any more: the timer closes what is left. */
	for (size_t i = 0; i < 3; i++)
		(void)timers_run(w.timers, w.now_us += 500000);
	assert_int_equal(timers_next(w.timers), UINT64_MAX);
	assert_null(port_numbered(w.ports, 7));
	end(&w);
}

static void
one_that_is_disturbed_while_idle_never_serves_again(void **state)
{
	struct epoll_event ready;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct world w;
	struct port *p;

	(void)state;
	if (!begin(&w, usual))
		skip();
	ask_and_answer(&w, 2 * IDLE);
	p = must_take(&w);
	at.sin_port = htons(number_of(p));
	port_return(w.ports, p, true);
	assert_int_equal(sendto(w.server, "late", 4, 0, (struct sockaddr *)&at,
			     sizeof(at)),
	    4);
	assert_int_equal(epoll_wait(w.set, &ready, 1, 1000), 1);
	assert_ptr_equal(port_numbered(w.ports, ready.data.u32), p);
	assert_int_equal(p->flow, 0);
	port_disturbed(w.ports, p);
	assert_int_equal(p->fd, -1);
	end(&w);
}

static void
speak(int fd, uint16_t port, const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	assert_int_equal(sendto(fd, text, strlen(text), 0,
			     (struct sockaddr *)&at, sizeof(at)),
	    strlen(text));
}

/* What waits there is told only if it is of this lease. */
static bool
hears(struct port *p, const char *text)
{
	uint8_t got[16];
	enum err why;
	const ssize_t n = port_receive(p, got, sizeof(got), &why);

	assert_int_equal(why, ERR_OK);
	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

/* Turned to `to` for another lease, and asks. */
static void
turn_and_ask(struct port *p, const struct origin *o, const struct addr *to,
    const char *text)
{
	const uint16_t number = number_of(p);

	assert_int_equal(port_turn(p, o, to), ERR_OK);
	assert_int_equal(number_of(p), number);
	p->uses++;
	assert_int_equal(port_send(p, (const uint8_t *)text, strlen(text)),
	    ERR_OK);
}

static void
what_answers_an_earlier_lease_is_not_heard(void **state)
{
	const struct addr at = address("127.0.0.1", 0);
	const int one = peer_socket(&at, SOCK_DGRAM, true);
	const int two = peer_socket(&at, SOCK_DGRAM, true);
	const struct addr to_one = peer_address(one),
			  to_two = peer_address(two);
	struct origin o = { .from_count = 0 };
	struct port p = { .to = to_one, .fd = -1 };
	struct rng *rng = rng_new();
	uint16_t number;

	(void)state;
	spread_start(&o.spread, PORT_LOW, 65535);
	assert_int_equal(port_open(&p, &o, rng, true), ERR_OK);
	turn_and_ask(&p, &o, &to_one, "AA?");
	number = number_of(&p);
	/* A second answer waits when it is turned to another server. */
	speak(one, number, "AA!");
	speak(one, number, "AA!");
	assert_true(hears(&p, "AA!"));
	turn_and_ask(&p, &o, &to_two, "BB?");
	assert_false(hears(&p, "AA!"));
	/* Nor is it heard later, and who asks sees a closed port. */
	speak(one, number, "AA!");
	assert_false(hears(&p, "AA!"));
	speak(two, number, "BB!");
	assert_true(hears(&p, "BB!"));
	/* The same server again: its earlier answer is told by its id. */
	turn_and_ask(&p, &o, &to_two, "CC?");
	speak(two, number, "BB!");
	assert_false(hears(&p, "BB!"));
	speak(two, number, "XX!");
	assert_true(hears(&p, "XX!"));
	speak(two, number, "CC!");
	assert_true(hears(&p, "CC!"));
	(void)close(p.fd);
	(void)close(one);
	(void)close(two);
	rng_free(rng);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    when_little_is_asked_each_question_has_its_own_port),
		cmocka_unit_test(with_one_use_or_few_sockets_too),
		cmocka_unit_test(
		    ports_of_a_busy_resolver_are_uniform_and_none_is_pending_twice),
		cmocka_unit_test(one_that_was_not_answered_is_closed),
		cmocka_unit_test(none_is_older_than_a_second),
		cmocka_unit_test(
		    one_that_is_disturbed_while_idle_never_serves_again),
		cmocka_unit_test(what_answers_an_earlier_lease_is_not_heard),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
