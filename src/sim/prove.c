/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prove.c - denial of existence, as RFC 4035 section 3.1.3 and RFC 5155
 * section 7.2 want it from a server.
 *
 * Both kinds are a chain sorted by owner; an NSEC3's owner is a hash. A name
 * either stands in the chain or falls between two links, of which the first
 * covers it; in front of the first link stands the last.
 */
#include <string.h>

#include <openssl/evp.h>

#include "prove.h"

#define HASH_BYTES 20u
#define HASH_TEXT  32u

struct prover {
	const struct zone *zone;
	struct proofs *out;
};

/* --- where a name falls ------------------------------------------------- */

/* The link at the name (*exact) or the one that covers it. */
static const struct rrset *
find_link(const struct zone *z, const uint8_t *name, bool *exact)
{
	size_t low = 0, high = z->chain_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_compare(z->chain[mid].owner, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	low = low > 0 ? low - 1 : z->chain_count - 1;
	*exact = name_equal(z->chain[low].owner, name);
	return z->chain[low].set;
}

/* Base32 with extended hex alphabet, RFC 4648 section 7. */
static void
hash_text(const uint8_t hash[HASH_BYTES], uint8_t text[HASH_TEXT])
{
	for (size_t i = 0; i < HASH_TEXT; i++) {
		size_t bit = 5 * i, at = bit / 8;
		unsigned two = (unsigned)hash[at] << 8;

		if (at + 1 < HASH_BYTES)
			two |= hash[at + 1];
		text[i] = (uint8_t) "0123456789abcdefghijklmnopqrstuv"
		    [two >> (11 - bit % 8) & 31];
	}
}

/* RFC 5155 section 5, with the parameters of the chain's first link. */
static bool
hashed_owner(const struct zone *z, const uint8_t *name, struct name *out)
{
	const struct rdata *r = &z->chain[0].set->rdata[0];
	unsigned rounds = (unsigned)r->bytes[2] << 8 | r->bytes[3];
	const uint8_t *salt = r->bytes + 5;
	size_t salt_len = r->bytes[4], n;
	uint8_t text[HASH_TEXT], hash[HASH_BYTES];
	uint8_t buf[NAME_MAX_BYTES + 255];
	struct name low;

	name_lower(&low, name);
	n = name_bytes(low.wire);
	memcpy(buf, low.wire, n);
	for (unsigned i = 0; i <= rounds; i++) {
		memcpy(buf + n, salt, salt_len);
		if (EVP_Digest(buf, n + salt_len, hash, NULL, EVP_sha1(),
			NULL) != 1)
			return false;
		memcpy(buf, hash, HASH_BYTES);
		n = HASH_BYTES;
	}
	hash_text(hash, text);
	return name_prepend(out, text, HASH_TEXT, z->origin.wire) == ERR_OK;
}

static const struct rrset *
find_proof(const struct zone *z, const uint8_t *name, bool *exact)
{
	struct name owner;

	if (!z->has_nsec3)
		return find_link(z, name, exact);
	*exact = false;
	return hashed_owner(z, name, &owner) ? find_link(z, owner.wire, exact)
					     : NULL;
}

/* --- gathering ----------------------------------------------------------- */

/* True when the name itself stands in the chain. */
static bool
add_proof(struct prover *p, const uint8_t *name)
{
	bool exact;
	const struct rrset *set = find_proof(p->zone, name, &exact);

	if (set == NULL)
		return false;
	for (size_t i = 0; i < p->out->count; i++)
		if (p->out->sets[i] == set)
			return exact;
	if (p->out->count < PROOFS_MAX)
		p->out->sets[p->out->count++] = set;
	return exact;
}

static void
add_wildcard(struct prover *p, const struct node *closest)
{
	struct name wild;

	if (name_prepend(&wild, (const uint8_t *)"*", 1, closest->name) ==
	    ERR_OK)
		add_proof(p, wild.wire);
}

/*
 * NSEC3 only: the closest encloser that stands in the chain, and the name one
 * label longer, which does not (RFC 5155 section 7.2.1). With opt-out the
 * deepest name that exists may not stand there.
 */
static void
add_encloser(struct prover *p, const uint8_t *name, unsigned labels)
{
	bool exact;

	while (
	    labels > p->zone->labels &&
	    (find_proof(p->zone, name_suffix(name, labels), &exact) == NULL ||
		!exact))
		labels--;
	add_proof(p, name_suffix(name, labels));
	if (labels < name_labels(name))
		add_proof(p, name_suffix(name, labels + 1));
}

static void
add_no_data(struct prover *p, const uint8_t *name)
{
	bool exact;

	/* NSEC: an empty non-terminal is covered, which proves it as well. */
	if (!p->zone->has_nsec3 ||
	    (find_proof(p->zone, name, &exact) != NULL && exact))
		add_proof(p, name);
	else
		add_encloser(p, name, name_labels(name));
}

static void
prove_one(struct prover *p, const struct claim *c)
{
	unsigned closest = name_labels(c->closest->name);

	switch (c->kind) {
	case CLAIM_NO_DATA:
		add_no_data(p, c->name);
		return;
	case CLAIM_WILD:
		if (p->zone->has_nsec3)
			add_proof(p, name_suffix(c->name, closest + 1));
		else
			add_proof(p, c->name);
		return;
	case CLAIM_NO_NAME:
	case CLAIM_WILD_NO_DATA:
		if (p->zone->has_nsec3)
			add_encloser(p, c->name, closest);
		else
			add_proof(p, c->name);
		add_wildcard(p, c->closest);
		return;
	}
}

void
prove(const struct zone *z, const struct reply *r, struct proofs *out)
{
	struct prover p = { .zone = z, .out = out };

	out->count = 0;
	if (z->chain_count == 0)
		return;
	for (size_t i = 0; i < r->claim_count; i++)
		prove_one(&p, &r->claims[i]);
}
