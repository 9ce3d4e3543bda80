/* SPDX-License-Identifier: BSD-3-Clause */
/* test_name.c - names: text, order, limits, hashing. RFC 1035, 4034, 4343. */
#include "support.h"

#include <string.h>

#include <hither/dns.h>

static struct name
name_of(const char *text)
{
	struct name n;

	assert_int_equal(name_parse(text, &n), ERR_OK);
	return n;
}

/* A name of `count` labels of one octet each. */
static struct name
name_of_labels(unsigned count)
{
	struct name n;
	unsigned i;

	for (i = 0; i < count; i++) {
		n.wire[2 * i] = 1;
		n.wire[2 * i + 1] = 'a';
	}
	n.wire[2 * count] = 0;
	return n;
}

static void
text_reads_back_to_the_same_octets(void **state)
{
	static const char *const texts[] = { ".", "com.", "www.example.com.",
		"a\\.b.example.", "\\000\\255\\032.x.", "\\@\\;\\\"\\(\\).y.",
		"_dmarc.example.", "*.example." };
	char buf[NAME_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		struct name n = name_of(texts[i]);

		assert_string_equal(name_text(n.wire, buf), texts[i]);
	}
}

static void
final_dot_is_optional(void **state)
{
	struct name a = name_of("example.com"), b = name_of("example.com.");

	(void)state;
	assert_true(name_same_case(a.wire, b.wire));
}

static void
malformed_text_is_refused(void **state)
{
	static const char *const texts[] = { "", "..", ".com", "a..b", "a\\",
		"a\\25", "a\\256", "a\\2x5",
		("x2345678901234567890123456789012345678901234567890123456789"
		 "01234.com") };
	struct name n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(name_parse(texts[i], &n), ERR_FORMAT);
}

static void
text_of_127_labels_is_a_name_and_of_128_is_not(void **state)
{
	char text[2 * 128 + 1];
	struct name n;
	unsigned i;

	(void)state;
	for (i = 0; i < 128; i++)
		memcpy(text + 2 * i, "a.", 3);
	assert_int_equal(name_parse(text, &n), ERR_FORMAT);
	text[2 * 127] = '\0';
	assert_int_equal(name_parse(text, &n), ERR_OK);
	assert_int_equal(name_labels(n.wire), 127);
	assert_int_equal(name_bytes(n.wire), NAME_MAX_BYTES);
}

static void
longest_text_fits_its_buffer(void **state)
{
	char buf[NAME_TEXT_MAX];
	struct name n, again;
	size_t at = 0, label;

	(void)state;
	memset(n.wire, 0xff, sizeof(n.wire));
	for (label = 0; label < 3; label++, at += 64)
		n.wire[at] = 63;
	n.wire[at] = 61;
	n.wire[254] = 0;
	assert_int_equal(name_bytes(n.wire), 255);
	assert_true(strlen(name_text(n.wire, buf)) < NAME_TEXT_MAX);
	assert_int_equal(name_parse(buf, &again), ERR_OK);
	assert_true(name_same_case(n.wire, again.wire));
}

static void
case_does_not_matter_but_only_for_letters(void **state)
{
	struct name a = name_of("WwW.ExAmPlE.CoM.a-very-LONG-label-here");
	struct name b = name_of("www.example.com.A-VERY-long-LABEL-HERE");
	struct name at = name_of("\\@x."), tick = name_of("`x.");
	struct name lower;

	(void)state;
	assert_true(name_equal(a.wire, b.wire));
	assert_false(name_same_case(a.wire, b.wire));
	assert_false(name_equal(at.wire, tick.wire));
	name_lower(&lower, a.wire);
	assert_true(name_equal(a.wire, lower.wire));
	assert_memory_equal(lower.wire + 1, "www", 3);
}

static void
every_octet_folds_as_ascii_says(void **state)
{
	unsigned c, place;

	(void)state;
	for (c = 0; c < 256; c++)
		for (place = 1; place < 20; place++) {
			struct name n, lower;
			unsigned want = c >= 'A' && c <= 'Z' ? c + 32 : c;

			memset(n.wire, 'x', sizeof(n.wire));
			n.wire[0] = 20;
			n.wire[21] = 0;
			n.wire[place] = (uint8_t)c;
			name_lower(&lower, n.wire);
			assert_int_equal(lower.wire[place], want);
			assert_int_equal(lower.wire[20], 'x');
		}
}

