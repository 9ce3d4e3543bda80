/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_text.c - the words of a log line, as text or as one JSON object.
 *
 * What a stranger sent may stand in a value. No byte of it can end the line,
 * drive a terminal or leave the JSON string it is in. Pure but for the time
 * of day.
 */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void
log_escape(char *to, size_t size, const char *src)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *src != '\0'; src++) {
		unsigned char c = (unsigned char)*src;
		bool plain = c >= 0x20 && c < 0x7f;

		if (n + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = hex[c >> 4];
		to[n++] = hex[c & 15];
	}
	to[n] = '\0';
}

const char *
log_level_word(enum log_level l)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };

	return (size_t)l < ARRAY_LEN(words) ? words[l] : "error";
}

/* UTC with milliseconds, as RFC 3339 wants it. */
static void
time_text(char *to, size_t size)
{
	struct timespec now = { 0 };
	struct tm tm = { 0 };
	char day[32];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	if (strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		day[0] = '\0';
	(void)snprintf(to, size, "%s.%03uZ", day,
	    (unsigned)(now.tv_nsec / 1000000) % 1000u);
}

size_t
log_as_text(const struct log_line *l, bool with_time, char *to, size_t size)
{
	char when[48] = "";
	int n;

	if (with_time) {
		time_text(when, sizeof(when) - 1);
		memcpy(when + strlen(when), " ", 2);
	}
	n = snprintf(to, size, "%s%s %s%s%s\n", when, log_level_word(l->level),
	    l->event, l->text[0] != '\0' ? " " : "", l->text);
	return n > 0 && (size_t)n < size ? (size_t)n : strlen(to);
}

struct writer {
	char *to;
	size_t size;
	size_t used;
};

static void
put(struct writer *w, char c)
{
	if (w->used + 1 < w->size)
		w->to[w->used++] = c;
}

static void
put_string(struct writer *w, const char *s, size_t n)
{
	put(w, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			put(w, '\\');
		put(w, s[i]);
	}
	put(w, '"');
}

static void
put_member(struct writer *w, const char *key, const char *value)
{
	put(w, w->used == 0 ? '{' : ',');
	put_string(w, key, strlen(key));
	put(w, ':');
	put_string(w, value, strlen(value));
}

static size_t
key_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
}

/* `"with spaces"` keeps its spaces; the quotes are not part of the value. */
static const char *
put_value(struct writer *w, const char *s)
{
	const char *end = *s == '"' ? strchr(s + 1, '"') : NULL;
	size_t n;

	if (end != NULL && (end[1] == ' ' || end[1] == '\0')) {
		put_string(w, s + 1, (size_t)(end - s - 1));
		return end + 1;
	}
	n = strcspn(s, " ");
	put_string(w, s, n);
	return s + n;
}

/* Words that are no pair go, with all that follows, to the member "text". */
static void
put_pairs(struct writer *w, const char *s)
{
	while (*s != '\0') {
		size_t n = key_length(s);

		if (n == 0 || s[n] != '=') {
			put_member(w, "text", s);
			return;
		}
		put(w, ',');
		put_string(w, s, n);
		put(w, ':');
		s = put_value(w, s + n + 1);
		s += strspn(s, " ");
	}
}

size_t
log_as_json(const struct log_line *l, char *to, size_t size)
{
	struct writer w = { .to = to, .size = size };
	char when[48];

	time_text(when, sizeof(when));
	put_member(&w, "time", when);
	put_member(&w, "level", log_level_word(l->level));
	put_member(&w, "event", l->event);
	put_pairs(&w, l->text);
	put(&w, '}');
	put(&w, '\n');
	to[w.used] = '\0';
	return w.used;
}
