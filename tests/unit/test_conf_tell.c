/* SPDX-License-Identifier: BSD-3-Clause */
/* test_conf_tell.c - listings, differences, documents, reports. */
#include "conf_support.h"

static unsigned changes;

static void
count_change(void *user, const struct conf_change *change)
{
	const char *expected = user;

	changes++;
	assert_non_null(strstr(expected, change->option));
	assert_int_equal(change->reloadable,
	    strcmp(change->option, "server.threads") != 0);
}

static void
a_diff_names_exactly_what_changed(void **state)
{
	struct conf *a = load("server: {threads: 2}\ncache: {min-ttl: 1m}\n");
	struct conf *b = load("server: {threads: 4}\ncache: {min-ttl: 60s}\n"
			      "local-data: ['a. 5 IN A 192.0.2.1']\n");
	char expected[] = "server.threads local-data";

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	changes = 0;
	assert_int_equal(conf_diff(a, b, count_change, expected), ERR_OK);
	assert_int_equal(changes, 2);
	assert_int_equal(conf_diff(a, a, count_change, expected), ERR_OK);
	assert_int_equal(changes, 2);
	assert_string_equal(show(a, CONF_SHOW_CHANGED),
	    "server:\n  threads: 2\ncache:\n  min-ttl: 1m\n");
	conf_free(a);
	conf_free(b);
}

static void
a_listing_reads_back_to_the_same(void **state)
{
	struct conf *a =
	    load("server: {nsid: 'x \"y\" \\z: #', identity: 'no'}\n"
		 "outgoing: {interfaces-v6: ['2001:db8::1']}\n"
		 "local-data: ['t. 5 IN TXT \"a b\" \"c\"']\n"
		 "local-zones: [{name: 'a\\.b.c', type: refuse}]\n"
		 "zones: [{name: ., type: forward, servers: ['::5@99']}]\n");
	struct conf *b;
	char expected[] = "";

	(void)state;
	if (a == NULL)
		fail_msg("%s", tell());
	b = load(show(a, CONF_SHOW_ALL));
	if (b == NULL)
		fail_msg("%s", tell());
	assert_int_equal(conf_diff(a, b, count_change, expected), ERR_OK);
	conf_free(a);
	conf_free(b);
}

/* Takes the # from lines that are YAML: no blank behind it, or two. */
static void
uncomment(char *text)
{
	char *to = text;

	for (bool at_start = true; *text != '\0'; text++) {
		bool is_help = text[1] == ' ' && text[2] != ' ';

		if (!at_start || *text != '#' || is_help)
			*to++ = *text;
		at_start = *text == '\n';
	}
	*to = '\0';
}

static void
the_sample_holds_every_option_and_changes_nothing(void **state)
{
	struct conf *c;
	char *sample = NULL;
	size_t n;
	FILE *out = open_memstream(&sample, &n);

	(void)state;
	assert_non_null(out);
	conf_sample(out);
	(void)fclose(out);
	c = load(sample);
	assert_non_null(c);
	conf_free(c);
	uncomment(sample);
	c = load(sample);
	if (c == NULL)
		fail_msg("%s", tell());
	assert_null(strstr(show(c, CONF_SHOW_ORIGIN), "# built in"));
	assert_string_equal(show(c, CONF_SHOW_CHANGED), "");
	conf_free(c);
	free(sample);
}

static void
manual_and_schema_describe_every_option(void **state)
{
	static const char *const words[] = { "source-ports", "failure-ttl",
		"always-nxdomain", "max-pipelined", "version-text" };
	char *man = NULL, *schema = NULL;
	size_t n;
	FILE *out = open_memstream(&man, &n);
	int depth = 0;

	(void)state;
	conf_man(out);
	(void)fclose(out);
	out = open_memstream(&schema, &n);
	conf_schema(out);
	(void)fclose(out);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_non_null(strstr(man, words[i]));
		assert_non_null(strstr(schema, words[i]));
	}
	for (const char *p = schema; *p != '\0'; p++)
		depth += (*p == '{') - (*p == '}');
	assert_int_equal(depth, 0);
	free(man);
	free(schema);
}

static void
reports_as_json_cannot_be_broken_out_of(void **state)
{
	size_t n;
	FILE *out;

	(void)state;
	assert_null(load("cache: {records: 'a\"\\'}\n"));
	free(told);
	out = open_memstream(&told, &n);
	conf_report_json(report, out);
	(void)fclose(out);
	assert_non_null(strstr(told, "\"line\":1,\"column\":18,"));
	assert_non_null(strstr(told, "\\\"a\\\"\\\\\\\" is not a size"));
}

static void
many_errors_are_counted_but_not_all_kept(void **state)
{
	char *text = malloc(40000);
	size_t n = 0, kept = 0;

	(void)state;
	assert_non_null(text);
	n += (size_t)sprintf(text, "listen:\n");
	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(text + n, "  - nowhere-%d\n", i);
	assert_null(load(text));
	assert_true(report->errors >= 1000);
	for (const struct conf_problem *p = report->first; p != NULL;
	     p = p->next)
		kept++;
	assert_true(kept <= CONF_PROBLEMS_MAX);
	assert_non_null(strstr(tell(), "only the first 200 problems"));
	free(text);
}

static void
any_allocation_may_fail(void **state)
{
	static const char text[] =
	    "listen: [192.0.2.1, 192.0.2.2]\nserver: {nsid: x}\n"
	    "zones: [{name: a.b, type: stub, servers: [192.0.2.3]}]\n"
	    "local-data: ['a. 5 IN A 192.0.2.1']\n";
	struct conf *c = NULL;
	uint64_t n;

	(void)state;
	for (n = 1; n < 200 && c == NULL; n++) {
		memory_fail_at(n);
		c = load(text);
		memory_fail_at(0);
		assert_true(c != NULL || report->errors > 0);
		conf_report_free(report);
		report = conf_report_new();
		assert_non_null(report);
	}
	assert_true(n > 3);
	assert_non_null(c);
	memory_fail_at(1);
	assert_int_equal(conf_diff(c, c, count_change, NULL), ERR_MEMORY);
	memory_fail_at(0);
	conf_free(c);
	memory_fail_at(1);
	assert_null(conf_report_new());
	memory_fail_at(2);
	assert_null(conf_report_new());
	conf_free(NULL);
	conf_report_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REPORTED(a_diff_names_exactly_what_changed),
		REPORTED(a_listing_reads_back_to_the_same),
		REPORTED(the_sample_holds_every_option_and_changes_nothing),
		REPORTED(manual_and_schema_describe_every_option),
		REPORTED(reports_as_json_cannot_be_broken_out_of),
		REPORTED(many_errors_are_counted_but_not_all_kept),
		REPORTED(any_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("conf_tell", tests, NULL, NULL);
}
