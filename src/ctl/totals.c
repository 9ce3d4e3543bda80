/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * totals.c - the counters of all workers, added up. Each worker's are read on
 * its own thread; what the resolvers before a reload had counted stays in the
 * sum, so that no counter ever falls.
 */
#include "inside.h"

static void
add_front(struct front_counts *sum, const struct front_counts *c)
{
	sum->udp_queries += c->udp_queries;
	sum->tcp_queries += c->tcp_queries;
	sum->udp6_queries += c->udp6_queries;
	sum->tcp6_queries += c->tcp6_queries;
	sum->dropped += c->dropped;
	sum->repeated += c->repeated;
	sum->unsent += c->unsent;
	sum->refused += c->refused;
	sum->formerr += c->formerr;
	sum->notimp += c->notimp;
	sum->badvers += c->badvers;
	sum->local += c->local;
	sum->screened += c->screened;
	sum->limited += c->limited;
	sum->limited_told += c->limited_told;
	sum->overdue += c->overdue;
	sum->hits += c->hits;
	sum->misses += c->misses;
	sum->handed_over += c->handed_over;
	sum->hall_full += c->hall_full;
	sum->truncated += c->truncated;
	sum->waiting += c->waiting;
	sum->tcp_clients += c->tcp_clients;
	for (size_t i = 0; i < ARRAY_LEN(sum->rcodes); i++)
		sum->rcodes[i] += c->rcodes[i];
	for (size_t i = 0; i < ARRAY_LEN(sum->edes); i++)
		sum->edes[i] += c->edes[i];
	histogram_add(&sum->latency, &c->latency);
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
	sum->sent6_udp += c->sent6_udp;
	sum->sent6_tcp += c->sent6_tcp;
	sum->timeouts += c->timeouts;
	for (size_t i = 0; i < ARRAY_LEN(sum->rcodes); i++)
		sum->rcodes[i] += c->rcodes[i];
	histogram_add(&sum->rtt, &c->rtt);
	sum->open += c->open;
}

static void
add_dnssec(struct resolver_counts *sum, const struct resolver_counts *c)
{
	for (size_t i = 0; i < ARRAY_LEN(sum->verdicts); i++)
		sum->verdicts[i] += c->verdicts[i];
	for (size_t i = 0; i < ARRAY_LEN(sum->bogus); i++)
		sum->bogus[i] += c->bogus[i];
	for (size_t i = 0; i < ARRAY_LEN(sum->dnssec_checks); i++)
		sum->dnssec_checks[i] += c->dnssec_checks[i];
	sum->spans_used += c->spans_used;
	sum->limit_checks += c->limit_checks;
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
	sum->fetched += c->fetched;
	sum->told_from_cache += c->told_from_cache;
	sum->told_resolved += c->told_resolved;
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

void
totals_add(struct totals *t, const struct ctl_worker *w)
{
	struct front_counts front;
	struct resolver_counts resolver;

	front_count(w->front, &front);
	add_front(&t->front, &front);
	resolver_count(w->resolver, &resolver);
	ctl_add_counts(&t->resolver, &resolver);
	ctl_add_counts(&t->resolver, w->retired);
}
