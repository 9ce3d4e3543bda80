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

uint32_t
algorithm_cost_us(uint8_t number)
{
	const struct algorithm *a = algorithm_find(number);

	return a == NULL ? 0 : a->cost_us;
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
