/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.c - the generator's questions over TCP: a number of connections, on
 * each of which a few questions are outstanding (RFC 7766 section 6.2.1.1).
 *
 * A connection's questions leave by one write, and the next ones when all of
 * them are answered. So it depends on nothing but the plan how much a server
 * can gather from one read: when each question left as soon as it could, a
 * server that was faster than the generator was woken for each, read less and
 * paid more than a slower one. And the generator costs less than any server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"

#define DRAIN_US 300000u

enum { EVENTS = 64, MESSAGE_MAX = 2 + 65535, BYTES = 1 << 18 };

struct line {
	int fd;
	unsigned waiting;
	uint64_t sent_us;
	uint8_t source[STREAM_WINDOW_MAX];
	bool is_open[STREAM_WINDOW_MAX]; /* by id: not answered yet */
	size_t held; /* of an answer whose end has not come */
	uint8_t rest[MESSAGE_MAX];
};

static struct line *lines[DOORS_MAX];
static uint64_t now_us, asked;

static struct line *
open_line(int set)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct line *l = calloc(1, sizeof(*l));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = l };
	int yes = 1;

	if (l == NULL)
		fail("line");
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_port = htons((uint16_t)plan.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (l->fd < 0 ||
	    connect(l->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    epoll_ctl(set, EPOLL_CTL_ADD, l->fd, &e) != 0)
		fail("connect");
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return l;
}

static size_t
put(struct line *l, unsigned id, uint8_t *at)
{
	enum source source;
	const struct question *q = questions_draw(&source);

	at[0] = (uint8_t)(q->bytes >> 8);
	at[1] = (uint8_t)q->bytes;
	memcpy(at + 2, q->wire, q->bytes);
	at[2] = (uint8_t)(id >> 8);
	at[3] = (uint8_t)id;
	l->source[id] = (uint8_t)source;
	l->is_open[id] = true;
	l->waiting++;
	tallies[source].asked++;
	asked++;
	return 2u + q->bytes;
}

static void
write_all(int fd, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = write(fd, bytes + sent, len - sent);

		if (n < 0 && errno != EINTR)
			fail("write");
		sent += n > 0 ? (size_t)n : 0;
	}
}

static void
ask(struct line *l)
{
	static uint8_t out[STREAM_WINDOW_MAX * (QUESTION_MAX + 2)];
	unsigned window = plan.outstanding / plan.doors;
	size_t len = 0;

	if (l->waiting > 0)
		return;
	for (unsigned id = 0; id < window; id++)
		if (plan.count == 0 || asked < plan.count)
			len += put(l, id, out + len);
	l->sent_us = now_us;
	write_all(l->fd, out, len);
}

static void
take_one(struct line *l, uint8_t *wire, size_t bytes)
{
	unsigned id;

	if (bytes < 12)
		return;
	id = (unsigned)wire[0] << 8 | wire[1];
	if (id >= STREAM_WINDOW_MAX || !l->is_open[id])
		return;
	/* An echo is an answer here: its server looks at nothing. */
	if (!plan.wants_records)
		wire[2] |= 0x80;
	tally_answer((enum source)l->source[id], wire, bytes,
	    now_us - l->sent_us);
	l->is_open[id] = false;
	l->waiting--;
}

/*
 * To who sends answers in pieces, or it would wait for us and we for it: not
 * all servers turn Nagle's algorithm off, and we have nothing to say.
 */
static void
acknowledge(int fd)
{
	int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
}

static void
take(struct line *l)
{
	static uint8_t bytes[MESSAGE_MAX + BYTES];
	ssize_t n;
	size_t at = 0, end = l->held;

	memcpy(bytes, l->rest, l->held);
	n = recv(l->fd, bytes + end, BYTES, 0);
	if (n <= 0)
		fail("the connection ended");
	end += (size_t)n;
	while (end - at >= 2) {
		size_t len = (size_t)bytes[at] << 8 | bytes[at + 1];

		if (end - at - 2 < len)
			break;
		take_one(l, bytes + at + 2, len);
		at += 2 + len;
	}
	l->held = end - at;
	memcpy(l->rest, bytes + at, l->held);
	if (l->waiting > 0)
		acknowledge(l->fd);
}

static bool
is_waiting(void)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < plan.doors; i++)
		waiting += lines[i]->waiting;
	return waiting > 0;
}

static bool
is_done(void)
{
	return plan.count > 0 && asked >= plan.count && !is_waiting();
}

static void
turn(int set, bool asking)
{
	struct epoll_event ready[EVENTS];
	int n = epoll_wait(set, ready, EVENTS, 50);

	now_us = clock_us();
	for (int i = 0; i < n; i++) {
		struct line *l = ready[i].data.ptr;

		take(l);
		if (asking)
			ask(l);
	}
}

uint64_t
stream_run(uint64_t *took_us)
{
	int set = epoll_create1(EPOLL_CLOEXEC);
	uint64_t start, end, in_time;

	for (unsigned i = 0; i < plan.doors; i++)
		lines[i] = open_line(set);
	now_us = start = clock_us();
	end = start + plan.seconds * UINT64_C(1000000);
	for (unsigned i = 0; i < plan.doors; i++)
		ask(lines[i]);
	while (now_us < end && !is_done())
		turn(set, true);
	*took_us = now_us - start;
	in_time = tallies[FROM_LIST].answered + tallies[FROM_PATTERN].answered;
	while (is_waiting() && now_us < end + DRAIN_US)
		turn(set, false);
	return in_time;
}
