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
	/* Of the name at HEADER_BYTES, by reader_question(). 0: none. */
	uint8_t question_bytes, question_labels;
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
/* Borrowed; NULL when there are not so many octets left. */
static inline const uint8_t *
reader_take(struct reader *r, size_t bytes)
{
	const uint8_t *p = r->bytes + r->at;

	if (r->failed || bytes > r->len - r->at) {
		r->failed = true;
		return NULL;
	}
	r->at += bytes;
	return p;
}
static inline uint8_t
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p == NULL ? 0 : p[0];
}
static inline uint16_t
reader_u16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t
reader_u32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}
void reader_header(struct reader *r, struct header *out);
/*
 * The question's name: nothing stands before it that it could point to, so it
 * is borrowed as it lies. NULL when it failed.
 */
const uint8_t *reader_question(struct reader *r);
/*
 * Steps over a name that is a pointer to the question's, as most owners are:
 * whoever borrows that one instead of another copy saves 250 instructions.
 */
bool reader_is_question(struct reader *r);
/* Steps over a name that is the root's and nothing else: an OPT's owner. */
static inline bool
reader_is_root(struct reader *r)
{
	bool is = !r->failed && r->at < r->len && r->bytes[r->at] == 0;

	r->at += is;
	return is;
}
/* Decompresses a name to out; returns its octets, 0 when it failed. */
size_t reader_name(struct reader *r, struct name *out);
/* The same for a name that may not be compressed. */
size_t reader_name_plain(struct reader *r, struct name *out);
/* Steps over a name without following its pointer. True: it had none. */
bool reader_skip_name(struct reader *r);

#endif
