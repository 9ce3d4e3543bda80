/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c - the network under the resolver: packets are events in a heap of
 * timers, next to the resolver's own; time jumps from one to the next.
 */
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

/* --- chance ----------------------------------------------------------- */

double
chance(struct world *w)
{
	return (rng_u32(w->dice) + 0.5) / 4294967296.0;
}

static double
normal(struct world *w)
{
	return sqrt(-2 * log(chance(w))) * cos(6.283185307 * chance(w));
}

static double
exponential(struct world *w, double mean)
{
	return -mean * log(chance(w));
}

/* --- servers ---------------------------------------------------------- */

const struct span *
span_at(const struct place_server *s, uint64_t now_us)
{
	const struct span *at = &s->spans[0];

	for (size_t i = 1; i < s->span_count; i++) {
		if (s->spans[i].from_us <= now_us)
			at = &s->spans[i];
	}
	return at;
}

/* Milliseconds until the reply; < 0: none will come. */
static double
draw_delay(struct world *w, struct place_server *s)
{
	const struct span *at = span_at(s, w->now_us);
	double x = at->rtt_ms;

	if (at->loss > 0 && chance(w) < at->loss)
		return -1;
	if (s->flap_ms > 0 && chance(w) < 0.5)
		x = s->flap_ms;
	x *= exp(s->jitter * normal(w));
	if (s->spike_share > 0 && chance(w) < s->spike_share)
		x += exponential(w, s->spike_ms);
	return x;
}

size_t
world_server(struct world *w, double rtt_ms, uint8_t family)
{
	size_t i = w->server_count++;
	struct place_server *s = &w->servers[i];

	if (i >= WORLD_SERVERS)
		abort();
	s->addr.family = family;
	s->addr.port = 53;
	s->addr.ip[0] = family == 4 ? 10 : 0xfd;
	s->addr.ip[1] = (uint8_t)(i >> 8);
	s->addr.ip[2] = (uint8_t)i;
	s->addr.ip[family == 4 ? 3 : 15] = 1;
	s->spans[0] = (struct span){ .rtt_ms = rtt_ms };
	s->span_count = 1;
	s->jitter = 0.03;
	return i;
}

struct place_server *
world_at(struct world *w, size_t server)
{
	return &w->servers[server];
}

void
world_change(struct world *w, size_t server, uint64_t from_us, struct span s)
{
	struct place_server *p = &w->servers[server];

	if (p->span_count == SPANS_MAX)
		abort();
	s.from_us = from_us;
	p->spans[p->span_count++] = s;
}

static struct place_server *
server_of(struct world *w, const struct addr *a)
{
	size_t i = (size_t)a->ip[1] << 8 | a->ip[2];

	return i < w->server_count && addr_equal(&w->servers[i].addr, a)
		   ? &w->servers[i]
		   : NULL;
}

/* --- packets ---------------------------------------------------------- */

static void
on_arrival(void *user)
{
	struct flow *f = user;
	struct world *w = f->world;

	if (f->open)
		w->events.message(f->user, f->number, f->bytes, f->len,
		    w->now_us);
	f->arrived = true;
	flow_drop(f);
}

/* Names are numbered: "n17.z0.top". */
static bool
is_stalled(const struct place_server *s, const struct wire_send *question)
{
	const uint8_t *label = question->bytes + HEADER_BYTES;
	unsigned long number;

	if (s->stall_ms <= 0 || question->len < HEADER_BYTES + 2u ||
	    (label[1] | 0x20) != 'n')
		return false;
	number = strtoul((const char *)label + 2, NULL, 10);
	return number % s->stall_every == 0;
}

/* Gone when both the resolver and the network have done with it. */
void
flow_drop(struct flow *f)
{
	struct world *w = f->world;

	if (f->open || !f->arrived)
		return;
	w->flows[f->number - 1] = NULL;
	timer_cancel(w->net, &f->timer);
	free(f);
}

