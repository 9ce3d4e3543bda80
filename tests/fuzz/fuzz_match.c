/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_match.c - the reply matcher against any bytes.
 *
 * The first 5 octets choose what was sent; the question's name is taken from
 * the message when it has one, so that the deep paths are reached.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/upstream/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The name at `at`, when it is whole and uncompressed; else the root. */
static void
take_name(struct name *out, const uint8_t *bytes, size_t len, size_t at)
{
	size_t from = at;

	name_copy(out, name_root);
	while (at < len && bytes[at] != 0 && bytes[at] < 64)
		at += 1u + bytes[at];
	if (at < len && bytes[at] == 0 && at + 1 - from <= NAME_MAX_BYTES)
		memcpy(out->wire, bytes + from, at + 1 - from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct expected e;
	struct opt_seen opt;
	struct name qname;

	if (len < 5)
		return 0;
	e.id = (uint16_t)((unsigned)bytes[0] << 8 | bytes[1]);
	e.qtype = (uint16_t)((unsigned)bytes[2] << 8 | bytes[3]);
	e.exact_case = (bytes[4] & 1) != 0;
	e.qname = qname.wire;
	bytes += 5;
	len -= 5;
	take_name(&qname, bytes, len, HEADER_BYTES);
	if ((bytes - 5)[4] & 2)
		qname.wire[1] ^= 0x20;
	if (qname.wire[0] == 0)
		name_copy(&qname, name_root);
	if (match_reply(&e, bytes, len) != MATCH_NO && len < HEADER_BYTES)
		abort();
	match_opt(bytes, len, &opt);
	if (opt.nsid != NULL &&
	    (opt.nsid < bytes || opt.nsid + opt.nsid_len > bytes + len))
		abort();
	return 0;
}
