/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.h - a packed answer becomes the reply to one client.
 */
#ifndef HITHER_FRONT_REPLY_H
#define HITHER_FRONT_REPLY_H

#include <hither/dns.h>

#include "cookie.h"

/* What of a question decides how its reply looks. */
struct asked {
	const uint8_t *qname; /* letter case as it came */
	uint16_t id, flags, qtype, qclass;
	uint16_t limit; /* octets a reply may have */
	bool has_question;
	bool edns, dnssec_ok, wants_nsid;
	bool wants_keepalive; /* RFC 7828: and it came by TCP */
	uint16_t keepalive; /* tenths of a second */
	bool cookie_known; /* it showed a cookie of ours */
	uint8_t cookie_len; /* of the COOKIE to be told; 0: none */
	uint8_t cookie[COOKIE_BYTES];
};
/* What the OPT says besides. */
struct remark {
	const uint8_t *nsid; /* NULL: none */
	size_t nsid_len;
	const char *why; /* NULL or "": none */
	enum ede ede;
};

/* udp: by which transport the reply leaves. */
void asked_from_query(struct asked *out, const struct query *q, bool udp);

/*
 * Writes the reply into out, which has room for q->limit octets and may be
 * `packed` itself, and returns its length. packed is a message with the
 * question of q, without OPT; one that does not fit leaves as its question
 * with TC set.
 */
size_t reply_write(const struct asked *q, const struct remark *m,
    const uint8_t *packed, size_t len, uint8_t *out);
/* The question alone, with TC: come by TCP. */
size_t reply_truncated(const struct asked *q, const struct remark *m,
    uint8_t *out);
/* The question (when there was one) and an RCODE, extended ones too. */
size_t reply_error(const struct asked *q, const struct remark *m,
    unsigned rcode, uint8_t *out);

#endif
