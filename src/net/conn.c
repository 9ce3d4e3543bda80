/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.c - the octets of one outgoing TCP connection: connect, write what is
 * queued, read whole messages. It knows nothing of questions.
 *
 * Promise: it tells of a break once and is dead from then on; it is never
 * freed while it tells something.
 */
#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "sock.h"

#define PREFIX      2u
#define MESSAGE_MAX 65535u
#define IN_MAX      (PREFIX + MESSAGE_MAX)
#define IN_LEAST    2048u
#define OUT_MAX     (256u * 1024u)

struct conn {
	struct conn_events ev;
	struct event readable, writable;
	struct addr to;
	uint8_t *out, *in;
	size_t out_at, out_len, out_room;
	size_t in_at, in_len, in_room; /* in_at: told up to here */
	int fd;                        /* -1: dead */
	bool is_writing;
	bool is_telling; /* do not free */
	bool is_free;    /* to be freed when it has told */
};

static void
hang_up(struct conn *c)
{
	if (c->fd == -1)
		return;
	(void)event_del(&c->readable);
	(void)event_del(&c->writable);
	(void)close(c->fd);
	c->fd = -1;
	c->is_writing = false;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	c->is_free = true;
	if (c->is_telling)
		return;
	memory_free(c->in);
	memory_free(c->out);
	memory_free(c);
}

/* False: it was freed meanwhile. */
static bool
told(struct conn *c)
{
	c->is_telling = false;
	if (!c->is_free)
		return true;
	conn_free(c);
	return false;
}

static void
tell_broken(struct conn *c, enum err e)
{
	hang_up(c);
	c->is_telling = true;
	c->ev.broken(c->ev.user, e);
	(void)told(c);
}

/* --- writing ---------------------------------------------------------- */

static enum err
want_write(struct conn *c, bool wanted)
{
	if (c->is_writing == wanted)
		return ERR_OK;
	if ((wanted ? event_add(&c->writable, NULL)
		    : event_del(&c->writable)) != 0)
		return ERR_MEMORY;
	c->is_writing = wanted;
	return ERR_OK;
}

static enum err
write_some(struct conn *c)
{
	ssize_t n;

	if (c->out_at == c->out_len) {
		c->out_at = c->out_len = 0;
		return want_write(c, false);
	}
	n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return sock_error(errno);
	if (n > 0)
		c->out_at += (size_t)n;
	return want_write(c, c->out_at < c->out_len);
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
	struct conn *c = user;
	int number = 0;
	socklen_t len = sizeof(number);
	enum err e;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) == 0 &&
	    number != 0)
		e = sock_error(number);
	else
		e = write_some(c);
	if (e != ERR_OK)
		tell_broken(c, e);
}

static bool
make_out_room(struct conn *c, size_t more)
{
	size_t room = c->out_len - c->out_at + more;
	uint8_t *grown;

	if (room > OUT_MAX)
		return false;
	if (c->out_at > 0)
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
	c->out_len -= c->out_at;
	c->out_at = 0;
	if (room <= c->out_room)
		return true;
	grown = memory_grow(c->out, room);
	if (grown == NULL)
		return false;
	c->out = grown;
	c->out_room = room;
	return true;
}

enum err
conn_send(struct conn *c, const uint8_t *bytes, size_t len)
{
	if (len > MESSAGE_MAX)
		return ERR_RANGE;
	if (!make_out_room(c, PREFIX + len))
		return ERR_MEMORY;
	c->out[c->out_len++] = (uint8_t)(len >> 8);
	c->out[c->out_len++] = (uint8_t)len;
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
	return want_write(c, true);
}

bool
conn_is_clean(const struct conn *c)
{
	return c->fd != -1 && c->in_len == c->in_at && c->out_at == c->out_len;
}

/* --- reading ---------------------------------------------------------- */

/* Room for the message at hand, or for a short one when that is unknown. */
static bool
make_in_room(struct conn *c)
{
	size_t room = IN_LEAST;
	uint8_t *grown;

	if (c->in_len < c->in_room)
		return true;
	if (room < c->in_room * 2)
		room = c->in_room * 2;
	if (room > IN_MAX)
		room = IN_MAX;
	grown = memory_grow(c->in, room);
	if (grown == NULL)
		return false;
	c->in = grown;
	c->in_room = room;
	return true;
}

/* Hands over whole messages; c may be gone afterwards. */
static void
hand_over(struct conn *c, uint64_t at_us)
{
	c->is_telling = true;
	while (c->in_len - c->in_at >= PREFIX && !c->is_free) {
		const uint8_t *p = c->in + c->in_at;
		size_t want = (size_t)p[0] << 8 | p[1];

		if (c->in_len - c->in_at - PREFIX < want)
			break;
		/* Gone from the buffer before it is told: then it is clean. */
		c->in_at += PREFIX + want;
		c->ev.message(c->ev.user, p + PREFIX, want, at_us);
	}
	if (!told(c))
		return;
	if (c->in_at > 0)
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
	c->in_len -= c->in_at;
	c->in_at = 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	struct conn *c = user;
	ssize_t n;

	(void)what;
	if (!make_in_room(c)) {
		tell_broken(c, ERR_MEMORY);
		return;
	}
	n = recv(fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tell_broken(c, n == 0 ? ERR_CLOSED : sock_error(errno));
		return;
	}
	c->in_len += (size_t)n;
	hand_over(c, clock_mono_us());
}

/* --- connecting ------------------------------------------------------- */

/* Leaves from one of our addresses, by a port of the system's choice. */
static enum err
bind_source(struct conn *c)
{
	struct sockaddr_storage name;
	struct addr from;
	socklen_t len;

	if (!ports_source(c->ev.ports, &c->to, &from))
		return ERR_OK;
	(void)sock_set(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	len = addr_to_sockaddr(&from, &name);
	if (bind(c->fd, (struct sockaddr *)&name, len) != 0)
		return sock_error(errno);
	return ERR_OK;
}

static enum err
begin_connect(struct conn *c)
{
	struct sockaddr_storage name;
	enum err e = bind_source(c);
	socklen_t len = addr_to_sockaddr(&c->to, &name);

	(void)sock_set(c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* A refusal is an event: it must not come from within send(). */
	if (e == ERR_OK && connect(c->fd, (struct sockaddr *)&name, len) != 0 &&
	    errno != EINPROGRESS && errno != ECONNREFUSED)
		e = sock_error(errno);
	if (e == ERR_OK && event_add(&c->readable, NULL) != 0)
		e = ERR_MEMORY;
	return e == ERR_OK ? want_write(c, true) : e;
}

struct conn *
conn_new(const struct addr *to, const struct conn_events *ev, enum err *why)
{
	const int how = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct event_base *base = loop_base(ev->loop);
	struct conn *c = memory_new(sizeof(*c));

	*why = ERR_MEMORY;
	if (c == NULL)
		return NULL;
	c->ev = *ev;
	c->to = *to;
	c->fd = socket(sock_family(to), how, 0);
	if (c->fd == -1) {
		*why = sock_error(errno);
		memory_free(c);
		return NULL;
	}
	if (event_assign(&c->readable, base, c->fd, EV_READ | EV_PERSIST,
		on_readable, c) != 0 ||
	    event_assign(&c->writable, base, c->fd, EV_WRITE | EV_PERSIST,
		on_writable, c) != 0) {
		(void)close(c->fd);
		memory_free(c);
		*why = ERR_SYSTEM;
		return NULL;
	}
	*why = begin_connect(c);
	if (*why == ERR_OK)
		return c;
	conn_free(c);
	return NULL;
}
