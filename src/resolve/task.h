/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * task.h - one question being resolved, and what stands around it.
 *
 * Private to the room. A task is a function of what it has recorded here, of
 * the caches and of now: running a stage twice changes nothing twice.
 */
#ifndef HITHER_RESOLVE_TASK_H
#define HITHER_RESOLVE_TASK_H

#include <hither/resolve.h>

#include "delegation.h"
#include "minimise.h"
#include "reply.h"
#include "validate.h"

enum stage {
	FROM_CACHE, FIND_ZONE, PICK_SERVER, ASK, READ_REPLY, VALIDATE, STORE,
	FOLLOW, DONE, WAIT
};

#define FLIGHTS_MAX 16u /* sends for one upstream question, at most */
#define CHAIN_MAX   40u /* aliases, DNAMEs and the final set */
#define STEPS_KEPT  256u
#define AUTHORITY_MAX 32u /* SOA and proofs of an answer */
#define TURN_US 2000 /* of signature checks in one turn of the loop */

/* One send of the present upstream question. */
struct flight {
	uint64_t sent_us;
	uint64_t key; /* servers_key() of the address */
	uint32_t exchange;
	uint32_t hedge_us, rto_us;
	size_t server; /* index in the delegation */
	bool tcp, edns;
	bool shadow;   /* a copy: it may answer, but nobody waits for it */
	bool blind;    /* nothing was known: see servers_overtake() */
	bool over;     /* judged: nothing more to hope from it */
};

/* A decision to send, recorded so that a rerun does not draw it again. */
struct pick {
	size_t server, shadow;
	uint64_t key, shadow_key; /* servers_key() of them */
	uint32_t hedge_us, rto_us, shadow_rto_us;
	bool made, tcp, edns, ask_site, blind;
	const char *why, *shadow_why; /* static */
};

/* What one client question may cost, with all that it causes. */
struct budget {
	uint64_t deadline_us;
	uint32_t messages, bytes; /* spent so far */
	struct dnssec_work work;
};

struct client {
	struct client *next;
	resolver_done done;
	void *user;
	uint32_t number;
};

/* parent waits for child to find addresses of one of its name servers. */
struct edge {
	struct task *parent, *child;
	struct edge *next_waiter; /* of child: oldest first */
	struct edge *next_child;  /* of parent */
	struct delegation *into;  /* the parent's, when it asked */
	size_t server_name;	  /* index in it */
};

/*
 * What a helper for the chain of trust ended with, for the case that nothing
 * was learnt of its zone. More than one: a question that was told of the DS
 * and then of the keys would else ask for them in turn for ever.
 */
#define BROKEN_MAX 4u
struct broken {
	struct name zone;
	const char *why;
	enum ede ede;
	uint16_t type;
};

struct task {
	/* written when it begins */
	struct resolver *rs;
	struct task *next_same_hash, *next_ready;
	struct arena *arena;
	uint64_t hash, began_us;
	uint32_t slot, number;
	uint32_t generation;
	unsigned depth;
	unsigned above; /* > 0: ask a zone of fewer labels than this */
	uint16_t qtype;
	bool cache_only, cold, trace, for_server, priming, for_trust;
	bool checking_disabled;
	bool refresh; /* memory does not answer the question itself */
	uint64_t began_ms; /* by the TTL clock */

	/* written by the driver */
	enum stage stage;
	uint32_t steps_run;
	struct glance *glance; /* of sname, or NULL */
	struct step *steps;
	size_t step_count;
	struct budget budget;
	bool owns_budget, is_ready, ended;
	bool in_background; /* fetches an address nobody waits for */
	bool in_zone_quota;
	uint32_t zone_bucket;
	struct timer timer, stale_timer;
	struct task *deadline_before, *deadline_after; /* budget.c */
	bool waits_for_deadline;
	uint64_t stale_at_us; /* tell clients stale data from then; 0: none */
	struct client *clients;
	struct edge *waiters, *children;

	/* written by the stages */
	unsigned aliases, referrals;
	bool on_our_own;  /* the configured servers failed: iterating */
	const uint8_t *told_by; /* whose servers named sname by an alias */
	size_t chain_count;
	struct delegation *zone;
	struct minimise minimise;
	const uint8_t *ask_name; /* in the arena, spelt like sname */
	uint16_t ask_type;
	bool question_made;
	size_t flight_count;
	struct pick pick;
	uint64_t pick_again_us; /* nobody could be picked: not before this */
	uint64_t held_since_us; /* for what others find out; 0: not begun */
	bool holds;		/* now: the timer runs */
	unsigned round;
	bool saw_recursive, saw_empty, ask_recursively, crowded_out;
	bool has_stale; /* expired data that might be told (RFC 8767) */
	bool reading_stale; /* memory reaches back to what has expired */
	struct flight *reading;
	bool from_cache;	/* nothing was sent */
	uint64_t expires_ms, refresh_ms;
	struct answer answer;
	const char *last_trouble;
	enum ede last_ede;
	enum verdict verdict; /* of the chain so far */
	enum ede note_ede;    /* why it is not secure */
	const char *note_why;
	size_t authority_count;
	struct rrset *aside[PROOFS_MAX]; /* proofs beside aliases */
	size_t aside_count;
	unsigned bogus_tries;
	bool distrusts_memory; /* what it said was bogus */
	bool is_refused;       /* validation found it bogus */
	unsigned broken_count; /* helpers for the chain of trust that ended */
	struct broken *broken; /* the last BROKEN_MAX; NULL: none */

