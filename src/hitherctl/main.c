/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - hitherctl: one command to a running hitherd.
 *
 * Its arguments come from the same table the server reads. Exit codes: 0
 * done, 1 refused or failed, 2 wrong usage, 3 no daemon reached.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define PATH_BYTES 8192u

enum { OPT_SOCKET = 256, OPT_JSON, OPT_VERSION };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* --- help -------------------------------------------------------------- */

static void
usage_of(const struct ctl_command *c, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "%s", c->name);

	for (size_t i = 0; i < CTL_ARGUMENTS_MAX && at < size; i++) {
		const struct ctl_argument *a = &c->arguments[i];
		char word[32];
		size_t j = 0;

		if (a->kind == CTL_NO_ARGUMENT)
			break;
		for (; j < sizeof(word) - 1 && a->name[j] != '\0'; j++)
			word[j] = a->kind == CTL_FLAG || a->name[j] < 'a' ||
					  a->name[j] > 'z'
				      ? a->name[j]
				      : (char)(a->name[j] - 'a' + 'A');
		word[j] = '\0';
		at += (size_t)snprintf(buf + at, size - at,
		    a->kind == CTL_FLAG       ? " [--%s]"
		    : a->kind == CTL_OPTIONAL ? " [%s]"
					      : " %s",
		    word);
	}
}

static void
print_help(FILE *out)
{
	char usage[128];

	fprintf(out, "usage: hitherctl [--socket PATH | -c FILE] [--json] "
		     "COMMAND\n\n");
	for (const struct ctl_command *c = ctl_commands(); c->name != NULL;
	     c++) {
		usage_of(c, usage, sizeof(usage));
		fprintf(out, "  %-34s %s\n", usage, c->help);
	}
	fprintf(out, "\nWithout a daemon:\n");
	local_help(out);
	fprintf(out, "\nExit codes: 0 done, 1 refused or failed, 2 wrong "
		     "usage, 3 no daemon reached.\n");
}

/* --- from words to a path ---------------------------------------------- */

/* How many words name the command: 0, 1 or 2. */
static int
names_it(const char *name, int argc, char **argv)
{
	size_t first = strcspn(name, " ");

	if (argc < 1 || strlen(argv[0]) != first ||
	    strncmp(name, argv[0], first) != 0)
		return 0;
	if (name[first] == '\0')
		return 1;
	return argc > 1 && strcmp(name + first + 1, argv[1]) == 0 ? 2 : 0;
}

/* Percent-encodes into the path; false: it is full. */
static bool
add_encoded(char *path, const char *text)
{
	size_t at = strlen(path);

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-._", c) != NULL;

		if (at + 4 >= PATH_BYTES)
			return false;
		if (plain)
			path[at++] = (char)c;
		else
			at += (size_t)snprintf(path + at, 4, "%%%02X", c);
	}
	path[at] = '\0';
	return true;
}

static bool
add_argument(char *path, const char *name, const char *value)
{
	size_t at = strlen(path);

	if (at + strlen(name) + 3 >= PATH_BYTES)
		return false;
	(void)snprintf(path + at, PATH_BYTES - at,
	    "%c%s=", strchr(path, '?') != NULL ? '&' : '?', name);
	return add_encoded(path, value);
}

static const struct ctl_argument *
flag_named(const struct ctl_command *c, const char *word)
{
	for (size_t i = 0; i < CTL_ARGUMENTS_MAX; i++)
		if (c->arguments[i].kind == CTL_FLAG &&
		    strcmp(c->arguments[i].name, word) == 0)
			return &c->arguments[i];
	return NULL;
}

/* The daemon stands in another folder: it is told whole paths. */
static bool
add_file(char *path, const char *file)
{
	char whole[PATH_BYTES];

	if (file[0] == '/')
		return add_argument(path, "file", file);
	if (getcwd(whole, sizeof(whole)) == NULL ||
	    strlen(whole) + strlen(file) + 2 > sizeof(whole))
		return false;
	(void)strcat(strcat(whole, "/"), file);
	return add_argument(path, "file", whole);
}

