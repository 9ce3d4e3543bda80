/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify.c - the arithmetic, by OpenSSL: RSA (RFC 3110, 5702), ECDSA (RFC
 * 6605), Ed25519 and Ed448 (RFC 8080).
 *
 * Parsing a public key costs as much as half a check, so parsed keys are
 * kept: a small table in sets of four, found by the DNSKEY's own octets; the
 * one unused for longest makes room. A key that cannot be parsed is kept as
 * such. RSA keys are bounded (512 to 4096 bits, exponent of at most 40 bits),
 * because a huge one makes a check as slow as its author likes.
 */
#include "inner.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#define WAYS          4u
#define RSA_BYTES_MIN 64u
#define RSA_BYTES_MAX 512u
#define EXPONENT_MAX  5u
#define DER_BYTES_MAX 128u

struct parsed_key {
	uint8_t *rdata; /* NULL: the place is free */
	EVP_PKEY *key;  /* NULL: it could not be parsed */
	EVP_PKEY_CTX *ctx;
	uint64_t used;
	uint16_t len;
};

struct key_store {
	struct parsed_key *keys; /* sets * WAYS */
	size_t sets;
	struct hash_key hash;
	uint64_t clock;
};

struct key_store *
key_store_new(size_t keys_max)
{
	struct key_store *ks = memory_new(sizeof(*ks));

	if (ks == NULL)
		return NULL;
	ks->sets = keys_max / WAYS + 1;
	ks->keys = memory_new(ks->sets * WAYS * sizeof(*ks->keys));
	if (ks->keys == NULL) {
		memory_free(ks);
		return NULL;
	}
	hash_key_random(&ks->hash);
	return ks;
}

static void
drop_key(struct parsed_key *k)
{
	EVP_PKEY_CTX_free(k->ctx);
	EVP_PKEY_free(k->key);
	memory_free(k->rdata);
	memset(k, 0, sizeof(*k));
}

void
key_store_free(struct key_store *ks)
{
	if (ks == NULL)
		return;
	for (size_t i = 0; i < ks->sets * WAYS; i++)
		drop_key(&ks->keys[i]);
	memory_free(ks->keys);
	memory_free(ks);
}

/* --- public keys out of DNSKEY RDATA ------------------------------------ */

static EVP_PKEY *
key_from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* RFC 3110 section 2: exponent length, exponent, modulus. */
bool
rsa_parts(const struct rdata *dnskey, const uint8_t **exponent, size_t *exp_len,
    size_t *mod_len)
{
	struct dnskey k;
	size_t at = 1;

	if (!dnskey_read(dnskey, &k) || k.key_len < 3)
		return false;
	*exp_len = k.key[0];
	if (*exp_len == 0) {
		*exp_len = take_u16(k.key + 1);
		at = 3;
	}
	if (*exp_len == 0 || *exp_len > EXPONENT_MAX ||
	    at + *exp_len > k.key_len)
		return false;
	*exponent = k.key + at;
	*mod_len = k.key_len - at - *exp_len;
	return *mod_len >= RSA_BYTES_MIN && *mod_len <= RSA_BYTES_MAX;
}

