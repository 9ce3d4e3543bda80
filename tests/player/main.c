/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - hither-player: plays scenario files, each in a child with a limit
 * on its time, so that a crash is one failure.
 *
 * hither-player [--index FILE] [--expected FILE] [--verbose]
 *     [--only CATEGORY,...] [--list-skips] FILE|DIR...
 *
 * The index tells the category and the grade of each scenario. The other file
 * names those in which we rightly differ, each with its reason: one that
 * passes all the same is a failure too, since its reason is no longer true.
 */
#include "player.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_MAX    (64u << 20)
#define CPU_SECONDS  10u
#define REAL_SECONDS 60u
#define SKIPS_MAX    256u

enum mark { MARK_OK, MARK_FAIL, MARK_SKIP };

struct skip_count {
	char reason[TEXT_MAX];
	unsigned count;
};

struct tally {
	const char *only;
	char *index;
	char *expected;
	unsigned passed, failed, skipped, differ;
	struct skip_count skips[SKIPS_MAX];
	size_t skip_kinds;
	bool verbose, list_skips;
};

/* What the index says of a scenario. */
struct listing {
	char category[64];
	char grade[64];
};

/* --- the index -------------------------------------------------------- */

static char *
read_list(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = f != NULL ? memory_new(1u << 20) : NULL;

	if (text == NULL) {
		fprintf(stderr, "hither-player: cannot read %s\n", path);
		exit(2);
	}
	/* Zeroed memory ends it. */
	if (fread(text, 1, (1u << 20) - 1, f) == 0)
		exit(2);
	fclose(f);
	return text;
}

/* "dir/name" of "/a/b/dir/name.rpl". */
static void
short_name(const char *path, char *buf, size_t size)
{
	const char *at = strrchr(path, '/');
	size_t n;

	while (at != NULL && at > path && at[-1] != '/')
		at--;
	snprintf(buf, size, "%s", at != NULL && *at != '/' ? at : path);
	n = strlen(buf);
	if (n > 4 && strcmp(buf + n - 4, ".rpl") == 0)
		buf[n - 4] = '\0';
}

