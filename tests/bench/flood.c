/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood.c - asks a name server as fast as it answers. A fixed number of
 * questions is outstanding over a few connected sockets; each answer makes
 * room for the next question on its socket. Names are drawn at random from a
 * list, type A.
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
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	DOORS_MAX = 64,
	/* Places of one socket; an id is a place and ten bits of a count. */
	PLACES_MAX = 64,
	PLACE_BITS = 6,
	QUESTION_MAX = 12 + 255 + 4 + 11,
	ANSWER_MAX = 4096,
	HEADER = 12,
	BUFFER = 1 << 21,
	LATENCY_MAX_US = 1 << 16
};

#define LOST_US  1000000u
#define DRAIN_US 300000u

struct question {
	uint16_t bytes;
	uint8_t wire[QUESTION_MAX];
};

struct place {
	uint64_t sent_us;
	uint16_t id;
	bool waiting;
};

struct door {
	int fd;
	struct place places[PLACES_MAX];
};

struct flood {
	/* the command line */
	unsigned port, seconds, outstanding, doors_count;
	const char *names;
	bool with_edns, wants_records;
	/* the questions */
	struct question *questions;
	size_t questions_count;
	bool one_length;
	/* the run */
	struct door doors[DOORS_MAX];
	unsigned places; /* of each door */
	uint64_t random, now_us;
	uint16_t count;
	/* the result */
	uint64_t asked, answered, wrong, in_time, took_us;
	uint32_t latency[LATENCY_MAX_US];
};

struct batch {
	struct mmsghdr messages[PLACES_MAX];
	struct iovec parts[PLACES_MAX];
	uint8_t bytes[PLACES_MAX * (size_t)ANSWER_MAX];
};

static struct flood flood = {
	.seconds = 5,
	.outstanding = 200,
	.doors_count = 8,
	.random = 0x9e3779b97f4a7c15u,
};
static struct batch in, out;

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static uint64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* --- questions --------------------------------------------------------- */

/* Returns what follows the name, or NULL: not a name. */
static uint8_t *
put_name(uint8_t *at, const char *text)
{
	const uint8_t *end = at + 254;

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

static bool
put_question(struct question *q, const char *name)
{
	static const uint8_t tail[] = { 0, 1, 0, 1 };
	static const uint8_t opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0 };
	uint8_t *at;

	memset(q, 0, sizeof(*q));
	q->wire[2] = 1; /* RD */
	q->wire[5] = 1;
	at = put_name(q->wire + HEADER, name);
	if (at == NULL)
		return false;
	memcpy(at, tail, sizeof(tail));
	at += sizeof(tail);
	if (flood.with_edns) {
		q->wire[11] = 1;
		memcpy(at, opt, sizeof(opt));
		at += sizeof(opt);
	}
	q->bytes = (uint16_t)(at - q->wire);
	return true;
}

static void
add_question(const char *name)
{
	size_t n = flood.questions_count;

	/* A power of two: time to double. */
	if ((n & (n - 1)) == 0) {
		size_t room = n == 0 ? 1 : 2 * n;

		flood.questions = reallocarray(flood.questions, room,
		    sizeof(*flood.questions));
		if (flood.questions == NULL)
			fail("questions");
	}
	errno = EINVAL;
	if (!put_question(&flood.questions[n], name))
		fail(name);
	flood.one_length = (n == 0 || flood.one_length) &&
			   flood.questions[n].bytes == flood.questions[0].bytes;
	flood.questions_count++;
}

static void
read_names(void)
{
	char line[1024];
	FILE *file = fopen(flood.names, "r");

	if (file == NULL)
		fail(flood.names);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, " \t\r\n")] = '\0';
		if (line[0] != '\0')
			add_question(line);
	}
	fclose(file);
	errno = ENODATA;
	if (flood.questions_count == 0)
		fail(flood.names);
}

/* xorshift64*: the order must not cost anything, nor follow the list. */
static const struct question *
draw(void)
{
	flood.random ^= flood.random >> 12;
	flood.random ^= flood.random << 25;
	flood.random ^= flood.random >> 27;
	return &flood.questions[((flood.random * 0x2545f4914f6cdd1du) >> 32) %
				flood.questions_count];
}