	/*
	 * Not cleared when it begins: each is written before it is read, or
	 * has its count above. (Clearing cost 1,700 instructions a miss.)
	 */
	struct reply reply; /* reply_begin() */
	struct name question;
	struct name sname;	/* the name we are at: aliases move it */
	struct rrset *chain[CHAIN_MAX]; /* answer section so far */
	struct flight flights[FLIGHTS_MAX];
	struct rrset *authority[AUTHORITY_MAX];
};

#define TASK_BUCKETS  4096u
#define QUOTA_BUCKETS 8192u

/* With ASan none is kept, so that use after a task's end is seen. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_ARENAS 0u
#else
#define SPARE_ARENAS 256u
#endif

struct resolver {
	struct resolver_opts o;
	struct upstream *upstream;
	struct task **slots;
	uint32_t *free_slots;
	size_t free_count;
	struct task *buckets[TASK_BUCKETS];
	uint32_t zone_loads[QUOTA_BUCKETS], server_loads[QUOTA_BUCKETS];
	struct task *ready_head, *ready_tail;
	struct resolver_counts counts;
	struct delegation *root;	/* from the hints */
	struct arena *arena;
	struct arena *spare[SPARE_ARENAS + 1]; /* of tasks that ended */
	size_t spare_count;
	struct client *spare_clients;
	size_t spare_client_count;
	struct task *deadline_first, *deadline_last; /* budget.c */
	struct timer deadline;
	size_t background; /* tasks in the background: hosts.c */
	size_t refreshes;  /* tasks that memory does not answer */
	uint64_t primed_until_ms, prime_again_us;
	uint64_t heard_us; /* when any server answered last */
	uint32_t next_number;
	struct trust_table *trust;
	struct key_store *key_store;
	struct spans *spans;
	int64_t turn_us; /* left for signature checks in this turn */
	/*
	 * Clocks of the seam, read when a task begins to run and when somebody
	 * asks: nothing that runs then waits. (700 instructions a miss went
	 * into asking the loop two dozen times.)
	 */
	uint64_t now_us, ttl_ms;
};

/* task.c: beginning, joining, waking and ending */
struct task_key {
	const uint8_t *qname;
	unsigned above;
	uint16_t qtype;
	bool cache_only, cold, trace, for_server, priming, for_trust;
	bool checking_disabled, refresh;
	uint64_t name_hash; /* cache_name_hash() of qname, or 0 */
};
/* task.c: memory of clients, of which some is kept */
struct client *client_new(struct resolver *rs);
void client_free(struct resolver *rs, struct client *c);
void clients_drop(struct resolver *rs); /* what is kept */
struct task *task_find_or_begin(
    struct resolver *rs, const struct task_key *k, unsigned depth);
/* The running one, or NULL. */
struct task *task_find(struct resolver *rs, const struct task_key *k);
void task_ready(struct task *t);
void task_free(struct task *t);
struct task *task_payer(struct task *t); /* NULL: nobody */
struct budget *task_budget(struct task *t); /* the payer's */
uint16_t task_cost_ms(const struct task *t);
void task_tell_clients(struct task *t, const struct answer *a);
void task_end(struct task *t);

/*
 * edges.c: who waits for whom. ERR_EXISTS: it waits for that helper of the
 * chain of trust already.
 */
enum err task_depend(struct task *parent, const struct task_key *k,
    size_t server_name) MUST_USE;
void edges_deliver(struct task *child);
void edges_drop_children(struct task *parent);

/* zones.c */
uint32_t trust_generation(const struct task *t);
bool zone_is_signed(const struct task *t); /* the one that is asked */

