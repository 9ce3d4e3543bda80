/* SPDX-License-Identifier: BSD-3-Clause */
/* place.c - where in the table a key lies, and what lies together. */
#include "table_inner.h"

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

uint64_t
key_hash(const struct key *k)
{
	uint64_t rest = (uint64_t)k->type << 16 | (uint64_t)k->class << 8 |
			(uint64_t)k->view;

	return mix(k->hash ^ ((rest + 1) * UINT64_C(0x9e3779b97f4a7c15)));
}

uint64_t
place_of_name(uint64_t name_hash)
{
	return mix(name_hash);
}

/*
 * A task asks after a dozen kinds of facts about one name. These few lie in
 * one bucket, so that all but the first look-up find it in the processor's
 * cache: that was a seventh of the time of a miss. Other types are spread, or
 * a name asked for with all of them would make one long chain.
 */
static uint32_t
bucket_bit(uint16_t type)
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
	default:
		return 0;
	}
}

uint64_t
place_hash(const struct key *k)
{
	return bucket_bit(k->type) != 0 ? place_of_name(k->hash) : key_hash(k);
}

uint32_t
table_kind(uint8_t class, uint16_t type)
{
	return bucket_bit(type) << 8 * class;
}