/* --- sockets ----------------------------------------------------------- */

static int
open_door(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = BUFFER;

	to.sin_port = htons((uint16_t)flood.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (flood.one_length) {
		int segment = flood.questions[0].bytes;

		/* A kernel without it sends them one by one. */
		flood.one_length = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT,
				       &segment, sizeof(segment)) == 0;
	}
	return fd;
}

static void
prepare(void)
{
	for (size_t i = 0; i < PLACES_MAX; i++) {
		in.parts[i].iov_base = in.bytes + i * ANSWER_MAX;
		in.parts[i].iov_len = ANSWER_MAX;
		in.messages[i].msg_hdr.msg_iov = &in.parts[i];
		in.messages[i].msg_hdr.msg_iovlen = 1;
		out.messages[i].msg_hdr.msg_iov = &out.parts[i];
		out.messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (unsigned i = 0; i < flood.doors_count; i++)
		flood.doors[i].fd = open_door();
}

/* --- asking ------------------------------------------------------------ */

static void
put_id(uint8_t *wire, struct place *p, unsigned place)
{
	flood.count++;
	p->id = (uint16_t)((unsigned)flood.count << PLACE_BITS | place);
	p->sent_us = flood.now_us;
	p->waiting = true;
	wire[0] = (uint8_t)(p->id >> 8);
	wire[1] = (uint8_t)(p->id & 0xff);
}

/* What cannot be sent stays waiting, and is lost in time. */
static void
send_batch(const struct door *d, unsigned count, size_t bytes)
{
	unsigned messages = count;

	if (count == 0)
		return;
	if (flood.one_length) {
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
	flood.asked += count;
}

/* Fills every free place of a socket. */
static void
ask(struct door *d)
{
	uint8_t *at = out.bytes;
	unsigned count = 0;

	for (unsigned i = 0; i < flood.places; i++) {
		const struct question *q;

		if (d->places[i].waiting)
			continue;
		q = draw();
		memcpy(at, q->wire, q->bytes);
		put_id(at, &d->places[i], i);
		out.parts[count].iov_base = at;
		out.parts[count].iov_len = q->bytes;
		at += q->bytes;
		count++;
	}
	send_batch(d, count, (size_t)(at - out.bytes));
}

/* --- answers ----------------------------------------------------------- */

static bool
is_good(const uint8_t *wire, size_t bytes)
{
	if (bytes < HEADER || (wire[2] & 0x80) == 0 || (wire[3] & 0x0f) != 0)
		return false;
	return !flood.wants_records || (wire[6] | wire[7]) != 0;
}

static void
take_answer(struct door *d, const uint8_t *wire, size_t bytes)
{
	unsigned id = bytes < 2 ? 0 : (unsigned)wire[0] << 8 | wire[1];
	struct place *p = &d->places[id & (PLACES_MAX - 1)];
	uint64_t took;

	if (!p->waiting || p->id != id)
		return; /* late: it counts as lost */
	p->waiting = false;
	if (!is_good(wire, bytes)) {
		flood.wrong++;
		return;
	}
	took = flood.now_us - p->sent_us;
	flood.answered++;
	flood.latency[took < LATENCY_MAX_US ? took : LATENCY_MAX_US - 1]++;
}

static void
take_answers(struct door *d)
{
	int n = recvmmsg(d->fd, in.messages, PLACES_MAX, MSG_DONTWAIT, NULL);

	flood.now_us = clock_us();
	for (int i = 0; i < n; i++)
		take_answer(d, in.parts[i].iov_base, in.messages[i].msg_len);
}

static void
give_up_late(struct door *d)
{
	for (unsigned i = 0; i < flood.places; i++) {
		struct place *p = &d->places[i];

		if (flood.now_us - p->sent_us > LOST_US)
			p->waiting = false;
	}
}

/* --- the run ----------------------------------------------------------- */

static void
turn(struct pollfd *polls, bool asking)
{
	int ready = poll(polls, flood.doors_count, 50);

	flood.now_us = clock_us();
	for (unsigned i = 0; i < flood.doors_count; i++) {
		struct door *d = &flood.doors[i];

		if (polls[i].revents != 0)
			take_answers(d);
		if (ready <= 0)
			give_up_late(d);
		if (asking && (ready <= 0 || polls[i].revents != 0))
			ask(d);
	}
}

static bool
is_waiting(void)
{
	bool waiting = false;

	for (unsigned i = 0; i < flood.doors_count; i++)
		for (unsigned j = 0; j < flood.places; j++)
			waiting |= flood.doors[i].places[j].waiting;
	return waiting;
}

static void
run(void)
{
	struct pollfd polls[DOORS_MAX];
	uint64_t start = clock_us(), sweep = start;
	uint64_t end = start + flood.seconds * 1000000u;

	flood.now_us = start;
	for (unsigned i = 0; i < flood.doors_count; i++) {
		polls[i].fd = flood.doors[i].fd;
		polls[i].events = POLLIN;
		ask(&flood.doors[i]);
	}
	while (flood.now_us < end) {
		turn(polls, true);
		if (flood.now_us - sweep < LOST_US / 4)
			continue;
		sweep = flood.now_us;
		for (unsigned i = 0; i < flood.doors_count; i++) {
			give_up_late(&flood.doors[i]);
			ask(&flood.doors[i]);
		}
	}
	flood.in_time = flood.answered;
	flood.took_us = flood.now_us - start;
	while (is_waiting() && flood.now_us < end + DRAIN_US)
		turn(polls, false);
}

static unsigned
percentile(unsigned percent)
{
	uint64_t seen = 0;
	unsigned us = 0;

	while (us < LATENCY_MAX_US - 1 &&
	       (seen += flood.latency[us]) * 100u < flood.answered * percent)
		us++;
	return us;
}

static void
print_result(void)
{
	uint64_t lost = flood.asked - flood.answered - flood.wrong;
	double seconds = (double)flood.took_us / 1e6;

	printf("answered=%llu seconds=%.3f rate=%.0f lost=%llu wrong=%llu "
	       "p50_us=%u p99_us=%u\n",
	    (unsigned long long)flood.answered, seconds,
	    (double)flood.in_time / seconds, (unsigned long long)lost,
	    (unsigned long long)flood.wrong, percentile(50), percentile(99));
}

/* --- the command line -------------------------------------------------- */

static const char usage[] =
    "usage: flood -p PORT -f NAMES [-d SECONDS] [-n OUTSTANDING]\n"
    "             [-s SOCKETS] [-e] [-a]\n"
    "Asks 127.0.0.1 for the A records of the names in a file.\n"
    "  -e  questions carry EDNS\n"
    "  -a  an answer without a record is wrong\n";

static void
read_options(int argc, char **argv)
{
	unsigned *const numbers[] = { ['p'] = &flood.port,
		['d'] = &flood.seconds,
		['n'] = &flood.outstanding,
		['s'] = &flood.doors_count };
	int c;

	while ((c = getopt(argc, argv, "p:f:d:n:s:ea")) != -1) {
		if (c == '?')
			exit(2);
		if (c == 'f')
			flood.names = optarg;
		else if (optarg != NULL)
			*numbers[c] = (unsigned)strtoul(optarg, NULL, 10);
		else
			*(c == 'e' ? &flood.with_edns : &flood.wants_records) =
			    true;
	}
}

static bool
options_fit(void)
{
	return flood.names != NULL && flood.port != 0 &&
	       flood.port <= UINT16_MAX && flood.seconds > 0 &&
	       flood.seconds <= 3600 && flood.doors_count > 0 &&
	       flood.doors_count <= DOORS_MAX &&
	       flood.outstanding >= flood.doors_count &&
	       flood.outstanding <= flood.doors_count * (unsigned)PLACES_MAX;
}

int
main(int argc, char **argv)
{
	read_options(argc, argv);
	if (!options_fit()) {
		fputs(usage, stderr);
		return 2;
	}
	flood.places = flood.outstanding / flood.doors_count;
	read_names();
	prepare();
	run();
	print_result();
	return flood.answered > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
