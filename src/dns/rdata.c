/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rdata.c - checks RDATA against the shape of its type and expands its names.
 *
 * Promise: RDATA that passed is exactly as long as its fields say, holds no
 * compression pointer, and its names are whole names. Only types that the
 * resolver itself looks into, or whose names may be compressed, have a shape;
 * the rest stays octets, because a wrong shape for a rare type refuses good
 * replies and a right one gains nothing.
 */
#include "rdata.h"

#include <string.h>

/* Fields before the tail: NAPTR is the longest, 4 + 3 * 256 + 255. */
#define HEAD_MAX 1280u

struct shape {
	uint16_t type;
	const char *fields;
};

static const struct shape shapes[] = {
	{ TYPE_A, "4" },
	{ TYPE_NS, "n" },
	{ 3, "n" }, /* MD */
	{ 4, "n" }, /* MF */
	{ TYPE_CNAME, "n" },
	{ TYPE_SOA, "nn44444" },
	{ 7, "n" }, /* MB */
	{ 8, "n" }, /* MG */
	{ 9, "n" }, /* MR */
	{ TYPE_PTR, "n" },
	{ TYPE_HINFO, "ss" },
	{ 14, "nn" }, /* MINFO */
	{ TYPE_MX, "2n" },
	{ TYPE_TXT, "S" },
	{ TYPE_RP, "NN" },
	{ TYPE_AFSDB, "2N" },
	{ 21, "2N" }, /* RT */
	{ TYPE_SIG, "2114442Nx" },
	{ TYPE_KEY, "211x" },
	{ TYPE_PX, "2NN" },
	{ TYPE_AAAA, "g" },
	{ TYPE_NXT, "Nx" },
	{ TYPE_SRV, "222N" },
	{ TYPE_NAPTR, "22sssN" },
	{ TYPE_KX, "2N" },
	{ TYPE_DNAME, "N" },
	{ TYPE_DS, "211X" },
	{ TYPE_RRSIG, "2114442uX" },
	{ TYPE_NSEC, "ub" },
	{ TYPE_DNSKEY, "211X" },
	{ TYPE_NSEC3, "112hHb" },
	{ TYPE_NSEC3PARAM, "112h" },
	{ TYPE_SVCB, "2ux" },
	{ TYPE_HTTPS, "2ux" },
};

const char *
rdata_shape(uint16_t type)
{
	size_t i;

	/* In order of type, so the scan ends early for the common ones. */
	for (i = 0; i < ARRAY_LEN(shapes) && shapes[i].type <= type; i++)
		if (shapes[i].type == type)
			return shapes[i].fields;
	return NULL;
}

/*
 * The RDATA being read: a window of the message, and how long it is once its
 * names are expanded. Nothing is copied before the first pointer is met.
 */
struct walk {
	struct reader *r;
	size_t start, end;
	size_t made;
	bool expands;
	uint8_t head[HEAD_MAX];
};

/* So many octets more, which are at p. */
static bool
walk_add(struct walk *w, const uint8_t *p, size_t bytes)
{
	if (w->r->at > w->end || w->made + bytes > HEAD_MAX)
		return false;
	if (w->expands)
		memcpy(w->head + w->made, p, bytes);
	w->made += bytes;
	return true;
}

static bool
walk_keep(struct walk *w, size_t bytes)
{
	const uint8_t *p = reader_take(w->r, bytes);

	return p != NULL && walk_add(w, p, bytes);
}

static bool
walk_name(struct walk *w, bool plain)
{
	UNCLEARED struct name n;
	const size_t hops = w->r->hops_left;
	size_t bytes =
	    plain ? reader_name_plain(w->r, &n) : reader_name(w->r, &n);

	if (bytes == 0)
		return false;
	if (w->r->hops_left != hops && !w->expands) {
		w->expands = true;
		memcpy(w->head, w->r->bytes + w->start, w->made);
	}
	return walk_add(w, n.wire, bytes);
}

