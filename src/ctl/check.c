/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - what a configuration promises beyond its own text: that its files
 * can be read. The daemon and the tool call the same function, so that a file
 * which passes the check also starts.
 */
#include <stdio.h>

#include <hither/ctl.h>

#define HINTS_BYTES_MAX ((size_t)4 << 20)

enum err
ctl_check_conf(const struct conf *c, char *why, size_t size)
{
	struct arena *a = arena_new(HINTS_BYTES_MAX);
	const char *path = c->server.root_hints;
	struct rrset **sets;
	size_t count = 0;
	int line = 0;
	enum err e = ERR_OK;

	if (a == NULL)
		return ERR_MEMORY;
	if (path[0] != '\0')
		e = hints_read(a, path, &sets, &count, &line);
	if (e == ERR_FORMAT)
		(void)snprintf(why, size,
		    "%s:%d: error: not a record of "
		    "root hints",
		    path, line);
	else if (e != ERR_OK)
		(void)snprintf(why, size,
		    "server.root-hints: error: cannot read %s", path);
	else if (path[0] != '\0' && count == 0) {
		(void)snprintf(why, size,
		    "server.root-hints: error: %s names no root server", path);
		e = ERR_NOT_FOUND;
	}
	arena_free(a);
	return e;
}
