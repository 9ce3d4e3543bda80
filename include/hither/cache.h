/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache.h - what was learned, for as long as its TTL allows.
 *
 * Shared by all workers. Readers never wait (RCU); writers lock one stripe.
 * Two tiers: `records` feeds the resolver, `answers` holds packed messages
 * for the hit path. Bytes are counted exactly, until they are reclaimed, and
 * never pass the bound: at the bound a writer evicts (SIEVE), and if that
 * does not help now the insertion is refused.
 *
 * Times are milliseconds of clock_boot_ms() and are always an argument.
 * Every thread that calls in here brackets its life by cache_thread_start()
 * and cache_thread_stop().
 */
#ifndef HITHER_CACHE_H
#define HITHER_CACHE_H

#include <stdio.h>

#include <hither/dns.h>

struct cache;
struct cache_opts {
	size_t records_max_bytes; /* >= 64 KiB */
	size_t answers_max_bytes; /* >= 64 KiB */
};
struct cache *cache_new(const struct cache_opts *o) MUST_USE;
void cache_free(struct cache *c); /* no thread may be inside */
void cache_thread_start(void);
void cache_thread_stop(void);
/* One read section around many look-ups; it holds up reclamation, not writers. */
void cache_read_start(void);
void cache_read_end(struct cache *c);

/*
 * The hash by which both tiers know a name, equal for its letters in any
 * case. Who carries it along spares hashing the name anew: 0 where one may be
 * given says that it is not known.
 */
uint64_t cache_name_hash(const struct cache *c, const uint8_t *name);

/* --- records ---------------------------------------------------------- */

/* Trust, lowest first: RFC 2181 section 5.4.1. */
enum rank {
	RANK_ADDITIONAL = 1, /* glue and other additional data */
	RANK_AUTHORITY,	     /* authority section of a referral */
	RANK_ANSWER,	     /* answer section, not authoritative */
	RANK_AUTH_AUTHORITY, /* authority section of an AA answer */
	RANK_AUTH_ANSWER,    /* answer section of an AA answer */
};
enum security { SECURITY_UNCHECKED, SECURITY_INSECURE, SECURITY_SECURE,
	SECURITY_BOGUS };

enum record_kind {
	RECORD_SET,	   /* sets[0] is the record set */
	RECORD_NODATA,	   /* sets: the SOA and proofs (may be empty) */
	RECORD_NXDOMAIN,   /* for every type: type in the key is 0 */
	RECORD_FAILURE,	   /* RFC 9520: ede and tries say what and how often */
	RECORD_DELEGATION, /* owner is the zone: sets[0] NS, then glue, DS */
};

#define RECORD_SETS_MAX 64u

/* One entry, as put and as got. */
struct record {
	const uint8_t *owner;
	struct rrset *const *sets; /* set_count of them, TTLs as stored */
	uint64_t stored_ms;
	uint64_t expires_ms;
	uint64_t name_hash;	   /* put: of the owner, or 0; got: 0 */
	size_t set_count;	   /* <= RECORD_SETS_MAX */
	enum record_kind kind;
	enum rank rank;
	enum security security;
	enum ede ede;		   /* failures */
	uint16_t type;		   /* 0 for NXDOMAIN; NS for delegations */
	uint16_t tries;		   /* failures: how many in a row */
	uint16_t cost_ms;	   /* what it took to find out, <= 65535 */
};

/*
 * Stores a copy. Delegations live under keys of their own. An entry of lower
 * rank does not replace a live one of higher rank (ERR_REFUSED). ERR_LIMIT:
 * no room now. ERR_MEMORY. Nothing is kept for longer than 2^32 ms (49 days)
 * from stored_ms, which must not be later than expires_ms (ERR_RANGE).
 */
enum err records_put(
    struct cache *c, const struct record *r, uint64_t now_ms) MUST_USE;
/*
 * What r says must not be kept (TTL 0), but ends what it would have replaced
 * at stored_ms, expired or not: the fact for its owner and type.
 */
