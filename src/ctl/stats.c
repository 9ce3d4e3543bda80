/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.c - all counters as JSON; metrics.c has the same as text. They are
 * never reset, so that any number of readers may look.
 */
#include "inside.h"

struct figure {
	const char *key;
	uint64_t value;
};

static json_t *
figures_json(const struct figure *f, size_t count)
{
	json_t *all = json_object();

	for (size_t i = 0; i < count; i++)
		(void)json_object_set_new(all, f[i].key,
		    json_count(f[i].value));
	return all;
}

#define FIGURES(...)                                                           \
	figures_json((const struct figure[]){ __VA_ARGS__ },                   \
	    sizeof((const struct figure[]){ __VA_ARGS__ }) /                   \
		sizeof(struct figure))

/* By the upper bound in milliseconds; none that nothing fell into. */
static json_t *
histogram_json(const struct histogram *h)
{
	json_t *all = json_object();
	char bound[32];

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i] == 0)
			continue;
		(void)snprintf(bound, sizeof(bound), "%.6g",
		    (double)histogram_bound_us(i) / 1000);
		(void)json_object_set_new(all,
		    i + 1 < HISTOGRAM_BUCKETS ? bound : "more",
		    json_count(h->buckets[i]));
	}
	return json_pack("{s:o, s:f, s:o}", "count",
	    json_count(histogram_count(h)), "sum_ms", (double)h->sum_us / 1000,
	    "at_most_ms", all);
}

static json_t *
queries_json(const struct totals *t)
{
	const struct front_counts *f = &t->front;

	return FIGURES({ "total", questions(f) }, { "udp", f->udp_queries },
	    { "tcp", f->tcp_queries }, { "udp_ipv6", f->udp6_queries },
	    { "tcp_ipv6", f->tcp6_queries }, { "dropped", f->dropped },
	    { "receive_errors", t->receive_drops }, { "overdue", f->overdue },
	    { "waiting", f->waiting }, { "tcp_clients", f->tcp_clients },
	    { "truncated", f->truncated }, { "repeated", f->repeated },
	    { "unsent", f->unsent }, { "limited", f->limited },
	    { "limited_told", f->limited_told });
}

/* Those that are common, and whichever else was seen. */
static json_t *
rcodes_json(const uint64_t *figures, size_t count)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < count; i++)
		if (figures[i] != 0 || i <= RCODE_REFUSED)
			(void)json_object_set_new(all, rcode_text(i),
			    json_count(figures[i]));
	return all;
}

static json_t *
reasons_json(const struct front_counts *f)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < FRONT_EDES; i++)
		if (f->edes[i] != 0)
			(void)json_object_set_new(all, ede_title((enum ede)i),
			    json_count(f->edes[i]));
	return all;
}

static json_t *
source_json(const struct totals *t)
{
	const struct front_counts *f = &t->front;
	json_t *all = FIGURES({ "hits", f->hits }, { "misses", f->misses },
	    { "local", f->local }, { "screened", f->screened },
	    { "records", t->resolver.told_from_cache },
	    { "resolved", t->resolver.told_resolved },
	    { "stale", t->resolver.stale }, { "handed_over", f->handed_over },
	    { "queue_full", f->hall_full });

	(void)json_object_set_new(all, "hit_ratio", json_real(hit_ratio(f)));
	return all;
}

static json_t *
tasks_json(const struct resolver_counts *c)
{
	return FIGURES({ "asked", c->asked }, { "joined", c->joined },
	    { "answered", c->answered }, { "failed", c->failed },
	    { "stale", c->stale }, { "prefetched", c->prefetched },
	    { "fetched", c->fetched }, { "in_flight", c->tasks });
}

static json_t *
limits_json(const struct resolver_counts *c)
{
	return FIGURES({ "messages", c->limit_messages },
	    { "bytes", c->limit_bytes }, { "time", c->limit_time },
	    { "aliases", c->limit_aliases }, { "depth", c->limit_depth },
	    { "steps", c->limit_steps }, { "memory", c->limit_memory },
	    { "tasks", c->limit_tasks }, { "zone", c->limit_zone },
	    { "server", c->limit_server }, { "signatures", c->limit_checks });
}

static json_t *
upstream_json(const struct upstream_counts *c)
{
	json_t *all = FIGURES({ "sent_udp", c->sent_udp },
	    { "sent_tcp", c->sent_tcp }, { "sent_udp_ipv6", c->sent6_udp },
	    { "sent_tcp_ipv6", c->sent6_tcp },
	    { "sent_shadow", c->sent_shadow }, { "answered", c->answered },
	    { "timeouts", c->timeouts }, { "late", c->late_answers },
	    { "silent", c->silent }, { "broken", c->broken },
	    { "mismatches", c->mismatches }, { "bytes_in", c->bytes_in },
	    { "open", c->open });

	(void)json_object_set_new(all, "replies",
	    rcodes_json(c->rcodes, ARRAY_LEN(c->rcodes)));
	(void)json_object_set_new(all, "rtt", histogram_json(&c->rtt));
	return all;
}

static json_t *
counts_json(const struct request *r)
{
	const struct totals *t = &r->totals;
	const struct front_counts *f = &t->front;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o}",
	    "queries", queries_json(t), "answers",
	    rcodes_json(f->rcodes, ARRAY_LEN(f->rcodes)), "reasons",
	    reasons_json(f), "source", source_json(t), "latency_ms",
	    latency_json(f), "resolved", histogram_json(&f->latency), "tasks",
	    tasks_json(&t->resolver), "limits", limits_json(&t->resolver),
	    "upstream", upstream_json(&t->resolver.upstream), "selection",
	    selection_json(r->ctl->opts.offer.servers), "dnssec",
	    dnssec_json(&t->resolver), "cache", cache_json(&t->cache));
}

static void
stats_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	(void)worker;
	r->travels = false;
	cache_count(r->ctl->opts.offer.cache, &r->totals.cache);
	request_answer(r, HTTP_DONE, counts_json(r));
}

static void
stats_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	totals_add(&r->totals, worker);
	r->totals.receive_drops += front_receive_drops(worker->front);
	request_onward(r, stats_home);
}

void
command_stats(struct request *r)
{
	if (request_flag(r, "prom"))
		command_metrics(r);
	else
		request_to_worker(r, 0, stats_visit);
}
