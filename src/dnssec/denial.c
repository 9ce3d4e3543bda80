/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * denial.c - does it follow from these NSEC or NSEC3 records that there is no
 * such name, or no such type? NSEC first; NSEC3 when that proves nothing.
 * And the bitmap of types that both kinds end with.
 */
#include "inner.h"

bool
bitmap_has(const uint8_t *bitmap, size_t len, uint16_t type)
{
	size_t at = 0;

	/* RFC 4034 section 4.1.2: window, length, bits. */
	while (at + 2 <= len) {
		size_t n = bitmap[at + 1];

		if (n == 0 || n > 32 || at + 2 + n > len)
			return false;
		if (bitmap[at] == type >> 8) {
			size_t byte = (type & 0xffu) / 8;

			return byte < n &&
			       (bitmap[at + 2 + byte] & (0x80u >> (type & 7)));
		}
		at += 2 + n;
	}
	return false;
}

/*
 * A bitmap of the name itself says "no such type": RFC 6840 section 4.3 (an
 * alias would have been followed) and section 4.1 (what the parent has at a
 * delegation speaks of the DS only, what the child has never does).
 */
bool
bitmap_denies(const uint8_t *bitmap, size_t len, const uint8_t *qname,
    uint16_t qtype)
{
	bool soa = bitmap_has(bitmap, len, TYPE_SOA);

	if (bitmap_has(bitmap, len, qtype) ||
	    bitmap_has(bitmap, len, TYPE_CNAME))
		return false;
	if (qtype == TYPE_DS)
		return !soa || qname[0] == 0;
	return soa || !bitmap_has(bitmap, len, TYPE_NS);
}

/* What is below this name is not this zone's, or not by this name. */
bool
bitmap_leads_away(const uint8_t *bitmap, size_t len)
{
	if (bitmap_has(bitmap, len, TYPE_DNAME))
		return true;
	return bitmap_has(bitmap, len, TYPE_NS) &&
	       !bitmap_has(bitmap, len, TYPE_SOA);
}

/* The name itself was found: is a delegation there? */
enum denial
bitmap_ds(const uint8_t *bitmap, size_t len, const uint8_t *name)
{
	if (!bitmap_denies(bitmap, len, name, TYPE_DS))
		return DENIAL_NONE;
	return bitmap_has(bitmap, len, TYPE_NS) ? DENIAL_UNSIGNED
						: DENIAL_PROVEN;
}

enum denial
denial_nodata(const struct denial_proof *d, const uint8_t *qname, uint16_t type)
{
	enum denial r = nsec_nodata(d, qname, type);

	return r == DENIAL_NONE ? nsec3_nodata(d, qname, type) : r;
}

enum denial
denial_nxdomain(const struct denial_proof *d, const uint8_t *qname)
{
	enum denial r = nsec_nxdomain(d, qname);

	return r == DENIAL_NONE ? nsec3_nxdomain(d, qname) : r;
}

enum denial
denial_closer(const struct denial_proof *d, const uint8_t *qname,
    const uint8_t *wildcard_parent)
{
	enum denial r = nsec_closer(d, qname, wildcard_parent);

	return r == DENIAL_NONE ? nsec3_closer(d, qname, wildcard_parent) : r;
}

enum denial
denial_ds(const struct denial_proof *d, const uint8_t *name)
{
	enum denial r = nsec_ds(d, name);

	return r == DENIAL_NONE ? nsec3_ds(d, name) : r;
}
