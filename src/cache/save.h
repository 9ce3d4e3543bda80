/* SPDX-License-Identifier: BSD-3-Clause */
/* save.h - one record as octets that outlive the process: entry.c. */
#ifndef HITHER_CACHE_SAVE_H
#define HITHER_CACHE_SAVE_H

#include "room.h"

#define SAVED_ENTRY_MAX (32u + MESSAGE_MAX)

/*
 * Writes e as it is at now_ms into `to`, of SAVED_ENTRY_MAX octets. Returns
 * the length; 0: it is not worth saving, or too large.
 */
size_t saved_write(const struct record_entry *e, uint64_t now_ms,
    struct arena *a, uint8_t *to);
/*
 * The reverse, elapsed_ms later; trusts nothing. The record lives in the
 * arena and has stored_ms now_ms. False: malformed, or ended meanwhile.
 */
struct saved_at {
	uint64_t now_ms, elapsed_ms;
};
bool saved_read(const uint8_t *from, size_t len, const struct saved_at *at,
    struct arena *a, struct record *out);

#endif
