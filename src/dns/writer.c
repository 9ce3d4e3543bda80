/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer.c - writes messages, compressing names (RFC 1035 section 4.1.4).
 *
 * `targets` is a small hash table of offsets of labels in the message. A name
 * is looked up from its right end: which label stands before the suffix found
 * so far? Invariant: the suffix behind a target's label is itself the target
 * found for that suffix (or the root), so one look compares one label and one
 * offset, never a whole name. The search ends at the first label not found:
 * the work for a name is its own length times PROBES, however many names the
 * message has. New labels become targets in the same order, until the table
 * has no slot left near their hash.
 *
 * No pointer leads to a name that hops more than HOPS_MAX times itself:
 * readers, ours among them, count hops.
 *
 * Owners match whatever their case, so that answers take the case of the
 * question; names in RDATA match only octet for octet.
 */
#include <hither/dns.h>

#include <string.h>

#include "fold.h"
#include "rdata.h"

#define PROBES         8u
#define HOPS_MAX       4u
#define POINTER_LIMIT  0x4000u
#define RECORD_FIXED   10u /* TYPE, CLASS, TTL, RDLENGTH */
#define TARGET_OF_ROOT 0u  /* no label can stand at offset 0 */

enum { QD, AN, NS, AR };

/* A label target: where it stands, what is behind it. */
struct target {
	size_t at;
	size_t next; /* the target behind its label, pointer resolved */
	unsigned hops;
};

/* Progress of one name through the table. */
struct search {
	struct target found; /* of the suffix found so far */
	bool same_case;
};

static size_t
room_left(const struct writer *w)
{
	size_t limit = w->size - w->reserved;

	return w->at > limit ? 0 : limit - w->at;
}

static void
put_u16(struct writer *w, size_t v)
{
	w->buf[w->at++] = (uint8_t)(v >> 8);
	w->buf[w->at++] = (uint8_t)v;
}

static void
put_bytes(struct writer *w, const uint8_t *p, size_t n)
{
	if (n > 0)
		memcpy(w->buf + w->at, p, n);
	w->at += n;
}

void
writer_start(struct writer *w, uint8_t *buf, size_t size, uint16_t id,
    uint16_t flags)
{
	require(size >= HEADER_BYTES && size <= MESSAGE_MAX);
	w->buf = buf;
	w->at = 0;
	w->size = size;
	w->reserved = 0;
	memset(w->counts, 0, sizeof(w->counts));
	w->full = w->has_targets = false;
	w->target_count = 0;
	put_u16(w, id);
	put_u16(w, flags);
	w->at = HEADER_BYTES;
}

void
writer_reserve(struct writer *w, size_t bytes)
{
	w->reserved = bytes > w->size - w->at ? w->size - w->at : bytes;
}

static uint32_t
label_hash(const uint8_t *label, size_t next)
{
	uint32_t h = (uint32_t)next * 0x9e3779b1u + 0x811c9dc5u;
	unsigned i;

	for (i = 0; i <= label[0]; i++)
		h = (h ^ fold_octet(label[i])) * 0x01000193u;
	return h ^ h >> 15;
}

/* What follows the label at `at`; it may be a pointer written by us. */
static void
target_load(const struct writer *w, size_t at, struct target *out)
{
	size_t next = at + 1u + w->buf[at];

	out->at = at;
	out->hops = 0;
	if (w->buf[next] == 0) {
		next = TARGET_OF_ROOT;
	} else if (w->buf[next] >= 0xc0) {
		next = (size_t)(w->buf[next] & 0x3f) << 8 | w->buf[next + 1];
		out->hops = 1;
	}
	out->next = next;
}

static bool
label_matches(const struct writer *w, const struct search *s,
    const uint8_t *label, size_t at)
{
	const uint8_t *there = w->buf + at;

	if (there[0] != label[0])
		return false;
	if (s->same_case)
		return memcmp(there, label, 1u + label[0]) == 0;
	return fold_equal(there, label, 1u + label[0]);
}

