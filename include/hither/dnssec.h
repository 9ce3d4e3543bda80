/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dnssec.h - is it proven? RFC 4033 to 4035, 5155, 6840, 9276.
 *
 * Pure judgement on records that lie in memory: signatures, keys, DS, denial
 * of existence. Nothing here asks anybody; who needs keys that are not at
 * hand fetches them (resolve/) and comes back. All work is bounded, and
 * counted by the caller's `struct dnssec_work`.
 *
 * Times are wall-clock seconds (signatures) or milliseconds of the TTL clock,
 * and are always an argument.
 */
#ifndef HITHER_DNSSEC_H
#define HITHER_DNSSEC_H

#include <hither/dns.h>

/* RFC 4033 section 5. */
enum verdict {
	VERDICT_INDETERMINATE, /* no anchor above it */
	VERDICT_INSECURE,      /* proven to be unsigned */
	VERDICT_SECURE,
	VERDICT_BOGUS,
};
const char *verdict_text(enum verdict v); /* "secure" */

/* What is believed; fixed for the life of a resolver. */
struct dnssec_policy {
	uint16_t iterations_max; /* NSEC3: above it insecure; 50, RFC 9276 */
	bool sha1;     /* algorithms 5 and 7 and digest 1 count: RFC 9905 */
	bool obsolete; /* DSA too; for tests of old signatures only */
	bool ignore_dates; /* tests only */
};

/*
 * Work spent on one client question, and where it ends. A check by one
 * algorithm costs thirty times what it costs by another, so that checks are
 * bounded by their number and by what they cost (signature_cost_us()).
 */
struct dnssec_work {
	uint32_t good, failed; /* signature checks by result */
	uint32_t good_us, failed_us; /* what they cost, about */
	uint32_t hashes;       /* names hashed for NSEC3 */
	uint32_t good_max, failed_max, hashes_max;
	uint32_t good_us_max, failed_us_max; /* 0: no bound */
	bool over;	       /* more was wanted: the question ends */
};

/* --- algorithms --------------------------------------------------------- */

/* May a signature by this algorithm be checked, a digest be compared? */
bool algorithm_supported(const struct dnssec_policy *p, uint8_t algorithm);
bool digest_supported(const struct dnssec_policy *p, uint8_t digest);
const char *algorithm_text(uint8_t algorithm, char *buf); /* of 24 bytes */
/* Is there such an algorithm, in use or not? */
bool algorithm_known(uint8_t algorithm);
/*
 * About how long one check by this key takes of a set whose signed form has
 * `bytes` octets in `records` records. What an author can make dear counts:
 * the size of an RSA key and its exponent, the size of the set.
 */
uint32_t signature_cost_us(
    const struct rdata *dnskey, size_t bytes, uint16_t records);

/* --- keys --------------------------------------------------------------- */

enum { /* DNSKEY flags, RFC 4034 section 2.1.1, RFC 5011 section 2.1 */
	KEY_FLAG_ZONE = 0x0100, KEY_FLAG_REVOKED = 0x0080,
	KEY_FLAG_ENTRY = 0x0001
};
struct dnskey {
	const uint8_t *key; /* borrowed */
	uint16_t key_len;
	uint16_t flags, tag;
	uint8_t protocol, algorithm;
};
/* False: too short to be one. */
bool dnskey_read(const struct rdata *r, struct dnskey *out);
uint16_t dnskey_tag(const struct rdata *r); /* RFC 4034 appendix B */
/* May it sign zone data? Zone flag, protocol 3, not revoked. */
bool dnskey_is_zone_key(const struct dnskey *k);

struct ds {
	const uint8_t *digest; /* borrowed */
	uint16_t digest_len, tag;
	uint8_t algorithm, digest_type;
};
bool ds_read(const struct rdata *r, struct ds *out);
/* Algorithm and digest are both ones we can check. */
bool ds_supported(const struct dnssec_policy *p, const struct ds *ds);
/* Is this the digest of that key of that owner? RFC 4034 section 5.1.4. */
bool ds_matches(const struct ds *ds, const uint8_t *owner,
    const struct rdata *dnskey);
/* The DS RDATA of a key; digest_type 1, 2 or 4. False: another one. */
bool ds_make(const uint8_t *owner, const struct rdata *dnskey,
    uint8_t digest_type, uint8_t out[52], uint16_t *len);

