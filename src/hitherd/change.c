/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c - reload and stop.
 *
 * A reload builds the whole new snapshot beside the old one and only then
 * hands it to the workers; a mistake in the file changes nothing. The cache
 * stays. What is under a zone whose servers changed is forgotten, since other
 * servers may say otherwise: at once, and again when the last question that
 * was under way at the reload has brought home what the old ones said.
 */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"

/* --- logs -------------------------------------------------------------- */

enum err
daemon_open_log(const struct conf *c)
{
	struct log_opts o = { .target = c->logging.target.to,
		.level = c->logging.level,
		.json = c->logging.format == CONF_LOG_JSON,
		.path = c->logging.target.path,
		.program = "hitherd" };

	return log_open(&o);
}

/* --- reload ------------------------------------------------------------ */

/* What the diff found, and whoever wants to hear of it. */
struct difference {
	struct ctl_reload *reload;
	bool zones_changed, local_changed, listen_changed, dnssec_changed;
};

static void
note_change(void *user, const struct conf_change *change)
{
	struct difference *d = user;

	if (strcmp(change->option, "listen") == 0)
		d->listen_changed = true;
	if (strcmp(change->option, "zones") == 0)
		d->zones_changed = true;
	if (strncmp(change->option, "dnssec.", 7) == 0)
		d->dnssec_changed = true;
	if (strcmp(change->option, "local-zones") == 0 ||
	    strcmp(change->option, "local-data") == 0)
		d->local_changed = true;
	if (d->reload->seen != NULL)
		d->reload->seen(d->reload->user, change);
}

static void
forget_zones(struct cache *cache, const struct conf *c)
{
	for (size_t i = 0; i < c->zones.count; i++)
		(void)cache_flush(cache, FLUSH_ZONE, c->zones.items[i].name, 0);
}

static void
forget_local(struct cache *cache, const struct conf *c)
{
	for (size_t i = 0; i < c->local_zones.count; i++)
		(void)cache_flush(cache, FLUSH_ZONE,
		    c->local_zones.items[i].name, 0);
}

static void
forget_changed(struct cache *cache, const struct conf *before,
    const struct conf *after, const struct difference *what)
{
	if (what->dnssec_changed)
		(void)cache_flush(cache, FLUSH_ALL, NULL, 0);
	if (what->zones_changed) {
		forget_zones(cache, before);
		forget_zones(cache, after);
	}
	if (what->local_changed) {
		forget_local(cache, before);
		forget_local(cache, after);
	}
}

/* What is left to do when nobody uses the old configuration any more. */
struct aftermath {
	struct cache *cache;
	struct snapshot *fresh; /* held */
	struct difference what;
};

static void
forget_again(const struct snapshot *old, void *user)
{
	struct aftermath *a = user;

	forget_changed(a->cache, old->conf, a->fresh->conf, &a->what);
	snapshot_drop(a->fresh);
	memory_free(a);
}

static void
leave_aftermath(struct daemon *d, struct snapshot *old, struct snapshot *s,
    const struct difference *what)
{
	struct aftermath *a = memory_new(sizeof(*a));

	if (a == NULL) {
		log_warn("reload-incomplete", "why=memory");
		return;
	}
	a->cache = d->commons.cache;
	a->fresh = snapshot_hold(s);
	a->what = *what;
	a->what.reload = NULL; /* the caller's */
	old->ended = forget_again;
	old->user = a;
}

static void
swap_snapshot(struct daemon *d, struct snapshot *s,
    const struct difference *what)
{
	struct snapshot *old = d->snapshot;

	leave_aftermath(d, old, s, what);
	d->snapshot = s;
	keeper_adopt(d->keeper, s);
	for (size_t i = 0; i < d->commons.workers; i++)
		if (!worker_adopt(d->workers[i], s))
			log_error("reload-incomplete", "worker=%zu", i);
	forget_changed(d->commons.cache, old->conf, s->conf, what);
	if (daemon_open_log(s->conf) != ERR_OK)
		log_warn("log-kept", "reason=\"cannot open the new target\"");
	snapshot_drop(old);
}

static enum err
reload(struct daemon *d, struct ctl_reload *r)
{
	struct difference what = { .reload = r };
	uint64_t began_us = clock_mono_us();
	const struct conf_source source = daemon_source(d->how);
	struct conf *c = conf_load(&source, r->report);
	struct snapshot *s;
	enum err e;

	r->why[0] = '\0';
	if (c == NULL)
		return ERR_FORMAT;
	s = snapshot_new(c, d->snapshot->generation + 1, r->why,
	    sizeof(r->why));
	if (s == NULL)
		return ERR_FORMAT;
	e = conf_diff(d->snapshot->conf, c, note_change, &what);
	if (e == ERR_OK && what.listen_changed &&
	    !listen_possible(d->snapshot->conf, c, r->why, sizeof(r->why)))
		e = ERR_REFUSED;
	if (e != ERR_OK || r->dry_run) {
		r->generation = d->snapshot->generation;
		snapshot_drop(s);
	} else {
		r->generation = s->generation;
		swap_snapshot(d, s, &what);
	}
	r->took_us = clock_mono_us() - began_us;
	return e;
}

enum err
daemon_reload(struct daemon *d, struct ctl_reload *r)
{
	enum err e = reload(d, r);

	if (r->dry_run)
		return e;
	if (e == ERR_OK)
		log_info("reloaded", "generation=%u took-us=%llu",
		    r->generation, (unsigned long long)r->took_us);
	else
		log_error("reload-failed", "reason=\"%s\"",
		    r->why[0] != '\0' ? r->why : "it has errors");
	return e;
}

static void
log_change(void *user, const struct conf_change *change)
{
	(void)user;
	log_info(change->reloadable ? "changed" : "needs-a-restart",
	    "option=%s before=\"%s\" after=\"%s\"", change->option,
	    change->before != NULL ? change->before : "",
	    change->after != NULL ? change->after : "");
}

static void
log_problems(const struct conf_report *report)
{
	for (const struct conf_problem *p = report->first; p != NULL;
	     p = p->next) {
		const char *file = p->at.file != NULL ? p->at.file : "-";

		if (p->is_warning)
			log_warn("configuration", "at=%s:%u:%u text=\"%s\"",
			    file, p->at.line, p->at.column, p->text);
		else
			log_error("configuration", "at=%s:%u:%u text=\"%s\"",
			    file, p->at.line, p->at.column, p->text);
	}
}

void
daemon_reload_logged(struct daemon *d)
{
	struct ctl_reload r = { .report = conf_report_new(),
		.seen = log_change };

	if (r.report == NULL) {
		log_error("reload-failed", "reason=memory");
		return;
	}
	(void)!daemon_reload(d, &r);
	log_problems(r.report);
	conf_report_free(r.report);
}

/* --- stop -------------------------------------------------------------- */

void
daemon_worker_ended(struct ctl_job *job, const struct ctl_worker *worker)
{
	const struct worker *w = ((struct order *)job)->worker;
	struct daemon *d = (struct daemon *)((uintptr_t)w->commons -
					     offsetof(struct daemon, commons));

	(void)worker;
	if (!d->stopping)
		log_error("worker-ended", "worker=%zu", w->index);
	if (++d->ended == d->running)
		loop_stop(d->loop);
	else
		daemon_stop(d);
}

void
daemon_stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	if (d->running > 0)
		log_info("stopping", "threads=%zu", d->running);
	for (size_t i = 0; i < d->running; i++)
		worker_stop(d->workers[i]);
}
