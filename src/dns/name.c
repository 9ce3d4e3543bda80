/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * name.c - arithmetic on flat wire-form names.
 *
 * Every name given here is well formed: it came through reader_name(),
 * name_parse() or one of the builders below, which are the only places that
 * make names and which check the 255 octets (RFC 1035 section 2.3.4). Nothing
 * allocates; the comparisons and the hash are on the hit path.
 */
#include <hither/dns.h>

#include <string.h>

#include "fold.h"

const uint8_t name_root[1] = { 0 };

size_t
name_bytes(const uint8_t *n)
{
	size_t at = 0;

	while (n[at] != 0)
		at += 1u + n[at];
	return at + 1;
}

unsigned
name_labels(const uint8_t *n)
{
	unsigned count = 0;

	for (; *n != 0; n += 1 + *n)
		count++;
	return count;
}

bool
name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t bytes;

	if (a == b)
		return true;
	bytes = name_bytes(a);
	return bytes == name_bytes(b) && fold_equal(a, b, bytes);
}

bool
name_equal_sized(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return fold_equal(a, b, bytes);
}

bool
name_same_case(const uint8_t *a, const uint8_t *b)
{
	size_t bytes = name_bytes(a);

	return bytes == name_bytes(b) && memcmp(a, b, bytes) == 0;
}

/* Offsets of the labels of n, leftmost first; returns how many there are. */
static unsigned
label_offsets(const uint8_t *n, uint8_t *out)
{
	unsigned count = 0, at = 0;

	while (n[at] != 0 && count < NAME_LABELS_MAX) {
		out[count++] = (uint8_t)at;
		at += 1u + n[at];
	}
	return count;
}

