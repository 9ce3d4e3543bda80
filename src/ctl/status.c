/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - status, stats, health: the job walks through all workers, each
 * adds its counters on its own thread, and the sum comes home. No counter is
 * ever reset, so that any number of readers may look.
 */
#include "inside.h"

#include <unistd.h>

#define SECOND_US 1000000u

static void
add_front(struct front_counts *sum, const struct front_counts *c)
{
	sum->udp_queries += c->udp_queries;
	sum->tcp_queries += c->tcp_queries;
	sum->dropped += c->dropped;
	sum->refused += c->refused;
	sum->formerr += c->formerr;
	sum->notimp += c->notimp;
	sum->badvers += c->badvers;
	sum->local += c->local;
	sum->screened += c->screened;
	sum->limited += c->limited;
	sum->limited_told += c->limited_told;
	sum->hits += c->hits;
	sum->misses += c->misses;
	sum->handed_over += c->handed_over;
	sum->hall_full += c->hall_full;
	sum->truncated += c->truncated;
	sum->waiting += c->waiting;
	sum->tcp_clients += c->tcp_clients;
	for (size_t i = 0; i < ARRAY_LEN(sum->rcodes); i++)
		sum->rcodes[i] += c->rcodes[i];
	for (size_t i = 0; i < ARRAY_LEN(sum->latency); i++)
		sum->latency[i] += c->latency[i];
}

static void
add_upstream(struct upstream_counts *sum, const struct upstream_counts *c)
{
	sum->sent_udp += c->sent_udp;
	sum->sent_tcp += c->sent_tcp;
	sum->sent_shadow += c->sent_shadow;
	sum->answered += c->answered;
	sum->late_answers += c->late_answers;
	sum->silent += c->silent;
	sum->broken += c->broken;
	sum->mismatches += c->mismatches;
	sum->bytes_in += c->bytes_in;
	sum->open += c->open;
}

void
ctl_add_counts(struct resolver_counts *sum, const struct resolver_counts *c)
{
	sum->asked += c->asked;
	sum->joined += c->joined;
	sum->answered += c->answered;
	sum->failed += c->failed;
	sum->stale += c->stale;
	sum->prefetched += c->prefetched;
	sum->limit_messages += c->limit_messages;
	sum->limit_bytes += c->limit_bytes;
	sum->limit_time += c->limit_time;
	sum->limit_aliases += c->limit_aliases;
	sum->limit_depth += c->limit_depth;
	sum->limit_steps += c->limit_steps;
	sum->limit_memory += c->limit_memory;
	sum->limit_tasks += c->limit_tasks;
	sum->limit_zone += c->limit_zone;
	sum->limit_server += c->limit_server;
	add_dnssec(sum, c);
	sum->tasks += c->tasks;
	add_upstream(&sum->upstream, &c->upstream);
}

static void
add_worker(struct totals *t, const struct ctl_worker *w)
{
	struct front_counts front;
	struct resolver_counts resolver;

	front_count(w->front, &front);
	add_front(&t->front, &front);
	resolver_count(w->resolver, &resolver);
	ctl_add_counts(&t->resolver, &resolver);
	ctl_add_counts(&t->resolver, w->retired);
}

/* --- figures made of them ---------------------------------------------- */

static uint64_t
questions(const struct front_counts *f)
{
	return f->udp_queries + f->tcp_queries;
}

/* Milliseconds below which this share of the answers came; hits took none. */
static double
quantile_ms(const struct front_counts *f, double share)
{
	double bound = 0.125, left;
	uint64_t all = f->hits + f->local;

	for (size_t i = 0; i < FRONT_LATENCY_BUCKETS; i++)
		all += f->latency[i];
	left = (double)all * share - (double)(f->hits + f->local);
	if (all == 0 || left <= 0)
		return 0;
	for (size_t i = 0; i < FRONT_LATENCY_BUCKETS; i++, bound *= 2) {
		left -= (double)f->latency[i];
		if (left <= 0)
			return bound;
	}
	return bound;
}

static double
hit_ratio(const struct front_counts *f)
{
	uint64_t all = f->hits + f->misses;

	return all == 0 ? 0 : (double)f->hits / (double)all;
}

