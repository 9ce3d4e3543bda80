/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics.c - every figure there is, as text that Prometheus reads (text
 * format 0.0.4).
 *
 * One table has a row for each metric: name, type, help, and what writes its
 * samples. Base units (seconds, octets); counters end in _total and are never
 * reset; every sample is always there, so that a rate of zero is seen; labels
 * have few values, and none that a stranger on the network chooses.
 */
#include "metrics.h"

#include <stdlib.h>

#define TOTAL(member) write_total, offsetof(struct totals, member)

static const struct metric metrics[] = {
	{ "build_info", "gauge", "What runs; always 1.", write_build, 0 },
	{ "start_time_seconds", "gauge",
	    "When it was started, by the wall clock.", write_start, 0 },
	{ "config_generation", "gauge",
	    "Configurations loaded since the start.", write_generation, 0 },
	{ "loop_lag_seconds", "gauge",
	    "How long a thread took to turn to this request.", write_lag, 0 },

	{ "queries_total", "counter", "Questions from clients.", write_queries,
	    0 },
	{ "answers_total", "counter", "Answers to clients by RCODE.",
	    write_answers, 0 },
	{ "answers_ede_total", "counter",
	    "Answers that gave a reason (RFC 8914), by its code.", write_edes,
	    0 },
	{ "answers_truncated_total", "counter", "Answers with TC set.",
	    TOTAL(front.truncated) },
	{ "answer_source_total", "counter",
	    "Where answers came from: packed answers, cached records, stale "
	    "records, local data, or the network.",
	    write_sources, 0 },
	{ "query_duration_seconds", "histogram",
	    "From question to answer, for what no packed answer was at hand.",
	    write_durations, 0 },
	{ "drops_total", "counter",
	    "Questions that got no answer: forbidden, malformed, or of a zone "
	    "that is silent.",
	    TOTAL(front.dropped) },
	{ "repeated_total", "counter",
	    "Questions that came once more while they waited: one answer is "
	    "sent.",
	    TOTAL(front.repeated) },
	{ "unsent_total", "counter",
	    "Answers by UDP that the system did not take.",
	    TOTAL(front.unsent) },
	{ "screened_total", "counter",
	    "Answers from which private addresses were taken out.",
	    TOTAL(front.screened) },
	{ "rate_limited_total", "counter",
	    "Questions of clients that asked too much.", write_limited, 0 },
	{ "udp_receive_errors_total", "counter",
	    "Questions that the kernel dropped since listeners' queues were "
	    "full.",
	    TOTAL(receive_drops) },
	{ "overdue_total", "counter",
	    "Questions that were dropped since they had waited for too long "
	    "in a full queue.",
	    TOTAL(front.overdue) },
	{ "clients_waiting", "gauge",
	    "Questions whose answer is being looked for.", write_waiting, 0 },
	{ "tcp_clients", "gauge", "Open connections of clients.",
	    write_tcp_clients, 0 },
	{ "handed_over_total", "counter",
	    "Questions that went to the thread whose name it is.",
	    TOTAL(front.handed_over) },

	{ "in_flight", "gauge",
	    "Tasks under way: questions and what they need.", write_in_flight,
	    0 },
	{ "in_flight_max", "gauge", "So many may be.", write_max_in_flight, 0 },
	{ "tasks_answered_total", "counter", "Tasks that found an answer.",
	    TOTAL(resolver.answered) },
	{ "tasks_failed_total", "counter", "Tasks that ended with SERVFAIL.",
	    TOTAL(resolver.failed) },
	{ "tasks_joined_total", "counter",
	    "Questions that joined an equal one under way.",
	    TOTAL(resolver.joined) },
	{ "server_addresses_fetched_total", "counter",
	    "Look-ups of name servers' addresses that nobody waited for.",
	    TOTAL(resolver.fetched) },
	{ "prefetched_total", "counter",
	    "Names asked for anew before they ended.",
	    TOTAL(resolver.prefetched) },
	{ "limits_hit_total", "counter",
	    "Questions that came to the end of a budget.", write_limits, 0 },

	{ "cache_entries", "gauge", "Entries in a cache.", write_entries, 0 },
	{ "cache_bytes", "gauge", "Octets they take.", write_bytes, 0 },
	{ "cache_max_bytes", "gauge", "So many they may take.", write_bytes_max,
	    0 },
	{ "cache_evictions_total", "counter",
	    "Entries that made room for others.", TOTAL(cache.evictions) },
	{ "cache_refusals_total", "counter",
	    "Entries for which there was no room.", TOTAL(cache.refusals) },

	{ "upstream_queries_total", "counter", "Questions to servers.",
	    write_sent, 0 },
	{ "upstream_shadow_queries_total", "counter",
	    "Of these, copies that nobody waits for.",
	    TOTAL(resolver.upstream.sent_shadow) },
	{ "upstream_responses_total", "counter", "Replies of servers by RCODE.",
	    write_responses, 0 },
	{ "upstream_timeouts_total", "counter",
	    "Questions without a reply when one was due.",
	    TOTAL(resolver.upstream.timeouts) },
	{ "upstream_late_responses_total", "counter",
	    "Replies that came after that.",
	    TOTAL(resolver.upstream.late_answers) },
	{ "upstream_broken_total", "counter",
	    "Questions that ended in an error: unreachable, refused, closed.",
	    TOTAL(resolver.upstream.broken) },
	{ "upstream_mismatches_total", "counter",
	    "Messages that were no reply to what was asked there.",
	    TOTAL(resolver.upstream.mismatches) },
	{ "upstream_received_bytes_total", "counter",
	    "Octets received from servers.",
	    TOTAL(resolver.upstream.bytes_in) },
	{ "upstream_rtt_seconds", "histogram", "Round trips to servers by UDP.",
	    write_rtt, 0 },
	{ "upstream_in_flight", "gauge", "Questions to servers under way.",
	    write_open, 0 },

	{ "server_state", "gauge", "Addresses of servers that are known.",
	    write_states, 0 },
	{ "selection_total", "counter", "Why a server was chosen.",
	    write_choices, 0 },
	{ "selection_copies_total", "counter", "Why another was asked as well.",
	    write_copies, 0 },
	{ "selection_withheld_total", "counter",
	    "Why another was not asked although it was its turn.",
	    write_withheld, 0 },
	{ "server_deaths_total", "counter", "Servers given up for dead.",
	    write_deaths, 0 },
	{ "server_revivals_total", "counter", "Dead ones that answered again.",
	    write_revivals, 0 },
	{ "server_regime_changes_total", "counter",
	    "Lasting changes of a round-trip time.", write_regimes, 0 },
	{ "catchment_changes_total", "counter",
	    "Addresses seen to lead to another site (RFC 5001).", write_moves,
	    0 },

	{ "dnssec_results_total", "counter", "Verdicts on answers to clients.",
	    write_verdicts, 0 },
	{ "dnssec_bogus_total", "counter", "Bogus answers by their reason.",
	    write_bogus, 0 },
	{ "dnssec_verifications_total", "counter", "Signatures checked.",
	    write_checks, 0 },
	{ "dnssec_denials_total", "counter",
	    "Denials made from proofs in memory (RFC 8198).",
	    TOTAL(resolver.spans_used) },
};

