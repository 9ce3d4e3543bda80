/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.c - from the words of the configuration to the options of rooms.
 */
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

#define SNAPSHOT_BYTES_MAX ((size_t)64 << 20)
#define DEPTH_MAX          6u
#define STEPS_MAX          2000u
#define TASK_BYTES_MAX     ((size_t)512 << 10)
#define GOOD_CHECKS_MAX    48u
#define CHECK_US           220u /* a bad one, in the mean */
#define GOOD_CHECKS_US_MAX 20000u
#define HASHES_MAX         64u
#define THROTTLE_KEYS      131072u /* 1 MB */

static enum err
build_zones(struct snapshot *s)
{
	const struct conf *c = s->conf;

	s->zones =
	    arena_take(s->arena, (c->zones.count + 1) * sizeof(*s->zones));
	if (s->zones == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < c->zones.count; i++) {
		const struct conf_zone *z = &c->zones.items[i];

		s->zones[i].name = z->name;
		s->zones[i].servers = z->servers.items;
		s->zones[i].server_count = z->servers.count;
		s->zones[i].forward = z->type == CONF_FORWARD;
		s->zones[i].first = z->fallback;
		s->zones[i].tcp = z->transport == CONF_BY_TCP;
	}
	return ERR_OK;
}

static enum err
build_anchors(struct snapshot *s, char *why, size_t size)
{
	s->anchors = anchors_new();
	if (s->anchors == NULL)
		return ERR_MEMORY;
	return ctl_build_anchors(s->conf, s->anchors, why, size);
}

static enum err
build_limits(struct snapshot *s)
{
	const struct conf *c = s->conf;
	uint32_t qps = c->rate_limit.clients.qps;
	uint32_t same = c->rate_limit.responses.qps;
	uint32_t burst = c->rate_limit.clients.burst;

	if (c->rate_limit.zones.qps != 0) {
		s->zone_throttle = throttle_new(THROTTLE_KEYS);
		if (s->zone_throttle == NULL)
			return ERR_MEMORY;
	}
	if (qps == 0 && same == 0)
		return ERR_OK;
	s->throttle = throttle_new(THROTTLE_KEYS);
	if (s->throttle == NULL)
		return ERR_MEMORY;
	s->limits = (struct front_limits){
		.throttle = s->throttle,
		.questions = { qps, burst != 0 ? burst : 2 * qps },
		.same = { same, burst != 0 ? burst : 2 * same },
		.exempt = c->rate_limit.clients.exempt.items,
		.exempt_count = c->rate_limit.clients.exempt.count,
		.slip = c->rate_limit.clients.slip,
		.bits_v4 = (uint8_t)c->rate_limit.clients.prefix_v4,
		.bits_v6 = (uint8_t)c->rate_limit.clients.prefix_v6,
	};
	return ERR_OK;
}

static void
build_rules(struct snapshot *s)
{
	const struct conf *c = s->conf;
	size_t nsid_len = strlen(c->server.nsid);

	s->rules = (struct front_rules){
		.policy = s->policy,
		.limits = s->throttle != NULL ? &s->limits : NULL,
		.nsid = nsid_len > 0 ? (const uint8_t *)c->server.nsid : NULL,
		.nsid_len = nsid_len,
		.rotate = c->resolver.answer_rotation,
		.refuse_any = c->resolver.refuse_any,
		.minimal = c->resolver.minimal_responses,
		.cookies = c->resolver.dns_cookies,
		.cookies_told = s->cookies,
		.log_servfail = c->logging.servfail,
		.ttl_max_s = (uint32_t)(c->cache.max_ttl_ms / 1000),
	};
}

struct snapshot *
snapshot_new(struct conf *conf, uint32_t generation, char *why, size_t size)
{
	struct snapshot *s = memory_new(sizeof(*s));
	enum err e = ERR_MEMORY;

	if (s == NULL) {
		conf_free(conf);
		(void)snprintf(why, size, "no memory");
		return NULL;
	}
	why[0] = '\0';
	atomic_init(&s->holders, 1);
	s->conf = conf;
	s->generation = generation;
	s->arena = arena_new(SNAPSHOT_BYTES_MAX);
	if (s->arena != NULL)
		e = ctl_build_policy(conf, &s->policy, why, size);
	if (e == ERR_OK)
		e = build_zones(s);
	if (e == ERR_OK)
		e = ctl_build_hints(conf, s->arena, &s->hints, why, size);
	if (e == ERR_OK)
		e = build_anchors(s, why, size);
	if (e == ERR_OK)
		e = build_limits(s);
	if (e == ERR_OK)
		e = ctl_read_secrets(s->conf, &s->cookies, why, size);
	if (e == ERR_OK)
		e = snapshot_never(s);
	if (e != ERR_OK) {
		if (why[0] == '\0')
			(void)snprintf(why, size, "%s", err_text(e));
		snapshot_drop(s);
		return NULL;
	}
	build_rules(s);
	return s;
}

