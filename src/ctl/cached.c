/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cached.c - what the cache holds, as lines of a zone file: lookup of one
 * name, dump of a zone. Denials, failures and delegations, which a zone file
 * has no records for, are comments. And the whole of it to a file and back.
 */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE_BUDGET_US 10000000u /* the main thread does nothing else */
#define LINES_MAX      50000u    /* keeps a reply within CTL_REPLY_MAX */
#define LINE_MAX       1200u

struct listing {
	json_t *lines;
	struct arena *arena; /* of one record's text */
	const uint8_t *only; /* this owner; NULL: all */
	uint64_t now_ms;
	bool cut;
};

static const char *
kind_text(enum record_kind k)
{
	static const char *const names[] = {
		[RECORD_SET] = "records",
		[RECORD_NODATA] = "no data",
		[RECORD_NXDOMAIN] = "no such name",
		[RECORD_FAILURE] = "failure",
		[RECORD_DELEGATION] = "delegation",
	};

	return names[k];
}

static void
add_line(struct listing *l, const char *line)
{
	if (json_array_size(l->lines) < LINES_MAX)
		(void)json_array_append_new(l->lines, json_string(line));
	else
		l->cut = true;
}

static void
add_set(struct listing *l, const struct rrset *s, uint32_t ttl)
{
	char name[NAME_TEXT_MAX], type[16];

	for (uint16_t i = 0; i < s->count; i++) {
		const char *rdata = rdata_text(l->arena, s, i);
		const char *line;

		if (rdata == NULL)
			continue;
		line = arena_print(l->arena, "%s %u IN %s %s",
		    name_text(s->owner, name), ttl, type_text(s->type, type),
		    rdata);
		if (line != NULL)
			add_line(l, line);
	}
}

static bool
add_record(void *user, const struct record *r)
{
	struct listing *l = user;
	char name[NAME_TEXT_MAX], type[16], line[LINE_MAX];
	uint32_t ttl = record_ttl(r, l->now_ms);

	if (l->only != NULL && !name_equal(r->owner, l->only))
		return true;
	arena_reset(l->arena);
	if (r->kind != RECORD_SET) {
		(void)snprintf(line, sizeof(line), "; %s %u %s: %s%s%s",
		    name_text(r->owner, name), ttl,
		    r->type != 0 ? type_text(r->type, type) : "any type",
		    kind_text(r->kind),
		    r->kind == RECORD_FAILURE && r->ede != EDE_NONE ? ", " : "",
		    r->kind == RECORD_FAILURE && r->ede != EDE_NONE
			? ede_title(r->ede)
			: "");
		add_line(l, line);
	}
	for (size_t i = 0; i < r->set_count && r->kind != RECORD_FAILURE; i++)
		add_set(l, r->sets[i], ttl);
	return !l->cut;
}

static void
list(struct request *r, const uint8_t *top, bool only)
{
	struct listing l = { .lines = json_array(),
		.arena = arena_new((size_t)4 << 20),
		.only = only ? top : NULL,
		.now_ms = clock_boot_ms() };

	if (l.lines == NULL || l.arena == NULL) {
		json_decref(l.lines);
		arena_free(l.arena);
		request_fail(r, HTTP_FAILED, "no memory");
		return;
	}
	records_list(r->ctl->opts.offer.cache, top, l.now_ms, add_record, &l);
	arena_free(l.arena);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:o, s:b}", "records", l.lines, "cut", l.cut));
}

void
command_cache_lookup(struct request *r)
{
	if (request_name(r, "name"))
		list(r, r->name.wire, true);
}

void
command_cache_dump(struct request *r)
{
	if (request_argument(r, "zone") == NULL)
		list(r, name_root, false);
	else if (request_name(r, "zone"))
		list(r, r->name.wire, false);
}

void
command_cache_stats(struct request *r)
{
	struct cache_counts n;

	cache_count(r->ctl->opts.offer.cache, &n);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:{s:I, s:I}}",
		"records", "count", (json_int_t)n.records, "bytes",
		(json_int_t)n.record_bytes, "bytes_max",
		(json_int_t)n.record_bytes_max, "answers", "count",
		(json_int_t)n.answers, "bytes", (json_int_t)n.answer_bytes,
		"bytes_max", (json_int_t)n.answer_bytes_max, "refused",
		"evictions", (json_int_t)n.evictions, "insertions",
		(json_int_t)n.refusals));
}

/* --- to a file and back ------------------------------------------------ */

static const char *
file_argument(struct request *r)
{
	const char *path = request_argument(r, "file");

	if (path != NULL && path[0] == '/')
		return path;
	request_fail(r, HTTP_BAD, "which file? Its whole path, please");
	return NULL;
}

static void
tell_count(struct request *r, const char *path, uint64_t count)
{
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:I}", "file", path, "records",
		(json_int_t)count));
}

void
command_cache_save(struct request *r)
{
	const struct cache_moment now = { .now_ms = clock_boot_ms(),
		.wall_s = clock_real_s(),
		.budget_us = SAVE_BUDGET_US };
	const char *path = file_argument(r);
	uint64_t count;

	if (path == NULL)
		return;
	if (cache_save(r->ctl->opts.offer.cache, path, &now, &count) == ERR_OK)
		tell_count(r, path, count);
	else
		request_fail(r, HTTP_FAILED, "%s: %s", path, strerror(errno));
}

/* Nothing that would make us wait: no pipe, no device. */
static FILE *
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f = NULL;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		f = fdopen(fd, "r");
	if (f == NULL)
		(void)close(fd);
	return f;
}

void
command_cache_load(struct request *r)
{
	const struct cache_moment now = { .now_ms = clock_boot_ms(),
		.wall_s = clock_real_s() };
	const char *path = file_argument(r);
	uint64_t count;
	FILE *f;
	enum err e;

	if (path == NULL)
		return;
	f = open_file(path);
	if (f == NULL) {
		request_fail(r, HTTP_FAILED, "%s: %s", path, strerror(errno));
		return;
	}
	e = cache_read(r->ctl->opts.offer.cache, f, &now, &count);
	(void)fclose(f);
	if (e == ERR_OK)
		tell_count(r, path, count);
	else
		request_fail(r, HTTP_FAILED, "%s: %s; nothing was taken", path,
		    e == ERR_FORMAT  ? "damaged, or not a saved cache"
		    : e == ERR_RANGE ? "it was saved in the future"
				     : err_text(e));
}
