/* SPDX-License-Identifier: BSD-3-Clause */
/* jobs.h - work handed to another thread's loop, in order, bounded. */
#ifndef HITHER_HITHERD_JOBS_H
#define HITHER_HITHERD_JOBS_H

#include <pthread.h>

#include <hither/ctl.h>
#include <hither/net.h>

#define JOBS_MAX 256u

struct jobs {
	pthread_mutex_t lock;
	struct ctl_job *first, **end;
	size_t count, max;
	struct loop *loop; /* woken for each */
	bool closed;
};
void jobs_open(struct jobs *j, struct loop *loop, size_t max);
void jobs_destroy(struct jobs *j);
/* From any thread. False: closed or full. */
bool jobs_give(struct jobs *j, struct ctl_job *job);
/* The loop's thread: runs what is there. worker: NULL on the main thread. */
void jobs_run(struct jobs *j, const struct ctl_worker *worker);
void jobs_close(struct jobs *j); /* nothing is taken any more */

#endif
