/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nsec3.c - denial by NSEC3: RFC 5155 section 8, RFC 9276.
 *
 * 1. Records that hash with another algorithm, carry unknown flags, stand
 *    outside the zone or do not share the first one's salt and iterations
 *    are passed over.
 * 2. More iterations than the policy allows: the zone counts as unsigned.
 * 3. The closest encloser is the deepest name with a matching record whose
 *    child towards the question, the next closer name, lies in a gap. It is
 *    looked for from the name upwards; every hash is charged to the budget.
 */
#include "inner.h"

#include <openssl/evp.h>
#include <string.h>

#define HASH_BYTES   20u
#define FLAG_OPT_OUT 1u

struct params {
	const uint8_t *salt;
	uint16_t iterations;
	uint8_t salt_len;
};

struct nsec3 {
	uint8_t owner[HASH_BYTES];
	const uint8_t *next, *bitmap;
	size_t bitmap_len;
	struct params params;
	bool opt_out;
};

void
nsec3_hash(const uint8_t *name, uint16_t iterations, const uint8_t *salt,
    uint8_t salt_len, uint8_t out[HASH_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = EVP_sha1();
	struct name lower;
	const uint8_t *in = lower.wire;
	size_t len;
	bool fine = ctx != NULL;

	name_lower(&lower, name);
	len = name_bytes(lower.wire);
	memset(out, 0, HASH_BYTES);
	for (uint32_t i = 0; fine && i <= iterations; i++) {
		fine = EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
		       EVP_DigestUpdate(ctx, in, len) == 1 &&
		       EVP_DigestUpdate(ctx, salt, salt_len) == 1 &&
		       EVP_DigestFinal_ex(ctx, out, NULL) == 1;
		in = out;
		len = HASH_BYTES;
	}
	EVP_MD_CTX_free(ctx);
}

static int
base32_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

/* The first label: 32 digits of base32hex, RFC 4648 section 7. */
static bool
read_owner(const uint8_t *owner, uint8_t out[HASH_BYTES])
{
	uint32_t bits = 0;
	unsigned have = 0, at = 0;

	if (owner[0] != 32)
		return false;
	for (unsigned i = 1; i <= 32; i++) {
		int v = base32_value(owner[i]);

		if (v < 0)
			return false;
		bits = bits << 5 | (uint32_t)v;
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(bits >> have);
		}
	}
	return true;
}

/* One record, whatever its parameters. */
static bool
read_record(const struct denial_proof *d, size_t i, struct nsec3 *out)
{
	const struct rrset *s = d->sets[i];
	const uint8_t *p;
	size_t len, salt_end;

	if (s->type != TYPE_NSEC3 || s->count != 1)
		return false;
	p = s->rdata[0].bytes;
	len = s->rdata[0].len;
	if (len < 6 || p[0] != 1 || (p[1] & ~FLAG_OPT_OUT) != 0)
		return false;
	salt_end = 5u + p[4];
	if (salt_end + 1 + HASH_BYTES > len || p[salt_end] != HASH_BYTES)
		return false;
	out->params = (struct params){ p + 5, take_u16(p + 2), p[4] };
	out->opt_out = p[1] & FLAG_OPT_OUT;
	out->next = p + salt_end + 1;
	out->bitmap = out->next + HASH_BYTES;
	out->bitmap_len = len - salt_end - 1 - HASH_BYTES;
	return name_equal(name_parent(s->owner), d->zone) &&
	       read_owner(s->owner, out->owner);
}

static bool
same_params(const struct params *a, const struct params *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       (a->salt_len == 0 || memcmp(a->salt, b->salt, a->salt_len) == 0);
}

/* The parameters that count; PROVEN when there are usable ones. */
static enum denial
find_params(const struct denial_proof *d, struct params *out)
{
	struct nsec3 n;

	for (size_t i = 0; i < d->count; i++) {
		if (!read_record(d, i, &n))
			continue;
		*out = n.params;
		return out->iterations > d->policy->iterations_max
			   ? DENIAL_ITERATIONS
			   : DENIAL_PROVEN;
	}
	return DENIAL_NONE;
}

/* What is being proven, and what was found so far. */
struct search {
	const struct denial_proof *d;
	struct params params;
	bool spent; /* the budget for hashes */
};

static bool
hash_of(struct search *s, const uint8_t *name, uint8_t out[HASH_BYTES])
{
	struct dnssec_work *w = s->d->work;

	if (w->hashes >= w->hashes_max) {
		s->spent = w->over = true;
		return false;
	}
	w->hashes++;
	nsec3_hash(name, s->params.iterations, s->params.salt,
	    s->params.salt_len, out);
	return true;
}

static bool
gap_has(const struct nsec3 *n, const uint8_t hash[HASH_BYTES])
{
	int above = memcmp(hash, n->owner, HASH_BYTES);
	int below = memcmp(hash, n->next, HASH_BYTES);

	if (memcmp(n->owner, n->next, HASH_BYTES) < 0)
		return above > 0 && below < 0;
	return above > 0 || below < 0; /* the last one */
}

static bool
find_hash(const struct search *s, const uint8_t hash[HASH_BYTES],
    bool want_match, struct nsec3 *out)
{
	for (size_t i = 0; i < s->d->count; i++) {
		bool match;

		if (!read_record(s->d, i, out) ||
		    !same_params(&out->params, &s->params))
			continue;
		match = memcmp(out->owner, hash, HASH_BYTES) == 0;
		if (want_match ? match : !match && gap_has(out, hash))
			return true;
	}
	return false;
}