/* False: the words do not fit the command. */
static bool
build_path(const struct ctl_command *c, int argc, char **argv, char *path)
{
	const struct ctl_argument *next = c->arguments;
	const struct ctl_argument *flag;

	(void)snprintf(path, PATH_BYTES, "/v1/%s", c->name);
	if (strchr(path, ' ') != NULL)
		*strchr(path, ' ') = '/';
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0) {
			flag = flag_named(c, argv[i] + 2);
			if (flag == NULL ||
			    !add_argument(path, flag->name, "1"))
				return false;
			continue;
		}
		if (next->kind != CTL_REQUIRED && next->kind != CTL_OPTIONAL)
			return false;
		if (strcmp(next->name, "file") == 0
			? !add_file(path, argv[i])
			: !add_argument(path, next->name, argv[i]))
			return false;
		next++;
	}
	return next->kind != CTL_REQUIRED;
}

/* --- asking ------------------------------------------------------------ */

static int
show(const struct ctl_command *c, const struct invocation *how,
    const struct reply *reply)
{
	json_t *body = json_loads(reply->body, 0, NULL);
	const char *error = json_string_value(json_object_get(body, "error"));
	const char *report = json_string_value(json_object_get(body, "report"));

	if (how->json)
		(void)fwrite(reply->body, 1, reply->len, stdout);
	else if (reply->code == 200 && body != NULL)
		render(c->name, body, stdout);
	else if (reply->code == 200) /* text, and meant for programs */
		(void)fwrite(reply->body, 1, reply->len, stdout);
	else
		fprintf(stderr, "hitherctl: %s\n",
		    error != NULL                    ? error
		    : strcmp(c->name, "health") == 0 ? "not healthy"
						     : "no answer");
	if (!how->json && report != NULL)
		fputs(report, stderr);
	json_decref(body);
	return reply->code == 200 ? EXIT_DONE : EXIT_REFUSED;
}

static int
ask(const struct ctl_command *c, const struct invocation *how, const char *path)
{
	char buf[128];
	const char *socket_path = local_socket(how, buf, sizeof(buf));
	struct reply reply;
	int code;

	if (!http_ask(socket_path, c->changes ? "POST" : "GET", path, &reply)) {
		fprintf(stderr, "hitherctl: no %s at %s: %s\n",
		    errno == ETIMEDOUT || errno == EPROTO ? "answer" : "daemon",
		    socket_path, strerror(errno));
		return EXIT_UNREACHED;
	}
	code = show(c, how, &reply);
	free(reply.body);
	return code;
}

/* What a full disk or a closed pipe did not take was not done. */
static int
finish(int code)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return code;
	fprintf(stderr, "hitherctl: cannot write: %s\n", strerror(errno));
	return code == EXIT_DONE ? EXIT_REFUSED : code;
}

static int
run(const struct invocation *how, int argc, char **argv)
{
	char path[PATH_BYTES], usage[128];
	int words, code = local_run(how, argc, argv);

	if (code >= 0)
		return code;
	for (const struct ctl_command *c = ctl_commands(); c->name != NULL;
	     c++) {
		words = names_it(c->name, argc, argv);
		if (words == 0)
			continue;
		if (build_path(c, argc - words, argv + words, path))
			return ask(c, how, path);
		usage_of(c, usage, sizeof(usage));
		fprintf(stderr, "usage: hitherctl %s\n", usage);
		return EXIT_USAGE;
	}
	fprintf(stderr,
	    "hitherctl: there is no command \"%s\"; try "
	    "hitherctl --help\n",
	    argv[0]);
	return EXIT_USAGE;
}

/*
 * Options of ours may stand before or behind the command; those of commands
 * are left for them.
 */
static int
take_json(struct invocation *how, int argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			how->json = true;
		else
			argv[kept++] = argv[i];
	}
	return kept;
}

int
main(int argc, char **argv)
{
	struct invocation how = { .json = false };
	int c;

	/* "+": stop at the command, its flags are its own. */
	while (
	    (c = getopt_long(argc, argv, "+c:h", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			how.conf = optarg;
			break;
		case OPT_SOCKET:
			how.socket = optarg;
			break;
		case OPT_JSON:
			how.json = true;
			break;
		case OPT_VERSION:
			printf("hitherctl %s\n", PACKAGE_VERSION);
			return EXIT_DONE;
		case 'h':
			print_help(stdout);
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	argc = take_json(&how, argc - optind, argv + optind);
	if (argc == 0) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	return finish(run(&how, argc, argv + optind));
}
