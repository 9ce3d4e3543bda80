/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.c - SipHash-1-3 (Aumasson, Bernstein, INDOCRYPT 2012).
 *
 * Keys come from the kernel and never leave the process. The rounds are in
 * base.h: libsodium's SipHash-2-4 reads octet by octet through two calls, and
 * cost 320 instructions for a name where this costs 130.
 */
#include <hither/base.h>

#include <sodium.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define WORD(w) __builtin_bswap64(w)
#else
#define WORD(w) (w)
#endif

void
hash_key_random(struct hash_key *k)
{
	require(sodium_init() >= 0);
	randombytes_buf(k->bytes, sizeof(k->bytes));
}

uint64_t
hash_bytes(const struct hash_key *k, const void *p, size_t n)
{
	const uint8_t *at = p;
	struct hash_run r;
	uint64_t w, rest = 0;
	size_t left = n;

	hash_start(&r, k);
	for (; left >= sizeof(w); left -= sizeof(w), at += sizeof(w)) {
		memcpy(&w, at, sizeof(w));
		hash_word(&r, WORD(w));
	}
	while (left-- > 0)
		rest = rest << 8 | at[left];
	return hash_end(&r, rest, n);
}

void
hash_siphash24(const struct hash_key *k, const void *p, size_t n,
    uint8_t out[8])
{
	_Static_assert(crypto_shorthash_BYTES == 8 &&
			   crypto_shorthash_KEYBYTES == sizeof(k->bytes),
	    "libsodium's short hash is SipHash-2-4");
	(void)crypto_shorthash(out, p, n, k->bytes);
}
