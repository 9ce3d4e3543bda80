/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manners.c - a set-associative table of addresses.
 *
 * Each address has a client's cookie of its own, drawn at random and drawn
 * anew after a day, so that servers cannot tell us apart from one another's
 * view (RFC 9018 section 3). A server that gives cookies now and does not
 * then, as the sites of an anycast address may, is soon not held to them.
 */
#include "manners.h"

#include <string.h>

#define SETS       512u
#define WAYS       4u
#define DAY_US     (86400 * (uint64_t)1000000)
#define HOUR_US    (3600 * (uint64_t)1000000)
#define WAVERS_MAX 3u /* cookies that came and went */

struct entry {
	struct addr address; /* family 0: free */
	uint64_t used_us, drawn_us, folds_until_us;
	uint8_t cookie[COOKIE_BYTES_MAX];
	uint8_t cookie_len;
	uint8_t wavers;
	bool gives;
};

struct manners {
	struct rng *rng;
	struct entry entries[SETS][WAYS];
};

struct manners *
manners_new(struct rng *rng)
{
	struct manners *m = memory_new(sizeof(*m));

	if (m == NULL)
		return NULL;
	m->rng = rng;
	return m;
}

void
manners_free(struct manners *m)
{
	memory_free(m);
}

static bool
is_of(const struct entry *e, const struct addr *a)
{
	return e->address.family != 0 && addr_equal(&e->address, a);
}

/* The entry of this address, else the one longest unused. */
static struct entry *
place(struct manners *m, const struct addr *a, uint64_t key)
{
	struct entry *set = m->entries[key % SETS], *best = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_of(&set[i], a))
			return &set[i];
		if (set[i].used_us < best->used_us)
			best = &set[i];
	}
	return best;
}

static void
draw_cookie(struct manners *m, struct entry *e, uint64_t now_us)
{
	for (size_t i = 0; i < COOKIE_CLIENT_BYTES; i += 4) {
		uint32_t r = rng_u32(m->rng);

		memcpy(e->cookie + i, &r, 4);
	}
	e->cookie_len = COOKIE_CLIENT_BYTES;
	e->drawn_us = now_us;
	e->gives = false;
}

void
manners_look(struct manners *m, const struct addr *a, uint64_t key,
    uint64_t now_us, struct manner *out)
{
	struct entry *e = place(m, a, key);

	if (!is_of(e, a))
		*e = (struct entry){ .address = *a };
	if (e->cookie_len == 0 || now_us - e->drawn_us > DAY_US)
		draw_cookie(m, e, now_us);
	e->used_us = now_us;
	*out = (struct manner){ .cookie_len = e->cookie_len,
		.gives_cookies = e->gives && e->wavers < WAVERS_MAX,
		.folds_case = now_us < e->folds_until_us };
	memcpy(out->cookie, e->cookie, e->cookie_len);
}

void
manners_gave_cookie(struct manners *m, const struct addr *a, uint64_t key,
    const uint8_t *cookie, size_t len)
{
	struct entry *e = place(m, a, key);

	/* Drawn anew meanwhile: then it answers an earlier one. */
	if (!is_of(e, a) || len < 2 * COOKIE_CLIENT_BYTES ||
	    len > COOKIE_BYTES_MAX ||
	    memcmp(e->cookie, cookie, COOKIE_CLIENT_BYTES) != 0)
		return;
	memcpy(e->cookie, cookie, len);
	e->cookie_len = (uint8_t)len;
	e->gives = true;
}

void
manners_gave_none(struct manners *m, const struct addr *a, uint64_t key)
{
	struct entry *e = place(m, a, key);

	if (!is_of(e, a) || !e->gives)
		return;
	e->gives = false;
	e->cookie_len = COOKIE_CLIENT_BYTES;
	if (e->wavers < WAVERS_MAX)
		e->wavers++;
}

void
manners_folded_case(struct manners *m, const struct addr *a, uint64_t key,
    uint64_t now_us)
{
	struct entry *e = place(m, a, key);

	if (is_of(e, a))
		e->folds_until_us = now_us + HOUR_US;
}
