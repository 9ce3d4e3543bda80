/* SPDX-License-Identifier: BSD-3-Clause */
/* metrics.h - what the rows of the table of metrics are written by. */
#ifndef HITHER_CTL_METRICS_H
#define HITHER_CTL_METRICS_H

#include "inside.h"

struct metric;

/* What the rows read. */
struct sheet {
	FILE *out;
	const struct metric *row;
	const struct request *r;
	const struct totals *t;
	const struct ctl_offer *offer;
	struct servers_counts near;
	size_t states[SERVER_STATES];
};

struct metric {
	const char *name, *type, *help;
	void (*write)(const struct sheet *s);
	size_t at; /* for write_total: of its counter in struct totals */
};

/* --- samples.c: each writes the samples of the row at hand ------------- */

void write_total(const struct sheet *s);
void write_build(const struct sheet *s);
void write_start(const struct sheet *s);
void write_generation(const struct sheet *s);
void write_lag(const struct sheet *s);
void write_queries(const struct sheet *s);
void write_answers(const struct sheet *s);
void write_edes(const struct sheet *s);
void write_sources(const struct sheet *s);
void write_durations(const struct sheet *s);
void write_limited(const struct sheet *s);
void write_waiting(const struct sheet *s);
void write_tcp_clients(const struct sheet *s);
void write_in_flight(const struct sheet *s);
void write_max_in_flight(const struct sheet *s);
void write_limits(const struct sheet *s);
void write_entries(const struct sheet *s);
void write_bytes(const struct sheet *s);
void write_bytes_max(const struct sheet *s);
void write_sent(const struct sheet *s);
void write_responses(const struct sheet *s);
void write_rtt(const struct sheet *s);
void write_open(const struct sheet *s);
void write_states(const struct sheet *s);
void write_choices(const struct sheet *s);
void write_copies(const struct sheet *s);
void write_withheld(const struct sheet *s);
void write_deaths(const struct sheet *s);
void write_revivals(const struct sheet *s);
void write_regimes(const struct sheet *s);
void write_moves(const struct sheet *s);
void write_verdicts(const struct sheet *s);
void write_bogus(const struct sheet *s);
void write_checks(const struct sheet *s);

#endif
