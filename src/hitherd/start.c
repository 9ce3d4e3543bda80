/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * start.c - from nothing to the first question, and back.
 *
 *  1. limits: descriptors for every thread's ports and clients
 *  2. what is shared: cache, server knowledge, the hall
 *  3. the workers, each with its listeners, bound while we may still be root
 *  4. the keeper of the anchors, the control socket
 *  5. root is given up, before any thread exists
 *  6. what is kept on disk is read; the threads; from here on questions are
 *     answered
 *
 * Whatever fails is said in one line on stderr, with the address and the
 * reason, and ends the start. daemon_end() takes down what there is.
 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "listen.h"
#include "process.h"

#define DEFAULT_SOCKET   "/run/hither/control.sock"
#define DEFAULT_DIR      "/run/hither"
#define SPARE_FDS        96u
#define FDS_PER_THREAD   24u
#define SOCKETS_LEAST    64u
#define SOCKETS_MOST     8192u
#define SOCKETS_KEPT     2048u
#define SHARED_BYTES_MIN ((size_t)64 << 10)

static const struct conf *
conf_of(const struct daemon *d)
{
	return d->snapshot->conf;
}

static bool
failed(const char *what)
{
	fprintf(stderr, "hitherd: %s\n", what);
	return false;
}

/* --- 1: limits --------------------------------------------------------- */

/*
 * Idle sockets of a worker, or 0: where there are so many workers that they
 * would hold half of the ports of both families, or too few descriptors,
 * each question gets a socket of its own. More than so many do not save more:
 * the kernel's cache misses cost 1 us a question more with 8,192.
 */
static size_t
kept_by_each(const struct conf *c, size_t workers, size_t needed)
{
	const size_t ports = (size_t)c->outgoing.source_ports.last -
			     c->outgoing.source_ports.first + 1;
	const size_t wanted = needed + workers * SOCKETS_KEPT;

	if (c->outgoing.port_uses < 2 || workers * SOCKETS_KEPT > ports / 2)
		return 0;
	return descriptors_allow(wanted) < wanted ? 0 : SOCKETS_KEPT;
}

static bool
set_limits(struct daemon *d)
{
	const struct conf *c = conf_of(d);
	size_t n = d->commons.workers;
	size_t fixed = SPARE_FDS + n * FDS_PER_THREAD +
		       2 * n * c->listen.count + c->tcp.max_clients;
	size_t each = c->server.max_concurrent_queries / n * 2;
	size_t allowed;
	char line[160];

	if (each > SOCKETS_MOST)
		each = SOCKETS_MOST;
	if (each < SOCKETS_LEAST)
		each = SOCKETS_LEAST;
	allowed = descriptors_allow(fixed + n * each);
	if (allowed < fixed + n * SOCKETS_LEAST) {
		(void)snprintf(line, sizeof(line),
		    "%zu open files are allowed, %zu are needed: raise the "
		    "limit or lower tcp.max-clients",
		    allowed, fixed + n * SOCKETS_LEAST);
		return failed(line);
	}
	if (allowed < fixed + n * each) {
		each = (allowed - fixed) / n;
		log_warn("few-descriptors",
		    "allowed=%zu upstream-sockets-per-thread=%zu", allowed,
		    each);
	}
	d->commons.sockets_max = each;
	d->commons.kept_max = kept_by_each(c, n, fixed + n * each);
	return true;
}

/* --- 2: what is shared ------------------------------------------------- */

static size_t
at_least(uint64_t bytes)
{
	return bytes < SHARED_BYTES_MIN ? SHARED_BYTES_MIN : (size_t)bytes;
}

static bool
make_commons(struct daemon *d)
{
	const struct conf *c = conf_of(d);
	struct cache_opts co = {
		.records_max_bytes = at_least(c->cache.records_bytes),
		.answers_max_bytes = at_least(c->cache.answers_bytes),
	};
	struct servers_opts so = { .max_entries = c->cache.infra_entries,
		.v4_bias_us = (int32_t)(c->selection.v4_bias_ms * 1000),
		.budget_permille = (uint32_t)(c->selection.budget * 1000),
		.tail_permille = (uint32_t)(c->selection.tail_weight * 1000),
		.random_policy = c->selection.policy == CONF_RANDOM };

	hash_key_random(&d->commons.cookie_key);
	d->commons.cache = cache_new(&co);
	d->commons.servers = servers_new(&so);
	d->commons.anchors = anchors_new();
	d->commons.hall = hall_new(d->commons.workers);
	d->commons.home = &d->jobs;
	if (d->commons.cache == NULL || d->commons.servers == NULL ||
	    d->commons.anchors == NULL || d->commons.hall == NULL)
		return failed("no memory for the cache");
	remember_load(d);
	return true;
}

/* --- 3: listeners ------------------------------------------------------ */

static bool
bind_one(struct daemon *d, struct worker *w, const struct conf_listen *l)
{
	const struct conf *c = conf_of(d);
	struct listen_try t = { .front = w->front,
		.conf = c,
		.workers = d->commons.workers,
		.first = w->index == 0 && !d->how->takeover &&
			 !listen_is_shared(c, l) };
	char why[512];

	if (listen_open(&t, l, why, sizeof(why)))
		return true;
	return failed(why);
}

static bool
make_workers(struct daemon *d)
{
	const struct conf *c = conf_of(d);
	size_t n = d->commons.workers;

	d->workers = memory_new(n * sizeof(*d->workers));
	if (d->workers == NULL)
		return failed("no memory");
	for (size_t i = 0; i < n; i++) {
		d->workers[i] = worker_new(&d->commons, i, d->snapshot);
		if (d->workers[i] == NULL)
			return failed("cannot make a worker: out of memory or "
				      "descriptors");
		for (size_t j = 0; j < c->listen.count; j++)
			if (!bind_one(d, d->workers[i], &c->listen.items[j]))
				return false;
	}
	return true;
}

