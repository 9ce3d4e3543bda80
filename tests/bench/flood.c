/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood.c - asks a name server as fast as it answers, or at a given rate.
 *
 * Without a rate a fixed number of questions is outstanding over a few
 * connected sockets, and each answer makes room for the next question on its
 * socket; with one, questions leave when they are due, answered or not.
 *
 * It has to cost less than the server it measures, so it reads and sends in
 * batches, and when all questions are of one length the kernel cuts them from
 * one large send (UDP_SEGMENT).
 *
 * An answer counts when its id fits, QR is on, the rcode is NOERROR and (with
 * -a) it holds a record. What does not come within a second is lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "flood.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { IDS = 1 << 16, BATCH = 64, ANSWER_MAX = 4096, BUFFER = 1 << 22 };

#define LOST_US  1000000u
#define DRAIN_US 300000u
#define SWEEP_US 100000u

struct place {
	uint64_t sent_us;
	uint8_t source;
	bool waiting;
};

/* Ids are given in turn, so that the oldest question is the first id used. */
struct door {
	int fd;
	unsigned waiting;
	uint16_t next, oldest;
	struct place *places;
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	uint8_t bytes[BATCH * (size_t)ANSWER_MAX];
};

struct plan plan = { .seconds = 5, .outstanding = 200, .doors = 8 };
struct tally tallies[SOURCES];
static struct door doors[DOORS_MAX];
static struct batch in, out;
static uint64_t now_us, asked;
static bool one_length;

void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

uint64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* --- sockets ----------------------------------------------------------- */

