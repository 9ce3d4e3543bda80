/* SPDX-License-Identifier: BSD-3-Clause */
/* gather.h - single records in, record sets out. */
#ifndef HITHER_DNS_GATHER_H
#define HITHER_DNS_GATHER_H

#include <hither/dns.h>

#define GATHER_MAX 16384u /* records; indices are 16 bits */

struct gather;

struct gather_record {
	const uint8_t *owner;
	size_t owner_bytes;
	bool owner_lasts;     /* as long as the arena: it need not be copied */
	struct rdata rdata;   /* borrowed: lies in the arena already */
	uint32_t ttl;
	uint16_t type;
	enum section section;
};

/* For at most max_records, <= GATHER_MAX. NULL when the arena is over. */
struct gather *gather_new(struct arena *a, size_t max_records);
/* Section by section. */
enum err gather_add(struct gather *g, const struct gather_record *r) MUST_USE;
/* The sets of each section in order of first appearance. */
enum err gather_sets(struct gather *g, struct rrset **sets[SECTION_COUNT],
    size_t counts[SECTION_COUNT]) MUST_USE;

#endif
