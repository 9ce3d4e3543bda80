/* SPDX-License-Identifier: BSD-3-Clause */
/* test_conf_sources.c - files, environment, --set, and their order. */
#include "conf_support.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void
later_sources_win_and_lists_append(void **state)
{
	static const char *const variables[] = { "HITHER_CACHE__RECORDS=2G",
		"HITHER_CACHE__FAILURE_TTL__MAX=1m", "PATH=/bin",
		"HITHER_SERVICE_HOST=10.0.0.1", "HITHER_PORT=udp://x",
		"HITHER_LISTEN=[192.0.2.2]", NULL };
	static const char *const sets[] = { "cache.records=3G",
		"listen=192.0.2.3", "server.nsid=a: [b" };
	static const char text[] = "listen: [192.0.2.1]\n"
				   "cache: {records: 1G, answers: 1G}\n";
	struct conf_source src = { .text = text,
		.text_bytes = sizeof(text) - 1,
		.environ = variables,
		.sets = sets,
		.set_count = ARRAY_LEN(sets) };
	struct conf *c = conf_load(&src, report);

	(void)state;
	if (c == NULL)
		fail_msg("%s", tell());
	assert_int_equal(report->warnings, 0);
	assert_int_equal(c->cache.records_bytes, 3ull << 30);
	assert_int_equal(c->cache.answers_bytes, 1u << 30);
	assert_int_equal(c->cache.failure_max_ms, 60000);
	assert_int_equal(c->listen.count, 3);
	assert_string_equal(c->server.nsid, "a: [b");
	assert_non_null(strstr(show(c, CONF_SHOW_ORIGIN),
	    "records: 3G  # --set cache.records=3G\n"));
	assert_non_null(strstr(told, "answers: 1G  # (text):2\n"));
	assert_non_null(strstr(told, "min-ttl: 0s  # built in\n"));
	conf_free(c);
}

static void
override_replaces_what_was_said_before(void **state)
{
	static const char *const sets[] = { "listen=!override [192.0.2.3]" };
	static const char text[] = "listen: [192.0.2.1]\n";
	struct conf_source src = { .text = text,
		.text_bytes = sizeof(text) - 1,
		.sets = sets,
		.set_count = 1 };
	struct conf *c = conf_load(&src, report);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->listen.count, 1);
	assert_int_equal(c->listen.items[0].address.ip[3], 3);
	conf_free(c);
}

static void
wrong_variables_and_sets_are_named(void **state)
{
	static const char *const variables[] = { "HITHER_CACHE__RECORD=2G",
		"HITHER_LISTN=x", NULL };
	static const char *const sets[] = { "cache.records", "cach.min-ttl=1s",
		"cache.records=1" };
	struct conf_source src = { .environ = variables,
		.sets = sets,
		.set_count = ARRAY_LEN(sets) };

	(void)state;
	assert_null(conf_load(&src, report));
	assert_int_equal(report->errors, 4);
	assert_int_equal(report->warnings, 1);
	(void)tell();
	assert_non_null(strstr(told, "environment HITHER_CACHE__RECORD: "));
	assert_non_null(strstr(told, "--set cache.records: error: write"));
	assert_non_null(strstr(told, "did you mean \"cache.min-ttl\"?"));
}

static int
make_dir(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/hither-conf-XXXXXX");
	return mkdtemp(dir) != NULL ? fresh(state) : -1;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r '%s'", dir);
	(void)clean(state);
	return system(command);
}

static const char *
write_file(const char *name, const char *text)
{
	static char path[160];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static struct conf *
load_file(const char *path)
{
	struct conf_source src = { .path = path };

	return conf_load(&src, report);
}

static void
included_files_follow_in_name_order(void **state)
{
	char sub[96];
	struct conf *c;

	(void)state;
	(void)snprintf(sub, sizeof(sub), "%s/conf.d", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	(void)write_file("conf.d/20.yaml", "cache: {records: 3G}\n");
	(void)write_file("conf.d/10.yaml",
	    "cache: {records: 2G}\nlisten: [192.0.2.2]\n");
	c = load_file(write_file("main.yaml",
	    "include: [conf.d/*.yaml, none.d/*.yaml]\n"
	    "cache: {records: 1G}\nlisten: [192.0.2.1]\n"));
	if (c == NULL)
		fail_msg("%s", tell());
	assert_int_equal(c->cache.records_bytes, 3ull << 30);
	assert_int_equal(c->listen.count, 2);
	conf_free(c);
}

static void
missing_files_and_circles_are_errors(void **state)
{
	(void)state;
	assert_null(load_file("/nonexistent/hither.yaml"));
	assert_non_null(strstr(tell(), "No such file"));
	assert_null(load_file(write_file("a.yaml", "include: gone.yaml\n")));
	assert_non_null(strstr(tell(), "a.yaml:1:10: error: cannot open"));
	assert_null(load_file(write_file("b.yaml", "include: [b.yaml]\n")));
	assert_non_null(strstr(tell(), "a circle?"));
	assert_null(load_file(dir));
}

static void
huge_files_are_refused(void **state)
{
	char *big = malloc((1u << 20) + 2);

	(void)state;
	assert_non_null(big);
	memset(big, '#', (1u << 20) + 1);
	big[(1u << 20) + 1] = '\0';
	assert_null(load_file(write_file("big.yaml", big)));
	assert_non_null(strstr(tell(), "too large"));
	free(big);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REPORTED(later_sources_win_and_lists_append),
		REPORTED(override_replaces_what_was_said_before),
		REPORTED(wrong_variables_and_sets_are_named),
		IN_DIR(included_files_follow_in_name_order),
		IN_DIR(missing_files_and_circles_are_errors),
		IN_DIR(huge_files_are_refused),
	};

	return cmocka_run_group_tests_name("conf_sources", tests, NULL, NULL);
}
