/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_conn.c - one client's connection (RFC 7766).
 *
 * 1. Read up to 64 KB: into the listener's scratch room while nothing of an
 *    earlier read is left, so that a quiet connection owns no buffer.
 * 2. Hand over each whole message while limits allow; keep the rest.
 * 3. All answers that are ready leave by one send().
 * 4. Settle: close, or decide which events are wanted and whether the client
 *    is idle. Reading stops while a limit is reached or whole messages wait.
 *
 * Answers may come from within on_message(), in any order, or never. Nothing
 * but conn_settle() and the listener closes a connection, so that a reply
 * cannot take it away under the reader. A client that has sent its FIN still
 * gets the answers it asked for.
 */
#include "tcp.h"

#include <errno.h>
#include <string.h>

#define PREFIX         2u
#define IN_MAX         (PREFIX + TCP_MESSAGE_MAX)
#define IN_LEAST       512u
#define READ_LEAST     2048u
#define OUT_KEPT       4096u /* room for answers an idle connection keeps */
#define QUESTIONS_TURN 256u  /* of one client, then others are served */
#define PUMP_ROUNDS    4u

bool
conn_has_output(const struct tcp_conn *c)
{
	return c->out_len > c->out_at;
}

static bool
may_ask(const struct tcp_conn *c)
{
	const struct tcp_limits *m = &c->tl->opts.limits;

	return !c->is_doomed && c->unanswered < m->pipelined_max &&
	       c->out_len - c->out_at < m->buffer_max;
}

/* Length of the message at the head of bytes, or 0 if it is not all there. */
static size_t
whole_message(const uint8_t *bytes, size_t len)
{
	size_t want;

	if (len < PREFIX)
		return 0;
	want = PREFIX + ((size_t)bytes[0] << 8 | bytes[1]);
	return len < want ? 0 : want;
}

/* Hands over what limits allow; returns how many bytes that were. */
static size_t
hand_over(struct tcp_conn *c, const uint8_t *bytes, size_t len)
{
	struct tcp_listener *tl = c->tl;
	size_t at = 0, want;

	for (size_t i = 0; i < QUESTIONS_TURN && may_ask(c); i++) {
		want = whole_message(bytes + at, len - at);
		if (want == 0)
			break;
		if (want == PREFIX) {
			c->is_doomed = true; /* an empty message is no DNS */
			break;
		}
		c->unanswered++;
		c->partial_us = 0;
		c->since_us = loop_now_us(c->tl->loop);
		tl->opts.on_message(tl->opts.user, tl, c->id, &c->from,
		    bytes + at + PREFIX, want - PREFIX);
		at += want;
	}
	return at;
}