void records_supersede(struct cache *c, const struct record *r);
/*
 * Copies the live entry for (owner, type) into the arena: RECORD_SET,
 * RECORD_NODATA, RECORD_NXDOMAIN (asked for with any type) or, when there is
 * none of these, RECORD_FAILURE. False: nothing. With an earlier now_ms it
 * also finds what had not ended by then, as long as room has not been made
 * of it (serve-stale).
 */
bool records_get(struct cache *c, const uint8_t *owner, uint16_t type,
    uint64_t now_ms, struct arena *a, struct record *out);
/* The failure alone, whatever else is known. Type 0: of the name as a zone. */
bool records_get_failure(struct cache *c, const uint8_t *owner, uint16_t type,
    uint64_t now_ms, struct arena *a, struct record *out);
/* The delegation kept for exactly this zone. */
bool records_get_delegation(struct cache *c, const uint8_t *zone,
    uint64_t now_ms, struct arena *a, struct record *out);
/*
 * A name as the cache sees it, and what kinds of record there were for it,
 * live or not, at one moment. Who asks after many of them hashes once, and
 * looks for none that is not there: 6,000 instructions less a miss.
 */
struct records_seen {
	struct cache *cache;
	const uint8_t *name; /* borrowed */
	uint64_t hash;
	uint32_t kinds;
	uint8_t name_bytes;
};
/*
 * What a look at the name with this hash will read first is on its way to the
 * processor then.
 */
void records_expect(const struct cache *c, uint64_t name_hash);
/* Sets all but kinds. */
void records_name(struct cache *c, const uint8_t *name,
    struct records_seen *out);
/* Of a name and all above it, cheaper: out[i] is its last i labels. */
void records_names(struct cache *c, const uint8_t *name,
    struct records_seen *out);
/* Sets kinds, of n > 0 names in one cache. */
void records_look(struct records_seen *seen, size_t n);
/* Those of the kinds that are a fact about a name and this type. */
uint32_t records_kinds(uint16_t type);
/* May records_get() find a fact? Some types are told by no look: true. */
bool records_may_have(const struct records_seen *s, uint16_t type);
bool records_may_have_failure(const struct records_seen *s, uint16_t type);
/* As those above, by such a name; kinds that were not seen are not found. */
bool records_get_seen(const struct records_seen *s, uint16_t type,
    uint64_t now_ms, struct arena *a, struct record *out);
bool records_get_seen_delegation(const struct records_seen *s,
    uint64_t now_ms, struct arena *a, struct record *out);
/* Seconds left of an entry's TTL, at least 1 for a live entry. */
uint32_t record_ttl(const struct record *r, uint64_t now_ms);

/* --- answers ---------------------------------------------------------- */

/* What the answer depends on besides the name. */
struct answer_key {
	const uint8_t *qname;
	uint64_t name_hash; /* cache_name_hash() of qname, or 0 */
	uint16_t qtype;
	uint8_t flags; /* ANSWER_KEY_* */
	uint8_t view;
};
enum { ANSWER_KEY_DO = 1, ANSWER_KEY_CD = 2 };

/*
 * Stores a packed message without OPT: header flags as they should leave,
 * id 0; from the second time it is asked for within a minute or so (a small
 * sketch remembers), so that names seen once cost nothing here; always when
 * `now_hot`. generation: what answers_generation() said when resolution of
 * it began, so that a flush in between wins. Nor are they kept for longer
 * than 2^32 ms.
 */
struct packed {
	const uint8_t *bytes;
	size_t len;
	uint64_t expires_ms; /* least TTL of all sets */
	uint64_t refresh_ms; /* 0: never; from then on one question is told
				that there is nothing, so that it refreshes */
	uint32_t generation;
	enum ede ede;	     /* EDE_NONE mostly */
	uint16_t rotate_at;  /* offset of the first record of the answer set
				that rotates; 0: none */
	uint16_t rotate_count;
	uint16_t rotate_size; /* bytes of each of its records: all equal */
	bool now_hot;	     /* store it at the first time already */
};
enum err answers_put(struct cache *c, const struct answer_key *k,
    const struct packed *p, uint64_t now_ms) MUST_USE;