static void
open_door(struct door *d, int segment)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int bytes = BUFFER;

	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	d->places = calloc(IDS, sizeof(*d->places));
	to.sin_port = htons((uint16_t)plan.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (d->fd < 0 || d->places == NULL ||
	    connect(d->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("socket");
	(void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* A kernel without it sends them one by one. */
	one_length = segment != 0 && setsockopt(d->fd, IPPROTO_UDP, UDP_SEGMENT,
					 &segment, sizeof(segment)) == 0;
}

static void
prepare(void)
{
	for (size_t i = 0; i < BATCH; i++) {
		in.parts[i].iov_base = in.bytes + i * ANSWER_MAX;
		in.parts[i].iov_len = ANSWER_MAX;
		in.messages[i].msg_hdr.msg_iov = &in.parts[i];
		in.messages[i].msg_hdr.msg_iovlen = 1;
		out.messages[i].msg_hdr.msg_iov = &out.parts[i];
		out.messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned i = 0; i < plan.doors; i++)
		open_door(&doors[i], questions_one_length());
}

/* --- asking ------------------------------------------------------------ */

static void
put_id(struct door *d, uint8_t *wire, enum source source)
{
	uint16_t id = d->next++;

	d->places[id] = (struct place){ .sent_us = now_us,
		.source = (uint8_t)source,
		.waiting = true };
	d->waiting++;
	wire[0] = (uint8_t)(id >> 8);
	wire[1] = (uint8_t)(id & 0xff);
}

/* What cannot be sent stays waiting, and is lost in time. */
static void
send_batch(const struct door *d, unsigned count, size_t bytes)
{
	unsigned messages = count;

	if (one_length) {
		messages = 1;
		out.parts[0].iov_len = bytes;
	}
	for (unsigned sent = 0; sent < messages;) {
		int n =
		    sendmmsg(d->fd, out.messages + sent, messages - sent, 0);

		if (n < 0 && errno == EINTR)
			continue;
		sent += n > 0 ? (unsigned)n : 1;
	}
}

static bool
may_ask(const struct door *d)
{
	return (plan.count == 0 || asked < plan.count) && d->waiting < IDS - 1;
}

static void
ask(struct door *d, unsigned most)
{
	uint8_t *at = out.bytes;
	unsigned count = 0;

	while (count < most && count < BATCH && may_ask(d)) {
		enum source source;
		const struct question *q = questions_draw(&source);

		memcpy(at, q->wire, q->bytes);
		put_id(d, at, source);
		tallies[source].asked++;
		asked++;
		out.parts[count].iov_base = at;
		out.parts[count].iov_len = q->bytes;
		at += q->bytes;
		count++;
	}
	if (count > 0)
		send_batch(d, count, (size_t)(at - out.bytes));
}

static void
fill(struct door *d)
{
	unsigned window = plan.outstanding / plan.doors;

	if (plan.rate == 0 && d->waiting < window)
		ask(d, window - d->waiting);
}

/*
 * With a rate: what is due by now, spread over the sockets. What none of them
 * has an id for is asked later.
 */
static void
ask_due(uint64_t start_us)
{
	static unsigned turn;
	uint64_t due = (now_us - start_us) * plan.rate / 1000000u;
	unsigned full = 0;

	if (plan.count > 0 && due > plan.count)
		due = plan.count;
	while (asked < due && full < plan.doors) {
		const uint64_t left = due - asked, before = asked;

		ask(&doors[turn++ % plan.doors],
		    left < BATCH ? (unsigned)left : BATCH);
		full = asked == before ? full + 1 : 0;
	}
}

/* --- answers ----------------------------------------------------------- */

static void
take_answer(struct door *d, const uint8_t *wire, size_t bytes)
{
	struct place *p;

	if (bytes < 2)
		return;
	p = &d->places[(unsigned)wire[0] << 8 | wire[1]];
	if (!p->waiting)
		return; /* late: it counts as lost */
	p->waiting = false;
	d->waiting--;
	tally_answer((enum source)p->source, wire, bytes, now_us - p->sent_us);
}

static void
take_answers(struct door *d)
{
	int n = recvmmsg(d->fd, in.messages, BATCH, MSG_DONTWAIT, NULL);

	now_us = clock_us();
	for (int i = 0; i < n; i++)
		take_answer(d, in.parts[i].iov_base, in.messages[i].msg_len);
}

static void
give_up_late(struct door *d)
{
	while (d->oldest != d->next) {
		struct place *p = &d->places[d->oldest];

		if (p->waiting && now_us - p->sent_us <= LOST_US)
			return;
		d->waiting -= p->waiting;
		p->waiting = false;
		d->oldest++;
	}
}

/* --- the run ----------------------------------------------------------- */

static void
turn(struct pollfd *polls, uint64_t start_us, bool asking)
{
	struct timespec patience = { .tv_nsec =
					 plan.rate > 0 ? 200000 : 50000000 };

	(void)ppoll(polls, plan.doors, &patience, NULL);
	now_us = clock_us();
	if (asking && plan.rate > 0)
		ask_due(start_us);
	for (unsigned i = 0; i < plan.doors; i++) {
		if (polls[i].revents == 0)
			continue;
		take_answers(&doors[i]);
		if (asking)
			fill(&doors[i]);
	}
}

static bool
is_waiting(void)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < plan.doors; i++)
		waiting += doors[i].waiting;
	return waiting > 0;
}

static bool
is_done(void)
{
	return plan.count > 0 && asked >= plan.count && !is_waiting();
}

static uint64_t
answered(void)
{
	return tallies[FROM_LIST].answered + tallies[FROM_PATTERN].answered;
}

static uint64_t
run(uint64_t *took_us)
{
	struct pollfd polls[DOORS_MAX];
	uint64_t start = clock_us(), sweep = start, in_time;
	uint64_t end = start + plan.seconds * UINT64_C(1000000);

	now_us = start;
	for (unsigned i = 0; i < plan.doors; i++) {
		polls[i].fd = doors[i].fd;
		polls[i].events = POLLIN;
		fill(&doors[i]);
	}
	while (now_us < end && !is_done()) {
		turn(polls, start, true);
		if (now_us - sweep < SWEEP_US)
			continue;
		sweep = now_us;
		for (unsigned i = 0; i < plan.doors; i++) {
			give_up_late(&doors[i]);
			fill(&doors[i]);
		}
	}
	in_time = answered();
	*took_us = now_us - start;
	while (is_waiting() && now_us < end + DRAIN_US)
		turn(polls, start, false);
	return in_time;
}

/* --- the command line -------------------------------------------------- */

static const char usage[] =
    "usage: flood -p PORT [-f NAMES] [-q PATTERN [-b BASE] [-m PERCENT]]\n"
    "             [-d SECONDS] [-c COUNT] [-n OUTSTANDING] [-s SOCKETS]\n"
    "             [-r RATE] [-eDaAt]\n"
    "Asks 127.0.0.1 for A records.\n"
    "  -f  names drawn at random from a file\n"
    "  -q  a name with %u in it, counted up from BASE; with -f PERCENT of all\n"
    "  -r  questions a second, instead of OUTSTANDING at a time\n"
    "  -e  questions carry EDNS; -D: with DO\n"
    "  -a  an answer without a record is wrong; -A: without AD\n"
    "  -t  over TCP\n";

static void
read_options(int argc, char **argv)
{
	unsigned count = 0;
	unsigned *const numbers[] = { ['p'] = &plan.port,
		['d'] = &plan.seconds,
		['n'] = &plan.outstanding,
		['s'] = &plan.doors,
		['r'] = &plan.rate,
		['m'] = &plan.percent,
		['b'] = &plan.base,
		['c'] = &count };
	bool *const claims[] = { ['e'] = &plan.with_edns,
		['D'] = &plan.dnssec_ok,
		['a'] = &plan.wants_records,
		['A'] = &plan.wants_proof,
		['t'] = &plan.tcp };
	int c;

	while ((c = getopt(argc, argv, "p:f:q:d:n:s:r:m:b:c:eDaAt")) != -1) {
		if (c == '?')
			exit(2);
		if (c == 'f')
			plan.names = optarg;
		else if (c == 'q')
			plan.pattern = optarg;
		else if (optarg != NULL)
			*numbers[c] = (unsigned)strtoul(optarg, NULL, 10);
		else
			*claims[c] = true;
	}
	plan.count = count;
	plan.with_edns = plan.with_edns || plan.dnssec_ok;
}

static bool
options_fit(void)
{
	return (plan.names != NULL || plan.pattern != NULL) && plan.port != 0 &&
	       plan.port <= UINT16_MAX && plan.seconds > 0 &&
	       plan.seconds <= 3600 && plan.doors > 0 &&
	       plan.doors <= DOORS_MAX && plan.outstanding >= plan.doors &&
	       plan.outstanding <=
		   plan.doors * (plan.tcp ? STREAM_WINDOW_MAX : 4096u);
}

int
main(int argc, char **argv)
{
	uint64_t in_time, took_us;

	read_options(argc, argv);
	if (!options_fit()) {
		fputs(usage, stderr);
		return 2;
	}
	questions_read();
	if (!plan.tcp)
		prepare();
	in_time = plan.tcp ? stream_run(&took_us) : run(&took_us);
	tally_print(in_time, took_us);
	return answered() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
