/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.c - DNS over TCP (RFC 7766): two octets of length, then a message;
 * questions may be sent without waiting, and each answer leaves when its own
 * delay is over. A connection that has parcels on their way outlives its
 * socket until the last one has come to nothing. Bounded: connections, what
 * one may have waiting, and time without a word.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "sim.h"

#define CONNS_MAX   4096u
#define WAITING_MAX 256u
#define OUTPUT_MAX  1048576u
#define IDLE_S      30
#define STUCK_S     10
#define FRAME_MAX   (2u + MESSAGE_MAX)

struct conn {
	struct conn *next, *before;
	struct door *door;
	struct bufferevent *be; /* NULL: closed, but parcels are out */
	size_t waiting;         /* parcels */
	uint16_t peer_port;
	bool is_paused; /* too much waiting: not reading */
	bool has_ended; /* the client will ask no more */
};

static void
conn_close(struct conn *c)
{
	struct sim *s = c->door->sim;

	if (c->be != NULL)
		bufferevent_free(c->be);
	c->be = NULL;
	if (c->waiting > 0)
		return;
	if (c->before != NULL)
		c->before->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->before = c->before;
	s->conn_count--;
	memory_free(c);
}

static bool
is_full(const struct conn *c)
{
	return c->waiting >= WAITING_MAX ||
	       evbuffer_get_length(bufferevent_get_output(c->be)) >= OUTPUT_MAX;
}

static bool
is_done(const struct conn *c)
{
	return c->has_ended && c->waiting == 0 &&
	       evbuffer_get_length(bufferevent_get_output(c->be)) == 0;
}

static enum err
write_frame(struct conn *c, const uint8_t *bytes, size_t len)
{
	uint8_t prefix[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (bufferevent_write(c->be, prefix, sizeof(prefix)) != 0 ||
	    bufferevent_write(c->be, bytes, len) != 0)
		return ERR_MEMORY;
	return ERR_OK;
}

/* --- questions -------------------------------------------------------- */

static void
take_question(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct sim *s = c->door->sim;
	struct packet p = { .door = c->door,
		.bytes = bytes,
		.len = len,
		.now_us = clock_mono_us(),
		.peer_port = c->peer_port,
		.by_tcp = true };
	struct answer_out out = { .buf = s->tcp_answer, .size = MESSAGE_MAX };
	struct journey j = { .door = c->door, .conn = c };
	uint64_t delay_us;
	enum err e;

	serve(&p, &out, &delay_us);
	if (out.len == 0)
		return;
	j.due_us = p.now_us + delay_us;
	if (delay_us == 0)
		e = write_frame(c, out.buf, out.len);
	else
		e = delay_send(&j, out.buf, out.len);
	if (e != ERR_OK)
		c->door->address->counters.dropped++;
	else if (delay_us > 0)
		c->waiting++;
}

/* One whole frame, if there is one. */
static bool
take_frame(struct conn *c, struct evbuffer *in)
{
	uint8_t prefix[2];
	const uint8_t *frame;
	size_t len;

	if (evbuffer_copyout(in, prefix, 2) != 2)
		return false;
	len = (size_t)(prefix[0] << 8 | prefix[1]);
	if (evbuffer_get_length(in) < 2 + len)
		return false;
	frame = evbuffer_pullup(in, (ev_ssize_t)(2 + len));
	if (frame == NULL)
		return false;
	take_question(c, frame + 2, len);
	evbuffer_drain(in, 2 + len);
	return true;
}

static void
take_frames(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->be);

	while (!is_full(c)) {
		if (!take_frame(c, in)) {
			c->is_paused = false;
			if (!c->has_ended)
				bufferevent_enable(c->be, EV_READ);
			return;
		}
	}
	c->is_paused = true;
	bufferevent_disable(c->be, EV_READ);
}

static void
reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(bufferevent_getfd(c->be), SOL_SOCKET, SO_LINGER, &hard,
	    sizeof(hard));
	conn_close(c);
}

