/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inner.h - what the files of servers know of each other.
 *
 * Lengths of time are microseconds everywhere in this room.
 */
#ifndef HITHER_SERVERS_INNER_H
#define HITHER_SERVERS_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include <hither/servers.h>

#define MS           1000u
#define SECOND       1000000u
#define HISTORY_MAX  32u
#define REGIME_MAX   24u
#define NAMES_SILENT 8u
#define SITES_KEPT   4u
#define SITE_TEXT    65u
#define FLYING_MAX   1000u /* under way to one address at once */
#define EDNS_OFF_US  (900u * (uint64_t)SECOND)

/* How it was at a site where it has been before. */
struct place {
	uint64_t site;
	uint32_t est, dev;
};

/* One address. All of it is under its shard's lock. */
struct peer {
	struct addr addr;
	uint32_t chain; /* next in the bucket: slot + 1; 0: last */
	uint8_t heat;   /* CLOCK: how lately it was of use */

	/* What was measured, oldest first. */
	uint32_t history[HISTORY_MAX]; /* whatever the regime */
	uint32_t regime[REGIME_MAX];   /* since the path last changed */
	uint32_t regime_sorted[REGIME_MAX]; /* the same by size */
	uint8_t history_len, regime_len;

	/* Recomputed from it on each sample. */
	uint32_t est, dev, best, hedge, rto;
	uint32_t most;    /* the longest of the samples that count now */
	uint32_t tail;    /* their 95th percentile beyond the mean */
	uint32_t tcp_est; /* a handshake is in it; 0: none yet */
	double truncated; /* share of replies by UDP that did not fit */

	/* Regimes. */
	double oob;    /* share of samples outside the band */
	double shifts; /* decaying count of regime changes */
	uint32_t pending;
	uint8_t pending_run; /* 0: no candidate */
	uint8_t unstable;    /* samples left in unstable mode */
	uint8_t confirm;     /* shadow probes wanted to make sure */
	uint8_t site_turn;   /* questions since the NSID was asked for */
	bool want_site;      /* the path changed: at which site are we? */
	uint64_t event_us;   /* death, revival, new regime; 0: none */
	uint64_t site;       /* hash of the NSID; 0: none */
	struct place places[SITES_KEPT];
	uint8_t next_place;
	char site_text[SITE_TEXT];
	uint32_t site_est; /* the estimate when it was read */

	/* Liveness. */
	double loss;        /* share that is never answered */
	double tardy;       /* share not answered within the RTO */
	uint8_t unanswered; /* since the last reply */
	uint8_t tardies;    /* the same, but not yet in `tardy` */
	uint8_t doubted;    /* silences not yet counted as loss */
	uint8_t charged;    /* counted, but a late reply takes one back */
	bool dead, probing;
	bool cookie_failed;  /* that is why it counts as spoofed */
	uint16_t flying; /* packets under way */
	uint32_t silent_names[NAMES_SILENT];
	uint64_t silent_until[NAMES_SILENT];
	uint64_t silent_last;	     /* the latest of them */
	uint64_t answered_us;	     /* last reply; 0: never */
	uint64_t asked_us;	     /* last packet to it; 0: never */
	uint64_t dead_us, probe_at_us, probe_every;
	uint64_t probing_us;	     /* when the shadow copy under way left */
	uint64_t wary_us;	     /* refuses or slips: half the tokens */
	uint64_t spoofed_us;	     /* until then no copies */

	/* Tokens, spent while this one is the primary. */
	double hedge_tokens, explore_tokens, dead_tokens;
	uint64_t primary_us; /* when it was chosen last */
	double gap;          /* between choices, smoothed */
	double chosen;       /* fading count of all choices of it */
	uint64_t chosen_us;  /* the last of them */

	/* EDNS. */
	uint8_t edns_refusals;
	uint64_t edns_off_until;

