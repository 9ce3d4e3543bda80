/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show.c - a configuration as text, and what sets two apart.
 *
 * The listing is itself a configuration that reads back to the same values.
 */
#include "table.h"

#include <string.h>

/* Writes the sections of path that the last option was not in; the depth. */
static unsigned
open_sections(const char *path, const char *last, FILE *out)
{
	unsigned depth = 0;
	bool same = true;
	const char *dot;

	while ((dot = strchr(path, '.')) != NULL) {
		size_t n = (size_t)(dot - path) + 1;

		same = same && strncmp(path, last, n) == 0;
		if (!same)
			fprintf(out, "%*s%.*s:\n", (int)(2 * depth), "",
			    (int)(n - 1), path);
		last = same ? last + n : last;
		path = dot + 1;
		depth++;
	}
	return depth;
}

static const char *
leaf(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

static void
show_origin(const struct conf_mark *at, FILE *out)
{
	if (at->file == NULL)
		fputs("  # built in", out);
	else if (at->line > 0)
		fprintf(out, "  # %s:%u", at->file, (unsigned)at->line);
	else
		fprintf(out, "  # %s", at->file);
}

/* Values of built-in options are told apart by their origin alone. */
static bool
is_changed(const struct conf *c, size_t i, const struct conf *built_in,
    const char *value)
{
	char *initial;
	bool differs;

	if (c->origins[i].file == NULL)
		return false;
	initial =
	    built_in != NULL ? render_option(&options[i], built_in) : NULL;
	differs = initial == NULL || strcmp(initial, value) != 0;
	memory_free(initial);
	return differs;
}

static struct conf *
load_built_in(void)
{
	struct conf_source none = { 0 };
	struct conf_report *report = conf_report_new();
	struct conf *c = NULL;

	if (report != NULL)
		c = conf_load(&none, report);
	conf_report_free(report);
	return c;
}

void
conf_show(const struct conf *c, enum conf_show_mode mode, FILE *out)
{
	struct conf *built_in =
	    mode == CONF_SHOW_CHANGED ? load_built_in() : NULL;
	const char *last = "";

	for (size_t i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		char *value = render_option(o, c);
		unsigned depth;

		if (value == NULL)
			fprintf(out, "# %s: no memory left\n", o->path);
		if (value == NULL || (mode == CONF_SHOW_CHANGED &&
					 !is_changed(c, i, built_in, value))) {
			memory_free(value);
			continue;
		}
		depth = open_sections(o->path, last, out);
		last = o->path;
		fprintf(out, "%*s%s: %s", (int)(2 * depth), "", leaf(o->path),
		    value);
		if (mode == CONF_SHOW_ORIGIN)
			show_origin(&c->origins[i], out);
		fputc('\n', out);
		memory_free(value);
	}
	conf_free(built_in);
}

enum err
conf_diff(const struct conf *before, const struct conf *after,
    void (*seen)(void *user, const struct conf_change *change), void *user)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		char *was = render_option(o, before);
		char *is = render_option(o, after);
		bool known = was != NULL && is != NULL;

		if (known && strcmp(was, is) != 0) {
			struct conf_change change = { .option = o->path,
				.reloadable = !o->needs_restart,
				.before = was,
				.after = is };

			seen(user, &change);
		}
		memory_free(was);
		memory_free(is);
		if (!known)
			return ERR_MEMORY;
	}
	return ERR_OK;
}
