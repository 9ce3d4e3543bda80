/* SPDX-License-Identifier: BSD-3-Clause */
/* inside.h - what the files of the simulated world share. */
#ifndef HITHER_TESTS_NEAR_INSIDE_H
#define HITHER_TESTS_NEAR_INSIDE_H

#include "world.h"

#define FLOWS_MAX  65536u
#define PACKET_MAX 1400u

/* One packet out and, perhaps, its reply. */
struct flow {
	struct world *world;
	struct timer timer;
	void *user;
	uint32_t number;
	bool open;    /* the resolver listens */
	bool arrived; /* the network has nothing more for it */
	size_t len;
	uint8_t bytes[PACKET_MAX];
};

struct ticket {
	struct world *world;
	size_t question;
};

struct world {
	uint64_t now_us;
	struct timers *timers, *net;
	struct rng *rng, *dice;
	struct arena *arena;
	struct cache *cache;
	struct servers *sv;
	struct resolver *rs;
	struct wire_events events;
	struct rrset **hints;
	size_t hint_count;
	struct place_server servers[WORLD_SERVERS];
	size_t server_count;
	struct test_zone zones[WORLD_ZONES];
	size_t zone_count;
	struct flow *flows[FLOWS_MAX];
	struct asked_once *questions;
	size_t question_count, question_room, next_question;
	uint64_t names_asked;
	bool is_sorted;
	size_t root, top; /* servers */
	uint64_t packets_before, counted_us;
	uint64_t stop_us, go_on_us; /* 0: never */
};

double chance(struct world *w);
const struct span *span_at(const struct place_server *s, uint64_t now_us);
void flow_drop(struct flow *f);
uint64_t packets_to_zones(const struct world *w);

/* replies.c: the servers' own words. */
void world_above(struct world *w); /* makes root and top */
/* The length; 0: no reply. */
size_t world_reply(struct world *w, struct place_server *from,
    const struct wire_send *question, uint8_t *buf, size_t size);

#endif
