/* SPDX-License-Identifier: BSD-3-Clause */
/* test_dnskey.c - tags, DS, anchors, and what is remembered of zones. */
#include "dnssec_support.h"

static const struct dnssec_policy policy = { .iterations_max = 50 };

/* RFC 4034 section 5.4 and RFC 4509 section 2.3. */
static const char key_line[] =
    "dskey.example.com. 86400 IN DNSKEY 256 3 5 "
    "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZ"
    "DRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9Xzc"
    "nOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
static const char ds1_line[] = "dskey.example.com. 86400 IN DS 60485 5 1 "
			       "2BB183AF5F22588179A53B0A98631FAD1A292118";
static const char ds2_line[] =
    "dskey.example.com. 86400 IN DS 60485 5 2 "
    "D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A";

static void
tag_and_ds_are_as_in_the_rfcs(void **state)
{
	struct arena *a = arena_new(16384);
	struct rrset *key = rrset_parse(a, key_line);
	struct rrset *ds1 = rrset_parse(a, ds1_line);
	struct rrset *ds2 = rrset_parse(a, ds2_line);
	uint8_t made[52];
	uint16_t len = 0;
	struct ds ds;

	(void)state;
	assert_int_equal(dnskey_tag(&key->rdata[0]), 60485);
	assert_true(ds_read(&ds1->rdata[0], &ds));
	assert_true(ds_matches(&ds, key->owner, &key->rdata[0]));
	assert_false(ds_matches(&ds, name_of(a, "a.com"), &key->rdata[0]));
	assert_true(ds_read(&ds2->rdata[0], &ds));
	assert_true(ds_matches(&ds, key->owner, &key->rdata[0]));
	assert_true(ds_make(key->owner, &key->rdata[0], 2, made, &len));
	assert_int_equal(len, ds2->rdata[0].len);
	assert_memory_equal(made, ds2->rdata[0].bytes, len);
	assert_false(ds_make(key->owner, &key->rdata[0], 3, made, &len));
	arena_free(a);
}

static void
unsupported_algorithms_make_a_delegation_unsigned(void **state)
{
	struct arena *a = arena_new(16384);
	struct rrset *ds2 = rrset_parse(a, ds2_line);
	struct dnssec_policy old = { .sha1 = true };
	struct ds which;
	enum ede ede;

	(void)state;
	assert_false(entry_usable(&policy, ds2, &ede, &which));
	assert_int_equal(ede, EDE_UNSUPPORTED_ALGORITHM);
	assert_int_equal(which.tag, 60485);
	assert_true(entry_usable(&old, ds2, &ede, &which));
	ds2 = rrset_parse(a, "a. 1 IN DS 1 13 9 00112233");
	assert_false(entry_usable(&policy, ds2, &ede, &which));
	assert_int_equal(ede, EDE_UNSUPPORTED_DIGEST);
	assert_int_equal(which.digest_type, 9);
	/* So does an anchor that is a key. */
	ds2 = rrset_parse(a, "a. 1 IN DNSKEY 257 3 12 AAAA");
	assert_false(entry_usable(&policy, ds2, &ede, &which));
	assert_int_equal(ede, EDE_UNSUPPORTED_ALGORITHM);
	ds2 = rrset_parse(a, "a. 1 IN DNSKEY 257 3 15 AAAA");
	assert_true(entry_usable(&policy, ds2, &ede, &which));
	arena_free(a);
}

static void
only_keys_with_a_ds_vouch(void **state)
{
	struct arena *a = arena_new(65536);
	ldns_key *one = key_new(LDNS_SIGN_ED25519, 256, "example.com.");
	ldns_key *two = key_new(LDNS_SIGN_ED25519, 256, "example.com.");
	struct rrset *keys = key_set(a, one), *ds;
	struct rdata both[2], ds_rdata;
	uint8_t octets[52];

	(void)state;
	both[0] = keys->rdata[0];
	both[1] = key_set(a, two)->rdata[0];
	keys->rdata = both;
	keys->count = 2;
	assert_true(ds_make(keys->owner, &both[1], 2, octets, &ds_rdata.len));
	ds_rdata.bytes = octets;
	ds = arena_take(a, sizeof(*ds));
	*ds = (struct rrset){ .owner = keys->owner,
		.type = TYPE_DS,
		.rdata = &ds_rdata,
		.count = 1 };
	ds = dnskeys_vouched(a, &policy, keys, ds);
	assert_int_equal(ds->count, 1);
	assert_ptr_equal(ds->rdata[0].bytes, both[1].bytes);
	ldns_key_deep_free(one);
	ldns_key_deep_free(two);
	arena_free(a);
}

