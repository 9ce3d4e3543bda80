/* SPDX-License-Identifier: BSD-3-Clause */
/* test_rrsig.c - good signatures are good, and every fault is found. */
#include "dnssec_support.h"

static const struct dnssec_policy policy = { .iterations_max = 50 };
static const char *const www[] = { "WWW.Example.com. 300 IN A 192.0.2.2",
	"WWW.Example.com. 300 IN A 192.0.2.1", NULL };

struct bench {
	struct arena *a;
	struct key_store *store;
	struct dnssec_work work;
	struct rrset *keys, *set;
	ldns_key *key;
};

static void
bench_open(struct bench *b, ldns_signing_algorithm alg, uint16_t bits,
    const char *const *lines)
{
	b->a = arena_new(1024 * 1024);
	b->store = key_store_new(16);
	b->work = (struct dnssec_work){ .good_max = 48,
		.failed_max = 16,
		.hashes_max = 64 };
	b->key = key_new(alg, bits, "example.com.");
	b->keys = key_set(b->a, b->key);
	b->set = signed_set(b->a, b->key, lines);
}

static void
bench_close(struct bench *b)
{
	ldns_key_deep_free(b->key);
	key_store_free(b->store);
	arena_free(b->a);
}

static enum rrsig_fault
judged_at(struct bench *b, const struct rrset *set, uint64_t now_s)
{
	static const uint8_t zone[] = "\7example\3com";
	struct sig_judge j = { .policy = &policy,
		.store = b->store,
		.work = &b->work,
		.zone = zone,
		.keys = b->keys,
		.now_s = now_s,
		.turn_us = 1000000 };
	struct sig_walk w = { 0 };
	enum walk r = sig_walk_on(&j, set, &w);

	assert_int_equal(r == WALK_GOOD, w.fault == RRSIG_GOOD);
	return w.fault;
}

static enum rrsig_fault
judged(struct bench *b, const struct rrset *set)
{
	return judged_at(b, set, NOW_S);
}

static void
each_algorithm_verifies_and_a_changed_octet_does_not(void **state)
{
	static const struct {
		ldns_signing_algorithm alg;
		uint16_t bits;
	} algs[] = {
		{ LDNS_SIGN_RSASHA256, 1024 },
		{ LDNS_SIGN_RSASHA512, 1024 },
		{ LDNS_SIGN_ECDSAP256SHA256, 256 },
		{ LDNS_SIGN_ECDSAP384SHA384, 384 },
		{ LDNS_SIGN_ED25519, 256 },
		{ LDNS_SIGN_ED448, 456 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct bench b;
		struct rdata sig;
		uint8_t *octets;

		bench_open(&b, algs[i].alg, algs[i].bits, www);
		assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
		assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
		octets =
		    arena_copy(b.a, b.set->sigs[0].bytes, b.set->sigs[0].len);
		octets[b.set->sigs[0].len - 5] ^= 1;
		sig = (struct rdata){ octets, b.set->sigs[0].len };
		b.set->sigs = &sig;
		assert_int_equal(judged(&b, b.set), RRSIG_FORGED);
		assert_int_equal(b.work.good, 2);
		assert_int_equal(b.work.failed, 1);
		bench_close(&b);
	}
}

static void
records_of_each_kind_are_brought_into_canonical_form(void **state)
{
	static const char *const sets[][4] = {
		{ "example.com. 60 IN SOA NS.Example.com. Root.example.com. "
		  "1 2 3 4 5",
		    NULL },
		{ "m.example.com. 60 IN MX 10 MAIL.example.com.",
		    "m.example.com. 60 IN MX 5 a.EXAMPLE.com.", NULL },
		{ "s.example.com. 60 IN SRV 1 2 3 Host.Example.COM.", NULL },
		{ "n.example.com. 60 IN NAPTR 1 2 \"S\" \"SIP+D2U\" \"\" "
		  "_SIP.Example.com.",
		    NULL },
		{ "r.example.com. 60 IN RP Mail.Example.com. T.Example.com.",
		    NULL },
		{ "t.example.com. 60 IN TXT \"B\"",
		    "t.example.com. 60 IN TXT \"A\" \"Bc\"",
		    "t.example.com. 60 IN TXT \"A\"", NULL },
		{ "h.example.com. 60 IN HINFO \"X\" \"Y\"", NULL },
		{ "k.example.com. 60 IN NSEC L.Example.com. A RRSIG NSEC",
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct bench b;

		bench_open(&b, LDNS_SIGN_ED25519, 256, sets[i]);
		assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
		bench_close(&b);
	}
}

static void
duplicates_and_order_do_not_matter(void **state)
{
	struct bench b;
	struct rdata three[3];

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, www);
	three[0] = b.set->rdata[1];
	three[1] = b.set->rdata[0];
	three[2] = b.set->rdata[1];
	b.set->rdata = three;
	b.set->count = 3;
	assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
	bench_close(&b);
}

static void
time_is_kept_to_the_second(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, www);
	assert_int_equal(judged_at(&b, b.set, NOW_S + 3600), RRSIG_GOOD);
	assert_int_equal(judged_at(&b, b.set, NOW_S + 3601), RRSIG_EXPIRED);
	assert_int_equal(judged_at(&b, b.set, NOW_S - 3600), RRSIG_GOOD);
	assert_int_equal(judged_at(&b, b.set, NOW_S - 3601), RRSIG_EARLY);
	bench_close(&b);
}

