/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.c - DNSKEY and DS: RFC 4034 sections 2 and 5 and appendix B.
 */
#include "inner.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* RSA/MD5 computes its tag otherwise; nobody may sign with it any more. */
uint16_t
dnskey_tag(const struct rdata *r)
{
	uint32_t sum = 0;

	for (uint16_t i = 0; i < r->len; i++)
		sum += i & 1 ? r->bytes[i] : (uint32_t)r->bytes[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

bool
dnskey_read(const struct rdata *r, struct dnskey *out)
{
	if (r->len < 5)
		return false;
	*out = (struct dnskey){ .flags = take_u16(r->bytes),
		.protocol = r->bytes[2],
		.algorithm = r->bytes[3],
		.key = r->bytes + 4,
		.key_len = (uint16_t)(r->len - 4),
		.tag = dnskey_tag(r) };
	return true;
}

bool
dnskey_is_zone_key(const struct dnskey *k)
{
	return (k->flags & KEY_FLAG_ZONE) && !(k->flags & KEY_FLAG_REVOKED) &&
	       k->protocol == 3;
}

bool
ds_read(const struct rdata *r, struct ds *out)
{
	if (r->len < 5)
		return false;
	*out = (struct ds){ .tag = take_u16(r->bytes),
		.algorithm = r->bytes[2],
		.digest_type = r->bytes[3],
		.digest = r->bytes + 4,
		.digest_len = (uint16_t)(r->len - 4) };
	return true;
}

bool
ds_supported(const struct dnssec_policy *p, const struct ds *ds)
{
	return algorithm_supported(p, ds->algorithm) &&
	       digest_supported(p, ds->digest_type);
}

static const EVP_MD *
digest_of(uint8_t type)
{
	switch (type) {
	case DIGEST_SHA1:
		return EVP_sha1();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	default:
		return NULL;
	}
}

/* digest(owner | DNSKEY RDATA); 0 bytes: it cannot be computed. */
static unsigned
key_digest(const uint8_t *owner, const struct rdata *dnskey, uint8_t type,
    uint8_t out[EVP_MAX_MD_SIZE])
{
	const EVP_MD *md = digest_of(type);
	EVP_MD_CTX *ctx = md == NULL ? NULL : EVP_MD_CTX_new();
	struct name lower;
	unsigned len = 0;

	if (ctx == NULL)
		return 0;
	name_lower(&lower, owner);
	if (EVP_DigestInit_ex(ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, lower.wire, name_bytes(lower.wire)) != 1 ||
	    EVP_DigestUpdate(ctx, dnskey->bytes, dnskey->len) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, &len) != 1)
		len = 0;
	EVP_MD_CTX_free(ctx);
	return len;
}

bool
ds_matches(const struct ds *ds, const uint8_t *owner,
    const struct rdata *dnskey)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct dnskey k;
	unsigned len;

	if (!dnskey_read(dnskey, &k) || k.tag != ds->tag ||
	    k.algorithm != ds->algorithm)
		return false;
	len = key_digest(owner, dnskey, ds->digest_type, digest);
	return len > 0 && len == ds->digest_len &&
	       memcmp(digest, ds->digest, len) == 0;
}

bool
ds_make(const uint8_t *owner, const struct rdata *dnskey, uint8_t digest_type,
    uint8_t out[52], uint16_t *len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct dnskey k;
	unsigned n;

	if (!dnskey_read(dnskey, &k))
		return false;
	n = key_digest(owner, dnskey, digest_type, digest);
	if (n == 0 || n > 48)
		return false;
	give_u16(out, k.tag);
	out[2] = k.algorithm;
	out[3] = digest_type;
	memcpy(out + 4, digest, n);
	*len = (uint16_t)(n + 4);
	return true;
}

/*
 * RFC 4509 section 3: SHA-1 counts only where nothing better stands beside
 * it for a usable algorithm.
 */
static bool
has_better_digest(const struct dnssec_policy *p, const struct rrset *set,
    const struct ds *than)
{
	struct ds ds;

	if (than->digest_type != DIGEST_SHA1)
		return false;
	for (uint16_t i = 0; i < set->count; i++) {
		if (ds_read(&set->rdata[i], &ds) && ds_supported(p, &ds) &&
		    ds.digest_type != DIGEST_SHA1 &&
		    ds.algorithm == than->algorithm)
			return true;
	}
	return false;
}

#define DIGESTS_MAX 32u /* made for one DNSKEY set: KeyTrap by digests */

struct vouching {
	const struct dnssec_policy *policy;
	const struct rrset *entry; /* DS or DNSKEY set */
	unsigned digests;          /* made so far */
};

static bool
is_vouched(struct vouching *v, const uint8_t *owner, const struct rdata *key)
{
	const struct rrset *entry = v->entry;
	struct ds ds;

	for (uint16_t i = 0; i < entry->count; i++) {
		const struct rdata *r = &entry->rdata[i];

		if (entry->type == TYPE_DNSKEY) {
			if (r->len == key->len &&
			    memcmp(r->bytes, key->bytes, r->len) == 0)
				return true;
			continue;
		}
		if (!ds_read(r, &ds) || !ds_supported(v->policy, &ds) ||
		    has_better_digest(v->policy, entry, &ds) ||
		    ds.tag != dnskey_tag(key))
			continue;
		if (v->digests++ < DIGESTS_MAX && ds_matches(&ds, owner, key))
			return true;
	}
	return false;
}

struct rrset *
dnskeys_vouched(struct arena *a, const struct dnssec_policy *p,
    const struct rrset *keys, const struct rrset *entry)
{
	struct rrset *out = arena_take(a, sizeof(*out));
	struct rdata *list = arena_take(a, (keys->count + 1u) * sizeof(*list));
	struct vouching v = { .policy = p, .entry = entry };
	struct dnskey k;

	if (out == NULL || list == NULL)
		return NULL;
	*out = *keys;
	out->sigs = NULL;
	out->sig_count = 0;
	out->rdata = list;
	out->count = 0;
	for (uint16_t i = 0; i < keys->count; i++) {
		if (dnskey_read(&keys->rdata[i], &k) &&
		    dnskey_is_zone_key(&k) &&
		    algorithm_supported(p, k.algorithm) &&
		    is_vouched(&v, keys->owner, &keys->rdata[i]))
			list[out->count++] = keys->rdata[i];
	}
	return out;
}

/* What a DS or a key of an anchor asks for; a key has no digest. */
static bool
read_entry(const struct rrset *entry, uint16_t i, struct ds *out)
{
	struct dnskey k;

	if (entry->type == TYPE_DS)
		return ds_read(&entry->rdata[i], out);
	if (!dnskey_read(&entry->rdata[i], &k))
		return false;
	*out = (struct ds){ .tag = k.tag,
		.algorithm = k.algorithm,
		.digest_type = DIGEST_SHA256 };
	return true;
}

bool
entry_usable(const struct dnssec_policy *p, const struct rrset *entry,
    enum ede *ede, struct ds *which)
{
	struct ds ds;

	*ede = EDE_UNSUPPORTED_ALGORITHM;
	*which = (struct ds){ .tag = 0 };
	for (uint16_t i = 0; i < entry->count; i++) {
		if (!read_entry(entry, i, &ds))
			continue;
		if (ds_supported(p, &ds))
			return true;
		if (algorithm_supported(p, ds.algorithm))
			*ede = EDE_UNSUPPORTED_DIGEST;
		*which = ds;
	}
	return false;
}