static void
the_closest_anchor_counts_and_a_negative_one_ends(void **state)
{
	struct anchors *as = anchors_new();
	struct arena *a = arena_new(65536);
	struct rrset *ds = rrset_parse(a, ds2_line);
	uint32_t before = anchors_generation(as);
	struct anchor found;

	(void)state;
	assert_false(anchors_find(as, name_of(a, "x.test"), NOW_S, a, &found));
	assert_int_equal(anchors_add(as, name_root, TYPE_DS, &ds->rdata[0]),
	    ERR_OK);
	assert_int_equal(anchors_add(as, name_of(a, "test"), TYPE_DS,
			     &ds->rdata[0]),
	    ERR_OK);
	assert_int_equal(anchors_add_negative(as, name_of(a, "b.test"),
			     NOW_S + 10),
	    ERR_OK);
	assert_true(anchors_generation(as) != before);
	assert_true(anchors_find(as, name_of(a, "x.test"), NOW_S, a, &found));
	assert_true(name_equal(found.zone.wire, name_of(a, "test")));
	assert_int_equal(found.entry[0]->count, 1);
	assert_null(found.entry[1]);
	assert_false(found.negative);
	assert_true(anchors_find(as, name_of(a, "a.b.test"), NOW_S, a, &found));
	assert_true(found.negative);
	assert_true(
	    anchors_find(as, name_of(a, "a.b.test"), NOW_S + 10, a, &found));
	assert_false(found.negative);
	assert_true(anchors_remove_negative(as, name_of(a, "b.test")));
	assert_false(anchors_remove_negative(as, name_of(a, "b.test")));
	anchors_remove(as, name_of(a, "test"));
	assert_true(anchors_find(as, name_of(a, "x.test"), NOW_S, a, &found));
	assert_true(name_equal(found.zone.wire, name_root));
	anchors_free(as);
	arena_free(a);
}

static void
trust_is_kept_for_its_time_and_generation(void **state)
{
	struct trust_table *tt = trust_table_new(8);
	struct arena *a = arena_new(65536);
	struct rrset *key = rrset_parse(a, key_line);
	struct trust t = { .zone = key->owner,
		.keys = key,
		.ds = rrset_parse(a, ds2_line),
		.why = "because",
		.state = TRUST_SECURE,
		.expires_ms = 1000,
		.generation = 7 };
	const struct trust *got;

	(void)state;
	assert_int_equal(trust_put(tt, &t), ERR_OK);
	got = trust_find(tt, name_of(a, "DSKEY.example.com"), 999, 7);
	assert_non_null(got);
	assert_true(got->keys != key && rrset_equal(got->keys, key));
	assert_true(rrset_equal(got->ds, t.ds));
	assert_string_equal(got->why, "because");
	assert_null(trust_find(tt, key->owner, 1000, 7));
	assert_null(trust_find(tt, key->owner, 999, 8));
	t.state = TRUST_INSECURE;
	t.keys = t.ds = NULL;
	t.why = NULL;
	assert_int_equal(trust_put(tt, &t), ERR_OK);
	got = trust_find(tt, key->owner, 1, 7);
	assert_int_equal(got->state, TRUST_INSECURE);
	for (unsigned i = 0; i < 100; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "z%u.test", i);
		t.zone = name_of(a, text);
		assert_int_equal(trust_put(tt, &t), ERR_OK);
		assert_non_null(trust_find(tt, t.zone, 1, 7));
	}
	trust_table_free(tt);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tag_and_ds_are_as_in_the_rfcs),
		cmocka_unit_test(
		    unsupported_algorithms_make_a_delegation_unsigned),
		cmocka_unit_test(only_keys_with_a_ds_vouch),
		cmocka_unit_test(
		    the_closest_anchor_counts_and_a_negative_one_ends),
		cmocka_unit_test(trust_is_kept_for_its_time_and_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