/* A copy of the set whose RRSIG RDATA may be changed. */
static uint8_t *
loose_signature(struct bench *b, struct rdata *sig)
{
	uint8_t *octets =
	    arena_copy(b->a, b->set->sigs[0].bytes, b->set->sigs[0].len);

	*sig = (struct rdata){ octets, b->set->sigs[0].len };
	b->set->sigs = sig;
	return octets;
}

static void
labels_below_the_signers_are_refused_unchecked(void **state)
{
	struct bench b;
	struct rdata sig;
	uint8_t *octets;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, www);
	octets = loose_signature(&b, &sig);
	octets[3] = 1; /* "*.com" under a signer "example.com" */
	assert_int_equal(judged(&b, b.set), RRSIG_FOREIGN);
	octets[3] = 4; /* more than the owner has */
	assert_int_equal(judged(&b, b.set), RRSIG_FOREIGN);
	assert_int_equal(b.work.failed, 0);
	bench_close(&b);
}

static void
wildcards_are_verified_as_they_were_signed(void **state)
{
	static const char *const wild[] = { "*.example.com. 300 IN A 192.0.2.9",
		NULL };
	struct bench b;
	struct rrsig sig;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, wild);
	assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
	assert_true(rrsig_read(&b.set->sigs[0], &sig));
	assert_null(rrsig_wildcard_parent(b.set, &sig));
	b.set->owner = name_of(b.a, "a.b.example.com");
	assert_int_equal(judged(&b, b.set), RRSIG_GOOD);
	assert_true(name_equal(rrsig_wildcard_parent(b.set, &sig),
	    name_of(b.a, "example.com")));
	b.set->owner = name_of(b.a, "a.example.net");
	assert_int_equal(judged(&b, b.set), RRSIG_FOREIGN);
	bench_close(&b);
}

static void
ds_is_not_signed_by_its_own_zone(void **state)
{
	static const char *const ds[] = { "example.com. 300 IN DS 1 13 2 "
					  "000000000000000000000000000000000000"
					  "0000000000000000000000000000",
		NULL };
	struct bench b;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, ds);
	assert_int_equal(judged(&b, b.set), RRSIG_FOREIGN);
	bench_close(&b);
}

static void
keys_that_may_not_sign_are_not_tried(void **state)
{
	static const uint8_t spoils[][2] = { { 0, 0 }, { 1, 0x81 } };
	struct bench b;
	struct rdata key;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
		uint8_t *octets;

		bench_open(&b, LDNS_SIGN_ED25519, 256, www);
		key = b.keys->rdata[0];
		octets = arena_copy(b.a, key.bytes, key.len);
		octets[spoils[i][0]] = spoils[i][1]; /* flags */
		key.bytes = octets;
		b.keys->rdata = &key;
		assert_int_equal(judged(&b, b.set), RRSIG_NO_KEY);
		assert_int_equal(b.work.failed, 0);
		bench_close(&b);
	}
}

/* KeyTrap: many keys of one tag, many signatures, none of them good. */
static void
colliding_keys_and_signatures_cost_a_few_checks(void **state)
{
	struct bench b;
	struct rdata sigs[90], keys[90];
	uint8_t *octets;

	(void)state;
	bench_open(&b, LDNS_SIGN_ECDSAP256SHA256, 256, www);
	for (size_t i = 0; i < 90; i++) {
		octets =
		    arena_copy(b.a, b.set->sigs[0].bytes, b.set->sigs[0].len);
		octets[b.set->sigs[0].len - 1 - i % 30] ^= 1;
		sigs[i] = (struct rdata){ octets, b.set->sigs[0].len };
		keys[i] = b.keys->rdata[0];
	}
	b.set->sigs = sigs;
	b.set->sig_count = 90;
	b.keys->rdata = keys;
	b.keys->count = 90;
	assert_int_equal(judged(&b, b.set), RRSIG_LIMIT);
	assert_int_equal(b.work.failed, SET_CHECKS_MAX);
	assert_int_equal(judged(&b, b.set), RRSIG_LIMIT);
	assert_int_equal(judged(&b, b.set), RRSIG_LIMIT);
	assert_int_equal(b.work.failed, 16);
	bench_close(&b);
}

