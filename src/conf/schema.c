/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema.c - the option table as a JSON Schema (draft 7), for editors.
 *
 * Sections of the table stand together and in order, so one pass with a
 * stack of open objects is enough.
 */
#include "read.h"

#include <inttypes.h>
#include <string.h>

static void
put_words(const struct option *o, FILE *out)
{
	fputs("\"type\":\"string\",\"enum\":[", out);
	for (size_t i = 0; o->words[i] != NULL; i++) {
		fputs(i == 0 ? "" : ",", out);
		text_as_json(out, o->words[i]);
	}
	fputc(']', out);
}

static void
put_number(const struct option *o, FILE *out)
{
	char bounds[96];

	(void)snprintf(bounds, sizeof(bounds),
	    "\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, o->least, o->most);
	if (o->unit != NULL)
		fprintf(out,
		    "\"oneOf\":[{\"type\":\"integer\",%s},"
		    "{\"type\":\"string\",\"pattern\":\"^[0-9]+%s$\"}]",
		    bounds, o->unit);
	else if (o->zero_word == NULL)
		fprintf(out, "\"type\":\"integer\",%s", bounds);
	else
		fprintf(out,
		    "\"oneOf\":[{\"type\":\"integer\",%s},"
		    "{\"const\":\"%s\"}]",
		    bounds, o->zero_word);
}

static void
put_pattern(const char *pattern, FILE *out)
{
	fputs("\"type\":\"string\",\"pattern\":", out);
	text_as_json(out, pattern);
}

static void put_group(const struct option *o, FILE *out);

/* The members that describe one value, without braces. */
static void
put_type(const struct option *o, FILE *out)
{
	switch (o->type) {
	case OPTION_BOOL:
		fputs("\"type\":\"boolean\"", out);
		break;
	case OPTION_NUMBER:
		put_number(o, out);
		break;
	case OPTION_REAL:
		fprintf(out,
		    "\"type\":\"number\",\"minimum\":%g,"
		    "\"maximum\":%g",
		    (double)o->least / 1000, (double)o->most / 1000);
		break;
	case OPTION_DURATION:
		put_pattern("^-?[0-9]+(ms|s|m|h|d|w)$", out);
		break;
	case OPTION_SIZE:
		put_pattern("^[0-9]+(B|[KMGT](iB)?)$", out);
		break;
	case OPTION_WORD:
		put_words(o, out);
		break;
	case OPTION_WORDS:
		fputs("\"type\":\"array\",\"minItems\":1,\"items\":{", out);
		put_words(o, out);
		fputc('}', out);
		break;
	case OPTION_MODE:
		put_pattern("^[0-7]{3,5}$", out);
		break;
	case OPTION_PORTS:
		put_pattern("^[0-9]+(-[0-9]+)?$", out);
		break;
	case OPTION_TARGET:
		put_pattern("^(stderr|syslog|journal|file:/.+)$", out);
		break;
	case OPTION_DATE:
		put_pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}"
			    "(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$",
		    out);
		break;
	case OPTION_GROUP:
		put_group(o, out);
		break;
	case OPTION_TEXT:
	case OPTION_ADDRESS:
	case OPTION_SERVER:
	case OPTION_PREFIX:
	case OPTION_NAME:
	case OPTION_RECORD:
	case OPTION_TYPES:
		fputs("\"type\":\"string\"", out);
		break;
	}
}

static void
put_option(const struct option *o, FILE *out)
{
	fputs("{\"description\":", out);
	text_as_json(out, o->help);
	fputc(',', out);
	if (o->is_list)
		fputs("\"type\":\"array\",\"items\":{", out);
	put_type(o, out);
	if (o->is_list)
		fputc('}', out);
	fputc('}', out);
}

static bool
has_short_form(const struct option *o)
{
	for (const struct option *f = o->fields + 1; f->path != NULL; f++) {
		if (f->is_required)
			return false;
	}
	return true;
}

static void
put_group(const struct option *o, FILE *out)
{
	bool is_first = true;

	if (has_short_form(o))
		fputs("\"oneOf\":[{\"type\":\"string\"},{", out);
	fputs("\"type\":\"object\",\"additionalProperties\":false,"
	      "\"properties\":{",
	    out);
	for (const struct option *f = o->fields; f->path != NULL; f++) {
		fprintf(out, "%s\"%s\":", f == o->fields ? "" : ",", f->path);
		put_option(f, out);
	}
	fputs("},\"required\":[", out);
	for (const struct option *f = o->fields; f->path != NULL; f++) {
		if (!f->is_required)
			continue;
		fprintf(out, "%s\"%s\"", is_first ? "" : ",", f->path);
		is_first = false;
	}
	fputc(']', out);
	if (has_short_form(o))
		fputs("}]", out);
}

/* How many dotted parts of path, but for the last, last begins with too. */
static unsigned
shared_sections(const char *path, const char *last)
{
	unsigned shared = 0;
	const char *dot = path;

	while ((dot = strchr(dot, '.')) != NULL) {
		dot++;
		if (strncmp(path, last, (size_t)(dot - path)) != 0)
			break;
		shared++;
	}
	return shared;
}

static unsigned
count_dots(const char *path)
{
	unsigned n = 0;

	for (; *path != '\0'; path++)
		n += *path == '.';
	return n;
}

static void
open_objects(const char *path, unsigned shared, FILE *out)
{
	const char *dot;

	for (unsigned i = 0; (dot = strchr(path, '.')) != NULL; i++) {
		if (i >= shared)
			fprintf(out,
			    "\"%.*s\":{\"type\":\"object\","
			    "\"additionalProperties\":false,"
			    "\"properties\":{\n",
			    (int)(dot - path), path);
		path = dot + 1;
	}
	fprintf(out, "\"%s\":", path);
}

void
conf_schema(FILE *out)
{
	const char *last = "";

	fputs("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\n"
	      "\"title\":\"hither.yaml\",\"type\":\"object\","
	      "\"additionalProperties\":false,\"properties\":{\n"
	      "\"include\":{\"description\":\"Files to read after this "
	      "one.\",\"type\":[\"array\",\"string\"],"
	      "\"items\":{\"type\":\"string\"}}",
	    out);
	for (size_t i = 0; i < options_count; i++) {
		const char *path = options[i].path;
		unsigned shared = shared_sections(path, last);

		for (unsigned d = count_dots(last); d > shared; d--)
			fputs("}}", out);
		fputs(",\n", out);
		open_objects(path, shared, out);
		put_option(&options[i], out);
		last = path;
	}
	for (unsigned d = count_dots(last); d > 0; d--)
		fputs("}}", out);
	fputs("\n}}\n", out);
}
