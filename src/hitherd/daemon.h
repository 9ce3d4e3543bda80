/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon.h - all rooms, wired together: made, run, reloaded, ended.
 */
#ifndef HITHER_HITHERD_DAEMON_H
#define HITHER_HITHERD_DAEMON_H

#include <hither/ctl.h>

#include "keeper.h"
#include "worker.h"

#define DAEMON_SIGNALS 5u
#define DEFAULT_CONF   HITHER_SYSCONFDIR "/hither.yaml"

/* What the command line said. */
struct invocation {
	struct conf_source source;
	bool check, takeover;
};

struct daemon {
	const struct invocation *how;
	struct snapshot *snapshot;
	struct commons commons;
	struct worker **workers;
	struct loop *loop;
	struct jobs jobs;
	struct ctl *ctl;
	struct keeper *keeper;
	struct event *signals[DAEMON_SIGNALS];
	struct timer watchdog, remember, wall;
	int64_t wall_boot_s; /* of the wall clock, when the machine started */
	struct ctl_job watchdog_job;
	uint64_t watchdog_us;
	size_t watchdog_at, running, ended;
	bool watchdog_travels, stopping, has_jobs, remembers;
	uint64_t started_s;
};

/*
 * Where the configuration comes from now: without -c the file at its usual
 * place, if there is one by now.
 */
struct conf_source daemon_source(const struct invocation *how);
/* Loads and checks; prints what is wrong on stderr. NULL: it is printed. */
struct snapshot *daemon_configure(
    const struct invocation *how, uint32_t generation) MUST_USE;

/* Returns when the daemon has ended; the process's exit code. */
int daemon_run(const struct invocation *how, struct snapshot *s);

/* --- start.c ----------------------------------------------------------- */

/* Everything up to the first question; false: printed why. */
bool daemon_start(struct daemon *d);
void daemon_end(struct daemon *d);

/* --- larder.c ---------------------------------------------------------- */

void larder_open(struct daemon *d);
void larder_close(struct daemon *d);

/* --- remember.c -------------------------------------------------------- */

/* What an earlier run knew of servers, before the first question. */
void remember_load(struct daemon *d);
/* From here on it is written now and then. */
void remember_begin(struct daemon *d);
/* For the last time; the workers have ended. */
void remember_end(struct daemon *d);

/* --- wall.c ------------------------------------------------------------ */

void wall_watch(struct daemon *d); /* until its timer is cancelled */

/* --- change.c ---------------------------------------------------------- */

enum err daemon_reload(struct daemon *d, struct ctl_reload *r) MUST_USE;
void daemon_reload_logged(struct daemon *d);
void daemon_stop(struct daemon *d);
/* With the last worker the main loop ends too. */
void daemon_worker_ended(
    struct ctl_job *job, const struct ctl_worker *worker);
enum err daemon_open_log(const struct conf *c) MUST_USE;

#endif
