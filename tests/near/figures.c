/* SPDX-License-Identifier: BSD-3-Clause */
/* figures.c - what the clients of the simulated world saw. */
#include <stdio.h>
#include <stdlib.h>

#include "inside.h"

#define FAILURE_MS 5000.0
#define WINDOW     20u

static double
waited(const struct asked_once *q)
{
	return q->done && !q->failed ? q->took_ms : FAILURE_MS;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint64_t
settled_in(const struct world *w, size_t zone, uint64_t from_us,
    uint64_t until_us)
{
	const struct asked_once *window[WINDOW];
	size_t n = 0;

	for (size_t i = 0; i < w->question_count; i++) {
		const struct asked_once *q = &w->questions[i];
		size_t good = 0;

		if (q->zone != zone || q->at_us < from_us ||
		    q->at_us >= until_us)
			continue;
		window[n++ % WINDOW] = q;
		for (size_t k = 0; n >= WINDOW && k < WINDOW; k++)
			good += window[k]->by_nearest;
		if (good * 10 >= WINDOW * 9)
			return window[n % WINDOW]->at_us - from_us;
	}
	return n == 0 ? 0 : UINT64_MAX;
}

static size_t
questions_since(const struct world *w, uint64_t from_us)
{
	size_t n = 0;

	for (size_t i = 0; i < w->next_question; i++)
		n += w->questions[i].at_us >= from_us;
	return n == 0 ? 1 : n;
}

struct figures
world_figures(struct world *w, uint64_t from_us, uint64_t until_us)
{
	struct figures f = { .first_answer_ms = -1 };
	double *all = calloc(w->question_count + 1, sizeof(*all));
	size_t nearest = 0;

	if (all == NULL)
		abort();
	for (size_t i = 0; i < w->question_count; i++) {
		const struct asked_once *q = &w->questions[i];
		double end_ms =
		    ((double)q->at_us - (double)from_us) / MSEC + q->took_ms;

		if (q->at_us < from_us || q->at_us >= until_us)
			continue;
		all[f.questions++] = waited(q);
		f.mean_ms += waited(q);
		f.oracle_ms += q->oracle_ms;
		f.failures += !q->done || q->failed;
		nearest += q->by_nearest;
		if (q->done && !q->failed &&
		    (f.first_answer_ms < 0 || end_ms < f.first_answer_ms))
			f.first_answer_ms = end_ms;
	}
	if (f.questions > 0) {
		double n = (double)f.questions;

		qsort(all, f.questions, sizeof(*all), by_size);
		f.mean_ms /= n;
		f.oracle_ms /= n;
		f.nearest = (double)nearest / n;
		f.p50_ms = all[f.questions / 2];
		f.p99_ms = all[(f.questions * 99) / 100];
		f.worst_ms = all[f.questions - 1];
	}
	for (size_t z = 0; z < w->zone_count; z++) {
		uint64_t s = settled_in(w, z, from_us, until_us);

		f.settled_us = s > f.settled_us ? s : f.settled_us;
	}
	f.packets = (double)(packets_to_zones(w) - w->packets_before) /
		    (double)questions_since(w, w->counted_us);
	free(all);
	return f;
}

void
figures_print(const char *what, const struct figures *f)
{
	printf("%-28s n %5zu  mean %7.2f [%6.2f]  p50 %6.1f p99 %7.1f  "
	       "worst %7.1f  nearest %5.1f %%  packets %.3f  settled %5.2f s  "
	       "failed %zu\n",
	    what, f->questions, f->mean_ms, f->oracle_ms, f->p50_ms, f->p99_ms,
	    f->worst_ms, f->nearest * 100, f->packets,
	    f->settled_us == UINT64_MAX ? -1.0 : (double)f->settled_us / 1e6,
	    f->failures);
}
