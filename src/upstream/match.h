/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * match.h - does a message answer the question that was sent? Pure.
 */
#ifndef HITHER_UPSTREAM_MATCH_H
#define HITHER_UPSTREAM_MATCH_H

#include <hither/dns.h>

enum match {
	MATCH_NO, /* not ours: forged, stale or broken */
	MATCH_YES,
	MATCH_CASE, /* ours in everything but the letter case of the name */
};

/* What was sent. */
struct expected {
	const uint8_t *qname; /* letter for letter */
	uint16_t id;
	uint16_t qtype;
	bool exact_case;
};

enum match match_reply(const struct expected *e, const uint8_t *bytes,
    size_t len);

/* The OPT of a reply, as far as it teaches about the server. */
struct opt_seen {
	const uint8_t *nsid; /* borrowed from the message; NULL: none */
	const uint8_t *cookie; /* likewise */
	size_t nsid_len, cookie_len;
	bool present;
};

/*
 * Walks the records to the first OPT. A malformed message shows what was
 * found before the fault. Work is linear in the length.
 */
void match_opt(const uint8_t *bytes, size_t len, struct opt_seen *out);

#endif
