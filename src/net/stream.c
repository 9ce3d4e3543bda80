/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.c - questions that go out by TCP (RFC 7766).
 *
 * 1. A flow's question goes to an open connection to the same address and
 *    port, behind those already waiting there, or to a new one. Two questions
 *    with the same first two octets, the message's id, never share one.
 * 2. A whole message goes to the flow whose question began with the same two
 *    octets, whatever the order they are answered in; what fits none goes to
 *    the one that waits longest, which will tell that it is not meant.
 * 3. When its last flow is closed, a connection is kept for idle_us if every
 *    question on it was answered and nothing is half-sent or half-read.
 * 4. A kept connection on which anything happens is closed: a server may hang
 *    up, but not speak unasked.
 *
 * A server may hang up just while we send, or after one answer although more
 * questions wait. Questions that shared a connection or came to a used one
 * are then sent once more, each on a connection of its own (section 6.2.4).
 * Other breaks are told once; the stream stays, dead, until its flow closes.
 */
#include "stream.h"

#include <string.h>
#include <sys/queue.h>

#define KEPT_MAX   64u
#define SHARED_MAX 16u /* questions waiting on one connection */

struct line;

struct stream {
	TAILQ_ENTRY(stream) link; /* in its line's; line NULL: dead */
	struct streams *ss;
	struct line *line;
	struct addr to;
	uint32_t flow;
	bool is_heard;   /* it got a message */
	bool is_second;  /* sent once more already */
	bool came_later; /* the connection was not new to it */
	size_t len;
	uint8_t question[]; /* to send it once more */
};

TAILQ_HEAD(stream_list, stream);
TAILQ_HEAD(line_list, line);

/* A connection and who waits for something on it: the longest first. */
struct line {
	TAILQ_ENTRY(line) link; /* in ss->busy or ss->kept */
	struct streams *ss;
	struct conn *conn;
	struct stream_list waiting;
	struct addr to;
	uint64_t kept_us; /* since when */
	size_t count;
	bool is_kept;
	bool is_private;  /* for one question only */
	bool is_untidy;   /* a question was given up unanswered */
	bool is_breaking; /* do not free: its streams are being told */
};

struct streams {
	struct streams_opts opts;
	struct loop *loop;
	struct line_list busy, kept; /* kept: the oldest first */
	size_t kept_count;
	struct timer expiry;
};

/* --- lines ------------------------------------------------------------ */

static void
line_unlink(struct line *l)
{
	struct streams *ss = l->ss;

	if (l->is_kept)
		TAILQ_REMOVE(&ss->kept, l, link);
	else
		TAILQ_REMOVE(&ss->busy, l, link);
	ss->kept_count -= l->is_kept;
}

static void
line_free(struct line *l)
{
	line_unlink(l);
	conn_free(l->conn);
	memory_free(l);
}

bool
streams_shed(struct streams *ss)
{
	struct line *oldest = TAILQ_FIRST(&ss->kept);

	if (oldest == NULL)
		return false;
	line_free(oldest);
	return true;
}

static void
arm_expiry(struct streams *ss)
{
	const struct line *oldest = TAILQ_FIRST(&ss->kept);

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
	struct line *oldest;

	while ((oldest = TAILQ_FIRST(&ss->kept)) != NULL &&
	       now - oldest->kept_us >= ss->opts.idle_us)
		(void)streams_shed(ss);
	arm_expiry(ss);
}

/* Nobody waits on it any more. */
static void
line_rest(struct line *l)
{
	struct streams *ss = l->ss;

	if (ss->opts.idle_us == 0 || l->is_untidy || !conn_is_clean(l->conn)) {
		line_free(l);
		return;
	}
	if (ss->kept_count == KEPT_MAX)
		(void)streams_shed(ss);
	line_unlink(l);
	l->is_kept = true;
	l->kept_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&ss->kept, l, link);
	ss->kept_count++;
	arm_expiry(ss);
}

static void
leave_line(struct stream *st)
{
	struct line *l = st->line;

	if (l == NULL)
		return;
	TAILQ_REMOVE(&l->waiting, st, link);
	l->count--;
	st->line = NULL;
}

static void
join_line(struct stream *st, struct line *l)
{
	if (l->is_kept) {
		line_unlink(l);
		l->is_kept = false;
		TAILQ_INSERT_TAIL(&l->ss->busy, l, link);
		st->came_later = true;
	}
	st->came_later |= l->count > 0;
	TAILQ_INSERT_TAIL(&l->waiting, st, link);
	l->count++;
	st->line = l;
}

void
stream_close(struct stream *st)
{
	struct line *l = st->line;

	if (l != NULL && !st->is_heard)
		l->is_untidy = true;
	leave_line(st);
	if (l != NULL && l->count == 0 && !l->is_breaking)
		line_rest(l);
	memory_free(st);
}

/* --- what comes back -------------------------------------------------- */

