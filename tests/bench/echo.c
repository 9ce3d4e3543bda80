/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo.c - what the system charges for a question and an answer: a server
 * that does nothing but turn QR on and send the packet back, up to 64 in one
 * call each way. No resolver behind one UDP socket can be much cheaper.
 *
 * usage: echo PORT (on 127.0.0.1; ends by a signal)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, PACKET_MAX = 2048, BUFFER = 1 << 22 };

struct room {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_in peers[BATCH];
	uint8_t packets[BATCH][PACKET_MAX];
};

static struct room room;

static int
open_socket(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	unsigned long number = strtoul(port, NULL, 10);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = BUFFER;

	at.sin_port = htons((uint16_t)number);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || number == 0 || number > UINT16_MAX)
		return -1;
	/* Refused above net.core.rmem_max, and then what there is must do. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
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

int
main(int argc, char **argv)
{
	int fd = argc == 2 ? open_socket(argv[1]) : -1;

	if (fd < 0) {
		fprintf(stderr, "echo: %s\n",
		    argc == 2 ? strerror(errno) : "usage: echo PORT");
		return EXIT_FAILURE;
	}
	prepare();
	for (;;) {
		int n =
		    recvmmsg(fd, room.messages, BATCH, MSG_WAITFORONE, NULL);

		if (n > 0)
			send_back(fd, (unsigned)n);
		else if (errno != EINTR && errno != ECONNREFUSED)
			return EXIT_FAILURE;
	}
}
