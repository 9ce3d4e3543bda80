/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remember.c - what is known of servers outlives the process.
 *
 * A file in server.directory, read before the first question, written every
 * five minutes and at the end. A file that is damaged or not ours is told of
 * once and written over later; none of this ever stops a start.
 */
#include "daemon.h"

#include <stdio.h>

#define EVERY_US (300u * (uint64_t)1000000)

static bool
path_of(const struct daemon *d, char *buf, size_t size)
{
	const struct conf *c = d->snapshot->conf;
	int n;

	if (c->server.directory[0] == '\0' || !c->selection.save_on_exit)
		return false;
	n = snprintf(buf, size, "%s/servers.table", c->server.directory);
	return n > 0 && (size_t)n < size;
}

void
remember_load(struct daemon *d)
{
	char path[4096];
	enum err e;

	if (!path_of(d, path, sizeof(path)))
		return;
	e = servers_load(d->commons.servers, path, clock_mono_us(),
	    clock_real_s());
	if (e == ERR_OK)
		log_info("servers-loaded", "file=%s servers=%zu", path,
		    servers_known(d->commons.servers));
	else if (e != ERR_NOT_FOUND)
		log_warn("servers-not-loaded", "file=%s why=\"%s\"", path,
		    e == ERR_FORMAT ? "damaged, or not ours" : err_text(e));
}

static void
remember_save(struct daemon *d)
{
	char path[4096];
	enum err e;

	if (!path_of(d, path, sizeof(path)))
		return;
	e = servers_save(d->commons.servers, path, clock_mono_us(),
	    clock_real_s());
	if (e != ERR_OK)
		log_warn("servers-not-saved", "file=%s why=\"%s\"", path,
		    err_text(e));
}

static void
remember_due(void *user)
{
	struct daemon *d = user;

	remember_save(d);
	if (timer_arm(loop_timers(d->loop), &d->remember,
		clock_mono_us() + EVERY_US) != ERR_OK)
		log_warn("servers-not-saved", "why=memory");
}

void
remember_begin(struct daemon *d)
{
	d->remember.fire = remember_due;
	d->remember.user = d;
	d->remembers = true;
	if (timer_arm(loop_timers(d->loop), &d->remember,
		clock_mono_us() + EVERY_US) != ERR_OK)
		log_warn("servers-not-saved", "why=memory");
}

/* A start that failed has learnt nothing worth keeping. */
void
remember_end(struct daemon *d)
{
	if (!d->remembers)
		return;
	timer_cancel(loop_timers(d->loop), &d->remember);
	remember_save(d);
}
