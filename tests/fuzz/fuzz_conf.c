/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_conf.c - any text as a configuration: it is read or refused with a
 * reason, and what is read is listed as a text that reads back the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include <hither/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
complain_of_change(void *user, const struct conf_change *change)
{
	(void)user;
	fprintf(stderr, "%s: %s became %s\n", change->option, change->before,
	    change->after);
	abort();
}

static struct conf *
load(const char *text, size_t n, struct conf_report *report)
{
	struct conf_source src = { .text = text, .text_bytes = n };

	return conf_load(&src, report);
}

static void
read_back(const struct conf *c)
{
	struct conf_report *report = conf_report_new();
	struct conf *again;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (report == NULL || out == NULL)
		abort();
	conf_show(c, CONF_SHOW_ALL, out);
	(void)fclose(out);
	again = load(text, n, report);
	if (again == NULL && n < (1u << 20)) {
		conf_report_print(report, stderr);
		abort();
	}
	if (again != NULL &&
	    conf_diff(c, again, complain_of_change, NULL) != ERR_OK)
		abort();
	conf_free(again);
	conf_report_free(report);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct conf_report *report = conf_report_new();
	FILE *nowhere = fopen("/dev/null", "w");
	struct conf *c;

	if (report == NULL || nowhere == NULL)
		abort();
	c = load((const char *)bytes, n, report);
	if ((c == NULL) != (report->errors > 0))
		abort();
	conf_report_print(report, nowhere);
	conf_report_json(report, nowhere);
	if (c != NULL)
		read_back(c);
	conf_free(c);
	conf_report_free(report);
	(void)fclose(nowhere);
	return 0;
}
