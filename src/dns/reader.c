/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.c - reads numbers and names from a message in place.
 *
 * Invariant: at <= len, and nothing at or past len is ever looked at. A name
 * is followed backwards only: every pointer must lead before the start of the
 * run of labels it ends, so no name can meet itself. Besides, a name has at
 * most 64 hops, and all names of a message share a budget of hops and of
 * expanded octets: a message cannot cost more by clever compression than it
 * could by its own length (RFC 1035 section 4.1.4, RFC 9267).
 */
#include "reader.h"

#include <string.h>

void
reader_start(struct reader *r, const uint8_t *bytes, size_t len)
{
	*r = (struct reader){ .bytes = bytes,
		.len = len,
		.hops_left = READER_HOPS,
		.name_octets_left = READER_NAME_OCTETS };
}

void
reader_start_plain(struct reader *r, const uint8_t *bytes, size_t len)
{
	reader_start(r, bytes, len);
	r->hops_left = 0;
}

const uint8_t *
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

uint8_t
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
reader_u16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
reader_u32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

void
reader_header(struct reader *r, struct header *out)
{
	size_t i;

	out->id = reader_u16(r);
	out->flags = reader_u16(r);
	for (i = 0; i < ARRAY_LEN(out->counts); i++)
		out->counts[i] = reader_u16(r);
}

/*
 * Where the pointer at `at` leads; len when it is not allowed. `run` is where
 * the run of labels that it ends began. The header holds no names.
 */
static size_t
pointer_target(const struct reader *r, size_t at, size_t run)
{
	size_t target;

	if (r->len - at < 2 || (r->bytes[at] & 0xc0) != 0xc0)
		return r->len;
	target = (size_t)(r->bytes[at] & 0x3f) << 8 | r->bytes[at + 1];
	return target < HEADER_BYTES || target >= run ? r->len : target;
}

/* Takes a whole run's cost from the budgets of the message. */
static bool
spend(struct reader *r, size_t octets, size_t hops)
{
	if (octets > r->name_octets_left || hops > r->hops_left) {
		r->too_much = true;
		return false;
	}
	r->name_octets_left -= octets;
	r->hops_left -= hops;
	return true;
}

/* Copies labels to out; returns the octets, 0 when malformed. */
static size_t
name_gather(struct reader *r, size_t hops_max, struct name *out)
{
	const uint8_t *bytes = r->bytes;
	size_t at = r->at, run = at, made = 0, hops = 0;

	while (at < r->len) {
		size_t len = bytes[at];

		if (len == 0) {
			out->wire[made++] = 0;
			if (hops == 0)
				r->at = at + 1;
			return spend(r, made, hops) ? made : 0;
		}
		if (len > 63) {
			size_t target = pointer_target(r, at, run);

			if (target == r->len || hops == hops_max)
				return 0;
			if (hops++ == 0)
				r->at = at + 2;
			at = run = target;
			continue;
		}
		/* The root's octet must still fit behind this label. */
		if (made + 1 + len >= NAME_MAX_BYTES || len >= r->len - at)
			return 0;
		memcpy(out->wire + made, bytes + at, 1 + len);
		made += 1 + len;
		at += 1 + len;
	}
	return 0;
}

static size_t
name_read(struct reader *r, size_t hops_max, struct name *out)
{
	size_t made = r->failed ? 0 : name_gather(r, hops_max, out);

	if (made == 0) {
		r->failed = true;
		out->wire[0] = 0;
	}
	return made;
}

size_t
reader_name(struct reader *r, struct name *out)
{
	return name_read(r, r->hops_left == 0 ? 0 : READER_NAME_HOPS, out);
}

size_t
reader_name_plain(struct reader *r, struct name *out)
{
	return name_read(r, 0, out);
}

void
reader_skip_name(struct reader *r)
{
	for (;;) {
		size_t len = reader_u8(r);

		if (r->failed || len == 0)
			return;
		if (len > 63) {
			(void)reader_u8(r);
			r->failed = r->failed || len < 0xc0;
			return;
		}
		(void)reader_take(r, len);
	}
}
