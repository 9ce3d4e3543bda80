/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * story.c - a trace as a walk that is seen at a glance: one line for each
 * question, one for each reply, and what helpers did further in. A reply that
 * leads on and where it leads are two steps; here they are one line.
 */
#include <string.h>

#include "tool.h"

#define SERVERS_TOLD_MAX 128u

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static bool
is_stage(const json_t *step, const char *stage)
{
	return strcmp(text(step, "stage"), stage) == 0;
}

static long long
number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* The head of a helper's story stands where its parent's steps do. */
static void
begin_line(const json_t *step, const char *word, FILE *out)
{
	long long depth = number(step, "depth") - is_stage(step, "help");

	fprintf(out, "%7.1f ms  %*s%-10s ",
	    json_number_value(json_object_get(step, "at_ms")), (int)(2 * depth),
	    "", word);
}

/* "delegated: edu. (2 servers)": what follows its first word, or NULL. */
static const char *
led_to(const json_t *reply, const json_t *next)
{
	static const char lead[] = "delegated: ";
	const char *why = text(next, "why");

	if (next == NULL || !is_stage(reply, "reply") ||
	    !is_stage(next, "follow") ||
	    number(reply, "task") != number(next, "task") ||
	    strncmp(why, lead, sizeof(lead) - 1) != 0)
		return NULL;
	return why + sizeof(lead) - 1;
}

/* "no data from 192.0.2.1 after 3 ms" as two columns, when it is that. */
static void
render_reply(const json_t *step, FILE *out)
{
	static const char *const kinds[] = { "answer", "no data", "referral",
		"alias" };
	const char *why = text(step, "why");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (strncmp(why, kinds[i], n) != 0 || why[n] != ' ')
			continue;
		begin_line(step, kinds[i], out);
		fprintf(out, "%s\n", why + n + 1);
		return;
	}
	begin_line(step, "reply", out);
	fprintf(out, "%s\n", why);
}

/* What another line says as well. */
static bool
is_told_elsewhere(const json_t *step, const json_t *next)
{
	const char *why = text(step, "why");
	bool is_need = strstr(why, "needs the ") == why;

	/* The whole question's result stands below, with what explains it. */
	if (is_stage(step, "result"))
		return number(step, "depth") == 0 ||
		       strcmp(why, "NOERROR") == 0;
	return is_need && next != NULL && is_stage(next, "help");
}

/* A helper that only had to look into the cache: one line. */
static bool
is_from_memory(const json_t *head, const json_t *next, const json_t *last)
{
	return is_stage(head, "help") && next != NULL && last != NULL &&
	       is_stage(next, "cache") && is_stage(last, "result") &&
	       number(next, "task") == number(head, "task") &&
	       number(last, "task") == number(head, "task");
}

/* How many of the steps that follow were told as well. */
static size_t
render_step(const json_t *steps, size_t i, FILE *out)
{
	const json_t *step = json_array_get(steps, i);
	const char *to = led_to(step, json_array_get(steps, i + 1));
	const char *from = strstr(text(step, "why"), "from ");

	if (to != NULL) {
		begin_line(step, "referral", out);
		fprintf(out, "to %s %s\n", to, from != NULL ? from : "");
		return 1;
	}
	if (is_told_elsewhere(step, json_array_get(steps, i + 1)))
		return 0;
	if (is_from_memory(step, json_array_get(steps, i + 1),
		json_array_get(steps, i + 2))) {
		begin_line(step, "help", out);
		fprintf(out, "%s: %s\n", text(step, "why"),
		    text(json_array_get(steps, i + 1), "why"));
		return 2;
	}
	if (is_stage(step, "reply")) {
		render_reply(step, out);
		return 0;
	}
	begin_line(step, text(step, "stage"), out);
	fprintf(out, "%s\n", text(step, "why"));
	return 0;
}

/* Addresses that were asked, each once. */
static size_t
servers_asked(const json_t *steps)
{
	const char *seen[SERVERS_TOLD_MAX];
	size_t count = 0, i;
	json_t *step;

	json_array_foreach((json_t *)(uintptr_t)steps, i, step)
	{
		const char *to = strstr(text(step, "why"), " -> ");
		size_t k = 0, len;

		if (to == NULL || !is_stage(step, "ask"))
			continue;
		to += 4;
		len = strcspn(to, " ");
		while (k < count &&
		       (strncmp(seen[k], to, len) != 0 || seen[k][len] != ' '))
			k++;
		if (k == count && count < SERVERS_TOLD_MAX)
			seen[count++] = to;
	}
	return count;
}

static const char *
plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void
render_sum(const json_t *r, FILE *out)
{
	long long messages = number(r, "messages");
	long long checks = number(r, "signature_checks");
	size_t servers = servers_asked(json_object_get(r, "steps"));

	fprintf(out, "%lld message%s", messages, plural(messages));
	if (messages > 0)
		fprintf(out, " to %zu server%s", servers,
		    plural((long long)servers));
	fprintf(out, ", %.1f ms, %lld signature check%s%s\n",
	    json_number_value(json_object_get(r, "took_ms")), checks,
	    plural(checks),
	    json_is_true(json_object_get(r, "from_cache")) ? ", from cache"
							   : "");
}

void
render_trace(const json_t *r, FILE *out)
{
	const json_t *steps = json_object_get(r, "steps");
	json_t *line;
	size_t i;

	fprintf(out, "%7.1f ms  question   %s %s\n", 0.0, text(r, "name"),
	    text(r, "type"));
	for (i = 0; i < json_array_size(steps); i++)
		i += render_step(steps, i, out);
	fprintf(out, "%7.1f ms  result     %s",
	    json_number_value(json_object_get(r, "took_ms")), text(r, "rcode"));
	if (json_object_get(r, "ede") != NULL)
		fprintf(out, ", EDE %lld (%s) \"%s\"", number(r, "ede"),
		    text(r, "ede_title"), text(r, "ede_text"));
	fprintf(out, "\n");
	json_array_foreach(json_object_get(r, "answer"), i, line)
	    fprintf(out, "            %s\n", json_string_value(line));
	render_sum(r, out);
}
