/* SPDX-License-Identifier: BSD-3-Clause */
/* log.h - how one line of the log is worded; private to base. */
#ifndef HITHER_BASE_LOG_H
#define HITHER_BASE_LOG_H

#include <hither/base.h>

#define LOG_EVENT_MAX 64u
#define LOG_TEXT_MAX  1024u
#define LOG_LINE_MAX  4096u

struct log_line {
	enum log_level level;
	char event[LOG_EVENT_MAX];
	char text[LOG_TEXT_MAX]; /* "key=value key=value", escaped */
};

/* Copies src, with control and non-ASCII bytes as \xHH; cuts at size. */
void log_escape(char *to, size_t size, const char *src);
const char *log_level_word(enum log_level l);
/* Both end the line with '\n' and return its length. */
size_t log_as_text(const struct log_line *l, bool with_time, char *to,
    size_t size);
size_t log_as_json(const struct log_line *l, char *to, size_t size);

#endif
