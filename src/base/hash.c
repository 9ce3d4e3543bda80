/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.c - SipHash-2-4, so that clients cannot aim at one bucket.
 *
 * Keys come from the kernel and never leave the process.
 */
#include <hither/base.h>

#include <sodium.h>

_Static_assert(sizeof(struct hash_key) == crypto_shorthash_KEYBYTES,
    "a hash key is a SipHash key");

void
hash_key_random(struct hash_key *k)
{
	require(sodium_init() >= 0);
	randombytes_buf(k->bytes, sizeof(k->bytes));
}

uint64_t
hash_bytes(const struct hash_key *k, const void *p, size_t n)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t h = 0;

	(void)crypto_shorthash(out, n > 0 ? p : (const void *)"", n, k->bytes);
	for (size_t i = 0; i < sizeof(out); i++)
		h |= (uint64_t)out[i] << (8 * i);
	return h;
}
