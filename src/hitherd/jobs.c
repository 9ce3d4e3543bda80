/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jobs.c - a queue between threads. It carries control requests, reloads and
 * the like, a few a second: a mutex will do. Questions of clients travel
 * through the front's own queues.
 */
#include "jobs.h"

void
jobs_open(struct jobs *j, struct loop *loop, size_t max)
{
	(void)pthread_mutex_init(&j->lock, NULL);
	j->first = NULL;
	j->end = &j->first;
	j->count = 0;
	j->max = max;
	j->loop = loop;
	j->closed = false;
}

void
jobs_destroy(struct jobs *j)
{
	(void)pthread_mutex_destroy(&j->lock);
}

bool
jobs_give(struct jobs *j, struct ctl_job *job)
{
	bool taken;

	(void)pthread_mutex_lock(&j->lock);
	taken = !j->closed && j->count < j->max;
	if (taken) {
		job->next = NULL;
		*j->end = job;
		j->end = &job->next;
		j->count++;
	}
	(void)pthread_mutex_unlock(&j->lock);
	if (taken)
		loop_wake(j->loop);
	return taken;
}

void
jobs_run(struct jobs *j, const struct ctl_worker *worker)
{
	struct ctl_job *job;

	(void)pthread_mutex_lock(&j->lock);
	job = j->first;
	j->first = NULL;
	j->end = &j->first;
	j->count = 0;
	(void)pthread_mutex_unlock(&j->lock);
	while (job != NULL) {
		struct ctl_job *next = job->next;

		job->run(job, worker);
		job = next;
	}
}

void
jobs_close(struct jobs *j)
{
	(void)pthread_mutex_lock(&j->lock);
	j->closed = true;
	(void)pthread_mutex_unlock(&j->lock);
}
