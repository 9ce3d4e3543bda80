/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.c - a thread that answers questions.
 *
 * A reload does not touch what is under way: the new snapshot gets a resolver
 * of its own, which takes all new questions, and the old one lives until its
 * last task has ended. Both send through the same outgoing sockets, which
 * know the receiver of each flow.
 */
#include "worker.h"

#include <string.h>

#include "listen.h"

#define DRAIN_US 700000u

struct adoption {
	struct ctl_job job;
	struct worker *worker;
	struct snapshot *snapshot;
};

/* --- households -------------------------------------------------------- */

static void
household_free(struct household *h)
{
	if (h == NULL)
		return;
	resolver_free(h->resolver);
	snapshot_drop(h->snapshot);
	memory_free(h);
}

static struct household *
household_new(struct worker *w, struct snapshot *s)
{
	struct household *h = memory_new(sizeof(*h));
	struct resolver_opts o = { .wire = outgoing_ops(),
		.wire_self = w->outgoing,
		.timers = loop_timers(w->loop),
		.rng = w->rng,
		.cache = w->commons->cache,
		.servers = w->commons->servers,
		.anchors = w->commons->anchors };

	if (h == NULL)
		return NULL;
	snapshot_resolver_opts(s, w->commons->workers, &o);
	h->snapshot = snapshot_hold(s);
	h->resolver = resolver_new(&o);
	if (h->resolver == NULL) {
		household_free(h);
		return NULL;
	}
	return h;
}

static bool
is_idle(const struct resolver *rs)
{
	struct resolver_counts c;

	resolver_count(rs, &c);
	return c.tasks == 0;
}

/* Counters go on where those of the generation before ended. */
static void
count_retired(struct worker *w)
{
	struct resolver_counts c;

	w->retired = w->freed;
	for (struct household *h = w->leaving; h != NULL; h = h->next) {
		resolver_count(h->resolver, &c);
		ctl_add_counts(&w->retired, &c);
	}
}

/* Runs the earlier generations and lets go of those that have finished. */
static void
turn_leaving(struct worker *w)
{
	struct household **at = &w->leaving;
	struct resolver_counts c;

	if (w->leaving == NULL)
		return;

	while (*at != NULL) {
		struct household *h = *at;

		resolver_turn(h->resolver);
		if (is_idle(h->resolver)) {
			resolver_count(h->resolver, &c);
			ctl_add_counts(&w->freed, &c);
			*at = h->next;
			household_free(h);
		} else {
			at = &h->next;
		}
	}
	count_retired(w);
}

static void
adopt(struct ctl_job *job, const struct ctl_worker *lent)
{
	struct adoption *a = (struct adoption *)job;
	struct worker *w = a->worker;
	struct household *h = household_new(w, a->snapshot);

	(void)lent;
	if (h != NULL) {
		listen_change(w->front, w->now->snapshot->conf,
		    h->snapshot->conf, w->commons->workers);
		w->now->next = w->leaving;
		w->leaving = w->now;
		w->now = h;
		w->lent.resolver = h->resolver;
		front_set_rules(w->front, &h->snapshot->rules);
		front_set_resolver(w->front, h->resolver);
	} else {
		log_error("reload-incomplete", "why=memory");
	}
	snapshot_drop(a->snapshot);
	memory_free(a);
}

bool
worker_adopt(struct worker *w, struct snapshot *s)
{
	struct adoption *a = memory_new(sizeof(*a));

	if (a == NULL)
		return false;
	a->job.run = adopt;
	a->worker = w;
	a->snapshot = snapshot_hold(s);
	if (jobs_give(&w->jobs, &a->job))
		return true;
	snapshot_drop(s);
	memory_free(a);
	return false;
}

/* --- the thread -------------------------------------------------------- */

static bool
has_waiting(const struct worker *w)
{
	struct front_counts c;

	front_count(w->front, &c);
	return c.waiting > 0;
}

static void
after_turn(void *user)
{
	struct worker *w = user;

	jobs_run(&w->jobs, &w->lent);
	turn_leaving(w);
	if (w->draining && !has_waiting(w))
		loop_stop(w->loop);
}

static void
drain_over(void *user)
{
	struct worker *w = user;

	front_dismiss(w->front);
	loop_stop(w->loop);
}