/* Makes room for new bytes behind in_len; false when memory is out. */
static bool
make_room(struct tcp_conn *c, size_t least)
{
	size_t room;
	uint8_t *grown;

	if (c->in_at > 0 && c->in_room - c->in_len < least) {
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
		c->in_len -= c->in_at;
		c->in_at = 0;
	}
	if (c->in_room - c->in_len >= least || c->in_room == IN_MAX)
		return c->in_room > c->in_len;
	room = c->in_len + least;
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

static void
drop_room(struct tcp_conn *c)
{
	if (c->in_at < c->in_len)
		return;
	memory_free(c->in);
	c->in = NULL;
	c->in_at = c->in_len = c->in_room = 0;
}

/* Keeps what of the scratch room could not be handed over. */
static void
keep_rest(struct tcp_conn *c, const uint8_t *bytes, size_t len)
{
	if (len == 0 || c->is_doomed)
		return;
	if (!make_room(c, len < IN_LEAST ? IN_LEAST : len)) {
		c->is_doomed = true;
		return;
	}
	memcpy(c->in, bytes, len);
	c->in_len = len;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	struct tcp_conn *c = user;
	uint8_t *scratch = c->tl->scratch;
	const bool is_fresh = c->in_len == 0;
	size_t used;
	ssize_t n;

	(void)what;
	if (!is_fresh && !make_room(c, READ_LEAST)) {
		c->is_doomed = true;
		conn_settle(c);
		return;
	}
	n = is_fresh ? recv(fd, scratch, TCP_READ_MAX, 0)
		     : recv(fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->is_doomed = c->is_doomed || n < 0;
	c->has_ended = n == 0;
	if (n > 0 && is_fresh) {
		used = hand_over(c, scratch, (size_t)n);
		keep_rest(c, scratch + used, (size_t)n - used);
	} else if (n > 0) {
		c->in_len += (size_t)n;
	}
	conn_pump(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	conn_pump(user);
}

/* Everything up to mark is gone: from now on what has come since must go. */
static void
move_mark(struct tcp_conn *c)
{
	if (c->sent < c->mark)
		return;
	c->mark = c->queued;
	c->mark_us = loop_now_us(c->tl->loop);
}

void
conn_flush(struct tcp_conn *c)
{
	ssize_t n;

	if (c->is_doomed || !conn_has_output(c))
		return;
	n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		c->is_doomed = errno != EAGAIN && errno != EINTR;
		return;
	}
	c->out_at += (size_t)n;
	c->sent += (uint64_t)n;
	move_mark(c);
	if (conn_has_output(c))
		return;
	c->out_at = c->out_len = 0;
	c->since_us = loop_now_us(c->tl->loop);
	if (c->out_room > OUT_KEPT) {
		memory_free(c->out);
		c->out = NULL;
		c->out_room = 0;
	}
}

void
conn_pump(struct tcp_conn *c)
{
	size_t left, used;

	for (size_t i = 0; i < PUMP_ROUNDS; i++) {
		left = c->in_len - c->in_at;
		used = left > 0 ? hand_over(c, c->in + c->in_at, left) : 0;
		c->in_at += used;
		conn_flush(c);
		if (used == 0)
			break;
	}
	drop_room(c);
	conn_settle(c);
}

static bool
set_event(struct event *ev, bool *is_added, bool wanted)
{
	if (*is_added == wanted)
		return true;
	if ((wanted ? event_add(ev, NULL) : event_del(ev)) != 0)
		return false;
	*is_added = wanted;
	return true;
}

/* Keeps the list in the order of since_us: octets alone gain no time. */
static void
set_idle(struct tcp_conn *c, bool is_idle)
{
	if (c->is_idle == is_idle && c->listed_us == c->since_us)
		return;
	if (c->is_idle)
		TAILQ_REMOVE(&c->tl->idle, c, idle_link);
	if (is_idle)
		TAILQ_INSERT_TAIL(&c->tl->idle, c, idle_link);
	c->is_idle = is_idle;
	c->listed_us = c->since_us;
}

static void
ask_resume(struct tcp_conn *c)
{
	struct tcp_listener *tl = c->tl;

	if (c->wants_resume)
		return;
	c->wants_resume = true;
	TAILQ_INSERT_TAIL(&tl->resume, c, resume_link);
}

void
conn_settle(struct tcp_conn *c)
{
	const size_t left = c->in_len - c->in_at;
	const bool is_whole =
	    left > 0 && whole_message(c->in + c->in_at, left) > 0;
	const bool can_ask = may_ask(c);

	if (c->is_doomed || (c->has_ended && !is_whole && c->unanswered == 0 &&
				!conn_has_output(c))) {
		conn_close(c);
		return;
	}
	if (left == 0 || is_whole)
		c->partial_us = 0;
	else if (c->partial_us == 0)
		c->partial_us = loop_now_us(c->tl->loop);
	if (is_whole && can_ask)
		ask_resume(c);
	set_idle(c, c->unanswered == 0);
	if (!set_event(&c->readable, &c->is_reading,
		!c->has_ended && !is_whole && can_ask) ||
	    !set_event(&c->writable, &c->is_writing, conn_has_output(c)))
		conn_close(c);
}

/* Room for len more bytes of answers. */
static bool
make_out_room(struct tcp_conn *c, size_t len)
{
	size_t room;
	uint8_t *grown;

	if (c->out_at > 0 && c->out_room - c->out_len < len) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	if (c->out_room - c->out_len >= len)
		return true;
	room = c->out_len + len;
	if (room < c->out_room * 2)
		room = c->out_room * 2;
	grown = memory_grow(c->out, room);
	if (grown == NULL)
		return false;
	c->out = grown;
	c->out_room = room;
	return true;
}

static void
queue_answer(struct tcp_conn *c, const uint8_t *bytes, size_t len)
{
	const size_t bound = 2 * c->tl->opts.limits.buffer_max + IN_MAX;
	const bool was_empty = !conn_has_output(c);

	if (len > TCP_MESSAGE_MAX || !make_out_room(c, PREFIX + len)) {
		c->is_doomed = true;
		return;
	}
	c->out[c->out_len] = (uint8_t)(len >> 8);
	c->out[c->out_len + 1] = (uint8_t)len;
	memcpy(c->out + c->out_len + PREFIX, bytes, len);
	c->out_len += PREFIX + len;
	c->queued += PREFIX + len;
	if (was_empty) {
		c->mark = c->queued;
		c->mark_us = loop_now_us(c->tl->loop);
	}
	/* Reading has stopped long ago; this is one who asks much at once. */
	if (c->out_len - c->out_at <= bound)
		return;
	conn_flush(c);
	if (c->out_len - c->out_at > bound)
		c->is_doomed = c->is_stuck = true;
}

/* The caller sees to it that c is flushed and settled soon. */
void
conn_answer(struct tcp_conn *c, const uint8_t *bytes, size_t len)
{
	if (c->unanswered == 0 || c->is_doomed)
		return;
	c->unanswered--;
	c->since_us = loop_now_us(c->tl->loop);
	if (len > 0)
		queue_answer(c, bytes, len);
}

enum err
conn_start(struct tcp_conn *c)
{
	struct event_base *base = loop_base(c->tl->loop);

	c->since_us = loop_now_us(c->tl->loop);
	if (event_assign(&c->readable, base, c->fd, EV_READ | EV_PERSIST,
		on_readable, c) != 0 ||
	    event_assign(&c->writable, base, c->fd, EV_WRITE | EV_PERSIST,
		on_writable, c) != 0)
		return ERR_SYSTEM;
	set_idle(c, true);
	return set_event(&c->readable, &c->is_reading, true) ? ERR_OK
							     : ERR_MEMORY;
}
