/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outgoing.c - the seam over real sockets.
 *
 * A flow is a slot; its number is the slot and a generation, so that a number
 * kept too long finds nothing instead of somebody else's flow. 0 is none.
 *
 * The sockets of UDP flows lie in an epoll set of their own, which libevent
 * sees as one descriptor: entering and leaving libevent's set would cost one
 * more system call for each. Closing is leaving.
 *
 * Questions by UDP are gathered, and leave in a row when a few have come
 * together or the turn ends: the receiver, or the network card, is woken once
 * for all of them. (On loopback that is a tenth of what a miss costs.)
 *
 * Nothing is told from within send(): what fails there is its result, and
 * what fails later comes from the loop.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>

#include <hither/base.h>
#include <hither/net.h>

#include "ports.h"
#include "sock.h"
#include "stream.h"
#include "turn.h"

#define SLOT_BITS     16u
#define FLOWS_MAX     (BIT(SLOT_BITS) - 1)
#define EVENTS_A_TURN 64
#define ERRORS_MAX    8u
#define RECEIVE_MAX   65535u
#define LETTERS_MAX   32u
#define LETTER_MAX    512u

struct flow {
	void *user;
	struct stream *stream; /* NULL: UDP */
	struct port *port;     /* UDP */
	uint32_t id;           /* 0: free */
	uint16_t generation;
	uint16_t next_free; /* slot + 1; 0: the last */
};

/* A question that is to leave, or that could not. */
struct letter {
	uint32_t flow;
	enum err why;
	uint16_t len;
	uint8_t bytes[LETTER_MAX];
};

struct outgoing {
	struct outgoing_opts opts;
	struct loop *loop;
	struct ports *ports;
	struct streams *streams;
	struct event *readable;
	struct flow *flows;
	size_t flows_max;
	uint32_t flows_used; /* slots that were ever taken */
	uint32_t first_free; /* slot + 1; 0: none of these */
	struct turn_hook hook;
	size_t letter_count;
	int epoll_fd;
	struct letter letters[LETTERS_MAX];
	uint8_t received[RECEIVE_MAX];
};

static struct flow *
flow_find(struct outgoing *og, uint32_t id)
{
	const size_t slot = id & (BIT(SLOT_BITS) - 1);

	if (id == 0 || slot >= og->flows_max || og->flows[slot].id != id)
		return NULL;
	return &og->flows[slot];
}

static struct flow *
flow_new(struct outgoing *og)
{
	struct flow *f;
	uint32_t slot;

	if (og->first_free == 0 && og->flows_used == og->flows_max)
		return NULL;
	/* Those used before first: what was never needed is never touched. */
	slot = og->first_free != 0 ? og->first_free - 1 : og->flows_used++;
	f = &og->flows[slot];
	og->first_free = f->next_free;
	if (++f->generation == 0)
		f->generation = 1;
	f->id = (uint32_t)f->generation << SLOT_BITS | slot;
	f->port = NULL;
	f->stream = NULL;
	return f;
}

static void
flow_free(struct outgoing *og, struct flow *f)
{
	const uint32_t slot = f->id & (BIT(SLOT_BITS) - 1);

	f->id = 0;
	f->next_free = (uint16_t)og->first_free;
	og->first_free = slot + 1;
}

/* --- UDP -------------------------------------------------------------- */

static enum err
lease(struct outgoing *og, const struct port_wish *w, struct port **p)
{
	enum err e = port_take(og->ports, w, p);

	if (e == ERR_LIMIT && streams_shed(og->streams))
		e = port_take(og->ports, w, p);
	return e;
}

/*
 * What fails on a socket that served before may be an error left there by
 * the server it served with; a fresh one tells. When that is not to be had
 * the flow has no port.
 */
static enum err
send_now(struct outgoing *og, struct flow *f, const uint8_t *bytes, size_t len)
{
	const struct addr to = f->port->to;
	const struct port_wish w = { .to = &to,
		.now_us = loop_now_us(og->loop),
		.flow = f->id,
		.fresh = true };
	enum err e = port_send(f->port, bytes, len);

	if (e == ERR_OK || f->port->uses == 1)
		return e;
	port_return(og->ports, f->port, false);
	f->port = NULL;
	e = lease(og, &w, &f->port);
	return e == ERR_OK ? port_send(f->port, bytes, len) : e;
}

