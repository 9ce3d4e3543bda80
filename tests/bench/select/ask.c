/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask.c - asks a name server each question of a list at its moment, and tells
 * how long the answer took, to a few microseconds.
 *
 *   ask SERVER PORT BEGIN <QUESTIONS >ANSWERS
 *
 * BEGIN is in seconds since 1970, with a fraction. A question is a line
 * "MICROSECONDS-AFTER-BEGIN NAME", in the order of time; type A. Of each
 * there is a line afterwards:
 *
 *   NUMBER DUE LATE WAITED RCODE ADDRESS
 *
 * in microseconds: when it was to leave, how much later it left, and until
 * when its answer had entered the network on the server's side; -1 and -1 for
 * what did not come in five seconds. ADDRESS is the last A record's, or "-".
 *
 * The kernel stamps what arrives, so that a generator that wakes late does
 * not lengthen a wait; one that sends late says so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER = 12,
	NAME_MAX_BYTES = 255,
	QUESTION_MAX = HEADER + NAME_MAX_BYTES + 4,
	ANSWER_MAX = 4096,
	QUESTIONS_MAX = 60000 /* each has an id of its own */
};

#define PATIENCE_US 5000000

struct question {
	int64_t due_us, sent_us, waited_us; /* waited_us -1: no answer */
	uint8_t wire[QUESTION_MAX];
	uint16_t bytes;
	int16_t rcode;
	uint8_t address[4];
	bool has_address;
};

struct asker {
	struct question *questions;
	size_t count, next;
	size_t open; /* asked, and neither answered nor given up */
	int64_t begin_us;
	int fd;
};

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int64_t
to_us(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return to_us(&t);
}

/* --- questions --------------------------------------------------------- */

/* Returns what follows the name, or NULL: not a name. */
static uint8_t *
put_name(uint8_t *at, const char *text)
{
	const uint8_t *end = at + NAME_MAX_BYTES - 1;

	while (*text != '\0') {
		size_t label = strcspn(text, ".");

		if (label == 0 || label > 63 || at + label + 1 > end)
			return NULL;
		*at++ = (uint8_t)label;
		memcpy(at, text, label);
		at += label;
		text += label + (text[label] == '.');
	}
	*at++ = 0;
	return at;
}

static void
put_question(struct question *q, size_t number, const char *name)
{
	static const uint8_t tail[] = { 0, 1, 0, 1 };
	uint8_t *at;

	q->wire[0] = (uint8_t)(number >> 8);
	q->wire[1] = (uint8_t)number;
	q->wire[2] = 1; /* RD */
	q->wire[5] = 1;
	at = put_name(q->wire + HEADER, name);
	if (at == NULL) {
		fprintf(stderr, "ask: not a name: %s\n", name);
		exit(EXIT_FAILURE);
	}
	memcpy(at, tail, sizeof(tail));
	q->bytes = (uint16_t)(at + sizeof(tail) - q->wire);
	q->waited_us = q->rcode = -1;
}

static void
read_questions(struct asker *a)
{
	char name[NAME_MAX_BYTES + 1];
	int64_t due_us;

	a->questions = calloc(QUESTIONS_MAX, sizeof(*a->questions));
	if (a->questions == NULL)
		fail("ask");
	while (scanf("%" SCNd64 " %255s", &due_us, name) == 2) {
		struct question *q = &a->questions[a->count];

		if (a->count == QUESTIONS_MAX ||
		    (a->count > 0 && due_us < q[-1].due_us)) {
			fprintf(stderr, "ask: too many, or not in order\n");
			exit(EXIT_FAILURE);
		}
		q->due_us = due_us;
		put_question(q, a->count++, name);
	}
	if (ferror(stdin) || !feof(stdin)) {
		fprintf(stderr, "ask: line %zu is no question\n", a->count + 1);
		exit(EXIT_FAILURE);
	}
}

/* --- answers ----------------------------------------------------------- */

/* What follows the name at `at`; end when it does not end. */
static const uint8_t *
skip_name(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != 0) {
		if (*at >= 0xc0)
			return at + 2 < end ? at + 2 : end;
		at += *at + 1;
	}
	return at < end ? at + 1 : end;
}

