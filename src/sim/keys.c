/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.c - the keys of signed zones. Curves: the private key is a hash of
 * the zone's name, algorithm and role, so that it is the same on every start
 * and everywhere. RSA: two keys in files, for all zones, because to make one
 * takes too long. Nobody is protected by any of them.
 */
#include <stdio.h>
#include <string.h>

#include <ldns/ldns.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "sign.h"

#define SEED_BYTES  64u
#define POINT_BYTES 97u /* uncompressed, P-384 */

static bool
make_seed(const struct key_wanted *w, uint8_t seed[SEED_BYTES])
{
	static const char prefix[] = "hither-sim key";
	uint8_t text[sizeof(prefix) + 2 + NAME_MAX_BYTES];
	struct name zone;
	size_t n = sizeof(prefix);

	name_lower(&zone, w->zone);
	memcpy(text, prefix, n);
	text[n++] = w->algorithm;
	text[n++] = (uint8_t)w->role;
	memcpy(text + n, zone.wire, name_bytes(zone.wire));
	n += name_bytes(zone.wire);
	return EVP_Digest(text, n, seed, NULL, EVP_sha512(), NULL) == 1;
}

/* --- ECDSA ------------------------------------------------------------ */

static EVP_PKEY *
from_parts(const char *group, const BIGNUM *secret, const uint8_t *point,
    size_t point_len)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (bld != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
		group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret) ==
		1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
		point, point_len) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* secret = 1 + seed mod (order - 1) */
static bool
make_secret(const EC_GROUP *g, const uint8_t *seed, BIGNUM *secret)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *order = BN_dup(EC_GROUP_get0_order(g));
	bool ok = ctx != NULL && order != NULL && BN_sub_word(order, 1) == 1 &&
		  BN_bin2bn(seed, SEED_BYTES, secret) != NULL &&
		  BN_mod(secret, secret, order, ctx) == 1 &&
		  BN_add_word(secret, 1) == 1;

	BN_free(order);
	BN_CTX_free(ctx);
	return ok;
}

static EVP_PKEY *
make_ecdsa(int nid, const char *group, const uint8_t *seed)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *p = g != NULL ? EC_POINT_new(g) : NULL;
	BIGNUM *secret = BN_new();
	uint8_t point[POINT_BYTES];
	EVP_PKEY *key = NULL;

	if (p != NULL && secret != NULL && make_secret(g, seed, secret) &&
	    EC_POINT_mul(g, p, secret, NULL, NULL, NULL) == 1) {
		size_t n = EC_POINT_point2oct(g, p,
		    POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), NULL);

		key = from_parts(group, secret, point, n);
	}
	BN_free(secret);
	EC_POINT_free(p);
	EC_GROUP_free(g);
	return key;
}

/* --- RSA -------------------------------------------------------------- */

static EVP_PKEY *
read_rsa(const struct key_wanted *w)
{
	char path[4096];
	EVP_PKEY *key;
	FILE *f;

	/* A strange zone-signing key is one that the zone does not show. */
	snprintf(path, sizeof(path), "%s/rsa-%s.pem", w->dir,
	    w->role == ZONE_SIGNING_KEY ? "zone" : "key");
	f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	return key;
}

/* --- all of them ------------------------------------------------------ */

static EVP_PKEY *
make_pkey(const struct key_wanted *w)
{
	uint8_t seed[SEED_BYTES];

	if (!make_seed(w, seed))
		return NULL;
	switch (w->algorithm) {
	case LDNS_RSASHA256:
	case LDNS_RSASHA512:
		return read_rsa(w);
	case LDNS_ECDSAP256SHA256:
		return make_ecdsa(NID_X9_62_prime256v1, "prime256v1", seed);
	case LDNS_ECDSAP384SHA384:
		return make_ecdsa(NID_secp384r1, "secp384r1", seed);
	case LDNS_ED25519:
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    seed, 32);
	case LDNS_ED448:
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED448, NULL, seed,
		    57);
	default:
		return NULL;
	}
}

void *
key_make(const struct key_wanted *w)
{
	EVP_PKEY *pkey = make_pkey(w);
	ldns_key *key = pkey != NULL ? ldns_key_new() : NULL;
	char text[NAME_TEXT_MAX];
	ldns_rdf *owner = NULL;
	ldns_rr *rr;

	if (key == NULL || ldns_str2rdf_dname(&owner,
			       name_text(w->zone, text)) != LDNS_STATUS_OK) {
		EVP_PKEY_free(pkey);
		ldns_key_free(key);
		return NULL;
	}
	ldns_key_set_algorithm(key, (ldns_signing_algorithm)w->algorithm);
	ldns_key_set_evp_key(key, pkey);
	ldns_key_set_pubkey_owner(key, owner);
	ldns_key_set_flags(key, w->role == ZONE_SIGNING_KEY ? 256 : 257);
	rr = ldns_key2rr(key);
	if (rr == NULL) {
		ldns_key_deep_free(key);
		return NULL;
	}
	ldns_key_set_keytag(key, ldns_calc_keytag(rr));
	ldns_rr_free(rr);
	return key;
}
