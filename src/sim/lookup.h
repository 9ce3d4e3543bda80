/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lookup.h - what a zone has to say to a question, as record sets that are
 * yet to be written.
 */
#ifndef HITHER_SIM_LOOKUP_H
#define HITHER_SIM_LOOKUP_H

#include "zone.h"

#define REPLY_ANSWERS 48u
#define REPLY_MADE    34u /* sets that stand under another name */
#define REPLY_DNAMES  8u  /* names made by DNAME */

/* What a signed zone has to prove beside its answer; see prove.c. */
enum claim_kind {
	CLAIM_NO_NAME,	 /* name is not there, nor a wildcard for it */
	CLAIM_NO_DATA,	 /* name is there, but not this type */
	CLAIM_WILD,	 /* only a wildcard matches name */
	CLAIM_WILD_NO_DATA, /* and that has not this type */
};
struct claim {
	const uint8_t *name;
	const struct node *closest; /* encloser that exists */
	enum claim_kind kind;
};
#define REPLY_CLAIMS 8u

struct reply {
	/* what to write; sets lie in the zone or in `made` */
	const struct rrset *answers[REPLY_ANSWERS];
	size_t answer_count;
	const struct rrset *authority; /* NS of a cut or SOA, or NULL */
	uint32_t authority_ttl;
	const struct rrset *ds; /* of the cut, or NULL */
	const struct rrset *const *extras;
	size_t extra_count;
	size_t extra_needed; /* without these a referral is truncated */
	struct claim claims[REPLY_CLAIMS];
	size_t claim_count;
	uint8_t rcode;
	bool is_authoritative;
	/* room for what is made on the way */
	struct rrset made[REPLY_MADE];
	struct rdata made_rdata[REPLY_DNAMES];
	struct name names[REPLY_DNAMES];
	size_t made_count, name_count;
};

/* The question's name must lie within the zone and outlive the reply. */
void lookup(const struct zone *z, const uint8_t *qname, uint16_t qtype,
    struct reply *out);
/* As a server that sends everybody to the zone's own servers. */
void lookup_self_referral(const struct zone *z, struct reply *out);

#endif
