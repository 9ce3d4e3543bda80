/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value.c - one scalar of the configuration, from text to its type.
 *
 * Types come from the option table, never from how the text looks: `no` is a
 * word for an option that wants words and false only for one that wants a
 * boolean. Durations and sizes need a unit. What is refused is quoted back.
 */
#include "value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUOTED_MAX 64u

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60000 },
	{ "h", 3600000 },
	{ "d", 86400000 },
	{ "w", 604800000 },
};
static const struct unit size_units[] = {
	{ "B", 1 },
	{ "K", 1LL << 10 },
	{ "M", 1LL << 20 },
	{ "G", 1LL << 30 },
	{ "T", 1LL << 40 },
};

static void
quote(const char *text, char *to)
{
	size_t n = 0;

	for (; *text != '\0' && n < QUOTED_MAX - 4; text++)
		to[n++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
	to[n] = '\0';
	if (*text != '\0')
		memcpy(to + n, "...", 4);
}

enum err
scalar_refuse(const struct scalar *s, const char *fmt, ...)
{
	int n = snprintf(s->why, WHY_MAX, "\"%s\" ", s->quoted);
	va_list args;

	if (n < 0 || n >= (int)WHY_MAX)
		return ERR_FORMAT;
	va_start(args, fmt);
	(void)vsnprintf(s->why + n, WHY_MAX - (size_t)n, fmt, args);
	va_end(args);
	return ERR_FORMAT;
}

enum err
scalar_integer(const char *text, int64_t *out, const char **end)
{
	const char *digits = *text == '-' ? text + 1 : text;
	char *after;
	long long n;

	if (*digits < '0' || *digits > '9')
		return ERR_FORMAT;
	errno = 0;
	n = strtoll(text, &after, 10);
	if (errno != 0)
		return ERR_RANGE;
	*out = n;
	*end = after;
	return ERR_OK;
}

static enum err
parse_bool(const struct scalar *s, void *out)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(s->text, words[i]) == 0) {
			bool value = i % 2 == 1;

			memcpy(out, &value, sizeof(value));
			return ERR_OK;
		}
	}
	return scalar_refuse(s, "is neither true nor false");
}

static enum err
parse_number(const struct scalar *s, void *out)
{
	const struct option *o = s->option;
	const char *end = "";
	uint32_t stored;
	int64_t n;
	enum err e;

	if (o->zero_word != NULL && strcmp(s->text, o->zero_word) == 0) {
		memset(out, 0, sizeof(uint32_t));
		return ERR_OK;
	}
	e = scalar_integer(s->text, &n, &end);
	if (e != ERR_FORMAT && o->unit != NULL && strcmp(end, o->unit) == 0)
		end = "";
	if (e == ERR_FORMAT || *end != '\0')
		return scalar_refuse(s, "is not a whole number%s%s",
		    o->zero_word != NULL ? " or " : "",
		    o->zero_word != NULL ? o->zero_word : "");
	if (e != ERR_OK || n < o->least || n > o->most)
		return scalar_refuse(s, "is out of range (%lld to %lld)",
		    (long long)o->least, (long long)o->most);
	stored = (uint32_t)n;
	memcpy(out, &stored, sizeof(stored));
	return ERR_OK;
}

static enum err
parse_real(const struct scalar *s, void *out)
{
	const struct option *o = s->option;
	size_t n = strlen(s->text);
	char *end;
	double value;

	if (n == 0 || n > 32 || strspn(s->text, "0123456789.") != n)
		return scalar_refuse(s, "is not a number like 0.5");
	value = strtod(s->text, &end);
	if (*end != '\0' || !isfinite(value))
		return scalar_refuse(s, "is not a number like 0.5");
	if (value * 1000 < (double)o->least || value * 1000 > (double)o->most)
		return scalar_refuse(s, "is out of range (%g to %g)",
		    (double)o->least / 1000, (double)o->most / 1000);
	memcpy(out, &value, sizeof(value));
	return ERR_OK;
}

static const struct unit *
find_unit(const char *name, const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(name, units[i].name, n) != 0)
			continue;
		/* K is 1024: KiB is welcome, KB would mislead. */
		if (name[n] == '\0' ||
		    (n == 1 && *name != 'B' && units == size_units &&
			strcmp(name + 1, "iB") == 0))
			return &units[i];
	}
	return NULL;
}

