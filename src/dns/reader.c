/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.c - reads numbers and names from a message in place.
 *
 * Invariant: at <= len, and nothing at or past len is ever looked at. A name
 * is followed backwards only: every pointer must lead before the start of the
 * run of labels it ends, so no name can meet itself. Besides, a name has at
 * most 64 hops, and all names of a message share a budget of hops and of
 * work (octets and labels once expanded), so that clever compression cannot
 * make a message cost much more than its length (RFC 1035 section 4.1.4,
 * RFC 9267).
 */
#include "reader.h"

#include <string.h>

void
reader_start(struct reader *r, const uint8_t *bytes, size_t len)
{
	*r = (struct reader){ .bytes = bytes,
		.len = len,
		.hops_left = READER_HOPS,
		.work_left = READER_WORK };
}

void
reader_start_plain(struct reader *r, const uint8_t *bytes, size_t len)
{
	reader_start(r, bytes, len);
	r->hops_left = 0;
}

void
reader_header(struct reader *r, struct header *out)
{
	const uint8_t *p = reader_take(r, HEADER_BYTES);

	*out = (struct header){ 0 };
	if (p == NULL)
		return;
	out->id = (uint16_t)octets_get(p, 2);
	out->flags = (uint16_t)octets_get(p + 2, 2);
	for (size_t i = 0; i < ARRAY_LEN(out->counts); i++)
		out->counts[i] = (uint16_t)octets_get(p + 4 + 2 * i, 2);
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

/* Takes what a name cost from the budgets of the message. */
static bool
spend(struct reader *r, size_t octets, size_t labels, size_t hops)
{
	size_t work = octets + READER_LABEL_WORK * labels;

	if (work > r->work_left || hops > r->hops_left) {
		r->too_much = true;
		return false;
	}
	r->work_left -= work;
	r->hops_left -= hops;
	return true;
}

/*
 * The offset of the octet behind a run of labels, which is the root's or a
 * pointer's; len when the run leaves the message or takes more than `room`.
 */
static size_t
run_end(const struct reader *r, size_t run, size_t room, size_t *labels)
{
	size_t at = run;

	while (at < r->len && r->bytes[at] - 1u < 63u) {
		at += 1u + r->bytes[at];
		++*labels;
		if (at - run > room)
			return r->len;
	}
	return at < r->len ? at : r->len;
}

/* Copies a name to out run by run; returns its octets, 0 when malformed. */
static size_t
name_gather(struct reader *r, size_t hops_max, struct name *out)
{
	size_t run = r->at, made = 0, labels = 0, hops = 0;

	for (;;) {
		/* The root's octet must still fit behind the labels. */
		size_t room = NAME_MAX_BYTES - 1 - made;
		size_t end = run_end(r, run, room, &labels);
		size_t target;

		if (end == r->len)
			return 0;
		memcpy(out->wire + made, r->bytes + run, end - run);
		made += end - run;
		if (r->bytes[end] == 0) {
			out->wire[made++] = 0;
			if (hops == 0)
				r->at = end + 1;
			return spend(r, made, labels, hops) ? made : 0;
		}
		target = pointer_target(r, end, run);
		if (target == r->len || hops == hops_max)
			return 0;
		if (hops++ == 0)
			r->at = end + 2;
		run = target;
	}
}

const uint8_t *
reader_question(struct reader *r)
{
	size_t labels = 0, at = r->at;
	size_t end = run_end(r, at, NAME_MAX_BYTES - 1, &labels);

	if (r->failed || at != HEADER_BYTES || end == r->len ||
	    r->bytes[end] != 0) {
		r->failed = true;
		return NULL;
	}
	r->at = end + 1;
	r->question_bytes = (uint8_t)(r->at - at);
	r->question_labels = (uint8_t)labels;
	return r->bytes + at;
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

bool
reader_is_question(struct reader *r)
{
	const uint8_t *p = r->bytes + r->at;

	if (r->failed || r->question_bytes == 0 || r->len - r->at < 2 ||
	    p[0] != 0xc0 || p[1] != HEADER_BYTES)
		return false;
	/* Its labels cost the message what they cost, wherever they lie. */
	r->failed = !spend(r, r->question_bytes, r->question_labels, 1);
	r->at += 2;
	return !r->failed;
}

size_t
reader_name_plain(struct reader *r, struct name *out)
{
	return name_read(r, 0, out);
}

bool
reader_skip_name(struct reader *r)
{
	for (;;) {
		size_t len = reader_u8(r);

		if (r->failed || len == 0)
			return !r->failed;
		if (len > 63) {
			(void)reader_u8(r);
			r->failed = r->failed || len < 0xc0;
			return false;
		}
		(void)reader_take(r, len);
	}
}
