/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie.h - DNS cookies for clients (RFC 7873, RFC 9018). Pure.
 */
#ifndef HITHER_FRONT_COOKIE_H
#define HITHER_FRONT_COOKIE_H

#include <hither/base.h>

#define COOKIE_CLIENT 8u
#define COOKIE_BYTES  24u /* with the server's part */

struct cookie_asked {
	const uint8_t *bytes; /* the option as it came */
	size_t len;	      /* >= COOKIE_CLIENT */
	const struct addr *from;
	uint32_t now_s; /* wall clock */
};
/*
 * Writes the cookie of the reply, COOKIE_BYTES long. True: the one that came
 * was ours, for this address and not too old.
 */
bool cookie_answer(const struct hash_key *k, const struct cookie_asked *q,
    uint8_t *out);

#endif
