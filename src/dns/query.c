/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c - reads a client's question in place.
 *
 * The first thing the hit path does with a packet: no allocation, no look at
 * anything but a header, one question and at most one OPT. Whatever else a
 * packet carries (records, TSIG, SIG(0), octets left over) is a format error;
 * an answer to it repeats the question when one was read.
 */
#include <hither/dns.h>

#include "opt.h"
#include "reader.h"

enum { QD, AN, NS, AR };

static enum query_verdict
additional_read(struct reader *r, uint16_t count, struct edns *out)
{
	if (count > 1)
		return QUERY_FORMERR;
	if (count == 1) {
		uint8_t owner = reader_u8(r);
		uint16_t type = reader_u16(r);

		if (r->failed || owner != 0 || type != TYPE_OPT ||
		    !opt_read(r, out)) {
			*out = (struct edns){ .present = false };
			return QUERY_FORMERR;
		}
	}
	if (r->at != r->len)
		return QUERY_FORMERR;
	return out->version > 0 ? QUERY_BADVERS : QUERY_OK;
}

enum query_verdict
query_read(const uint8_t *bytes, size_t len, struct query *out)
{
	struct reader r;
	struct header h;

	/* Not *out whole: 255 octets of it need no clearing. */
	out->qname.wire[0] = 0;
	out->edns = (struct edns){ .present = false };
	out->id = out->flags = out->qtype = out->qclass = 0;
	out->question_end = 0;
	out->opcode = 0;
	if (len < HEADER_BYTES || len > MESSAGE_MAX)
		return QUERY_SILENCE;
	reader_start_plain(&r, bytes, len);
	reader_header(&r, &h);
	out->id = h.id;
	out->flags = h.flags;
	out->opcode = (uint8_t)(h.flags >> 11 & 0xf);
	if ((h.flags & FLAG_QR) != 0)
		return QUERY_SILENCE;
	if (out->opcode != OPCODE_QUERY)
		return QUERY_NOTIMP;
	if (h.counts[QD] != 1)
		return QUERY_FORMERR;
	(void)reader_name_plain(&r, &out->qname);
	out->qtype = reader_u16(&r);
	out->qclass = reader_u16(&r);
	if (r.failed) {
		out->qname.wire[0] = 0;
		out->qtype = out->qclass = 0;
		return QUERY_FORMERR;
	}
	out->question_end = (uint16_t)r.at;
	if (h.counts[AN] != 0 || h.counts[NS] != 0)
		return QUERY_FORMERR;
	return additional_read(&r, h.counts[AR], &out->edns);
}
