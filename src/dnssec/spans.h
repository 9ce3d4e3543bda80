/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spans.h - what spans.c keeps and spans_ask.c reads: of each zone the proven
 * gaps between names, the wildcards that were proven, and the SOA.
 */
#ifndef HITHER_DNSSEC_SPANS_H
#define HITHER_DNSSEC_SPANS_H

#include "inner.h"

struct span {
	struct rrset *set; /* one block */
	uint64_t made_ms, expires_ms;
};

struct list {
	struct span *items; /* by owner, RFC 4034 section 6.1, then by type */
	size_t count, room;
};

struct zone {
	struct name name;
	struct list nsec, nsec3, wildcards;
	struct span soa;
	uint64_t used;
	uint32_t generation;
	bool taken;
};

struct spans {
	struct zone *zones; /* sets * WAYS */
	size_t sets, count, max;
	struct hash_key hash;
	uint64_t clock;
};

/* NULL: nothing is known of it. */
struct zone *spans_zone(
    struct spans *s, const uint8_t *name, uint32_t generation);
/* How many sets come before this one of the list, or are it. */
size_t spans_upto(const struct list *l, const uint8_t *name, uint16_t type);

#endif
