/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rrset.c - what can be asked of a record set once it is built.
 *
 * A copy is one piece of memory: the set, its arrays, then the octets. RDATA
 * compares octet for octet: letter case in a target counts.
 */
#include <hither/dns.h>

#include <string.h>

#include "rdata.h"

/* Above this, sets that are neither equal nor rotated count as different. */
#define SHUFFLED_MAX 64u

static size_t
rdata_octets(const struct rdata *r, size_t count)
{
	size_t i, octets = 0;

	for (i = 0; i < count; i++)
		octets += r[i].len;
	return octets;
}

/* Copies records to out, their octets to *bytes, which moves on. */
static void
rdata_copy(struct rdata *out, const struct rdata *in, size_t count,
    uint8_t **bytes)
{
	size_t i;

	for (i = 0; i < count; i++) {
		out[i].bytes = *bytes;
		out[i].len = in[i].len;
		if (in[i].len > 0)
			memcpy(*bytes, in[i].bytes, in[i].len);
		*bytes += in[i].len;
	}
}

struct rrset *
rrset_copy(struct arena *a, const struct rrset *s)
{
	size_t records = (size_t)s->count + s->sig_count;
	size_t owner_bytes = name_bytes(s->owner);
	struct rdata *rdata;
	struct rrset *made;
	uint8_t *bytes;

	made =
	    arena_take(a, sizeof(*made) + records * sizeof(*rdata) +
			      owner_bytes + rdata_octets(s->rdata, s->count) +
			      rdata_octets(s->sigs, s->sig_count));
	if (made == NULL)
		return NULL;
	rdata = (struct rdata *)(made + 1);
	bytes = (uint8_t *)(rdata + records);
	*made = *s;
	made->owner = bytes;
	memcpy(bytes, s->owner, owner_bytes);
	bytes += owner_bytes;
	made->rdata = rdata;
	rdata_copy(rdata, s->rdata, s->count, &bytes);
	made->sigs = rdata + s->count;
	rdata_copy(rdata + s->count, s->sigs, s->sig_count, &bytes);
	return made;
}

static bool
rdata_equal(const struct rdata *a, const struct rdata *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* Where r stands among count records, or count. */
static size_t
rdata_find(const struct rdata *r, const struct rdata *among, size_t count)
{
	size_t i = 0;

	while (i < count && !rdata_equal(r, &among[i]))
		i++;
	return i;
}

/* Equal as sets without duplicates, in linear time unless small. */
static bool
records_equal(const struct rdata *a, const struct rdata *b, size_t count)
{
	size_t i, shift;

	if (count == 0)
		return true;
	shift = rdata_find(&a[0], b, count);
	if (shift == count)
		return false;
	for (i = 1; i < count; i++)
		if (!rdata_equal(&a[i], &b[(i + shift) % count]))
			break;
	if (i == count || count > SHUFFLED_MAX)
		return i == count;
	for (i = 1; i < count; i++)
		if (rdata_find(&a[i], b, count) == count)
			return false;
	return true;
}

bool
rrset_equal(const struct rrset *a, const struct rrset *b)
{
	return a->type == b->type && a->count == b->count &&
	       a->sig_count == b->sig_count && name_equal(a->owner, b->owner) &&
	       records_equal(a->rdata, b->rdata, a->count) &&
	       records_equal(a->sigs, b->sigs, a->sig_count);
}

const uint8_t *
rdata_name(const struct rdata *r, size_t skip)
{
	for (size_t at = skip; at < r->len; at += 1u + r->bytes[at]) {
		if (r->bytes[at] == 0)
			return r->bytes + skip;
		if (r->bytes[at] > 63)
			return NULL;
	}
	return NULL;
}

/* The number at `skip` octets before the end of an SOA. */
static uint32_t
soa_number(const struct rdata *r, size_t before_end)
{
	struct reader reader;

	if (!rdata_check(TYPE_SOA, r->bytes, r->len))
		return 0;
	reader_start_plain(&reader, r->bytes, r->len);
	(void)reader_take(&reader, r->len - before_end);
	return reader_u32(&reader);
}

uint32_t
soa_minimum(const struct rdata *r)
{
	uint32_t minimum = soa_number(r, 4);

	return minimum > INT32_MAX ? 0 : minimum;
}

uint32_t
soa_serial(const struct rdata *r)
{
	return soa_number(r, 20);
}
