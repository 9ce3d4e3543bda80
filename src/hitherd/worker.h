/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.h - one thread: a loop, its sockets, a resolver, a front.
 *
 * Made, bound and freed by the main thread while its own does not run. What
 * it shares with the others is in struct commons.
 */
#ifndef HITHER_HITHERD_WORKER_H
#define HITHER_HITHERD_WORKER_H

#include <pthread.h>

#include "jobs.h"
#include "snapshot.h"

struct commons {
	struct cache *cache;
	struct servers *servers;
	struct anchors *anchors;
	struct exchange_hall *hall;
	struct hash_key cookie_key;
	size_t workers;
	size_t sockets_max; /* upstream flows of each worker */
	size_t kept_max;    /* of its idle sockets */
	struct jobs *home;  /* the main thread's */
};

/* A resolver and the snapshot it was made from. */
struct household {
	struct resolver *resolver;
	struct snapshot *snapshot;
	struct household *next;
};

struct worker;
struct order {
	struct ctl_job job;
	struct worker *worker;
};

struct worker {
	struct commons *commons;
	struct loop *loop;
	struct rng *rng;
	struct outgoing *outgoing;
	struct front *front;
	struct household *now;
	struct household *leaving; /* of earlier generations, with tasks */
	struct ctl_worker lent;
	struct jobs jobs;
	struct order stop_order, ended_order;
	struct resolver_counts freed, retired;
	struct timer stop_timer;
	pthread_t thread;
	size_t index;
	bool has_jobs, runs, draining;
};

struct worker *worker_new(
    struct commons *c, size_t index, struct snapshot *s) MUST_USE;
void worker_free(struct worker *w); /* NULL is fine */
/* `ended` comes home, a job that is a struct order, when the thread ends. */
enum err worker_start(struct worker *w, void (*ended)(struct ctl_job *job,
    const struct ctl_worker *worker)) MUST_USE;
/* Finishes what it can within 0.7 s, then ends. */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
/* From now on new questions are resolved by this snapshot. */
bool worker_adopt(struct worker *w, struct snapshot *s);

#endif
