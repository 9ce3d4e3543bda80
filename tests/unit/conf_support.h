/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_support.h - reading and telling, for the tests of room conf. */
#ifndef HITHER_TESTS_CONF_SUPPORT_H
#define HITHER_TESTS_CONF_SUPPORT_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hither/conf.h>

static struct conf_report *report;
static char *told; /* what the report or a listing says */

static inline int
fresh(void **state)
{
	(void)state;
	report = conf_report_new();
	return report != NULL ? 0 : -1;
}

static inline int
clean(void **state)
{
	(void)state;
	conf_report_free(report);
	free(told);
	told = NULL;
	return 0;
}

static inline struct conf *
load(const char *text)
{
	struct conf_source src = { .text = text,
		.text_bytes = strlen(text),
		.path = "a.yaml" };

	return conf_load(&src, report);
}

static inline const char *
tell(void)
{
	size_t n;
	FILE *out;

	free(told);
	out = open_memstream(&told, &n);
	assert_non_null(out);
	conf_report_print(report, out);
	(void)fclose(out);
	return told;
}

static inline const char *
show(const struct conf *c, enum conf_show_mode mode)
{
	size_t n;
	FILE *out;

	free(told);
	out = open_memstream(&told, &n);
	assert_non_null(out);
	conf_show(c, mode, out);
	(void)fclose(out);
	return told;
}

/* The text is refused, and the report says so in these words. */
static inline void
refused(const char *text, const char *words)
{
	struct conf_report *outer = report;

	report = conf_report_new();
	assert_non_null(report);
	assert_null(load(text));
	assert_true(report->errors > 0);
	if (strstr(tell(), words) == NULL)
		fail_msg("\"%s\" not in:\n%s", words, told);
	conf_report_free(report);
	report = outer;
}

#define REPORTED(f) cmocka_unit_test_setup_teardown(f, fresh, clean)

#endif