static bool
look_up(const char *index, const char *name, struct listing *out)
{
	size_t n = strlen(name);
	const char *at = index;

	*out = (struct listing){ .category = "" };
	while (at != NULL && *at != '\0') {
		if (strncmp(at, name, n) == 0 && at[n] == '\t')
			return sscanf(at + n + 1, "%63[^\t]\t%63[^\t]",
				   out->category, out->grade) == 2;
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	return false;
}

/* The reason why `name` is expected to differ, in buf; NULL: it is not. */
static const char *
reason_to_differ(const char *expected, const char *name, char *buf)
{
	size_t n = strlen(name);
	const char *at = expected;

	while (at != NULL && *at != '\0') {
		if (strncmp(at, name, n) == 0 &&
		    (at[n] == ' ' || at[n] == '\t'))
			return sscanf(at + n, " %255[^\n]", buf) == 1 ? buf
								      : NULL;
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	return NULL;
}

static bool
is_wanted(const char *only, const char *category)
{
	size_t n = strlen(category);

	if (only == NULL)
		return true;
	while (*only != '\0') {
		size_t word = strcspn(only, ",");

		if (word == n && strncmp(only, category, n) == 0)
			return true;
		only += word;
		only += *only == ',';
	}
	return false;
}

/* --- one scenario, in a child ----------------------------------------- */

static enum mark
play_file(const char *path, struct scenario *sc)
{
	sc->arena = arena_new(ARENA_MAX);
	if (sc->arena == NULL)
		return MARK_FAIL;
	if (!scenario_read(sc, path))
		return MARK_FAIL;
	if (sc->skip != NULL) {
		snprintf(sc->why, TEXT_MAX, "%s", sc->skip);
		return MARK_SKIP;
	}
	return scenario_play(sc) ? MARK_OK : MARK_FAIL;
}

_Noreturn static void
child(const char *path, struct scenario *sc, int out)
{
	struct rlimit cpu = { .rlim_cur = CPU_SECONDS,
		.rlim_max = CPU_SECONDS + 1 };
	enum mark v;

	(void)setrlimit(RLIMIT_CPU, &cpu);
	alarm(REAL_SECONDS);
	v = play_file(path, sc);
	if (write(out, sc->why, strlen(sc->why)) < 0)
		v = MARK_FAIL;
	arena_free(sc->arena);
	exit((int)v);
}

static void
read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < size && (n = read(fd, buf + len, size - len - 1)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
}

static enum mark
play_in_child(const char *path, struct scenario *sc)
{
	int fds[2], status;
	pid_t pid;

	fflush(NULL);
	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		perror("hither-player");
		exit(2);
	}
	if (pid == 0) {
		close(fds[0]);
		child(path, sc, fds[1]);
	}
	close(fds[1]);
	read_all(fds[0], sc->why, TEXT_MAX);
	close(fds[0]);
	if (waitpid(pid, &status, 0) < 0)
		return MARK_FAIL;
	if (WIFSIGNALED(status)) {
		snprintf(sc->why, TEXT_MAX, "ended by signal %d: %s",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		return MARK_FAIL;
	}
	if (WEXITSTATUS(status) > MARK_SKIP)
		snprintf(sc->why, TEXT_MAX, "ended with status %d",
		    WEXITSTATUS(status));
	return WEXITSTATUS(status) <= MARK_SKIP ? (enum mark)WEXITSTATUS(status)
						: MARK_FAIL;
}

/* --- all of them ------------------------------------------------------ */

static void
count_skip(struct tally *t, const char *reason)
{
	size_t i = 0;

	while (i < t->skip_kinds && strcmp(t->skips[i].reason, reason) != 0)
		i++;
	if (i == SKIPS_MAX)
		return;
	if (i == t->skip_kinds) {
		t->skip_kinds++;
		snprintf(t->skips[i].reason, TEXT_MAX, "%s", reason);
	}
	t->skips[i].count++;
}

static void
report(struct tally *t, const char *name, enum mark v, const char *why)
{
	char buf[256];
	const char *differs = reason_to_differ(t->expected, name, buf);

	if (v == MARK_SKIP) {
		t->skipped++;
		count_skip(t, why);
		printf("skip %s: %s\n", name, why);
	} else if (v == MARK_FAIL && differs != NULL) {
		t->differ++;
		printf("ok   %s: differs as expected: %s\n", name, differs);
	} else if (v == MARK_OK && differs == NULL) {
		t->passed++;
		printf("ok   %s\n", name);
	} else {
		t->failed++;
		printf("FAIL %s: %s\n", name,
		    v == MARK_FAIL ? why : "passes, but is expected to differ");
	}
}

static void
run_file(struct tally *t, const char *path)
{
	struct scenario sc = { .verbose = t->verbose };
	struct listing listing;
	char name[256];

	short_name(path, name, sizeof(name));
	look_up(t->index, name, &listing);
	if (!is_wanted(t->only, listing.category))
		return;
	sc.relaxed = strstr(listing.grade, "-relaxed") != NULL;
	report(t, name, play_in_child(path, &sc), sc.why);
}

static void
run_path(struct tally *t, const char *path, unsigned depth)
{
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		run_file(t, path);
		return;
	}
	n = depth < 4 ? scandir(path, &names, NULL, alphasort) : 0;
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		size_t len = strlen(name);
		char full[4096];

		snprintf(full, sizeof(full), "%s/%s", path, name);
		if (name[0] != '.' &&
		    (names[i]->d_type == DT_DIR ||
			(len > 4 && strcmp(name + len - 4, ".rpl") == 0)))
			run_path(t, full, depth + 1);
		free(names[i]);
	}
	if (n > 0)
		free(names);
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: hither-player [--index FILE] [--expected FILE] "
	    "[--verbose]\n"
	    "           [--only CATEGORY,...] [--list-skips] FILE|DIR...\n");
	return 2;
}

/* The first argument that is not an option; 0: wrong usage. */
static int
read_options(int argc, char **argv, struct tally *t)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			t->verbose = true;
		else if (strcmp(argv[i], "--list-skips") == 0)
			t->list_skips = true;
		else if (strcmp(argv[i], "--index") == 0 && i + 1 < argc)
			t->index = read_list(argv[++i]);
		else if (strcmp(argv[i], "--expected") == 0 && i + 1 < argc)
			t->expected = read_list(argv[++i]);
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			t->only = argv[++i];
		else
			return 0;
	}
	return i < argc ? i : 0;
}

int
main(int argc, char **argv)
{
	struct tally *t = memory_new(sizeof(*t));
	int first = t != NULL ? read_options(argc, argv, t) : 0;
	bool failed;

	if (first == 0)
		return usage();
	for (int i = first; i < argc; i++)
		run_path(t, argv[i], 0);
	for (size_t i = 0; t->list_skips && i < t->skip_kinds; i++)
		printf("%5u skipped: %s\n", t->skips[i].count,
		    t->skips[i].reason);
	printf("scenarios: %u passed, %u failed, %u skipped", t->passed,
	    t->failed, t->skipped);
	if (t->differ > 0)
		printf(", %u differ as expected", t->differ);
	printf("\n");
	failed = t->failed > 0;
	memory_free(t->index);
	memory_free(t->expected);
	memory_free(t);
	return failed;
}
