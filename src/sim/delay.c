/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * delay.c - parcels: answers that wait for their time. One timerfd with
 * absolute nanoseconds stands behind all of them, because an epoll time-out
 * counts whole milliseconds and would make every site up to one farther
 * away. The number of parcels is bounded; past it answers are dropped.
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sim.h"

struct parcel {
	struct timer timer; /* first, and `user` is the parcel */
	struct door *door;
	struct conn *conn;
	union peer peer;
	socklen_t peer_len;
	size_t len;
	uint8_t bytes[];
};

static void
arm(struct sim *s)
{
	uint64_t at = timers_next(s->timers);
	struct itimerspec when = { 0 };

	if (at == s->tick_at_us)
		return;
	s->tick_at_us = at;
	if (at != UINT64_MAX) {
		/* all zero would disarm: the clock's first instant is past */
		when.it_value.tv_sec = (time_t)(at / 1000000);
		when.it_value.tv_nsec = (long)(at % 1000000) * 1000 + 1;
	}
	(void)timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
	struct sim *s = user;
	uint64_t expirations;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		return;
	s->tick_at_us = UINT64_MAX;
	(void)timers_run(s->timers, clock_mono_us());
	outbox_flush(s->out);
	arm(s);
}

static void
on_due(void *user)
{
	struct parcel *p = user;
	struct sim *s = p->door->sim;

	if (p->conn != NULL) {
		tcp_deliver(p->conn, p->bytes, p->len);
	} else {
		memcpy(outbox_room(s->out), p->bytes, p->len);
		outbox_put(s->out, p->door->fd, &p->peer, p->peer_len, p->len);
	}
	s->parcel_count--;
	memory_free(p);
}

enum err
delay_send(const struct journey *j, const uint8_t *bytes, size_t len)
{
	struct sim *s = j->door->sim;
	struct parcel *p;
	enum err e;

	if (s->parcel_count >= PARCELS_MAX)
		return ERR_LIMIT;
	p = memory_new(sizeof(*p) + len);
	if (p == NULL)
		return ERR_MEMORY;
	p->timer.fire = on_due;
	p->timer.user = p;
	p->door = j->door;
	p->conn = j->conn;
	if (j->peer != NULL)
		p->peer = *j->peer;
	p->peer_len = j->peer_len;
	p->len = len;
	memcpy(p->bytes, bytes, len);
	e = timer_arm(s->timers, &p->timer, j->due_us);
	if (e != ERR_OK) {
		memory_free(p);
		return e;
	}
	s->parcel_count++;
	arm(s);
	return ERR_OK;
}

enum err
delay_open(struct sim *s)
{
	s->tick_at_us = UINT64_MAX;
	s->timers = timers_new();
	s->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->timers == NULL || s->timer_fd < 0)
		return ERR_SYSTEM;
	s->tick =
	    event_new(s->base, s->timer_fd, EV_READ | EV_PERSIST, on_tick, s);
	if (s->tick == NULL || event_add(s->tick, NULL) != 0)
		return ERR_SYSTEM;
	return ERR_OK;
}

/* What is still on its way is delivered now, into outboxes nobody flushes. */
void
delay_close(struct sim *s)
{
	if (s->timers != NULL)
		(void)timers_run(s->timers, UINT64_MAX - 1);
	if (s->tick != NULL)
		event_free(s->tick);
	timers_free(s->timers);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
}
