/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c - what is wrong with a configuration, all of it at once.
 *
 * Each problem keeps its place and the line it stands in, so that a report
 * outlives the files. Lines are shown with one column for one character;
 * bytes that would drive a terminal or break JSON are shown as '?'.
 */
#include "read.h"

#include <string.h>

#define LINE_BYTES_MAX 160u
#define REPORT_BYTES   (1u << 20)

struct conf_report *
conf_report_new(void)
{
	struct conf_report *r = memory_new(sizeof(*r));

	if (r == NULL)
		return NULL;
	r->arena = arena_new(REPORT_BYTES);
	if (r->arena == NULL) {
		memory_free(r);
		return NULL;
	}
	return r;
}

void
conf_report_free(struct conf_report *r)
{
	if (r == NULL)
		return;
	arena_free(r->arena);
	memory_free(r);
}

static void
tame(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\t')
			*text = ' ';
		else if (*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

/* Line number `line` of source, one byte a character, cut when long. */
static const char *
copy_line(struct arena *a, const char *source, uint32_t line)
{
	char copy[LINE_BYTES_MAX + 1];
	size_t n = 0;

	for (; line > 1; line--) {
		source = strchr(source, '\n');
		if (source == NULL)
			return NULL;
		source++;
	}
	for (; *source != '\0' && *source != '\n' && *source != '\r' &&
	       n < LINE_BYTES_MAX;
	     source++) {
		unsigned char c = (unsigned char)*source;

		if (c >= 0x80 && c < 0xc0)
			continue; /* the rest of a character */
		copy[n++] = c >= 0x80 ? '?' : (char)c;
	}
	copy[n] = '\0';
	tame(copy);
	return arena_copy(a, copy, n + 1);
}

static void
keep_problem(struct conf_report *report, bool is_warning,
    const struct conf_mark *at, const char *text)
{
	struct arena *a = report->arena;
	struct conf_problem *p = arena_take(a, sizeof(*p));
	const char *file = at->file;

	if (p == NULL)
		return;
	p->is_warning = is_warning;
	p->at = *at;
	p->at.source = NULL;
	p->text = arena_copy(a, text, strlen(text) + 1);
	if (file != NULL)
		p->at.file = arena_copy(a, file, strlen(file) + 1);
	if (at->source != NULL && at->line > 0)
		p->source_line = copy_line(a, at->source, at->line);
	if (arena_over(a))
		return;
	if (report->last == NULL)
		report->first = p;
	else
		report->last->next = p;
	report->last = p;
}

void
conf_report_add(struct conf_report *r, const char *text)
{
	const struct conf_mark nowhere = { .file = NULL };

	if (++r->errors + r->warnings <= CONF_PROBLEMS_MAX)
		keep_problem(r, false, &nowhere, text);
}

void
problem_add(struct reader *r, bool is_warning, const struct conf_mark *at,
    const char *fmt, ...)
{
	struct conf_report *report = r->report;
	char text[512];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	tame(text);
	if (is_warning)
		report->warnings++;
	else
		report->errors++;
	if (report->errors + report->warnings <= CONF_PROBLEMS_MAX)
		keep_problem(report, is_warning, at, text);
}

static void
print_source(const struct conf_problem *p, FILE *out)
{
	size_t length = strlen(p->source_line);
	uint32_t column = p->at.column, width = p->at.width;

	fprintf(out, "%5u | %s\n", (unsigned)p->at.line, p->source_line);
	if (column == 0 || column > length + 1)
		return;
	if (width > length + 1 - column)
		width = (uint32_t)(length + 1 - column);
	fprintf(out, "      | %*s^", (int)(column - 1), "");
	for (uint32_t i = 1; i < width; i++)
		fputc('~', out);
	fputc('\n', out);
}

static void
print_place(const struct conf_mark *at, FILE *out)
{
	if (at->file != NULL)
		fprintf(out, "%s:", at->file);
	if (at->line > 0)
		fprintf(out, "%u:%u:", (unsigned)at->line,
		    (unsigned)at->column);
	if (at->file != NULL)
		fputc(' ', out);
}

static void
print_counts(const struct conf_report *r, FILE *out)
{
	if (r->errors + r->warnings > CONF_PROBLEMS_MAX)
		fprintf(out, "only the first %u problems are shown\n",
		    CONF_PROBLEMS_MAX);
	if (r->errors > 0)
		fprintf(out, "%u error%s", r->errors,
		    r->errors == 1 ? "" : "s");
	if (r->errors > 0 && r->warnings > 0)
		fputs(", ", out);
	if (r->warnings > 0)
		fprintf(out, "%u warning%s", r->warnings,
		    r->warnings == 1 ? "" : "s");
	if (r->errors + r->warnings > 0)
		fputc('\n', out);
}

void
conf_report_print(const struct conf_report *r, FILE *out)
{
	for (const struct conf_problem *p = r->first; p != NULL; p = p->next) {
		print_place(&p->at, out);
		fprintf(out, "%s: %s\n", p->is_warning ? "warning" : "error",
		    p->text);
		if (p->source_line != NULL)
			print_source(p, out);
	}
	print_counts(r, out);
}

void
text_as_json(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fputc('\\', out);
		if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void
conf_report_json(const struct conf_report *r, FILE *out)
{
	fprintf(out, "{\"errors\":%u,\"warnings\":%u,\"problems\":[", r->errors,
	    r->warnings);
	for (const struct conf_problem *p = r->first; p != NULL; p = p->next) {
		fprintf(out, "%s\n{\"severity\":\"%s\",\"file\":",
		    p == r->first ? "" : ",",
		    p->is_warning ? "warning" : "error");
		if (p->at.file != NULL)
			text_as_json(out, p->at.file);
		else
			fputs("null", out);
		fprintf(out, ",\"line\":%u,\"column\":%u,\"message\":",
		    (unsigned)p->at.line, (unsigned)p->at.column);
		text_as_json(out, p->text);
		fputc('}', out);
	}
	fputs("]}\n", out);
}