static void
canonical_order_is_that_of_rfc4034(void **state)
{
	static const char *const order[] = { ".", "example.", "a.example.",
		"yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
		"z.example.", "\\001.z.example.", "*.z.example.",
		"\\200.z.example." };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(order); i++)
		for (k = 0; k < ARRAY_LEN(order); k++) {
			struct name a = name_of(order[i]);
			struct name b = name_of(order[k]);
			int want = (i > k) - (i < k);

			assert_int_equal(name_compare(a.wire, b.wire), want);
		}
}

static void
within_holds_at_label_borders_only(void **state)
{
	struct name zone = name_of("Example.com");
	struct name in = name_of("www.example.COM");
	struct name out = name_of("wwwexample.com");
	struct name tricky = name_of("a\\007example.com");

	(void)state;
	assert_true(name_is_within(zone.wire, zone.wire));
	assert_true(name_is_within(in.wire, zone.wire));
	assert_true(name_is_within(in.wire, name_root));
	assert_false(name_is_within(out.wire, zone.wire));
	assert_false(name_is_within(tricky.wire, zone.wire));
	assert_false(name_is_within(zone.wire, in.wire));
}

static void
parents_and_suffixes_are_borrowed(void **state)
{
	struct name n = name_of("a.b.c");

	(void)state;
	assert_ptr_equal(name_parent(n.wire), n.wire + 2);
	assert_ptr_equal(name_parent(name_root), name_root);
	assert_ptr_equal(name_suffix(n.wire, 3), n.wire);
	assert_ptr_equal(name_suffix(n.wire, 1), n.wire + 4);
	assert_int_equal(*name_suffix(n.wire, 0), 0);
}

static void
common_labels_are_counted_from_the_right(void **state)
{
	struct name a = name_of("x.b.c"), b = name_of("y.B.C");
	struct name c = name_of("b.c");

	(void)state;
	assert_int_equal(name_common_labels(a.wire, b.wire), 2);
	assert_int_equal(name_common_labels(a.wire, c.wire), 2);
	assert_int_equal(name_common_labels(a.wire, a.wire), 3);
	assert_int_equal(name_common_labels(a.wire, name_root), 0);
}

static void
only_a_lone_star_is_a_wildcard(void **state)
{
	struct name star = name_of("*.x"), other = name_of("*a.x");

	(void)state;
	assert_true(name_is_wildcard(star.wire));
	assert_false(name_is_wildcard(other.wire));
	assert_false(name_is_wildcard(name_root));
}

static void
suffix_is_replaced_below_the_owner_only(void **state)
{
	struct name n = name_of("a.b.old.example");
	struct name from = name_of("OLD.example"), to = name_of("new.test");
	struct name want = name_of("a.b.new.test"), got;

	(void)state;
	assert_int_equal(name_replace_suffix(&got, n.wire, from.wire, to.wire),
	    ERR_OK);
	assert_true(name_same_case(got.wire, want.wire));
	assert_int_equal(name_replace_suffix(&got, from.wire, from.wire,
			     to.wire),
	    ERR_NOT_FOUND);
	assert_int_equal(name_replace_suffix(&got, to.wire, from.wire, n.wire),
	    ERR_NOT_FOUND);
	assert_int_equal(name_replace_suffix(&n, n.wire, from.wire, to.wire),
	    ERR_OK);
	assert_true(name_same_case(n.wire, want.wire));
}

static void
replacing_past_255_octets_is_refused(void **state)
{
	struct name n = name_of_labels(100), to = name_of_labels(77), got;

	(void)state;
	/* 99 labels stay: 198 + 155 octets. */
	assert_int_equal(name_replace_suffix(&got, n.wire,
			     name_suffix(n.wire, 1), to.wire),
	    ERR_SPACE);
	assert_int_equal(name_replace_suffix(&got, n.wire,
			     name_suffix(n.wire, 50), to.wire),
	    ERR_OK);
	assert_int_equal(name_bytes(got.wire), 255);
}

static void
prepending_keeps_to_the_limits(void **state)
{
	static const uint8_t label[64] = { '_' };
	struct name n = name_of_labels(126), got;

	(void)state;
	assert_int_equal(name_prepend(&got, label, 0, n.wire), ERR_RANGE);
	assert_int_equal(name_prepend(&got, label, 64, n.wire), ERR_RANGE);
	assert_int_equal(name_prepend(&got, label, 2, n.wire), ERR_SPACE);
	assert_int_equal(name_prepend(&got, label, 1, n.wire), ERR_OK);
	assert_int_equal(name_labels(got.wire), 127);
	assert_int_equal(name_prepend(&got, label, 1, got.wire), ERR_SPACE);
}