static EVP_PKEY *
parse_rsa(const struct rdata *dnskey)
{
	const uint8_t *exponent;
	size_t exp_len, mod_len;
	OSSL_PARAM_BLD *bld;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;

	if (!rsa_parts(dnskey, &exponent, &exp_len, &mod_len))
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	e = BN_bin2bn(exponent, (int)exp_len, NULL);
	n = BN_bin2bn(exponent + exp_len, (int)mod_len, NULL);
	if (bld != NULL && e != NULL && n != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from_params("RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return key;
}

/* RFC 6605 section 4: the bare point. */
static EVP_PKEY *
parse_ecdsa(const struct algorithm *a, const struct dnskey *k)
{
	uint8_t point[1 + 2 * 48] = { 4 }; /* uncompressed */
	size_t len = 2u * a->part_bytes;
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *key = NULL;

	if (k->key_len != len)
		return NULL;
	memcpy(point + 1, k->key, len);
	bld = OSSL_PARAM_BLD_new();
	if (bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
		a->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
		point, len + 1) == 1)
		key = key_from_params("EC", bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* RFC 2536 section 2: T, Q of 20 octets, then P, G and Y of 64 + 8 T. */
static EVP_PKEY *
parse_dsa(const struct dnskey *k)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_FFC_Q,
		OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_G,
		OSSL_PKEY_PARAM_PUB_KEY };
	size_t part = 64 + 8u * (k->key_len > 0 ? k->key[0] : 9u), at = 1;
	OSSL_PARAM_BLD *bld = NULL;
	BIGNUM *n[4] = { NULL };
	EVP_PKEY *key = NULL;
	bool fine = true;

	if (k->key_len == 0 || k->key[0] > 8 || k->key_len != 21 + 3 * part)
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	for (size_t i = 0; i < 4; i++) {
		size_t len = i == 0 ? 20 : part;

		n[i] = BN_bin2bn(k->key + at, (int)len, NULL);
		at += len;
		fine = fine && bld != NULL && n[i] != NULL &&
		       OSSL_PARAM_BLD_push_BN(bld, names[i], n[i]) == 1;
	}
	if (fine)
		key = key_from_params("DSA", bld);
	OSSL_PARAM_BLD_free(bld);
	for (size_t i = 0; i < 4; i++)
		BN_free(n[i]);
	return key;
}

static EVP_PKEY *
parse_eddsa(const struct algorithm *a, const struct dnskey *k)
{
	if (k->key_len != a->part_bytes)
		return NULL;
	return EVP_PKEY_new_raw_public_key_ex(NULL, a->group, NULL, k->key,
	    k->key_len);
}

static EVP_PKEY *
parse_key(const struct algorithm *a, const struct dnskey *k,
    const struct rdata *rdata)
{
	switch (a->suite) {
	case SUITE_RSA:
		return parse_rsa(rdata);
	case SUITE_DSA:
		return parse_dsa(k);
	case SUITE_ECDSA:
		return parse_ecdsa(a, k);
	case SUITE_EDDSA:
	default:
		return parse_eddsa(a, k);
	}
}

/* A context that checks digests; made once, used for every check. */
static EVP_PKEY_CTX *
context_for(const struct algorithm *a, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    (a->suite == SUITE_RSA &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(a->hash)) !=
		1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static struct parsed_key *
keep(struct key_store *ks, struct parsed_key *place, const struct algorithm *a,
    const struct rdata *rdata)
{
	struct dnskey k;

	drop_key(place);
	place->rdata = memory_new(rdata->len + 1u);
	if (place->rdata == NULL || !dnskey_read(rdata, &k)) {
		drop_key(place);
		return NULL;
	}
	memcpy(place->rdata, rdata->bytes, rdata->len);
	place->len = rdata->len;
	place->used = ++ks->clock;
	place->key = parse_key(a, &k, rdata);
	if (place->key != NULL && a->hash != NULL)
		place->ctx = context_for(a, place->key);
	return place;
}

static struct parsed_key *
find_key(struct key_store *ks, const struct algorithm *a,
    const struct rdata *rdata)
{
	uint64_t hash = hash_bytes(&ks->hash, rdata->bytes, rdata->len);
	struct parsed_key *set = &ks->keys[hash % ks->sets * WAYS];
	struct parsed_key *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		struct parsed_key *k = &set[i];

		if (k->rdata != NULL && k->len == rdata->len &&
		    memcmp(k->rdata, rdata->bytes, k->len) == 0) {
			k->used = ++ks->clock;
			return k;
		}
		if (k->used < oldest->used)
			oldest = k;
	}
	return keep(ks, oldest, a, rdata);
}

/* --- signatures --------------------------------------------------------- */

static size_t
der_integer(uint8_t *out, const uint8_t *n, size_t len)
{
	size_t at = 2;

	while (len > 1 && n[0] == 0) {
		n++;
		len--;
	}
	if (n[0] & 0x80)
		out[at++] = 0;
	memcpy(out + at, n, len);
	out[0] = 0x02;
	out[1] = (uint8_t)(at + len - 2);
	return at + len;
}

/* DNS carries r and s side by side, OpenSSL wants SEQUENCE { r, s }. */
static size_t
der_signature(uint8_t out[DER_BYTES_MAX], const uint8_t *rs, size_t part)
{
	uint8_t body[DER_BYTES_MAX];
	size_t len = der_integer(body, rs, part);

	len += der_integer(body + len, rs + part, part);
	out[0] = 0x30;
	out[1] = (uint8_t)len;
	memcpy(out + 2, body, len);
	return len + 2;
}

static bool
verify_digest(const struct parsed_key *k, const struct algorithm *a,
    const struct rrsig *sig, const uint8_t *bytes, size_t len)
{
	uint8_t digest[EVP_MAX_MD_SIZE], der[DER_BYTES_MAX];
	const uint8_t *s = sig->signature;
	size_t s_len = sig->signature_len;
	unsigned digest_len = 0;

	if (a->suite == SUITE_ECDSA) {
		if (s_len != 2u * a->part_bytes)
			return false;
		s_len = der_signature(der, s, a->part_bytes);
		s = der;
	} else if (a->suite == SUITE_DSA && s_len == 41) {
		/* RFC 2536 section 3: T, r, s; some signed with DER. */
		s_len = der_signature(der, s + 1, 20);
		s = der;
	}
	if (EVP_Digest(bytes, len, digest, &digest_len,
		EVP_get_digestbyname(a->hash), NULL) != 1)
		return false;
	return EVP_PKEY_verify(k->ctx, s, s_len, digest, digest_len) == 1;
}

static bool
verify_whole(const struct parsed_key *k, const struct rrsig *sig,
    const uint8_t *bytes, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	if (ctx == NULL)
		return false;
	good = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
	       EVP_DigestVerify(ctx, sig->signature, sig->signature_len, bytes,
		   len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool
key_store_verify(struct key_store *ks, const struct rdata *dnskey,
    const struct rrsig *sig, const uint8_t *bytes, size_t len)
{
	const struct algorithm *a = algorithm_find(sig->algorithm);
	struct parsed_key *k;

	if (a == NULL || dnskey->len < 5 || dnskey->bytes[3] != a->number)
		return false;
	k = find_key(ks, a, dnskey);
	if (k == NULL || k->key == NULL || (a->hash != NULL && k->ctx == NULL))
		return false;
	return a->hash == NULL ? verify_whole(k, sig, bytes, len)
			       : verify_digest(k, a, sig, bytes, len);
}
