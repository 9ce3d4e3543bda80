/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.h - an answer becomes a packed message.
 */
#ifndef HITHER_FRONT_PACK_H
#define HITHER_FRONT_PACK_H

#include <hither/cache.h>
#include <hither/dns.h>

/* Octets kept free behind a packed answer: the plain OPT. */
#define PACK_RESERVE 11u
#define PACK_MAX     (MESSAGE_MAX - PACK_RESERVE)

struct pack_opts {
	const uint8_t *qname;
	uint16_t qtype, qclass;
	uint16_t first;     /* which record of the rotating set leads */
	uint32_t ttl_max_s; /* 0: no bound */
	bool dnssec_ok;
	bool minimal; /* no authority and additional unless needed */
};
/*
 * Writes the message (id 0, no OPT) into buf[size] and describes it in *out
 * but for generation, expiry and EDE. False when the answer section or the
 * proofs do not fit.
 */
bool pack_answer(const struct answer *a, const struct pack_opts *o,
    uint8_t *buf, size_t size, struct packed *out);

#endif
