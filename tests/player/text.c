/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - lines and words of a scenario file. `;` outside quotes begins a
 * comment, and so does `#` as a line's first character or in front of a
 * blank's follower. A line with an open parenthesis goes on in the next.
 */
#include "player.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX (8u << 20)

enum err
text_open(struct text *t, struct arena *a, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t room = 65536, len = 0, n;
	char *buf;

	*t = (struct text){ .arena = a };
	if (f == NULL)
		return ERR_SYSTEM;
	buf = memory_new(room);
	while (
	    buf != NULL && (n = fread(buf + len, 1, room - len - 1, f)) > 0) {
		len += n;
		if (len + 1 == room && room < FILE_BYTES_MAX)
			buf = memory_grow(buf, room *= 2);
	}
	fclose(f);
	if (buf == NULL)
		return ERR_MEMORY;
	buf[len] = '\0';
	t->at = arena_copy(a, buf, len + 1);
	memory_free(buf);
	return t->at != NULL ? ERR_OK : ERR_MEMORY;
}

/* Cuts the comment off; returns how many parentheses are left open. */
static int
cut_comment(char *s)
{
	bool quoted = false;
	int open = 0;

	for (char *p = s; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0') {
			p++;
			continue;
		}
		if (*p == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (*p == ';' ||
		    (*p == '#' && (p == s || isspace((unsigned char)p[-1])))) {
			*p = '\0';
			break;
		}
		if (*p == '(')
			open++;
		if (*p == ')')
			open--;
	}
	return open;
}

static char *
raw_line(struct text *t)
{
	char *line = t->at, *end;

	if (line == NULL || *line == '\0')
		return NULL;
	end = strchr(line, '\n');
	if (end != NULL) {
		*end = '\0';
		t->at = end + 1;
	} else {
		t->at = line + strlen(line);
	}
	t->number++;
	return line;
}

static char *
joined_line(struct text *t)
{
	char *line = raw_line(t), *more;
	int open;

	if (line == NULL)
		return NULL;
	open = cut_comment(line);
	while (open > 0 && (more = raw_line(t)) != NULL) {
		open += cut_comment(more);
		line = arena_print(t->arena, "%s %s", line, more);
		if (line == NULL)
			return NULL;
	}
	return line;
}

static void
split(struct text *t, char *s)
{
	t->count = 0;
	while (t->count < TOKENS_MAX) {
		while (isspace((unsigned char)*s))
			s++;
		if (*s == '\0')
			return;
		if (*s == '"' || *s == '\'') {
			const char end[] = { *s, '\0' };

			t->tokens[t->count++] = ++s;
			s += strcspn(s, end);
		} else {
			t->tokens[t->count++] = s;
			while (*s != '\0' && !isspace((unsigned char)*s))
				s++;
		}
		if (*s != '\0')
			*s++ = '\0';
	}
}

bool
text_next(struct text *t)
{
	char *copy;

	for (;;) {
		t->line = joined_line(t);
		if (t->line == NULL)
			return false;
		copy = arena_copy(t->arena, t->line, strlen(t->line) + 1);
		if (copy == NULL)
			return false;
		split(t, copy);
		if (t->count > 0)
			return true;
	}
}

bool
token_is(const struct text *t, size_t i, const char *word)
{
	return i < t->count && strcmp(t->tokens[i], word) == 0;
}
