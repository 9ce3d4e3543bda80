/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * canonical.c - the one form of a record set that everybody signs: RFC 4034
 * sections 3.1.8.1 and 6, with the list of types of RFC 6840 section 5.1.
 *
 * Octets of RDATA were read by dns/, so names in it are whole; still no
 * length is taken on trust. Lower-casing keeps length octets as they are:
 * they are below 64, and no letter is.
 */
#include "inner.h"

#include <stdlib.h>
#include <string.h>

#define SIGNED_BYTES_MAX (512u * 1024)

uint16_t
take_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
take_u32(const uint8_t *p)
{
	return (uint32_t)take_u16(p) << 16 | take_u16(p + 2);
}

uint8_t *
give_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

uint8_t *
give_u32(uint8_t *p, uint32_t v)
{
	return give_u16(give_u16(p, v >> 16), v & 0xffff);
}

void
lower_bytes(uint8_t *out, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[i] >= 'A' && in[i] <= 'Z' ? in[i] | 0x20 : in[i];
}

/* Types whose names are lower-cased: octets before them, strings, names. */
static const struct {
	uint16_t type;
	uint8_t skip, strings, names;
} shapes[] = {
	{ TYPE_NS, 0, 0, 1 },
	{ 3, 0, 0, 1 }, /* MD */
	{ 4, 0, 0, 1 }, /* MF */
	{ TYPE_CNAME, 0, 0, 1 },
	{ TYPE_SOA, 0, 0, 2 },
	{ 7, 0, 0, 1 }, /* MB */
	{ 8, 0, 0, 1 }, /* MG */
	{ 9, 0, 0, 1 }, /* MR */
	{ TYPE_PTR, 0, 0, 1 },
	{ 14, 0, 0, 2 }, /* MINFO */
	{ TYPE_MX, 2, 0, 1 },
	{ TYPE_RP, 0, 0, 2 },
	{ TYPE_AFSDB, 2, 0, 1 },
	{ 21, 2, 0, 1 }, /* RT */
	{ TYPE_SIG, 18, 0, 1 },
	{ TYPE_PX, 2, 0, 2 },
	{ TYPE_NXT, 0, 0, 1 },
	{ TYPE_SRV, 6, 0, 1 },
	{ TYPE_NAPTR, 4, 3, 1 },
	{ TYPE_KX, 2, 0, 1 },
	{ TYPE_DNAME, 0, 0, 1 },
	{ TYPE_RRSIG, 18, 0, 1 },
};

static size_t
name_end(const struct rdata *r, size_t at)
{
	while (at < r->len && r->bytes[at] != 0)
		at += r->bytes[at] + 1u;
	return at < r->len ? at + 1 : r->len;
}

void
canonical_rdata(uint16_t type, const struct rdata *r, uint8_t *out)
{
	size_t at, end;

	if (r->len > 0)
		memcpy(out, r->bytes, r->len);
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		if (shapes[i].type != type)
			continue;
		at = shapes[i].skip;
		for (unsigned n = 0; n < shapes[i].strings && at < r->len; n++)
			at += r->bytes[at] + 1u;
		end = at;
		for (unsigned n = 0; n < shapes[i].names && end < r->len; n++)
			end = name_end(r, end);
		if (at < end)
			lower_bytes(out + at, r->bytes + at, end - at);
		return;
	}
}

/* RFC 4034 section 6.3: as left-justified octet strings. */
static int
compare_rdata(const void *a, const void *b)
{
	const struct rdata *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = n == 0 ? 0 : memcmp(x->bytes, y->bytes, n);

	return c != 0 ? c : (int)x->len - (int)y->len;
}

/* Owner as it was signed: the wildcard, where the set was expanded. */
static void
signed_owner(const struct rrset *set, const struct rrsig *sig, struct name *out)
{
	static const uint8_t star = '*';
	struct name lower;

	name_lower(&lower, set->owner);
	if (sig->labels >= name_labels(set->owner) ||
	    name_prepend(out, &star, 1, name_suffix(lower.wire, sig->labels)) !=
		ERR_OK)
		*out = lower;
}

struct layout {
	struct rdata *sorted; /* canonical RDATA */
	uint8_t *bytes;       /* of them */
	size_t total;
};

static bool
layout_make(struct layout *l, const struct rrset *set)
{
	size_t at = 0;

	l->total = 0;
	for (uint16_t i = 0; i < set->count; i++)
		l->total += set->rdata[i].len;
	l->sorted = memory_new((set->count + 1u) * sizeof(*l->sorted));
	l->bytes = memory_new(l->total + 1);
	if (l->sorted == NULL || l->bytes == NULL)
		return false;
	for (uint16_t i = 0; i < set->count; i++) {
		canonical_rdata(set->type, &set->rdata[i], l->bytes + at);
		l->sorted[i].bytes = l->bytes + at;
		l->sorted[i].len = set->rdata[i].len;
		at += set->rdata[i].len;
	}
	qsort(l->sorted, set->count, sizeof(*l->sorted), compare_rdata);
	return true;
}

/* RRSIG RDATA without the signature, then each record once. */
static size_t
lay_out(uint8_t *out, const struct rrset *set, const struct rrsig *sig,
    const struct layout *l)
{
	size_t signer_bytes = name_bytes(sig->signer), owner_bytes;
	uint8_t *p = give_u16(out, sig->covered);
	struct name owner;

	*p++ = sig->algorithm;
	*p++ = sig->labels;
	p = give_u32(p, sig->original_ttl);
	p = give_u32(p, sig->expires);
	p = give_u32(p, sig->begins);
	p = give_u16(p, sig->tag);
	lower_bytes(p, sig->signer, signer_bytes);
	p += signer_bytes;
	signed_owner(set, sig, &owner);
	owner_bytes = name_bytes(owner.wire);
	for (uint16_t i = 0; i < set->count; i++) {
		const struct rdata *r = &l->sorted[i];

		if (i > 0 && compare_rdata(r - 1, r) == 0)
			continue; /* section 6.3: duplicates count once */
		memcpy(p, owner.wire, owner_bytes);
		p = give_u16(p + owner_bytes, set->type);
		p = give_u16(p, CLASS_IN);
		p = give_u32(p, sig->original_ttl);
		p = give_u16(p, r->len);
		if (r->len > 0)
			memcpy(p, r->bytes, r->len);
		p += r->len;
	}
	return (size_t)(p - out);
}

uint8_t *
rrsig_signed_bytes(const struct rrset *set, const struct rrsig *sig,
    size_t *len)
{
	struct layout l = { 0 };
	uint8_t *out = NULL;
	size_t most = 18 + NAME_MAX_BYTES;

	if (layout_make(&l, set)) {
		most += l.total + set->count * (10u + NAME_MAX_BYTES);
		if (most <= SIGNED_BYTES_MAX)
			out = memory_new(most);
	}
	if (out != NULL)
		*len = lay_out(out, set, sig, &l);
	memory_free(l.sorted);
	memory_free(l.bytes);
	return out;
}
