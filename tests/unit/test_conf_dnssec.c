/* SPDX-License-Identifier: BSD-3-Clause */
/* test_conf_dnssec.c - what is proven, as the configuration says it. */
#include "conf_support.h"

#include <hither/dns.h>

static void
nothing_said_proves_everything(void **state)
{
	struct conf_source src = { 0 };
	struct conf *c = conf_load(&src, report);

	(void)state;
	assert_non_null(c);
	assert_true(c->dnssec.validation);
	assert_true(c->dnssec.auto_trust_anchor);
	assert_true(c->dnssec.root_key_sentinel);
	assert_false(c->dnssec.sha1);
	assert_string_equal(c->dnssec.trust_anchor_file, "");
	assert_int_equal(c->dnssec.nsec3_max_iterations, 50);
	assert_int_equal(c->dnssec.negative_trust_anchors.count, 0);
	conf_free(c);
}

static void
dates_are_days_or_moments_of_universal_time(void **state)
{
	struct conf *c = load(
	    "dnssec:\n  negative-trust-anchors:\n"
	    "  - {zone: a.example, until: 2027-01-31, reason: ticket 4711}\n"
	    "  - {zone: b.example, until: \"2027-01-31T12:30:01Z\"}\n");
	const struct conf_negative *n;

	(void)state;
	if (c == NULL)
		fail_msg("%s", tell());
	assert_int_equal(c->dnssec.negative_trust_anchors.count, 2);
	n = c->dnssec.negative_trust_anchors.items;
	assert_int_equal(n[0].until_s, 1801353600);
	assert_int_equal(n[1].until_s, 1801353600 + 12 * 3600 + 1801);
	assert_string_equal(n[0].reason, "ticket 4711");
	assert_string_equal(n[1].reason, "");
	assert_non_null(
	    strstr(show(c, CONF_SHOW_CHANGED), "2027-01-31T12:30:01Z"));
	conf_free(c);
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const dates[] = { "soon", "2027-13-01", "31.1.2027",
		"2027-01-31T12:00", "2027-01-31 x", "1969-12-31" };
	char text[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		snprintf(text, sizeof(text),
		    "dnssec: {negative-trust-anchors: [{zone: a.example, "
		    "until: \"%s\"}]}\n",
		    dates[i]);
		refused(text, "is not a date like 2027-01-31");
	}
	refused("dnssec: {negative-trust-anchors: [{zone: a.example}]}\n",
	    "until");
	refused("dnssec: {trust-anchors: [\". IN DS 1\"]}\n",
	    "is not a record");
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		REPORTED(nothing_said_proves_everything),
		REPORTED(dates_are_days_or_moments_of_universal_time),
		REPORTED(what_is_no_date_is_refused),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
