/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sign.c - a zone as written becomes a zone as served:
 *
 *   1. its records, handed to ldns, but DS and DNSKEY that somebody wrote
 *   2. its two keys; the DS of every signed zone that it delegates
 *   3. NSEC or NSEC3 and the signatures, which ldns makes
 *   4. all of it as a new source, after spoil.c had its look
 */
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "sign.h"

#define SOURCE_BYTES_MAX ((size_t)256 << 20)
#define KEY_TTL          3600u
#define DAY_S            86400u
#define WIRE_MAX         (NAME_MAX_BYTES + 10u + UINT16_MAX)

struct signer {
	const struct sign_order *order;
	const struct source *plain;
	struct source *out;
	uint8_t *wire; /* WIRE_MAX octets: a record on its way */
	ldns_dnssec_zone *zone;
	ldns_key_list *keys; /* those that sign */
	ldns_rr_list *made;  /* by us or ldns; owned by zone */
};

/* --- records and ldns -------------------------------------------------- */

static ldns_rr *
to_ldns(struct signer *s, const struct record *r)
{
	size_t at = name_bytes(r->owner), pos = 0;
	const uint8_t fixed[10] = { (uint8_t)(r->type >> 8), (uint8_t)r->type,
		0, CLASS_IN, (uint8_t)(r->ttl >> 24), (uint8_t)(r->ttl >> 16),
		(uint8_t)(r->ttl >> 8), (uint8_t)r->ttl,
		(uint8_t)(r->rdata.len >> 8), (uint8_t)r->rdata.len };
	ldns_rr *rr = NULL;

	memcpy(s->wire, r->owner, at);
	memcpy(s->wire + at, fixed, sizeof(fixed));
	memcpy(s->wire + at + sizeof(fixed), r->rdata.bytes, r->rdata.len);
	if (ldns_wire2rr(&rr, s->wire, at + sizeof(fixed) + r->rdata.len, &pos,
		LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		return NULL;
	return rr;
}

static enum err
keep(struct signer *s, struct record *r)
{
	if (!spoil_record(s->out->arena, s->order->how, r))
		return ERR_OK;
	return source_push(s->out, r);
}

static enum err
keep_ldns(struct signer *s, const ldns_rr *rr)
{
	struct record r = { 0 };
	enum err e = record_from_ldns(s->out->arena, rr, &r);

	return e == ERR_OK ? keep(s, &r) : e;
}

/* The zone owns rr from here on. */
static enum err
add_made(struct signer *s, ldns_rr *rr)
{
	if (rr == NULL)
		return ERR_MEMORY;
	if (ldns_dnssec_zone_add_rr(s->zone, rr) != LDNS_STATUS_OK) {
		ldns_rr_free(rr);
		return ERR_FORMAT;
	}
	return ldns_rr_list_push_rr(s->made, rr) ? ERR_OK : ERR_MEMORY;
}

/* --- 1: what was written ----------------------------------------------- */

static enum err
take_plain(struct signer *s)
{
	for (size_t i = 0; i < s->plain->count; i++) {
		struct record r = s->plain->records[i];
		ldns_rr *rr = to_ldns(s, &r);

		if (rr == NULL)
			return ERR_FORMAT;
		/* Twice the same record: ldns refuses, and that is fine. */
		if (ldns_dnssec_zone_add_rr(s->zone, rr) != LDNS_STATUS_OK)
			ldns_rr_free(rr);
		r.owner = name_copy_in(s->out->arena, r.owner);
		r.rdata.bytes =
		    arena_copy(s->out->arena, r.rdata.bytes, r.rdata.len);
		if (r.owner == NULL || r.rdata.bytes == NULL ||
		    keep(s, &r) != ERR_OK)
			return ERR_MEMORY;
	}
	return ERR_OK;
}

/* --- 2: keys and delegations ------------------------------------------- */

static ldns_key *
make_key(const struct sign_order *o, const struct signing *how,
    enum key_role role)
{
	struct key_wanted w = { .zone = how->origin.wire,
		.dir = o->keys_dir,
		.role = role,
		.algorithm = how->algorithm };

	return key_make(&w);
}

static void
set_times(const struct signer *s, ldns_key *key)
{
	uint64_t now = s->order->now_s;
	uint64_t begin = now - SIGN_BEFORE_S;

	if (s->order->how->fault == SIGN_EXPIRED)
		begin = now - SIGN_LIFE_S - DAY_S;
	if (s->order->how->fault == SIGN_NOT_YET_VALID)
		begin = now + 3 * DAY_S;
	ldns_key_set_inception(key, (uint32_t)begin);
	ldns_key_set_expiration(key, (uint32_t)(begin + SIGN_LIFE_S));
}

/* shown: its DNSKEY is in the zone. */
static enum err
add_key(struct signer *s, enum key_role role, bool shown, bool signs)
{
	ldns_key *key = make_key(s->order, s->order->how, role);
	ldns_rr *rr = key != NULL ? ldns_key2rr(key) : NULL;
	enum err e = ERR_OK;

	if (rr == NULL) {
		ldns_key_deep_free(key);
		return ERR_NOT_FOUND;
	}
	ldns_rr_set_ttl(rr, KEY_TTL);
	set_times(s, key);
	if (shown)
		e = add_made(s, rr);
	else
		ldns_rr_free(rr);
	if (e != ERR_OK || !signs || !ldns_key_list_push_key(s->keys, key))
		ldns_key_deep_free(key);
	return e;
}

static enum err
add_keys(struct signer *s)
{
	bool strange = s->order->how->fault == SIGN_WRONG_KEY;
	enum err e = add_key(s, KEY_SIGNING_KEY, true, true);

	if (e == ERR_OK)
		e = add_key(s, ZONE_SIGNING_KEY, true, !strange);
	if (e != ERR_OK || !strange)
		return e;
	e = add_key(s, STRANGE_KEY, false, true);
	/* ldns takes every key with the entry flag for the DNSKEY set's. */
	if (e == ERR_OK)
		ldns_key_set_flags(ldns_key_list_key(s->keys, 1), 256);
	return e;
}

static ldns_rr *
make_ds(const struct sign_order *o, const struct signing *child)
{
	bool other = child->fault == SIGN_DS_MISMATCH;
	ldns_key *key =
	    make_key(o, child, other ? STRANGE_KEY : KEY_SIGNING_KEY);
	ldns_rr *rr = key != NULL ? ldns_key2rr(key) : NULL, *ds = NULL;

	if (rr != NULL) {
		spoil_dnskey(child, ldns_rdf_data(ldns_rr_rdf(rr, 2)));
		ds = ldns_key_rr2ds(rr, LDNS_SHA256);
	}
	if (ds != NULL) {
		spoil_digest(child, ldns_rdf_data(ldns_rr_rdf(ds, 2)));
		ldns_rr_set_ttl(ds, KEY_TTL);
	}
	ldns_rr_free(rr);
	ldns_key_deep_free(key);
	return ds;
}

static bool
is_delegated(const struct source *s, const uint8_t *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->records[i].type == TYPE_NS &&
		    name_equal(s->records[i].owner, name))
			return true;
	return false;
}

static enum err
add_delegations(struct signer *s)
{
	const uint8_t *zone = s->plain->origin.wire;
	enum err e = ERR_OK;

	for (const struct signing *c = s->order->all; c != NULL && e == ERR_OK;
	     c = c->next) {
		if (name_equal(c->origin.wire, zone) ||
		    !name_is_within(c->origin.wire, zone) ||
		    !is_delegated(s->plain, c->origin.wire))
			continue;
		e = add_made(s, make_ds(s->order, c));
	}
	return e;
}

/* --- 3: proofs and signatures ------------------------------------------- */

static int
replace_all(ldns_rr *sig, void *arg)
{
	(void)sig;
	(void)arg;
	return LDNS_SIGNATURE_REMOVE_ADD_NEW;
}

static enum err
make_signatures(struct signer *s)
{
	const struct signing *how = s->order->how;
	uint8_t salt[SALT_MAX];
	ldns_status st;

	memcpy(salt, how->salt, sizeof(salt));
	if (how->denial == DENIAL_NSEC)
		st = ldns_dnssec_zone_sign_flg(s->zone, s->made, s->keys,
		    replace_all, NULL, 0);
	else
		st = ldns_dnssec_zone_sign_nsec3_flg(s->zone, s->made, s->keys,
		    replace_all, NULL, LDNS_SHA1, how->denial == DENIAL_OPT_OUT,
		    how->iterations, how->salt_len, salt, 0);
	return st == LDNS_STATUS_OK ? ERR_OK : ERR_SYSTEM;
}

/* --- all of it ---------------------------------------------------------- */

static enum err
run(struct signer *s)
{
	enum err e = take_plain(s);

	if (e != ERR_OK || s->order->how->fault == SIGN_UNSIGNED)
		return e;
	e = add_keys(s);
	if (e == ERR_OK)
		e = add_delegations(s);
	if (e == ERR_OK)
		e = make_signatures(s);
	for (size_t i = 0; e == ERR_OK && i < ldns_rr_list_rr_count(s->made);
	     i++)
		e = keep_ldns(s, ldns_rr_list_rr(s->made, i));
	return e;
}

static enum err
open_all(struct signer *s)
{
	s->out = source_new(s->plain->path, s->plain->origin.wire);
	s->wire = memory_new(WIRE_MAX);
	s->zone = ldns_dnssec_zone_new();
	s->keys = ldns_key_list_new();
	s->made = ldns_rr_list_new();
	return s->out != NULL && s->wire != NULL && s->zone != NULL &&
		       s->keys != NULL && s->made != NULL
		   ? ERR_OK
		   : ERR_MEMORY;
}

static void
close_all(struct signer *s)
{
	if (s->zone != NULL)
		ldns_dnssec_zone_deep_free(s->zone);
	if (s->keys != NULL)
		ldns_key_list_free(s->keys);
	ldns_rr_list_free(s->made);
	memory_free(s->wire);
}

struct source *
source_sign(const struct source *plain, const struct sign_order *o,
    struct complaints *c)
{
	struct signer s = { .order = o, .plain = plain };
	struct place at = { .path = plain->path };
	enum err e = open_all(&s);

	if (e == ERR_OK)
		e = run(&s);
	close_all(&s);
	if (e == ERR_OK)
		return s.out;
	complain(c, &at, "cannot be signed: %s",
	    e == ERR_NOT_FOUND ? "no key of its algorithm" : err_text(e));
	source_free(s.out);
	return NULL;
}

const char *
sign_anchor(struct arena *a, const struct signing *how, const char *keys_dir)
{
	const struct sign_order o = { .keys_dir = keys_dir };
	ldns_rr *ds = make_ds(&o, how);
	char *text = ds != NULL ? ldns_rr2str(ds) : NULL;
	const char *out = text != NULL ? arena_print(a, "%s", text) : NULL;

	free(text);
	ldns_rr_free(ds);
	return out;
}
