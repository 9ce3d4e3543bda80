/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.c - questions that go out by TCP (RFC 7766).
 *
 * 1. A flow gets a kept connection to the same address and port, or one
 *    connect. It has it for itself until it is closed.
 * 2. The question is sent; every whole message that comes is handed over.
 * 3. When the flow is closed after at least one whole message, and nothing is
 *    half-sent or half-read, the connection is kept for idle_us.
 * 4. A kept connection on which anything happens is closed: a server may hang
 *    up, but not speak unasked.
 *
 * The server may hang up just while we send on a kept connection. Then, if
 * nothing of an answer came, the question is sent once more on a new one
 * (section 6.2.4); the question is kept until then. Other breaks are told
 * once, and the stream stays, dead, until its flow is closed.
 */
#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "sock.h"

#define PREFIX      2u
#define MESSAGE_MAX 65535u
#define IN_MAX      (PREFIX + MESSAGE_MAX)
#define IN_LEAST    2048u
#define KEPT_MAX    64u

struct stream {
	TAILQ_ENTRY(stream) kept_link; /* flow is 0 and it is not dead */
	struct streams *ss;
	struct event readable;
	struct event writable;
	struct addr to;
	uint64_t kept_us; /* since when */
	uint8_t *out;     /* the question and its length */
	size_t out_at, out_len;
	uint8_t *in;
	size_t in_len, in_room;
	uint32_t flow; /* whose it is; 0: nobody's */
	int fd;        /* -1: dead */
	bool is_writing;
	bool was_kept;     /* for an earlier question */
	bool has_answered; /* with a whole message, on this flow */
	bool is_telling;   /* do not free: an event is being told */
};

TAILQ_HEAD(stream_list, stream);

struct streams {
	struct streams_opts opts;
	struct loop *loop;
	struct stream_list kept; /* the oldest first */
	size_t kept_count;
	struct timer expiry;
};

static void
hang_up(struct stream *st)
{
	if (st->fd == -1)
		return;
	(void)event_del(&st->readable);
	(void)event_del(&st->writable);
	(void)close(st->fd);
	st->fd = -1;
	st->is_writing = false;
}

static void
stream_free(struct stream *st)
{
	hang_up(st);
	memory_free(st->in);
	memory_free(st->out);
	memory_free(st);
}

static void
unkeep(struct stream *st)
{
	TAILQ_REMOVE(&st->ss->kept, st, kept_link);
	st->ss->kept_count--;
}

bool
streams_shed(struct streams *ss)
{
	struct stream *oldest = TAILQ_FIRST(&ss->kept);

	if (oldest == NULL)
		return false;
	unkeep(oldest);
	stream_free(oldest);
	return true;
}

static void
arm_expiry(struct streams *ss)
{
	const struct stream *oldest = TAILQ_FIRST(&ss->kept);

	if (oldest == NULL || ss->expiry.slot != 0)
		return;
	if (timer_arm(loop_timers(ss->loop), &ss->expiry,
		oldest->kept_us + ss->opts.idle_us) != ERR_OK)
		(void)streams_shed(ss);
}

static void
on_expiry(void *user)
{
	struct streams *ss = user;
	const uint64_t now = clock_mono_us();
	struct stream *oldest;

	while ((oldest = TAILQ_FIRST(&ss->kept)) != NULL &&
	       now - oldest->kept_us >= ss->opts.idle_us)
		(void)streams_shed(ss);
	arm_expiry(ss);
}

static void
keep(struct stream *st)
{
	struct streams *ss = st->ss;

	if (ss->kept_count == KEPT_MAX)
		(void)streams_shed(ss);
	memory_free(st->in);
	memory_free(st->out);
	st->in = st->out = NULL;
	st->in_len = st->in_room = st->out_at = st->out_len = 0;
	st->flow = 0;
	st->kept_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&ss->kept, st, kept_link);
	ss->kept_count++;
	arm_expiry(ss);
}

/* Its flow is gone and nobody is using it: keeps or frees it. */
static void
dispose(struct stream *st)
{
	if (st->fd != -1 && st->has_answered && st->in_len == 0 &&
	    st->out_at == st->out_len && st->ss->opts.idle_us > 0)
		keep(st);
	else
		stream_free(st);
}

