/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * samples.c - what stands below the head of a metric: one line for each
 * combination of labels, in the text format of Prometheus.
 */
#include "metrics.h"

#include <ctype.h>
#include <string.h>

/* --- samples ----------------------------------------------------------- */

static void
sample(const struct sheet *s, uint64_t value)
{
	fprintf(s->out, "hither_%s %llu\n", s->row->name,
	    (unsigned long long)value);
}

static void
labelled(const struct sheet *s, const char *label, const char *value,
    uint64_t n)
{
	fprintf(s->out, "hither_%s{%s=\"%s\"} %llu\n", s->row->name, label,
	    value, (unsigned long long)n);
}

/* "Signature Expired" as signature_expired. */
static const char *
as_label(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (; text[n] != '\0' && n + 1 < size; n++)
		buf[n] = isalnum((unsigned char)text[n])
			     ? (char)tolower((unsigned char)text[n])
			     : '_';
	buf[n] = '\0';
	return buf;
}

/* _bucket, _sum, _count; labels are "" or end with a comma. */
static void
write_histogram(const struct sheet *s, const char *labels,
    const struct histogram *h)
{
	const char *name = s->row->name;
	int len = labels[0] != '\0' ? (int)strlen(labels) - 1 : 0;
	const char *open = len > 0 ? "{" : "", *close = len > 0 ? "}" : "";
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->buckets[i];
		fprintf(s->out, "hither_%s_bucket{%sle=\"", name, labels);
		if (i + 1 < HISTOGRAM_BUCKETS)
			fprintf(s->out, "%.6g\"} ",
			    (double)histogram_bound_us(i) / 1e6);
		else
			fprintf(s->out, "+Inf\"} ");
		fprintf(s->out, "%llu\n", (unsigned long long)n);
	}
	fprintf(s->out, "hither_%s_sum%s%.*s%s %.6f\n", name, open, len, labels,
	    close, (double)h->sum_us / 1e6);
	fprintf(s->out, "hither_%s_count%s%.*s%s %llu\n", name, open, len,
	    labels, close, (unsigned long long)n);
}

void
write_total(const struct sheet *s)
{
	uint64_t n;

	memcpy(&n, (const char *)s->t + s->row->at, sizeof(n));
	sample(s, n);
}

/* --- who we are -------------------------------------------------------- */

void
write_build(const struct sheet *s)
{
	labelled(s, "version", PACKAGE_VERSION, 1);
}

void
write_start(const struct sheet *s)
{
	sample(s, s->offer->started_s);
}

void
write_generation(const struct sheet *s)
{
	sample(s, s->offer->generation(s->offer->user));
}

void
write_lag(const struct sheet *s)
{
	for (size_t i = 0; i < s->offer->workers && s->r->lags_us; i++)
		fprintf(s->out, "hither_%s{thread=\"%zu\"} %.6f\n",
		    s->row->name, i, s->r->lags_us[i] / 1e6);
}

/* --- clients ----------------------------------------------------------- */

static void
write_transports(const struct sheet *s, const uint64_t figures[4])
{
	static const char *const labels[4] = {
		"transport=\"udp\",family=\"ipv4\"",
		"transport=\"udp\",family=\"ipv6\"",
		"transport=\"tcp\",family=\"ipv4\"",
		"transport=\"tcp\",family=\"ipv6\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		fprintf(s->out, "hither_%s{%s} %llu\n", s->row->name, labels[i],
		    (unsigned long long)figures[i]);
}

void
write_queries(const struct sheet *s)
{
	const struct front_counts *f = &s->t->front;

	write_transports(s,
	    (const uint64_t[]){ f->udp_queries - f->udp6_queries,
		f->udp6_queries, f->tcp_queries - f->tcp6_queries,
		f->tcp6_queries });
}

static void
write_rcodes(const struct sheet *s, const uint64_t *figures, size_t count)
{
	for (unsigned i = 0; i < count; i++)
		labelled(s, "rcode", rcode_text(i), figures[i]);
}

void
write_answers(const struct sheet *s)
{
	write_rcodes(s, s->t->front.rcodes, ARRAY_LEN(s->t->front.rcodes));
}

void
write_edes(const struct sheet *s)
{
	char number[24];

	for (unsigned i = 0; i < FRONT_EDES; i++) {
		(void)snprintf(number, sizeof(number), "%u", i);
		labelled(s, "code", i + 1 == FRONT_EDES ? "other" : number,
		    s->t->front.edes[i]);
	}
}

void
write_sources(const struct sheet *s)
{
	labelled(s, "source", "answers", s->t->front.hits);
	labelled(s, "source", "records", s->t->resolver.told_from_cache);
	labelled(s, "source", "stale", s->t->resolver.stale);
	labelled(s, "source", "local", s->t->front.local);
	labelled(s, "source", "resolved", s->t->resolver.told_resolved);
}

void
write_durations(const struct sheet *s)
{
	write_histogram(s, "path=\"resolved\",", &s->t->front.latency);
}

void
write_limited(const struct sheet *s)
{
	const struct front_counts *f = &s->t->front;

	labelled(s, "done", "dropped", f->limited - f->limited_told);
	labelled(s, "done", "told", f->limited_told);
}

void
write_waiting(const struct sheet *s)
{
	sample(s, s->t->front.waiting);
}