/* --- signatures --------------------------------------------------------- */

struct rrsig {
	const uint8_t *signer, *signature; /* borrowed */
	uint32_t original_ttl, expires, begins; /* RFC 4034 section 3.1 */
	uint16_t covered, tag, signature_len;
	uint8_t algorithm, labels;
};
bool rrsig_read(const struct rdata *r, struct rrsig *out);

/* What is wrong with a signature; the later, the nearer to a good one. */
enum rrsig_fault {
	RRSIG_NONE,	   /* there is no signature at all */
	RRSIG_MALFORMED,
	RRSIG_FOREIGN,	   /* signer is no zone above the owner, or labels lie */
	RRSIG_UNSUPPORTED, /* algorithm */
	RRSIG_NO_KEY,	   /* no zone key with its tag and algorithm */
	RRSIG_FORGED,	   /* the arithmetic says no */
	RRSIG_EARLY,	   /* not yet valid */
	RRSIG_EXPIRED,
	RRSIG_LIMIT,	   /* too much work; stopped */
	RRSIG_GOOD,
};
const char *rrsig_fault_text(enum rrsig_fault f);
enum ede rrsig_fault_ede(enum rrsig_fault f);
/*
 * Everything that can be known without a key: RFC 4035 section 5.3.1. The
 * signer is an ancestor of the owner (of a DS: a strict one) or, for zone, is
 * exactly zone; labels lie between the signer's and the owner's; now is
 * within the validity (serial arithmetic). RRSIG_GOOD: worth a check.
 */
enum rrsig_fault rrsig_precheck(const struct dnssec_policy *p,
    const struct rrset *set, const struct rrsig *sig, uint64_t now_s);
/*
 * The octets that are signed (RFC 4034 sections 3.1.8.1 and 6): heap memory
 * of *len bytes, freed by the caller. NULL: no memory, or absurdly long.
 */
uint8_t *rrsig_signed_bytes(
    const struct rrset *set, const struct rrsig *sig, size_t *len) MUST_USE;
/* Where the wildcard stood that this set was expanded from, or NULL. */
const uint8_t *rrsig_wildcard_parent(
    const struct rrset *set, const struct rrsig *sig);

/* Parsed public keys, kept to be used again. One a worker. */
struct key_store;
struct key_store *key_store_new(size_t keys_max) MUST_USE;
void key_store_free(struct key_store *ks); /* NULL is fine */
/* The arithmetic only. False: forged, or the key is none. */
bool key_store_verify(struct key_store *ks, const struct rdata *dnskey,
    const struct rrsig *sig, const uint8_t *bytes, size_t len);

/*
 * Looks for one good signature over a set by one of a zone's keys. A walk
 * may be interrupted: `turn_us` is what may still be spent now, and MORE says
 * come back with the same walk. Zeroed before the first call.
 */
struct sig_walk {
	uint16_t sig, key;   /* where to go on */
	uint8_t tried;	     /* arithmetic done for this set */
	enum rrsig_fault fault; /* of the best signature so far */
	struct rrsig best;   /* that one, or the good one */
};
enum walk { WALK_GOOD, WALK_FAILED, WALK_MORE };
struct sig_judge {
	const struct dnssec_policy *policy;
	struct key_store *store;
	struct dnssec_work *work;
	const uint8_t *zone;	   /* whose keys they are */
	const struct rrset *keys;  /* DNSKEY set, trusted */
	uint64_t now_s;
	int64_t turn_us;	   /* what may still be spent now: written */
	uint64_t *checks;	   /* per algorithm number, 0 to 16; or NULL */
};
#define SET_CHECKS_MAX	 8u /* tries for one set, at most */
#define KEYS_PER_TAG_MAX 4u /* keys of one tag that are tried */
enum walk sig_walk_on(
    struct sig_judge *j, const struct rrset *set, struct sig_walk *w);
/* Seconds that the set may live: TTL, original TTL and signature's end. */
uint32_t rrsig_life_s(
    const struct rrset *set, const struct rrsig *sig, uint64_t now_s);

/*
 * Which keys of a zone's DNSKEY set may vouch for it: those that a DS (or an
 * anchor's DNSKEY) of `entry` names. The set of them lies in the arena; empty
 * when none fits.
 */