static bool
find_match(struct search *s, const uint8_t *name, struct nsec3 *out)
{
	uint8_t hash[HASH_BYTES];

	return hash_of(s, name, hash) && find_hash(s, hash, true, out);
}

static bool
find_cover(struct search *s, const uint8_t *name, struct nsec3 *out)
{
	uint8_t hash[HASH_BYTES];

	return hash_of(s, name, hash) && find_hash(s, hash, false, out);
}

struct enclosed {
	const uint8_t *encloser; /* part of the name asked about */
	bool exact;              /* it is that name itself */
	bool opt_out;            /* of the gap of the next closer name */
	struct nsec3 match;
};

/* RFC 5155 section 8.3. */
static bool
find_encloser(struct search *s, const uint8_t *qname, struct enclosed *out)
{
	uint8_t hash[HASH_BYTES], child[HASH_BYTES];
	unsigned top = name_labels(s->d->zone);
	struct nsec3 gap;

	for (unsigned n = name_labels(qname) + 1; n-- > top;) {
		out->encloser = name_suffix(qname, n);
		out->exact = n == name_labels(qname);
		if (!hash_of(s, out->encloser, hash))
			return false;
		if (!find_hash(s, hash, true, &out->match)) {
			memcpy(child, hash, HASH_BYTES);
			continue;
		}
		if (out->exact)
			return true;
		if (bitmap_leads_away(out->match.bitmap, out->match.bitmap_len))
			return false;
		if (!find_hash(s, child, false, &gap))
			return false;
		out->opt_out = gap.opt_out;
		return true;
	}
	return false;
}

static enum denial
begin(struct search *s, const struct denial_proof *d, const uint8_t *name)
{
	*s = (struct search){ .d = d };
	if (!name_is_within(name, d->zone))
		return DENIAL_NONE;
	return find_params(d, &s->params);
}

static bool
wildcard_below(const uint8_t *parent, struct name *out)
{
	static const uint8_t star = '*';

	return name_prepend(out, &star, 1, parent) == ERR_OK;
}

static enum denial
refused(const struct search *s)
{
	return s->spent ? DENIAL_LIMIT : DENIAL_NONE;
}

/* RFC 5155 sections 8.5, 8.6 and 8.7. */
enum denial
nsec3_nodata(const struct denial_proof *d, const uint8_t *qname, uint16_t qtype)
{
	struct search s;
	struct enclosed e;
	struct nsec3 w;
	struct name wildcard;
	enum denial r = begin(&s, d, qname);

	if (r != DENIAL_PROVEN)
		return r;
	if (!find_encloser(&s, qname, &e))
		return refused(&s);
	if (e.exact)
		return bitmap_denies(e.match.bitmap, e.match.bitmap_len, qname,
			   qtype)
			   ? DENIAL_PROVEN
			   : DENIAL_NONE;
	if (wildcard_below(e.encloser, &wildcard) &&
	    find_match(&s, wildcard.wire, &w))
		return bitmap_denies(w.bitmap, w.bitmap_len, wildcard.wire,
			   qtype)
			   ? (e.opt_out ? DENIAL_OPT_OUT : DENIAL_PROVEN)
			   : DENIAL_NONE;
	/* An unsigned delegation, or what lies above one, has no record. */
	return e.opt_out ? DENIAL_OPT_OUT : refused(&s);
}

/* RFC 5155 section 8.4. */
enum denial
nsec3_nxdomain(const struct denial_proof *d, const uint8_t *qname)
{
	struct search s;
	struct enclosed e;
	struct nsec3 w;
	struct name wildcard;
	enum denial r = begin(&s, d, qname);

	if (r != DENIAL_PROVEN)
		return r;
	if (!find_encloser(&s, qname, &e) || e.exact ||
	    !wildcard_below(e.encloser, &wildcard) ||
	    !find_cover(&s, wildcard.wire, &w))
		return refused(&s);
	return e.opt_out ? DENIAL_OPT_OUT : DENIAL_PROVEN;
}

/* RFC 5155 section 8.8. */
enum denial
nsec3_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent)
{
	unsigned next = name_labels(wildcard_parent) + 1;
	struct search s;
	struct nsec3 gap;
	enum denial r = begin(&s, d, qname);

	if (r != DENIAL_PROVEN)
		return r;
	if (next > name_labels(qname) ||
	    !find_cover(&s, name_suffix(qname, next), &gap))
		return refused(&s);
	return gap.opt_out ? DENIAL_OPT_OUT : DENIAL_PROVEN;
}

/* RFC 5155 section 8.9. */
enum denial
nsec3_ds(const struct denial_proof *d, const uint8_t *name)
{
	struct search s;
	struct enclosed e;
	enum denial r = begin(&s, d, name);

	if (r != DENIAL_PROVEN)
		return r;
	if (!find_encloser(&s, name, &e))
		return refused(&s);
	if (e.exact)
		return bitmap_ds(e.match.bitmap, e.match.bitmap_len, name);
	/* No such name; what a wildcard holds is no delegation. */
	return e.opt_out ? DENIAL_OPT_OUT : DENIAL_PROVEN;
}
