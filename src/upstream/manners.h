/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manners.h - how an address answers, where that guards against forgery: DNS
 * cookies (RFC 7873, RFC 9018) and the letter case of names.
 *
 * Learnt from replies that were tied to our question; a bounded table, of
 * which any entry may be lost: then the next exchange begins anew.
 */
#ifndef HITHER_UPSTREAM_MANNERS_H
#define HITHER_UPSTREAM_MANNERS_H

#include <hither/dns.h>

#define COOKIE_CLIENT_BYTES 8u
#define COOKIE_BYTES_MAX    40u

struct manners;
struct manners *manners_new(struct rng *rng) MUST_USE;
void manners_free(struct manners *m); /* NULL is fine */

struct manner {
	uint8_t cookie[COOKIE_BYTES_MAX]; /* what to send: ours, then its own */
	uint8_t cookie_len;		  /* >= COOKIE_CLIENT_BYTES */
	bool gives_cookies; /* a UDP reply without one is not believed */
	bool folds_case;    /* it does not give our letters back */
};
/*
 * Makes a client's cookie for an address not known yet. The key is a keyed
 * hash of the address, always the same: servers_key().
 */
void manners_look(struct manners *m, const struct addr *a, uint64_t key,
    uint64_t now_us, struct manner *out);
/* A reply carried ours and its own behind it: 16 to 40 octets. */
void manners_gave_cookie(struct manners *m, const struct addr *a, uint64_t key,
    const uint8_t *cookie, size_t len);
/* A reply by TCP carried none. */
void manners_gave_none(struct manners *m, const struct addr *a, uint64_t key);
/* A reply by TCP spelled the name in its own way: for an hour. */
void manners_folded_case(struct manners *m, const struct addr *a, uint64_t key,
    uint64_t now_us);

#endif
