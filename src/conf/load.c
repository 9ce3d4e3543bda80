/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load.c - all sources of a configuration, in their order, into one conf.
 *
 * 1. the main file (or a text), 2. what it includes, 3. the environment,
 * 4. --set, 5. built-in values for what nobody said, 6. the checks between
 * options. Errors do not stop this; they only keep the result from being
 * handed out.
 */
#include "read.h"

#include <string.h>

#define ENVIRON_PREFIX "HITHER_"

/* --- environment and --set ------------------------------------------------ */

/* Text values stand as they are; lists and their kin are read as YAML. */
static void
set_from_text(struct reader *r, const struct option *o, const char *file,
    const char *text)
{
	bool is_yaml = o->is_list || o->type == OPTION_WORDS;
	struct document d = { .r = r,
		.file = file,
		.source = text,
		.source_bytes = strlen(text) };
	size_t i = (size_t)(o - options);
	struct conf_mark at = { .file = file };
	char why[WHY_MAX];
	void *out = (unsigned char *)r->conf + o->offset;

	if (is_yaml) {
		text_read_value(&d, o);
		return;
	}
	r->origins[i] = at;
	r->is_set[i] = true;
	if (value_parse(o, text, r->arena, out, why) != ERR_OK)
		problem_add(r, false, &at, "%s: %s", o->path,
		    why[0] != '\0' ? why : "no memory left");
}

/* CACHE__FAILURE_TTL__MAX to cache.failure-ttl.max; false when too long. */
static bool
path_of_variable(const char *name, size_t length, char *path)
{
	size_t n = 0;

	if (length >= READ_PATH_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		if (c == '_' && i + 1 < length && name[i + 1] == '_') {
			c = '.';
			i++;
		} else if (c == '_') {
			c = '-';
		} else if (c >= 'A' && c <= 'Z') {
			c = (char)(c - 'A' + 'a');
		}
		path[n++] = c;
	}
	path[n] = '\0';
	return true;
}

/* Kubernetes tells every container about a service of our name like this. */
static bool
is_service_link(const char *path)
{
	return strncmp(path, "service-", 8) == 0 || strcmp(path, "port") == 0 ||
	       strncmp(path, "port-", 5) == 0;
}

static void
read_variable(struct reader *r, const char *variable)
{
	const char *name = variable + sizeof(ENVIRON_PREFIX) - 1;
	const char *equals = strchr(name, '=');
	const struct option *o;
	char path[READ_PATH_MAX];
	struct conf_mark at = { 0 };

	if (equals == NULL ||
	    !path_of_variable(name, (size_t)(equals - name), path) ||
	    is_service_link(path))
		return;
	at.file = arena_print(r->arena, "environment %.*s",
	    (int)(equals - variable), variable);
	o = tree_find(path);
	if (o != NULL && at.file != NULL)
		set_from_text(r, o, at.file, equals + 1);
	else if (strchr(path, '.') != NULL)
		tree_unknown(r, &at, path);
	else
		problem_add(r, true, &at, "no option is called \"%.60s\"",
		    path);
}

static void
read_environ(struct reader *r, const char *const *environ_list)
{
	for (size_t i = 0; environ_list != NULL && environ_list[i] != NULL;
	     i++) {
		if (strncmp(environ_list[i], ENVIRON_PREFIX,
			sizeof(ENVIRON_PREFIX) - 1) == 0)
			read_variable(r, environ_list[i]);
	}
}

static void
read_set(struct reader *r, const char *set)
{
	const char *equals = strchr(set, '=');
	struct conf_mark at = { .file = arena_print(r->arena, "--set %.120s",
				    set) };
	const struct option *o;
	char path[READ_PATH_MAX];

	if (at.file == NULL)
		return;
	if (equals == NULL || (size_t)(equals - set) >= sizeof(path)) {
		problem_add(r, false, &at, "write --set option=value");
		return;
	}
	memcpy(path, set, (size_t)(equals - set));
	path[equals - set] = '\0';
	o = tree_find(path);
	if (o == NULL)
		tree_unknown(r, &at, path);
	else
		set_from_text(r, o, at.file, equals + 1);
}

/* --- the whole ------------------------------------------------------------ */

static void
read_main(struct reader *r, const struct conf_source *src)
{
	struct conf_mark at = { 0 };
	struct document d = { .r = r, .has_lines = true };
	char *copy;

	if (src->text == NULL) {
		if (src->path != NULL)
			file_read(r, src->path, 0, &at);
		return;
	}
	d.file = src->path != NULL ? src->path : "(text)";
	d.file = arena_copy(r->arena, d.file, strlen(d.file) + 1);
	at.file = d.file;
	if (src->text_bytes > READ_FILE_BYTES_MAX) {
		problem_add(r, false, &at, "larger than %u bytes",
		    READ_FILE_BYTES_MAX);
		return;
	}
	d.source_bytes = src->text_bytes;
	copy = arena_take(r->arena, src->text_bytes + 1);
	if (copy == NULL || d.file == NULL)
		return;
	memcpy(copy, src->text, src->text_bytes);
	d.source = copy;
	text_read(&d);
}

static void
fill_built_in(struct reader *r)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		struct document d = { .r = r,
			.source = o->initial,
			.source_bytes = strlen(o->initial) };

		if (!r->is_set[i])
			text_read_value(&d, o);
	}
}

static void
read_sources(struct reader *r, const struct conf_source *src)
{
	struct conf_mark at = { .file = "--set" };

	read_main(r, src);
	read_environ(r, src->environ);
	for (size_t i = 0; i < src->set_count && i < READ_SETS_MAX; i++)
		read_set(r, src->sets[i]);
	if (src->set_count > READ_SETS_MAX)
		problem_add(r, false, &at, "more than %u of them",
		    READ_SETS_MAX);
	/* What the sources spent must not leave the rest without values. */
	r->nodes = 0;
	fill_built_in(r);
	check_conf(r);
}

struct conf *
conf_load(const struct conf_source *src, struct conf_report *report)
{
	struct arena *a = arena_new(READ_ARENA_BYTES);
	struct reader r = { .arena = a, .report = report };
	struct conf_mark nowhere = { 0 };

	if (a != NULL) {
		r.conf = arena_take(a, sizeof(*r.conf));
		r.origins = arena_take(a, options_count * sizeof(*r.origins));
		r.is_set = arena_take(a, options_count * sizeof(*r.is_set));
	}
	if (a != NULL && !arena_over(a)) {
		read_sources(&r, src);
		r.conf->arena = a;
		r.conf->origins = r.origins;
	}
	if (a == NULL || arena_over(a))
		problem_add(&r, false, &nowhere,
		    "the configuration does not fit into memory");
	if (report->errors == 0)
		return r.conf;
	arena_free(a);
	return NULL;
}

void
conf_free(struct conf *c)
{
	if (c != NULL)
		arena_free(c->arena);
}