	/* Counts. */
	uint64_t samples, queries, silences;
	uint64_t operator_id; /* hash of its server name's parent; 0: none */
	uint32_t told_est;    /* to the priors, last */
	uint32_t regime_changes, site_changes;
};

/* learn.c: the estimator; pure but for the peer it is given. */
void peer_start(struct peer *p, const struct addr *a);
void peer_sample(struct peer *p, uint32_t rtt, uint64_t site, uint64_t now_us);
/* True: it has just died of it. */
bool peer_silence(struct peer *p, uint32_t name, uint64_t now_us);
bool peer_is_mute(const struct peer *p, uint32_t name, uint64_t now_us);
unsigned peer_deadly(const struct peer *p); /* silences that mean death */
/* As if it had sent four samples like these, long ago. */
void peer_suppose(struct peer *p, uint32_t est, uint32_t dev, double loss);
uint32_t rtt_rto(double est, double dev); /* without samples to hand */

/* sites.c: what it was like at sites where the address has been. */
struct place *place_of(struct peer *p, uint64_t site); /* NULL: never */
void place_keep(struct peer *p); /* the present regime, at p->site */
bool place_fits(const struct place *x, uint32_t rtt);
/* Two samples like those of then: the regime is as sure as it was. */
void place_resume(struct peer *p, const struct place *x);
/* A faster reply, just as it was at another site we know; NULL: none. */
const struct place *place_guessed(struct peer *p, uint32_t rtt);

/* faults.c: what is true of one zone at one address. */
enum fault_state { FAULT_NONE, FAULT_PROBATION, FAULT_MARKED };
struct faults;
struct faults *faults_new(size_t max_entries) MUST_USE;
void faults_free(struct faults *f);
void faults_forget(struct faults *f);
void faults_note(struct faults *f, uint64_t id, enum server_fault fault,
    uint64_t now_us);
void faults_over(struct faults *f, uint64_t id);
bool faults_any(struct faults *f); /* false: there was none ever */
/* *marked_us: when it was marked last (at least 1), unless there is none. */
enum fault_state faults_look(struct faults *f, uint64_t id, uint64_t now_us,
    uint64_t *marked_us);

/* families.c: is a whole address family out of order? */
struct families;
struct families *families_new(void) MUST_USE;
void families_free(struct families *f);
void families_forget(struct families *f);
void families_answered(struct families *f, const struct addr *a);
void families_died(struct families *f, const struct addr *a);
/* Unknown addresses of this family are to be taken for dead. */
bool families_guarded(struct families *f, uint8_t family);
/* May one of them be tried now? One in 30 s. Takes the turn when true. */
bool families_retest(struct families *f, uint8_t family, uint64_t now_us);
uint64_t addr_network(const struct addr *a); /* /24 or /48, with family */

/* rates.c: how much more may go out for one set of servers. */
struct rates;
struct rates *rates_new(void) MUST_USE;
void rates_free(struct rates *r);
enum rate { RATE_SHADOW, RATE_DEAD };
/*
 * Takes one when true, which leaves at least `reserve`. The set is named by
 * the hash of its zone.
 */
bool rates_take(struct rates *r, uint64_t set, enum rate which,
    double reserve, uint64_t now_us);
/*
 * A race of unknown addresses, of all questions lately: a tenth of them may,
 * a fifth when we are young, after a small burst.
 */
void rates_question(struct rates *r, uint64_t now_us);
bool rates_may_race(struct rates *r, double budget, uint64_t now_us);

/* priors.c: what others in the same place are like. */
struct priors;
struct priors *priors_new(void) MUST_USE;
void priors_free(struct priors *x);
void priors_forget(struct priors *x);
/* `who` has this estimate and belongs to the group (network, operator). */
void priors_note(struct priors *x, uint64_t group, uint64_t who,
    uint32_t est);
/* The median of at least two; 0: not known. */
uint32_t priors_median(struct priors *x, uint64_t group);

/* moves.c: the latest catchment changes. */
struct moves;
struct moves *moves_new(void) MUST_USE;
void moves_free(struct moves *m);
void moves_note(struct moves *m, const struct server_move *move);

