/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - status and health: the job walks through all workers, each
 * adds its counters on its own thread, and the sum comes home. No counter is
 * ever reset, so that any number of readers may look.
 */
#include "inside.h"

#include <unistd.h>

#define SECOND_US 1000000u

/* --- figures made of them ---------------------------------------------- */

uint64_t
questions(const struct front_counts *f)
{
	return f->udp_queries + f->tcp_queries;
}

/* Milliseconds below which this share of the answers came; hits took none. */
static double
quantile_ms(const struct front_counts *f, double share)
{
	double bound = HISTOGRAM_FIRST_US / 1000.0, left;
	uint64_t all = f->hits + f->local + histogram_count(&f->latency);

	left = (double)all * share - (double)(f->hits + f->local);
	if (all == 0 || left <= 0)
		return 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++, bound *= 2) {
		left -= (double)f->latency.buckets[i];
		if (left <= 0)
			return bound;
	}
	return bound;
}

double
hit_ratio(const struct front_counts *f)
{
	uint64_t all = f->hits + f->misses;

	return all == 0 ? 0 : (double)f->hits / (double)all;
}

json_t *
json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

json_t *
latency_json(const struct front_counts *f)
{
	return json_pack("{s:f, s:f, s:f}", "p50", quantile_ms(f, 0.5), "p90",
	    quantile_ms(f, 0.9), "p99", quantile_ms(f, 0.99));
}

json_t *
cache_json(const struct cache_counts *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "records",
	    json_count(c->records), "bytes", json_count(c->record_bytes),
	    "max_bytes", json_count(c->record_bytes_max), "answers",
	    json_count(c->answers), "answer_bytes", json_count(c->answer_bytes),
	    "answer_max_bytes", json_count(c->answer_bytes_max), "evictions",
	    json_count(c->evictions), "refusals", json_count(c->refusals));
}

/* --- status ------------------------------------------------------------ */

static json_t *
listeners_json(const struct conf *conf)
{
	json_t *all = json_array();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < conf->listen.count; i++) {
		const struct conf_listen *l = &conf->listen.items[i];
		struct addr a = l->address;

		a.port = (uint16_t)l->port;
		(void)json_array_append_new(all,
		    json_pack("{s:s, s:b, s:b}", "address", addr_text(&a, text),
			"udp", (l->transports & CONF_UDP) != 0, "tcp",
			(l->transports & CONF_TCP) != 0));
	}
	return all;
}

static void
status_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	const struct ctl_offer *offer = &r->ctl->opts.offer;
	const struct conf *conf = offer->conf(offer->user);
	const struct totals *t = &r->totals;

	(void)worker;
	r->travels = false;
	cache_count(offer->cache, &r->totals.cache);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:i, s:o, s:i, s:b, s:o, s:i, s:o, s:f, s:f, s:o,"
		      " s:o, s:o, s:i, s:o, s:o}",
		"version", PACKAGE_VERSION, "pid", (int)getpid(), "uptime_s",
		json_count(clock_real_s() - offer->started_s), "generation",
		(int)offer->generation(offer->user), "healthy",
		r->worker >= offer->workers, "listening", listeners_json(conf),
		"threads", (int)offer->workers, "queries",
		json_count(questions(&t->front)), "qps", r->ctl->qps,
		"hit_ratio", hit_ratio(&t->front), "latency_ms",
		latency_json(&t->front), "cache", cache_json(&t->cache),
		"in_flight", json_count(t->resolver.tasks), "max_in_flight",
		(int)conf->server.max_concurrent_queries, "servers_known",
		json_count(servers_known(offer->servers)), "dnssec",
		beliefs_json(offer)));
}

static void
status_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	totals_add(&r->totals, worker);
	request_onward(r, status_home);
}

void
command_status(struct request *r)
{
	request_to_worker(r, 0, status_visit);
}

/* --- health ------------------------------------------------------------ */

static void
health_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	bool healthy = r->worker >= r->ctl->opts.offer.workers;

	(void)worker;
	r->travels = false;
	request_answer(r, healthy ? HTTP_DONE : HTTP_BUSY,
	    json_pack("{s:b}", "healthy", healthy));
}

static void
health_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	(void)worker;
	request_onward((struct request *)job, health_home);
}

/* A thread did not come round in time: its loop hangs, or nearly so. */
static void
health_late(void *user)
{
	struct request *r = user;
	json_t *body =
	    json_pack("{s:b, s:s}", "healthy", 0, "error", "a thread is late");

	request_reply(r, HTTP_BUSY, body);
	json_decref(body);
}

void
command_health(struct request *r)
{
	r->timer.fire = health_late;
	r->timer.user = r;
	if (timer_arm(loop_timers(r->ctl->opts.loop), &r->timer,
		clock_mono_us() + CTL_HEALTH_MS * 1000u) != ERR_OK) {
		request_fail(r, HTTP_BUSY, "no memory");
		return;
	}
	request_to_worker(r, 0, health_visit);
}

/* --- the rate ---------------------------------------------------------- */

static void
rate_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	struct ctl *c = r->ctl;
	uint64_t now = clock_mono_us(), all = questions(&r->totals.front);

	(void)worker;
	if (c->sampled_us != 0 && now > c->sampled_us && all >= c->queries_then)
		c->qps = (double)(all - c->queries_then) * SECOND_US /
			 (double)(now - c->sampled_us);
	c->queries_then = all;
	c->sampled_us = now;
	memory_free(r);
}

static void
rate_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	totals_add(&r->totals, worker);
	request_onward(r, rate_home);
}

/* Sends out a request of nobody's that only takes a sample. */
void
second_passed(void *user)
{
	struct ctl *c = user;
	const struct ctl_offer *offer = &c->opts.offer;
	struct request *r = memory_new(sizeof(*r));

	if (r != NULL) {
		r->ctl = c;
		r->job.run = rate_visit;
		if (!offer->on_worker(offer->user, 0, &r->job))
			memory_free(r);
	}
	if (timer_arm(loop_timers(c->opts.loop), &c->second,
		clock_mono_us() + SECOND_US) != ERR_OK)
		log_warn("rate-stopped", "why=memory");
}
