/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * algorithms.c - which algorithms and digests count, as a table: RFC 8624,
 * RFC 9904, RFC 9905. What is not in it, or is switched off, makes a zone
 * unsigned rather than broken (RFC 4035 section 5.2).
 */
#include "inner.h"

#include <stdio.h>

static const struct algorithm algorithms[] = {
	/* clang-format off */
	{ 3,  "DSA",                SUITE_DSA,   WANTS_OBSOLETE, 300, 0,  "SHA1",   NULL },
	{ 5,  "RSASHA1",            SUITE_RSA,   WANTS_SHA1,     25,  0,  "SHA1",   NULL },
	{ 6,  "DSA-NSEC3-SHA1",     SUITE_DSA,   WANTS_OBSOLETE, 300, 0,  "SHA1",   NULL },
	{ 7,  "RSASHA1-NSEC3-SHA1", SUITE_RSA,   WANTS_SHA1,     25,  0,  "SHA1",   NULL },
	{ 8,  "RSASHA256",          SUITE_RSA,   WANTS_NOTHING,  25,  0,  "SHA256", NULL },
	{ 10, "RSASHA512",          SUITE_RSA,   WANTS_NOTHING,  25,  0,  "SHA512", NULL },
	{ 13, "ECDSAP256SHA256",    SUITE_ECDSA, WANTS_NOTHING,  85,  32, "SHA256", "P-256" },
	{ 14, "ECDSAP384SHA384",    SUITE_ECDSA, WANTS_NOTHING,  650, 48, "SHA384", "P-384" },
	{ 15, "ED25519",            SUITE_EDDSA, WANTS_NOTHING,  110, 32, NULL,     "ED25519" },
	{ 16, "ED448",              SUITE_EDDSA, WANTS_NOTHING,  300, 57, NULL,     "ED448" },
	/* clang-format on */
};

const struct algorithm *
algorithm_find(uint8_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (algorithms[i].number == number)
			return &algorithms[i];
	}
	return NULL;
}

bool
algorithm_supported(const struct dnssec_policy *p, uint8_t number)
{
	const struct algorithm *a = algorithm_find(number);

	if (a == NULL)
		return false;
	return a->wants == WANTS_NOTHING ||
	       (a->wants == WANTS_SHA1 ? p->sha1 : p->obsolete);
}

bool
digest_supported(const struct dnssec_policy *p, uint8_t digest)
{
	if (digest == DIGEST_SHA1)
		return p->sha1;
	return digest == DIGEST_SHA256 || digest == DIGEST_SHA384;
}

bool
algorithm_known(uint8_t number)
{
	return algorithm_find(number) != NULL;
}

const char *
algorithm_text(uint8_t number, char *buf)
{
	const struct algorithm *a = algorithm_find(number);

	if (a != NULL)
		(void)snprintf(buf, 24, "%s", a->name);
	else
		(void)snprintf(buf, 24, "algorithm %u", number);
	return buf;
}

/* Squarings and multiplications of one exponentiation. */
static unsigned
exponent_steps(const uint8_t *e, size_t len)
{
	unsigned bits = 0, set = 0;

	for (size_t i = 0; i < len * 8; i++) {
		bool one = e[i / 8] >> (7 - i % 8) & 1;

		bits += bits > 0 || one;
		set += one;
	}
	return bits + set;
}

/* The table has it for 2048 bits and the exponent 65537: 19 steps. */
static uint32_t
rsa_cost_us(const struct algorithm *a, const struct rdata *dnskey)
{
	const uint8_t *e;
	size_t e_len, n_len;
	uint32_t us;

	if (!rsa_parts(dnskey, &e, &e_len, &n_len))
		return 0; /* never used for arithmetic */
	us = a->cost_us * (uint32_t)(n_len * n_len / 64) / 1024 *
	     exponent_steps(e, e_len) / 19;
	return us < 5 ? 5 : us;
}

#define HASHED_PER_US 400u /* octets */
#define SORTED_PER_US 8u   /* records */

uint32_t
signature_cost_us(const struct rdata *dnskey, size_t bytes, uint16_t records)
{
	const struct algorithm *a =
	    dnskey->len < 5 ? NULL : algorithm_find(dnskey->bytes[3]);
	uint32_t us =
	    (uint32_t)(bytes / HASHED_PER_US) + records / SORTED_PER_US;

	if (a == NULL)
		return us;
	return us +
	       (a->suite == SUITE_RSA ? rsa_cost_us(a, dnskey) : a->cost_us);
}

const char *
verdict_text(enum verdict v)
{
	static const char *const words[] = {
		[VERDICT_INDETERMINATE] = "indeterminate",
		[VERDICT_INSECURE] = "insecure",
		[VERDICT_SECURE] = "secure",
		[VERDICT_BOGUS] = "bogus",
	};

	return words[v];
}
