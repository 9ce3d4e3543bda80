/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.c - a whole message, into record sets.
 *
 *  1. Copy the octets to the arena: RDATA without names is borrowed from it.
 *  2. Header; refuse counts that the length cannot bear (11 octets a record).
 *  3. Question, at most one.
 *  4. Records, section by section: owner, type, class, TTL, RDATA of exactly
 *     its length and of its type's shape. One OPT, in the last section.
 *  5. Nothing may be left over.
 *  6. Group.
 *
 * Left out in silence: classes other than IN, and the types that are no data
 * (0 and 128 to 255, RFC 6895 section 3.1), which nobody may store or sign.
 * A TTL with the top bit set is 0 (RFC 2181 section 8).
 */
#include <hither/dns.h>

#include "gather.h"
#include "opt.h"
#include "rdata.h"
#include "reader.h"

#define RECORD_MIN   11u
#define QUESTION_MIN 5u

enum { QD, AN };

static bool
counts_are_possible(const struct header *h, size_t len, size_t *records)
{
	*records = (size_t)h->counts[1] + h->counts[2] + h->counts[3];
	return h->counts[QD] <= 1 &&
	       len - HEADER_BYTES >=
		   h->counts[QD] * QUESTION_MIN + *records * RECORD_MIN;
}

static bool
question_read(struct reader *r, struct message *out)
{
	const uint8_t *name = reader_question(r);

	out->has_question = true;
	out->qtype = reader_u16(r);
	out->qclass = reader_u16(r);
	if (!r->failed)
		out->qname = name;
	return !r->failed;
}

static bool
is_data(uint16_t type, uint16_t class)
{
	return class == CLASS_IN && type != 0 && (type < 128 || type > 255) &&
	       type != TYPE_OPT;
}

/* One record behind its owner; OPT goes to out->edns. */
static enum err
record_read(struct reader *r, struct gather *g, struct arena *a,
    struct gather_record *rec, struct message *out)
{
	uint16_t class, len;
	bool keep;

	rec->type = reader_u16(r);
	if (rec->type == TYPE_OPT) {
		if (rec->section != SECTION_ADDITIONAL || rec->owner[0] != 0 ||
		    out->edns.present)
			return ERR_FORMAT;
		return opt_read(r, &out->edns) ? ERR_OK : ERR_FORMAT;
	}
	class = reader_u16(r);
	rec->ttl = reader_u32(r);
	if (rec->ttl > INT32_MAX)
		rec->ttl = 0;
	len = reader_u16(r);
	keep = is_data(rec->type, class);
	/* Type 0 has no shape: what is left out is stepped over. */
	if (!rdata_read(r, a, keep ? rec->type : 0, len, &rec->rdata))
		return arena_over(a) ? ERR_MEMORY : ERR_FORMAT;
	return keep ? gather_add(g, rec) : ERR_OK;
}

static enum err
owned_record_read(struct reader *r, struct gather *g, struct arena *a,
    struct gather_record *rec, struct message *out)
{
	UNCLEARED struct name owner;

	rec->owner_lasts = true;
	if (reader_is_question(r)) {
		rec->owner = out->qname;
		rec->owner_bytes = r->question_bytes;
	} else if (reader_is_root(r)) {
		rec->owner = name_root;
		rec->owner_bytes = sizeof(name_root);
	} else {
		rec->owner_lasts = false;
		rec->owner = owner.wire;
		rec->owner_bytes = reader_name(r, &owner);
	}
	return r->failed ? ERR_FORMAT : record_read(r, g, a, rec, out);
}

static enum err
sections_read(struct reader *r, struct arena *a, const struct header *h,
    size_t records, struct message *out)
{
	struct gather *g = gather_new(a, records);
	enum err e = g == NULL ? ERR_MEMORY : ERR_OK;
	unsigned s;

	for (s = 0; s < SECTION_COUNT && e == ERR_OK; s++) {
		struct gather_record rec = { .section = (enum section)s };
		uint16_t left = h->counts[AN + s];

		for (; left > 0 && e == ERR_OK; left--)
			e = owned_record_read(r, g, a, &rec, out);
	}
	if (e == ERR_OK && r->at != r->len)
		e = ERR_FORMAT;
	return e == ERR_OK ? gather_sets(g, out->sets, out->counts) : e;
}

enum err
message_read(struct arena *a, const uint8_t *bytes, size_t len,
    struct message *out)
{
	struct reader r;
	struct header h;
	size_t records;
	enum err e;

	*out = (struct message){ .qname = name_root };
	if (len < HEADER_BYTES || len > MESSAGE_MAX)
		return ERR_FORMAT;
	bytes = arena_copy(a, bytes, len);
	if (bytes == NULL)
		return ERR_MEMORY;
	reader_start(&r, bytes, len);
	reader_header(&r, &h);
	out->id = h.id;
	out->flags = h.flags;
	out->opcode = (uint8_t)(h.flags >> 11 & 0xf);
	if (!counts_are_possible(&h, len, &records))
		return ERR_FORMAT;
	if (h.counts[QD] == 1 && !question_read(&r, out))
		return ERR_FORMAT;
	e = sections_read(&r, a, &h, records, out);
	out->rcode = (uint16_t)((h.flags & 0xf) | out->edns.rcode_high << 4);
	return e == ERR_FORMAT && r.too_much ? ERR_LIMIT : e;
}
