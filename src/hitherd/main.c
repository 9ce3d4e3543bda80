/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - the command line of hitherd.
 *
 * Exit codes: 0 all right, 1 the configuration or the start failed, 2 wrong
 * usage.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

#define SETS_MAX 64u

enum { OPT_CHECK = 256, OPT_SET, OPT_TAKEOVER, OPT_VERSION, OPT_HELP };

static const struct option_help {
	const char *left, *right;
} helps[] = {
	{ "-c, --config FILE", "read FILE (" DEFAULT_CONF ")" },
	{ "    --check", "check the configuration and end" },
	{ "    --set OPTION=VALUE", "set an option, over all files" },
	{ "    --takeover", "start beside a hitherd that has the port" },
	{ "    --version", "print the version and end" },
	{ "-h, --help", "print this and end" },
};

static void
print_help(FILE *out)
{
	fprintf(out, "usage: hitherd [options]\n\n"
		     "A recursive DNS resolver; runs in the foreground.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(helps); i++)
		fprintf(out, "  %-24s %s\n", helps[i].left, helps[i].right);
	fprintf(out, "\nExit codes: 0 all right, 1 the configuration or the "
		     "start failed, 2 wrong usage.\n");
}

static int
wrong_usage(const char *why)
{
	if (why != NULL)
		fprintf(stderr, "hitherd: %s\n", why);
	fprintf(stderr, "Try hitherd --help.\n");
	return 2;
}

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "set", required_argument, NULL, OPT_SET },
	{ "takeover", no_argument, NULL, OPT_TAKEOVER },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* -1: go on; otherwise the exit code. */
static int
read_command_line(int argc, char **argv, struct invocation *how,
    const char **sets)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			how->source.path = optarg;
			break;
		case OPT_CHECK:
			how->check = true;
			break;
		case OPT_SET:
			if (how->source.set_count == SETS_MAX)
				return wrong_usage("too many --set");
			sets[how->source.set_count++] = optarg;
			break;
		case OPT_TAKEOVER:
			how->takeover = true;
			break;
		case OPT_VERSION:
			printf("hitherd %s\n", PACKAGE_VERSION);
			return 0;
		case 'h':
			print_help(stdout);
			return 0;
		default:
			return wrong_usage(NULL);
		}
	}
	return optind == argc ? -1 : wrong_usage("no arguments are expected");
}

static void
print_log_trouble(const struct conf *c)
{
	const char *to = c->logging.target.to == LOG_TO_JOURNAL
			     ? "journal"
			     : c->logging.target.path;

	fprintf(stderr, "hitherd: cannot open logging.target %s: %s\n", to,
	    strerror(errno));
}

int
main(int argc, char **argv)
{
	const char *sets[SETS_MAX];
	struct invocation how = { .source = { .sets = sets,
				      .environ =
					  (const char *const *)environ } };
	int code;
	struct snapshot *s;

	memory_set_up();
	code = read_command_line(argc, argv, &how, sets);
	if (code >= 0)
		return code;
	s = daemon_configure(&how, 1);
	if (s == NULL)
		return 1;
	if (how.check) {
		snapshot_drop(s);
		return 0;
	}
	if (daemon_open_log(s->conf) != ERR_OK) {
		print_log_trouble(s->conf);
		snapshot_drop(s);
		return 1;
	}
	return daemon_run(&how, s);
}
