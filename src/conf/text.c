/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - text to YAML nodes, and what libyaml's errors really mean.
 *
 * libyaml names the token it did not expect; people want to hear about the
 * tab, the colon or the star they typed.
 */
#include "read.h"

#include <string.h>

/* The line with that number (from 0): its start, and its length. */
static const char *
find_line(const struct document *d, size_t line, size_t *length)
{
	const char *at = d->source;

	for (; line > 0; line--) {
		const char *next = strchr(at, '\n');

		if (next == NULL)
			break;
		at = next + 1;
	}
	*length = strcspn(at, "\n");
	return at;
}

static bool
line_has(const char *line, size_t length, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= length; i++) {
		if (memcmp(line + i, what, n) == 0)
			return true;
	}
	return false;
}

/* A star that begins a word, as in "- *.example". */
static bool
has_star(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '*' &&
		    (i == 0 || strchr(" [,:{-", line[i - 1]) != NULL))
			return true;
	}
	return false;
}

static const char *
explain(const struct document *d, size_t line)
{
	size_t length;
	const char *text = find_line(d, line, &length);

	if (memchr(text, '\t', length) != NULL)
		return "; indent with spaces, YAML allows no tabs";
	if (has_star(text, length))
		return "; quote names with a *, as in \"*.example\"";
	if (line_has(text, length, "::"))
		return "; quote IPv6 addresses, as in \"::1\"";
	if (line_has(text, length, "%") || line_has(text, length, "@") ||
	    line_has(text, length, "`"))
		return "; quote values that begin with % @ or `";
	return "";
}

/* The mark of a syntax error: where it is, else where the context began. */
static yaml_mark_t
error_mark(const yaml_parser_t *parser)
{
	bool has_mark =
	    parser->problem_mark.line > 0 || parser->problem_mark.column > 0;

	return has_mark ? parser->problem_mark : parser->context_mark;
}

static void
syntax_error(struct document *d, const yaml_parser_t *parser)
{
	yaml_mark_t mark = error_mark(parser);
	struct conf_mark at = { .file = d->file };
	const char *hint;

	if (parser->error == YAML_MEMORY_ERROR) {
		problem_add(d->r, false, &at, "no memory left");
		return;
	}
	if (d->has_lines && parser->error != YAML_READER_ERROR) {
		at.source = d->source;
		at.line = (uint32_t)mark.line + 1;
		at.column = (uint32_t)mark.column + 1;
		at.width = 1;
	}
	hint = explain(d, mark.line);
	if (hint[0] == '\0' && parser->context != NULL)
		hint = explain(d, parser->context_mark.line);
	if (parser->error == YAML_READER_ERROR)
		problem_add(d->r, false, &at, "not UTF-8 text: %s at byte %zu",
		    parser->problem, parser->problem_offset);
	else
		problem_add(d->r, false, &at, "not YAML: %s%s%s%s",
		    parser->context != NULL ? parser->context : "",
		    parser->context != NULL ? ", " : "",
		    parser->problem != NULL ? parser->problem : "", hint);
}

bool
text_load(struct document *d, yaml_parser_t *parser)
{
	struct conf_mark at = { .file = d->file };

	if (yaml_parser_initialize(parser) == 0) {
		problem_add(d->r, false, &at, "no memory left");
		return false;
	}
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)d->source,
	    d->source_bytes);
	if (yaml_parser_load(parser, &d->yaml) == 0) {
		syntax_error(d, parser);
		yaml_parser_delete(parser);
		return false;
	}
	return true;
}

/* What follows a first document that was read without complaint. */
static void
refuse_second(struct document *d, yaml_parser_t *parser)
{
	const yaml_node_t *root;
	struct conf_mark at;

	yaml_document_delete(&d->yaml);
	if (yaml_parser_load(parser, &d->yaml) == 0) {
		syntax_error(d, parser);
		return;
	}
	root = yaml_document_get_root_node(&d->yaml);
	at = node_mark(d, root);
	if (root != NULL)
		problem_add(d->r, false, &at,
		    "a second YAML document begins here; one is allowed");
	yaml_document_delete(&d->yaml);
}

void
text_read(struct document *d)
{
	yaml_parser_t parser;
	const yaml_node_t *root;

	if (!text_load(d, &parser))
		return;
	root = yaml_document_get_root_node(&d->yaml);
	if (root == NULL) {
		yaml_document_delete(&d->yaml);
	} else {
		tree_read(d, root);
		refuse_second(d, &parser);
	}
	yaml_parser_delete(&parser);
}

void
text_read_value(struct document *d, const struct option *o)
{
	struct conf_mark at = { .file = d->file };
	yaml_parser_t parser;
	const yaml_node_t *root;

	if (!text_load(d, &parser))
		return;
	root = yaml_document_get_root_node(&d->yaml);
	if (root == NULL)
		problem_add(d->r, false, &at, "%s: has no value", o->path);
	else
		tree_set(d, o, root);
	yaml_document_delete(&d->yaml);
	yaml_parser_delete(&parser);
}
