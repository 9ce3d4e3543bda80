/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h - where in a table a key lies: bucket by the low half, stripe by the
 * high one. Inline, for a miss looks a dozen times.
 *
 * A task asks after a dozen kinds of facts about one name. The usual ones lie
 * in one bucket, so that all but the first look-up find it in the processor's
 * cache: that was a seventh of the time of a miss. Other types are spread, or
 * a name asked for with all of them would make one long chain.
 */
#ifndef HITHER_CACHE_PLACE_H
#define HITHER_CACHE_PLACE_H

#include "table.h"

/* A bit for each of the usual types (0: all types of the name), else 0. */
static inline uint32_t
place_type_bit(uint16_t type)
{
	switch (type) {
	case 0:
		return BIT(0);
	case TYPE_A:
		return BIT(1);
	case TYPE_NS:
		return BIT(2);
	case TYPE_CNAME:
		return BIT(3);
	case TYPE_AAAA:
		return BIT(4);
	case TYPE_DNAME:
		return BIT(5);
	case TYPE_DS:
		return BIT(6);
	case TYPE_HTTPS:
		return BIT(7);
	default:
		return 0;
	}
}

/* The bit of that kind of entry; 0: of a type that lies elsewhere. */
static inline uint32_t
place_kind(uint8_t class, uint16_t type)
{
	return place_type_bit(type) << 8 * class; /* class < 4 */
}

static inline uint64_t
place_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static inline uint64_t
place_of_name(uint64_t name_hash)
{
	return place_mix(name_hash);
}

/* Mixes the rest of the key into the hash of its name. */
static inline uint64_t
place_of_key(const struct key *k)
{
	uint64_t rest = (uint64_t)k->type << 16 | (uint64_t)k->class << 8 |
			(uint64_t)k->view;

	return place_mix(
	    k->hash ^ ((rest + 1) * UINT64_C(0x9e3779b97f4a7c15)));
}

static inline uint64_t
place_hash(const struct key *k)
{
	return place_type_bit(k->type) != 0 ? place_of_name(k->hash)
					 : place_of_key(k);
}

#endif
