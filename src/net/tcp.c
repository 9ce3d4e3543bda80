/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.c - clients that come by TCP: who is let in, and for how long.
 *
 * Slots are what a slow client costs, so they are what is guarded:
 * - a client that does not finish a message, or asks nothing, is closed after
 *   idle_us, of which less is granted the more slots are taken;
 * - when all are taken the one that has been idle longest goes (a half-sent
 *   message counts as idle); only if all wait for us, the newcomer goes;
 * - a client that does not take its answers is closed after take_us.
 * When descriptors run out, accepting pauses for ACCEPT_PAUSE_US: the event
 * would stay ready and the loop would spin.
 *
 * A connection's number is its slot and a serial that never comes again.
 */
#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "sock.h"

#define SLOT_BITS       20u
#define ACCEPTS_A_TURN  32u
#define BACKLOG         1024
#define ACCEPT_PAUSE_US 100000u
#define TAKE_US         10000000u
#define BUSY_MAX_US     60000000u /* we never answered: give the slot back */
#define SWEEP_LEAST_US  5000u
#define SWEEP_MOST_US   500000u
#define SEND_BYTES      (128 * 1024)
#define RECEIVE_BYTES   (64 * 1024)

/* What one client is granted now: all of idle_us while half is free. */
static uint64_t
idle_now(const struct tcp_listener *tl)
{
	const uint64_t most = tl->opts.limits.idle_us;
	const uint64_t max = tl->opts.limits.clients_max;
	const uint64_t left = max - tl->clients;
	uint64_t granted;

	if (left * 2 >= max)
		return most;
	granted = most / max * left * 2;
	return granted < most / 10 ? most / 10 : granted;
}

static void
arm_sweep(struct tcp_listener *tl)
{
	const uint64_t idle = idle_now(tl);
	const uint64_t take = tl->opts.limits.take_us;
	uint64_t span = (idle < take ? idle : take) / 4;

	if (tl->clients == 0)
		return;
	if (span < SWEEP_LEAST_US)
		span = SWEEP_LEAST_US;
	if (span > SWEEP_MOST_US)
		span = SWEEP_MOST_US;
	if (timer_arm(loop_timers(tl->loop), &tl->sweep,
		clock_mono_us() + span) != ERR_OK)
		log_warn("tcp-sweep-late", "reason=memory");
}

static bool
is_overdue(const struct tcp_conn *c, uint64_t now, uint64_t idle)
{
	if (conn_has_output(c) &&
	    now - c->mark_us >= c->tl->opts.limits.take_us)
		return true;
	if (c->partial_us != 0)
		return now - c->partial_us >= idle;
	if (c->unanswered > 0)
		return now - c->since_us >= BUSY_MAX_US;
	return !conn_has_output(c) && now - c->since_us >= idle;
}

static void
on_sweep(void *user)
{
	struct tcp_listener *tl = user;
	const uint64_t now = loop_now_us(tl->loop);
	const uint64_t idle = idle_now(tl);
	size_t left = tl->clients;

	for (size_t i = 0; left > 0 && i < tl->opts.limits.clients_max; i++) {
		struct tcp_conn *c = tl->slots[i];

		if (c == NULL)
			continue;
		left--;
		if (!is_overdue(c, now, idle))
			continue;
		c->is_stuck = conn_has_output(c);
		conn_close(c);
	}
	arm_sweep(tl);
}

/* The end of a turn: all answers found in it leave. */
static void
on_turn_end(void *user)
{
	struct tcp_listener *tl = user;
	struct tcp_conn *c;

	while ((c = TAILQ_FIRST(&tl->flush)) != NULL) {
		TAILQ_REMOVE(&tl->flush, c, flush_link);
		c->wants_flush = false;
		conn_flush(c);
		conn_settle(c);
	}
	if (TAILQ_EMPTY(&tl->resume) || tl->resume_conns.slot != 0)
		return;
	if (timer_arm(loop_timers(tl->loop), &tl->resume_conns, 0) != ERR_OK)
		loop_wake(tl->loop); /* and try again then */
}