void
stream_close(struct stream *st)
{
	st->flow = 0;
	if (!st->is_telling)
		dispose(st);
}

/* Tells of a break. False when st is gone afterwards. */
static bool
tell_broken(struct stream *st, enum err e)
{
	struct streams *ss = st->ss;

	hang_up(st);
	st->is_telling = true;
	ss->opts.broken(ss->opts.user, st->flow, e);
	st->is_telling = false;
	if (st->flow != 0)
		return true;
	dispose(st);
	return false;
}

static enum err
want_write(struct stream *st, bool wanted)
{
	if (st->is_writing == wanted)
		return ERR_OK;
	if ((wanted ? event_add(&st->writable, NULL)
		    : event_del(&st->writable)) != 0)
		return ERR_MEMORY;
	st->is_writing = wanted;
	return ERR_OK;
}

static enum err
write_some(struct stream *st)
{
	ssize_t n;

	if (st->out_at == st->out_len)
		return want_write(st, false);
	n = send(st->fd, st->out + st->out_at, st->out_len - st->out_at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return sock_error(errno);
	if (n > 0)
		st->out_at += (size_t)n;
	return want_write(st, st->out_at < st->out_len);
}

static enum err start_connect(struct stream *st);

/* The connection is gone. Tries once more if it was an old one. */
static void
on_break(struct stream *st, enum err e)
{
	if (!st->was_kept || st->has_answered || st->in_len > 0) {
		(void)tell_broken(st, e);
		return;
	}
	hang_up(st);
	st->was_kept = false;
	st->out_at = 0;
	e = start_connect(st);
	if (e != ERR_OK)
		(void)tell_broken(st, e);
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
	struct stream *st = user;
	int number = 0;
	socklen_t len = sizeof(number);
	enum err e;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) == 0 &&
	    number != 0)
		e = sock_error(number);
	else
		e = write_some(st);
	if (e != ERR_OK)
		on_break(st, e);
}

/* Room for the message at hand, or for a short one when that is unknown. */
static bool
make_room(struct stream *st)
{
	size_t room = IN_LEAST;
	uint8_t *grown;

	if (st->in_len < st->in_room)
		return true;
	if (room < st->in_room * 2)
		room = st->in_room * 2;
	if (room > IN_MAX)
		room = IN_MAX;
	grown = memory_grow(st->in, room);
	if (grown == NULL)
		return false;
	st->in = grown;
	st->in_room = room;
	return true;
}

/* Hands over whole messages. False when st is gone afterwards. */
static bool
hand_over(struct stream *st, uint64_t at_us)
{
	const struct streams_opts *o = &st->ss->opts;
	size_t at = 0, want;

	while (st->in_len - at >= PREFIX && st->flow != 0) {
		want = (size_t)st->in[at] << 8 | st->in[at + 1];
		if (st->in_len - at - PREFIX < want)
			break;
		st->has_answered = true;
		st->is_telling = true;
		o->message(o->user, st->flow, st->in + at + PREFIX, want,
		    at_us);
		st->is_telling = false;
		at += PREFIX + want;
	}
	if (at > 0)
		memmove(st->in, st->in + at, st->in_len - at);
	st->in_len -= at;
	if (st->flow != 0)
		return true;
	dispose(st);
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	struct stream *st = user;
	ssize_t n;

	(void)what;
	if (st->flow == 0) {
		unkeep(st);
		stream_free(st);
		return;
	}
	if (!make_room(st)) {
		(void)tell_broken(st, ERR_MEMORY);
		return;
	}
	n = recv(fd, st->in + st->in_len, st->in_room - st->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		on_break(st, n == 0 ? ERR_CLOSED : sock_error(errno));
		return;
	}
	st->in_len += (size_t)n;
	(void)hand_over(st, clock_mono_us());
}