/* One step to the left: is `label` before what was found? */
static bool
search_step(const struct writer *w, struct search *s, const uint8_t *label)
{
	uint32_t slot = label_hash(label, s->found.at);
	unsigned i;

	for (i = 0; i < PROBES; i++, slot++) {
		size_t at = w->targets[slot % WRITER_TARGETS];
		struct target t;

		if (at == 0 || !label_matches(w, s, label, at))
			continue;
		target_load(w, at, &t);
		if (t.next != s->found.at)
			continue;
		t.hops += s->found.hops;
		if (t.hops > HOPS_MAX)
			return false;
		s->found = t;
		return true;
	}
	return false;
}

/* False when no slot near the hash is free: nothing may hang on it. */
static bool
target_add(struct writer *w, const uint8_t *label, size_t at, size_t next)
{
	uint32_t slot = label_hash(label, next);
	unsigned i;

	if (at >= POINTER_LIMIT)
		return false;
	for (i = 0; i < PROBES; i++, slot++) {
		uint16_t *t = &w->targets[slot % WRITER_TARGETS];

		if (*t != 0)
			continue;
		*t = (uint16_t)at;
		w->target_count++;
		return true;
	}
	return false;
}

/* Forgets targets at or behind `mark`, which is about to be taken back. */
static void
targets_forget(struct writer *w, size_t mark)
{
	size_t i;

	for (i = 0; i < WRITER_TARGETS && w->target_count > 0; i++)
		if (w->targets[i] >= mark) {
			w->targets[i] = 0;
			w->target_count--;
		}
}

/* Offsets of the labels of n from the left; returns their number. */
static unsigned
label_offsets(const uint8_t *n, uint8_t *out)
{
	unsigned count = 0, at = 0;

	while (n[at] != 0 && count < NAME_LABELS_MAX) {
		out[count++] = (uint8_t)at;
		at += 1u + n[at];
	}
	return count;
}

/* Labels of n, which is at to.at, become targets, the rightmost first. */
static void
targets_add(struct writer *w, const uint8_t *n, const uint8_t *labels,
    unsigned count, struct target to)
{
	while (count > 0) {
		size_t at = to.at + labels[--count];

		if (!target_add(w, n + labels[count], at, to.next))
			return;
		to.next = at;
	}
}

/*
 * There is a use for targets: the question's labels are the first. Most
 * messages have none, and the table is most of a writer: 100 instructions.
 */
static void
targets_make(struct writer *w)
{
	const uint8_t *n = w->buf + HEADER_BYTES;
	UNCLEARED uint8_t labels[NAME_LABELS_MAX];

	memset(w->targets, 0, sizeof(w->targets));
	w->has_targets = true;
	if (w->counts[QD] == 0)
		return;
	targets_add(w, n, labels, label_offsets(n, labels),
	    (struct target){ .at = HEADER_BYTES, .next = TARGET_OF_ROOT });
}

/* Is the question's name n, whatever the case, and not the root? */
static bool
is_question(const struct writer *w, const uint8_t *n)
{
	size_t bytes = name_bytes(n);

	return w->counts[QD] == 1 && bytes > 1 &&
	       w->at >= HEADER_BYTES + bytes + 4 &&
	       fold_equal(w->buf + HEADER_BYTES, n, bytes);
}

/* Writes a name, compressed; false when there is no room. */
static bool
put_name(struct writer *w, const uint8_t *n, bool same_case)
{
	struct search s = { .same_case = same_case };
	UNCLEARED uint8_t labels[NAME_LABELS_MAX];
	unsigned left;
	size_t head, end;

	/* Most owners are the name asked for: 1,100 instructions less. */
	if (!same_case && is_question(w, n)) {
		if (room_left(w) < 2)
			return false;
		put_u16(w, 0xc000u | HEADER_BYTES);
		return true;
	}
	if (!w->has_targets)
		targets_make(w);
	left = label_offsets(n, labels);
	while (left > 0 && search_step(w, &s, n + labels[left - 1]))
		left--;
	/* `left` labels are new, the rest has been found. */
	head = left == 0 ? 0 : labels[left - 1] + 1u + n[labels[left - 1]];
	end = s.found.at == TARGET_OF_ROOT ? 1 : 2;
	if (room_left(w) < head + end)
		return false;
	targets_add(w, n, labels, left,
	    (struct target){ .at = w->at, .next = s.found.at });
	put_bytes(w, n, head);
	if (s.found.at == TARGET_OF_ROOT)
		w->buf[w->at++] = 0;
	else
		put_u16(w, 0xc000u | s.found.at);
	return true;
}

