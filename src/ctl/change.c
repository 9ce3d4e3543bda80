/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c - flush, reload, loglevel, stop, config show: what the main thread
 * can do by itself.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

/* --- flush ------------------------------------------------------------- */

static const struct {
	const char *word;
	enum flush_what what;
	enum ctl_argument_kind name, type;
} flushes[] = {
	{ "all", FLUSH_ALL, CTL_NO_ARGUMENT, CTL_NO_ARGUMENT },
	{ "name", FLUSH_NAME, CTL_REQUIRED, CTL_NO_ARGUMENT },
	{ "zone", FLUSH_ZONE, CTL_REQUIRED, CTL_NO_ARGUMENT },
	{ "type", FLUSH_TYPE, CTL_REQUIRED, CTL_REQUIRED },
	{ "negative", FLUSH_NEGATIVE, CTL_OPTIONAL, CTL_NO_ARGUMENT },
};

/* Too much said means that less was meant: nothing is forgotten then. */
static bool
flush_takes(struct request *r, const char *what, const char *argument,
    enum ctl_argument_kind kind)
{
	bool given = request_argument(r, argument) != NULL;

	if (given && kind == CTL_NO_ARGUMENT) {
		request_fail(r, HTTP_BAD, "flush %s takes no %s", what,
		    argument);
		return false;
	}
	if (!given && kind == CTL_REQUIRED) {
		request_fail(r, HTTP_BAD, "flush %s wants a %s", what,
		    argument);
		return false;
	}
	return true;
}

static void
flush_servers(struct request *r)
{
	size_t n;

	if (!flush_takes(r, "servers", "name", CTL_NO_ARGUMENT) ||
	    !flush_takes(r, "servers", "type", CTL_NO_ARGUMENT))
		return;
	n = servers_forget(r->ctl->opts.offer.servers);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:I}", "what", "servers", "forgotten",
		(json_int_t)n));
}

/* The arguments that are there are what they should be. */
static bool
flush_arguments(struct request *r)
{
	const char *type = request_argument(r, "type");

	if (request_argument(r, "name") != NULL && !request_name(r, "name"))
		return false;
	if (type == NULL || type_parse(type, &r->type) == ERR_OK)
		return true;
	request_fail(r, HTTP_BAD, "\"%.40s\" is not a type", type);
	return false;
}

void
command_flush(struct request *r)
{
	const char *what = request_argument(r, "what");
	size_t i = 0, n;

	if (what != NULL && strcmp(what, "servers") == 0) {
		flush_servers(r);
		return;
	}
	while (i < ARRAY_LEN(flushes) &&
	       (what == NULL || strcmp(what, flushes[i].word) != 0))
		i++;
	if (i == ARRAY_LEN(flushes)) {
		request_fail(r, HTTP_BAD,
		    "flush what? name, type, "
		    "zone, negative, servers or all");
		return;
	}
	if (!flush_takes(r, what, "name", flushes[i].name) ||
	    !flush_takes(r, what, "type", flushes[i].type) ||
	    !flush_arguments(r))
		return;
	n = cache_flush(r->ctl->opts.offer.cache, flushes[i].what,
	    request_argument(r, "name") != NULL ? r->name.wire : NULL, r->type);
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:I}", "what", flushes[i].word, "forgotten",
		(json_int_t)n));
}

/* --- reload ------------------------------------------------------------ */

static void
change_seen(void *user, const struct conf_change *change)
{
	json_t *list = user;

	(void)json_array_append_new(list,
	    json_pack("{s:s, s:b, s:s?, s:s?}", "option", change->option, "now",
		change->reloadable, "before", change->before, "after",
		change->after));
}

/* What `print` writes, as a JSON string or, if it is JSON, as itself. */
static json_t *
report_text(const struct conf_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *s;

	if (out == NULL)
		return NULL;
	conf_report_print(report, out);
	(void)fclose(out);
	s = json_stringn_nocheck(text, size);
	free(text);
	return s;
}

void
command_reload(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;
	json_t *changes = json_array();
	struct ctl_reload what = { .dry_run = request_flag(r, "dry-run"),
		.report = conf_report_new(),
		.seen = change_seen,
		.user = changes };
	struct cache_counts kept;
	enum err e;

	if (what.report == NULL || changes == NULL) {
		conf_report_free(what.report);
		json_decref(changes);
		request_fail(r, HTTP_FAILED, "no memory");
		return;
	}
	e = offer->reload(offer->user, &what);
	if (e != ERR_OK) {
		json_t *text = report_text(what.report);

		request_answer(r, HTTP_FAILED,
		    json_pack("{s:s, s:o?}", "error",
			what.why[0] != '\0' ? what.why
					    : "the configuration has errors",
			"report", text));
		json_decref(changes);
	} else {
		cache_count(offer->cache, &kept);
		request_answer(r, HTTP_DONE,
		    json_pack("{s:b, s:i, s:f, s:o, "
			      "s:o?, s:I}",
			"dry_run", what.dry_run, "generation",
			(int)what.generation, "took_ms",
			(double)what.took_us / 1000, "changes", changes,
			"report",
			what.report->warnings > 0 ? report_text(what.report)
						  : NULL,
			"kept", (json_int_t)kept.records));
	}
	conf_report_free(what.report);
}

/* --- the rest ---------------------------------------------------------- */

void
command_config_show(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;
	enum conf_show_mode mode = CONF_SHOW_ALL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *s;

	if (out == NULL) {
		request_fail(r, HTTP_FAILED, "no memory");
		return;
	}
	if (request_flag(r, "origin"))
		mode = CONF_SHOW_ORIGIN;
	else if (request_flag(r, "changed"))
		mode = CONF_SHOW_CHANGED;
	conf_show(offer->conf(offer->user), mode, out);
	(void)fclose(out);
	s = json_stringn_nocheck(text, size);
	free(text);
	request_answer(r, HTTP_DONE, json_pack("{s:o}", "config", s));
}

static const char *const levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const char *
level_now(void)
{
	for (size_t i = ARRAY_LEN(levels); i-- > 0;)
		if (log_wants((enum log_level)i))
			return levels[i];
	return levels[LOG_LEVEL_ERROR];
}

void
command_loglevel(struct request *r)
{
	const char *level = request_argument(r, "level");
	const char *before = level_now();

	for (size_t i = 0; level != NULL && i < ARRAY_LEN(levels); i++) {
		if (strcmp(level, levels[i]) != 0)
			continue;
		log_set_level((enum log_level)i);
		request_answer(r, HTTP_DONE,
		    json_pack("{s:s, s:s}", "before", before, "level",
			levels[i]));
		return;
	}
	request_fail(r, HTTP_BAD, "the levels are error, warn, info and debug");
}

/* The reply leaves while the daemon drains. */
void
command_stop(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	request_answer(r, HTTP_DONE, json_pack("{s:b}", "stopping", 1));
	offer->stop(offer->user);
}
