/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ttls.c - where the TTLs of a finished message stand.
 *
 * A packed answer ages in place: whoever sends it patches these four octets
 * each. The OPT's is no TTL. Stops at the first octet that makes no sense, so
 * that the offsets it gives are always inside the message.
 */
#include <hither/dns.h>

#include "reader.h"

static void
questions_skip(struct reader *r, uint16_t count)
{
	for (; count > 0 && !r->failed; count--) {
		(void)reader_skip_name(r);
		(void)reader_u32(r);
	}
}

size_t
message_ttl_offsets(const uint8_t *bytes, size_t len, uint16_t *out, size_t max)
{
	struct reader r;
	struct header h;
	size_t left, found = 0;

	if (len > MESSAGE_MAX)
		return 0;
	reader_start_plain(&r, bytes, len);
	reader_header(&r, &h);
	if (r.failed)
		return 0;
	questions_skip(&r, h.counts[0]);
	left = (size_t)h.counts[1] + h.counts[2] + h.counts[3];
	for (; left > 0; left--) {
		uint16_t type;
		size_t at;

		(void)reader_skip_name(&r);
		type = reader_u16(&r);
		(void)reader_u16(&r);
		at = r.at;
		(void)reader_u32(&r);
		(void)reader_take(&r, reader_u16(&r));
		if (r.failed)
			break;
		if (type != TYPE_OPT && found < max)
			out[found++] = (uint16_t)at;
	}
	return found;
}
