/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secrets.c - the secrets of cookies for clients, as several servers share
 * them: a file of one or two lines of 32 hexadecimal digits. The first makes
 * cookies, the second is still or already believed, so that all servers of an
 * address can be told of a new one, then use it, then forget the old one
 * (RFC 9018 section 5).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hither/ctl.h>

#define LINE_ROOM 200u

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c | (c >= 'A' ? 0x20 : 0));

	return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

static bool
parse_secret(const char *text, struct hash_key *out)
{
	for (size_t i = 0; i < sizeof(out->bytes); i++) {
		int high = digit(text[2 * i]);
		int low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return text[strspn(text + 2 * sizeof(out->bytes), " \t\r\n") +
		    2 * sizeof(out->bytes)] == '\0';
}

static enum err
parse_line(const char *line, struct cookie_secrets *out)
{
	const char *text = line + strspn(line, " \t\r\n");

	if (text[0] == '\0' || text[0] == '#')
		return ERR_OK;
	if (out->count == COOKIE_SECRETS_MAX)
		return ERR_LIMIT;
	return parse_secret(text, &out->keys[out->count++]) ? ERR_OK
							    : ERR_FORMAT;
}

static enum err
parse_file(FILE *f, const char *path, struct cookie_secrets *out, char *why,
    size_t size)
{
	char line[LINE_ROOM];
	enum err e = ERR_OK;
	unsigned number = 0;

	while (e == ERR_OK && fgets(line, sizeof(line), f) != NULL) {
		number++;
		e = parse_line(line, out);
	}
	if (e == ERR_FORMAT)
		(void)snprintf(why, size,
		    "%s:%u: error: a secret is 32 hexadecimal digits", path,
		    number);
	else if (e == ERR_LIMIT)
		(void)snprintf(why, size,
		    "%s:%u: error: there can be %u secrets", path, number,
		    COOKIE_SECRETS_MAX);
	else if (ferror(f) != 0 || out->count == 0) {
		(void)snprintf(why, size, "%s: error: there is no secret in it",
		    path);
		e = ERR_NOT_FOUND;
	}
	return e;
}

enum err
ctl_read_secrets(const struct conf *c, struct cookie_secrets *out, char *why,
    size_t size)
{
	const char *path = c->resolver.cookie_secret_file;
	enum err e;
	FILE *f;

	*out = (struct cookie_secrets){ .count = 0 };
	if (path[0] == '\0')
		return ERR_OK;
	f = fopen(path, "re");
	if (f == NULL) {
		(void)snprintf(why, size,
		    "resolver.cookie-secret-file: error: cannot read %s: %s",
		    path, strerror(errno));
		return ERR_SYSTEM;
	}
	e = parse_file(f, path, out, why, size);
	(void)fclose(f);
	return e;
}
