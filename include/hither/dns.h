/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dns.h - names, records and messages: what stands on the wire.
 *
 * A name is a flat wire-form name (RFC 1035 section 3.1): labels with their
 * length octets, ended by the root's 0, no compression, at most 255 octets.
 * Functions take it as `const uint8_t *`; struct name is room for one.
 * Names compare without regard to ASCII case (RFC 4343).
 */
#ifndef HITHER_DNS_H
#define HITHER_DNS_H

#include <hither/base.h>

#define NAME_MAX_BYTES	255u
#define NAME_LABELS_MAX 127u /* one-octet labels in 255 octets */
#define NAME_TEXT_MAX	1016u /* escaped text with its final NUL */
#define HEADER_BYTES	12u
#define MESSAGE_MAX	65535u
#define EDNS_UDP_SIZE	1232u /* what we offer and send at most, RFC 9715 */

enum {
	TYPE_A = 1, TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_PTR = 12,
	TYPE_HINFO = 13, TYPE_MX = 15, TYPE_TXT = 16, TYPE_RP = 17,
	TYPE_AFSDB = 18, TYPE_SIG = 24, TYPE_KEY = 25, TYPE_PX = 26,
	TYPE_AAAA = 28, TYPE_NXT = 30, TYPE_SRV = 33, TYPE_NAPTR = 35,
	TYPE_KX = 36, TYPE_DNAME = 39, TYPE_OPT = 41, TYPE_DS = 43,
	TYPE_RRSIG = 46, TYPE_NSEC = 47, TYPE_DNSKEY = 48, TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51, TYPE_SVCB = 64, TYPE_HTTPS = 65,
	TYPE_NXNAME = 128, TYPE_TSIG = 250, TYPE_IXFR = 251, TYPE_AXFR = 252, TYPE_MAILB = 253,
	TYPE_MAILA = 254, TYPE_ANY = 255
};
enum { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };
enum { OPCODE_QUERY = 0 };
enum {
	RCODE_NOERROR = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4, RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6, RCODE_NOTAUTH = 9, RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23
};
enum { /* header flags, host order */
	FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200,
	FLAG_RD = 0x0100, FLAG_RA = 0x0080, FLAG_AD = 0x0020, FLAG_CD = 0x0010
};
enum ede { /* RFC 8914; the value is the INFO-CODE */
	EDE_NONE = -1, EDE_OTHER = 0, EDE_UNSUPPORTED_ALGORITHM = 1,
	EDE_UNSUPPORTED_DIGEST = 2, EDE_STALE_ANSWER = 3, EDE_FORGED = 4,
	EDE_DNSSEC_INDETERMINATE = 5, EDE_DNSSEC_BOGUS = 6,
	EDE_SIGNATURE_EXPIRED = 7, EDE_SIGNATURE_EARLY = 8,
	EDE_DNSKEY_MISSING = 9, EDE_RRSIGS_MISSING = 10,
	EDE_NO_ZONE_KEY_BIT = 11, EDE_NSEC_MISSING = 12,
	EDE_CACHED_ERROR = 13, EDE_NOT_READY = 14,
	EDE_BLOCKED = 15, EDE_PROHIBITED = 18, EDE_STALE_NXDOMAIN = 19,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21, EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_NETWORK_ERROR = 23, EDE_INVALID_DATA = 24,
	EDE_NSEC3_ITERATIONS = 27, EDE_SYNTHESIZED = 29,
	EDE_INVALID_TYPE = 30
};
enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL,
	SECTION_COUNT };

/* --- names ------------------------------------------------------------ */

struct name {
	uint8_t wire[NAME_MAX_BYTES];
};

extern const uint8_t name_root[1];

size_t name_bytes(const uint8_t *n);	/* 1..255, with the root's 0 */
unsigned name_labels(const uint8_t *n); /* 0 for the root */
bool name_equal(const uint8_t *a, const uint8_t *b);
/* Of two names of the same name_bytes(). */
bool name_equal_sized(const uint8_t *a, const uint8_t *b, size_t bytes);
bool name_same_case(const uint8_t *a, const uint8_t *b); /* octet for octet */
/* RFC 4034 section 6.1 order: <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);
/* Is n the same as, or below, zone? */
bool name_is_within(const uint8_t *n, const uint8_t *zone);
/* n without its first label; the root stays the root. Borrowed from n. */
const uint8_t *name_parent(const uint8_t *n);
/* The last `labels` labels of n (<= name_labels(n)). Borrowed from n. */
const uint8_t *name_suffix(const uint8_t *n, unsigned labels);
unsigned name_common_labels(const uint8_t *a, const uint8_t *b);
bool name_is_wildcard(const uint8_t *n); /* first label is "*" */
void name_copy(struct name *out, const uint8_t *n);
void name_lower(struct name *out, const uint8_t *n);
const uint8_t *name_copy_in(struct arena *a, const uint8_t *n); /* or NULL */
/*
 * Of at most 64 octets of a name: turns the case of each letter whose bit is
 * set, the lowest bit for the first octet.
 */
