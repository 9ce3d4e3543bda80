/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dnssec_support.h - keys and signatures made by ldns, so that what we check
 * was not signed by ourselves.
 */
#ifndef HITHER_TESTS_DNSSEC_SUPPORT_H
#define HITHER_TESTS_DNSSEC_SUPPORT_H

#include "support.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include <hither/dnssec.h>

#define NOW_S 1700000000u

static inline const uint8_t *
name_of(struct arena *a, const char *text)
{
	struct name n;

	assert_int_equal(name_parse(text, &n), ERR_OK);
	return name_copy_in(a, n.wire);
}

/* Records of one set, a line each, ended by NULL. */
static inline struct rrset *
set_of(struct arena *a, const char *const *lines)
{
	struct rrset *all = NULL;
	struct rdata *list = arena_take(a, 32 * sizeof(*list));

	for (size_t i = 0; lines[i] != NULL; i++) {
		struct rrset *one = rrset_parse(a, lines[i]);

		assert_non_null(one);
		list[i] = one->rdata[0];
		if (all == NULL)
			all = one;
		else
			all->count++;
	}
	all->rdata = list;
	return all;
}

static inline ldns_key *
key_new(ldns_signing_algorithm algorithm, uint16_t bits, const char *zone)
{
	ldns_key *k = ldns_key_new_frm_algorithm(algorithm, bits);

	assert_non_null(k);
	ldns_key_set_pubkey_owner(k, ldns_dname_new_frm_str(zone));
	ldns_key_set_flags(k, 257);
	ldns_key_set_inception(k, NOW_S - 3600);
	ldns_key_set_expiration(k, NOW_S + 3600);
	return k;
}

static inline struct rrset *
from_ldns(struct arena *a, const ldns_rr *rr)
{
	char *text = ldns_rr2str(rr);
	struct rrset *out;

	text[strcspn(text, ";\n")] = '\0'; /* a remark about the key */
	out = rrset_parse(a, text);
	assert_non_null(out);
	free(text);
	return out;
}

/* The DNSKEY as a set of one. */
static inline struct rrset *
key_set(struct arena *a, const ldns_key *k)
{
	ldns_rr *rr = ldns_key2rr(k);
	struct rrset *out = from_ldns(a, rr);

	ldns_rr_free(rr);
	return out;
}

/* The set of these lines with its signature by k. */
static inline struct rrset *
signed_set(struct arena *a, ldns_key *k, const char *const *lines)
{
	struct rrset *set = set_of(a, lines);
	ldns_rr_list *rrs = ldns_rr_list_new(), *sigs;
	ldns_key_list *keys = ldns_key_list_new();
	ldns_rr *key_rr = ldns_key2rr(k);

	ldns_key_set_keytag(k, ldns_calc_keytag(key_rr));
	for (size_t i = 0; lines[i] != NULL; i++) {
		ldns_rr *rr = NULL;

		assert_int_equal(ldns_rr_new_frm_str(&rr, lines[i], 0, NULL,
				     NULL),
		    LDNS_STATUS_OK);
		ldns_rr_list_push_rr(rrs, rr);
	}
	ldns_key_list_push_key(keys, k);
	sigs = ldns_sign_public(rrs, keys);
	assert_non_null(sigs);
	set->sigs = from_ldns(a, ldns_rr_list_rr(sigs, 0))->rdata;
	set->sig_count = 1;
	ldns_rr_list_deep_free(rrs);
	ldns_rr_list_deep_free(sigs);
	ldns_key_list_set_key_count(keys, 0);
	ldns_key_list_free(keys);
	ldns_rr_free(key_rr);
	return set;
}

#endif