/* Goes on with questions that lay in the buffer while a limit was reached. */
static void
on_resume_conns(void *user)
{
	struct tcp_listener *tl = user;
	struct conn_list list = TAILQ_HEAD_INITIALIZER(list);
	struct tcp_conn *c;

	/* Those that are not done go onto a fresh list, for the next turn. */
	TAILQ_CONCAT(&list, &tl->resume, resume_link);
	while ((c = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, c, resume_link);
		c->wants_resume = false;
		conn_pump(c);
	}
}

void
conn_close(struct tcp_conn *c)
{
	struct tcp_listener *tl = c->tl;
	const uint32_t slot = (uint32_t)(c->id & (BIT(SLOT_BITS) - 1));
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (c->is_idle)
		TAILQ_REMOVE(&tl->idle, c, idle_link);
	if (c->wants_flush)
		TAILQ_REMOVE(&tl->flush, c, flush_link);
	if (c->wants_resume)
		TAILQ_REMOVE(&tl->resume, c, resume_link);
	if (c->is_reading)
		(void)event_del(&c->readable);
	if (c->is_writing)
		(void)event_del(&c->writable);
	if (c->is_stuck)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset,
		    sizeof(reset));
	(void)close(c->fd);
	tl->slots[slot] = NULL;
	tl->clients--;
	tl->free_slots[tl->opts.limits.clients_max - tl->clients - 1] = slot;
	memory_free(c->in);
	memory_free(c->out);
	memory_free(c);
}

/* Takes over fd, whatever happens. */
static void
welcome(struct tcp_listener *tl, int fd, const struct addr *from)
{
	const size_t max = tl->opts.limits.clients_max;
	struct tcp_conn *oldest = TAILQ_FIRST(&tl->idle);
	struct tcp_conn *c;
	uint32_t slot;

	if (tl->clients == max && oldest != NULL)
		conn_close(oldest);
	c = tl->clients < max ? memory_new(sizeof(*c)) : NULL;
	if (c == NULL) {
		(void)close(fd);
		return;
	}
	slot = tl->free_slots[max - tl->clients - 1];
	tl->clients++;
	tl->slots[slot] = c;
	c->tl = tl;
	c->fd = fd;
	c->from = *from;
	c->id = ++tl->serial << SLOT_BITS | slot;
	(void)sock_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (conn_start(c) != ERR_OK)
		conn_close(c);
	else if (tl->sweep.slot == 0)
		arm_sweep(tl);
}

static void
pause_accept(struct tcp_listener *tl, int number)
{
	struct tcp_conn *oldest = TAILQ_FIRST(&tl->idle);

	log_warn("tcp-accept-paused", "errno=%d", number);
	if (oldest != NULL)
		conn_close(oldest);
	if (timer_arm(loop_timers(tl->loop), &tl->resume_accept,
		clock_mono_us() + ACCEPT_PAUSE_US) == ERR_OK)
		(void)event_del(tl->acceptable);
}

static void
on_resume_accept(void *user)
{
	struct tcp_listener *tl = user;

	if (event_add(tl->acceptable, NULL) != 0 &&
	    timer_arm(loop_timers(tl->loop), &tl->resume_accept,
		clock_mono_us() + ACCEPT_PAUSE_US) != ERR_OK)
		log_error("tcp-accept-stopped", "reason=memory");
}

/* False: no more now. */
static bool
accept_one(struct tcp_listener *tl)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct addr from;
	const int fd = accept4(tl->fd, (struct sockaddr *)&name, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1) {
		switch (errno) {
		case EAGAIN:
			return false;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			pause_accept(tl, errno);
			return false;
		default: /* that client has gone, or its network */
			return true;
		}
	}
	if (addr_from_sockaddr((struct sockaddr *)&name, len, &from) !=
		ERR_OK ||
	    (tl->opts.admit != NULL && !tl->opts.admit(tl->opts.user, &from)))
		(void)close(fd);
	else
		welcome(tl, fd, &from);
	return true;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
	struct tcp_listener *tl = user;
	size_t i = 0;

	(void)fd;
	(void)what;
	while (i < ACCEPTS_A_TURN && accept_one(tl))
		i++;
}

/* Fills in what was left out and bounds what is absurd. */
static void
set_limits(struct tcp_listener *tl)
{
	struct tcp_limits *m = &tl->opts.limits;

	if (m->clients_max == 0)
		m->clients_max = 1;
	if (m->clients_max > BIT(SLOT_BITS))
		m->clients_max = BIT(SLOT_BITS);
	if (m->pipelined_max == 0)
		m->pipelined_max = 1;
	if (m->buffer_max == 0)
		m->buffer_max = 1;
	if (m->take_us == 0)
		m->take_us = TAKE_US;
}