static void
hash_ignores_case_and_depends_on_the_key(void **state)
{
	struct name a = name_of("WWW.example"), b = name_of("www.EXAMPLE");
	struct hash_key k1 = { { 1 } }, k2 = { { 2 } };

	(void)state;
	assert_true(name_hash(&k1, a.wire) == name_hash(&k1, b.wire));
	assert_true(name_hash(&k1, a.wire) != name_hash(&k2, a.wire));
}

/* Every octet at every place: a bit turns a letter and nothing else. */
static void
case_turns_for_letters_with_their_bit_set(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 64; len++) {
		for (unsigned c = 0; c < 256; c++) {
			const uint64_t bits = UINT64_C(0x9e3779b97f4a7c15) * c;
			bool letter = (c | 0x20u) >= 'a' && (c | 0x20u) <= 'z';
			uint8_t n[65];

			memset(n, (int)c, sizeof(n));
			name_turn_case(n, len, bits);
			for (size_t i = 0; i < sizeof(n); i++)
				assert_int_equal(n[i],
				    i < len && letter && (bits >> i & 1) != 0
					? c ^ 0x20u
					: c);
		}
	}
}

/* Of all lengths that fill words and parts of words. */
static void
one_pass_hashes_a_name_and_all_above_it(void **state)
{
	static const char *const texts[] = { ".", "a", "bc.a", "def.bc.a",
		"WWW.a-rather-longer-label.Example",
		"seven77.eight888.nine99999",
		"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z" };
	struct hash_key k = { { 1, 2, 3 } };
	struct name_hashed got[NAME_LABELS_MAX + 1];
	struct name most = name_of_labels(NAME_LABELS_MAX);

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
		struct name n = name_of(texts[t]);

		assert_int_equal(name_hashes(&k, n.wire, got),
		    name_labels(n.wire));
		for (unsigned i = 0; i <= name_labels(n.wire); i++) {
			const uint8_t *above = name_suffix(n.wire, i);

			assert_ptr_equal(got[i].name, above);
			assert_int_equal(got[i].bytes, name_bytes(above));
			assert_true(got[i].hash == name_hash(&k, above));
		}
	}
	assert_int_equal(name_hashes(&k, most.wire, got), NAME_LABELS_MAX);
	assert_true(got[NAME_LABELS_MAX].hash == name_hash(&k, most.wire));
}

/* No octet is left out, wherever it stands. */
static void
every_octet_of_a_name_is_hashed(void **state)
{
	struct hash_key k = { { 1, 2, 3 } };
	struct name n = name_of("a2345678901.b2345678.c23");
	const uint64_t was = name_hash(&k, n.wire);

	(void)state;
	for (size_t i = 0; i < name_bytes(n.wire); i++) {
		struct name other = n;

		if (n.wire[i] < '0')
			continue; /* a length */
		other.wire[i] ^= 1;
		assert_true(name_hash(&k, other.wire) != was);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_reads_back_to_the_same_octets),
		cmocka_unit_test(final_dot_is_optional),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(
		    text_of_127_labels_is_a_name_and_of_128_is_not),
		cmocka_unit_test(longest_text_fits_its_buffer),
		cmocka_unit_test(case_does_not_matter_but_only_for_letters),
		cmocka_unit_test(every_octet_folds_as_ascii_says),
		cmocka_unit_test(canonical_order_is_that_of_rfc4034),
		cmocka_unit_test(within_holds_at_label_borders_only),
		cmocka_unit_test(parents_and_suffixes_are_borrowed),
		cmocka_unit_test(common_labels_are_counted_from_the_right),
		cmocka_unit_test(only_a_lone_star_is_a_wildcard),
		cmocka_unit_test(suffix_is_replaced_below_the_owner_only),
		cmocka_unit_test(replacing_past_255_octets_is_refused),
		cmocka_unit_test(prepending_keeps_to_the_limits),
		cmocka_unit_test(hash_ignores_case_and_depends_on_the_key),
		cmocka_unit_test(case_turns_for_letters_with_their_bit_set),
		cmocka_unit_test(one_pass_hashes_a_name_and_all_above_it),
		cmocka_unit_test(every_octet_of_a_name_is_hashed),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