/* Those that cannot leave stay, and say why. */
static void
send_letters(struct outgoing *og)
{
	size_t failed = 0;

	for (size_t i = 0; i < og->letter_count; i++) {
		struct letter *l = &og->letters[i];
		struct flow *f = flow_find(og, l->flow);

		if (f == NULL)
			continue; /* closed before it left */
		if (l->why == ERR_OK)
			l->why = send_now(og, f, l->bytes, l->len);
		if (l->why != ERR_OK)
			og->letters[failed++] = *l;
	}
	og->letter_count = failed;
}

static void
on_turn_end(void *user)
{
	struct outgoing *og = user;

	send_letters(og);
	for (size_t i = 0; i < og->letter_count; i++) {
		const struct letter *l = &og->letters[i];
		struct flow *f = flow_find(og, l->flow);

		if (f != NULL)
			og->opts.events.broken(f->user, f->id, l->why);
		/* The callers have had their part of this turn. */
		loop_again(og->loop);
	}
	og->letter_count = 0;
}

static void
put_letter(struct outgoing *og, const struct flow *f, const struct wire_send *s)
{
	struct letter *l = &og->letters[og->letter_count++];

	l->flow = f->id;
	l->why = ERR_OK;
	l->len = (uint16_t)s->len;
	memcpy(l->bytes, s->bytes, s->len);
}

/* Gathered where there is a turn at whose end it can leave. */
static enum err
send_udp(struct outgoing *og, const struct wire_send *s, struct flow *f)
{
	const struct port_wish w = { .to = s->to,
		.now_us = loop_now_us(og->loop),
		.flow = f->id };
	enum err e = lease(og, &w, &f->port);

	if (e != ERR_OK)
		return e;
	if (og->letter_count == LETTERS_MAX)
		send_letters(og);
	if (loop_is_turning(og->loop) && s->len <= LETTER_MAX &&
	    og->letter_count < LETTERS_MAX) {
		put_letter(og, f, s);
		return ERR_OK;
	}
	e = send_now(og, f, s->bytes, s->len);
	if (e != ERR_OK && f->port != NULL)
		port_return(og->ports, f->port, false);
	return e;
}

/* Takes the reports that ICMP messages left; they would keep it ready. */
static void
drop_reports(int fd)
{
	uint8_t byte;

	for (size_t i = 0; i < ERRORS_MAX; i++)
		if (recv(fd, &byte, sizeof(byte), MSG_ERRQUEUE | MSG_DONTWAIT) <
		    0)
			return;
}

/*
 * One datagram or error. The set reports a port once for what has come; when
 * this was not what the flow waited for, the rest is reported next turn.
 */
static void
receive(struct outgoing *og, struct flow *f, uint32_t events, uint64_t at_us)
{
	const uint32_t id = f->id;
	enum err why;
	const ssize_t n =
	    port_receive(f->port, og->received, sizeof(og->received), &why);

	if ((events & EPOLLERR) != 0 || why != ERR_OK)
		drop_reports(f->port->fd);
	if (n >= 0)
		og->opts.events.message(f->user, id, og->received, (size_t)n,
		    at_us);
	else if (why != ERR_OK)
		og->opts.events.broken(f->user, id, why);
	f = flow_find(og, id);
	if (f != NULL)
		port_listen_on(og->ports, f->port);
}

/*
 * All of them had arrived when the set was looked at: what is done with the
 * first must not make the last look farther away.
 */
static void
on_ready(evutil_socket_t fd, short what, void *user)
{
	struct outgoing *og = user;
	UNCLEARED struct epoll_event ready[EVENTS_A_TURN];
	const int n = epoll_wait(fd, ready, EVENTS_A_TURN, 0);
	uint64_t at_us;

	(void)what;
	loop_time_passed(og->loop);
	at_us = loop_now_us(og->loop);
	for (int i = 0; i < n; i++) {
		struct port *p = port_numbered(og->ports, ready[i].data.u32);
		struct flow *f = p == NULL ? NULL : flow_find(og, p->flow);

		/* Those before it may have closed it. */
		if (f != NULL)
			receive(og, f, ready[i].events, at_us);
		else if (p != NULL)
			port_disturbed(og->ports, p);
	}
}

/* --- TCP -------------------------------------------------------------- */

static void
on_message(void *user, uint32_t id, const uint8_t *bytes, size_t len,
    uint64_t at_us)
{
	struct outgoing *og = user;
	const struct flow *f = flow_find(og, id);

	if (f != NULL)
		og->opts.events.message(f->user, id, bytes, len, at_us);
}

