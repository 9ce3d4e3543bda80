/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * questions.c - clients of the simulated world: what they ask, when, and
 * what comes back. Time goes on here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* --- questions -------------------------------------------------------- */

size_t
world_zone(struct world *w)
{
	size_t i = w->zone_count++;
	char text[32];

	if (i >= WORLD_ZONES)
		abort();
	(void)snprintf(text, sizeof(text), "z%zu.top", i);
	if (name_parse(text, &w->zones[i].name) != ERR_OK)
		abort();
	return i;
}

void
world_serves(struct world *w, size_t zone, size_t server)
{
	struct test_zone *z = &w->zones[zone];

	if (z->server_count == ZONE_SERVERS)
		abort();
	z->servers[z->server_count++] = server;
}

void
world_ask_at(struct world *w, size_t zone, uint64_t at_us)
{
	if (w->question_count == w->question_room) {
		w->question_room = w->question_room * 2 + 1024;
		w->questions = realloc(w->questions,
		    w->question_room * sizeof(*w->questions));
		if (w->questions == NULL)
			abort();
	}
	w->questions[w->question_count++] = (struct asked_once){ .at_us = at_us,
		.zone = (uint32_t)zone,
		.server = -1 };
	w->is_sorted = false;
}

void
world_load(struct world *w, size_t zone, double per_s, uint64_t from_us,
    uint64_t until_us)
{
	double at = (double)from_us;

	for (;;) {
		at += -1e6 / per_s * log(chance(w));
		if (at >= (double)until_us)
			return;
		world_ask_at(w, zone, (uint64_t)at);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct asked_once *x = a, *y = b;

	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static double
oracle(const struct world *w, const struct asked_once *q)
{
	const struct test_zone *z = &w->zones[q->zone];
	double best = 5000;

	for (size_t i = 0; i < z->server_count; i++) {
		const struct place_server *s = &w->servers[z->servers[i]];
		const struct span *at = span_at(s, q->at_us);
		double rtt = at->rtt_ms;

		if (s->conduct == TRUNCATES)
			rtt *= 2;
		if (at->loss < 1 && rtt < best &&
		    (s->conduct == WELL || s->conduct == TRUNCATES))
			best = rtt;
	}
	return best;
}

/* The answer's address names the server that gave it. */
static void
on_answer(void *user, const struct outcome *o)
{
	struct ticket *t = user;
	struct world *w = t->world;
	struct asked_once *q = &w->questions[t->question];
	const struct answer *a = o->answer;

	q->done = true;
	q->took_ms = (double)(w->now_us - q->at_us) / MSEC;
	q->failed = a->rcode != RCODE_NOERROR || a->counts[0] == 0;
	if (!q->failed) {
		const uint8_t *ip = a->sets[0][0]->rdata[0].bytes;
		double rtt;

		q->server = ip[2] << 8 | ip[3];
		rtt = span_at(&w->servers[q->server], q->at_us)->rtt_ms;
		q->by_nearest = rtt <= q->oracle_ms * 1.1 + 2;
	}
	free(t);
}

static void
ask(struct world *w, size_t i)
{
	struct asked_once *q = &w->questions[i];
	struct ticket *t = calloc(1, sizeof(*t));
	struct resolver_question rq = { .qtype = TYPE_A };
	struct name name;
	char label[24];

	if (t == NULL)
		abort();
	*t = (struct ticket){ w, i };
	q->oracle_ms = oracle(w, q);
	(void)snprintf(label, sizeof(label), "n%llu",
	    (unsigned long long)++w->names_asked);
	if (name_prepend(&name, (const uint8_t *)label, strlen(label),
		w->zones[q->zone].name.wire) != ERR_OK)
		abort();
	rq.qname = name.wire;
	if (resolver_ask(w->rs, &rq, on_answer, t) == 0)
		abort();
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void
world_run(struct world *w, uint64_t until_us)
{
	if (!w->is_sorted)
		qsort(w->questions + w->next_question,
		    w->question_count - w->next_question, sizeof(*w->questions),
		    by_time);
	w->is_sorted = true;
	for (;;) {
		uint64_t next =
		    least(timers_next(w->timers), timers_next(w->net));

		if (w->next_question < w->question_count)
			next =
			    least(next, w->questions[w->next_question].at_us);
		if (next > until_us)
			break;
		if (next > w->now_us)
			w->now_us = next;
		if (w->stop_us != 0 && w->now_us >= w->stop_us) {
			w->now_us = w->go_on_us;
			w->stop_us = 0;
			timers_run(w->timers, w->now_us);
		}
		while (w->next_question < w->question_count &&
		       w->questions[w->next_question].at_us <= w->now_us)
			ask(w, w->next_question++);
		timers_run(w->net, w->now_us);
		timers_run(w->timers, w->now_us);
		resolver_turn(w->rs);
	}
	w->now_us = until_us;
}

void
world_stop(struct world *w, uint64_t from_us, uint64_t until_us)
{
	w->stop_us = from_us;
	w->go_on_us = until_us;
}

uint64_t
packets_to_zones(const struct world *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->server_count; i++) {
		if (i != w->root && i != w->top)
			n += w->servers[i].packets;
	}
	return n;
}

void
world_count_packets(struct world *w)
{
	w->packets_before = packets_to_zones(w);
	w->counted_us = w->now_us;
}

uint64_t
world_now(const struct world *w)
{
	return w->now_us;
}

struct servers *
world_servers(struct world *w)
{
	return w->sv;
}

size_t
world_questions(const struct world *w)
{
	return w->question_count;
}

const struct asked_once *
world_question(const struct world *w, size_t i)
{
	return &w->questions[i];
}