static enum err
parse_quantity(const struct scalar *s, int64_t *out)
{
	const struct option *o = s->option;
	bool is_size = o->type == OPTION_SIZE;
	const struct unit *units = is_size ? size_units : duration_units;
	size_t count =
	    is_size ? ARRAY_LEN(size_units) : ARRAY_LEN(duration_units);
	const char *examples = is_size ? "512K, 256M or 2G" : "500ms, 5s or 1h";
	const struct unit *unit;
	const char *end;
	int64_t n;
	enum err e = scalar_integer(s->text, &n, &end);

	if (e == ERR_FORMAT)
		return scalar_refuse(s, "is not a %s like %s",
		    is_size ? "size" : "duration", examples);
	if (e != ERR_OK)
		return scalar_refuse(s, "is too large");
	if (*end == '\0')
		return scalar_refuse(s, "needs a unit, like %s", examples);
	unit = find_unit(end, units, count);
	if (unit == NULL)
		return scalar_refuse(s, "has an unknown unit; use %s",
		    is_size ? "B, K, M, G or T" : "ms, s, m, h, d or w");
	if (__builtin_mul_overflow(n, unit->factor, out))
		return scalar_refuse(s, "is too large");
	return ERR_OK;
}

const char *
value_quantity(const struct option *o, int64_t value, char *to)
{
	bool is_size = o->type == OPTION_SIZE;
	const struct unit *units = is_size ? size_units : duration_units;
	size_t last = is_size ? ARRAY_LEN(size_units) - 1
			      : ARRAY_LEN(duration_units) - 2; /* no weeks */
	size_t i = 0;

	if (value == 0 && !is_size)
		i = 1;
	while (value != 0 && i < last && value % units[i + 1].factor == 0)
		i++;
	(void)snprintf(to, VALUE_QUANTITY_MAX, "%lld%s",
	    (long long)(value / units[i].factor), units[i].name);
	return to;
}

static enum err
parse_duration_or_size(const struct scalar *s, void *out)
{
	char least[VALUE_QUANTITY_MAX], most[VALUE_QUANTITY_MAX];
	const struct option *o = s->option;
	int64_t value = 0;
	enum err e = parse_quantity(s, &value);

	if (e != ERR_OK)
		return e;
	if (value < o->least || value > o->most)
		return scalar_refuse(s, "is out of range (%s to %s)",
		    value_quantity(o, o->least, least),
		    value_quantity(o, o->most, most));
	/* int64_t and uint64_t have one representation for what is left. */
	memcpy(out, &value, sizeof(value));
	return ERR_OK;
}

static void
list_words(const struct option *o, char *to, size_t size)
{
	size_t n = 0;

	to[0] = '\0';
	for (size_t i = 0; o->words[i] != NULL && n < size; i++) {
		const char *gap = i == 0                    ? ""
				  : o->words[i + 1] == NULL ? " or "
							    : ", ";
		int added =
		    snprintf(to + n, size - n, "%s%s", gap, o->words[i]);

		n += added > 0 ? (size_t)added : 0;
	}
}

static enum err
find_word(const struct scalar *s, uint32_t *out)
{
	const struct option *o = s->option;
	struct suggestion near = { .typed = s->text };
	char words[128];

	for (uint32_t i = 0; o->words[i] != NULL; i++) {
		if (strcmp(s->text, o->words[i]) == 0) {
			*out = i;
			return ERR_OK;
		}
		suggest_consider(&near, o->words[i]);
	}
	list_words(o, words, sizeof(words));
	if (near.best != NULL)
		return scalar_refuse(s, "is not %s; did you mean \"%s\"?",
		    words, near.best);
	return scalar_refuse(s, "is not %s", words);
}

static enum err
parse_word(const struct scalar *s, void *out)
{
	uint32_t index;
	enum err e = find_word(s, &index);

	if (e == ERR_OK)
		memcpy(out, &index, sizeof(index));
	return e;
}

