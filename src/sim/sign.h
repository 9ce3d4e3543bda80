/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sign.h - how zones are signed: from what net.yaml says about a zone and the
 * records as written to the records as served.
 *
 * Keys depend on the zone's name and algorithm only, so that the anchor of a
 * world never changes. Signatures are valid from SIGN_BEFORE_S ago for
 * SIGN_LIFE_S, unless the zone's fault is about time.
 */
#ifndef HITHER_SIM_SIGN_H
#define HITHER_SIM_SIGN_H

#include "zone.h"

#define SIGN_BEFORE_S 3600u
#define SIGN_LIFE_S   (14u * 86400u)
#define SIGN_AGAIN_S  (7u * 86400u) /* half of it: then all zones anew */
#define SALT_MAX      32u

enum denial { DENIAL_NSEC, DENIAL_NSEC3, DENIAL_OPT_OUT };

/* The usual mistakes. In the order of fault_names in sign_yaml.c. */
enum sign_fault {
	SIGN_SOUND,
	SIGN_EXPIRED,
	SIGN_NOT_YET_VALID,
	SIGN_WRONG_KEY,	      /* by a key that is not in the DNSKEY set */
	SIGN_BAD_SIGNATURE,   /* one bit of each is turned */
	SIGN_MISSING_DNSKEY,
	SIGN_DS_MISMATCH,     /* the parent knows another key */
	SIGN_STRIPPED,	      /* no RRSIG but that of the DNSKEY set */
	SIGN_MISSING_DENIAL,  /* no NSEC, no NSEC3 */
	SIGN_WRONG_LABELS,    /* as if made from a wildcard above the zone */
	SIGN_WRONG_SIGNER,    /* the zone above is named as the signer */
	SIGN_UNKNOWN_ALGORITHM,
	SIGN_UNKNOWN_DIGEST,  /* in the DS */
	SIGN_UNSIGNED	      /* a DS above, and nothing here */
};

struct signing {
	const struct signing *next;
	struct name origin;
	enum denial denial;
	enum sign_fault fault;
	uint16_t iterations;
	uint8_t algorithm; /* 8, 10, 13, 14, 15, 16 */
	uint8_t salt_len;
	uint8_t salt[SALT_MAX];
};

/* NULL: the zone is not signed. */
const struct signing *signing_find(const struct signing *all,
    const uint8_t *zone);

struct sign_order {
	const struct signing *all; /* every signed zone of the world */
	const struct signing *how; /* this one, one of them */
	const char *keys_dir;      /* where the RSA keys are */
	uint64_t now_s;
};
/*
 * A copy of the records with keys, the DS of signed zones below, proofs and
 * signatures. NULL after a complaint.
 */
struct source *source_sign(const struct source *plain,
    const struct sign_order *o, struct complaints *c) MUST_USE;
/* The DS record of a zone in zone-file form, in the arena; NULL: failed. */
const char *sign_anchor(struct arena *a, const struct signing *how,
    const char *keys_dir);

/* --- keys.c ----------------------------------------------------------- */

enum key_role { KEY_SIGNING_KEY, ZONE_SIGNING_KEY, STRANGE_KEY };

struct key_wanted {
	const uint8_t *zone;
	const char *dir;
	enum key_role role;
	uint8_t algorithm;
};
/* An ldns_key; NULL: no memory, no such algorithm, or no RSA key in dir. */
void *key_make(const struct key_wanted *w) MUST_USE;

/* --- spoil.c ---------------------------------------------------------- */

/*
 * Does to one record of a signed zone what the fault is about; the new RDATA
 * lies in the arena. False: the record is left out.
 */
bool spoil_record(struct arena *a, const struct signing *how,
    struct record *r);
/* Before the DS is made: the algorithm's octet of the DNSKEY. */
void spoil_dnskey(const struct signing *how, uint8_t *algorithm);
/* And behind it: the digest's. */
void spoil_digest(const struct signing *how, uint8_t *digest);

#endif
