/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.h - a cursor over a message that cannot leave it.
 *
 * The first read past the end, or of anything malformed, sets `failed`; from
 * then on every read gives zero. Check once, at the end.
 */
#ifndef HITHER_DNS_READER_H
#define HITHER_DNS_READER_H

#include <hither/dns.h>

/* A name may hop so often; a message is given so much for all its names. */
#define READER_NAME_HOPS  64u
#define READER_HOPS       65536u
#define READER_WORK       (6u * 65536u)
#define READER_LABEL_WORK 4u /* a label costs as much as so many octets */

struct reader {
	const uint8_t *bytes;
	size_t at, len;
	size_t hops_left; /* 0: compression is an error */
	size_t work_left;
	bool failed;
	bool too_much; /* failed because a budget was spent */
};

struct header {
	uint16_t id, flags;
	uint16_t counts[4]; /* QD, AN, NS, AR */
};

void reader_start(struct reader *r, const uint8_t *bytes, size_t len);
/* For RDATA that stands alone: no compression. */
void reader_start_plain(struct reader *r, const uint8_t *bytes, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
/* Borrowed; NULL when there are not so many octets left. */
const uint8_t *reader_take(struct reader *r, size_t bytes);
void reader_header(struct reader *r, struct header *out);
/* Decompresses a name to out; returns its octets, 0 when it failed. */
size_t reader_name(struct reader *r, struct name *out);
/* The same for a name that may not be compressed. */
size_t reader_name_plain(struct reader *r, struct name *out);
/* Steps over a name without following its pointer. True: it had none. */
bool reader_skip_name(struct reader *r);

#endif
