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
	uint32_t tail_permille; /* of (p95 - mean) added to what it costs */
	bool random_policy;    /* uniform among live ones, nothing learnt used */
};
struct servers *servers_new(const struct servers_opts *o) MUST_USE;
void servers_free(struct servers *sv);

/*
 * The keyed hash of an address. Who tells of it or asks after it more than
 * once carries it along, as each costs 130 instructions. Where a key is asked
 * for, 0 stands for one that is not at hand.
 */
uint64_t servers_key(const struct servers *sv, const struct addr *a);

/* --- learning --------------------------------------------------------- */

/* One reply to the packet that was sent. nsid may be NULL. */
struct servers_sample {
	const struct addr *address;
	uint64_t key;	/* servers_key() of it, or 0 */
	const uint8_t *nsid;
	size_t nsid_len;
	uint32_t rtt_us;
	bool tcp;	/* kept apart: a handshake is in it */
	bool edns_seen;	/* the reply carried an OPT */
	bool truncated; /* TC: the answer takes TCP */
	bool landed;	/* this ends the exchange: servers_landed() as well */
};
void servers_answered(struct servers *sv, const struct servers_sample *s,
    uint64_t now_us);
/* No reply by its RTO to a question for qname (one count per name). */
void servers_silent(struct servers *sv, const struct addr *a,
    const uint8_t *qname, uint64_t now_us);

/*
 * A packet leaves for it, and its exchange is over, however it ended: for
 * the bound on what may be under way to one address at once.
 */
void servers_sent(struct servers *sv, const struct addr *a, uint64_t key,
    uint64_t now_us);
void servers_landed(struct servers *sv, const struct addr *a, uint64_t key);
/*
 * Somebody else may be answering in its place: for a minute no copies, hedges
 * and races in sets it is of, since each is one more chance for a forger.
 */
enum server_doubt {
	DOUBT_FORGED, /* replies with a wrong id come */
	DOUBT_COOKIE, /* one came without the cookie it owed, or with a wrong
			 one (RFC 7873 section 5.3) */
};
void servers_spoofed(struct servers *sv, const struct addr *a,
    enum server_doubt why, uint64_t now_us);

enum server_fault { FAULT_LAME, FAULT_REFUSED, FAULT_SERVFAIL, FAULT_BAD };
/*
 * Excludes the address for this zone for a while: 1, 4, 15 minutes (SERVFAIL:
 * 5 s doubling to one). When they are over it is on probation: a shadow copy
 * finds out how it is now, and no client waits for that unless there is
 * nobody else.
 */
void servers_fault(struct servers *sv, const struct addr *a,
    const uint8_t *zone, enum server_fault f, uint64_t now_us);
/* It answered a shadow copy for this zone as it should. */
void servers_fault_over(
    struct servers *sv, const struct addr *a, const uint8_t *zone);

/*
 * FORMERR or NOTIMP to EDNS and an answer without it: twice in agreement and
 * it is remembered for 15 minutes.
 */
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
	const uint8_t *qname; /* who was silent on it waits; may be NULL */
	/* The server's name of each, for what its operator's others are like. */
	const uint8_t *const *names; /* may be NULL */
	uint64_t waited_us; /* for what others find out; 0: not yet */
};
struct servers_choice {
	size_t primary;	      /* index */
	size_t shadow;	      /* index; == count: no shadow copy */
	uint64_t key, shadow_key; /* servers_key() of them */
	uint32_t hedge_us;    /* ask another at this point; 0: race at once */
	uint32_t rto_us;      /* silent after this */
	uint32_t shadow_rto_us;
	uint32_t expected_us; /* estimate; 0: never measured */
	bool ask_site;	      /* its NSID is wanted (a shadow copy's always) */
	bool speaks_edns;     /* the primary: servers_speaks_edns() */
	bool blind;	      /* nothing known: see servers_overtake() */
	bool wait;	      /* with ERR_LIMIT: ask again in a moment */
	const char *why;      /* static text for the trace */
	const char *shadow_why; /* likewise; "" without a copy */
};
/*
 * Spends tokens for the shadow copy it names. ERR_NOT_FOUND: all were tried.
 * ERR_LIMIT: all are dead and enough goes to them already, or other questions
 * have just asked every address of an unknown set. With `wait` it pays to ask
 * again in a few milliseconds; not without.
 */
enum err servers_choose(struct servers *sv, const struct servers_set *set,
    struct rng *rng, uint64_t now_us, struct servers_choice *out) MUST_USE;
/*
 * Does servers_choose() itself bound what goes to a set that is all dead? Not
 * without a budget: then whoever asks must hold back.
 */
