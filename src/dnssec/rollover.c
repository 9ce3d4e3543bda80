/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rollover.c - following a zone that changes its keys, RFC 5011.
 *
 *   1. a known key that shows itself revoked, and signs that, is revoked
 *   2. the set of keys must be signed by one that is believed
 *   3. keys that are there: new ones wait for 30 days, those that waited
 *      long enough are believed, missing ones are back
 *   4. keys that are not there: waiting ones are forgotten, believed ones
 *      are missing, revoked ones are removed after 30 days
 *
 * A key is known by all of its RDATA but the revoke bit. Whoever was revoked
 * is never believed again, even if a configured DS names it.
 */
#include "inner.h"

#include <string.h>

#define HOUR_S     3600u
#define DAY_S      86400u
#define CHECKS_MAX 8u

struct look {
	struct rollover *ro;
	const struct rollover_look *given;
	struct arena *arena;
	unsigned checks; /* signatures of revoked keys */
	bool changed;
	bool seen[ROLLOVER_KEYS_MAX];
};

const char *
key_state_text(enum key_state s)
{
	static const char *const texts[] = { "pending", "valid", "missing",
		"revoked", "removed" };

	return s <= KEY_REMOVED ? texts[s] : "?";
}

/* --- keys ------------------------------------------------------------------ */

/* The RDATA without the revoke bit; false: not one that we follow. */
static bool
plain_key(const struct rdata *r, uint8_t out[ROLLOVER_KEY_BYTES], bool *revoked)
{
	struct dnskey k;

	if (!dnskey_read(r, &k) || r->len > ROLLOVER_KEY_BYTES ||
	    (k.flags & KEY_FLAG_ENTRY) == 0 || (k.flags & KEY_FLAG_ZONE) == 0 ||
	    k.protocol != 3)
		return false;
	memcpy(out, r->bytes, r->len);
	out[1] &= (uint8_t)~KEY_FLAG_REVOKED;
	*revoked = (k.flags & KEY_FLAG_REVOKED) != 0;
	return true;
}

static struct rollover_key *
find_key(struct rollover *ro, const uint8_t *rdata, uint16_t len)
{
	for (size_t i = 0; i < ro->count; i++)
		if (ro->keys[i].len == len &&
		    memcmp(ro->keys[i].rdata, rdata, len) == 0)
			return &ro->keys[i];
	return NULL;
}

static bool
is_dead(const struct rollover_key *k)
{
	return k->state == KEY_REVOKED || k->state == KEY_REMOVED;
}

static bool
is_believed(const struct rollover_key *k)
{
	return k->state == KEY_VALID || k->state == KEY_MISSING;
}

static void
set_state(struct look *l, struct rollover_key *k, enum key_state s)
{
	k->state = s;
	k->since_s = l->given->now_s;
	l->changed = true;
}

/* NULL: no room. */
static struct rollover_key *
add_key(struct look *l, const uint8_t *rdata, uint16_t len, enum key_state s)
{
	struct rollover *ro = l->ro;
	struct rollover_key *k;

	if (ro->count == ROLLOVER_KEYS_MAX)
		return NULL;
	k = &ro->keys[ro->count];
	l->seen[ro->count++] = true;
	memcpy(k->rdata, rdata, len);
	k->len = len;
	set_state(l, k, s);
	return k;
}