struct snapshot *
snapshot_hold(struct snapshot *s)
{
	atomic_fetch_add(&s->holders, 1);
	return s;
}

void
snapshot_drop(struct snapshot *s)
{
	if (s == NULL || atomic_fetch_sub(&s->holders, 1) != 1)
		return;
	if (s->ended != NULL)
		s->ended(s, s->user);
	policy_free(s->policy);
	anchors_free(s->anchors);
	throttle_free(s->throttle);
	throttle_free(s->zone_throttle);
	arena_free(s->arena);
	conf_free(s->conf);
	memory_free(s);
}

static enum qmin
qmin_of(enum conf_qmin q)
{
	switch (q) {
	case CONF_QMIN_OFF:
		return QMIN_OFF;
	case CONF_QMIN_STRICT:
		return QMIN_STRICT;
	case CONF_QMIN_RELAXED:
	default:
		return QMIN_RELAXED;
	}
}

struct dnssec_policy
snapshot_dnssec_policy(const struct snapshot *s)
{
	const struct conf *c = s->conf;

	return (struct dnssec_policy){
		.iterations_max = (uint16_t)c->dnssec.nsec3_max_iterations,
		.sha1 = c->dnssec.sha1,
	};
}

void
snapshot_resolver_opts(const struct snapshot *s, size_t workers,
    struct resolver_opts *out)
{
	const struct conf *c = s->conf;
	size_t tasks = c->server.max_concurrent_queries / workers;

	out->hints = s->hints.sets;
	out->hint_count = s->hints.count;
	out->zones = s->zones;
	out->zone_count = c->zones.count;
	out->zone_throttle = s->zone_throttle;
	out->zone_rate = (struct throttle_rate){ c->rate_limit.zones.qps,
		2 * c->rate_limit.zones.qps };
	out->zones_spared = c->rate_limit.zones.exempt.items;
	out->zones_spared_count = c->rate_limit.zones.exempt.count;
	out->do_not_query = s->never;
	out->do_not_query_count = s->never_count;
	out->messages_max = c->resolver.max_upstream_queries;
	out->bytes_max = (uint32_t)c->resolver.max_upstream_bytes;
	out->time_max_ms = (uint32_t)c->resolver.query_timeout_ms;
	out->aliases_max = c->resolver.max_cname_chain;
	out->depth_max = DEPTH_MAX;
	out->steps_max = STEPS_MAX;
	out->arena_max = TASK_BYTES_MAX;
	out->tasks_max = tasks > 0 ? tasks : 1;
	out->ttl_min_s = (uint32_t)(c->cache.min_ttl_ms / 1000);
	out->ttl_max_s = (uint32_t)(c->cache.max_ttl_ms / 1000);
	out->negative_ttl_max_s =
	    (uint32_t)(c->cache.max_negative_ttl_ms / 1000);
	out->failure_first_s = (uint32_t)(c->cache.failure_first_ms / 1000);
	out->failure_max_s = (uint32_t)(c->cache.failure_max_ms / 1000);
	if (c->cache.stale.enable)
		out->stale_max_s =
		    (uint32_t)(c->cache.stale.max_stale_ms / 1000);
	out->stale_client_ms = (uint32_t)c->cache.stale.client_timeout_ms;
	out->stale_ttl_s = (uint32_t)(c->cache.stale.answer_ttl_ms / 1000);
	if (c->cache.prefetch.enable)
		out->prefetch_percent = c->cache.prefetch.remaining;
	out->port = (uint16_t)c->outgoing.port;
	out->qmin = qmin_of(c->resolver.qname_minimization);
	out->mix_case = c->resolver.query_case_randomization;
	out->cookies = c->resolver.dns_cookies;
	out->udp_size = (uint16_t)c->outgoing.edns_buffer_size;
	out->ip4 = c->resolver.do_ip4;
	out->ip6 = c->resolver.do_ip6;
	out->ask_nsid = c->selection.learn_site;
	out->prime = true;
	if (!c->dnssec.validation)
		out->anchors = NULL;
	out->dnssec = snapshot_dnssec_policy(s);
	out->aggressive = c->dnssec.aggressive_nsec;
	out->sentinel = c->dnssec.root_key_sentinel;
	out->checks_max = c->dnssec.max_validations;
	out->good_checks_max = GOOD_CHECKS_MAX;
	out->checks_us_max = c->dnssec.max_validations * CHECK_US;
	out->good_checks_us_max = GOOD_CHECKS_US_MAX;
	out->hashes_max = HASHES_MAX;
}