void
write_tcp_clients(const struct sheet *s)
{
	sample(s, s->t->front.tcp_clients);
}

/* --- tasks ------------------------------------------------------------- */

void
write_in_flight(const struct sheet *s)
{
	sample(s, s->t->resolver.tasks);
}

void
write_max_in_flight(const struct sheet *s)
{
	const struct conf *c = s->offer->conf(s->offer->user);

	sample(s, (uint64_t)c->server.max_concurrent_queries);
}

void
write_limits(const struct sheet *s)
{
	const struct resolver_counts *c = &s->t->resolver;

	labelled(s, "limit", "messages", c->limit_messages);
	labelled(s, "limit", "bytes", c->limit_bytes);
	labelled(s, "limit", "time", c->limit_time);
	labelled(s, "limit", "aliases", c->limit_aliases);
	labelled(s, "limit", "depth", c->limit_depth);
	labelled(s, "limit", "steps", c->limit_steps);
	labelled(s, "limit", "memory", c->limit_memory);
	labelled(s, "limit", "tasks", c->limit_tasks);
	labelled(s, "limit", "zone", c->limit_zone);
	labelled(s, "limit", "server", c->limit_server);
	labelled(s, "limit", "signatures", c->limit_checks);
	labelled(s, "limit", "worker_queue", s->t->front.hall_full);
}

/* --- cache ------------------------------------------------------------- */

static void
write_cache(const struct sheet *s, uint64_t records, uint64_t answers)
{
	labelled(s, "cache", "records", records);
	labelled(s, "cache", "answers", answers);
}

void
write_entries(const struct sheet *s)
{
	write_cache(s, s->t->cache.records, s->t->cache.answers);
}

void
write_bytes(const struct sheet *s)
{
	write_cache(s, s->t->cache.record_bytes, s->t->cache.answer_bytes);
}

void
write_bytes_max(const struct sheet *s)
{
	write_cache(s, s->t->cache.record_bytes_max,
	    s->t->cache.answer_bytes_max);
}

/* --- upstream ---------------------------------------------------------- */

void
write_sent(const struct sheet *s)
{
	const struct upstream_counts *u = &s->t->resolver.upstream;

	write_transports(s,
	    (const uint64_t[]){ u->sent_udp - u->sent6_udp, u->sent6_udp,
		u->sent_tcp - u->sent6_tcp, u->sent6_tcp });
}

void
write_responses(const struct sheet *s)
{
	const struct upstream_counts *u = &s->t->resolver.upstream;

	write_rcodes(s, u->rcodes, ARRAY_LEN(u->rcodes));
}

void
write_rtt(const struct sheet *s)
{
	write_histogram(s, "", &s->t->resolver.upstream.rtt);
}

void
write_open(const struct sheet *s)
{
	sample(s, s->t->resolver.upstream.open);
}

/* --- selection --------------------------------------------------------- */

void
write_states(const struct sheet *s)
{
	labelled(s, "state", "live", s->states[SERVER_GOOD]);
	labelled(s, "state", "dead", s->states[SERVER_DEAD]);
	labelled(s, "state", "unknown", s->states[SERVER_UNKNOWN]);
}

static void
write_decisions(const struct sheet *s, const char *label, unsigned first,
    unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		labelled(s, label,
		    server_decision_text((enum server_decision)i),
		    s->near.decisions[i]);
}

void
write_choices(const struct sheet *s)
{
	write_decisions(s, "choice", CHOSE_NEAREST, CHOSE_NOBODY);
}

void
write_copies(const struct sheet *s)
{
	write_decisions(s, "why", RACED_COLD, COPIED_OLD);
}

void
write_withheld(const struct sheet *s)
{
	write_decisions(s, "why", HELD_SPOOFED, DECISIONS - 1);
}

void
write_deaths(const struct sheet *s)
{
	sample(s, s->near.deaths);
}

void
write_revivals(const struct sheet *s)
{
	sample(s, s->near.revivals);
}

void
write_regimes(const struct sheet *s)
{
	sample(s, s->near.regimes);
}

void
write_moves(const struct sheet *s)
{
	sample(s, s->near.moves);
}

/* --- validation -------------------------------------------------------- */

void
write_verdicts(const struct sheet *s)
{
	const struct resolver_counts *c = &s->t->resolver;

	for (size_t i = 0; i < ARRAY_LEN(c->verdicts); i++)
		labelled(s, "result", verdict_text((enum verdict)i),
		    c->verdicts[i]);
}

void
write_bogus(const struct sheet *s)
{
	const struct resolver_counts *c = &s->t->resolver;
	char label[64];

	for (size_t i = 0; i < ARRAY_LEN(c->bogus); i++) {
		if (i > 0 && !ede_is_dnssec((enum ede)i))
			continue;
		labelled(s, "reason",
		    as_label(ede_title((enum ede)i), label, sizeof(label)),
		    c->bogus[i]);
	}
}

/* Number 0 is no algorithm. */
void
write_checks(const struct sheet *s)
{
	const struct resolver_counts *c = &s->t->resolver;
	char name[24];

	for (size_t i = 1; i < ARRAY_LEN(c->dnssec_checks); i++) {
		if (algorithm_known((uint8_t)i) || c->dnssec_checks[i] > 0)
			labelled(s, "algorithm",
			    algorithm_text((uint8_t)i, name),
			    c->dnssec_checks[i]);
	}
}
