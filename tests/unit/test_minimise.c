/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../../src/resolve/minimise.h"

#include "support.h"

static void
one_label_at_a_time_then_the_full_question(void **state)
{
	const char *const want[] = { "edu.", "umass.edu.", "cs.umass.edu." };
	struct minimise m = { 0 };
	struct name q;
	const uint8_t *shown;
	uint16_t type;
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(name_parse("gaia.cs.umass.edu.", &q), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(minimise_next(&m, q.wire, TYPE_MX, name_root,
		    &shown, &type));
		assert_string_equal(name_text(shown, text), want[i]);
		assert_int_equal(type, TYPE_A);
	}
	assert_false(
	    minimise_next(&m, q.wire, TYPE_MX, name_root, &shown, &type));
	assert_true(name_equal(shown, q.wire));
	assert_int_equal(type, TYPE_MX);
}

static void
a_delegation_on_the_way_is_not_asked_for_again(void **state)
{
	struct minimise m = { 0 };
	struct name q, zone;
	const uint8_t *shown;
	uint16_t type;
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(name_parse("a.b.c.d.", &q), ERR_OK);
	assert_int_equal(name_parse("c.d.", &zone), ERR_OK);
	assert_true(
	    minimise_next(&m, q.wire, TYPE_A, name_root, &shown, &type));
	assert_true(
	    minimise_next(&m, q.wire, TYPE_A, zone.wire, &shown, &type));
	assert_string_equal(name_text(shown, text), "b.c.d.");
}

/* RFC 9156 section 2.3 */
static void
a_name_of_120_labels_costs_at_most_ten_short_questions(void **state)
{
	struct minimise m = { 0 };
	struct name q;
	const uint8_t *shown;
	uint16_t type;
	unsigned asked = 0;

	(void)state;
	memset(&q, 0, sizeof(q));
	for (size_t i = 0; i < 120; i++) {
		q.wire[2 * i] = 1;
		q.wire[2 * i + 1] = 'x';
	}
	while (minimise_next(&m, q.wire, TYPE_A, name_root, &shown, &type))
		asked++;
	assert_in_range(asked, 4, 10);
	assert_true(name_equal(shown, q.wire));
}

/* The example of RFC 9156 section 2.3. */
static void
eighteen_labels_are_shown_as_the_rfc_shows_them(void **state)
{
	static const unsigned want[] = { 1, 2, 3, 4, 6, 8, 10, 12, 15 };
	struct minimise m = { 0 };
	struct name q;
	const uint8_t *shown;
	uint16_t type;

	(void)state;
	assert_int_equal(name_parse("r.q.p.o.n.m.l.k.j.i.h.g.f.e.d.c.b.a.", &q),
	    ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(minimise_next(&m, q.wire, TYPE_A, name_root, &shown,
		    &type));
		assert_int_equal(name_labels(shown), want[i]);
	}
	assert_false(
	    minimise_next(&m, q.wire, TYPE_A, name_root, &shown, &type));
}

static void
underscores_are_never_the_end_of_what_is_shown(void **state)
{
	static const struct {
		const char *qname;
		const char *shown[4];
	} cases[] = {
		{ "_443._tcp.www.net.", { "net.", "www.net." } },
		{ "s1._domainkey.net.", { "net." } },
		{ "a._b._c.d.net.", { "net.", "d.net." } },
		{ "x.a._b.net.", { "net.", "a._b.net." } },
		{ "_net.", { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct minimise m = { 0 };
		struct name q;
		const uint8_t *shown;
		uint16_t type;
		char text[NAME_TEXT_MAX];

		assert_int_equal(name_parse(cases[i].qname, &q), ERR_OK);
		for (size_t k = 0; cases[i].shown[k] != NULL; k++) {
			assert_true(minimise_next(&m, q.wire, TYPE_TXT,
			    name_root, &shown, &type));
			assert_string_equal(name_text(shown, text),
			    cases[i].shown[k]);
		}
		assert_false(minimise_next(&m, q.wire, TYPE_TXT, name_root,
		    &shown, &type));
		assert_true(name_equal(shown, q.wire));
	}
}

static void
switched_off_it_shows_the_full_name_at_once(void **state)
{
	struct minimise m = { .off = true };
	struct name q;
	const uint8_t *shown;
	uint16_t type;

	(void)state;
	assert_int_equal(name_parse("a.b.c.d.", &q), ERR_OK);
	assert_false(
	    minimise_next(&m, q.wire, TYPE_NS, name_root, &shown, &type));
	assert_true(name_equal(shown, q.wire));
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(one_label_at_a_time_then_the_full_question),
		cmocka_unit_test(
		    a_delegation_on_the_way_is_not_asked_for_again),
		cmocka_unit_test(
		    a_name_of_120_labels_costs_at_most_ten_short_questions),
		cmocka_unit_test(
		    eighteen_labels_are_shown_as_the_rfc_shows_them),
		cmocka_unit_test(
		    underscores_are_never_the_end_of_what_is_shown),
		cmocka_unit_test(switched_off_it_shows_the_full_name_at_once),
	};

	return cmocka_run_group_tests_name("minimise", claims, NULL, NULL);
}
