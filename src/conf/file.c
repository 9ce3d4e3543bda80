/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - the files of a configuration and what they include.
 *
 * Included files are read after the one that names them, in name order, and
 * stand on their own: their options start at the top. Sizes, number and
 * depth are bounded, which also ends circles.
 */
#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

/* All of fd, NUL-terminated in the arena, or NULL with errno or 0. */
static char *
read_all(struct reader *r, int fd, size_t *length)
{
	char *text = memory_grow(NULL, READ_FILE_BYTES_MAX + 1);
	char *copy = NULL;
	size_t n = 0;
	ssize_t got = 1;

	errno = ENOMEM;
	if (text == NULL)
		return NULL;
	while (got != 0 && n <= READ_FILE_BYTES_MAX) {
		got = read(fd, text + n, READ_FILE_BYTES_MAX + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto out;
		n += (size_t)got;
	}
	errno = EFBIG;
	if (n > READ_FILE_BYTES_MAX || n > READ_TOTAL_BYTES_MAX - r->bytes)
		goto out;
	errno = ENOMEM;
	copy = arena_take(r->arena, n + 1);
	if (copy == NULL)
		goto out;
	memcpy(copy, text, n);
	r->bytes += n;
	*length = n;
out:
	memory_free(text);
	return copy;
}

void
file_read(struct reader *r, const char *path, unsigned depth,
    const struct conf_mark *from)
{
	struct document d = { .r = r,
		.has_lines = true,
		.depth = depth,
		.may_include = true };
	int fd;

	if (++r->files > READ_FILES_MAX) {
		if (r->files == READ_FILES_MAX + 1)
			problem_add(r, false, from, "more than %u files",
			    READ_FILES_MAX);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		problem_add(r, false, from, "cannot open %.200s: %s", path,
		    strerror(errno));
		return;
	}
	d.source = read_all(r, fd, &d.source_bytes);
	if (d.source == NULL)
		problem_add(r, false, from, "cannot read %.200s: %s", path,
		    strerror(errno));
	(void)close(fd);
	d.file = arena_copy(r->arena, path, strlen(path) + 1);
	if (d.source != NULL && d.file != NULL)
		text_read(&d);
}

/* The pattern, taken from the directory of the including file. */
static const char *
beside(const struct document *d, const char *pattern)
{
	const char *slash = strrchr(d->file, '/');
	size_t n = slash != NULL ? (size_t)(slash - d->file) + 1 : 0;

	if (pattern[0] == '/' || n == 0)
		return pattern;
	return arena_print(d->r->arena, "%.*s%s", (int)n, d->file, pattern);
}

static void
include_pattern(struct document *d, const yaml_node_t *node)
{
	struct conf_mark at = node_mark(d, node);
	const char *pattern = (const char *)node->data.scalar.value;
	const char *path;
	glob_t found = { 0 };
	int rc;

	if (node->type != YAML_SCALAR_NODE || pattern[0] == '\0') {
		problem_add(d->r, false, &at,
		    "include: names of files, or "
		    "patterns like conf.d/*.yaml");
		return;
	}
	path = beside(d, pattern);
	if (path == NULL)
		return;
	if (strpbrk(path, "*?[") == NULL) {
		file_read(d->r, path, d->depth + 1, &at);
		return;
	}
	rc = glob(path, 0, NULL, &found);
	if (rc != 0 && rc != GLOB_NOMATCH)
		problem_add(d->r, false, &at, "include: cannot look for %.120s",
		    path);
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		file_read(d->r, found.gl_pathv[i], d->depth + 1, &at);
	globfree(&found);
}

void
file_include(struct document *d, const yaml_node_t *node)
{
	struct conf_mark at = node_mark(d, node);

	if (!d->may_include) {
		problem_add(d->r, false, &at,
		    "include: only files can include");
		return;
	}
	if (d->depth >= READ_INCLUDE_DEPTH) {
		problem_add(d->r, false, &at,
		    "include: more than %u deep; a circle?",
		    READ_INCLUDE_DEPTH);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		include_pattern(d, node);
		return;
	}
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		const yaml_node_t *item = node_at(d, *i);

		if (!node_visit(d, item, 2))
			return;
		include_pattern(d, item);
	}
}
