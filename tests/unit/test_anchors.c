/* SPDX-License-Identifier: BSD-3-Clause */
/* test_anchors.c - anchor files, sentinels and signals. */
#include "dnssec_support.h"

#define DS_LINE                                                                \
	". IN DS 20326 8 2 "                                                   \
	"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"

struct world {
	struct anchors *as;
	struct arena *a;
	struct anchor_fault bad;
};

static enum err
read_text(struct world *w, const char *text)
{
	anchors_free(w->as);
	w->as = anchors_new();
	assert_non_null(w->as);
	return anchors_read(w->as, text, strlen(text), &w->bad);
}

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->a = arena_new(1 << 20);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	anchors_free(w->as);
	arena_free(w->a);
	free(w);
	return 0;
}

static struct anchor
find(struct world *w, const char *name)
{
	struct anchor found;

	assert_true(
	    anchors_find(w->as, name_of(w->a, name), NOW_S, w->a, &found));
	return found;
}

static void
the_built_in_anchors_are_the_roots_two_keys(void **state)
{
	struct world *w = *state;
	uint16_t tags[4];
	struct anchor root;

	w->as = anchors_new();
	assert_int_equal(anchors_builtin(w->as), ERR_OK);
	assert_int_equal(anchors_tags(w->as, name_root, tags, 4), 2);
	assert_int_equal(tags[0], 20326);
	assert_int_equal(tags[1], 38696);
	root = find(w, "example.");
	assert_true(name_equal(root.zone.wire, name_root));
	assert_int_equal(root.entry[0]->count, 2);
	assert_null(root.entry[1]);
}

static void
a_file_may_use_all_of_the_zone_file_form(void **state)
{
	struct world *w = *state;
	struct anchor found;

	assert_int_equal(read_text(w,
			     "; a comment\n\n$TTL 3600\n" DS_LINE
			     "$ORIGIN example.\n"
			     "corp 3600 IN DNSKEY 257 3 13 ( ; key\n"
			     "\tmdsswUyr3DPW132mOi8V9xESWE8jTo0d\n"
			     "\txCjjnopKl+GqJxpVXckHAeF+KkxLbxIL\n"
			     "\tfDLUT0rAK9iUzy1L53eKGQ== )\n"
			     "\tds 1 13 1 0102030405060708090A0B0C0D0E0F"
			     "1011121314\n"
			     "@ in ds 7 RSASHA256 200 abcd\n"),
	    ERR_OK);
	found = find(w, "www.corp.example.");
	assert_int_equal(found.entry[0]->count, 1);
	assert_int_equal(found.entry[1]->count, 1);
	assert_int_equal(found.entry[1]->rdata[0].len, 68);
	found = find(w, "other.example.");
	assert_int_equal(name_labels(found.zone.wire), 1);
	assert_int_equal(found.entry[0]->rdata[0].bytes[2], 8);
}

static void
revoked_keys_are_passed_over(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_text(w, DS_LINE
			     ". DNSKEY 385 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI\n"),
	    ERR_OK);
	assert_null(find(w, ".").entry[1]);
}

static void
every_fault_has_its_line_and_column(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} cases[] = {
		{ "", 1, 1 },
		{ "; nothing but this\n", 2, 1 },
		{ ". IN DS 65536 8 2 00\n", 1, 9 },
		{ DS_LINE ". IN DS 1 256 2 00\n", 2, 11 },
		{ DS_LINE "\n. IN DS 1 8 x 00\n", 3, 13 },
		{ ". IN A 192.0.2.1\n", 1, 6 },
		{ "a..b DS 1 8 2 00\n", 1, 1 },
		{ ". DS 1 8 2 zz\n", 1, 12 },
		{ ". DS 1 8 2 00ff\n", 1, 12 },
		{ ". DS 1 8\n", 1, 9 },
		{ ". DS\n", 1, 5 },
		{ ". IN\n", 1, 5 },
		{ ".\n", 1, 2 },
		{ ". DS ( 1 8 2\n00", 1, 6 },
		{ ". DS 1 8 2 00 )\n", 1, 15 },
		{ ". DNSKEY 257 4 8 AwEAAQ==\n", 1, 14 },
		{ ". DNSKEY 1 3 8 AwEAAQ==\n", 1, 10 },
		{ ". DNSKEY 257 3 8 !!!!\n", 1, 18 },
		{ "$INCLUDE more\n", 1, 1 },
		{ " DS 1 8 200 00\n", 1, 2 },
		{ ". DS 1 8 200 0\001\n", 1, 15 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = *state;

		assert_int_equal(read_text(w, cases[i].text), ERR_FORMAT);
		if (w->bad.line != cases[i].line ||
		    w->bad.column != cases[i].column)
			fail_msg("%s: %u:%u: %s", cases[i].text, w->bad.line,
			    w->bad.column, w->bad.what);
		assert_true(w->bad.what[0] != '\0');
	}
}