struct rrset *dnskeys_vouched(struct arena *a,
    const struct dnssec_policy *p, const struct rrset *keys,
    const struct rrset *entry);
/*
 * Can a delegation with this DS set, or an anchor with this DNSKEY set, be
 * followed at all? False: the zone is to be treated as unsigned (RFC 4035
 * section 5.2); *ede says by what, *which names one such key by its tag.
 */
bool entry_usable(const struct dnssec_policy *p, const struct rrset *entry,
    enum ede *ede, struct ds *which);

/* --- denial of existence ------------------------------------------------ */

enum denial {
	DENIAL_NONE,	   /* not proven */
	DENIAL_PROVEN,
	DENIAL_OPT_OUT,	   /* proven but for unsigned delegations */
	DENIAL_UNSIGNED,   /* a delegation without DS: RFC 4035 section 5.2 */
	DENIAL_ITERATIONS, /* NSEC3 with more work than we do: insecure */
	DENIAL_LIMIT,	   /* budget spent */
};
/* Proof sets whose signatures by `zone` were found good. */
struct denial_proof {
	const uint8_t *zone;
	struct rrset *const *sets; /* NSEC and NSEC3; others are passed over */
	size_t count;
	const struct dnssec_policy *policy;
	struct dnssec_work *work;
};
/* The name exists, or is an empty non-terminal, but has no such type. */
enum denial denial_nodata(
    const struct denial_proof *d, const uint8_t *qname, uint16_t qtype);
/* Neither the name exists nor a wildcard that would match it. */
enum denial denial_nxdomain(
    const struct denial_proof *d, const uint8_t *qname);
/* Nothing exists between the wildcard's parent and the name. */
enum denial denial_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent);
/*
 * There is no DS: UNSIGNED (or OPT_OUT) when a delegation is there, PROVEN
 * when the name is no zone cut at all.
 */
enum denial denial_ds(const struct denial_proof *d, const uint8_t *name);
/* Is type in the bitmap (RFC 4034 section 4.1.2) of an NSEC or NSEC3? */
bool bitmap_has(const uint8_t *bitmap, size_t len, uint16_t type);
/*
 * RFC 5155 section 5: 20 bytes. iterations <= 65535: count them before.
 */
void nsec3_hash(const uint8_t *name, uint16_t iterations, const uint8_t *salt,
    uint8_t salt_len, uint8_t out[20]);

/* --- spans that were proven empty: RFC 8198 ------------------------------ */

#define SPAN_SETS_MAX 13u /* SOA and proofs of one answer */

/* Bounded; one a worker. */
struct spans;
struct spans *spans_new(size_t zones_max, size_t spans_max) MUST_USE;
void spans_free(struct spans *s); /* NULL is fine */
size_t spans_count(const struct spans *s);
struct span_time {
	uint64_t now_ms, expires_ms;
	uint32_t generation; /* older ones are as good as gone */
};
/*
 * Copies an NSEC, NSEC3 or SOA set (one record) whose signature by zone was
 * good and that no wildcard made. ERR_RANGE: not such a set, or it speaks of
 * names outside zone. ERR_LIMIT: no room.
 */
enum err spans_put(struct spans *s, const uint8_t *zone,
    const struct rrset *set, const struct span_time *when) MUST_USE;
/*
 * Copies a set that a wildcard below `parent` was expanded to, of which that
 * was proven (no opt-out span). ERR_RANGE: its type is not for this.
 */
enum err spans_put_wildcard(struct spans *s, const uint8_t *zone,
    const struct rrset *expanded, const uint8_t *parent,
    const struct span_time *when) MUST_USE;
struct span_question {
	const uint8_t *qname;
	const struct dnssec_policy *policy;
	struct dnssec_work *work; /* hashes are charged */
	struct arena *arena;	  /* for the answer */
	uint64_t now_ms;
	uint32_t generation;
	uint16_t qtype;
	bool without_soa; /* the proof alone will do */
	bool wildcards;	  /* answers may be made of them */
};
struct span_answer {
	/* the SOA, or the set that was expanded; then the proofs */
	struct rrset *sets[SPAN_SETS_MAX];
	size_t count;
	uint64_t expires_ms;
	bool no_such_name; /* NXDOMAIN; else: no such type, or */
	bool positive;	   /* an answer made of a wildcard */
};
bool spans_ask(struct spans *s, const struct span_question *q,
    struct span_answer *out);