static struct stream *
find_waiting(struct line *l, const uint8_t *bytes, size_t len)
{
	struct stream *st;

	if (len < 2)
		return TAILQ_FIRST(&l->waiting);
	TAILQ_FOREACH(st, &l->waiting, link)
	if (!st->is_heard && st->len >= 2 &&
	    memcmp(st->question, bytes, 2) == 0)
		return st;
	return TAILQ_FIRST(&l->waiting);
}

static void
on_message(void *user, const uint8_t *bytes, size_t len, uint64_t at_us)
{
	struct line *l = user;
	struct streams_opts *o = &l->ss->opts;
	struct stream *st = find_waiting(l, bytes, len);

	if (st == NULL) {
		line_free(l);
		return;
	}
	st->is_heard = true;
	o->message(o->user, st->flow, bytes, len, at_us);
}

static enum err ask_alone(struct stream *st);

/* Once more by itself, if that is allowed; else its owner is told. */
static void
lost(struct stream *st, enum err e)
{
	struct streams_opts *o = &st->ss->opts;

	if (st->came_later && !st->is_heard && !st->is_second) {
		st->is_second = true;
		if (ask_alone(st) == ERR_OK)
			return;
	}
	o->broken(o->user, st->flow, e);
}

static void
on_broken(void *user, enum err e)
{
	struct line *l = user;
	bool shared = l->count > 1;
	struct stream *st;

	/* Whoever is told may close others, which then leave this line. */
	l->is_breaking = true;
	while ((st = TAILQ_FIRST(&l->waiting)) != NULL) {
		leave_line(st);
		st->came_later |= shared;
		lost(st, e);
	}
	line_free(l);
}

/* --- what goes out ---------------------------------------------------- */

static struct line *
line_new(struct streams *ss, const struct addr *to, enum err *why)
{
	struct line *l = memory_new(sizeof(*l));
	const struct conn_events ev = { .loop = ss->loop,
		.ports = ss->opts.ports,
		.message = on_message,
		.broken = on_broken,
		.user = l };

	*why = ERR_MEMORY;
	if (l == NULL)
		return NULL;
	l->conn = conn_new(to, &ev, why);
	if (l->conn == NULL && *why == ERR_LIMIT && streams_shed(ss))
		l->conn = conn_new(to, &ev, why);
	if (l->conn == NULL) {
		memory_free(l);
		return NULL;
	}
	l->ss = ss;
	l->to = *to;
	TAILQ_INIT(&l->waiting);
	TAILQ_INSERT_TAIL(&ss->busy, l, link);
	return l;
}

static bool
takes(const struct line *l, const struct stream *st)
{
	const struct stream *other;

	if (l->is_private || l->is_untidy || l->count >= SHARED_MAX ||
	    !addr_equal(&l->to, &st->to))
		return false;
	TAILQ_FOREACH(other, &l->waiting, link)
	if (st->len < 2 || other->len < 2 ||
	    memcmp(other->question, st->question, 2) == 0)
		return false;
	return true;
}

static struct line *
find_line(struct streams *ss, const struct stream *st)
{
	struct line *l;

	if (ss->opts.idle_us == 0)
		return NULL;
	TAILQ_FOREACH(l, &ss->busy, link)
	if (takes(l, st))
		return l;
	/* The youngest: the likeliest to live still. */
	TAILQ_FOREACH_REVERSE(l, &ss->kept, line_list, link)
	if (takes(l, st))
		return l;
	return NULL;
}

static enum err
ask_on(struct stream *st, struct line *l)
{
	enum err e;

	join_line(st, l);
	e = conn_send(l->conn, st->question, st->len);
	if (e == ERR_OK)
		return ERR_OK;
	/* Others may wait on it; this one has said nothing there. */
	leave_line(st);
	if (l->count == 0)
		line_free(l);
	return e;
}

static enum err
ask_alone(struct stream *st)
{
	enum err why;
	struct line *l = line_new(st->ss, &st->to, &why);

	if (l == NULL)
		return why;
	l->is_private = st->is_second;
	return ask_on(st, l);
}

enum err
stream_open(struct streams *ss, const struct wire_send *s, uint32_t flow,
    struct stream **out)
{
	struct stream *st;
	struct line *l;
	enum err e;

	if (s->len > UINT16_MAX)
		return ERR_RANGE;
	if (!ports_reaches(s->to))
		return ERR_UNREACHABLE;
	st = memory_new(sizeof(*st) + s->len);
	if (st == NULL)
		return ERR_MEMORY;
	st->ss = ss;
	st->to = *s->to;
	st->flow = flow;
	st->len = s->len;
	memcpy(st->question, s->bytes, s->len);
	l = find_line(ss, st);
	e = l != NULL ? ask_on(st, l) : ask_alone(st);
	if (e != ERR_OK) {
		memory_free(st);
		return e;
	}
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
	TAILQ_INIT(&ss->busy);
	TAILQ_INIT(&ss->kept);
	return ss;
}

void
streams_free(struct streams *ss)
{
	struct line *l;

	if (ss == NULL)
		return;
	while (streams_shed(ss))
		;
	while ((l = TAILQ_FIRST(&ss->busy)) != NULL)
		line_free(l);
	timer_cancel(loop_timers(ss->loop), &ss->expiry);
	memory_free(ss);
}
