/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fold.h - ASCII letter case, eight octets at a time.
 *
 * Length octets are at most 63 and so never letters: a whole flat name may be
 * folded or compared without looking at its labels (RFC 4343).
 */
#ifndef HITHER_DNS_FOLD_H
#define HITHER_DNS_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FOLD_EACH(x) ((uint64_t)(x)*UINT64_C(0x0101010101010101))

static inline uint8_t
fold_octet(uint8_t c)
{
	return (uint8_t)(c | (((unsigned)c - 'A' < 26u) ? 0x20u : 0u));
}

/* The high bit of each octet marks what is a capital; it becomes 0x20. */
static inline uint64_t
fold_word(uint64_t w)
{
	uint64_t low = w & FOLD_EACH(0x7f);
	uint64_t past_z = low + FOLD_EACH(0x7f - 'Z');
	uint64_t from_a = low + FOLD_EACH(0x80 - 'A');
	uint64_t capital = ~w & FOLD_EACH(0x80) & (from_a ^ past_z);

	return w | (capital >> 2);
}

/* The high bit of each octet that is a letter, of either case. */
static inline uint64_t
fold_letters(uint64_t w)
{
	uint64_t low = (w | FOLD_EACH(0x20)) & FOLD_EACH(0x7f);
	uint64_t past_z = low + FOLD_EACH(0x7f - 'z');
	uint64_t from_a = low + FOLD_EACH(0x80 - 'a');

	return ~w & FOLD_EACH(0x80) & (from_a ^ past_z);
}

/* In each octet the bit of its number, as the octets lie in memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FOLD_OWN_BITS UINT64_C(0x8040201008040201)
#else
#define FOLD_OWN_BITS UINT64_C(0x0102040810204080)
#endif

/* w with the case of its letters turned where the octet's bit is set. */
static inline uint64_t
fold_turn_word(uint64_t w, uint8_t bits)
{
	/* Each octet has its own bit, from which a carry makes the highest. */
	uint64_t own = FOLD_EACH(bits) & FOLD_OWN_BITS;
	uint64_t wanted = own | ((own & FOLD_EACH(0x7f)) + FOLD_EACH(0x7f));

	return w ^ (fold_letters(w) & wanted) >> 2;
}

/* The last word overlaps the one before, so that no octet is left over. */
static inline void
fold_copy(uint8_t *out, const uint8_t *in, size_t n)
{
	size_t i = 0;
	uint64_t w;

	while (i + sizeof(w) <= n) {
		memcpy(&w, in + i, sizeof(w));
		w = fold_word(w);
		memcpy(out + i, &w, sizeof(w));
		i += sizeof(w);
		if (i < n && i + sizeof(w) > n)
			i = n - sizeof(w);
	}
	for (; i < n; i++)
		out[i] = fold_octet(in[i]);
}

/* Equal are octets that differ in nothing but the case of a letter. */
static inline bool
fold_equal_word(const uint8_t *a, const uint8_t *b)
{
	uint64_t v, w;

	memcpy(&v, a, sizeof(v));
	memcpy(&w, b, sizeof(w));
	return v == w || ((v ^ w) & ~(fold_letters(v) >> 2)) == 0;
}

static inline bool
fold_equal_half(const uint8_t *a, const uint8_t *b)
{
	uint32_t v, w;

	memcpy(&v, a, sizeof(v));
	memcpy(&w, b, sizeof(w));
	return v == w || ((v ^ w) & ~(fold_letters(v) >> 2)) == 0;
}

/* The last word overlaps the one before, so that no octet is left over. */
static inline bool
fold_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t))
		if (!fold_equal_word(a + i, b + i))
			return false;
	if (n >= sizeof(uint64_t))
		return i == n || fold_equal_word(a + n - sizeof(uint64_t),
				     b + n - sizeof(uint64_t));
	if (n >= sizeof(uint32_t))
		return fold_equal_half(a, b) &&
		       fold_equal_half(a + n - sizeof(uint32_t),
			   b + n - sizeof(uint32_t));
	for (; i < n; i++)
		if (fold_octet(a[i]) != fold_octet(b[i]))
			return false;
	return true;
}

#endif
