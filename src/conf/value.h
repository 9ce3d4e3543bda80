/* SPDX-License-Identifier: BSD-3-Clause */
/* value.h - what the parsers of single scalars share; private to conf. */
#ifndef HITHER_CONF_VALUE_H
#define HITHER_CONF_VALUE_H

#include "table.h"

#define QUOTED_MAX 64u

/* One scalar on its way; what the functions below share. */
struct scalar {
	const struct option *option;
	const char *text;
	char quoted[QUOTED_MAX]; /* text, cut and without strange bytes */
	char *why;
	struct arena *arena;
};

/* Writes `"text" ` and then what the format says to why; ERR_FORMAT. */
enum err scalar_refuse(const struct scalar *s, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
/* Decimal digits, perhaps a minus; *end is what follows. */
enum err scalar_integer(const char *text, int64_t *out,
    const char **end) MUST_USE;
/* Copies text into the arena and its address to out. */
enum err scalar_store(const struct scalar *s, const char *text,
    void *out) MUST_USE;

/* value_net.c */
enum err scalar_parse_ports(const struct scalar *s, void *out) MUST_USE;
enum err scalar_parse_target(const struct scalar *s, void *out) MUST_USE;
enum err scalar_parse_address(const struct scalar *s, void *out) MUST_USE;
enum err scalar_parse_prefix(const struct scalar *s, void *out) MUST_USE;
enum err scalar_parse_name(const struct scalar *s, void *out) MUST_USE;
enum err scalar_parse_record(const struct scalar *s, void *out) MUST_USE;

#endif