/* Does a configured DS or DNSKEY name this key? */
static bool
entry_names(const struct rrset *entry, const uint8_t *zone,
    const struct rdata *key)
{
	struct ds ds;

	if (entry == NULL)
		return false;
	for (uint16_t i = 0; i < entry->count; i++) {
		const struct rdata *r = &entry->rdata[i];

		if (entry->type == TYPE_DS) {
			if (ds_read(r, &ds) && ds_matches(&ds, zone, key))
				return true;
		} else if (r->len == key->len &&
			   memcmp(r->bytes, key->bytes, key->len) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_configured(const struct look *l, const struct rdata *key)
{
	return entry_names(l->given->entry[0], l->ro->zone.wire, key) ||
	       entry_names(l->given->entry[1], l->ro->zone.wire, key);
}

/* --- 1: revocation ---------------------------------------------------------- */

static bool
has_signed(struct look *l, const struct rdata *key, const struct rrsig *sig)
{
	const struct rrset *set = l->given->keys;
	struct dnskey k;
	uint8_t *bytes;
	size_t len;
	bool good;

	if (!dnskey_read(key, &k) || sig->tag != k.tag ||
	    sig->algorithm != k.algorithm ||
	    !name_equal(sig->signer, l->ro->zone.wire) ||
	    rrsig_precheck(l->given->policy, set, sig, l->given->now_s) !=
		RRSIG_GOOD ||
	    l->checks++ >= CHECKS_MAX)
		return false;
	bytes = rrsig_signed_bytes(set, sig, &len);
	good = bytes != NULL &&
	       key_store_verify(l->given->store, key, sig, bytes, len);
	memory_free(bytes);
	return good;
}

static bool
signed_by(struct look *l, const struct rdata *key)
{
	const struct rrset *set = l->given->keys;
	struct rrsig sig;

	for (uint16_t i = 0; i < set->sig_count; i++)
		if (rrsig_read(&set->sigs[i], &sig) && has_signed(l, key, &sig))
			return true;
	return false;
}

static void
take_revoked(struct look *l)
{
	const struct rrset *set = l->given->keys;
	uint8_t plain[ROLLOVER_KEY_BYTES];

	for (uint16_t i = 0; i < set->count; i++) {
		const struct rdata *r = &set->rdata[i];
		const struct rdata as_plain = { plain, r->len };
		struct rollover_key *k;
		bool revoked;

		if (!plain_key(r, plain, &revoked) || !revoked)
			continue;
		k = find_key(l->ro, plain, r->len);
		if (k != NULL)
			l->seen[k - l->ro->keys] = true;
		if (k != NULL ? is_dead(k) : !is_configured(l, &as_plain))
			continue;
		if (!signed_by(l, r))
			continue;
		if (k != NULL)
			set_state(l, k, KEY_REVOKED);
		else
			(void)add_key(l, plain, r->len, KEY_REVOKED);
	}
}

/* Does record i of a configured set name a key that is dead? */
static bool
is_buried(const struct rollover *ro, const struct rrset *entry, uint16_t i)
{
	struct rrset one = *entry;

	one.rdata = &entry->rdata[i];
	one.count = 1;
	for (size_t k = 0; k < ro->count; k++) {
		const struct rdata r = { ro->keys[k].rdata, ro->keys[k].len };

		if (is_dead(&ro->keys[k]) &&
		    entry_names(&one, ro->zone.wire, &r))
			return true;
	}
	return false;
}

/* --- 2: proof ---------------------------------------------------------------- */

/* What is configured, but for keys that are dead. NULL: nothing. */
static const struct rrset *
live_entry(struct look *l, const struct rrset *entry)
{
	struct rrset *out = arena_take(l->arena, sizeof(*out));
	struct rdata *list;

	if (entry == NULL || out == NULL)
		return NULL;
	*out = *entry;
	out->count = 0;
	list = arena_take(l->arena, entry->count * sizeof(*list));
	if (list == NULL)
		return NULL;
	out->rdata = list;
	for (uint16_t i = 0; i < entry->count; i++)
		if (!is_buried(l->ro, entry, i))
			list[out->count++] = entry->rdata[i];
	return out->count > 0 ? out : NULL;
}

static const struct rrset *
believed_keys(struct look *l)
{
	struct rrset *out = arena_take(l->arena, sizeof(*out));
	struct rdata *list =
	    arena_take(l->arena, ROLLOVER_KEYS_MAX * sizeof(*list));

	if (out == NULL || list == NULL)
		return NULL;
	*out = (struct rrset){ .owner = l->ro->zone.wire,
		.rdata = list,
		.type = TYPE_DNSKEY };
	for (size_t i = 0; i < l->ro->count; i++) {
		const struct rollover_key *k = &l->ro->keys[i];

		if (is_believed(k))
			list[out->count++] = (struct rdata){ k->rdata, k->len };
	}
	return out->count > 0 ? out : NULL;
}

static bool
is_proven_by(struct look *l, const struct rrset *entry, struct rrsig *best)
{
	struct dnssec_work work = { .good_max = CHECKS_MAX,
		.failed_max = CHECKS_MAX };
	struct sig_judge judge = { .policy = l->given->policy,
		.store = l->given->store,
		.work = &work,
		.zone = l->ro->zone.wire,
		.now_s = l->given->now_s,
		.turn_us = INT64_MAX / 2 };
	struct sig_walk walk = { 0 };
	enum walk how = WALK_MORE;

	if (entry == NULL)
		return false;
	judge.keys =
	    dnskeys_vouched(l->arena, l->given->policy, l->given->keys, entry);
	if (judge.keys == NULL || judge.keys->count == 0)
		return false;
	for (unsigned i = 0; i < CHECKS_MAX && how == WALK_MORE; i++)
		how = sig_walk_on(&judge, l->given->keys, &walk);
	*best = walk.best;
	return how == WALK_GOOD;
}

static bool
is_proven(struct look *l, struct rrsig *best)
{
	return is_proven_by(l, believed_keys(l), best) ||
	       is_proven_by(l, live_entry(l, l->given->entry[0]), best) ||
	       is_proven_by(l, live_entry(l, l->given->entry[1]), best);
}

/* --- 3 and 4: states ---------------------------------------------------------- */

static void
take_present(struct look *l, const struct rdata *key)
{
	const uint64_t now = l->given->now_s;
	uint64_t hold = ROLLOVER_HOLD_S;
	uint8_t plain[ROLLOVER_KEY_BYTES];
	struct rollover_key *k;
	bool revoked;

	if (!plain_key(key, plain, &revoked) || revoked)
		return;
	k = find_key(l->ro, plain, key->len);
	if (k == NULL) {
		(void)add_key(l, plain, key->len,
		    is_configured(l, key) ? KEY_VALID : KEY_PENDING);
		return;
	}
	l->seen[k - l->ro->keys] = true;
	if (l->given->keys->ttl > hold)
		hold = l->given->keys->ttl;
	if (k->state == KEY_MISSING ||
	    (k->state == KEY_PENDING &&
		(now >= k->since_s + hold || is_configured(l, key))))
		set_state(l, k, KEY_VALID);
}

static void
forget(struct look *l, size_t i)
{
	struct rollover *ro = l->ro;

	ro->count--;
	if (i < ro->count) {
		ro->keys[i] = ro->keys[ro->count];
		l->seen[i] = l->seen[ro->count];
	}
	l->changed = true;
}

static void
take_absent(struct look *l)
{
	for (size_t i = l->ro->count; i-- > 0;) {
		struct rollover_key *k = &l->ro->keys[i];

		if (k->state == KEY_REVOKED &&
		    l->given->now_s >= k->since_s + ROLLOVER_HOLD_S)
			set_state(l, k, KEY_REMOVED);
		if (l->seen[i])
			continue;
		if (k->state == KEY_VALID)
			set_state(l, k, KEY_MISSING);
		else if (k->state == KEY_PENDING)
			forget(l, i);
	}
}

/* RFC 5011 section 2.3: how soon to look again. */
static uint64_t
interval(const struct rrsig *sig, uint64_t now_s, unsigned part, uint64_t most)
{
	uint64_t end = (uint32_t)(sig->expires - (uint32_t)now_s);
	uint64_t s = sig->original_ttl / part;

	if (end / part < s)
		s = end / part;
	if (s > most)
		s = most;
	return s < HOUR_S ? HOUR_S : s;
}

/* --- all of it ------------------------------------------------------------------ */

enum rollover_news
rollover_look(struct rollover *ro, const struct rollover_look *given,
    struct arena *scratch)
{
	struct look l = { .ro = ro, .given = given, .arena = scratch };
	struct rrsig best;

	arena_reset(scratch);
	ro->next_s = given->now_s + HOUR_S;
	if (given->keys == NULL || given->keys->type != TYPE_DNSKEY ||
	    !name_equal(given->keys->owner, ro->zone.wire))
		return ROLLOVER_UNPROVEN;
	take_revoked(&l);
	if (!is_proven(&l, &best))
		return l.changed ? ROLLOVER_CHANGED : ROLLOVER_UNPROVEN;
	for (uint16_t i = 0; i < given->keys->count; i++)
		take_present(&l, &given->keys->rdata[i]);
	take_absent(&l);
	l.changed = l.changed || ro->checked_s == 0;
	ro->checked_s = given->now_s;
	ro->next_s =
	    given->now_s + interval(&best, given->now_s, 2, 15 * DAY_S);
	return l.changed ? ROLLOVER_CHANGED : ROLLOVER_NOTHING;
}

static enum err
gather_entry(const struct rollover *ro, const struct rrset *entry,
    struct anchors *out, size_t *used)
{
	enum err e = ERR_OK;

	for (uint16_t i = 0; entry != NULL && i < entry->count && e == ERR_OK;
	     i++) {
		if (is_buried(ro, entry, i))
			continue;
		e = anchors_add(out, ro->zone.wire, entry->type,
		    &entry->rdata[i]);
		*used += e == ERR_OK;
	}
	return e;
}

static enum err
gather_believed(const struct rollover *ro, const struct rrset *configured,
    struct anchors *out, size_t *used)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < ro->count && e == ERR_OK; i++) {
		const struct rdata r = { ro->keys[i].rdata, ro->keys[i].len };

		if (!is_believed(&ro->keys[i]) ||
		    entry_names(configured, ro->zone.wire, &r))
			continue;
		e = anchors_add(out, ro->zone.wire, TYPE_DNSKEY, &r);
		*used += e == ERR_OK;
	}
	return e;
}

enum err
rollover_use(const struct rollover *ro, const struct rrset *const entry[2],
    struct anchors *as)
{
	struct anchors *anew = anchors_new();
	size_t used = 0;
	enum err e;

	if (anew == NULL)
		return ERR_MEMORY;
	e = gather_believed(ro, entry[1], anew, &used);
	for (size_t i = 0; i < 2 && e == ERR_OK; i++)
		e = gather_entry(ro, entry[i], anew, &used);
	if (e == ERR_OK)
		e = anchors_take(as, ro->zone.wire, anew);
	anchors_free(anew);
	return e == ERR_OK && used == 0 ? ERR_NOT_FOUND : e;
}
