/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loop.c - one thread's event loop.
 *
 * A turn is: wait, serve the sockets that are ready, fire the timers that are
 * due, then the hooks. Timers live in base's heap; the kernel knows of the
 * earliest one only, by a timerfd that is set again when an earlier one comes,
 * not when one goes away: most timers here are cancelled, and a wake-up for
 * nothing costs less than a system call for each of them. libevent's own
 * timers would round to a tick of the coarse clock.
 *
 * Other threads may do two things to a loop: wake it and stop it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include <hither/base.h>
#include <hither/net.h>

#include "turn.h"

struct loop {
	struct event_base *base;
	struct timers *timers;
	struct event *clock_event;
	struct event *wake_event;
	struct turn_hook *hooks[TURN_STAGES];
	struct turn_hook *next_hook; /* the running stage goes on here */
	struct turn_hook callers[LOOP_AFTER_MAX];
	uint64_t now_us, ttl_now_ms; /* of this turn; 0: not read yet */
	bool is_hurried;             /* somebody has more to do */
	bool is_turning;   /* outside of loop_run() time is not kept */
	uint64_t armed_us; /* what clock_fd is set to; UINT64_MAX: nothing */
	int clock_fd;
	int wake_fd;
	/* any thread */
	atomic_bool is_woken;
	atomic_bool is_stopping;
};

static void
on_clock(evutil_socket_t fd, short what, void *user)
{
	struct loop *l = user;
	uint64_t times;

	(void)what;
	/* Unread it would stay ready; a failed read is tried next turn. */
	if (read(fd, &times, sizeof(times)) > 0)
		l->armed_us = UINT64_MAX;
}

static void
on_wake(evutil_socket_t fd, short what, void *user)
{
	struct loop *l = user;
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof(times));
	/* Cleared before the queues are drained: nothing can be missed. */
	atomic_store(&l->is_woken, false);
}

static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static struct event *
watch(struct loop *l, int fd, event_callback_fn fn)
{
	struct event *ev;

	if (fd == -1)
		return NULL;
	ev = event_new(l->base, fd, EV_READ | EV_PERSIST, fn, l);
	if (ev != NULL && event_add(ev, NULL) != 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

struct loop *
loop_new(void)
{
	struct loop *l = memory_new(sizeof(*l));

	if (l == NULL)
		return NULL;
	l->armed_us = UINT64_MAX;
	l->clock_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->timers = timers_new();
	l->base = base_new();
	if (l->timers == NULL || l->base == NULL)
		goto fail;
	l->clock_event = watch(l, l->clock_fd, on_clock);
	l->wake_event = watch(l, l->wake_fd, on_wake);
	if (l->clock_event == NULL || l->wake_event == NULL)
		goto fail;
	return l;
fail:
	loop_free(l);
	return NULL;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	if (l->clock_event != NULL)
		event_free(l->clock_event);
	if (l->wake_event != NULL)
		event_free(l->wake_event);
	if (l->base != NULL)
		event_base_free(l->base);
	timers_free(l->timers);
	if (l->clock_fd != -1)
		(void)close(l->clock_fd);
	if (l->wake_fd != -1)
		(void)close(l->wake_fd);
	memory_free(l);
}

/*
 * Sees to it that the kernel wakes us for the earliest timer. The span is
 * relative, so that a clock changed by libfaketime does not matter. False:
 * it is due already.
 */
static bool
set_clock(struct loop *l)
{
	const uint64_t next = timers_next(l->timers);
	struct itimerspec when = { 0 };
	uint64_t now, span;

	if (next >= l->armed_us)
		return true;
	loop_time_passed(l);
	now = loop_now_us(l);
	if (next <= now)
		return false;
	span = next - now;
	when.it_value.tv_sec = (time_t)(span / 1000000u);
	when.it_value.tv_nsec = (long)(span % 1000000u) * 1000;
	if (timerfd_settime(l->clock_fd, 0, &when, NULL) != 0)
		return false;
	l->armed_us = next;
	return true;
}

static void
run_hooks(struct loop *l)
{
	struct turn_hook *h;

	for (size_t stage = 0; stage < TURN_STAGES; stage++) {
		for (h = l->hooks[stage]; h != NULL; h = l->next_hook) {
			l->next_hook = h->next;
			h->fn(h->user);
		}
	}
}

void
loop_run(struct loop *l)
{
	int how;

	l->is_turning = true;
	while (!atomic_exchange(&l->is_stopping, false)) {
		how = set_clock(l) && !l->is_hurried ? EVLOOP_ONCE
						     : EVLOOP_NONBLOCK;
		l->is_hurried = false;
		l->now_us = l->ttl_now_ms = 0;
		if (event_base_loop(l->base, how) < 0) {
			log_error("loop-failed", "errno=%d", errno);
			break;
		}
		loop_time_passed(l);
		(void)timers_run(l->timers, loop_now_us(l));
		run_hooks(l);
	}
	l->is_turning = false;
}

void
loop_stop(struct loop *l)
{
	atomic_store(&l->is_stopping, true);
	loop_wake(l);
}

void
loop_wake(struct loop *l)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&l->is_woken, true))
		(void)!write(l->wake_fd, &one, sizeof(one));
}

void
loop_again(struct loop *l)
{
	l->is_hurried = true;
}

uint64_t
loop_now_us(struct loop *l)
{
	if (l->now_us == 0 || !l->is_turning)
		l->now_us = clock_mono_us();
	return l->now_us;
}

uint64_t
loop_ttl_now_ms(struct loop *l)
{
	if (l->ttl_now_ms == 0 || !l->is_turning)
		l->ttl_now_ms = clock_boot_ms();
	return l->ttl_now_ms;
}

bool
loop_is_turning(const struct loop *l)
{
	return l->is_turning;
}

void
loop_time_passed(struct loop *l)
{
	l->now_us = 0;
}

struct timers *
loop_timers(struct loop *l)
{
	return l->timers;
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

void
loop_hook_add(struct loop *l, enum turn_stage stage, struct turn_hook *h)
{
	struct turn_hook **end = &l->hooks[stage];

	while (*end != NULL)
		end = &(*end)->next;
	h->next = NULL;
	*end = h;
}

void
loop_hook_remove(struct loop *l, enum turn_stage stage, struct turn_hook *h)
{
	struct turn_hook **at = &l->hooks[stage];

	while (*at != NULL && *at != h)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = h->next;
	if (l->next_hook == h)
		l->next_hook = h->next;
}

void
loop_after_turn(struct loop *l, void (*fn)(void *user), void *user)
{
	for (size_t i = 0; i < LOOP_AFTER_MAX; i++) {
		struct turn_hook *h = &l->callers[i];

		if (h->fn != NULL)
			continue;
		h->fn = fn;
		h->user = user;
		loop_hook_add(l, TURN_CALLERS, h);
		return;
	}
	require(false); /* more callers than LOOP_AFTER_MAX */
}

void
loop_after_turn_end(struct loop *l, void (*fn)(void *user), void *user)
{
	for (size_t i = 0; i < LOOP_AFTER_MAX; i++) {
		struct turn_hook *h = &l->callers[i];

		if (h->fn != fn || h->user != user)
			continue;
		loop_hook_remove(l, TURN_CALLERS, h);
		h->fn = NULL;
		return;
	}
}