static void
on_read(struct bufferevent *be, void *user)
{
	struct conn *c = user;
	unsigned quirks = c->door->address->quirks;

	if (quirks & QUIRK_TCP_RESET) {
		reset(c);
	} else if (quirks & QUIRK_TCP_HANG) {
		struct evbuffer *in = bufferevent_get_input(be);

		evbuffer_drain(in, evbuffer_get_length(in));
	} else {
		take_frames(c);
		querylog_flush(c->door->sim);
	}
}

/* --- answers ---------------------------------------------------------- */

static void
go_on(struct conn *c)
{
	if (c->is_paused && !is_full(c))
		take_frames(c);
	if (is_done(c))
		conn_close(c);
}

void
tcp_deliver(struct conn *c, const uint8_t *bytes, size_t len)
{
	c->waiting--;
	if (c->be == NULL || write_frame(c, bytes, len) != ERR_OK)
		conn_close(c);
	else
		go_on(c);
}

static void
on_written(struct bufferevent *be, void *user)
{
	(void)be;
	go_on(user);
}

static void
on_event(struct bufferevent *be, short what, void *user)
{
	struct conn *c = user;

	if ((what & BEV_EVENT_EOF) == 0) {
		conn_close(c);
		return;
	}
	/* a client may close its half and still read (RFC 7766 6.2.3) */
	c->has_ended = true;
	bufferevent_disable(be, EV_READ);
	if (c->door->address->quirks & QUIRK_TCP_HANG)
		conn_close(c);
	else
		go_on(c);
}

/* --- connections ------------------------------------------------------ */

static void
conn_open(struct door *d, evutil_socket_t fd, uint16_t peer_port)
{
	static const struct timeval idle = { .tv_sec = IDLE_S },
				    stuck = { .tv_sec = STUCK_S };
	struct sim *s = d->sim;
	struct conn *c = memory_new(sizeof(*c));

	if (c == NULL) {
		evutil_closesocket(fd);
		return;
	}
	c->door = d;
	c->peer_port = peer_port;
	c->be = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->be == NULL) {
		evutil_closesocket(fd);
		memory_free(c);
		return;
	}
	c->next = s->conns;
	if (c->next != NULL)
		c->next->before = c;
	s->conns = c;
	s->conn_count++;
	bufferevent_setcb(c->be, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->be, EV_READ, 0, FRAME_MAX);
	bufferevent_set_timeouts(c->be, &idle, &stuck);
	bufferevent_enable(c->be, EV_READ | EV_WRITE);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
    int from_len, void *user)
{
	struct door *d = user;
	struct addr peer = { 0 };

	(void)l;
	if (d->sim->conn_count >= CONNS_MAX ||
	    addr_from_sockaddr(from, (socklen_t)from_len, &peer) != ERR_OK)
		evutil_closesocket(fd);
	else
		conn_open(d, fd, peer.port);
}

static void
on_accept_error(struct evconnlistener *l, void *user)
{
	struct door *d = user;

	(void)l;
	log_warn("accept_failed", "address=%s why=%s", d->address->text,
	    strerror(errno));
}

enum err
tcp_follow_quirks(struct door *d)
{
	bool wanted = (d->address->quirks & QUIRK_NO_TCP) == 0;
	struct sockaddr_storage sa;
	socklen_t len;

	if (d->udp == NULL || wanted == (d->listener != NULL))
		return ERR_OK;
	if (!wanted) {
		evconnlistener_free(d->listener);
		d->listener = NULL;
		return ERR_OK;
	}
	len = addr_to_sockaddr(&d->address->addr, &sa);
	d->listener = evconnlistener_new_bind(d->sim->base, on_accept, d,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
	    128, (struct sockaddr *)&sa, (int)len);
	if (d->listener == NULL)
		return ERR_SYSTEM;
	evconnlistener_set_error_cb(d->listener, on_accept_error);
	return ERR_OK;
}

void
tcp_close_all(struct sim *s)
{
	struct conn *c = s->conns;

	while (c != NULL) {
		struct conn *next = c->next;

		conn_close(c);
		c = next;
	}
}
