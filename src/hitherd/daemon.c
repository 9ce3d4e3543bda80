/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon.c - the main thread: signals, the watchdog, and waiting.
 */
#include "daemon.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "process.h"

/* --- configuration ----------------------------------------------------- */

struct conf_source
daemon_source(const struct invocation *how)
{
	struct conf_source source = how->source;

	if (source.path == NULL && access(DEFAULT_CONF, F_OK) == 0)
		source.path = DEFAULT_CONF;
	return source;
}

struct snapshot *
daemon_configure(const struct invocation *how, uint32_t generation)
{
	const struct conf_source source = daemon_source(how);
	struct conf_report *report = conf_report_new();
	struct snapshot *s = NULL;
	struct conf *c;
	char why[256] = "no memory";

	if (report == NULL) {
		fprintf(stderr, "hitherd: no memory\n");
		return NULL;
	}
	c = conf_load(&source, report);
	if (report->errors > 0 || report->warnings > 0)
		conf_report_print(report, stderr);
	if (c != NULL)
		s = snapshot_new(c, generation, why, sizeof(why));
	if (s == NULL && report->errors == 0)
		fprintf(stderr, "hitherd: %s\n", why);
	conf_report_free(report);
	return s;
}

/* --- signals ----------------------------------------------------------- */

static void
on_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;

	(void)what;
	switch (number) {
	case SIGHUP:
		supervisor_tell("RELOADING=1");
		daemon_reload_logged(d);
		supervisor_tell("READY=1");
		break;
	case SIGUSR1:
		if (log_reopen() != ERR_OK)
			log_error("log-not-reopened", "signal=USR1");
		break;
	default:
		daemon_stop(d);
		break;
	}
}

static bool
watch_signals(struct daemon *d)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		d->signals[i] = event_new(loop_base(d->loop), numbers[i],
		    EV_SIGNAL | EV_PERSIST, on_signal, d);
		if (d->signals[i] == NULL ||
		    event_add(d->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

static void
forget_signals(struct daemon *d)
{
	for (size_t i = 0; i < DAEMON_SIGNALS; i++)
		if (d->signals[i] != NULL)
			event_free(d->signals[i]);
}

/* --- the watchdog ------------------------------------------------------ */

/*
 * Told only when a job came through all threads: a daemon of which one thread
 * hangs is to be restarted.
 */
static void
watchdog_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct daemon *d =
	    (struct daemon *)((uintptr_t)job -
			      offsetof(struct daemon, watchdog_job));

	if (worker == NULL) {
		d->watchdog_travels = false;
		supervisor_tell("WATCHDOG=1");
		return;
	}
	if (++d->watchdog_at >= d->commons.workers)
		(void)jobs_give(&d->jobs, job);
	else
		(void)jobs_give(&d->workers[d->watchdog_at]->jobs, job);
}

static void
watchdog_due(void *user)
{
	struct daemon *d = user;

	if (!d->watchdog_travels) {
		d->watchdog_at = 0;
		d->watchdog_job.run = watchdog_visit;
		d->watchdog_travels =
		    jobs_give(&d->workers[0]->jobs, &d->watchdog_job);
	}
	if (timer_arm(loop_timers(d->loop), &d->watchdog,
		clock_mono_us() + d->watchdog_us) != ERR_OK)
		log_error("watchdog-lost", "reason=memory");
}

static void
start_watchdog(struct daemon *d)
{
	d->watchdog_us = supervisor_watchdog_us();
	d->watchdog.fire = watchdog_due;
	d->watchdog.user = d;
	if (d->watchdog_us != 0)
		watchdog_due(d);
}

/* --- the loop ---------------------------------------------------------- */

static void
say_ready(const struct daemon *d)
{
	const struct conf *c = d->snapshot->conf;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < c->listen.count; i++) {
		struct addr a = c->listen.items[i].address;

		a.port = (uint16_t)c->listen.items[i].port;
		log_info("listening", "address=%s", addr_text(&a, text));
	}
	log_info("started", "version=%s threads=%zu", PACKAGE_VERSION,
	    d->commons.workers);
	supervisor_tell("READY=1");
}

int
daemon_run(const struct invocation *how, struct snapshot *s)
{
	struct daemon d = { .how = how,
		.snapshot = s,
		.started_s = clock_real_s() };
	bool started;

	cache_thread_start();
	started = daemon_start(&d) && watch_signals(&d);
	if (started) {
		start_watchdog(&d);
		wall_watch(&d);
		say_ready(&d);
	} else {
		daemon_stop(&d);
	}
	if (d.running > 0) {
		loop_run(d.loop);
		/* The reply to "stop" may be written, but not yet sent. */
		event_base_loop(loop_base(d.loop), EVLOOP_NONBLOCK);
		larder_close(&d);
	}
	supervisor_tell("STOPPING=1");
	forget_signals(&d);
	if (d.loop != NULL) {
		timer_cancel(loop_timers(d.loop), &d.watchdog);
		timer_cancel(loop_timers(d.loop), &d.wall);
	}
	/* What ends late may still forget things in the cache. */
	daemon_end(&d);
	cache_thread_stop();
	if (started)
		log_info("stopped", "version=%s", PACKAGE_VERSION);
	return started ? 0 : 1;
}
