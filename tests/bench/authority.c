/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * authority.c - the name servers behind the bench, made up as they are asked:
 * a root on 127.53.0.1, the zone bench. on 127.53.0.2, and below it any zone
 * that somebody asks for on 127.53.0.3. Every name in those has one address.
 * So a resolver finds as many names and delegations as a run may need, at a
 * cost on this side that is a fraction of its own.
 *
 * usage: authority PORT (ends by a signal)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LEVELS = 3, /* the root, bench., what lies below it */
	BATCH = 64,
	PACKET_MAX = 1024,
	HEADER = 12,
	LABELS_MAX = 64,
	BUFFER = 1 << 22,
	TTL = 86400
};
enum { TYPE_A = 1, TYPE_NS = 2, TYPE_SOA = 6 };
enum { SECTION_ANSWER = 6, SECTION_AUTHORITY = 8, SECTION_ADDITIONAL = 10 };

struct room {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_in peers[BATCH];
	uint8_t packets[BATCH][PACKET_MAX];
};

/* A question, and the reply that grows behind it in the same packet. */
struct reply {
	uint8_t *wire;
	size_t at; /* where the next record goes */
	unsigned labels, type;
	uint8_t label_at[LABELS_MAX]; /* leftmost first */
	bool with_opt;
};

static struct room room;

static void
put_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned
get_u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* False: it is nothing to answer. */
static bool
read_question(struct reply *r, uint8_t *wire, size_t bytes)
{
	size_t at = HEADER;

	*r = (struct reply){ .wire = wire };
	if (bytes < HEADER + 5 || (wire[2] & 0x80) != 0 || wire[5] != 1)
		return false;
	while (at < bytes && wire[at] != 0) {
		if (wire[at] > 63 || r->labels == LABELS_MAX || at > 255)
			return false;
		r->label_at[r->labels++] = (uint8_t)at;
		at += 1u + wire[at];
	}
	if (at + 5 > bytes)
		return false;
	r->type = get_u16(wire + at + 1);
	r->at = at + 5;
	r->with_opt = wire[11] != 0;
	return true;
}

static bool
label_is(const struct reply *r, unsigned from_left, const char *text)
{
	const uint8_t *label = r->wire + r->label_at[from_left];

	return label[0] == strlen(text) &&
	       strncasecmp((const char *)label + 1, text, label[0]) == 0;
}

/* A pointer to the last `labels` labels of the question; 0: the root. */
static unsigned
suffix(const struct reply *r, unsigned labels)
{
	return labels == 0 ? 0 : 0xc000u | r->label_at[r->labels - labels];
}

/* owner: a pointer, or 0 for the root. */
static void
put_owner(struct reply *r, unsigned owner, unsigned type)
{
	uint8_t *p;

	r->wire[r->at] = 0;
	if (owner != 0)
		put_u16(r->wire + r->at, owner);
	r->at += owner != 0 ? 2 : 1;
	p = r->wire + r->at;
	put_u16(p, type);
	put_u16(p + 2, 1);
	put_u16(p + 4, TTL >> 16);
	put_u16(p + 6, TTL & 0xffff);
	r->at += 8;
}

static void
count(struct reply *r, unsigned section)
{
	put_u16(r->wire + section, get_u16(r->wire + section) + 1);
}

static void
put_address(struct reply *r, unsigned section, unsigned owner, uint32_t ip)
{
	put_owner(r, owner, TYPE_A);
	put_u16(r->wire + r->at, 4);
	ip = htonl(ip);
	memcpy(r->wire + r->at + 2, &ip, 4);
	r->at += 6;
	count(r, section);
}

static uint32_t
server_of(unsigned level)
{
	return 0x7f350001u + level;
}

/* The NS of the zone of `level` labels around the name, with its address. */
static void
put_servers(struct reply *r, unsigned section, unsigned level)
{
	static const uint8_t root[] = { 2, 'n', 's', 4, 'r', 'o', 'o', 't', 0 };
	size_t host;

	put_owner(r, suffix(r, level), TYPE_NS);
	host = r->at + 2;
	if (level == 0) {
		memcpy(r->wire + host, root, sizeof(root));
		r->at = host + sizeof(root);
	} else {
		memcpy(r->wire + host, "\002ns", 3);
		put_u16(r->wire + host + 3, suffix(r, level));
		r->at = host + 5;
	}
	put_u16(r->wire + host - 2, (unsigned)(r->at - host));
	count(r, section);
	put_address(r, SECTION_ADDITIONAL, 0xc000u | (unsigned)host,
	    server_of(level));
}