/* A length octet and so many octets, at least `least` of them. */
static bool
walk_string(struct walk *w, unsigned least)
{
	unsigned len;

	if (w->r->at >= w->end)
		return false;
	len = w->r->bytes[w->r->at];
	return len >= least && walk_keep(w, 1 + len);
}

/* Strings up to the end, at least one; they stay in the message. */
static bool
tail_is_strings(const uint8_t *p, size_t len)
{
	size_t at = 0;

	while (at < len)
		at += 1u + p[at];
	return len > 0 && at == len;
}

static bool
tail_is_bitmap(const uint8_t *p, size_t len)
{
	size_t at = 0;
	int last = -1;

	while (at < len) {
		size_t octets;

		if (len - at < 3 || p[at] <= last)
			return false;
		last = p[at];
		octets = p[at + 1];
		if (octets < 1 || octets > 32 || len - at - 2 < octets)
			return false;
		at += 2 + octets;
	}
	return true;
}

/* A field that takes everything left. */
static bool
is_tail(char field)
{
	return field == 'S' || field == 'b' || field == 'x' || field == 'X';
}

static bool
walk_tail(struct walk *w, char field)
{
	size_t len = w->end - w->r->at;
	const uint8_t *p = reader_take(w->r, len);

	if (p == NULL)
		return false;
	switch (field) {
	case 'S':
		return tail_is_strings(p, len);
	case 'b':
		return tail_is_bitmap(p, len);
	case 'X':
		return len > 0;
	default:
		return field == 'x';
	}
}

static bool
walk_field(struct walk *w, char field)
{
	switch (field) {
	case '1':
	case '2':
	case '4':
	case '8':
		return walk_keep(w, (size_t)(field - '0'));
	case 'g':
		return walk_keep(w, 16);
	case 'n':
	case 'N':
		return walk_name(w, false);
	case 'u':
		return walk_name(w, true);
	case 's':
	case 'h':
		return walk_string(w, 0);
	case 'H':
		return walk_string(w, 1);
	default:
		return walk_tail(w, field);
	}
}

/* Walks every field; *head_end is where the tail begins in the message. */
static bool
walk_fields(struct walk *w, const char *fields, size_t *head_end)
{
	for (; *fields != '\0'; fields++) {
		if (!walk_field(w, *fields))
			return false;
		if (!is_tail(*fields))
			*head_end = w->r->at;
	}
	return w->r->at == w->end;
}

/* The expanded head and the tail in one piece. */
static bool
rdata_join(const struct walk *w, struct arena *a, size_t head_end,
    struct rdata *out)
{
	size_t tail = w->end - head_end;
	uint8_t *made;

	if (w->made + tail > UINT16_MAX)
		return false;
	made = arena_room(a, w->made + tail);
	if (made == NULL)
		return false;
	memcpy(made, w->head, w->made);
	memcpy(made + w->made, w->r->bytes + head_end, tail);
	out->bytes = made;
	out->len = (uint16_t)(w->made + tail);
	return true;
}

bool
rdata_read(struct reader *r, struct arena *a, uint16_t type, uint16_t len,
    struct rdata *out)
{
	const char *fields = rdata_shape(type);
	UNCLEARED struct walk w; /* its head is filled before it is read */
	size_t head_end = r->at;

	out->bytes = r->bytes + r->at;
	out->len = len;
	if (fields == NULL)
		return reader_take(r, len) != NULL;
	if (r->failed || len > r->len - r->at)
		return false;
	w.r = r;
	w.start = r->at;
	w.end = r->at + len;
	w.made = 0;
	w.expands = false;
	if (!walk_fields(&w, fields, &head_end))
		return false;
	return !w.expands || rdata_join(&w, a, head_end, out);
}

bool
rdata_check(uint16_t type, const uint8_t *bytes, size_t len)
{
	struct reader r;
	struct rdata ignored;

	if (len > UINT16_MAX)
		return false;
	/* Without compression nothing is expanded: no arena is needed. */
	reader_start_plain(&r, bytes, len);
	return rdata_read(&r, NULL, type, (uint16_t)len, &ignored);
}
