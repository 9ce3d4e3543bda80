/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.c - an owner and its record sets as one run of octets.
 *
 *	owner
 *	per set:	flags:1 ttl:4 [owner] [type:2] [count:2] [sig_count:2]
 *			per record and then per signature: length octets
 *
 * What is as usual is left out: the owner is the entry's, the type its key's,
 * it is one record, it has no signature. A length takes one octet, or if that
 * is LONG two more. An address takes 10 octets less by all this, and blocks
 * of the heap are 16 apart.
 *
 * Numbers are in host order and unaligned. What is read back was written
 * here, so lengths are trusted; nothing that came from the wire is parsed.
 */
#include "room.h"

#include <string.h>

#define SET_FIXED (1u + 4u)
#define LONG      255u

enum { HAS_OWNER = 1, HAS_TYPE = 2, HAS_COUNT = 4, HAS_SIGS = 8 };

static uint8_t
flags_of(const struct record *r, const struct key *k, const struct rrset *s)
{
	/* Of what was just read the set's own owner is the record's. */
	bool is_own =
	    s->owner == r->owner || name_same_case(s->owner, r->owner);
	unsigned flags = is_own ? 0 : HAS_OWNER;

	flags |= s->type != k->type ? HAS_TYPE : 0;
	flags |= s->count != 1 ? HAS_COUNT : 0;
	flags |= s->sig_count != 0 ? HAS_SIGS : 0;
	return (uint8_t)flags;
}

static size_t
rdatas_bytes(const struct rdata *r, uint16_t count)
{
	size_t n = 0;

	for (uint16_t i = 0; i < count; i++)
		n += (r[i].len < LONG ? 1u : 3u) + (size_t)r[i].len;
	return n;
}

size_t
pack_bytes(const struct record *r, const struct key *k)
{
	size_t n = k->name_bytes;

	for (size_t i = 0; i < r->set_count; i++) {
		const struct rrset *s = r->sets[i];
		const uint8_t flags = flags_of(r, k, s);

		n += SET_FIXED + rdatas_bytes(s->rdata, s->count) +
		     rdatas_bytes(s->sigs, s->sig_count);
		n += (flags & HAS_TYPE) != 0 ? 2 : 0;
		n += (flags & HAS_COUNT) != 0 ? 2 : 0;
		n += (flags & HAS_SIGS) != 0 ? 2 : 0;
		if ((flags & HAS_OWNER) != 0)
			n += name_bytes(s->owner);
	}
	return n;
}

static uint8_t *
put(uint8_t *to, const void *from, size_t bytes)
{
	if (bytes > 0)
		memcpy(to, from, bytes);
	return to + bytes;
}

static uint8_t *
put_rdatas(uint8_t *to, const struct rdata *r, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		*to++ = r[i].len < LONG ? (uint8_t)r[i].len : LONG;
		if (r[i].len >= LONG)
			to = put(to, &r[i].len, 2);
		to = put(to, r[i].bytes, r[i].len);
	}
	return to;
}

static uint8_t *
put_set(uint8_t *to, const struct rrset *s, uint8_t flags)
{
	*to++ = flags;
	to = put(to, &s->ttl, 4);
	if ((flags & HAS_OWNER) != 0)
		to = put(to, s->owner, name_bytes(s->owner));
	if ((flags & HAS_TYPE) != 0)
		to = put(to, &s->type, 2);
	if ((flags & HAS_COUNT) != 0)
		to = put(to, &s->count, 2);
	if ((flags & HAS_SIGS) != 0)
		to = put(to, &s->sig_count, 2);
	to = put_rdatas(to, s->rdata, s->count);
	return put_rdatas(to, s->sigs, s->sig_count);
}

void
pack_record(const struct record *r, const struct key *k, uint8_t *to)
{
	to = put(to, r->owner, k->name_bytes);
	for (size_t i = 0; i < r->set_count; i++)
		to = put_set(to, r->sets[i], flags_of(r, k, r->sets[i]));
}

static const uint8_t *
take(const uint8_t *from, void *to, size_t bytes)
{
	memcpy(to, from, bytes);
	return from + bytes;
}

/* Returns what lies behind them, or NULL when the arena is over. */
static const uint8_t *
take_rdatas(const uint8_t *from, uint16_t count, struct arena *a,
    const struct rdata **out)
{
	struct rdata *r;

	*out = NULL;
	if (count == 0)
		return from;
	r = arena_room(a, count * sizeof(*r));
	if (r == NULL)
		return NULL;
	for (uint16_t i = 0; i < count; i++) {
		r[i].len = *from++;
		if (r[i].len == LONG)
			from = take(from, &r[i].len, 2);
		r[i].bytes = from;
		from += r[i].len;
	}
	*out = r;
	return from;
}

/* s holds what is left out. */
static const uint8_t *
take_set(const uint8_t *from, struct arena *a, struct rrset *s)
{
	const uint8_t flags = *from++;

	from = take(from, &s->ttl, 4);
	if ((flags & HAS_OWNER) != 0) {
		s->owner = from;
		from += name_bytes(from);
	}
	if ((flags & HAS_TYPE) != 0)
		from = take(from, &s->type, 2);
	if ((flags & HAS_COUNT) != 0)
		from = take(from, &s->count, 2);
	if ((flags & HAS_SIGS) != 0)
		from = take(from, &s->sig_count, 2);
	from = take_rdatas(from, s->count, a, &s->rdata);
	if (from == NULL)
		return NULL;
	return take_rdatas(from, s->sig_count, a, &s->sigs);
}

bool
unpack_record(const uint8_t *from, size_t set_count, struct arena *a,
    struct record *out)
{
	struct rrset **sets = NULL;
	struct rrset *room;

	out->owner = from;
	out->sets = NULL;
	out->set_count = set_count;
	from += name_bytes(from);
	if (set_count == 0)
		return true;
	room = arena_room(a, set_count * (sizeof(*room) + sizeof(*sets)));
	if (room == NULL)
		return false;
	sets = (struct rrset **)(room + set_count);
	for (size_t i = 0; i < set_count; i++) {
		room[i] = (struct rrset){ .owner = out->owner,
			.type = out->type,
			.count = 1 };
		from = take_set(from, a, &room[i]);
		if (from == NULL)
			return false;
		sets[i] = &room[i];
	}
	out->sets = sets;
	return true;
}
