/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - how a name is resolved: root -> TLD -> authoritative.
 *
 * One resolver a worker. It includes no socket and no clock: bytes and time
 * come through the seam (net.h) and the loop's timers. Equal questions are
 * one task; resolver_turn() drains the queue of tasks that have something to
 * do, and nothing calls back into a running task.
 */
#ifndef HITHER_RESOLVE_H
#define HITHER_RESOLVE_H

#include <hither/cache.h>
#include <hither/dns.h>
#include <hither/dnssec.h>
#include <hither/net.h>
#include <hither/servers.h>
#include <hither/upstream.h>

enum qmin { QMIN_OFF, QMIN_RELAXED, QMIN_STRICT };

/* A zone whose servers are configured: stub (iterate) or forward (recurse). */
struct resolver_zone {
	const uint8_t *name;
	const struct addr *servers;
	size_t server_count; /* 1..SERVERS_SET_MAX */
	bool forward;
	bool first; /* when they all fail, iterate as if it were not here */
	bool tcp;   /* asked by TCP only */
};

struct resolver_opts {
	/* the world */
	const struct wire_ops *wire;
	void *wire_self;
	struct timers *timers;
	struct rng *rng;
	struct cache *cache;
	struct servers *servers;
	/* where to begin; borrowed, must outlive the resolver */
	struct rrset *const *hints;
	size_t hint_count;
	const struct resolver_zone *zones;
	size_t zone_count;
	const struct prefix *do_not_query;
	size_t do_not_query_count;
	/*
	 * Questions a second for one zone, of all who share the throttle. Not
	 * for the root, names of one label, configured zones, and these.
	 */
	struct throttle *zone_throttle; /* NULL: no bound */
	struct throttle_rate zone_rate;
	const uint8_t *const *zones_spared; /* with all below them */
	size_t zones_spared_count;
	/* budgets of one client question, spent by it and all it causes */
	uint32_t messages_max;	  /* 50 */
	uint32_t bytes_max;	  /* 128 KiB */
	uint32_t time_max_ms;	  /* 6000 */
	uint32_t aliases_max;	  /* 11: twelve names are asked for */
	uint32_t depth_max;	  /* 6: children of children */
	uint32_t steps_max;	  /* 2000: stages run */
	uint32_t checks_max;	  /* 16 signatures that are not good, */
	uint32_t good_checks_max; /* 48 that are */
	uint32_t checks_us_max;	  /* 3520: what those may cost, and these; */
	uint32_t good_checks_us_max; /* 20000; 0: no bound */
	uint32_t hashes_max;	  /* 64 names hashed for NSEC3 */
	size_t arena_max;	  /* 512 KiB a task */
	size_t tasks_max;	  /* 20000 */
	/* seconds */
	uint32_t ttl_min_s, ttl_max_s, negative_ttl_max_s;
	uint32_t failure_first_s, failure_max_s;
	/* RFC 8767: told after stale_client_ms, or when all else failed. */
	uint32_t stale_max_s; /* past its TTL at most; 0: never */
	uint32_t stale_client_ms, stale_ttl_s;
	/*
	 * What is asked for in the last part of its life is asked anew: the
	 * last prefetch_percent, or longer where it took long; 0: never.
	 */
	uint32_t prefetch_percent;
	/* what is believed; NULL: nothing is validated. Outlives us. */
	const struct anchors *anchors;
	struct dnssec_policy dnssec;
	uint16_t port;		  /* destination port: 53 */
	uint16_t udp_size;	  /* told to servers; 0: EDNS_UDP_SIZE */
	enum qmin qmin;
	bool mix_case, ip4, ip6, ask_nsid, cookies;
	bool prime;		  /* RFC 9609 */
	bool aggressive;	  /* deny out of proven spans: RFC 8198 */
	bool sentinel;		  /* RFC 8509 */
};

struct resolver;
struct resolver *resolver_new(const struct resolver_opts *o) MUST_USE;
void resolver_free(struct resolver *rs); /* unfinished: done is not called */

struct resolver_question {
	const uint8_t *qname;
	uint64_t name_hash; /* cache_name_hash() of qname, or 0 */
	uint16_t qtype;
	bool dnssec_ok;
	bool checking_disabled;
	bool cache_only; /* RD=0: what is in the cache, or SERVFAIL */
	bool cold;	 /* do not read the cache (trace --cold) */
	bool trace;	 /* keep steps for `steps` */
};

/* One line of a task's story. */
struct step {
	uint64_t at_us;	   /* since the question came */
	const char *stage; /* static */
	const char *why;   /* in the task's arena */
	unsigned depth;	   /* 0: the question itself, 1: a helper's, ... */
	uint32_t task;	   /* whose step it was: equal for those of one */
};
struct outcome {
	const struct answer *answer;
	const struct step *steps; /* when asked for */
	size_t step_count;
	uint64_t took_us;
	uint32_t messages;	  /* sent for it, children too */
	uint32_t checks;	  /* of signatures, likewise */
	uint32_t generation;	  /* answers_generation() at its begin */
	uint64_t expires_ms;	  /* until when the answer may be packed; 0: not */
	uint64_t refresh_ms;	  /* from when to ask anew all the same; 0: never */
	bool from_cache;
};
/* The outcome and all in it die when done returns. */
typedef void (*resolver_done)(void *user, const struct outcome *o);

/*
 * Asks; done is called from resolver_turn(), once. 0: tasks_max reached or
 * no memory. The id is for resolver_cancel(), after which done is not called
 * (the work goes on and fills the cache).
 */
uint64_t resolver_ask(struct resolver *rs, const struct resolver_question *q,
    resolver_done done, void *user);
void resolver_cancel(struct resolver *rs, uint64_t id);
/* Runs every task that is ready, until none is. */
void resolver_turn(struct resolver *rs);
/* The same for at most this many tasks; false: others are still ready. */
bool resolver_turn_some(struct resolver *rs, size_t most);

#define DNSSEC_REASONS	  13 /* EDE 0 to 12 */
#define DNSSEC_ALGORITHMS 17 /* 0 to 16 */
struct resolver_counts {
	uint64_t asked, joined, answered, failed, stale, prefetched;
	uint64_t fetched; /* addresses of name servers, in the background */
	uint64_t told_from_cache, told_resolved; /* questions of clients */
	uint64_t limit_messages, limit_bytes, limit_time, limit_aliases,
	    limit_depth, limit_steps, limit_memory, limit_tasks, limit_zone,
	    limit_server, limit_checks;
	uint64_t verdicts[VERDICT_BOGUS + 1]; /* of answered questions */
	uint64_t bogus[DNSSEC_REASONS];	      /* by EDE: 0 is any other */
	uint64_t dnssec_checks[DNSSEC_ALGORITHMS]; /* by number */
	uint64_t spans_used;		      /* denials made of spans */
	size_t tasks;
	struct upstream_counts upstream;
};
void resolver_count(const struct resolver *rs, struct resolver_counts *out);

/* The addresses this resolver would choose among for a zone, for `servers`. */
struct resolver_server {
	struct addr address;
	struct name server; /* its name */
};
size_t resolver_zone_servers(struct resolver *rs, const uint8_t *zone,
    struct name *closest, struct resolver_server *out, size_t max);

/* The stage table for ARCHITECTURE.md: "from-cache -> find-zone follow". */
size_t resolver_stage_lines(char *buf, size_t size);

#endif