static void
begin_drain(struct ctl_job *job, const struct ctl_worker *lent)
{
	struct worker *w = ((struct order *)job)->worker;

	(void)lent;
	w->draining = true;
	w->stop_timer.fire = drain_over;
	w->stop_timer.user = w;
	if (timer_arm(loop_timers(w->loop), &w->stop_timer,
		clock_mono_us() + DRAIN_US) != ERR_OK)
		loop_stop(w->loop);
}

static void *
worker_main(void *user)
{
	struct worker *w = user;

	cache_thread_start();
	loop_run(w->loop);
	cache_thread_stop();
	(void)jobs_give(w->commons->home, &w->ended_order.job);
	return NULL;
}

enum err
worker_start(struct worker *w,
    void (*ended)(struct ctl_job *job, const struct ctl_worker *worker))
{
	w->ended_order.job.run = ended;
	w->ended_order.worker = w;
	if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
		return ERR_SYSTEM;
	w->runs = true;
	return ERR_OK;
}

void
worker_stop(struct worker *w)
{
	w->stop_order.job.run = begin_drain;
	w->stop_order.worker = w;
	if (!jobs_give(&w->jobs, &w->stop_order.job))
		loop_stop(w->loop);
	jobs_close(&w->jobs);
}

void
worker_join(struct worker *w)
{
	if (w->runs)
		(void)pthread_join(w->thread, NULL);
	w->runs = false;
	/* What came too late is seen through here: nobody else runs now. */
	jobs_run(&w->jobs, &w->lent);
}

/* --- making and ending ------------------------------------------------- */

static struct outgoing *
open_outgoing(const struct worker *w, const struct conf *c)
{
	struct outgoing_opts o = {
		.from_v4 = c->outgoing.interfaces_v4.items,
		.from_v4_count = c->outgoing.interfaces_v4.count,
		.from_v6 = c->outgoing.interfaces_v6.items,
		.from_v6_count = c->outgoing.interfaces_v6.count,
		.port_low = c->outgoing.source_ports.first,
		.port_high = c->outgoing.source_ports.last,
		.sockets_max = w->commons->sockets_max,
		.kept_max = w->commons->kept_max,
		.port_uses = c->outgoing.port_uses,
		.tcp_idle_us = (uint64_t)c->outgoing.tcp_idle_timeout_ms * 1000,
		.events = *upstream_events(),
	};

	return outgoing_new(w->loop, w->rng, &o);
}

static struct front *
open_front(struct worker *w, const struct snapshot *s)
{
	const struct commons *c = w->commons;
	size_t clients = s->conf->server.max_concurrent_queries / c->workers;
	struct front_opts o = { .loop = w->loop,
		.cache = c->cache,
		.resolver = w->now->resolver,
		.rng = w->rng,
		.hall = c->hall,
		.worker = w->index,
		.clients_max = clients > 0 ? clients : 1,
		.clients_per_address_max = 1000,
		.cookie_key = c->cookie_key,
		.rules = &s->rules };

	return front_new(&o);
}

struct worker *
worker_new(struct commons *c, size_t index, struct snapshot *s)
{
	struct worker *w = memory_new(sizeof(*w));

	if (w == NULL)
		return NULL;
	w->commons = c;
	w->index = index;
	w->loop = loop_new();
	w->rng = rng_new();
	if (w->loop == NULL || w->rng == NULL)
		goto fail;
	jobs_open(&w->jobs, w->loop, JOBS_MAX);
	w->has_jobs = true;
	w->outgoing = open_outgoing(w, s->conf);
	if (w->outgoing == NULL)
		goto fail;
	w->now = household_new(w, s);
	if (w->now == NULL)
		goto fail;
	loop_after_turn(w->loop, after_turn, w);
	w->front = open_front(w, s);
	if (w->front == NULL)
		goto fail;
	w->lent = (struct ctl_worker){ .resolver = w->now->resolver,
		.front = w->front,
		.retired = &w->retired,
		.index = index };
	return w;
fail:
	worker_free(w);
	return NULL;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	front_free(w->front);
	household_free(w->now);
	while (w->leaving != NULL) {
		struct household *h = w->leaving;

		w->leaving = h->next;
		household_free(h);
	}
	outgoing_free(w->outgoing);
	if (w->has_jobs)
		jobs_destroy(&w->jobs);
	if (w->loop != NULL) {
		timer_cancel(loop_timers(w->loop), &w->stop_timer);
		loop_free(w->loop);
	}
	rng_free(w->rng);
	memory_free(w);
}
