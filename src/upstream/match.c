/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * match.c - tells a reply to our question from everything else.
 *
 * The flow has seen to address and port; here the message itself must agree
 * (RFC 5452 section 9.1): id, QR, opcode and the question, to the letter
 * when the letters were mixed. Only an error may come without a question,
 * since some servers drop it from FORMERR and its like. Reads nothing behind
 * `len`, follows no pointers, allocates nothing.
 *
 *  1. header: length, id, QR, opcode
 *  2. no question: only with an error code, and then the id must do
 *  3. one question: type, class, name
 */
#include "match.h"

#include <string.h>

#define OPCODE_MASK   0x7800u
#define RCODE_MASK    0x000fu
#define OPTION_NSID   3u
#define OPTION_COOKIE 10u

static uint16_t
u16_at(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static bool
is_bare_error(unsigned flags)
{
	switch (flags & RCODE_MASK) {
	case RCODE_FORMERR:
	case RCODE_SERVFAIL:
	case RCODE_NOTIMP:
	case RCODE_REFUSED:
		return true;
	default:
		return false;
	}
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/*
 * Lengths of labels are below 64 and so unchanged by lower(): comparing all
 * octets alike compares the structure too.
 */
static bool
same_letters(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static enum match
match_question(const struct expected *e, const uint8_t *bytes, size_t len)
{
	size_t n = name_bytes(e->qname);
	const uint8_t *q = bytes + HEADER_BYTES;

	if (len - HEADER_BYTES < n + 4)
		return MATCH_NO;
	if (u16_at(q + n) != e->qtype || u16_at(q + n + 2) != CLASS_IN)
		return MATCH_NO;
	if (memcmp(q, e->qname, n) == 0)
		return MATCH_YES;
	if (!same_letters(q, e->qname, n))
		return MATCH_NO;
	return e->exact_case ? MATCH_CASE : MATCH_YES;
}

enum match
match_reply(const struct expected *e, const uint8_t *bytes, size_t len)
{
	unsigned flags, questions;

	if (len < HEADER_BYTES || u16_at(bytes) != e->id)
		return MATCH_NO;
	flags = u16_at(bytes + 2);
	if ((flags & FLAG_QR) == 0 || (flags & OPCODE_MASK) != 0)
		return MATCH_NO;
	questions = u16_at(bytes + 4);
	if (questions == 0)
		return is_bare_error(flags) ? MATCH_YES : MATCH_NO;
	if (questions != 1)
		return MATCH_NO;
	return match_question(e, bytes, len);
}

/* The offset behind the name at `at`; 0: it does not end within len. */
static size_t
skip_name(const uint8_t *bytes, size_t len, size_t at)
{
	while (at < len) {
		uint8_t c = bytes[at];

		if (c == 0)
			return at + 1;
		if (c >= 0xc0)
			return at + 2 <= len ? at + 2 : 0;
		if (c >= 0x40)
			return 0;
		at += 1u + c;
	}
	return 0;
}

/* Of equal options the first counts. */
static void
find_options(const uint8_t *p, size_t len, struct opt_seen *out)
{
	while (len >= 4) {
		size_t n = u16_at(p + 2);

		if (n > len - 4)
			return;
		if (u16_at(p) == OPTION_NSID && n > 0 && out->nsid == NULL) {
			out->nsid = p + 4;
			out->nsid_len = n;
		}
		if (u16_at(p) == OPTION_COOKIE && out->cookie == NULL) {
			out->cookie = p + 4;
			out->cookie_len = n;
		}
		p += 4 + n;
		len -= 4 + n;
	}
}

void
match_opt(const uint8_t *bytes, size_t len, struct opt_seen *out)
{
	size_t at = HEADER_BYTES, records;

	*out = (struct opt_seen){ .present = false };
	if (len < HEADER_BYTES)
		return;
	for (unsigned i = u16_at(bytes + 4); i > 0; i--) {
		at = skip_name(bytes, len, at);
		if (at == 0 || len - at < 4)
			return;
		at += 4;
	}
	records =
	    (size_t)u16_at(bytes + 6) + u16_at(bytes + 8) + u16_at(bytes + 10);
	for (; records > 0; records--) {
		size_t size;

		at = skip_name(bytes, len, at);
		if (at == 0 || len - at < 10)
			return;
		size = u16_at(bytes + at + 8);
		if (size > len - at - 10)
			return;
		if (u16_at(bytes + at) == TYPE_OPT) {
			out->present = true;
			find_options(bytes + at + 10, size, out);
			return;
		}
		at += 10 + size;
	}
}
