/* SPDX-License-Identifier: BSD-3-Clause */
#include "records_support.h"

static void
what_is_put_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	uint8_t sig[40];
	struct rdata sigs = { .bytes = sig, .len = sizeof(sig) };
	struct record r, got;

	memset(sig, 7, sizeof(sig));
	one_a(&o, "www.Example.net", 0x01020304, 300);
	o.set.sigs = &sigs;
	o.set.sig_count = 1;
	r = record_of(&o, NOW);
	r.security = SECURITY_SECURE;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "WWW.example.NET", NOW + 100, &got));
	assert_int_equal(got.set_count, 1);
	assert_int_equal(got.kind, RECORD_SET);
	assert_int_equal(got.rank, RANK_AUTH_ANSWER);
	assert_int_equal(got.security, SECURITY_SECURE);
	assert_int_equal(got.stored_ms, NOW);
	assert_int_equal(got.type, TYPE_A);
	assert_true(rrset_equal(got.sets[0], &o.set));
	assert_true(name_same_case(got.sets[0]->owner, o.owner.wire));
	assert_int_equal(got.sets[0]->ttl, 300);
	assert_int_equal(got.sets[0]->sig_count, 1);
	assert_memory_equal(got.sets[0]->sigs[0].bytes, sig, sizeof(sig));
	assert_int_equal(record_ttl(&got, NOW + 100), 300);
	assert_int_equal(record_ttl(&got, NOW + 299999), 1);
}

static void
the_ttl_ends_it(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "a.test", 1, 5);
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "a.test", NOW + 4999, &got));
	assert_false(get_a(f, "a.test", NOW + 5000, &got));
	r.expires_ms = NOW;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_REFUSED);
}

static void
one_a_record_takes_at_most_112_octets(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r;
	struct cache_counts n;

	one_a(&o, "n0000001.w6.bench", 1, 5); /* 19 octets */
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	cache_count(f->c, &n);
	assert_int_equal(n.records, 1);
	assert_true(n.record_bytes <= 96);
	one_a(&o, "abcdefghi.abcdefg.com", 1, 5); /* 23 octets */
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	cache_count(f->c, &n);
	assert_int_equal(n.records, 2);
	assert_true(n.record_bytes <= 96 + 112);
}

/* What of a set is left out when it is as usual, and how long lengths are. */
static void
sets_of_every_shape_come_back(void **state)
{
	struct fixture *f = *state;
	static uint8_t octets[600];
	static const uint16_t lengths[] = { 0, 1, 254, 255, 256, 600 };
	struct rdata rdata[ARRAY_LEN(lengths)];
	struct one_a top, other;
	struct rrset sets[16], *list[ARRAY_LEN(sets)];
	struct record r, got;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		rdata[i] = (struct rdata){ octets, lengths[i] };
	one_a(&top, "shape.test", 1, 600);
	one_a(&other, "sHape.test", 1, 600);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		sets[i] = (struct rrset){
			.owner =
			    (i & 1) != 0 ? other.owner.wire : top.owner.wire,
			.type = (i & 2) != 0 ? TYPE_RRSIG : TYPE_TXT,
			.count = (i & 4) != 0 ? 6 : 1,
			.sig_count = (i & 8) != 0 ? 4 : 0,
			.rdata = rdata,
			.sigs = rdata + 1,
			.ttl = (uint32_t)i,
		};
		list[i] = &sets[i];
	}
	sets[15].count = 0;
	r = record_of(&top, NOW);
	r.type = TYPE_TXT;
	r.sets = list;
	r.set_count = ARRAY_LEN(sets);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(
	    records_get(f->c, top.owner.wire, TYPE_TXT, NOW, f->a, &got));
	assert_int_equal(got.set_count, ARRAY_LEN(sets));
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		assert_true(rrset_equal(got.sets[i], &sets[i]));
		assert_true(name_same_case(got.sets[i]->owner, sets[i].owner));
		assert_int_equal(got.sets[i]->ttl, i);
		assert_int_equal(got.sets[i]->sig_count, sets[i].sig_count);
		for (size_t k = 0; k < sets[i].sig_count; k++)
			assert_memory_equal(got.sets[i]->sigs[k].bytes,
			    sets[i].sigs[k].bytes, sets[i].sigs[k].len);
	}
}