void name_turn_case(uint8_t *n, size_t octets, uint64_t bits);
/*
 * n with its suffix `from` replaced by `to` (DNAME, RFC 6672 section 2.3).
 * ERR_SPACE when the result is over 255 octets, ERR_NOT_FOUND when n is not
 * below `from`.
 */
enum err name_replace_suffix(struct name *out, const uint8_t *n,
    const uint8_t *from, const uint8_t *to) MUST_USE;
/* One label (1..63 octets) put in front of n. */
enum err name_prepend(struct name *out, const uint8_t *label,
    size_t label_bytes, const uint8_t *n) MUST_USE;
/* Text with \DDD and \X escapes, final dot optional. */
enum err name_parse(const char *text, struct name *out) MUST_USE;
/* Escaped text with its final dot into buf[NAME_TEXT_MAX]; returns buf. */
const char *name_text(const uint8_t *n, char *buf);
/* Keyed hash of the lower-cased name; the same with its name_bytes(). */
uint64_t name_hash(const struct hash_key *k, const uint8_t *n);
uint64_t name_hash_sized(
    const struct hash_key *k, const uint8_t *n, size_t bytes);
/*
 * The same of n and of all names above it, in one pass: out[i] is the last i
 * labels of n. Room for labels + 1 is needed; returns how many labels n has.
 */
struct name_hashed {
	const uint8_t *name; /* borrowed from n */
	uint64_t hash;
	uint8_t bytes;
};
unsigned name_hashes(
    const struct hash_key *k, const uint8_t *n, struct name_hashed *out);

/* --- records ---------------------------------------------------------- */

struct rdata {
	const uint8_t *bytes; /* uncompressed (RFC 3597 section 4) */
	uint16_t len;
};

/*
 * A record set: equal owner, class, type (RFC 2181 section 5), TTL the least
 * of its records. Immutable when built. Class is always IN.
 */
struct rrset {
	const uint8_t *owner;
	const struct rdata *rdata; /* `count` of them */
	const struct rdata *sigs;  /* RDATA of the RRSIGs covering this set */
	uint32_t ttl;		   /* seconds, <= 2^31 - 1 */
	uint16_t type;
	uint16_t count;
	uint16_t sig_count;
};

/* Deep copy; NULL when the arena is over. */
struct rrset *rrset_copy(struct arena *a, const struct rrset *s);
bool rrset_equal(const struct rrset *a, const struct rrset *b); /* not TTL */
/*
 * Name at the start of RDATA (NS, CNAME, PTR, DNAME); for MX skip is 2.
 * Borrowed. NULL when no name is there, which RDATA that was read rules out.
 */
const uint8_t *rdata_name(const struct rdata *r, size_t skip);
/* MINIMUM of an SOA, RFC 2308 section 4; 0 when malformed. */
uint32_t soa_minimum(const struct rdata *r);
uint32_t soa_serial(const struct rdata *r);

/* What a question comes to: the resolver's and local data's result. */
struct answer {
	struct rrset *const *sets[SECTION_COUNT]; /* arrays, borrowed */
	size_t counts[SECTION_COUNT];
	char why[120]; /* EXTRA-TEXT for the EDE, "" for none */
	enum ede ede;
	uint8_t rcode;
	bool secure;	    /* AD may be set */
	bool authoritative; /* AA: local data only */
	bool bogus;
	bool referral;	    /* authority and additional are what it tells */
};

/* --- reading ---------------------------------------------------------- */

/* EDNS(0) of a message, RFC 6891. */
struct edns {
	const uint8_t *cookie; /* borrowed; NULL when absent */
	const uint8_t *nsid;   /* borrowed; NULL when absent */
	uint16_t cookie_len;
	uint16_t nsid_len;
	uint16_t udp_size;
	uint16_t ede;	       /* first INFO-CODE, when has_ede */
	uint8_t version;
	uint8_t rcode_high;    /* upper 8 bits of the extended RCODE */
	bool present;
	bool dnssec_ok;
	bool wants_nsid;       /* option 3 was there */
	bool wants_keepalive;  /* option 11 was there: RFC 7828 */
	bool has_ede;
};

/*
 * A client's question, read in place without allocation: the hit path.
 * verdict says what to do with packets that are not an ordinary question.
 */
enum query_verdict {
	QUERY_OK,
	QUERY_SILENCE, /* shorter than a header, or QR set: no answer at all */
	QUERY_FORMERR, /* QDCOUNT != 1, bad name, bad OPT, trailing bytes */
	QUERY_NOTIMP,  /* opcode */
	QUERY_BADVERS, /* EDNS version above 0 */
};
struct query {
	struct name qname; /* as it came, case kept */
	struct edns edns;
	uint16_t id, flags, qtype, qclass;
	uint16_t question_end; /* offset behind the question; 0: none read */
	uint8_t opcode;
};
enum query_verdict query_read(
    const uint8_t *bytes, size_t len, struct query *out);