/* trace.c */
void task_note_down(struct task *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Its arguments are made for who asked for the story, and only then. */
#define task_note(t, ...) \
	((t)->trace ? task_note_down((t), __VA_ARGS__) : (void)0)
void task_note_reply(struct task *t, const struct exchange *x);
void task_adopt_steps(struct task *parent, const struct task *child);

/* resolve.c */
void task_run(struct task *t);
enum stage task_fail(struct task *t, enum ede ede, const char *why);

/* send.c: flights */
bool flights_send_pick(struct task *t);
struct flight *flights_answered(struct task *t);
bool flights_settle(struct task *t);
size_t flights_live(const struct task *t);
bool flights_want_another(struct task *t);
bool flights_may_repeat(const struct task *t);
bool flights_may_send(const struct task *t);
bool flights_newest_waits(struct task *t);
void flights_leave(struct task *t);
void task_begin_question(struct task *t);

/* budget.c: what was spent, and the end that comes of it */
enum limit {
	LIMIT_NONE,
	LIMIT_TIME,
	LIMIT_MESSAGES,
	LIMIT_BYTES,
	LIMIT_CHECKS,
	LIMIT_STEPS,
	LIMIT_MEMORY
};

/* Asked before each stage, and hardly ever true. */
static inline enum limit
budget_spent(const struct task *t, const struct budget *b)
{
	const struct resolver_opts *o = &t->rs->o;

	if (t->rs->now_us >= b->deadline_us)
		return LIMIT_TIME;
	if (b->messages >= o->messages_max && t->stage == PICK_SERVER)
		return LIMIT_MESSAGES;
	if (b->bytes > o->bytes_max)
		return LIMIT_BYTES;
	if (b->work.over)
		return LIMIT_CHECKS;
	if (t->steps_run > o->steps_max)
		return LIMIT_STEPS;
	return arena_over(t->arena) ? LIMIT_MEMORY : LIMIT_NONE;
}
enum stage budget_end(struct task *t, enum limit which);
void task_give_budget(struct task *t);
void budget_forget_deadline(struct task *t);

/* glance.c: a name as memory sees it */
struct seen {
	const struct records_seen *at; /* [n]: its last n labels */
	struct records_seen above; /* all kinds there are of [1..labels - 1] */
	unsigned labels;
};
const struct seen *glance(struct task *t, const uint8_t *name);
/* The name we are at, for as long as the task lives: sname moves on. */
const uint8_t *glance_name(struct task *t);
/* cache_name_hash() of a name, if it was seen with where we are; or 0. */
uint64_t glance_hash(const struct task *t, const uint8_t *name);
void glance_over(struct task *t); /* look again: something may have come */

/* known.c: what memory says */
bool known_shortened(struct task *t);
bool known_fact(struct task *t, struct record *r);
bool known_host(struct task *t, const uint8_t *host, uint16_t type,
    struct record *r);
bool known_alive(struct task *t);
void known_follow(struct task *t, const struct record *r);
struct delegation *known_zone(struct task *t, const uint8_t *name);
void known_prime_root(struct task *t);

/* stale.c: what is past its time (RFC 8767) */
void stale_expect(struct task *t);
void stale_serve(struct task *t);
bool stale_answer(struct task *t, struct answer *out);

/* prefetch.c: what will soon be past its time */
uint64_t refresh_due_ms(const struct resolver *rs, uint64_t expires_ms,
    uint64_t life_ms, uint32_t cost_ms);
void prefetch_begin(struct task *t);
void prefetch_maybe(struct task *t, const struct record *r);

/* pick.c: whom to ask */
bool pick_nearest(struct task *t);
bool pick_may_overtake(struct task *t, uint64_t waited_us);
void pick_lookups(struct task *t);
void confirm_no_edns(struct task *t);
enum stage reject_reply(struct task *t);
enum stage reject_bogus(struct task *t, enum ede ede);

/* validate.c */
enum stage validate(struct task *t);
bool validation_wanted(const struct task *t);
enum stage judge_known(struct task *t); /* what memory said */
/* NSEC and NSEC3 sets that belong to a denial or to a wildcard. */
void reply_collect_proofs(struct reply *r);

/* hosts.c: addresses of names that came without */
void hosts_recall(struct task *t);
void hosts_fetch(struct task *t);

/* resort.c: when nobody is left */
bool pick_last_resort(struct task *t);

/* quota.c: how many wait for one zone and for one address */
bool quota_enter_zone(struct task *t) MUST_USE; /* leaves the one before */
void quota_leave_zone(struct task *t);
bool quota_server_full(struct task *t, size_t server, uint64_t key);
void quota_enter_server(struct task *t, const struct flight *f);
void quota_leave_server(struct task *t, const struct flight *f);

/* resolver.c */
void resolver_read_clocks(struct resolver *rs);
struct delegation_rules resolver_rules(const struct resolver *rs);

/* store.c: the one gate into the cache */
void store_reply(struct task *t);
void store_put(struct task *t, struct record *r, uint32_t ttl_s);

/* store_signed.c: what signed zones add to it */
size_t store_with_proofs(const struct task *t, struct rrset *first,
    struct rrset **out, uint32_t *ttl);
void store_judged(struct task *t);
void store_ds(struct task *t, const uint8_t *zone);

/* failures.c: RFC 9520 */
enum stage known_failure(struct task *t, const struct record *r);
bool failed_lately(struct task *t, struct record *r);
bool host_failed_lately(
    const struct task *t, const uint8_t *host, uint16_t type);
void store_failure(struct task *t, enum ede ede);
bool zone_is_down(struct task *t);
void store_zone_down(struct task *t);
void zone_was_heard(struct task *t);

/* finish.c: what the client gets */
void answer_negative(struct task *t, uint8_t rcode);
void answer_positive(struct task *t);
bool answer_referral(struct task *t);
void answer_proofs(struct task *t);
bool chain_add(struct task *t, struct rrset *set);

#endif