/* RDATA whose names may be compressed: numbers and names (rdata.h). */
static bool
put_shape(struct writer *w, const char *fields, const struct rdata *r)
{
	size_t at = 0;

	for (; *fields != '\0'; fields++) {
		size_t n;

		if (*fields == 'n') {
			n = name_bytes(r->bytes + at);
			if (!put_name(w, r->bytes + at, true))
				return false;
		} else {
			n = (size_t)(*fields - '0');
			if (room_left(w) < n)
				return false;
			put_bytes(w, r->bytes + at, n);
		}
		at += n;
	}
	return true;
}

/* Has it a name that may be compressed? */
static bool
may_shrink(const char *fields)
{
	while (*fields != '\0' && *fields != 'n')
		fields++;
	return *fields == 'n';
}

static bool
put_rdata(struct writer *w, uint16_t type, const struct rdata *r)
{
	const char *fields = rdata_shape(type);
	size_t length_at = w->at, len;

	put_u16(w, r->len);
	if (fields == NULL || !may_shrink(fields) ||
	    !rdata_check(type, r->bytes, r->len)) {
		if (room_left(w) < r->len)
			return false;
		put_bytes(w, r->bytes, r->len);
		return true;
	}
	if (!put_shape(w, fields, r))
		return false;
	len = w->at - length_at - 2;
	w->buf[length_at] = (uint8_t)(len >> 8);
	w->buf[length_at + 1] = (uint8_t)len;
	return true;
}

static bool
put_record(struct writer *w, const struct rrset *set, uint16_t type,
    uint32_t ttl, const struct rdata *r)
{
	if (!put_name(w, set->owner, false) || room_left(w) < RECORD_FIXED)
		return false;
	put_u16(w, type);
	put_u16(w, CLASS_IN);
	put_u16(w, ttl >> 16);
	put_u16(w, ttl & 0xffff);
	return put_rdata(w, type, r);
}

static bool
put_set(struct writer *w, const struct rrset *set, uint32_t ttl, bool with_sigs,
    uint16_t first)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!put_record(w, set, set->type, ttl,
			&set->rdata[(i + first) % set->count]))
			return false;
	for (i = 0; with_sigs && i < set->sig_count; i++)
		if (!put_record(w, set, TYPE_RRSIG, ttl, &set->sigs[i]))
			return false;
	return true;
}

bool
writer_rrset(struct writer *w, enum section s, const struct rrset *set,
    uint32_t ttl, bool with_sigs, uint16_t first)
{
	size_t mark = w->at;
	size_t records = set->count + (with_sigs ? set->sig_count : (size_t)0);
	uint16_t *count = &w->counts[AN + (unsigned)s];

	if (records > (size_t)(UINT16_MAX - *count) ||
	    !put_set(w, set, ttl, with_sigs, first)) {
		targets_forget(w, mark);
		w->at = mark;
		w->full = true;
		return false;
	}
	*count = (uint16_t)(*count + records);
	return true;
}

void
writer_question(struct writer *w, const uint8_t *qname, uint16_t type,
    uint16_t class)
{
	size_t mark = w->at, bytes = name_bytes(qname);

	if (mark == HEADER_BYTES && !w->has_targets &&
	    room_left(w) >= bytes + 4) {
		put_bytes(w, qname, bytes);
	} else if (!put_name(w, qname, true) || room_left(w) < 4) {
		targets_forget(w, mark);
		w->at = mark;
		w->full = true;
		return;
	}
	put_u16(w, type);
	put_u16(w, class);
	w->counts[QD]++;
}

size_t
writer_finish(struct writer *w)
{
	uint8_t *p = w->buf + 4;

	for (size_t i = 0; i < ARRAY_LEN(w->counts); i++)
		p = octets_put(p, w->counts[i], 2);
	return w->at;
}
