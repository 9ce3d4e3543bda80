/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * local.c - what the tool does by itself: everything about the configuration
 * that needs no running daemon.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define DEFAULT_CONF   HITHER_SYSCONFDIR "/hither.yaml"
#define DEFAULT_SOCKET "/run/hither/control.sock"

static const char *
conf_path(const struct invocation *how)
{
	if (how->conf != NULL)
		return how->conf;
	return access(DEFAULT_CONF, R_OK) == 0 ? DEFAULT_CONF : NULL;
}

static struct conf *
load(const char *path, struct conf_report *report)
{
	struct conf_source source = { .path = path,
		.environ = (const char *const *)environ };

	return conf_load(&source, report);
}

const char *
local_socket(const struct invocation *how, char *buf, size_t size)
{
	const char *path = conf_path(how);
	struct conf_report *report;
	struct conf *c;

	(void)snprintf(buf, size, "%s", DEFAULT_SOCKET);
	if (how->socket != NULL)
		return how->socket;
	if (path == NULL)
		return buf;
	report = conf_report_new();
	c = report != NULL ? load(path, report) : NULL;
	if (c == NULL)
		fprintf(stderr,
		    "hitherctl: %s cannot be used (see hitherctl checkconf); "
		    "trying the usual socket\n",
		    path);
	else if (c->control.socket[0] == '\0')
		fprintf(stderr,
		    "hitherctl: %s turns the control socket off; trying the "
		    "usual one\n",
		    path);
	else
		(void)snprintf(buf, size, "%s", c->control.socket);
	conf_free(c);
	conf_report_free(report);
	return buf;
}

static int
checkconf(const struct invocation *how, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : conf_path(how);
	struct conf_report *report = conf_report_new();
	struct conf *c;
	char why[512] = "no memory";
	enum err e = ERR_MEMORY;

	if (report == NULL)
		return EXIT_REFUSED;
	c = load(path, report);
	if (c != NULL)
		e = ctl_check_conf(c, why, sizeof(why));
	if (!how->json && (report->errors > 0 || report->warnings > 0))
		conf_report_print(report, stderr);
	if (c != NULL && e != ERR_OK)
		conf_report_add(report, why);
	if (how->json)
		conf_report_json(report, stdout);
	else if (c != NULL && e != ERR_OK)
		fprintf(stderr, "%s\n", why);
	else if (c != NULL)
		printf("%s: all right\n",
		    path != NULL ? path : "built-in configuration");
	conf_free(c);
	conf_report_free(report);
	return e == ERR_OK ? EXIT_DONE : EXIT_REFUSED;
}

static int
schema(const struct invocation *how, int argc, char **argv)
{
	(void)how;
	(void)argc;
	(void)argv;
	conf_schema(stdout);
	return EXIT_DONE;
}

static int
sample(const struct invocation *how, int argc, char **argv)
{
	(void)how;
	(void)argc;
	(void)argv;
	conf_sample(stdout);
	return EXIT_DONE;
}

static int
manual(const struct invocation *how, int argc, char **argv)
{
	(void)how;
	(void)argc;
	(void)argv;
	conf_man(stdout);
	return EXIT_DONE;
}

static const struct {
	const char *first, *second, *usage, *help;
	int most; /* words, with those of the command */
	int (*run)(const struct invocation *how, int argc, char **argv);
} locals[] = {
	{ "checkconf", NULL, "checkconf [FILE]",
	    "Checks a configuration as the daemon would.", 2, checkconf },
	{ "schema", NULL, "schema",
	    "The JSON Schema of the configuration, for editors.", 1, schema },
	{ "config", "sample", "config sample",
	    "A file with every option, its default and its meaning.", 2,
	    sample },
	{ "config", "manual", "config manual", "The source of hither.conf(5).",
	    2, manual },
};

int
local_run(const struct invocation *how, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(locals); i++) {
		int words = locals[i].second != NULL ? 2 : 1;

		if (argc < words || strcmp(argv[0], locals[i].first) != 0)
			continue;
		if (words == 2 && strcmp(argv[1], locals[i].second) != 0)
			continue;
		if (argc <= locals[i].most && strncmp(argv[argc - 1], "--", 2))
			return locals[i].run(how, argc, argv);
		fprintf(stderr, "usage: hitherctl %s\n", locals[i].usage);
		return EXIT_USAGE;
	}
	return -1;
}

void
local_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(locals); i++)
		fprintf(out, "  %-34s %s\n", locals[i].usage, locals[i].help);
}