static bool
make_slots(struct tcp_listener *tl)
{
	const size_t max = tl->opts.limits.clients_max;

	tl->slots = memory_new(max * sizeof(struct tcp_conn *));
	tl->free_slots = memory_new(max * sizeof(uint32_t));
	if (tl->slots == NULL || tl->free_slots == NULL)
		return false;
	for (size_t i = 0; i < max; i++)
		tl->free_slots[i] = (uint32_t)i;
	return true;
}

static bool
start_listening(struct tcp_listener *tl)
{
	const int fd =
	    sock_listen_at(&tl->opts.local, SOCK_STREAM, tl->opts.first);

	tl->fd = fd;
	if (fd == -1)
		return false;
	/* Kept small: what the kernel buffers for slow clients is ours too. */
	(void)sock_set(fd, SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
	(void)sock_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	if (listen(fd, BACKLOG) != 0)
		return false;
	tl->local = sock_local(fd);
	tl->acceptable = event_new(loop_base(tl->loop), fd,
	    EV_READ | EV_PERSIST, on_acceptable, tl);
	errno = ENOMEM;
	return tl->acceptable != NULL && event_add(tl->acceptable, NULL) == 0;
}

struct tcp_listener *
tcp_listener_new(struct loop *l, const struct tcp_listener_opts *o)
{
	struct tcp_listener *tl = memory_new(sizeof(*tl));
	int saved;

	errno = ENOMEM;
	if (tl == NULL)
		return NULL;
	tl->opts = *o;
	tl->loop = l;
	tl->fd = -1;
	tl->hook = (struct turn_hook){ .fn = on_turn_end, .user = tl };
	tl->sweep = (struct timer){ .fire = on_sweep, .user = tl };
	tl->resume_accept =
	    (struct timer){ .fire = on_resume_accept, .user = tl };
	tl->resume_conns =
	    (struct timer){ .fire = on_resume_conns, .user = tl };
	TAILQ_INIT(&tl->idle);
	TAILQ_INIT(&tl->flush);
	TAILQ_INIT(&tl->resume);
	set_limits(tl);
	if (make_slots(tl) && start_listening(tl)) {
		loop_hook_add(l, TURN_STREAMS, &tl->hook);
		return tl;
	}
	saved = errno;
	tcp_listener_free(tl);
	errno = saved;
	return NULL;
}

void
tcp_listener_free(struct tcp_listener *tl)
{
	struct timers *ts;

	if (tl == NULL)
		return;
	ts = loop_timers(tl->loop);
	for (size_t i = 0; tl->clients > 0; i++)
		if (tl->slots[i] != NULL)
			conn_close(tl->slots[i]);
	timer_cancel(ts, &tl->sweep);
	timer_cancel(ts, &tl->resume_accept);
	timer_cancel(ts, &tl->resume_conns);
	loop_hook_remove(tl->loop, TURN_STREAMS, &tl->hook);
	if (tl->acceptable != NULL)
		event_free(tl->acceptable);
	if (tl->fd != -1)
		(void)close(tl->fd);
	memory_free(tl->slots);
	memory_free(tl->free_slots);
	memory_free(tl);
}

void
tcp_listener_reply(struct tcp_listener *tl, uint64_t connection,
    const uint8_t *bytes, size_t len)
{
	const size_t slot = (size_t)(connection & (BIT(SLOT_BITS) - 1));
	struct tcp_conn *c =
	    slot < tl->opts.limits.clients_max ? tl->slots[slot] : NULL;

	if (c == NULL || c->id != connection)
		return;
	conn_answer(c, bytes, len);
	if (c->wants_flush)
		return;
	c->wants_flush = true;
	TAILQ_INSERT_TAIL(&tl->flush, c, flush_link);
}

uint64_t
tcp_listener_idle_us(const struct tcp_listener *tl)
{
	return idle_now(tl);
}

size_t
tcp_listener_clients(const struct tcp_listener *tl)
{
	return tl->clients;
}

struct addr
tcp_listener_local(const struct tcp_listener *tl)
{
	return tl->local;
}
