/* SPDX-License-Identifier: BSD-3-Clause */
/* reply.h - what a server said, judged: scrub.c and classify.c. Pure. */
#ifndef HITHER_RESOLVE_REPLY_H
#define HITHER_RESOLVE_REPLY_H

#include <stddef.h>
#include <string.h>

#include <hither/cache.h>
#include <hither/dns.h>

#include "validate.h"

#define REPLY_PATH_MAX 16u

enum reply_kind {
	REPLY_ANSWER,	 /* path ends with the set asked for */
	REPLY_ALIAS,	 /* path ends with an alias to follow */
	REPLY_NODATA,	 /* the name at the path's end lacks the type */
	REPLY_NXDOMAIN,	 /* the name at the path's end does not exist */
	REPLY_YXDOMAIN,	 /* a DNAME makes the name too long */
	REPLY_REFERRAL,	 /* `ns` delegates a zone below */
	REPLY_TRUNCATED, /* ask by TCP */
	REPLY_NO_EDNS,	 /* FORMERR, NOTIMP or BADVERS to our OPT */
	REPLY_BADCOOKIE, /* it wants its own cookie back: RFC 7873 */
	REPLY_SERVFAIL,
	REPLY_REFUSED,
	REPLY_LAME,	 /* not this zone's server */
	REPLY_RECURSIVE, /* a resolver in the place of the zone's server */
	REPLY_EMPTY,	 /* AA and nothing else, not even an SOA */
	REPLY_BAD,	 /* malformed, or makes no sense */
	REPLY_KINDS
};

/* What the question was. */
struct asked {
	const uint8_t *zone;
	const uint8_t *qname;
	uint16_t qtype;
	bool forward;	/* to a resolver: AA and bailiwick of others differ */
	bool recursive; /* to a resolver found in a server's place */
	bool tcp, edns;
};

struct reply {
	struct message m;
	size_t path_count;
	unsigned run;	 /* further aliases the message claims behind it */
	struct rrset *ns;
	struct rrset *soa;
	const char *why; /* static, or in the arena */
	enum reply_kind kind;
	bool minimised;
	bool has_proof; /* NSEC or NSEC3 in the place of an SOA */
	bool self_referral; /* to the very name asked for */
	/* written by VALIDATE */
	struct validation *v;
	size_t proof_count;
	bool proofs_needed; /* they belong to the answer */
	enum verdict verdict;
	enum security security; /* to be kept with */
	/* from memory: as what it was kept */
	enum security known;
	enum rank rank;
	bool from_memory;

	/* Not cleared by reply_begin(): their counts say how many there are. */
	struct name end; /* where the path leads */
	struct rrset *path[REPLY_PATH_MAX];
	struct rrset *proofs[PROOFS_MAX]; /* what stands for a denial */
};

static inline void
reply_begin(struct reply *r)
{
	memset(r, 0, offsetof(struct reply, end));
	r->end.wire[0] = 0;
}

struct ttl_limits {
	uint32_t min_s, max_s, negative_max_s;
};

/*
 * Takes out of the message what a server of `zone` may not say (RFC 2181
 * section 5.4.1, limits of RFC 5452 section 6) and caps the TTLs.
 */
void reply_scrub(struct message *m, const struct asked *q,
    const struct ttl_limits *limits);
/* Owners may be borrowed from q->qname then. */
void reply_restore_case(
    struct message *m, const struct asked *q, struct arena *a);
/* Fills `out` from out->m, which was scrubbed. Arena: synthesised CNAMEs. */
void reply_classify(
    struct reply *out, const struct asked *q, struct arena *a);
const char *reply_kind_text(enum reply_kind k);
/* For replies that nobody waits for: an enum server_fault, or -1. */
int reply_judge(const uint8_t *zone, const uint8_t *qname, uint16_t qtype,
    const uint8_t *bytes, size_t len);

#endif
