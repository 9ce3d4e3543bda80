/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.c - the option table as hither.conf(5) and as a sample file.
 *
 * The manual is written as scdoc(5) source; the sample is every option with
 * its built-in value, commented out, so that it changes nothing as it is.
 */
#include "table.h"

#include <string.h>

#define SAMPLE_WIDTH 76u

/* --- manual --------------------------------------------------------------- */

static const char man_intro[] =
    "hither.conf(5)\n"
    "\n"
    "# NAME\n"
    "\n"
    "hither.conf - configuration of the hither DNS resolver\n"
    "\n"
    "# DESCRIPTION\n"
    "\n"
    "hitherd(8) reads one YAML file. Everything has a built-in value: "
    "without a file it serves the machine it runs on and nobody else. A "
    "name that is not described here is an error. _hitherd --check_ tells "
    "all that is wrong with a file.\n"
    "\n"
    "Durations and sizes need a unit: _ms_, _s_, _m_, _h_, _d_, _w_, and "
    "_B_, _K_, _M_, _G_, _T_ (powers of 1024). IPv6 addresses, and names "
    "with a star, are best quoted. Tabs do not indent.\n"
    "\n"
    "# SEVERAL SOURCES\n"
    "\n"
    "Later ones win:\n"
    "\n"
    ". the built-in values\n"
    ". the file\n"
    ". the files it includes: _include: [conf.d/\\*.yaml]_, in name order, "
    "relative to the file that includes\n"
    ". the environment: _HITHER_CACHE\\_\\_RECORDS=2G_; two underscores "
    "stand for the dot, one for the hyphen\n"
    ". the command line: _--set cache.records=2G_\n"
    "\n"
    "Lists append, but the built-in value of a list goes with its first "
    "use. The tag _!override_ before a list replaces what other sources "
    "said. A mapping may merge another with _<<_.\n"
    "\n"
    "# OPTIONS\n"
    "\n"
    "Options marked _restart_ are read at the start only; the others also "
    "by _hitherctl reload_.\n";

static const char man_end[] =
    "\n"
    "# EXAMPLE\n"
    "\n"
    "```\n"
    "listen:\n"
    "  - 127.0.0.1\n"
    "  - {address: \"2001:db8::53\", port: 53, transports: [udp, tcp]}\n"
    "access-control:\n"
    "  - {net: 127.0.0.0/8, action: allow}\n"
    "  - {net: \"2001:db8::/32\", action: allow}\n"
    "cache:\n"
    "  records: 512M\n"
    "zones:\n"
    "  - {name: corp.example, type: forward, servers: [10.0.0.1]}\n"
    "```\n"
    "\n"
    "# FILES\n"
    "\n"
    "_/etc/hither/hither.yaml_\n"
    "\n"
    "# SEE ALSO\n"
    "\n"
    "hitherd(8), hitherctl(8)\n";