bool servers_spare_dead(const struct servers *sv);
/* May a hedge leave now? Takes the token when true. */
bool servers_may_hedge(struct servers *sv, const struct addr *primary);
/*
 * For a question that went blindly to an unknown address waited_us ago: has
 * somebody else's question shown meanwhile that another of the set is so near
 * that asking it now is the better bet, or should one more unknown one join
 * the race? Takes from the cold budget when true.
 */
bool servers_overtake(struct servers *sv, const struct servers_set *set,
    uint64_t waited_us, uint64_t now_us);

/* --- looking ---------------------------------------------------------- */

enum server_state {
	SERVER_UNKNOWN, SERVER_GOOD, SERVER_DEAD, SERVER_STATES
};
struct server_view {
	struct addr address;
	char site[65];	    /* printable NSID, "" when not known */
	uint64_t queries, silences;
	double chosen;	    /* times it was the one asked, fading: 15 min */
	uint64_t age_us;    /* since the last reply; UINT64_MAX: never */
	uint64_t probe_in_us; /* dead: when it is probed next */
	uint32_t est_us, dev_us, rto_us;
	uint32_t loss_permille;
	uint32_t regime_changes, site_changes;
	enum server_state state;
	bool speaks_edns;
	bool lame, probation; /* for the zone asked about */
};
/* False when nothing is known of it. zone may be NULL. */
bool servers_look(struct servers *sv, const struct addr *a,
    const uint8_t *zone, uint64_t now_us, struct server_view *out);
/* Where the next question would go, and why; draws and spends nothing. */
struct server_outlook {
	double cost_us;	   /* what a client would wait; < 0: not known */
	const char *state; /* "best", "tied", "far", "dead", ...; static */
	const char *why;   /* static */
};
/* out[set->count]; returns the index of the best, or set->count. */
size_t servers_foresee(struct servers *sv, const struct servers_set *set,
    uint64_t now_us, struct server_outlook *out);

/* Sites that identified themselves, nearest first, over all addresses. */
struct server_site {
	char site[65];
	uint32_t est_us; /* of the nearest of its addresses */
	uint32_t addresses;
	struct addr address; /* the nearest */
	uint64_t age_us;     /* since that one's last reply */
};
size_t servers_sites(struct servers *sv, uint64_t now_us,
    struct server_site *out, size_t max);
/* An address whose catchment moved, as its NSID tells; newest first. */
struct server_move {
	struct addr address;
	char from[65], to[65];
	uint32_t est_from_us, est_to_us;
	uint64_t at_us; /* as now_us was when it was seen */
};
#define SERVERS_MOVES_MAX 32u
size_t servers_moves(
    struct servers *sv, struct server_move *out, size_t max);

/* Why questions, copies and second tries went where; never reset. */
enum server_decision {
	CHOSE_NEAREST, CHOSE_TIED, CHOSE_NEXT, CHOSE_UNKNOWN, CHOSE_DEAD,
	CHOSE_FAULTY, CHOSE_AT_RANDOM, CHOSE_NOBODY, RACED_COLD, RACED_DOUBTED,
	HEDGED, OVERTOOK, COPIED_UNKNOWN, COPIED_CONFIRM, COPIED_DEAD,
	COPIED_PROBATION, COPIED_EVENT, COPIED_OLD, HELD_SPOOFED,
	HELD_COOKIE, HELD_RATE,
	DECISIONS
};
struct servers_counts {
	uint64_t decisions[DECISIONS];
	uint64_t deaths, revivals, regimes, moves;
};
void servers_count(const struct servers *sv, struct servers_counts *out);
const char *server_decision_text(enum server_decision d); /* "nearest" */

size_t servers_known(const struct servers *sv);
/* How many are in each state. Walks through all of them. */
void servers_states(struct servers *sv, size_t out[SERVER_STATES]);
const char *servers_policy(const struct servers *sv); /* "near", "random" */
size_t servers_forget(struct servers *sv); /* all; returns how many */

/* --- over a restart --------------------------------------------------- */

/*
 * Writes what is known to a file beside `path` and moves it there. Of each
 * address: estimate, deviation, loss, site, age; some 24 octets and the site.
 */
enum err servers_save(struct servers *sv, const char *path, uint64_t now_us,
    uint64_t now_s) MUST_USE;
/*
 * Reads it back: each address stands for four samples of long ago.
 * ERR_NOT_FOUND: no such file. ERR_FORMAT: damaged, or not ours; nothing was
 * taken from it.
 */
enum err servers_load(struct servers *sv, const char *path, uint64_t now_us,
    uint64_t now_s) MUST_USE;

#endif