static bool
metrics_write(const struct request *r, FILE *out)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;
	struct sheet s = { .out = out,
		.r = r,
		.t = &r->totals,
		.offer = offer };

	servers_count(offer->servers, &s.near);
	servers_states(offer->servers, s.states);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		s.row = &metrics[i];
		fprintf(out, "# HELP hither_%s %s\n# TYPE hither_%s %s\n",
		    s.row->name, s.row->help, s.row->name, s.row->type);
		s.row->write(&s);
	}
	process_metrics(out);
	return ferror(out) == 0;
}

static void
metrics_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool written;

	(void)worker;
	r->travels = false;
	cache_count(r->ctl->opts.offer.cache, &r->totals.cache);
	written = out != NULL && metrics_write(r, out);
	if (out != NULL)
		written = fclose(out) == 0 && written;
	if (written)
		request_answer_text(r, HTTP_DONE,
		    "text/plain; version=0.0.4; charset=utf-8", text);
	else
		request_fail(r, HTTP_FAILED, "no memory");
	free(text);
}

static void
metrics_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;

	totals_add(&r->totals, worker);
	r->totals.receive_drops += front_receive_drops(worker->front);
	if (r->lags_us != NULL)
		r->lags_us[worker->index] =
		    (uint32_t)(clock_mono_us() - r->sent_us);
	request_onward(r, metrics_home);
}

void
command_metrics(struct request *r)
{
	r->lags_us =
	    memory_new(r->ctl->opts.offer.workers * sizeof(r->lags_us[0]));
	request_to_worker(r, 0, metrics_visit);
}
