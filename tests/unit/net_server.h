/* SPDX-License-Identifier: BSD-3-Clause */
/* net_server.h - a listener for TCP that answers or holds back. */
#ifndef HITHER_TESTS_NET_SERVER_H
#define HITHER_TESTS_NET_SERVER_H

#include "net_support.h"

#define HELD_MAX 512u

struct server {
	struct ride ride;
	struct tcp_listener *tl;
	size_t questions, bytes;
	size_t stop_at;
	size_t answer_len; /* 0: the question comes back */
	bool holds;        /* answers nothing yet */
	bool is_closed;    /* the access list lets nobody in */
	uint64_t held[HELD_MAX];
	size_t held_count;
};

static uint8_t zeros[65535];

static inline bool
admit(void *user, const struct addr *from)
{
	const struct server *s = user;

	assert_int_equal(from->family, 4);
	return !s->is_closed;
}

static inline void
on_message(void *user, struct tcp_listener *tl, uint64_t connection,
    const struct addr *from, const uint8_t *bytes, size_t len)
{
	struct server *s = user;

	assert_int_equal(from->family, 4);
	s->questions++;
	s->bytes += len;
	if (s->holds && s->held_count < HELD_MAX)
		s->held[s->held_count++] = connection;
	else if (s->answer_len > 0)
		tcp_listener_reply(tl, connection, zeros, s->answer_len);
	else
		tcp_listener_reply(tl, connection, bytes, len);
	if (s->questions == s->stop_at)
		loop_stop(s->ride.loop);
}

static inline void
serve(struct server *s, const struct tcp_limits *limits)
{
	const struct tcp_listener_opts o = {
		.local = address("127.0.0.1", 0),
		.limits = *limits,
		.admit = admit,
		.on_message = on_message,
		.user = s,
	};

	ride_begin(&s->ride);
	s->tl = tcp_listener_new(s->ride.loop, &o);
	assert_non_null(s->tl);
}

static inline void
close_down(struct server *s)
{
	tcp_listener_free(s->tl);
	ride_end(&s->ride);
}

static const struct tcp_limits roomy = {
	.clients_max = 20,
	.pipelined_max = 100,
	.buffer_max = 65536,
	.idle_us = 2000000,
};

static inline int
client_of(const struct server *s)
{
	const struct addr to = tcp_listener_local(s->tl);

	return peer_socket(&to, SOCK_STREAM, false);
}

static inline void
put(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static inline void
expect(int fd, const void *bytes, size_t len)
{
	uint8_t got[256];

	assert_in_range(len, 1, sizeof(got));
	assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
	assert_memory_equal(got, bytes, len);
}

static inline bool
is_closed(int fd)
{
	uint8_t byte;
	const ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

#endif
