/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front.h - clients: a question in, an answer out.
 *
 * One front a worker. A hit is answered inside the receive batch: read in
 * place, access list, packed answer, patch, done (no task, no allocation). A
 * miss belongs to the worker that owns hash(name, type): it goes there
 * through a bounded queue, the packed answer comes back the same way, and the
 * client (id, letter case, OPT, address) stays here.
 */
#ifndef HITHER_FRONT_H
#define HITHER_FRONT_H

#include <hither/cache.h>
#include <hither/net.h>
#include <hither/policy.h>
#include <hither/resolve.h>

#define FRONT_WORKERS_MAX 256u

struct front;

/*
 * How much a network may ask; one for all workers, who share the throttle.
 * Past it, most that comes by UDP gets no answer.
 */
struct front_limits {
	struct throttle *throttle;
	struct throttle_rate questions; /* of one network */
	struct throttle_rate same;	/* of one question of one network */
	const struct prefix *exempt;
	size_t exempt_count;
	uint32_t slip; /* every how many-th is told to use TCP; 0: none */
	uint8_t bits_v4, bits_v6; /* what one network is */
};

/* The first makes cookies, both are believed: RFC 9018 section 5. */
#define COOKIE_SECRETS_MAX 2u
struct cookie_secrets {
	struct hash_key keys[COOKIE_SECRETS_MAX];
	size_t count;
};

/* What may change with a reload; snapshot-owned, borrowed by each front. */
struct front_rules {
	const struct policy *policy;
	const struct front_limits *limits; /* NULL: none */
	const uint8_t *nsid;	/* NULL: none */
	size_t nsid_len;
	bool rotate;		/* answer sets */
	bool refuse_any;	/* RFC 8482 */
	bool minimal;		/* no authority and additional unless needed */
	bool cookies;		/* RFC 7873 */
	struct cookie_secrets cookies_told; /* none: our own are used */
	bool log_servfail;	/* a line for each, with its reason */
	uint32_t ttl_max_s;
};

/* The queues between workers: one object, made before the workers. */
struct exchange_hall;
struct exchange_hall *hall_new(size_t workers) MUST_USE;
void hall_free(struct exchange_hall *h);

struct front_opts {
	struct loop *loop;
	struct cache *cache;
	struct resolver *resolver;
	struct rng *rng;
	struct exchange_hall *hall;
	size_t worker;		  /* 0..workers-1 */
	size_t clients_max;	  /* waiting questions of this worker */
	size_t clients_per_address_max; /* of these from one address: 1000 */
	struct hash_key cookie_key; /* equal in all workers */
	const struct front_rules *rules;
};
/*
 * Registers itself with the loop's after-turn hook, in which it empties its
 * queue and then calls resolver_turn(): nobody else needs to.
 */
struct front *front_new(const struct front_opts *o) MUST_USE;
/*
 * Listeners go first. Before the resolver, the loop and the hall, which it
 * still needs; with several workers, after all their threads have ended.
 */
void front_free(struct front *f);
/* The worker's own thread only. The old rules are not used after this. */
void front_set_rules(struct front *f, const struct front_rules *r);
/*
 * New questions go to this one. The one before must live, and be turned by
 * its owner, until it has no task left.
 */
void front_set_resolver(struct front *f, struct resolver *rs);

/* Shutting down: whoever still waits gets SERVFAIL, at the end of the turn. */
void front_dismiss(struct front *f);

/* Adds a listener on the worker's own thread. errno says why not. */
enum err front_listen_udp(
    struct front *f, const struct addr *a, bool first) MUST_USE;
enum err front_listen_tcp(struct front *f, const struct addr *a,
    const struct tcp_limits *limits, bool first) MUST_USE;
void front_unlisten(struct front *f, const struct addr *a);

#define FRONT_EDES 32u /* the last one: any other code */
/*
 * Every question comes to one end: udp_queries + tcp_queries = the sum of
 * rcodes + dropped + repeated + waiting + limited - limited_told.
 */
struct front_counts {
	uint64_t udp_queries, tcp_queries, dropped, refused, formerr, notimp,
	    badvers, local;
	uint64_t screened; /* private addresses taken out */
	uint64_t limited, limited_told; /* asked too much; of them, told so */
	uint64_t overdue; /* waited for too long in a full receive buffer */
	uint64_t repeated; /* came once more while it waited: one answer */
	uint64_t unsent;   /* of the answers: the system did not take them */
	uint64_t hits, misses, handed_over, hall_full, truncated;
	uint64_t udp6_queries, tcp6_queries; /* of these, by IPv6 */
	uint64_t rcodes[24];
	uint64_t edes[FRONT_EDES]; /* answers that gave a reason (RFC 8914) */
	struct histogram latency;  /* of misses */
	size_t waiting, tcp_clients;
};
/* Safe from another thread: counters are read as they are. */
void front_count(const struct front *f, struct front_counts *out);
/*
 * Questions the kernel threw away because a listener's queue was full, since
 * it listens. A system call a listener: on the worker's own thread.
 */
uint64_t front_receive_drops(const struct front *f);

#endif