static json_t *
json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
latency_json(const struct front_counts *f)
{
	return json_pack("{s:f, s:f, s:f}", "p50", quantile_ms(f, 0.5), "p90",
	    quantile_ms(f, 0.9), "p99", quantile_ms(f, 0.99));
}

static json_t *
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
		      " s:o, s:o, s:i, s:o}",
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
		json_count(servers_known(offer->servers))));
}

static void
status_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	add_worker(&r->totals, worker);
	request_onward(r, status_home);
}

void
command_status(struct request *r)
{
	request_to_worker(r, 0, status_visit);
}

/* --- stats ------------------------------------------------------------- */

static json_t *
queries_json(const struct front_counts *f)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "total", json_count(questions(f)), "udp",
	    json_count(f->udp_queries), "tcp", json_count(f->tcp_queries),
	    "dropped", json_count(f->dropped), "waiting",
	    json_count(f->waiting), "tcp_clients", json_count(f->tcp_clients),
	    "truncated", json_count(f->truncated), "limited",
	    json_count(f->limited), "limited_told",
	    json_count(f->limited_told));
}

static json_t *
answers_json(const struct front_counts *f)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < ARRAY_LEN(f->rcodes); i++)
		if (f->rcodes[i] != 0 || i <= RCODE_REFUSED)
			(void)json_object_set_new(all, rcode_text(i),
			    json_count(f->rcodes[i]));
	return all;
}

static json_t *
source_json(const struct front_counts *f)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "hits",
	    json_count(f->hits), "misses", json_count(f->misses), "local",
	    json_count(f->local), "screened", json_count(f->screened),
	    "handed_over", json_count(f->handed_over), "queue_full",
	    json_count(f->hall_full), "hit_ratio", hit_ratio(f));
}

static json_t *
tasks_json(const struct resolver_counts *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "asked",
	    json_count(c->asked), "joined", json_count(c->joined), "answered",
	    json_count(c->answered), "failed", json_count(c->failed), "stale",
	    json_count(c->stale), "prefetched", json_count(c->prefetched),
	    "in_flight", json_count(c->tasks));
}

static json_t *
limits_json(const struct resolver_counts *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "messages", json_count(c->limit_messages), "bytes",
	    json_count(c->limit_bytes), "time", json_count(c->limit_time),
	    "aliases", json_count(c->limit_aliases), "depth",
	    json_count(c->limit_depth), "steps", json_count(c->limit_steps),
	    "memory", json_count(c->limit_memory), "tasks",
	    json_count(c->limit_tasks), "zone", json_count(c->limit_zone),
	    "server", json_count(c->limit_server));
}

static json_t *
upstream_json(const struct upstream_counts *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "sent_udp", json_count(c->sent_udp), "sent_tcp",
	    json_count(c->sent_tcp), "sent_shadow", json_count(c->sent_shadow),
	    "answered", json_count(c->answered), "late",
	    json_count(c->late_answers), "silent", json_count(c->silent),
	    "broken", json_count(c->broken), "mismatches",
	    json_count(c->mismatches), "bytes_in", json_count(c->bytes_in),
	    "open", json_count(c->open));
}

static void
stats_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	struct totals *t = &r->totals;

	(void)worker;
	r->travels = false;
	cache_count(r->ctl->opts.offer.cache, &t->cache);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"queries", queries_json(&t->front), "answers",
		answers_json(&t->front), "source", source_json(&t->front),
		"latency_ms", latency_json(&t->front), "tasks",
		tasks_json(&t->resolver), "limits", limits_json(&t->resolver),
		"upstream", upstream_json(&t->resolver.upstream), "selection",
		selection_json(r->ctl->opts.offer.servers), "dnssec",
		dnssec_json(&t->resolver), "cache", cache_json(&t->cache)));
}

static void
stats_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	add_worker(&r->totals, worker);
	request_onward(r, stats_home);
}

void
command_stats(struct request *r)
{
	request_to_worker(r, 0, stats_visit);
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

	add_worker(&r->totals, worker);
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