static void
on_broken(void *user, uint32_t id, enum err e)
{
	struct outgoing *og = user;
	const struct flow *f = flow_find(og, id);

	if (f != NULL)
		og->opts.events.broken(f->user, id, e);
}

/* --- the seam --------------------------------------------------------- */

static enum err
seam_send(void *self, const struct wire_send *s, uint32_t *flow)
{
	struct outgoing *og = self;
	struct flow *f = flow_new(og);
	enum err e;

	*flow = 0;
	if (f == NULL)
		return ERR_LIMIT;
	f->user = s->user;
	if (s->tcp)
		e = stream_open(og->streams, s, f->id, &f->stream);
	else
		e = send_udp(og, s, f);
	if (e != ERR_OK) {
		flow_free(og, f);
		return e;
	}
	*flow = f->id;
	/* The next one is not sent at the same time. */
	loop_time_passed(og->loop);
	return ERR_OK;
}

static void
seam_close(void *self, uint32_t flow, bool answered)
{
	struct outgoing *og = self;
	struct flow *f = flow_find(og, flow);
	struct stream *st;

	if (f == NULL)
		return;
	st = f->stream;
	if (f->port != NULL)
		port_return(og->ports, f->port, answered);
	flow_free(og, f);
	if (st != NULL)
		stream_close(st);
}

static uint64_t
seam_now_us(void *self)
{
	const struct outgoing *og = self;

	return loop_now_us(og->loop);
}

static uint64_t
seam_ttl_now_ms(void *self)
{
	const struct outgoing *og = self;

	return loop_ttl_now_ms(og->loop);
}

static uint64_t
seam_real_now_s(void *self)
{
	(void)self;
	return clock_real_s();
}

const struct wire_ops *
outgoing_ops(void)
{
	static const struct wire_ops ops = {
		.send = seam_send,
		.close = seam_close,
		.now_us = seam_now_us,
		.ttl_now_ms = seam_ttl_now_ms,
		.real_now_s = seam_real_now_s,
	};

	return &ops;
}

/* --- making and unmaking ---------------------------------------------- */

static bool
make_flows(struct outgoing *og)
{
	size_t max = og->opts.sockets_max;

	if (max > FLOWS_MAX)
		max = FLOWS_MAX;
	og->flows = memory_new((max + 1) * sizeof(*og->flows));
	if (og->flows == NULL)
		return false;
	og->flows_max = max;
	return true;
}

static bool
make_set(struct outgoing *og, struct loop *l)
{
	og->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (og->epoll_fd == -1)
		return false;
	og->readable = event_new(loop_base(l), og->epoll_fd,
	    EV_READ | EV_PERSIST, on_ready, og);
	return og->readable != NULL && event_add(og->readable, NULL) == 0;
}

struct outgoing *
outgoing_new(struct loop *l, struct rng *rng, const struct outgoing_opts *o)
{
	struct outgoing *og = memory_new(sizeof(*og));
	struct streams_opts so = {
		.idle_us = o->tcp_idle_us,
		.message = on_message,
		.broken = on_broken,
		.user = og,
	};

	if (og == NULL)
		return NULL;
	og->opts = *o;
	og->loop = l;
	og->opts.from_v4 = og->opts.from_v6 = NULL; /* ports has copies */
	og->epoll_fd = -1;
	if (make_set(og, l) && make_flows(og))
		og->ports = ports_new(rng, loop_timers(l), og->epoll_fd, o);
	og->hook = (struct turn_hook){ .fn = on_turn_end, .user = og };
	loop_hook_add(l, TURN_DATAGRAMS, &og->hook);
	so.ports = og->ports;
	og->streams = streams_new(l, &so);
	if (og->ports != NULL && og->streams != NULL)
		return og;
	outgoing_free(og);
	return NULL;
}

void
outgoing_free(struct outgoing *og)
{
	if (og == NULL)
		return;
	loop_hook_remove(og->loop, TURN_DATAGRAMS, &og->hook);
	for (size_t i = 0; i < og->flows_used; i++)
		seam_close(og, og->flows[i].id, false);
	streams_free(og->streams);
	ports_free(og->ports);
	if (og->readable != NULL)
		event_free(og->readable);
	if (og->epoll_fd != -1)
		(void)close(og->epoll_fd);
	memory_free(og->flows);
	memory_free(og);
}