/* Adds its bit: the caller starts from zero and brings one word a time. */
static enum err
parse_words(const struct scalar *s, void *out)
{
	uint32_t index, bits;
	enum err e = find_word(s, &index);

	if (e != ERR_OK)
		return e;
	memcpy(&bits, out, sizeof(bits));
	bits |= BIT(index);
	memcpy(out, &bits, sizeof(bits));
	return ERR_OK;
}

static enum err
parse_text(const struct scalar *s, void *out)
{
	size_t most = (size_t)s->option->most;

	for (const char *p = s->text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return scalar_refuse(s, "contains a control character");
	}
	if (strlen(s->text) > most)
		return scalar_refuse(s, "is longer than %zu bytes", most);
	return scalar_store(s, s->text, out);
}

static enum err
parse_mode(const struct scalar *s, void *out)
{
	size_t n = strlen(s->text);
	uint32_t mode;

	if (n < 3 || n > 5 || strspn(s->text, "01234567") != n)
		return scalar_refuse(s, "is not a mode in octal like 0660");
	mode = (uint32_t)strtoul(s->text, NULL, 8);
	if (mode > (uint32_t)s->option->most)
		return scalar_refuse(s, "has more than permission bits");
	memcpy(out, &mode, sizeof(mode));
	return ERR_OK;
}

/* UTC; the time of day may be left out. */
static enum err
parse_date(const struct scalar *s, void *out)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end = strptime(s->text, "%Y-%m-%d", &tm);
	uint64_t at_s;

	if (end != NULL && *end != '\0')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0' || tm.tm_year < 70)
		return scalar_refuse(s,
		    "is not a date like 2027-01-31 or 2027-01-31T12:00:00Z");
	at_s = (uint64_t)timegm(&tm);
	memcpy(out, &at_s, sizeof(at_s));
	return ERR_OK;
}

static const struct {
	const char *word;
	size_t bytes;
	enum err (*parse)(const struct scalar *s, void *out);
} types[OPTION_TYPES] = {
	[OPTION_BOOL] = { "true or false", sizeof(bool), parse_bool },
	[OPTION_NUMBER] = { "number", sizeof(uint32_t), parse_number },
	[OPTION_REAL] = { "number", sizeof(double), parse_real },
	[OPTION_DURATION] = { "duration", sizeof(int64_t),
	    parse_duration_or_size },
	[OPTION_SIZE] = { "size", sizeof(uint64_t), parse_duration_or_size },
	[OPTION_WORD] = { "word", sizeof(uint32_t), parse_word },
	[OPTION_WORDS] = { "words", sizeof(uint32_t), parse_words },
	[OPTION_TEXT] = { "text", sizeof(char *), parse_text },
	[OPTION_MODE] = { "mode", sizeof(uint32_t), parse_mode },
	[OPTION_PORTS] = { "port range", sizeof(struct conf_ports),
	    scalar_parse_ports },
	[OPTION_TARGET] = { "target", sizeof(struct conf_target),
	    scalar_parse_target },
	[OPTION_ADDRESS] = { "address", sizeof(struct addr),
	    scalar_parse_address },
	[OPTION_SERVER] = { "address", sizeof(struct addr),
	    scalar_parse_address },
	[OPTION_PREFIX] = { "prefix", sizeof(struct prefix),
	    scalar_parse_prefix },
	[OPTION_NAME] = { "domain name", sizeof(uint8_t *), scalar_parse_name },
	[OPTION_RECORD] = { "record", sizeof(char *), scalar_parse_record },
	[OPTION_DATE] = { "date", sizeof(uint64_t), parse_date },
	[OPTION_GROUP] = { "group", 0, NULL },
};

const char *
option_type_word(enum option_type type)
{
	return types[type].word;
}

size_t
option_bytes(const struct option *o)
{
	return o->type == OPTION_GROUP ? o->item_bytes : types[o->type].bytes;
}

enum err
value_parse(const struct option *o, const char *text, struct arena *a,
    void *out, char *why)
{
	struct scalar s = { .option = o, .text = text, .why = why, .arena = a };

	quote(text, s.quoted);
	why[0] = '\0';
	return types[o->type].parse != NULL ? types[o->type].parse(&s, out)
					    : ERR_FORMAT;
}
