/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log.c - log lines, their escaping, repeats and targets. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hither/base.h>

static char dir[64];
static char path[96];
static char text[65536];

static const char *
written(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	(void)close(fd);
	text[n] = '\0';
	return text;
}

static unsigned
count(const char *hay, const char *needle)
{
	unsigned n = 0;

	while ((hay = strstr(hay, needle)) != NULL) {
		n++;
		hay += strlen(needle);
	}
	return n;
}

static void
open_log(enum log_level level, bool json)
{
	struct log_opts o = { .target = LOG_TO_FILE,
		.level = level,
		.json = json,
		.path = path,
		.program = "test" };

	assert_int_equal(log_open(&o), ERR_OK);
}

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/hither-log-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	struct log_opts o = { .target = LOG_TO_STDERR };

	(void)state;
	if (log_open(&o) != ERR_OK)
		return -1;
	(void)unlink(path);
	return rmdir(dir);
}

static void
hostile_bytes_cannot_end_or_colour_a_line(void **state)
{
	(void)state;
	open_log(LOG_LEVEL_INFO, false);
	log_info("query", "name=%s", "a\nforged=1\033[31m\xff");
	(void)written();
	assert_non_null(
	    strstr(text, "info query name=a\\x0aforged=1\\x1b[31m\\xff\n"));
	assert_int_equal(count(text, "\n"), 1);
}

static void
equal_lines_are_written_five_times_then_counted(void **state)
{
	(void)state;
	open_log(LOG_LEVEL_INFO, false);
	for (int i = 0; i < 100; i++)
		log_warn("flood", "from=here");
	log_warn("other", "n=1");
	assert_int_equal(count(written(), "flood"), 5);
	assert_int_equal(log_reopen(), ERR_OK);
	(void)written();
	assert_int_equal(count(text, "flood"), 6);
	assert_non_null(strstr(text, "flood from=here repeated=95\n"));
}

static void
many_different_lines_are_all_written(void **state)
{
	(void)state;
	open_log(LOG_LEVEL_INFO, false);
	for (int i = 0; i < 500; i++)
		log_info("line", "n=%d", i);
	assert_int_equal(count(written(), "line n="), 500);
}

static void
levels_below_the_wanted_one_are_silent(void **state)
{
	(void)state;
	open_log(LOG_LEVEL_WARN, false);
	log_info("quiet", "a=1");
	log_debug("quiet", "a=1");
	assert_false(log_wants(LOG_LEVEL_INFO));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("loud", "%s", "");
	(void)written();
	assert_null(strstr(text, "quiet"));
	assert_non_null(strstr(text, "debug loud\n"));
}

static void
json_lines_keep_pairs_apart_and_escape(void **state)
{
	(void)state;
	open_log(LOG_LEVEL_INFO, true);
	log_info("started", "threads=%d path=\"a b\" name=%s", 4, "x\"\\\n");
	log_info("said", "free words");
	(void)written();
	assert_non_null(strstr(text,
	    "\"level\":\"info\",\"event\":\"started\",\"threads\":\"4\","
	    "\"path\":\"a b\",\"name\":\"x\\\"\\\\\\\\x0a\"}\n"));
	assert_non_null(strstr(text, "\"text\":\"free words\"}\n"));
}

static void
a_long_line_is_cut_not_lost(void **state)
{
	static char big[5000];

	(void)state;
	memset(big, '\x01', sizeof(big) - 1);
	open_log(LOG_LEVEL_INFO, true);
	log_info("long", "v=%s", big);
	(void)written();
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, "\"}\n"));
}

static void
symlinks_and_missing_directories_are_refused(void **state)
{
	char link[96];
	struct log_opts o = { .target = LOG_TO_FILE, .path = link };

	(void)state;
	(void)snprintf(link, sizeof(link), "%.60s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(log_open(&o), ERR_SYSTEM);
	(void)unlink(link);
	(void)snprintf(link, sizeof(link), "%.60s/no/log", dir);
	assert_int_equal(log_open(&o), ERR_SYSTEM);
	o.path = NULL;
	assert_int_equal(log_open(&o), ERR_RANGE);
}

static void
the_file_is_not_for_everyone_and_reopens(void **state)
{
	struct stat st;

	(void)state;
	open_log(LOG_LEVEL_INFO, false);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(log_reopen(), ERR_OK);
	log_info("fresh", "a=1");
	assert_non_null(strstr(written(), "fresh a=1\n"));
}

static void
a_full_disk_moves_lines_to_stderr(void **state)
{
	struct log_opts o = { .target = LOG_TO_FILE,
		.level = LOG_LEVEL_INFO,
		.path = "/dev/full" };
	int saved = dup(STDERR_FILENO), fd;

	(void)state;
	assert_int_equal(log_open(&o), ERR_OK);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	log_info("kept", "a=1");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	(void)close(fd);
	assert_non_null(strstr(written(), "info kept a=1\n"));
}

static void
errors_have_words(void **state)
{
	(void)state;
	for (int e = ERR_OK; e <= ERR_SYSTEM; e++)
		assert_true(strlen(err_text((enum err)e)) > 3);
	assert_non_null(err_text((enum err)99));
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(hostile_bytes_cannot_end_or_colour_a_line),
		IN_DIR(equal_lines_are_written_five_times_then_counted),
		IN_DIR(many_different_lines_are_all_written),
		IN_DIR(levels_below_the_wanted_one_are_silent),
		IN_DIR(json_lines_keep_pairs_apart_and_escape),
		IN_DIR(a_long_line_is_cut_not_lost),
		IN_DIR(symlinks_and_missing_directories_are_refused),
		IN_DIR(the_file_is_not_for_everyone_and_reopens),
		IN_DIR(a_full_disk_moves_lines_to_stderr),
		cmocka_unit_test(errors_have_words),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
