/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * floor.c - what the system alone charges: servers that do the least a
 * resolver has to, and know nothing about names.
 *
 *   floor udp PORT          sends each question back, up to 64 a call
 *   floor tcp PORT          reads what there is, sends all of it back at once
 *   floor pool PORT UP      asks UP:53 from sockets that are kept, for each
 *   floor fresh PORT UP     asks UP:53 from a new socket for each question
 *
 * All on 127.0.0.1; they end by a signal. Questions to pool and fresh may
 * carry any id: each waits on a socket of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, PACKET_MAX = 2048, BUFFER = 1 << 22, FLIGHTS = 2048 };
enum { DOOR = UINT16_MAX };

struct room {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_in peers[BATCH];
	uint8_t packets[BATCH][PACKET_MAX];
};

/* One socket to the authority, and who waits for it. */
struct flight {
	struct sockaddr_in client;
	int fd;
};

static _Thread_local struct room room; /* a worker's own */
static struct flight flights[FLIGHTS];
static uint16_t idle[FLIGHTS];
static unsigned idle_count;
static struct sockaddr_in up = { .sin_family = AF_INET };

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int
open_socket(const char *port, int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	unsigned long number = strtoul(port, NULL, 10);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int value = BUFFER, yes = 1;

	at.sin_port = htons((uint16_t)number);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	/* Refused above net.core.rmem_max, and then what there is must do. */
	if (type == SOCK_DGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes,
		    sizeof(yes));
	if (type == SOCK_DGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value,
		    sizeof(value));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		fail("floor");
	return fd;
}

static void
prepare(void)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *m = &room.messages[i].msg_hdr;

		room.parts[i].iov_base = room.packets[i];
		room.parts[i].iov_len = PACKET_MAX;
		m->msg_iov = &room.parts[i];
		m->msg_iovlen = 1;
		m->msg_name = &room.peers[i];
		m->msg_namelen = sizeof(room.peers[i]);
	}
}

/* --- udp --------------------------------------------------------------- */

static void
send_back(int fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		room.parts[i].iov_len = room.messages[i].msg_len;
		room.packets[i][2] |= 0x80;
	}
	for (unsigned sent = 0; sent < count;) {
		int n = sendmmsg(fd, room.messages + sent, count - sent, 0);

		/* The one that could not be sent is lost. */
		sent += n > 0 ? (unsigned)n : 1;
	}
	for (unsigned i = 0; i < count; i++) {
		room.parts[i].iov_len = PACKET_MAX;
		room.messages[i].msg_hdr.msg_namelen = sizeof(room.peers[i]);
	}
}

static void *
serve_udp(void *port)
{
	int fd = open_socket(port, SOCK_DGRAM);

	prepare();
	for (;;) {
		int n =
		    recvmmsg(fd, room.messages, BATCH, MSG_WAITFORONE, NULL);

		if (n > 0)
			send_back(fd, (unsigned)n);
		else if (errno != EINTR && errno != ECONNREFUSED)
			fail("recvmmsg");
	}
}

static void
serve_udp_by(char *port, unsigned long workers)
{
	pthread_t thread;

	while (workers-- > 1)
		if (pthread_create(&thread, NULL, serve_udp, port) != 0)
			fail("pthread_create");
	(void)serve_udp(port);
}

/* --- tcp --------------------------------------------------------------- */

static void
watch(int set, int fd, uint32_t number)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = number };

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) != 0)
		fail("epoll_ctl");
}

/*
 * Octets go back as they came: the generator tells answers by their id, and
 * finds QR by itself.
 */
static void
serve_stream(int fd)
{
	static uint8_t bytes[1 << 16];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	ssize_t sent = 0;

	if (n <= 0) {
		close(fd);
		return;
	}
	while (sent < n) {
		ssize_t w = write(fd, bytes + sent, (size_t)(n - sent));

		if (w < 0 && errno != EINTR)
			return;
		sent += w > 0 ? w : 0;
	}
}

static void
serve_tcp(const char *port)
{
	struct epoll_event ready[BATCH];
	int door = open_socket(port, SOCK_STREAM);
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (listen(door, SOMAXCONN) != 0)
		fail("listen");
	watch(set, door, (uint32_t)door);
	for (;;) {
		int n = epoll_wait(set, ready, BATCH, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)ready[i].data.u32;

			if (fd != door) {
				serve_stream(fd);
				continue;
			}
			fd = accept(door, NULL, NULL);
			if (fd >= 0)
				watch(set, fd, (uint32_t)fd);
		}
	}
}

/* --- pool and fresh ---------------------------------------------------- */

static int
open_flight(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in any = { .sin_family = AF_INET };

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    connect(fd, (struct sockaddr *)&up, sizeof(up)) != 0)
		fail("flight");
	return fd;
}

static void
ask_up(int set, bool fresh, size_t i)
{
	struct flight *f;
	uint16_t number;

	if (idle_count == 0)
		return; /* lost */
	number = idle[--idle_count];
	f = &flights[number];
	f->client = room.peers[i];
	if (fresh) {
		f->fd = open_flight();
		watch(set, f->fd, number);
	}
	(void)!send(f->fd, room.packets[i], room.messages[i].msg_len, 0);
}

static void
take_questions(int set, int door, bool fresh)
{
	int n;

	prepare();
	n = recvmmsg(door, room.messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		ask_up(set, fresh, (size_t)i);
}

static void
pass_answer(int door, bool fresh, uint16_t number)
{
	struct flight *f = &flights[number];
	uint8_t bytes[PACKET_MAX];
	ssize_t n = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		return;
	(void)!sendto(door, bytes, (size_t)n, 0, (struct sockaddr *)&f->client,
	    sizeof(f->client));
	if (fresh)
		close(f->fd);
	idle[idle_count++] = number;
}

static void
serve_misses(const char *port, const char *address, bool fresh)
{
	struct epoll_event ready[BATCH];
	int door = open_socket(port, SOCK_DGRAM);
	int set = epoll_create1(EPOLL_CLOEXEC);

	up.sin_port = htons(53);
	if (inet_pton(AF_INET, address, &up.sin_addr) != 1)
		fail(address);
	for (uint16_t i = 0; i < FLIGHTS / (fresh ? 1 : 4); i++) {
		idle[idle_count++] = i;
		if (fresh)
			continue;
		flights[i].fd = open_flight();
		watch(set, flights[i].fd, i);
	}
	watch(set, door, DOOR);
	for (;;) {
		int n = epoll_wait(set, ready, BATCH, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.u32 == DOOR)
				take_questions(set, door, fresh);
			else
				pass_answer(door, fresh,
				    (uint16_t)ready[i].data.u32);
		}
	}
}

int
main(int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[1] : "";

	if (strcmp(kind, "udp") == 0)
		serve_udp_by(argv[2],
		    argc > 3 ? strtoul(argv[3], NULL, 10) : 1);
	else if (strcmp(kind, "tcp") == 0)
		serve_tcp(argv[2]);
	else if (argc > 3 && strcmp(kind, "pool") == 0)
		serve_misses(argv[2], argv[3], false);
	else if (argc > 3 && strcmp(kind, "fresh") == 0)
		serve_misses(argv[2], argv[3], true);
	fputs(
	    "usage: floor udp PORT [WORKERS] | tcp PORT | pool|fresh PORT UP\n",
	    stderr);
	return 2;
}
