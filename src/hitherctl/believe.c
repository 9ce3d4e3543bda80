/* SPDX-License-Identifier: BSD-3-Clause */
/* believe.c - what is believed, as people like to read it. */
#include <string.h>
#include <time.h>

#include "tool.h"

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static long long
count(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* UTC; 0 is never. buf has 32 octets. */
static const char *
when(const json_t *o, const char *key, const char *never, char *buf)
{
	time_t t = (time_t)count(o, key);
	struct tm tm;

	if (t == 0)
		return never;
	(void)gmtime_r(&t, &tm);
	(void)strftime(buf, 32, "%Y-%m-%d %H:%M:%SZ", &tm);
	return buf;
}

static void
render_rollover(const json_t *ro, FILE *out)
{
	const json_t *k;
	char a[32], b[32];
	size_t i;

	fprintf(out, "%s keys seen %s, to be looked at %s\n", text(ro, "zone"),
	    when(ro, "checked_s", "never", a), when(ro, "next_s", "soon", b));
	json_array_foreach(json_object_get(ro, "keys"), i, k) fprintf(out,
	    "  %5lld %-16s %-8s since %s\n", count(k, "tag"),
	    text(k, "algorithm"), text(k, "state"), when(k, "since_s", "-", a));
}

void
render_anchors(const json_t *r, FILE *out)
{
	const json_t *a;
	size_t i;

	if (json_array_size(json_object_get(r, "anchors")) == 0)
		fprintf(out, "no trust anchors: nothing is validated\n");
	json_array_foreach(json_object_get(r, "anchors"), i, a)
	    fprintf(out, "%-24s %-6s %5lld %s\n", text(a, "zone"),
		text(a, "type"), count(a, "tag"), text(a, "algorithm"));
	json_array_foreach(json_object_get(r, "rollovers"), i, a)
	    render_rollover(a, out);
}

void
render_nta(const json_t *r, FILE *out)
{
	const json_t *n;
	char buf[32];
	size_t i;

	if (json_array_size(json_object_get(r, "negative")) == 0)
		fprintf(out, "every zone is validated\n");
	json_array_foreach(json_object_get(r, "negative"), i, n)
	    fprintf(out, "%-24s until %-21s %s\n", text(n, "zone"),
		when(n, "until_s", "for ever", buf), text(n, "reason"));
}

void
render_nta_change(const json_t *r, FILE *out)
{
	char buf[32];

	if (json_object_get(r, "until_s") != NULL)
		fprintf(out, "%s is not validated until %s\n", text(r, "zone"),
		    when(r, "until_s", "-", buf));
	else
		fprintf(out, "%s is validated again\n", text(r, "zone"));
}