/* --- anchors ------------------------------------------------------------ */

/*
 * Trust anchors and negative ones (RFC 7646). Shared by all workers: any
 * thread may read while one changes it. Each change raises its generation.
 */
struct anchors;
struct anchors *anchors_new(void) MUST_USE;
void anchors_free(struct anchors *as); /* NULL is fine */
/* type is TYPE_DS or TYPE_DNSKEY; copied. ERR_LIMIT: more than 4096. */
enum err anchors_add(struct anchors *as, const uint8_t *zone, uint16_t type,
    const struct rdata *rdata) MUST_USE;
/*
 * Names at and below are insecure until until_s (0: for ever). One that
 * stands at the name already is replaced.
 */
enum err anchors_add_negative(
    struct anchors *as, const uint8_t *name, uint64_t until_s) MUST_USE;
/* Why a negative anchor stands there, for people; cut to what fits. */
#define REASON_MAX 128u
void anchors_explain(
    struct anchors *as, const uint8_t *name, const char *reason);
void anchors_remove(struct anchors *as, const uint8_t *zone);
bool anchors_remove_negative(struct anchors *as, const uint8_t *name);
/*
 * The anchors of this zone become those that `from` has, at once for all who
 * read; the negative ones stay. `from` is empty afterwards.
 */
enum err anchors_take(
    struct anchors *as, const uint8_t *zone, struct anchors *from) MUST_USE;
uint32_t anchors_generation(const struct anchors *as);
/* The anchor that counts for a name: the closest one above it. */
struct anchor {
	struct name zone;
	struct rrset *entry[2]; /* DS set, DNSKEY set; in the arena; or NULL */
	bool negative; /* zone is where a negative anchor stands */
};
/* False: none stands above it. */
bool anchors_find(const struct anchors *as, const uint8_t *name,
    uint64_t now_s, struct arena *a, struct anchor *out);

/* One anchor of either kind, for people. */
struct anchor_view {
	const uint8_t *zone;
	const struct rdata *rdata; /* NULL: a negative one */
	const char *reason;	   /* negative only; "" when none was given */
	uint64_t until_s;	   /* negative only; 0: for ever */
	uint16_t type;
};
/* The key tag of a positive one; false: a negative or damaged one has none. */
bool anchor_tag(const struct anchor_view *v, uint16_t *tag);
/* Calls seen() for each, in the order added; the lock is held meanwhile. */
void anchors_each(const struct anchors *as,
    void (*seen)(void *user, const struct anchor_view *view), void *user);
/* Tags of the anchors of exactly this zone, ascending, each once. */
size_t anchors_tags(
    const struct anchors *as, const uint8_t *zone, uint16_t *out, size_t max);

/* The root's key-signing keys as of the release: 20326 and 38696, as DS. */
enum err anchors_builtin(struct anchors *as) MUST_USE;
/* Where a file is wrong, from 1; line 0: nowhere in particular. */
struct anchor_fault {
	unsigned line, column;
	char what[96];
};
/*
 * DS and DNSKEY records in zone-file form: several lines in parentheses,
 * comments, $ORIGIN and $TTL are understood, other types are faults. Revoked
 * keys are passed over. At least one anchor must be there. On failure some
 * may have been added.
 */
enum err anchors_read(struct anchors *as, const char *text, size_t len,
    struct anchor_fault *bad) MUST_USE;
/* The same from a file of at most 1 MiB. ERR_SYSTEM: errno says more. */
enum err anchors_read_file(struct anchors *as, const char *path,
    struct anchor_fault *bad) MUST_USE;

/* --- what depends on the anchors of the root ------------------------------ */

/*
 * Root key sentinel, RFC 8509: is this a question (A or AAAA) whose proven
 * answer is to be withheld, because of the tag its first label names?
 */
bool sentinel_withholds(
    const struct anchors *as, const uint8_t *qname, uint16_t qtype);
/* The name that tells a zone which anchors we have: RFC 8145 section 5.1. */
bool signal_name(
    const struct anchors *as, const uint8_t *zone, struct name *out);
#define SIGNAL_TYPE 10u /* NULL */

/* --- rollover of anchors: RFC 5011 ---------------------------------------- */