/*
 * One read section, one probe, no allocation: copies the message into buf,
 * ages its TTLs, rotates its answer set by `turn`, and returns its length; 0:
 * a miss. The caller patches id, flags and the letter case of the name.
 */
struct answer_copy {
	uint8_t *buf;
	size_t size;
	uint64_t now_ms;
	uint32_t turn;
	enum ede ede; /* out */
	bool too_long; /* out: it is there, but longer than size */
};
size_t answers_copy(
    struct cache *c, const struct answer_key *k, struct answer_copy *out);
/*
 * The hash of a name of so many octets, for answer_spot. What will be looked
 * at first is on its way to the processor then: a dozen questions later it is
 * there, and the entry it leads to can be sent for.
 */
uint64_t answers_expect(const struct cache *c, const uint8_t *name,
    size_t name_bytes, const void **ahead);
/* Within cache_read_start() and cache_read_end(). */
void answers_expect_entry(const void *ahead);
/*
 * A hit where the question lies: `message` holds a header and the question
 * asked (class IN), and gets all of the answer but the id and the question,
 * which stay as they came. Within cache_read_start() and cache_read_end().
 * Returns the answer's length; 0: no answer that fits, or one with an EDE.
 */
struct answer_spot {
	uint8_t *message;
	size_t size; /* most octets */
	uint64_t now_ms;
	uint64_t hash; /* of the name asked: answers_expect() */
	uint32_t turn;
	uint16_t qtype;
	uint8_t name_bytes; /* of it */
	uint8_t flags, view;
	bool *absent; /* set: nothing at all is kept of this key */
};
size_t answers_place(struct cache *c, const struct answer_spot *s);
uint32_t answers_generation(const struct cache *c);
/* What was packed before is not used any more. */
void answers_forget(struct cache *c);

/* --- forgetting and counting ------------------------------------------ */

enum flush_what { FLUSH_ALL, FLUSH_NAME, FLUSH_ZONE, FLUSH_TYPE,
	FLUSH_NEGATIVE };
/* Returns how many records were forgotten; older answers become misses. */
size_t cache_flush(struct cache *c, enum flush_what what,
    const uint8_t *name, uint16_t type);

/* --- from one start to the next --------------------------------------- */

struct cache_moment {
	uint64_t now_ms;    /* clock_boot_ms() */
	uint64_t wall_s;    /* clock_real_s() */
	uint64_t budget_us; /* saving stops after this; 0: when all is saved */
};
/*
 * Writes the live records, but for failures, to a file beside `path` and
 * moves it there. ERR_SYSTEM: errno says why; the old file stays.
 */
enum err cache_save(struct cache *c, const char *path,
    const struct cache_moment *now, uint64_t *count) MUST_USE;
/*
 * Puts what is in the file, its TTLs less the time that passed, as records
 * yet to be validated. ERR_NOT_FOUND: no file. ERR_FORMAT: damaged; nothing
 * was taken and the file is now `path`.damaged. ERR_RANGE: of a time to come.
 */
enum err cache_load(struct cache *c, const char *path,
    const struct cache_moment *now, uint64_t *count) MUST_USE;
enum err cache_read(struct cache *c, FILE *from,
    const struct cache_moment *now, uint64_t *count) MUST_USE;

/*
 * What is kept under a name: every live record whose owner is at `top` or
 * below. seen() is given a copy in an arena of its own and returns false to
 * stop. Failures and delegations too.
 */
void records_list(struct cache *c, const uint8_t *top, uint64_t now_ms,
    bool (*seen)(void *user, const struct record *r), void *user);

struct cache_counts {
	uint64_t records, record_bytes, record_bytes_max;
	uint64_t answers, answer_bytes, answer_bytes_max;
	uint64_t evictions, refusals;
};
void cache_count(const struct cache *c, struct cache_counts *out);
/* Tests: walks everything and checks every invariant; stops on a breach. */
void cache_check(struct cache *c);

#endif