static void
read_address(struct question *q, const uint8_t *wire, size_t bytes)
{
	const uint8_t *end = wire + bytes, *at = wire + q->bytes;
	unsigned records = (unsigned)wire[6] << 8 | wire[7];

	for (; records > 0; records--) {
		size_t length;

		at = skip_name(at, end);
		if (end - at < 10)
			return;
		length = (size_t)at[8] << 8 | at[9];
		if ((size_t)(end - at) < 10 + length)
			return;
		if (at[1] == 1 && length == sizeof(q->address)) {
			memcpy(q->address, at + 10, length);
			q->has_address = true;
		}
		at += 10 + length;
	}
}

static void
take_answer(struct asker *a, const uint8_t *wire, size_t bytes, int64_t at_us)
{
	size_t number = (size_t)wire[0] << 8 | wire[1];
	struct question *q;

	if (number >= a->next)
		return;
	q = &a->questions[number];
	if (q->waited_us >= 0 || bytes < q->bytes || (wire[2] & 0x80) == 0 ||
	    memcmp(wire + HEADER, q->wire + HEADER, q->bytes - HEADER) != 0)
		return;
	q->waited_us = at_us - q->sent_us;
	q->rcode = wire[3] & 15;
	a->open--;
	read_address(q, wire, bytes);
}

static int64_t
stamp_us(struct msghdr *m)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		return to_us(&t);
	}
	return now_us();
}

static void
receive(struct asker *a)
{
	uint8_t wire[ANSWER_MAX], control[128];
	struct iovec part = { wire, sizeof(wire) };

	for (;;) {
		struct msghdr m = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(a->fd, &m, MSG_DONTWAIT);

		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return;
		if (n >= HEADER)
			take_answer(a, wire, (size_t)n, stamp_us(&m));
	}
}

/* --- the run ----------------------------------------------------------- */

static void
open_socket(struct asker *a, const char *server, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int on = 1, size = 4 << 20;

	to.sin_port = htons((uint16_t)atoi(port));
	a->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (a->fd < 0 || inet_pton(AF_INET, server, &to.sin_addr) != 1 ||
	    connect(a->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    setsockopt(a->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		fail(server);
	(void)setsockopt(a->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* else the kernel may wake us 50 us later, to save a wake-up */
	(void)prctl(PR_SET_TIMERSLACK, 1);
}

static void
wait_until(const struct asker *a, int64_t due_us)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	int64_t left = due_us - now_us();
	struct timespec t;

	if (left <= 0)
		return;
	t.tv_sec = left / 1000000;
	t.tv_nsec = left % 1000000 * 1000;
	(void)ppoll(&p, 1, &t, NULL);
}

static void
send_due(struct asker *a)
{
	while (a->next < a->count) {
		struct question *q = &a->questions[a->next];

		if (a->begin_us + q->due_us > now_us())
			return;
		q->sent_us = now_us();
		/* an ICMP error of an earlier one: this one has not left */
		if (send(a->fd, q->wire, q->bytes, 0) < 0)
			(void)send(a->fd, q->wire, q->bytes, 0);
		a->next++;
		a->open++;
	}
}

static void
run(struct asker *a)
{
	int64_t end_us = 0;

	while (a->next < a->count || (a->open > 0 && now_us() < end_us)) {
		if (a->next < a->count)
			wait_until(a,
			    a->begin_us + a->questions[a->next].due_us);
		else
			wait_until(a, end_us);
		send_due(a);
		receive(a);
		if (a->count > 0 && a->next == a->count && end_us == 0)
			end_us =
			    a->questions[a->count - 1].sent_us + PATIENCE_US;
	}
}

static void
tell(const struct asker *a)
{
	char text[INET_ADDRSTRLEN] = "-";

	for (size_t i = 0; i < a->count; i++) {
		struct question *q = &a->questions[i];

		if (q->waited_us > PATIENCE_US)
			q->waited_us = q->rcode = -1;
		if (q->has_address)
			(void)inet_ntop(AF_INET, q->address, text,
			    sizeof(text));
		printf("%zu %" PRId64 " %" PRId64 " %" PRId64 " %d %s\n", i,
		    q->due_us, q->sent_us - a->begin_us - q->due_us,
		    q->waited_us, q->rcode, q->has_address ? text : "-");
	}
}

int
main(int argc, char **argv)
{
	struct asker a = { .fd = -1 };

	if (argc != 4) {
		fputs("usage: ask SERVER PORT BEGIN <QUESTIONS\n", stderr);
		return 2;
	}
	a.begin_us = (int64_t)(strtod(argv[3], NULL) * 1e6);
	read_questions(&a);
	open_socket(&a, argv[1], argv[2]);
	run(&a);
	tell(&a);
	close(a.fd);
	free(a.questions);
	return 0;
}