#define ROLLOVER_KEYS_MAX  24u
#define ROLLOVER_ZONES_MAX 8u
#define ROLLOVER_KEY_BYTES 1100u /* longer keys are not followed */
#define ROLLOVER_HOLD_S	   (30u * 86400u)

enum key_state { /* RFC 5011 section 4 */
	KEY_PENDING, /* seen, proven by another; not yet believed */
	KEY_VALID,
	KEY_MISSING, /* believed, though not there now */
	KEY_REVOKED,
	KEY_REMOVED, /* kept, so that nobody believes it again */
};
const char *key_state_text(enum key_state s); /* "valid" */
struct rollover_key {
	uint8_t rdata[ROLLOVER_KEY_BYTES]; /* DNSKEY, without the revoke bit */
	uint64_t since_s;		   /* when it came to this state */
	uint16_t len;
	enum key_state state;
};
struct rollover {
	struct rollover_key keys[ROLLOVER_KEYS_MAX];
	size_t count;
	struct name zone;
	uint64_t checked_s; /* last set that was proven; 0: none yet */
	uint64_t next_s;    /* when to ask for the keys again */
};
struct rollover_look {
	const struct rrset *keys;      /* what the zone shows, with RRSIGs;
					* NULL: nothing came */
	const struct rrset *entry[2];  /* configured DS and DNSKEY, or NULL */
	const struct dnssec_policy *policy;
	struct key_store *store;
	uint64_t now_s;
};
enum rollover_news {
	ROLLOVER_NOTHING,  /* as before; next_s is set */
	ROLLOVER_UNPROVEN, /* no trusted key vouches for what was shown */
	ROLLOVER_CHANGED,  /* states did change: save, and use anew */
};
/*
 * Takes notice of what a zone shows of its keys. Never asserts, whatever the
 * keys are; at most 16 signature checks. `scratch` is reset first.
 */
enum rollover_news rollover_look(struct rollover *ro,
    const struct rollover_look *look, struct arena *scratch);
/*
 * Makes the anchors of the zone those that are believed: valid and missing
 * keys, and what is configured but for keys that were revoked. ERR_NOT_FOUND:
 * none is left.
 */
enum err rollover_use(const struct rollover *ro,
    const struct rrset *const entry[2], struct anchors *as) MUST_USE;

/* The states of several zones, as a file keeps them. */
struct rollovers {
	struct rollover zones[ROLLOVER_ZONES_MAX];
	size_t count;
};
/* NULL: ROLLOVER_ZONES_MAX are there already. Made when new. */
struct rollover *rollovers_zone(struct rollovers *all, const uint8_t *zone);
/*
 * Loads from a file. ERR_NOT_FOUND: there is none. ERR_FORMAT: damaged; it
 * was renamed to "PATH.bad" and *all is empty.
 */
enum err rollovers_load(struct rollovers *all, const char *path) MUST_USE;
/* By way of a temporary file, fsync and rename. ERR_SYSTEM: errno. */
enum err rollovers_save(
    const struct rollovers *all, const char *path) MUST_USE;

/* --- what is known of zones --------------------------------------------- */

enum trust_state {
	TRUST_SECURE,	/* its keys are proven */
	TRUST_SIGNED,	/* its DS set is proven; keys not yet */
	TRUST_INSECURE, /* proven unsigned, or signed beyond our means */
	TRUST_NO_CUT,	/* proven: no zone begins at this name */
};
struct trust {
	const uint8_t *zone;
	const struct rrset *keys; /* DNSKEY set: SECURE */
	const struct rrset *ds;	  /* DS set: SIGNED, and mostly SECURE */
	const char *why;	  /* INSECURE: a few words, or NULL */
	uint64_t made_ms, expires_ms;
	uint32_t generation;	  /* whatever the caller compares */
	enum ede ede;
	enum trust_state state;
};
/* A bounded table, one a worker; the oldest makes room. */
struct trust_table;
struct trust_table *trust_table_new(size_t zones_max) MUST_USE;
void trust_table_free(struct trust_table *tt); /* NULL is fine */
/* Copies. A refused insertion leaves no older entry behind. */
enum err trust_put(struct trust_table *tt, const struct trust *t) MUST_USE;
/* Borrowed until the next put. NULL: nothing live of that generation. */
const struct trust *trust_find(const struct trust_table *tt,
    const uint8_t *zone, uint64_t now_ms, uint32_t generation);

#endif