static int
label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned a_len = a[0], b_len = b[0];
	unsigned least = a_len < b_len ? a_len : b_len;
	unsigned i;

	for (i = 1; i <= least; i++) {
		uint8_t x = fold_octet(a[i]), y = fold_octet(b[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a_len == b_len ? 0 : (a_len < b_len ? -1 : 1);
}

int
name_compare(const uint8_t *a, const uint8_t *b)
{
	UNCLEARED uint8_t a_at[NAME_LABELS_MAX], b_at[NAME_LABELS_MAX];
	unsigned i = label_offsets(a, a_at);
	unsigned j = label_offsets(b, b_at);

	while (i > 0 && j > 0) {
		int order = label_compare(a + a_at[--i], b + b_at[--j]);

		if (order != 0)
			return order;
	}
	return i == j ? 0 : (i < j ? -1 : 1);
}

bool
name_is_within(const uint8_t *n, const uint8_t *zone)
{
	size_t left = name_bytes(n), want = name_bytes(zone);

	while (left > want) {
		left -= 1u + n[0];
		n += 1 + n[0];
	}
	return left == want && fold_equal(n, zone, want);
}

const uint8_t *
name_parent(const uint8_t *n)
{
	return *n == 0 ? n : n + 1 + *n;
}

const uint8_t *
name_suffix(const uint8_t *n, unsigned labels)
{
	unsigned have = name_labels(n);

	for (; have > labels; have--)
		n += 1 + *n;
	return n;
}

unsigned
name_common_labels(const uint8_t *a, const uint8_t *b)
{
	UNCLEARED uint8_t a_at[NAME_LABELS_MAX], b_at[NAME_LABELS_MAX];
	unsigned i = label_offsets(a, a_at);
	unsigned j = label_offsets(b, b_at);
	unsigned common = 0;

	while (
	    i > 0 && j > 0 && label_compare(a + a_at[--i], b + b_at[--j]) == 0)
		common++;
	return common;
}

bool
name_is_wildcard(const uint8_t *n)
{
	return n[0] == 1 && n[1] == '*';
}

void
name_copy(struct name *out, const uint8_t *n)
{
	memmove(out->wire, n, name_bytes(n));
}

void
name_lower(struct name *out, const uint8_t *n)
{
	fold_copy(out->wire, n, name_bytes(n));
}

void
name_turn_case(uint8_t *n, size_t octets, uint64_t bits)
{
	size_t at = 0;
	uint64_t w;

	for (; at + sizeof(w) <= octets; at += sizeof(w)) {
		memcpy(&w, n + at, sizeof(w));
		w = fold_turn_word(w, (uint8_t)(bits >> at));
		memcpy(n + at, &w, sizeof(w));
	}
	for (; at < octets; at++)
		if ((unsigned)fold_octet(n[at]) - 'a' < 26u)
			n[at] ^= (uint8_t)((bits >> at & 1u) << 5);
}

const uint8_t *
name_copy_in(struct arena *a, const uint8_t *n)
{
	return arena_copy(a, n, name_bytes(n));
}

enum err
name_replace_suffix(struct name *out, const uint8_t *n, const uint8_t *from,
    const uint8_t *to)
{
	size_t from_bytes = name_bytes(from), to_bytes = name_bytes(to);
	size_t bytes = name_bytes(n), keep;
	struct name made;

	if (bytes <= from_bytes || !name_is_within(n, from))
		return ERR_NOT_FOUND;
	keep = bytes - from_bytes;
	if (keep + to_bytes > NAME_MAX_BYTES)
		return ERR_SPACE;
	memcpy(made.wire, n, keep);
	memcpy(made.wire + keep, to, to_bytes);
	memcpy(out->wire, made.wire, keep + to_bytes);
	return ERR_OK;
}

enum err
name_prepend(struct name *out, const uint8_t *label, size_t label_bytes,
    const uint8_t *n)
{
	size_t bytes = name_bytes(n);
	struct name made;

	if (label_bytes < 1 || label_bytes > 63)
		return ERR_RANGE;
	if (1 + label_bytes + bytes > NAME_MAX_BYTES)
		return ERR_SPACE;
	made.wire[0] = (uint8_t)label_bytes;
	memcpy(made.wire + 1, label, label_bytes);
	memcpy(made.wire + 1 + label_bytes, n, bytes);
	memcpy(out->wire, made.wire, 1 + label_bytes + bytes);
	return ERR_OK;
}

/* Eight octets, the first one lowest. */
static uint64_t
octets_at(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/*
 * The first n % 8 octets of a name of n; of longer names they are cut from
 * the first word.
 */
static uint64_t
first_octets(const uint8_t *name, size_t n)
{
	uint64_t w = 0;
	size_t left = n % sizeof(w);

	if (n >= sizeof(w))
		return octets_at(name) & ((UINT64_C(1) << 8 * left) - 1);
	while (left-- > 0)
		w = w << 8 | name[left];
	return w;
}

/* Names are hashed from their end on: what is above one is hashed with it. */
uint64_t
name_hash_sized(const struct hash_key *k, const uint8_t *n, size_t bytes)
{
	const uint8_t *at = n + bytes;
	struct hash_run r;

	hash_start(&r, k);
	for (; at - n >= 8; at -= 8)
		hash_word(&r, fold_word(octets_at(at - 8)));
	return hash_end(&r, fold_word(first_octets(n, bytes)), bytes);
}

unsigned
name_hashes(const struct hash_key *k, const uint8_t *n, struct name_hashed *out)
{
	UNCLEARED uint8_t starts[NAME_LABELS_MAX];
	const unsigned labels = label_offsets(n, starts);
	const uint8_t *end = n + name_bytes(n), *at = end;
	struct hash_run run;

	hash_start(&run, k);
	for (unsigned i = 0; i <= labels; i++) {
		const uint8_t *name = i == 0 ? end - 1 : n + starts[labels - i];
		const size_t bytes = (size_t)(end - name);
		struct hash_run r;

		for (; at - name >= 8; at -= 8)
			hash_word(&run, fold_word(octets_at(at - 8)));
		r = run;
		out[i] = (struct name_hashed){ .name = name,
			.hash = hash_end(&r,
			    fold_word(first_octets(name, bytes)), bytes),
			.bytes = (uint8_t)bytes };
	}
	return labels;
}

uint64_t
name_hash(const struct hash_key *k, const uint8_t *n)
{
	return name_hash_sized(k, n, name_bytes(n));
}
