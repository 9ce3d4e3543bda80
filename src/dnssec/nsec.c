/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nsec.c - denial by NSEC: RFC 4035 section 5.4, RFC 6840 section 4.
 *
 * An NSEC counts only if its owner and its next name both lie in the zone
 * that signed it. One at a delegation or at a DNAME never denies what lies
 * below it. A compact denial (RFC 9824) is an NSEC at the very name, which
 * says by the type NXNAME that the name does not exist.
 */
#include "inner.h"

struct nsec {
	const uint8_t *owner, *next, *bitmap;
	size_t bitmap_len;
};

static bool
nsec_read(const struct denial_proof *d, size_t i, struct nsec *out)
{
	const struct rrset *s = d->sets[i];
	size_t next_bytes;

	if (s->type != TYPE_NSEC || s->count != 1)
		return false;
	out->owner = s->owner;
	out->next = rdata_name(&s->rdata[0], 0);
	if (out->next == NULL || !name_is_within(out->owner, d->zone) ||
	    !name_is_within(out->next, d->zone))
		return false;
	next_bytes = name_bytes(out->next);
	out->bitmap = s->rdata[0].bytes + next_bytes;
	out->bitmap_len = s->rdata[0].len - next_bytes;
	return true;
}

/* Lies the name in the gap behind this NSEC, and may it speak of it? */
static bool
nsec_covers(const struct nsec *n, const uint8_t *name)
{
	bool last = name_compare(n->next, n->owner) <= 0;

	if (name_compare(n->owner, name) >= 0)
		return false;
	if (!last && name_compare(name, n->next) >= 0)
		return false;
	return !name_is_within(name, n->owner) ||
	       !bitmap_leads_away(n->bitmap, n->bitmap_len);
}

/* Names exist below it, so it exists, without a record of its own. */
static bool
nsec_shows_empty(const struct nsec *n, const uint8_t *name)
{
	return name_is_within(n->next, name) && !name_equal(n->next, name);
}

static bool
find_match(const struct denial_proof *d, const uint8_t *name, struct nsec *out)
{
	for (size_t i = 0; i < d->count; i++) {
		if (nsec_read(d, i, out) && name_equal(out->owner, name))
			return true;
	}
	return false;
}

static bool
find_cover(const struct denial_proof *d, const uint8_t *name, struct nsec *out)
{
	for (size_t i = 0; i < d->count; i++) {
		if (nsec_read(d, i, out) && nsec_covers(out, name))
			return true;
	}
	return false;
}

/* The deepest existing name above one that lies in the gap. */
static const uint8_t *
closest_encloser(const struct nsec *n, const uint8_t *name)
{
	unsigned a = name_common_labels(name, n->owner);
	unsigned b = name_common_labels(name, n->next);

	return name_suffix(name, a > b ? a : b);
}

static bool
wildcard_below(const uint8_t *parent, struct name *out)
{
	static const uint8_t star = '*';

	return name_prepend(out, &star, 1, parent) == ERR_OK;
}

enum denial
nsec_nodata(const struct denial_proof *d, const uint8_t *qname, uint16_t qtype)
{
	struct nsec n, w;
	struct name wildcard;

	if (!name_is_within(qname, d->zone))
		return DENIAL_NONE;
	if (find_match(d, qname, &n))
		return bitmap_denies(n.bitmap, n.bitmap_len, qname, qtype)
			   ? DENIAL_PROVEN
			   : DENIAL_NONE;
	if (!find_cover(d, qname, &n))
		return DENIAL_NONE;
	if (nsec_shows_empty(&n, qname))
		return DENIAL_PROVEN;
	if (!wildcard_below(closest_encloser(&n, qname), &wildcard) ||
	    !find_match(d, wildcard.wire, &w) ||
	    !bitmap_denies(w.bitmap, w.bitmap_len, wildcard.wire, qtype))
		return DENIAL_NONE;
	return DENIAL_PROVEN;
}

enum denial
nsec_nxdomain(const struct denial_proof *d, const uint8_t *qname)
{
	struct nsec n, w;
	struct name wildcard;

	if (!name_is_within(qname, d->zone))
		return DENIAL_NONE;
	/* RFC 9824 section 3.1: it stands at the name and says there is none. */
	if (find_match(d, qname, &n) &&
	    bitmap_has(n.bitmap, n.bitmap_len, TYPE_NXNAME))
		return DENIAL_PROVEN;
	if (!find_cover(d, qname, &n) || nsec_shows_empty(&n, qname))
		return DENIAL_NONE;
	if (!wildcard_below(closest_encloser(&n, qname), &wildcard))
		return DENIAL_NONE;
	/* A gap that shows names below "*" shows "*" to exist. */
	return find_cover(d, wildcard.wire, &w) &&
		       !nsec_shows_empty(&w, wildcard.wire)
		   ? DENIAL_PROVEN
		   : DENIAL_NONE;
}

enum denial
nsec_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent)
{
	struct nsec n;

	if (!find_cover(d, qname, &n) || nsec_shows_empty(&n, qname))
		return DENIAL_NONE;
	return name_labels(closest_encloser(&n, qname)) <=
		       name_labels(wildcard_parent)
		   ? DENIAL_PROVEN
		   : DENIAL_NONE;
}

enum denial
nsec_ds(const struct denial_proof *d, const uint8_t *name)
{
	struct nsec n;

	if (!name_is_within(name, d->zone))
		return DENIAL_NONE;
	if (find_match(d, name, &n))
		return bitmap_ds(n.bitmap, n.bitmap_len, name);
	if (nsec_nodata(d, name, TYPE_DS) == DENIAL_PROVEN)
		return DENIAL_PROVEN;
	return nsec_nxdomain(d, name);
}
