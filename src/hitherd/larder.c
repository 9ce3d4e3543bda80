/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * larder.c - the cache's file in server.directory: read before the first
 * question, written when the last was answered. A file that cannot be used is
 * told of once; none of this ever stops a start or delays an end.
 */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAVE_BUDGET_US 400000u

static bool
path_of(const struct daemon *d, char *buf, size_t size)
{
	const struct conf *c = d->snapshot->conf;
	int n;

	if (c->server.directory[0] == '\0' || !c->cache.save_on_exit)
		return false;
	n = snprintf(buf, size, "%s/cache.records", c->server.directory);
	return n > 0 && (size_t)n < size;
}

void
larder_open(struct daemon *d)
{
	const struct cache_moment now = { .now_ms = clock_boot_ms(),
		.wall_s = clock_real_s() };
	char path[4096];
	uint64_t count;
	enum err e;

	if (!path_of(d, path, sizeof(path)))
		return;
	e = cache_load(d->commons.cache, path, &now, &count);
	if (e == ERR_OK)
		log_info("cache-loaded", "file=%s records=%llu", path,
		    (unsigned long long)count);
	else if (e == ERR_FORMAT)
		log_warn("cache-not-loaded",
		    "file=%s why=damaged set-aside=%s.damaged", path, path);
	else if (e != ERR_NOT_FOUND)
		log_warn("cache-not-loaded", "file=%s why=\"%s\"", path,
		    e == ERR_RANGE ? "the clock went back" : err_text(e));
}

void
larder_close(struct daemon *d)
{
	const struct cache_moment now = { .now_ms = clock_boot_ms(),
		.wall_s = clock_real_s(),
		.budget_us = SAVE_BUDGET_US };
	char path[4096];
	uint64_t count;

	if (!path_of(d, path, sizeof(path)))
		return;
	if (cache_save(d->commons.cache, path, &now, &count) == ERR_OK)
		log_info("cache-saved", "file=%s records=%llu", path,
		    (unsigned long long)count);
	else
		log_warn("cache-not-saved", "file=%s why=\"%s\"", path,
		    strerror(errno));
}