struct shard {
	pthread_mutex_t lock;
	struct peer **slots;
	uint32_t *heads;   /* slot + 1 */
	size_t count, max; /* slots in use, slots there are */
	size_t head_mask;
	size_t hand;
};

struct servers {
	struct servers_opts opts;
	double budget;
	struct hash_key hash_key;
	struct faults *faults;
	struct families *families;
	struct rates *rates;
	struct priors *priors;
	struct moves *moves;
	struct shard *shards;
	size_t shard_count;
	atomic_uint_fast64_t decisions[DECISIONS];
	atomic_uint_fast64_t deaths, revivals, regimes, site_moves;
	atomic_uint_fast64_t revived_us; /* the last of them */
};

/*
 * peers.c. The peer is locked until servers_release(); hold only one. A hash
 * is its servers_key(), or 0.
 */
struct peer *servers_hold(struct servers *sv, const struct addr *a,
    struct shard **sh);
struct peer *servers_hold_hashed(struct servers *sv, const struct addr *a,
    uint64_t hash, struct shard **sh);
/* Makes it when there is none; NULL when memory is out. */
struct peer *servers_hold_new_hashed(struct servers *sv, const struct addr *a,
    uint64_t hash, struct shard **sh);
struct peer *servers_hold_new(struct servers *sv, const struct addr *a,
    struct shard **sh);
void servers_release(struct shard *sh);
uint64_t fault_id(uint64_t addr_hash, uint64_t zone_hash);
void servers_tally(struct servers *sv, enum server_decision d);

/* rank.c: candidates as they stood when the choice began. */
struct cand {
	double cost, loss, oob;
	double by_tcp; /* what its truncated replies add */
	uint64_t hash; /* of the address */
	uint64_t answered_us, asked_us, probe_at_us, marked_us, event_us;
	uint32_t est, best, hedge, rto, most, tail;
	uint8_t confirm, unanswered;
	bool known, dead, lame, probation, guarded, unstable, probing, racing;
	bool tried, mute, full, spoofed, cookie_failed, wants_site;
};
/* What a question's primary may spend on copies. */
struct tokens {
	double explore, dead;
	double patience; /* at most so long between two looks at a dead one */
};
struct field {
	struct cand c[SERVERS_SET_MAX];
	const struct servers_set *set;
	struct servers *sv;
	size_t order[SERVERS_SET_MAX]; /* of the known live, cheapest first */
	size_t live;
	uint64_t zone_hash; /* see field_zone() */
	uint64_t now_us;
	struct tokens tokens; /* when it refills */
	bool first;   /* nothing was tried yet */
	bool refills; /* the primary gets its tokens, and may be copied */
	bool spoofed; /* one of them is being forged, */
	bool by_cookie; /* as its cookie tells */
};
void field_read(struct field *f, struct servers *sv,
    const struct servers_set *set, uint64_t now_us);
void field_rank(struct field *f);
uint64_t field_zone(struct field *f); /* hashed when it is first asked for */
/* Others are asked first: silent on the name, or too much under way. */
bool cand_is_last(const struct cand *c);
bool cand_live(const struct cand *c); /* and known */
bool cand_unknown(const struct cand *c); /* and worth trying */
/* Within so much of the best they are as good as it. */
double tie_limit(double best);
struct peer *field_hold(struct field *f, size_t i, struct shard **sh);

/* unknown.c: the most promising of those wanted, or the set's count. */
size_t unknown_pick(struct field *f, const bool *wanted, struct rng *rng);
uint32_t prior_of(struct field *f, size_t i); /* 0: none */

/* shadow.c: one question more at this primary. */
void shadow_refill(struct field *f, size_t primary, struct peer *p);
/* Which address gets a copy, by the tokens it has then; the set's count: none. */
size_t shadow_pick(struct field *f, size_t primary, struct rng *rng,
    const char **why);

#endif
