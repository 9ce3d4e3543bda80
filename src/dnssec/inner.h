/* SPDX-License-Identifier: BSD-3-Clause */
/* inner.h - what the files of the room share. */
#ifndef HITHER_DNSSEC_INNER_H
#define HITHER_DNSSEC_INNER_H

#include <hither/dnssec.h>

enum suite { SUITE_RSA, SUITE_DSA, SUITE_ECDSA, SUITE_EDDSA };
enum wants { WANTS_NOTHING, WANTS_SHA1, WANTS_OBSOLETE };
enum { DIGEST_SHA1 = 1, DIGEST_SHA256 = 2, DIGEST_SHA384 = 4 };

struct algorithm {
	uint8_t number;
	const char *name; /* of IANA's registry */
	enum suite suite;
	enum wants wants;
	uint16_t cost_us;    /* of one check */
	uint16_t part_bytes; /* coordinate, or raw key */
	const char *hash;    /* as OpenSSL calls it; NULL: built in */
	const char *group;
};
/* NULL: unknown. */
const struct algorithm *algorithm_find(uint8_t number);

/* verify.c: where an RSA key has its parts; false: none that we use */
bool rsa_parts(const struct rdata *dnskey, const uint8_t **exponent,
    size_t *exp_len, size_t *mod_len);

/* canonical.c: RFC 4034 section 6.2, RFC 6840 section 5.1 */
void canonical_rdata(uint16_t type, const struct rdata *r, uint8_t *out);
void lower_bytes(uint8_t *out, const uint8_t *in, size_t n);

uint16_t take_u16(const uint8_t *p);
uint32_t take_u32(const uint8_t *p);
uint8_t *give_u16(uint8_t *p, unsigned v);
uint8_t *give_u32(uint8_t *p, uint32_t v);

/* pack.c: a copy in one block; NULL: no memory */
struct rrset *set_pack(const struct rrset *s);

/* denial.c: what a bitmap says */
bool bitmap_denies(
    const uint8_t *bitmap, size_t len, const uint8_t *qname, uint16_t qtype);
bool bitmap_leads_away(const uint8_t *bitmap, size_t len);
enum denial bitmap_ds(const uint8_t *bitmap, size_t len, const uint8_t *name);

/* nsec.c and nsec3.c: one kind each of what denial.c asks for */
enum denial nsec_nodata(
    const struct denial_proof *d, const uint8_t *qname, uint16_t qtype);
enum denial nsec_nxdomain(const struct denial_proof *d, const uint8_t *qname);
enum denial nsec_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent);
enum denial nsec_ds(const struct denial_proof *d, const uint8_t *name);

enum denial nsec3_nodata(
    const struct denial_proof *d, const uint8_t *qname, uint16_t qtype);
enum denial nsec3_nxdomain(const struct denial_proof *d, const uint8_t *qname);
enum denial nsec3_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent);
enum denial nsec3_ds(const struct denial_proof *d, const uint8_t *name);

#endif
