/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h - a whole resolver on a network made of numbers.
 *
 * The resolver with its upstream and servers, as the daemon runs them, on a
 * clock that only events move. Authoritative servers are addresses with a
 * distance, a law of delay and loss, a site, faults, and a schedule by which
 * these change. A root and one top-level zone stand above the zones under
 * test. An hour takes a second; the same seed repeats everything.
 */
#ifndef HITHER_TESTS_NEAR_WORLD_H
#define HITHER_TESTS_NEAR_WORLD_H

#include <hither/resolve.h>

#define WORLD_SERVERS 512u
#define WORLD_ZONES   128u
#define ZONE_SERVERS  16u
#define SPANS_MAX     24u

#define MSEC 1000.0
#define SECONDS UINT64_C(1000000)

enum conduct { WELL, REFUSES, LAME, SERVFAILS, TRUNCATES };

/* What an address is like from a moment on. */
struct span {
	uint64_t from_us;
	double rtt_ms;
	double loss; /* 1: silent */
	const char *site; /* NULL: says nothing */
};

struct place_server {
	struct addr addr;
	struct span spans[SPANS_MAX];
	size_t span_count;
	enum conduct conduct;
	double jitter;			 /* sigma of a log-normal factor */
	double spike_share, spike_ms;	 /* late by Exp(spike_ms) */
	double flap_ms;			 /* every other packet; 0: never */
	unsigned stall_every;		 /* so many names are answered */
	double stall_ms;		 /* only after this; 0: all at once */
	uint64_t packets;
};

struct test_zone {
	struct name name;
	size_t servers[ZONE_SERVERS];
	size_t server_count;
};

/* One question and what came of it. */
struct asked_once {
	uint64_t at_us;
	double took_ms;
	double oracle_ms;  /* the nearest live, well-behaved one then */
	uint32_t zone;
	int32_t server;    /* who answered; -1: nobody */
	bool done, failed, by_nearest;
};

struct world;
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
/* Keeps what was learnt, loses everything else: a restart. */
void world_restart(struct world *w, const char *saved);

size_t world_server(struct world *w, double rtt_ms, uint8_t family);
struct place_server *world_at(struct world *w, size_t server);
size_t world_zone(struct world *w);
void world_serves(struct world *w, size_t zone, size_t server);
/* From then on it is like this; earlier spans end there. */
void world_change(struct world *w, size_t server, uint64_t from_us,
    struct span s);

/* Questions for new names below the zone, by chance `per_s` of them. */
void world_load(struct world *w, size_t zone, double per_s, uint64_t from_us,
    uint64_t until_us);
void world_ask_at(struct world *w, size_t zone, uint64_t at_us);
void world_run(struct world *w, uint64_t until_us);

/* The process is stopped then and goes on later: timers fire, sockets wait. */
void world_stop(struct world *w, uint64_t from_us, uint64_t until_us);

/* Packets to zones' servers are counted from here on, for the figures. */
void world_count_packets(struct world *w);
uint64_t world_now(const struct world *w);
struct servers *world_servers(struct world *w);

/* Of the questions asked in [from, until); a failure counts 5 s. */
struct figures {
	size_t questions, failures;
	double mean_ms, oracle_ms, p50_ms, p99_ms, worst_ms;
	double nearest;  /* share answered by the nearest */
	double packets;  /* to the zones' servers, a question, since counted */
	uint64_t settled_us; /* from `from` until 9 of 10 of a zone's 20 next
				were answered by the nearest; the latest zone */
	double first_answer_ms; /* after `from` */
};
struct figures world_figures(struct world *w, uint64_t from_us,
    uint64_t until_us);
void figures_print(const char *what, const struct figures *f);
size_t world_questions(const struct world *w);
const struct asked_once *world_question(const struct world *w, size_t i);

#endif
