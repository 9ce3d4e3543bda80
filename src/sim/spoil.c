/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spoil.c - the usual mistakes of people who sign zones, made on purpose. A
 * zone is signed soundly first; this takes away or changes single records of
 * what came out. Mistakes of time and of keys are made while signing.
 *
 * The DNSKEY set keeps its own signatures, where that is not the mistake
 * itself, so that a validator finds the fault where it was made.
 */
#include <string.h>

#include "sign.h"

#define NO_SUCH_NUMBER 200u /* algorithms and digests: unassigned */
#define RRSIG_FIXED    18u  /* octets in front of the signer's name */

static uint16_t
covered(const struct record *r)
{
	if (r->type != TYPE_RRSIG || r->rdata.len < RRSIG_FIXED)
		return 0;
	return (uint16_t)(r->rdata.bytes[0] << 8 | r->rdata.bytes[1]);
}

static bool
is_of(const struct record *r, uint16_t type)
{
	return r->type == type || covered(r) == type;
}

/* The RDATA in a copy that may be changed; NULL: no memory. */
static uint8_t *
own_rdata(struct arena *a, struct record *r)
{
	uint8_t *bytes = arena_copy(a, r->rdata.bytes, r->rdata.len);

	if (bytes != NULL)
		r->rdata.bytes = bytes;
	return bytes;
}

static void
name_the_parent(struct arena *a, struct record *r)
{
	const uint8_t *signer = r->rdata.bytes + RRSIG_FIXED;
	size_t cut = signer[0] > 0 ? signer[0] + 1u : 0;
	uint8_t *bytes = own_rdata(a, r);

	if (bytes == NULL)
		return;
	memmove(bytes + RRSIG_FIXED, bytes + RRSIG_FIXED + cut,
	    r->rdata.len - RRSIG_FIXED - cut);
	r->rdata.len = (uint16_t)(r->rdata.len - cut);
}

static void
spoil_signature(struct arena *a, enum sign_fault fault, struct record *r)
{
	uint8_t *bytes;

	if (fault == SIGN_WRONG_SIGNER) {
		name_the_parent(a, r);
		return;
	}
	if (fault != SIGN_BAD_SIGNATURE && fault != SIGN_WRONG_LABELS)
		return;
	bytes = own_rdata(a, r);
	if (bytes == NULL)
		return;
	if (fault == SIGN_BAD_SIGNATURE)
		bytes[r->rdata.len - 1] ^= 1;
	else if (bytes[3] > 0)
		bytes[3]--;
}

static void
rename_algorithm(struct arena *a, struct record *r)
{
	size_t at = r->type == TYPE_DNSKEY ? 3 : 2;
	uint8_t *bytes;

	if (r->type != TYPE_DNSKEY && r->type != TYPE_RRSIG)
		return;
	bytes = own_rdata(a, r);
	if (bytes != NULL)
		bytes[at] = NO_SUCH_NUMBER;
}

bool
spoil_record(struct arena *a, const struct signing *how, struct record *r)
{
	enum sign_fault f = how->fault;

	if (f == SIGN_MISSING_DNSKEY)
		return !is_of(r, TYPE_DNSKEY);
	if (f == SIGN_STRIPPED)
		return r->type != TYPE_RRSIG || covered(r) == TYPE_DNSKEY;
	if (f == SIGN_MISSING_DENIAL)
		return !is_of(r, TYPE_NSEC) && !is_of(r, TYPE_NSEC3);
	if (f == SIGN_UNKNOWN_ALGORITHM)
		rename_algorithm(a, r);
	else if (covered(r) != 0 && covered(r) != TYPE_DNSKEY)
		spoil_signature(a, f, r);
	return true;
}

void
spoil_dnskey(const struct signing *how, uint8_t *algorithm)
{
	if (how->fault == SIGN_UNKNOWN_ALGORITHM)
		*algorithm = NO_SUCH_NUMBER;
}

void
spoil_digest(const struct signing *how, uint8_t *digest)
{
	if (how->fault == SIGN_UNKNOWN_DIGEST)
		*digest = NO_SUCH_NUMBER;
}
