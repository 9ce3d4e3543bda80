/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.c - the generator's questions over TCP: a few connections, on each
 * of which many questions are outstanding (RFC 7766 section 6.2.1.1). As real
 * clients do, it writes each question when it has it: what a server gathers
 * from one read and into one write is its own merit.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"

#define DRAIN_US 300000u

enum { LINES_MAX = 64, BYTES = 1 << 18, IDS = 1 << 16 };

struct line {
	int fd;
	unsigned waiting;
	uint16_t next;
	size_t held; /* of an answer whose end has not come */
	uint8_t bytes[BYTES];
	uint64_t sent_us[IDS]; /* 0: not waiting */
	uint8_t source[IDS];
};

static struct line *lines[LINES_MAX];
static uint64_t now_us, asked;

static struct line *
open_line(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct line *l = calloc(1, sizeof(*l));
	int yes = 1;

	if (l == NULL)
		fail("line");
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_port = htons((uint16_t)plan.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (l->fd < 0 ||
	    connect(l->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return l;
}

static size_t
put(struct line *l, uint8_t *at)
{
	enum source source;
	const struct question *q = questions_draw(&source);
	uint16_t id = l->next++;

	at[0] = (uint8_t)(q->bytes >> 8);
	at[1] = (uint8_t)q->bytes;
	memcpy(at + 2, q->wire, q->bytes);
	at[2] = (uint8_t)(id >> 8);
	at[3] = (uint8_t)id;
	l->sent_us[id] = now_us;
	l->source[id] = (uint8_t)source;
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
	unsigned window = plan.outstanding / plan.doors;
	uint8_t out[QUESTION_MAX + 2];

	while (l->waiting < window && (plan.count == 0 || asked < plan.count))
		write_all(l->fd, out, put(l, out));
}

static void
take_one(struct line *l, uint8_t *wire, size_t bytes)
{
	unsigned id;

	if (bytes < 12)
		return;
	id = (unsigned)wire[0] << 8 | wire[1];
	if (l->sent_us[id] == 0)
		return;
	/* An echo is an answer here: its server looks at nothing. */
	if (!plan.wants_records)
		wire[2] |= 0x80;
	tally_answer((enum source)l->source[id], wire, bytes,
	    now_us - l->sent_us[id]);
	l->sent_us[id] = 0;
	l->waiting--;
}

static void
take(struct line *l)
{
	ssize_t n = recv(l->fd, l->bytes + l->held, BYTES - l->held, 0);
	size_t at = 0;

	if (n <= 0)
		fail("the connection ended");
	now_us = clock_us();
	l->held += (size_t)n;
	while (l->held - at >= 2) {
		size_t len = (size_t)l->bytes[at] << 8 | l->bytes[at + 1];

		if (l->held - at - 2 < len)
			break;
		take_one(l, l->bytes + at + 2, len);
		at += 2 + len;
	}
	memmove(l->bytes, l->bytes + at, l->held - at);
	l->held -= at;
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
turn(struct pollfd *polls, bool asking)
{
	(void)poll(polls, plan.doors, 50);
	now_us = clock_us();
	for (unsigned i = 0; i < plan.doors; i++) {
		if (polls[i].revents == 0)
			continue;
		take(lines[i]);
		if (asking)
			ask(lines[i]);
	}
}

uint64_t
stream_run(uint64_t *took_us)
{
	struct pollfd polls[LINES_MAX];
	uint64_t start, end, in_time;

	for (unsigned i = 0; i < plan.doors; i++) {
		lines[i] = open_line();
		polls[i].fd = lines[i]->fd;
		polls[i].events = POLLIN;
	}
	now_us = start = clock_us();
	end = start + plan.seconds * UINT64_C(1000000);
	for (unsigned i = 0; i < plan.doors; i++)
		ask(lines[i]);
	while (now_us < end && !is_done())
		turn(polls, true);
	*took_us = now_us - start;
	in_time = tallies[FROM_LIST].answered + tallies[FROM_PATTERN].answered;
	while (is_waiting() && now_us < end + DRAIN_US)
		turn(polls, false);
	return in_time;
}
