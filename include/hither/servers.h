/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * servers.h - what we have learned about authoritative servers, and which of
 * them to ask.
 *
 * One entry per address, shared by all zones and workers. Entries are
 * advice: losing one costs a slower query, never a wrong answer. What is
 * true only of a zone at an address (lame, refusing) is kept per (address,
 * zone). Thread-safe; locks are per shard and never held long.
 */
#ifndef HITHER_SERVERS_H
#define HITHER_SERVERS_H

#include <hither/dns.h>

#define SERVERS_UNKNOWN_RTO_US 250000u	/* address never heard from */
#define SERVERS_RTO_MAX_US     3000000u
#define SERVERS_SET_MAX	       64u	/* addresses considered of a zone */

struct servers;
struct servers_opts {
	size_t max_entries;    /* > 0; the least used makes room */
	int32_t v4_bias_us;    /* added to every IPv4 estimate */
	uint32_t budget_permille; /* scales shadow probes; 0: none. Hedges too */
	bool random_policy;    /* uniform among live ones, nothing learnt used */
};
struct servers *servers_new(const struct servers_opts *o) MUST_USE;
void servers_free(struct servers *sv);

/* --- learning --------------------------------------------------------- */

/* One reply to the packet that was sent. nsid may be NULL. */
struct servers_sample {
	const struct addr *address;
	const uint8_t *nsid;
	size_t nsid_len;
	uint32_t rtt_us;
	bool tcp;	/* kept apart: a handshake is in it */
	bool edns_seen;	/* the reply carried an OPT */
};
void servers_answered(struct servers *sv, const struct servers_sample *s,
    uint64_t now_us);
/* No reply by its RTO to a question for qname (one count per name). */
void servers_silent(struct servers *sv, const struct addr *a,
    const uint8_t *qname, uint64_t now_us);

enum server_fault { FAULT_LAME, FAULT_REFUSED, FAULT_SERVFAIL, FAULT_BAD };
/* Excludes the address for this zone for a while: near.md 1.6's times. */
void servers_fault(struct servers *sv, const struct addr *a,
    const uint8_t *zone, enum server_fault f, uint64_t now_us);

/* FORMERR or NOTIMP to EDNS: twice in agreement and it is remembered 15 min. */
void servers_edns_refused(
    struct servers *sv, const struct addr *a, uint64_t now_us);
bool servers_speaks_edns(
    struct servers *sv, const struct addr *a, uint64_t now_us);

/* --- choosing --------------------------------------------------------- */

struct servers_set {
	const struct addr *addresses;
	const bool *tried;    /* by this question already: not again */
	size_t count;	      /* <= SERVERS_SET_MAX */
	const uint8_t *zone;
};
struct servers_choice {
	size_t primary;	      /* index */
	size_t shadow;	      /* index; == count: no shadow copy */
	uint32_t hedge_us;    /* ask another at this point; 0: race at once */
	uint32_t rto_us;      /* silent after this */
	uint32_t expected_us; /* estimate; 0: never measured */
	const char *why;      /* static text for the trace */
};
/* ERR_NOT_FOUND: all tried. Spends tokens for the shadow copy it names. */
enum err servers_choose(struct servers *sv, const struct servers_set *set,
    struct rng *rng, uint64_t now_us, struct servers_choice *out) MUST_USE;
/* May a hedge leave now? Takes the token when true. */
bool servers_may_hedge(struct servers *sv, const struct addr *primary);

/* --- looking ---------------------------------------------------------- */

enum server_state { SERVER_UNKNOWN, SERVER_GOOD, SERVER_DEAD };
struct server_view {
	struct addr address;
	char site[65];	    /* printable NSID, "" when not known */
	uint64_t queries, silences;
	uint64_t age_us;    /* since the last reply; UINT64_MAX: never */
	uint64_t probe_in_us; /* dead: when it is probed next */
	uint32_t est_us, dev_us, rto_us;
	uint32_t loss_permille;
	uint32_t regime_changes, site_changes;
	enum server_state state;
	bool speaks_edns, lame; /* lame: for the zone asked about */
};
/* False when nothing is known of it. zone may be NULL. */
bool servers_look(struct servers *sv, const struct addr *a,
    const uint8_t *zone, uint64_t now_us, struct server_view *out);
size_t servers_known(const struct servers *sv);
size_t servers_forget(struct servers *sv); /* all; returns how many */

#endif