/* --- 4: anchors and control -------------------------------------------------------- */

static bool
give_to_worker(void *user, size_t worker, struct ctl_job *job)
{
	struct daemon *d = user;

	return worker < d->commons.workers && d->workers[worker] != NULL &&
	       jobs_give(&d->workers[worker]->jobs, job);
}

static void
give_to_main(void *user, struct ctl_job *job)
{
	struct daemon *d = user;

	/* Unbounded: whoever sends has been bounded on the way out. */
	require(jobs_give(&d->jobs, job));
}

static bool
make_keeper(struct daemon *d)
{
	const struct keeper_opts o = { .loop = d->loop,
		.anchors = d->commons.anchors,
		.cache = d->commons.cache,
		.user = d,
		.on_worker = give_to_worker,
		.on_main = give_to_main };

	d->keeper = keeper_new(&o);
	return d->keeper != NULL || failed("no memory");
}

static const struct conf *
lend_conf(void *user)
{
	return conf_of(user);
}

static uint32_t
tell_generation(void *user)
{
	const struct daemon *d = user;

	return d->snapshot->generation;
}

static enum err
reload_for_ctl(void *user, struct ctl_reload *r)
{
	return daemon_reload(user, r);
}

static void
stop_for_ctl(void *user)
{
	daemon_stop(user);
}

static bool
open_control(struct daemon *d)
{
	const struct conf *c = conf_of(d);
	struct ctl_opts o = { .loop = d->loop,
		.socket = c->control.socket,
		.group = c->control.group,
		.mode = c->control.mode,
		.web = c->web.address.items,
		.web_count = c->web.address.count,
		.web_port = (uint16_t)c->web.port,
		.offer = { .user = d,
		    .workers = d->commons.workers,
		    .cache = d->commons.cache,
		    .servers = d->commons.servers,
		    .anchors = d->commons.anchors,
		    .rollovers = keeper_rollovers(d->keeper),
		    .started_s = d->started_s,
		    .on_worker = give_to_worker,
		    .on_main = give_to_main,
		    .conf = lend_conf,
		    .generation = tell_generation,
		    .reload = reload_for_ctl,
		    .stop = stop_for_ctl } };
	bool is_default = strcmp(o.socket, DEFAULT_SOCKET) == 0;
	char why[256], line[320];

	if (o.socket[0] == '\0' && o.web_count == 0)
		return true;
	if (is_default)
		(void)mkdir(DEFAULT_DIR, 0755);
	d->ctl = ctl_new(&o, why, sizeof(why));
	if (d->ctl != NULL)
		return true;
	/* Nobody asked for the built-in path: names matter more. */
	if (is_default) {
		log_warn("no-control-socket", "reason=\"%s\"", why);
		o.socket = "";
		d->ctl = o.web_count > 0 ? ctl_new(&o, why, sizeof(why)) : NULL;
		if (d->ctl != NULL || o.web_count == 0)
			return true;
	}
	(void)snprintf(line, sizeof(line), "control socket: %s", why);
	return failed(line);
}

/* --- 5 and 6 ----------------------------------------------------------- */

static bool
start_threads(struct daemon *d)
{
	sigset_t all, before;
	bool started = true;

	/* Signals belong to the main thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; started && i < d->commons.workers; i++) {
		started =
		    worker_start(d->workers[i], daemon_worker_ended) == ERR_OK;
		if (started)
			d->running++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started ? true : failed("cannot start a thread");
}

static void
run_jobs(void *user)
{
	struct daemon *d = user;

	jobs_run(&d->jobs, NULL);
}

bool
daemon_start(struct daemon *d)
{
	const struct conf *c = conf_of(d);
	char why[256];

	d->commons.workers =
	    c->server.threads != 0 ? c->server.threads : processors_allowed();
	if (d->commons.workers > FRONT_WORKERS_MAX)
		d->commons.workers = FRONT_WORKERS_MAX;
	if (c->server.test_clock == CONF_CLOCK_REALTIME)
		clock_ttl_follows_wall();
	d->loop = loop_new();
	if (d->loop == NULL)
		return failed("cannot make an event loop");
	jobs_open(&d->jobs, d->loop, SIZE_MAX);
	d->has_jobs = true;
	loop_after_turn(d->loop, run_jobs, d);
	if (!set_limits(d) || !make_commons(d) || !make_workers(d) ||
	    !make_keeper(d) || !open_control(d))
		return false;
	if (privileges_drop(c, why, sizeof(why)) != ERR_OK)
		return failed(why);
	larder_open(d);
	keeper_adopt(d->keeper, d->snapshot);
	remember_begin(d);
	if (!start_threads(d))
		return false;
	keeper_start(d->keeper);
	return true;
}

void
daemon_end(struct daemon *d)
{
	for (size_t i = 0; d->workers != NULL && i < d->commons.workers; i++)
		if (d->workers[i] != NULL)
			worker_join(d->workers[i]);
	/* Jobs that came home after the loop had ended. */
	if (d->has_jobs)
		jobs_run(&d->jobs, NULL);
	ctl_free(d->ctl);
	keeper_free(d->keeper);
	for (size_t i = 0; d->workers != NULL && i < d->commons.workers; i++)
		worker_free(d->workers[i]);
	memory_free(d->workers);
	hall_free(d->commons.hall);
	anchors_free(d->commons.anchors);
	remember_end(d);
	servers_free(d->commons.servers);
	cache_free(d->commons.cache);
	if (d->has_jobs)
		jobs_destroy(&d->jobs);
	loop_free(d->loop);
	snapshot_drop(d->snapshot);
}