/* "." as both names of it will do. */
static void
put_soa(struct reply *r, unsigned level, unsigned section)
{
	static const uint8_t rest[] = { 0, 0, 0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 3,
		132, 0, 9, 58, 128, 0, 0, 14, 16 };

	put_owner(r, suffix(r, level), TYPE_SOA);
	put_u16(r->wire + r->at, sizeof(rest));
	memcpy(r->wire + r->at + 2, rest, sizeof(rest));
	r->at += 2 + sizeof(rest);
	count(r, section);
}

/* What the zone of this level knows itself. */
static void
answer_own(struct reply *r, unsigned level)
{
	bool is_apex = r->labels == level;
	bool is_server = r->labels > 0 && label_is(r, 0, "ns");
	uint32_t ip = is_server ? server_of(level)
				: 0xc0000200u | r->wire[r->label_at[0] + 1];

	if (is_apex && r->type == TYPE_NS)
		put_servers(r, SECTION_ANSWER, level);
	else if (is_apex && r->type == TYPE_SOA)
		put_soa(r, level, SECTION_ANSWER);
	else if (r->type == TYPE_A && (!is_apex || level == 2))
		put_address(r, SECTION_ANSWER, 0xc000u | HEADER, ip);
	else
		put_soa(r, level, SECTION_AUTHORITY);
}

static void
put_opt(struct reply *r)
{
	static const uint8_t opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0 };

	memcpy(r->wire + r->at, opt, sizeof(opt));
	r->at += sizeof(opt);
	count(r, SECTION_ADDITIONAL);
}

/* Writes the reply over the question; returns its length, 0 for none. */
static size_t
answer(uint8_t *wire, size_t bytes, unsigned level)
{
	struct reply r;
	unsigned below = level + 1;

	if (!read_question(&r, wire, bytes))
		return 0;
	wire[2] = 0x80;
	wire[3] = 0;
	memset(wire + 6, 0, 6);
	if (level == 0 && r.labels > 0 && label_is(&r, r.labels - 1, "bench")) {
		put_servers(&r, SECTION_AUTHORITY, below);
	} else if (level == 1 && r.labels > 1 &&
		   !(r.labels == 2 && label_is(&r, 0, "ns"))) {
		put_servers(&r, SECTION_AUTHORITY, below);
	} else {
		wire[2] |= 0x04; /* AA */
		if (level > 0 && r.labels < level)
			wire[3] = 5; /* REFUSED: not ours */
		else
			answer_own(&r, level);
	}
	if (r.with_opt)
		put_opt(&r);
	return r.at;
}

static int
open_socket(unsigned level, unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = BUFFER;

	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(server_of(level));
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

static void
prepare(void)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *m = &room.messages[i].msg_hdr;

		room.parts[i].iov_base = room.packets[i];
		room.parts[i].iov_len = PACKET_MAX / 2;
		m->msg_iov = &room.parts[i];
		m->msg_iovlen = 1;
		m->msg_name = &room.peers[i];
		m->msg_namelen = sizeof(room.peers[i]);
	}
}

static void
serve(int fd, unsigned level)
{
	unsigned ready = 0, sent = 0;
	int n;

	prepare();
	n = recvmmsg(fd, room.messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		size_t len =
		    answer(room.packets[i], room.messages[i].msg_len, level);

		if (len == 0)
			continue;
		room.parts[ready].iov_base = room.packets[i];
		room.parts[ready].iov_len = len;
		room.messages[ready++].msg_hdr.msg_name = &room.peers[i];
	}
	while (sent < ready) {
		n = sendmmsg(fd, room.messages + sent, ready - sent, 0);
		/* The one that could not be sent is lost. */
		sent += n > 0 ? (unsigned)n : 1;
	}
}

int
main(int argc, char **argv)
{
	unsigned port = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct pollfd polls[LEVELS];

	for (unsigned level = 0; level < LEVELS; level++) {
		polls[level].events = POLLIN;
		polls[level].fd = open_socket(level, port);
		if (port == 0 || polls[level].fd < 0) {
			fprintf(stderr, "authority: %s\n",
			    port != 0 ? strerror(errno)
				      : "usage: authority PORT");
			return EXIT_FAILURE;
		}
	}
	for (;;) {
		if (poll(polls, LEVELS, -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		for (unsigned level = 0; level < LEVELS; level++)
			if (polls[level].revents != 0)
				serve(polls[level].fd, level);
	}
}