/* Leaves from one of our addresses, by a port of the system's choice. */
static enum err
bind_source(struct stream *st)
{
	struct sockaddr_storage name;
	struct addr from;
	socklen_t len;

	if (!ports_source(st->ss->opts.ports, &st->to, &from))
		return ERR_OK;
	(void)sock_set(st->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	len = addr_to_sockaddr(&from, &name);
	if (bind(st->fd, (struct sockaddr *)&name, len) != 0)
		return sock_error(errno);
	return ERR_OK;
}

static enum err
open_socket(struct stream *st)
{
	const int how = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	st->fd = socket(sock_family(&st->to), how, 0);
	if (st->fd == -1 && sock_error(errno) == ERR_LIMIT &&
	    streams_shed(st->ss))
		st->fd = socket(sock_family(&st->to), how, 0);
	return st->fd == -1 ? sock_error(errno) : ERR_OK;
}

/* On failure there is no socket. */
static enum err
start_connect(struct stream *st)
{
	struct event_base *base = loop_base(st->ss->loop);
	struct sockaddr_storage name;
	enum err e = open_socket(st);
	socklen_t len;

	if (e != ERR_OK)
		return e;
	if (event_assign(&st->readable, base, st->fd, EV_READ | EV_PERSIST,
		on_readable, st) != 0 ||
	    event_assign(&st->writable, base, st->fd, EV_WRITE | EV_PERSIST,
		on_writable, st) != 0) {
		(void)close(st->fd);
		st->fd = -1;
		return ERR_SYSTEM;
	}
	(void)sock_set(st->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	e = bind_source(st);
	len = addr_to_sockaddr(&st->to, &name);
	/* A refusal is an event: it must not come from within send(). */
	if (e == ERR_OK &&
	    connect(st->fd, (struct sockaddr *)&name, len) != 0 &&
	    errno != EINPROGRESS && errno != ECONNREFUSED)
		e = sock_error(errno);
	if (e == ERR_OK && event_add(&st->readable, NULL) != 0)
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = want_write(st, true);
	if (e != ERR_OK)
		hang_up(st);
	return e;
}

static struct stream *
find_kept(struct streams *ss, const struct addr *to)
{
	struct stream *st;

	/* The youngest: the likeliest to live still. */
	TAILQ_FOREACH_REVERSE(st, &ss->kept, stream_list, kept_link)
	if (addr_equal(&st->to, to))
		return st;
	return NULL;
}

static enum err
load_question(struct stream *st, const struct wire_send *s)
{
	st->out = memory_new(PREFIX + s->len);
	if (st->out == NULL)
		return ERR_MEMORY;
	st->out[0] = (uint8_t)(s->len >> 8);
	st->out[1] = (uint8_t)s->len;
	memcpy(st->out + PREFIX, s->bytes, s->len);
	st->out_len = PREFIX + s->len;
	st->out_at = 0;
	return ERR_OK;
}

/* A kept connection that breaks now is found out by on_writable(). */
static enum err
reuse(struct stream *st)
{
	unkeep(st);
	st->was_kept = true;
	st->has_answered = false;
	return want_write(st, true);
}

enum err
stream_open(struct streams *ss, const struct wire_send *s, uint32_t flow,
    struct stream **out)
{
	struct stream *st;
	enum err e;

	if (s->len > MESSAGE_MAX)
		return ERR_RANGE;
	if (!ports_reaches(s->to))
		return ERR_UNREACHABLE;
	st = find_kept(ss, s->to);
	if (st != NULL) {
		e = reuse(st);
	} else {
		st = memory_new(sizeof(*st));
		if (st == NULL)
			return ERR_MEMORY;
		st->ss = ss;
		st->to = *s->to;
		e = start_connect(st);
	}
	if (e == ERR_OK)
		e = load_question(st, s);
	if (e != ERR_OK) {
		stream_free(st);
		return e;
	}
	st->flow = flow;
	*out = st;
	return ERR_OK;
}

struct streams *
streams_new(struct loop *l, const struct streams_opts *o)
{
	struct streams *ss = memory_new(sizeof(*ss));

	if (ss == NULL)
		return NULL;
	ss->opts = *o;
	ss->loop = l;
	ss->expiry = (struct timer){ .fire = on_expiry, .user = ss };
	TAILQ_INIT(&ss->kept);
	return ss;
}

void
streams_free(struct streams *ss)
{
	if (ss == NULL)
		return;
	while (streams_shed(ss))
		;
	timer_cancel(loop_timers(ss->loop), &ss->expiry);
	memory_free(ss);
}