/* Its TTLs are told from when it was stored, so that has to stay exact. */
static void
nothing_is_kept_for_longer_than_a_lifetime_can_say(void **state)
{
	struct fixture *f = *state;
	const uint64_t day_ms = 86400 * UINT64_C(1000);
	struct one_a o;
	struct record r, got;

	one_a(&o, "old.test", 1, INT32_MAX);
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "old.test", NOW + 49 * day_ms, &got));
	assert_int_equal(got.stored_ms, NOW);
	assert_int_equal(got.expires_ms, NOW + UINT32_MAX);
	assert_false(get_a(f, "old.test", NOW + 50 * day_ms, &got));
	r.stored_ms = r.expires_ms + 1;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_RANGE);
}

static enum err
put_ranked(struct fixture *f, enum rank rank, enum security s, uint32_t ip)
{
	struct one_a o;
	struct record r;

	one_a(&o, "rank.test", ip, 60);
	r = record_of(&o, NOW);
	r.rank = rank;
	r.security = s;
	return records_put(f->c, &r, NOW);
}

static void
lower_rank_replaces_only_the_expired(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	assert_int_equal(put_ranked(f, RANK_ADDITIONAL, 0, 1), ERR_OK);
	assert_int_equal(put_ranked(f, RANK_AUTH_ANSWER, 0, 2), ERR_OK);
	assert_int_equal(put_ranked(f, RANK_ADDITIONAL, 0, 3), ERR_REFUSED);
	assert_int_equal(put_ranked(f, RANK_ANSWER, 0, 3), ERR_REFUSED);
	assert_int_equal(put_ranked(f, RANK_AUTH_ANSWER, 0, 4), ERR_OK);
	assert_true(get_a(f, "rank.test", NOW, &got));
	assert_int_equal(got.sets[0]->rdata[0].bytes[0], 4);
	one_a(&o, "rank.test", 9, 60);
	r = record_of(&o, NOW + 60000);
	r.rank = RANK_ADDITIONAL;
	assert_int_equal(records_put(f->c, &r, NOW + 60000), ERR_OK);
}

static void
proven_data_gives_way_to_judged_data_only(void **state)
{
	struct fixture *f = *state;
	enum rank k = RANK_AUTH_ANSWER;

	assert_int_equal(put_ranked(f, k, SECURITY_SECURE, 1), ERR_OK);
	assert_int_equal(put_ranked(f, k, SECURITY_UNCHECKED, 2), ERR_REFUSED);
	assert_int_equal(put_ranked(f, k, SECURITY_BOGUS, 2), ERR_REFUSED);
	assert_int_equal(put_ranked(f, k, SECURITY_INSECURE, 3), ERR_OK);
}

static struct record
denial_of(struct one_a *o, enum record_kind kind, uint64_t now)
{
	struct record r = record_of(o, now);

	r.kind = kind;
	r.set_count = 0;
	r.sets = NULL;
	r.rank = RANK_AUTH_AUTHORITY;
	r.type = kind == RECORD_NXDOMAIN ? 0 : TYPE_A;
	return r;
}

static void
nxdomain_is_found_for_every_type_of_that_name_only(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;
	struct name below;

	one_a(&o, "gone.test", 0, 60);
	r = denial_of(&o, RECORD_NXDOMAIN, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "gone.test", NOW, &got));
	assert_int_equal(got.kind, RECORD_NXDOMAIN);
	assert_true(records_get(f->c, o.owner.wire, TYPE_MX, NOW, f->a, &got));
	assert_int_equal(got.kind, RECORD_NXDOMAIN);
	assert_int_equal(name_parse("a.gone.test", &below), ERR_OK);
	assert_false(records_get(f->c, below.wire, TYPE_A, NOW, f->a, &got));
}

static void
the_later_authoritative_word_counts_and_glue_does_not(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "back.test", 1, 600);
	r = denial_of(&o, RECORD_NXDOMAIN, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r = record_of(&o, NOW + 10);
	r.rank = RANK_ADDITIONAL;
	assert_int_equal(records_put(f->c, &r, NOW + 10), ERR_OK);
	assert_true(get_a(f, "back.test", NOW + 10, &got));
	assert_int_equal(got.kind, RECORD_NXDOMAIN);
	r.rank = RANK_AUTH_ANSWER;
	assert_int_equal(records_put(f->c, &r, NOW + 10), ERR_OK);
	assert_true(get_a(f, "back.test", NOW + 10, &got));
	assert_int_equal(got.kind, RECORD_SET);
	r = denial_of(&o, RECORD_NXDOMAIN, NOW + 20);
	assert_int_equal(records_put(f->c, &r, NOW + 20), ERR_OK);
	assert_true(get_a(f, "back.test", NOW + 20, &got));
	assert_int_equal(got.kind, RECORD_NXDOMAIN);
}

