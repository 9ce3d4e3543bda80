/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie.h - DNS cookies for clients (RFC 7873, RFC 9018). Pure.
 */
#ifndef HITHER_FRONT_COOKIE_H
#define HITHER_FRONT_COOKIE_H

#include <hither/front.h>

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
bool cookie_answer(const struct cookie_secrets *s,
    const struct cookie_asked *q, uint8_t *out);

#define COOKIE_PERIOD_S 86400u /* a secret of our own is used this long */
/*
 * Secrets nobody told us: those of this period and the one before, out of a
 * key that all workers share.
 */
void cookie_derive(
    const struct hash_key *root, uint64_t period, struct cookie_secrets *out);

#endif