static void
debians_root_key_is_understood(void **state)
{
	static const char path[] = "/usr/share/dns/root.key";
	struct world *w = *state;
	uint16_t tags[8];
	size_t n;

	w->as = anchors_new();
	assert_int_equal(anchors_read_file(w->as, path, &w->bad), ERR_OK);
	n = anchors_tags(w->as, name_root, tags, ARRAY_LEN(tags));
	assert_true(n >= 1);
	assert_int_equal(tags[0], 20326);
}

static void
files_that_cannot_be_read_say_so(void **state)
{
	struct world *w = *state;

	w->as = anchors_new();
	assert_int_equal(anchors_read_file(w->as, "/nonexistent", &w->bad),
	    ERR_SYSTEM);
	assert_int_equal(anchors_read_file(w->as, "/", &w->bad), ERR_SYSTEM);
	assert_int_equal(w->bad.line, 0);
}

static void
look_for_reason(void *user, const struct anchor_view *v)
{
	if (v->rdata == NULL && strcmp(v->reason, "ticket 4711") == 0)
		*(bool *)user = true;
}

static void
a_negative_anchor_is_replaced_at_its_name(void **state)
{
	struct world *w = *state;
	bool found = false;
	const uint8_t *zone = name_of(w->a, "broken.example.");

	assert_int_equal(read_text(w, DS_LINE), ERR_OK);
	assert_int_equal(anchors_add_negative(w->as, zone, NOW_S + 5), ERR_OK);
	assert_true(find(w, "a.broken.example.").negative);
	assert_int_equal(anchors_add_negative(w->as, zone, NOW_S - 5), ERR_OK);
	assert_false(find(w, "a.broken.example.").negative);
	anchors_explain(w->as, zone, "ticket 4711");
	anchors_each(w->as, look_for_reason, &found);
	assert_true(found);
	assert_true(anchors_remove_negative(w->as, zone));
	assert_false(anchors_remove_negative(w->as, zone));
}

/* --- what others learn of us ---------------------------------------------- */

static bool
withheld(struct world *w, const char *name, uint16_t type)
{
	return sentinel_withholds(w->as, name_of(w->a, name), type);
}

static void
sentinels_tell_of_the_anchors(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_text(w, DS_LINE), ERR_OK);
	assert_false(withheld(w, "root-key-sentinel-is-ta-20326.x.", TYPE_A));
	assert_true(withheld(w, "root-key-sentinel-not-ta-20326.x.", TYPE_A));
	assert_true(withheld(w, "ROOT-key-sentinel-is-ta-00001.x.", TYPE_AAAA));
	assert_false(withheld(w, "root-key-sentinel-not-ta-00001.", TYPE_A));
	assert_false(withheld(w, "root-key-sentinel-is-ta-00001.x.", TYPE_MX));
	assert_false(withheld(w, "root-key-sentinel-is-ta-1.x.", TYPE_A));
	assert_false(withheld(w, "root-key-sentinel-is-ta-99999.x.", TYPE_A));
	assert_false(withheld(w, "root-key-sentinel-is-ta-0000a.x.", TYPE_A));
	assert_false(withheld(w, "a.root-key-sentinel-is-ta-00001.", TYPE_A));
}

static void
the_signal_names_all_tags_in_order(void **state)
{
	struct world *w = *state;
	char text[NAME_TEXT_MAX];
	struct name n;

	w->as = anchors_new();
	assert_false(signal_name(w->as, name_root, &n));
	assert_int_equal(anchors_builtin(w->as), ERR_OK);
	assert_true(signal_name(w->as, name_root, &n));
	assert_string_equal(name_text(n.wire, text), "_ta-4f66-9728.");
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test_setup_teardown(
		    the_built_in_anchors_are_the_roots_two_keys, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_file_may_use_all_of_the_zone_file_form, begin, end),
		cmocka_unit_test_setup_teardown(revoked_keys_are_passed_over,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    every_fault_has_its_line_and_column, begin, end),
		cmocka_unit_test_setup_teardown(debians_root_key_is_understood,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    files_that_cannot_be_read_say_so, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_negative_anchor_is_replaced_at_its_name, begin, end),
		cmocka_unit_test_setup_teardown(sentinels_tell_of_the_anchors,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    the_signal_names_all_tags_in_order, begin, end),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
