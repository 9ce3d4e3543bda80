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
#define EDNS_OFF_US  (900u * (uint64_t)SECOND)

/* One address. All of it is under its shard's lock. */
struct peer {
	struct addr addr;
	uint32_t chain; /* next in the bucket: slot + 1; 0: last */
	uint8_t heat;   /* CLOCK: how lately it was of use */

	/* What was measured, oldest first. */
	uint32_t history[HISTORY_MAX]; /* whatever the regime */
	uint32_t regime[REGIME_MAX];   /* since the path last changed */
	uint8_t history_len, regime_len;

	/* Recomputed from it on each sample. */
	uint32_t est, dev, best, hedge;
	uint32_t tcp_est; /* a handshake is in it; 0: none yet */

	/* Regimes. */
	double oob;    /* share of samples outside the band */
	double shifts; /* decaying count of regime changes */
	uint32_t pending;
	uint8_t pending_run; /* 0: no candidate */
	uint8_t unstable;    /* samples left in unstable mode */
	uint8_t confirm;     /* shadow probes wanted to make sure */
	uint64_t site;       /* hash of the NSID; 0: none */
	char site_text[65];

	/* Liveness. */
	double loss;
	uint8_t unanswered; /* since the last reply */
	uint8_t doubted;    /* silences not yet counted as loss */
	uint8_t charged;    /* counted, but a late reply takes one back */
	bool dead, probing;
	uint32_t silent_names[NAMES_SILENT];
	uint64_t silent_until[NAMES_SILENT];
	uint64_t answered_us; /* last reply; 0: never */
	uint64_t dead_us, probe_at_us, probe_every;
	uint64_t probing_us; /* when the shadow copy under way left */

	/* Tokens, spent while this one is the primary. */
	double hedge_tokens, explore_tokens, dead_tokens;
	uint64_t primary_us; /* when it was chosen last */
	double gap;          /* between choices, smoothed */

	/* EDNS. */
	uint8_t edns_refusals;
	uint64_t edns_off_until;

	/* Counts. */
	uint64_t samples, queries, silences;
	uint32_t regime_changes, site_changes;
};

/* learn.c: the estimator; pure but for the peer it is given. */
void peer_start(struct peer *p, const struct addr *a);
void peer_sample(struct peer *p, uint32_t rtt, uint64_t site);
/* True: it has just died of it. */
bool peer_silence(struct peer *p, uint32_t name, uint64_t now_us);
uint32_t peer_rto(const struct peer *p);
unsigned peer_deadly(const struct peer *p); /* silences that mean death */

/* faults.c: what is true of one zone at one address. */
struct faults;
struct faults *faults_new(size_t max_entries) MUST_USE;
void faults_free(struct faults *f);
void faults_forget(struct faults *f);
void faults_note(struct faults *f, uint64_t id, enum server_fault fault,
    uint64_t now_us);
/* 0: none now; else when it was marked last (at least 1). */
uint64_t faults_marked(struct faults *f, uint64_t id, uint64_t now_us);

/* families.c: is a whole address family out of order? */
struct families;
struct families *families_new(void) MUST_USE;
void families_free(struct families *f);
void families_forget(struct families *f);
void families_answered(struct families *f, const struct addr *a,
    uint64_t now_us);
void families_died(struct families *f, const struct addr *a);
/* Unknown addresses of this family are to be taken for dead. */
bool families_guarded(struct families *f, uint8_t family);
/* May one of them be tried now? One in 30 s. Takes the turn when true. */
bool families_retest(struct families *f, uint8_t family, uint64_t now_us);
uint64_t addr_network(const struct addr *a); /* /24 or /48, with family */

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
	struct shard *shards;
	size_t shard_count;
	/* Cold start: what was sent twice, of all questions lately. */
	pthread_mutex_t cold_lock;
	double cold_all, cold_extra;
	uint64_t cold_since_us, cold_first_us;
};

/* peers.c. The peer is locked until servers_release(); hold only one. */
struct peer *servers_hold(struct servers *sv, const struct addr *a,
    struct shard **sh);
/* Makes it when there is none; NULL when memory is out. */
struct peer *servers_hold_new(struct servers *sv, const struct addr *a,
    struct shard **sh);
void servers_release(struct shard *sh);
uint64_t servers_hash(const struct servers *sv, const struct addr *a);
uint64_t fault_id(const struct servers *sv, const struct addr *a,
    uint64_t zone_hash);

/* rank.c: candidates as they stood when the choice began. */
struct cand {
	uint32_t samples[HISTORY_MAX]; /* of the regime, or all */
	double cost, loss;
	uint64_t answered_us, probe_at_us, marked_us;
	uint32_t est, best, hedge, rto;
	uint8_t sample_count, confirm;
	bool known, dead, lame, guarded, unstable, probing, racing, tried;
};
struct field {
	struct cand c[SERVERS_SET_MAX];
	const struct servers_set *set;
	size_t order[SERVERS_SET_MAX]; /* of the known live, cheapest first */
	size_t live;
	uint64_t now_us;
};
void field_read(struct field *f, struct servers *sv,
    const struct servers_set *set, uint64_t now_us);
void field_rank(struct field *f, int32_t v4_bias_us);
bool cand_live(const struct cand *c); /* and known */

/* shadow.c: which address gets a copy; the set's count: none. */
size_t shadow_pick(struct servers *sv, struct field *f, size_t primary,
    struct rng *rng);

#endif