static enum err
send_packet(void *self, const struct wire_send *s, uint32_t *number)
{
	struct world *w = self;
	struct place_server *to = server_of(w, s->to);
	struct flow *f;
	double delay_ms;
	size_t slot = 0;

	if (to == NULL)
		return ERR_UNREACHABLE;
	while (slot < FLOWS_MAX && w->flows[slot] != NULL)
		slot++;
	f = slot < FLOWS_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (f == NULL)
		return ERR_LIMIT;
	f->world = w;
	f->number = *number = (uint32_t)slot + 1;
	f->user = s->user;
	f->open = true;
	f->timer.fire = on_arrival;
	f->timer.user = f;
	w->flows[slot] = f;
	to->packets++;
	delay_ms = draw_delay(w, to);
	if (delay_ms >= 0 && is_stalled(to, s))
		delay_ms += to->stall_ms;
	f->len = world_reply(w, to, s, f->bytes, sizeof(f->bytes));
	f->arrived = delay_ms < 0 || f->len == 0;
	/* A second exchange on an open connection: one round trip. */
	if (!f->arrived &&
	    timer_arm(w->net, &f->timer,
		w->now_us + (uint64_t)(delay_ms * MSEC)) != ERR_OK)
		abort();
	return ERR_OK;
}

static void
close_flow(void *self, uint32_t number, bool answered)
{
	struct world *w = self;
	struct flow *f = w->flows[number - 1];

	(void)answered;
	f->open = false;
	flow_drop(f);
}

static uint64_t
now_us(void *self)
{
	return ((struct world *)self)->now_us;
}

static uint64_t
ttl_now_ms(void *self)
{
	return ((struct world *)self)->now_us / 1000;
}

/* --- the resolver ----------------------------------------------------- */

static const struct wire_ops ops = { .send = send_packet,
	.close = close_flow,
	.now_us = now_us,
	.ttl_now_ms = ttl_now_ms };

static struct resolver *
make_resolver(struct world *w)
{
	struct resolver_opts o = { .wire = &ops,
		.wire_self = w,
		.timers = w->timers,
		.rng = w->rng,
		.cache = w->cache,
		.servers = w->sv,
		.hints = w->hints,
		.hint_count = w->hint_count,
		.messages_max = 50,
		.bytes_max = 128 << 10,
		.time_max_ms = 6000,
		.aliases_max = 12,
		.depth_max = 6,
		.steps_max = 2000,
		.arena_max = 512 << 10,
		.tasks_max = 20000,
		.ttl_max_s = 86400,
		.negative_ttl_max_s = 3600,
		.failure_first_s = 1,
		.failure_max_s = 60,
		.port = 53,
		.qmin = QMIN_RELAXED,
		.ask_nsid = true,
		.ip4 = true,
		.ip6 = true };

	return resolver_new(&o);
}

static void
begin(struct world *w)
{
	struct cache_opts co = { .records_max_bytes = 64 << 20,
		.answers_max_bytes = 1 << 20 };
	struct servers_opts so = { .max_entries = 10000,
		.budget_permille = 1000 };

	w->timers = timers_new();
	w->cache = cache_new(&co);
	w->sv = servers_new(&so);
	w->rs = make_resolver(w);
	if (w->timers == NULL || w->cache == NULL || w->sv == NULL ||
	    w->rs == NULL)
		abort();
	w->events = *upstream_events();
}

static void
end(struct world *w)
{
	resolver_free(w->rs);
	for (size_t i = 0; i < FLOWS_MAX; i++) {
		if (w->flows[i] == NULL)
			continue;
		w->flows[i]->open = false;
		w->flows[i]->arrived = true;
		flow_drop(w->flows[i]);
	}
	servers_free(w->sv);
	cache_free(w->cache);
	timers_free(w->timers);
}

struct world *
world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->now_us = 100 * SECONDS;
	w->rng = rng_new_seeded(seed);
	w->dice = rng_new_seeded(seed * 7919 + 1);
	w->net = timers_new();
	w->arena = arena_new((size_t)64 << 20);
	if (w->rng == NULL || w->dice == NULL || w->net == NULL ||
	    w->arena == NULL)
		abort();
	world_above(w);
	begin(w);
	return w;
}

void
world_free(struct world *w)
{
	end(w);
	timers_free(w->net);
	rng_free(w->rng);
	rng_free(w->dice);
	arena_free(w->arena);
	free(w->questions);
	free(w);
}

void
world_restart(struct world *w, const char *saved)
{
	if (servers_save(w->sv, saved, w->now_us, 1000) != ERR_OK)
		abort();
	end(w);
	w->question_count = w->next_question = 0;
	begin(w);
	if (servers_load(w->sv, saved, w->now_us, 1060) != ERR_OK)
		abort();
	(void)unlink(saved);
}