/* scdoc takes _ and * for markup and a line's first . # for structure. */
static void
put_escaped(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (strchr("_*\\[#~`<>", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void
put_words(const struct option *o, FILE *out)
{
	for (size_t i = 0; o->words[i] != NULL; i++) {
		fputs(i == 0                    ? ""
		      : o->words[i + 1] == NULL ? " or "
						: ", ",
		    out);
		fprintf(out, "_%s_", o->words[i]);
	}
}

static void
put_range(const struct option *o, FILE *out)
{
	char least[VALUE_QUANTITY_MAX], most[VALUE_QUANTITY_MAX];

	switch (o->type) {
	case OPTION_NUMBER:
		fprintf(out, ", %lld to %lld%s", (long long)o->least,
		    (long long)o->most, o->unit != NULL ? o->unit : "");
		if (o->zero_word != NULL)
			fprintf(out, " or _%s_", o->zero_word);
		break;
	case OPTION_REAL:
		fprintf(out, ", %g to %g", (double)o->least / 1000,
		    (double)o->most / 1000);
		break;
	case OPTION_DURATION:
	case OPTION_SIZE:
		fprintf(out, ", %s to %s", value_quantity(o, o->least, least),
		    value_quantity(o, o->most, most));
		break;
	case OPTION_WORD:
	case OPTION_WORDS:
		fputs(": ", out);
		put_words(o, out);
		break;
	case OPTION_BOOL:
	case OPTION_TEXT:
	case OPTION_MODE:
	case OPTION_PORTS:
	case OPTION_TARGET:
	case OPTION_ADDRESS:
	case OPTION_SERVER:
	case OPTION_PREFIX:
	case OPTION_NAME:
	case OPTION_RECORD:
	case OPTION_DATE:
	case OPTION_GROUP:
	case OPTION_TYPES:
		break;
	}
}

static void
put_facts(const struct option *o, FILE *out)
{
	if (o->type == OPTION_GROUP)
		fputs("List of mappings", out);
	else
		fprintf(out, "%s%s", o->is_list ? "List, each: " : "Type: ",
		    option_type_word(o->type));
	put_range(o, out);
	if (o->is_required)
		fputs("; required", out);
	if (o->initial != NULL && o->initial[0] != '\0') {
		fputs("; built in: ", out);
		put_escaped(o->initial, out);
	}
	if (o->needs_restart)
		fputs("; _restart_", out);
	if (o->rfc != NULL)
		fprintf(out, "; see %s", o->rfc);
	fputs(".\n", out);
}

static void
man_option(const struct option *o, FILE *out)
{
	fprintf(out, "\n*%s*\n\t", o->path);
	put_escaped(o->help, out);
	fputs("\n\n\t", out);
	put_facts(o, out);
	if (o->type != OPTION_GROUP)
		return;
	for (const struct option *f = o->fields; f->path != NULL; f++) {
		fprintf(out, "\n\t*%s*\n\t\t", f->path);
		put_escaped(f->help, out);
		fputs("\n\n\t\t", out);
		put_facts(f, out);
	}
}

/* The section an option is in, or NULL. */
static const struct option_section *
find_section(const char *path)
{
	size_t n = strcspn(path, ".");

	for (size_t i = 0; path[n] == '.' && i < sections_count; i++) {
		if (strlen(sections[i].name) == n &&
		    strncmp(sections[i].name, path, n) == 0)
			return &sections[i];
	}
	return NULL;
}

/* A heading for the options from i on that are in no section. */
static void
man_run(size_t i, FILE *out)
{
	fprintf(out, "\n## %s", options[i].path);
	for (i++; i < options_count && strchr(options[i].path, '.') == NULL;
	     i++)
		fprintf(out, ", %s", options[i].path);
	fputc('\n', out);
}

void
conf_man(FILE *out)
{
	const struct option_section *last = NULL;

	fputs(man_intro, out);
	for (size_t i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		const struct option_section *now = find_section(o->path);

		if (now != last && now != NULL)
			fprintf(out, "\n## %s\n\n%s\n", now->name, now->help);
		else if (now == NULL && last != NULL)
			man_run(i, out);
		man_option(o, out);
		last = now;
	}
	fputs(man_end, out);
}

/* --- sample --------------------------------------------------------------- */

/* "# text": one blank marks words, none or more the YAML to uncomment. */
static void
put_comment(const char *text, FILE *out)
{
	size_t column = 1;

	fputc('#', out);
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column + n + 1 > SAMPLE_WIDTH) {
			fputs("\n#", out);
			column = 1;
		}
		fprintf(out, " %.*s", (int)n, text);
		column += n + 1;
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

/* A built-in value: items of a list one a line. */
static void
sample_value(const struct option *o, int indent, FILE *out)
{
	const char *item = o->initial + 1;
	unsigned depth = 0;

	if (!o->is_list || strcmp(o->initial, "[]") == 0) {
		fprintf(out, " %s\n", o->initial);
		return;
	}
	fputc('\n', out);
	for (const char *p = item; *p != '\0'; p++) {
		depth += *p == '{';
		depth -= *p == '}';
		if (depth > 0 || (*p != ',' && *p != ']'))
			continue;
		fprintf(out, "#%*s- %.*s\n", indent + 2, "", (int)(p - item),
		    item);
		item = p + 1 + (p[1] == ' ');
	}
}

static void
sample_fields(const struct option *o, FILE *out)
{
	fputs("# An item: {", out);
	for (const struct option *f = o->fields; f->path != NULL; f++)
		fprintf(out, "%s%s: %s", f == o->fields ? "" : ", ", f->path,
		    f->initial != NULL ? f->initial : "...");
	fputs("}\n", out);
}

static const char *
leaf(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

/* The name of a section in a section, before the first option in it. */
static void
sample_inner(const char *path, const char *last, FILE *out)
{
	size_t first = strcspn(path, ".") + 1;
	size_t n = (size_t)(leaf(path) - path);

	if (n > first && strncmp(path, last, n) != 0)
		fprintf(out, "#  %.*s:\n", (int)(n - first - 1), path + first);
}

static void
sample_option(const struct option *o, const char *last, FILE *out)
{
	int indent = 0;

	for (const char *p = o->path; *p != '\0'; p++)
		indent += *p == '.' ? 2 : 0;
	fputc('\n', out);
	sample_inner(o->path, last, out);
	put_comment(o->help, out);
	if (o->type == OPTION_GROUP)
		sample_fields(o, out);
	fprintf(out, "#%*s%s:", indent, "", leaf(o->path));
	sample_value(o, indent, out);
}

void
conf_sample(FILE *out)
{
	const struct option_section *section = NULL;
	const char *last = "";

	fputs("# hither.yaml - every option with its built-in value.\n"
	      "# To change one, take the # away before it and before the name "
	      "of its section.\n"
	      "# Manual: hither.conf(5); check: hitherd --check.\n",
	    out);
	for (size_t i = 0; i < options_count; i++) {
		const struct option_section *now =
		    find_section(options[i].path);

		if (now != NULL && now != section)
			fprintf(out, "\n# --- %s\n#%s:\n", now->help,
			    now->name);
		section = now;
		sample_option(&options[i], last, out);
		last = options[i].path;
	}
}