static void
nodata_of_the_zone_replaces_its_older_answer(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "nodata.test", 1, 600);
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r = denial_of(&o, RECORD_NODATA, NOW + 5);
	assert_int_equal(records_put(f->c, &r, NOW + 5), ERR_OK);
	assert_true(get_a(f, "nodata.test", NOW + 5, &got));
	assert_int_equal(got.kind, RECORD_NODATA);
	assert_int_equal(got.set_count, 0);
}

static void
a_failure_never_hides_what_is_known(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;

	one_a(&o, "fail.test", 1, 60);
	r = denial_of(&o, RECORD_FAILURE, NOW);
	r.ede = EDE_NO_REACHABLE_AUTHORITY;
	r.tries = 3;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_true(get_a(f, "fail.test", NOW, &got));
	assert_int_equal(got.kind, RECORD_FAILURE);
	assert_int_equal(got.ede, EDE_NO_REACHABLE_AUTHORITY);
	assert_int_equal(got.tries, 3);
	assert_false(
	    records_get(f->c, o.owner.wire, TYPE_AAAA, NOW, f->a, &got));
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r = denial_of(&o, RECORD_FAILURE, NOW + 1);
	assert_int_equal(records_put(f->c, &r, NOW + 1), ERR_OK);
	assert_true(get_a(f, "fail.test", NOW + 1, &got));
	assert_int_equal(got.kind, RECORD_SET);
}

static void
a_delegation_is_kept_with_its_glue_and_never_answers(void **state)
{
	struct fixture *f = *state;
	struct one_a ns, glue;
	struct rrset *sets[2] = { &ns.set, &glue.set };
	struct record r, got;

	one_a(&ns, "zone.test", 0, 3600);
	ns.rdata = (struct rdata){ glue.owner.wire, 14 };
	ns.set.type = TYPE_NS;
	one_a(&glue, "ns.zone.test", 77, 3600);
	ns.rdata.len = (uint16_t)name_bytes(glue.owner.wire);
	r = record_of(&ns, NOW);
	r.kind = RECORD_DELEGATION;
	r.sets = sets;
	r.set_count = 2;
	r.rank = RANK_AUTHORITY;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	assert_false(
	    records_get(f->c, ns.owner.wire, TYPE_NS, NOW, f->a, &got));
	assert_true(
	    records_get_delegation(f->c, ns.owner.wire, NOW, f->a, &got));
	assert_int_equal(got.kind, RECORD_DELEGATION);
	assert_int_equal(got.set_count, 2);
	assert_true(rrset_equal(got.sets[1], &glue.set));
	assert_true(name_equal(got.sets[1]->owner, glue.owner.wire));
}

