/* SPDX-License-Identifier: BSD-3-Clause */
/* rollover_world.h - a root that shows its keys as it is told to. */
#ifndef HITHER_TESTS_ROLLOVER_WORLD_H
#define HITHER_TESTS_ROLLOVER_WORLD_H

#include "dnssec_support.h"

#define DAY  86400u
#define OLD  0
#define NEW  1
#define EVIL 2
#define KEYS 3

struct world {
	struct arena *a, *scratch;
	ldns_key *keys[KEYS];
	struct key_store *store;
	struct rollover ro;
	struct anchors *as;
	const struct rrset *entry[2];
	uint64_t now_s;
	uint32_t ttl;
};

static const struct dnssec_policy rollover_policy = { .iterations_max = 50 };

static inline ldns_rr *
shown(const struct world *w, int key, bool revoked)
{
	ldns_rr *rr;

	ldns_key_set_flags(w->keys[key], revoked ? 385 : 257);
	rr = ldns_key2rr(w->keys[key]);
	assert_non_null(rr);
	ldns_rr_set_ttl(rr, w->ttl);
	ldns_key_set_keytag(w->keys[key], ldns_calc_keytag(rr));
	ldns_key_set_origttl(w->keys[key], w->ttl);
	ldns_key_set_inception(w->keys[key], (uint32_t)w->now_s - 60);
	ldns_key_set_expiration(w->keys[key], (uint32_t)w->now_s + 10 * DAY);
	return rr;
}

/* The set as the zone shows it: bits say which keys. */
struct shows {
	unsigned keys, revoked, signers;
};

static inline void
copy_rdata(struct world *w, const ldns_rr *rr, struct rdata *out)
{
	uint8_t *wire;
	size_t len, at;

	assert_int_equal(ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len),
	    LDNS_STATUS_OK);
	at = name_bytes(wire) + 10;
	out->bytes = arena_copy(w->a, wire + at, len - at);
	out->len = (uint16_t)(len - at);
	free(wire);
}

static inline struct rrset *
show(struct world *w, struct shows s)
{
	struct rdata *list = arena_take(w->a, 2 * KEYS * sizeof(*list));
	struct rrset *set = arena_take(w->a, sizeof(*set));
	ldns_rr_list *rrs = ldns_rr_list_new(), *sigs;
	ldns_key_list *by = ldns_key_list_new();

	*set = (struct rrset){ .owner = name_root,
		.rdata = list,
		.sigs = list + KEYS,
		.ttl = w->ttl,
		.type = TYPE_DNSKEY };
	for (int k = 0; k < KEYS; k++) {
		if ((s.keys & BIT(k)) == 0)
			continue;
		ldns_rr_list_push_rr(rrs,
		    shown(w, k, (s.revoked & BIT(k)) != 0));
		copy_rdata(w, ldns_rr_list_rr(rrs, set->count),
		    &list[set->count]);
		set->count++;
	}
	for (int k = 0; k < KEYS; k++)
		if ((s.signers & BIT(k)) != 0)
			ldns_key_list_push_key(by, w->keys[k]);
	sigs = ldns_sign_public(rrs, by);
	assert_non_null(sigs);
	for (size_t i = 0; i < ldns_rr_list_rr_count(sigs); i++)
		copy_rdata(w, ldns_rr_list_rr(sigs, i),
		    &list[KEYS + set->sig_count++]);
	ldns_rr_list_deep_free(rrs);
	ldns_rr_list_deep_free(sigs);
	ldns_key_list_set_key_count(by, 0);
	ldns_key_list_free(by);
	return set;
}

static inline enum rollover_news
look(struct world *w, struct shows s)
{
	const struct rollover_look l = { .keys = show(w, s),
		.entry = { w->entry[0], w->entry[1] },
		.policy = &rollover_policy,
		.store = w->store,
		.now_s = w->now_s };

	return rollover_look(&w->ro, &l, w->scratch);
}

/* -1: not known. */
static inline int
state_of(struct world *w, int key)
{
	ldns_rr *rr = shown(w, key, false);
	struct rdata r;
	int found = -1;

	copy_rdata(w, rr, &r);
	ldns_rr_free(rr);
	for (size_t i = 0; i < w->ro.count; i++)
		if (w->ro.keys[i].len == r.len &&
		    memcmp(w->ro.keys[i].rdata, r.bytes, r.len) == 0)
			found = (int)w->ro.keys[i].state;
	return found;
}

static inline bool
is_used(struct world *w, int key)
{
	uint16_t tags[8];
	size_t n;
	ldns_rr *rr = shown(w, key, false);
	uint16_t tag = ldns_calc_keytag(rr);
	bool used = false;

	ldns_rr_free(rr);
	(void)!rollover_use(&w->ro, w->entry, w->as);
	n = anchors_tags(w->as, name_root, tags, ARRAY_LEN(tags));
	for (size_t i = 0; i < n; i++)
		used = used || tags[i] == tag;
	return used;
}

static inline int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	uint8_t digest[52];
	struct rrset *ds, *keys;
	struct rdata *r;

	w->a = arena_new(4 << 20);
	w->scratch = arena_new(1 << 20);
	w->store = key_store_new(64);
	w->as = anchors_new();
	w->now_s = NOW_S;
	w->ttl = 2 * DAY;
	for (int k = 0; k < KEYS; k++)
		w->keys[k] = key_new(LDNS_SIGN_ECDSAP256SHA256, 256, ".");
	name_copy(&w->ro.zone, name_root);
	ds = arena_take(w->a, sizeof(*ds));
	r = arena_take(w->a, sizeof(*r));
	keys = show(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	assert_true(ds_make(name_root, &keys->rdata[0], 2, digest, &r->len));
	r->bytes = arena_copy(w->a, digest, r->len);
	*ds = (struct rrset){ .owner = name_root,
		.rdata = r,
		.count = 1,
		.type = TYPE_DS };
	w->entry[0] = ds;
	*state = w;
	return 0;
}

static inline int
end(void **state)
{
	struct world *w = *state;

	for (int k = 0; k < KEYS; k++)
		ldns_key_deep_free(w->keys[k]);
	anchors_free(w->as);
	key_store_free(w->store);
	arena_free(w->scratch);
	arena_free(w->a);
	free(w);
	return 0;
}

/* Waits until NEW is believed. */
static inline void
roll_in(struct world *w)
{
	const struct shows both = { BIT(OLD) | BIT(NEW), 0, BIT(OLD) };

	look(w, both);
	w->now_s += 31 * DAY;
	look(w, both);
	assert_int_equal(state_of(w, NEW), KEY_VALID);
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