/* A whole message, grouped into record sets. Everything lies in the arena. */
struct message {
	struct rrset **sets[SECTION_COUNT]; /* in order of first appearance */
	size_t counts[SECTION_COUNT];
	struct edns edns;
	const uint8_t *qname; /* in the arena; the root's when there is no question */
	uint16_t id, flags, qtype, qclass;
	uint16_t rcode; /* extended */
	uint8_t opcode;
	bool has_question; /* QDCOUNT 1; 0 is allowed in replies */
};
/*
 * Reads a reply. ERR_FORMAT on anything malformed: names past 255 octets or
 * 127 labels, forward pointers, RDATA that is too short or too long for its
 * type, counts the bytes do not bear out, two OPTs, QDCOUNT > 1, trailing
 * bytes. ERR_LIMIT when its names would expand to too much, ERR_MEMORY when
 * the arena is over. Records of a class other than IN, or of a type that is no
 * data (0, 128 to 255), are left out. Work is bounded by the length, memory by
 * the arena. RRSIGs are joined to the set they cover; one that covers nothing
 * present makes a set of type RRSIG.
 */
enum err message_read(struct arena *a, const uint8_t *bytes, size_t len,
    struct message *out) MUST_USE;

/* --- writing ---------------------------------------------------------- */

#define WRITER_TARGETS 128u /* names that later ones may point to */

struct writer {
	uint8_t *buf;
	size_t at, size;
	size_t reserved;    /* kept free for the OPT */
	uint16_t counts[4]; /* QD, AN, NS, AR */
	bool full;	    /* a record set did not fit and was taken back */
	bool has_targets;   /* those below were made: a name needed them */
	uint16_t target_count;
	uint16_t targets[WRITER_TARGETS];
};
/* size <= 65535. Begins with the header; counts are patched at the end. */
void writer_start(struct writer *w, uint8_t *buf, size_t size, uint16_t id,
    uint16_t flags);
void writer_question(
    struct writer *w, const uint8_t *qname, uint16_t type, uint16_t class);
/* Keeps room at the end for the OPT that writer_opt() adds. */
void writer_reserve(struct writer *w, size_t bytes);
/*
 * The whole set or nothing: false, and `full`, when it does not fit.
 * with_sigs adds its RRSIGs. `first` rotates: record number first comes
 * first. ttl overrides the set's.
 */
bool writer_rrset(struct writer *w, enum section s, const struct rrset *set,
    uint32_t ttl, bool with_sigs, uint16_t first);
struct opt_out {
	const char *ede_text;	/* NULL or "": none */
	const uint8_t *nsid;	/* NULL: none */
	const uint8_t *cookie;	/* NULL: none */
	size_t nsid_len, cookie_len;
	enum ede ede;
	uint16_t udp_size;
	uint16_t rcode; /* extended; low 4 bits belong to the header */
	bool dnssec_ok;
	bool ask_nsid; /* an empty NSID option: a request */
};
size_t opt_bytes(const struct opt_out *o);
bool writer_opt(struct writer *w, const struct opt_out *o);
/* Patches counts; returns the message's length. */
size_t writer_finish(struct writer *w);
/*
 * Offsets of all TTLs in a finished message of ours (not the OPT's), into
 * out[max]; returns how many there are. For packed answers.
 */
size_t message_ttl_offsets(
    const uint8_t *bytes, size_t len, uint16_t *out, size_t max);

/* --- text (ldns stands behind these) ---------------------------------- */

/* "A", "TYPE65280"; buf of 16 bytes is returned. */
const char *type_text(uint16_t type, char *buf);
enum err type_parse(const char *text, uint16_t *out) MUST_USE;
const char *rcode_text(unsigned rcode); /* "NOERROR"; "RCODE?": unknown */
const char *ede_title(enum ede e);	/* "No Reachable Authority" */
bool ede_is_dnssec(enum ede e);		/* says why something is bogus */
/*
 * One record in zone-file form into owner/type/ttl/rdata; RDATA lies in the
 * arena. A set of one record. NULL on a syntax error (or a full arena).
 */
struct rrset *rrset_parse(struct arena *a, const char *line);
/* RDATA number i as text; in the arena; NULL when over. */
const char *rdata_text(struct arena *a, const struct rrset *s, uint16_t i);
/*
 * Reads a root hints file: NS of the root and the addresses. Sets in the
 * arena, *count of them; ERR_FORMAT names the line in *bad_line.
 */
enum err hints_read(struct arena *a, const char *path, struct rrset ***sets,
    size_t *count, int *bad_line) MUST_USE;
/* The root servers as of the release (RFC 9609 section 2). */
enum err hints_builtin(
    struct arena *a, struct rrset ***sets, size_t *count) MUST_USE;

#endif