static void
a_walk_stops_for_others_and_goes_on_where_it_was(void **state)
{
	static const uint8_t zone[] = "\7example\3com";
	struct bench b;
	struct rdata sigs[2];
	struct sig_walk w = { 0 };
	struct sig_judge j;
	uint8_t *octets;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, www);
	sigs[1] = b.set->sigs[0];
	octets = loose_signature(&b, &sigs[0]);
	octets[b.set->sigs[0].len - 5] ^= 1;
	b.set->sigs = sigs;
	b.set->sig_count = 2;
	j = (struct sig_judge){ .policy = &policy,
		.store = b.store,
		.work = &b.work,
		.zone = zone,
		.keys = b.keys,
		.now_s = NOW_S,
		.turn_us = 1 };
	assert_int_equal(sig_walk_on(&j, b.set, &w), WALK_MORE);
	assert_int_equal(b.work.failed, 1);
	j.turn_us = 1;
	assert_int_equal(sig_walk_on(&j, b.set, &w), WALK_GOOD);
	assert_int_equal(b.work.failed, 1);
	bench_close(&b);
}

/* Many signatures of one tag, none of them good: how much is spent? */
static void
spend(ldns_signing_algorithm alg, uint16_t bits, struct dnssec_work *out)
{
	struct bench b;
	struct rdata sigs[8];

	bench_open(&b, alg, bits, www);
	b.work.failed_us_max = 3500;
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
		uint8_t *octets = loose_signature(&b, &sigs[i]);

		octets[b.set->sigs[0].len - 5 - i] ^= 1;
	}
	b.set->sigs = sigs;
	b.set->sig_count = ARRAY_LEN(sigs);
	for (unsigned i = 0; i < 8; i++)
		(void)judged(&b, b.set);
	*out = b.work;
	bench_close(&b);
}

static void
dear_checks_are_fewer_than_cheap_ones(void **state)
{
	struct dnssec_work w;

	(void)state;
	spend(LDNS_SIGN_ECDSAP384SHA384, 384, &w);
	assert_true(w.over);
	assert_in_range(w.failed, 5, 6); /* 650 microseconds each */
	assert_true(w.failed_us < 5000);
	spend(LDNS_SIGN_ED448, 456, &w);
	assert_in_range(w.failed, 10, 12);
	assert_true(w.failed_us < 5000);
	spend(LDNS_SIGN_ECDSAP256SHA256, 256, &w);
	assert_int_equal(w.failed, 16); /* their number ends it */
}

static void
what_an_author_makes_dear_counts(void **state)
{
	uint8_t rsa[4 + 1 + 5 + 512] = { 1, 0, 3, 8, 5, 255, 255, 255, 255,
		255 };
	const struct rdata dear = { rsa, sizeof(rsa) };
	uint8_t usual[4 + 1 + 3 + 256] = { 1, 0, 3, 8, 3, 1, 0, 1, 255 };
	const struct rdata cheap = { usual, sizeof(usual) };
	uint32_t base = signature_cost_us(&cheap, 0, 0);

	(void)state;
	assert_in_range(base, 20, 30);
	assert_in_range(signature_cost_us(&dear, 0, 0), 15 * base, 18 * base);
	assert_true(signature_cost_us(&cheap, 1000000, 4000) > base + 2000);
}

static void
life_ends_with_the_signature_and_the_original_ttl(void **state)
{
	struct bench b;
	struct rrsig sig;

	(void)state;
	bench_open(&b, LDNS_SIGN_ED25519, 256, www);
	assert_true(rrsig_read(&b.set->sigs[0], &sig));
	b.set->ttl = 86400;
	assert_int_equal(rrsig_life_s(b.set, &sig, NOW_S), 300);
	assert_int_equal(rrsig_life_s(b.set, &sig, NOW_S + 3590), 10);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_algorithm_verifies_and_a_changed_octet_does_not),
		cmocka_unit_test(
		    records_of_each_kind_are_brought_into_canonical_form),
		cmocka_unit_test(duplicates_and_order_do_not_matter),
		cmocka_unit_test(time_is_kept_to_the_second),
		cmocka_unit_test(
		    labels_below_the_signers_are_refused_unchecked),
		cmocka_unit_test(wildcards_are_verified_as_they_were_signed),
		cmocka_unit_test(ds_is_not_signed_by_its_own_zone),
		cmocka_unit_test(keys_that_may_not_sign_are_not_tried),
		cmocka_unit_test(
		    colliding_keys_and_signatures_cost_a_few_checks),
		cmocka_unit_test(
		    a_walk_stops_for_others_and_goes_on_where_it_was),
		cmocka_unit_test(dear_checks_are_fewer_than_cheap_ones),
		cmocka_unit_test(what_an_author_makes_dear_counts),
		cmocka_unit_test(
		    life_ends_with_the_signature_and_the_original_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
