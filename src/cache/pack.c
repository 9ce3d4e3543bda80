/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.c - an owner and its record sets as one run of octets.
 *
 *	owner
 *	per set:	1 when an owner of its own follows, else 0
 *			[owner] ttl:4 type:2 count:2 sig_count:2
 *			per record and then per signature: len:2 octets
 *
 * Numbers are in host order and unaligned. What is read back was written
 * here, so lengths are trusted; nothing that came from the wire is parsed.
 */
#include "room.h"

#include <string.h>

#define SET_FIXED (1u + 4u + 2u + 2u + 2u)

static bool
has_own_owner(const struct record *r, const struct rrset *s)
{
	return !name_same_case(s->owner, r->owner);
}

static size_t
rdatas_bytes(const struct rdata *r, uint16_t count)
{
	size_t n = 0;

	for (uint16_t i = 0; i < count; i++)
		n += 2 + (size_t)r[i].len;
	return n;
}

size_t
pack_bytes(const struct record *r)
{
	size_t n = name_bytes(r->owner);

	for (size_t i = 0; i < r->set_count; i++) {
		const struct rrset *s = r->sets[i];

		n += SET_FIXED + rdatas_bytes(s->rdata, s->count) +
		     rdatas_bytes(s->sigs, s->sig_count);
		if (has_own_owner(r, s))
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
		to = put(to, &r[i].len, 2);
		to = put(to, r[i].bytes, r[i].len);
	}
	return to;
}

void
pack_record(const struct record *r, uint8_t *to)
{
	to = put(to, r->owner, name_bytes(r->owner));
	for (size_t i = 0; i < r->set_count; i++) {
		const struct rrset *s = r->sets[i];
		bool own = has_own_owner(r, s);

		*to++ = own;
		if (own)
			to = put(to, s->owner, name_bytes(s->owner));
		to = put(to, &s->ttl, 4);
		to = put(to, &s->type, 2);
		to = put(to, &s->count, 2);
		to = put(to, &s->sig_count, 2);
		to = put_rdatas(to, s->rdata, s->count);
		to = put_rdatas(to, s->sigs, s->sig_count);
	}
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
	r = arena_take(a, count * sizeof(*r));
	if (r == NULL)
		return NULL;
	for (uint16_t i = 0; i < count; i++) {
		from = take(from, &r[i].len, 2);
		r[i].bytes = from;
		from += r[i].len;
	}
	*out = r;
	return from;
}

static const uint8_t *
take_set(const uint8_t *from, struct arena *a, struct rrset *s)
{
	bool own = *from++ != 0;

	if (own) {
		s->owner = from;
		from += name_bytes(from);
	}
	from = take(from, &s->ttl, 4);
	from = take(from, &s->type, 2);
	from = take(from, &s->count, 2);
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
	sets = arena_take(a, set_count * sizeof(*sets));
	room = arena_take(a, set_count * sizeof(*room));
	if (sets == NULL || room == NULL)
		return false;
	for (size_t i = 0; i < set_count; i++) {
		room[i].owner = out->owner;
		from = take_set(from, a, &room[i]);
		if (from == NULL)
			return false;
		sets[i] = &room[i];
	}
	out->sets = sets;
	return true;
}