static void
put_named(struct fixture *f, const char *text, enum record_kind kind)
{
	struct one_a o;
	struct record r;

	one_a(&o, text, 1, 600);
	r = kind == RECORD_SET ? record_of(&o, NOW) : denial_of(&o, kind, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
}

static void
flush_forgets_what_was_meant(void **state)
{
	struct fixture *f = *state;
	struct record got;
	struct name n;

	put_named(f, "a.zone.test", RECORD_SET);
	put_named(f, "b.zone.test", RECORD_NODATA);
	put_named(f, "c.zone.test", RECORD_NXDOMAIN);
	put_named(f, "notzone.test", RECORD_SET);
	put_named(f, "other.test", RECORD_FAILURE);
	assert_int_equal(cache_flush(f->c, FLUSH_NEGATIVE, NULL, 0), 3);
	assert_true(get_a(f, "a.zone.test", NOW, &got));
	assert_int_equal(name_parse("A.Zone.test", &n), ERR_OK);
	assert_int_equal(cache_flush(f->c, FLUSH_TYPE, n.wire, TYPE_MX), 0);
	assert_int_equal(cache_flush(f->c, FLUSH_TYPE, n.wire, TYPE_A), 1);
	put_named(f, "a.zone.test", RECORD_SET);
	assert_int_equal(cache_flush(f->c, FLUSH_NAME, n.wire, 0), 1);
	put_named(f, "a.zone.test", RECORD_SET);
	assert_int_equal(name_parse("zone.test", &n), ERR_OK);
	assert_int_equal(cache_flush(f->c, FLUSH_ZONE, n.wire, 0), 1);
	assert_true(get_a(f, "notzone.test", NOW, &got));
	assert_int_equal(cache_flush(f->c, FLUSH_ALL, NULL, 0), 1);
	assert_false(get_a(f, "notzone.test", NOW, &got));
}

static void
put_numbered(struct fixture *f, const char *kind, unsigned i, uint64_t now)
{
	char text[64];
	struct one_a o;
	struct record r;
	enum err err;

	snprintf(text, sizeof(text), "n%u.%s.test", i, kind);
	one_a(&o, text, i, 86400);
	r = record_of(&o, now);
	err = records_put(f->c, &r, now);
	assert_true(err == ERR_OK || err == ERR_LIMIT);
}

static unsigned
hits(struct fixture *f, unsigned hot)
{
	unsigned n = 0;

	for (unsigned i = 0; i < hot; i++) {
		char text[64];
		struct record got;

		arena_reset(f->a);
		snprintf(text, sizeof(text), "n%u.hot.test", i);
		n += get_a(f, text, NOW, &got);
	}
	return n;
}

/* Ten times the cache's size of unique names, at a pace it can follow. */
static void
washing_does_not_reach_the_hot_set(void **state)
{
	struct fixture *f = *state;
	struct cache_counts n;
	const unsigned hot = 200, washed = 70000;

	for (unsigned i = 0; i < hot; i++)
		put_numbered(f, "hot", i, NOW);
	assert_int_equal(hits(f, hot), hot);
	for (unsigned i = 0; i < washed; i++) {
		put_numbered(f, "cold", i, NOW);
		if (i % 100 == 0) {
			cache_count(f->c, &n);
			assert_true(n.record_bytes <= n.record_bytes_max);
			(void)hits(f, hot);
			sleep_ms(2);
		}
	}
	cache_count(f->c, &n);
	assert_true(n.evictions > washed / 2);
	assert_true(hits(f, hot) >= hot * 95 / 100);
}

static void
a_set_too_large_for_the_cache_is_refused(void **state)
{
	struct fixture *f = *state;
	static uint8_t big[60000];
	struct one_a o;
	struct rdata many[20];
	struct record r;

	one_a(&o, "big.test", 1, 600);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct rdata){ .bytes = big, .len = sizeof(big) };
	o.set.rdata = many;
	o.set.count = ARRAY_LEN(many);
	r = record_of(&o, NOW);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_LIMIT);
	o.set.count = 1;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r.set_count = RECORD_SETS_MAX + 1;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_LIMIT);
}

static void
no_memory_is_an_error_and_leaves_the_old_entry(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;
	struct arena *tiny;

	put_named(f, "memory.test", RECORD_SET);
	one_a(&o, "memory.test", 2, 600);
	r = record_of(&o, NOW);
	memory_fail_at(1);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_MEMORY);
	memory_fail_at(0);
	assert_true(get_a(f, "memory.test", NOW, &got));
	assert_int_equal(got.sets[0]->rdata[0].bytes[0], 1);
	tiny = arena_new(16);
	assert_non_null(tiny);
	assert_false(records_get(f->c, o.owner.wire, TYPE_A, NOW, tiny, &got));
	arena_free(tiny);
}

static void
a_cache_is_made_whole_or_not_at_all(void **state)
{
	struct cache_opts o = { 1 << 20, 1 << 20 };
	struct cache_opts small = { 1000, 1 << 20 };
	struct cache *c = NULL;

	(void)state;
	assert_null(cache_new(&small));
	for (uint64_t i = 1; c == NULL && i < 100; i++) {
		memory_fail_at(i);
		c = cache_new(&o);
		memory_fail_at(0);
	}
	assert_non_null(c);
	cache_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_comes_back_whole),
		TEST(the_ttl_ends_it),
		TEST(one_a_record_takes_at_most_112_octets),
		TEST(sets_of_every_shape_come_back),
		TEST(nothing_is_kept_for_longer_than_a_lifetime_can_say),
		TEST(lower_rank_replaces_only_the_expired),
		TEST(proven_data_gives_way_to_judged_data_only),
		TEST(nxdomain_is_found_for_every_type_of_that_name_only),
		TEST(the_later_authoritative_word_counts_and_glue_does_not),
		TEST(nodata_of_the_zone_replaces_its_older_answer),
		TEST(a_failure_never_hides_what_is_known),
		TEST(a_delegation_is_kept_with_its_glue_and_never_answers),
		TEST(flush_forgets_what_was_meant),
		TEST(washing_does_not_reach_the_hot_set),
		TEST(a_set_too_large_for_the_cache_is_refused),
		TEST(no_memory_is_an_error_and_leaves_the_old_entry),
		cmocka_unit_test(a_cache_is_made_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
