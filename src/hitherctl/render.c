/* SPDX-License-Identifier: BSD-3-Clause */
/* render.c - replies as people like to read them; --json shows the rest. */
#include <string.h>

#include "tool.h"

/* --- reaching into a reply --------------------------------------------- */

static double
number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static long long
count(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "-";
}

static bool
truth(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* 1204331 as "1,204,331". */
static const char *
grouped(long long n, char *buf, size_t size)
{
	char digits[32];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%lld", n);
	size_t at = 0;

	for (size_t i = 0; i < len && at + 2 < size; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

static double
mebibytes(const json_t *o, const char *key)
{
	return number(o, key) / (1024 * 1024);
}

/* --- status ------------------------------------------------------------ */

static void
render_listening(const json_t *list, FILE *out)
{
	const json_t *l;
	size_t i;

	fprintf(out, "listening  ");
	json_array_foreach((json_t *)(uintptr_t)list, i, l)
	    fprintf(out, " %s%s%s %s", truth(l, "udp") ? "udp" : "",
		truth(l, "udp") && truth(l, "tcp") ? "/" : "",
		truth(l, "tcp") ? "tcp" : "", text(l, "address"));
	fprintf(out, "\n");
}

/* "dnssec      anchor 20326 valid, 38696 valid; 2 negative anchors" */
static void
render_beliefs(const json_t *d, FILE *out)
{
	const json_t *list = json_object_get(d, "anchors"), *at;
	long long negative = count(d, "negative");
	size_t i;

	if (!truth(d, "validation")) {
		fprintf(out, "dnssec      off\n");
		return;
	}
	fprintf(out, "dnssec      %s",
	    json_array_size(list) > 0 ? "anchor" : "no anchor");
	json_array_foreach((json_t *)(uintptr_t)list, i, at)
	{
		const char *zone = text(at, "zone");

		fprintf(out, "%s %s%s%lld %s", i > 0 ? "," : "",
		    strcmp(zone, ".") == 0 ? "" : zone,
		    strcmp(zone, ".") == 0 ? "" : " ", count(at, "tag"),
		    text(at, "state"));
	}
	if (negative > 0)
		fprintf(out, "; %lld negative anchor%s", negative,
		    negative == 1 ? "" : "s");
	fprintf(out, "\n");
}

static void
render_status(const json_t *r, FILE *out)
{
	const json_t *cache = json_object_get(r, "cache");
	const json_t *ms = json_object_get(r, "latency_ms");
	long long up = count(r, "uptime_s");
	char a[32], b[32];

	fprintf(out,
	    "hitherd %s (pid %lld) up %lldd %02lld:%02lld:%02lld, "
	    "generation %lld, %s\n",
	    text(r, "version"), count(r, "pid"), up / 86400, up / 3600 % 24,
	    up / 60 % 60, up % 60, count(r, "generation"),
	    truth(r, "healthy") ? "healthy" : "NOT HEALTHY");
	render_listening(json_object_get(r, "listening"), out);
	fprintf(out,
	    "queries     %.0f/s now, %s total, %.1f %% from cache, "
	    "p50 %.1f ms  p99 %.1f ms\n",
	    number(r, "qps"), grouped(count(r, "queries"), a, sizeof(a)),
	    number(r, "hit_ratio") * 100, number(ms, "p50"), number(ms, "p99"));
	fprintf(out,
	    "cache       %s records %.1f of %.0f MiB, "
	    "%s answers %.1f of %.0f MiB\n",
	    grouped(count(cache, "records"), a, sizeof(a)),
	    mebibytes(cache, "bytes"), mebibytes(cache, "max_bytes"),
	    grouped(count(cache, "answers"), b, sizeof(b)),
	    mebibytes(cache, "answer_bytes"),
	    mebibytes(cache, "answer_max_bytes"));
	fprintf(out, "in flight   %s of %s; %lld servers known, %lld threads\n",
	    grouped(count(r, "in_flight"), a, sizeof(a)),
	    grouped(count(r, "max_in_flight"), b, sizeof(b)),
	    count(r, "servers_known"), count(r, "threads"));
	render_beliefs(json_object_get(r, "dnssec"), out);
}

/* --- stats ------------------------------------------------------------- */

static void
render_number(const char *name, const json_t *v, FILE *out)
{
	if (json_is_real(v))
		fprintf(out, "%-34s %.3f\n", name, json_real_value(v));
	else
		fprintf(out, "%-34s %lld\n", name,
		    (long long)json_integer_value(v));
}

/* Objects in objects: the numbers, each by its whole path. */
static void
render_numbers(const char *prefix, const json_t *o, FILE *out)
{
	const char *key;
	json_t *v;
	char name[128];

	json_object_foreach((json_t *)(uintptr_t)o, key, v)
	{
		(void)snprintf(name, sizeof(name), "%s%s%s", prefix,
		    prefix[0] != '\0' ? "." : "", key);
		if (json_is_object(v))
			render_numbers(name, v, out);
		else if (json_is_number(v))
			render_number(name, v, out);
	}
}

static void
render_stats(const json_t *r, FILE *out)
{
	render_numbers("", r, out);
}

/* --- servers ----------------------------------------------------------- */

static const char *
ago(double seconds, char *buf, size_t size)
{
	if (seconds < 100)
		(void)snprintf(buf, size, "%.0f s", seconds);
	else if (seconds < 6000)
		(void)snprintf(buf, size, "%.0f min", seconds / 60);
	else
		(void)snprintf(buf, size, "%.0f h", seconds / 3600);
	return buf;
}

static void
render_server(const json_t *s, FILE *out)
{
	char age[24] = "-";

	fprintf(out, "  %-22s %-26s %-12s ", text(s, "address"),
	    text(s, "name"), text(s, "site"));
	if (json_object_get(s, "rtt_ms") != NULL)
		fprintf(out, "%6.1f ms %6.1f ", number(s, "rtt_ms"),
		    number(s, "dev_ms"));
	else
		fprintf(out, "%9s %6s ", "-", "-");
	if (count(s, "queries") > 0)
		fprintf(out, "%4.0f %% %5.1f ", 100 * number(s, "share"),
		    100 * number(s, "ok_ratio"));
	else
		fprintf(out, "%6s %5s ", "-", "-");
	if (json_object_get(s, "age_s") != NULL)
		(void)ago(number(s, "age_s"), age, sizeof(age));
	fprintf(out, "%6s %-4s %s", age,
	    json_object_get(s, "edns") == NULL ? "-"
	    : truth(s, "edns")                 ? "yes"
					       : "no",
	    text(s, "state"));
	if (json_object_get(s, "probe_in_s") != NULL)
		fprintf(out, ", next probe in %.0f s", number(s, "probe_in_s"));
	else
		fprintf(out, ": %s", text(s, "why"));
	if (json_object_get(s, "cost_ms") != NULL)
		fprintf(out, " (%.1f ms)", number(s, "cost_ms"));
	fprintf(out, "\n");
}

static void
render_servers(const json_t *r, FILE *out)
{
	json_t *list = json_object_get(r, "servers"), *s;
	size_t i;

	fprintf(out, "zone %s (%zu addresses; policy %s)\n", text(r, "zone"),
	    json_array_size(list), text(r, "policy"));
	fprintf(out, "  %-22s %-26s %-12s %9s %6s %6s %5s %6s %-4s %s\n",
	    "ADDRESS", "NAME", "SITE", "RTT", "+-", "SHARE", "OK %", "AGE",
	    "EDNS", "STATE");
	json_array_foreach(list, i, s) render_server(s, out);
	if (json_object_get(r, "next") != NULL)
		fprintf(out,
		    "the next question goes to %s, or to one that "
		    "is tied with it\n",
		    text(r, "next"));
}

/* --- sites ------------------------------------------------------------- */

static void
render_sites(const json_t *r, FILE *out)
{
	json_t *sites = json_object_get(r, "sites"), *s;
	json_t *moves = json_object_get(r, "moves");
	char age[24];
	size_t i;

	fprintf(out, "%zu sites\n  %-24s %9s %9s %-22s %s\n",
	    json_array_size(sites), "SITE", "RTT", "ADDRESSES", "NEAREST",
	    "AGE");
	json_array_foreach(sites, i, s)
	    fprintf(out, "  %-24s %6.1f ms %9lld %-22s %s\n", text(s, "site"),
		number(s, "rtt_ms"), count(s, "addresses"), text(s, "nearest"),
		ago(number(s, "age_s"), age, sizeof(age)));
	if (json_array_size(moves) > 0)
		fprintf(out, "catchment changes, newest first\n");
	json_array_foreach(moves, i, s) fprintf(out,
	    "  %-22s %s -> %s, %.1f -> %.1f ms, %s ago\n", text(s, "address"),
	    text(s, "from"), text(s, "to"), number(s, "rtt_from_ms"),
	    number(s, "rtt_to_ms"), ago(number(s, "age_s"), age, sizeof(age)));
}

/* --- changes ----------------------------------------------------------- */

static void
render_reload(const json_t *r, FILE *out)
{
	json_t *changes = json_object_get(r, "changes"), *c;
	size_t i;

	if (truth(r, "dry_run"))
		fprintf(out, "would change %zu options\n",
		    json_array_size(changes));
	else
		fprintf(out,
		    "reloaded in %.1f ms, generation %lld: %zu "
		    "options changed, cache kept (%lld entries)\n",
		    number(r, "took_ms"), count(r, "generation"),
		    json_array_size(changes), count(r, "kept"));
	json_array_foreach(changes, i, c) fprintf(out, "  %-16s %s %s -> %s\n",
	    truth(c, "now") ? "changed now" : "needs a restart",
	    text(c, "option"), text(c, "before"), text(c, "after"));
}

static void
render_flush(const json_t *r, FILE *out)
{
	fprintf(out, "forgot %lld %s\n", count(r, "forgotten"),
	    strcmp(text(r, "what"), "servers") == 0 ? "servers" : "records");
}

static void
render_records(const json_t *r, FILE *out)
{
	json_t *line;
	size_t i;

	json_array_foreach(json_object_get(r, "records"), i, line)
	    fprintf(out, "%s\n", json_string_value(line));
	if (truth(r, "cut"))
		fprintf(out, "; there is more: name a smaller zone\n");
}

static void
render_saved(const json_t *r, FILE *out)
{
	fprintf(out, "%s: %lld records\n", text(r, "file"),
	    count(r, "records"));
}

static void
render_level(const json_t *r, FILE *out)
{
	fprintf(out, "%s -> %s\n", text(r, "before"), text(r, "level"));
}

static void
render_config(const json_t *r, FILE *out)
{
	fputs(text(r, "config"), out);
}

static void
render_health(const json_t *r, FILE *out)
{
	fprintf(out, "%s\n", truth(r, "healthy") ? "healthy" : "not healthy");
}

static void
render_stop(const json_t *r, FILE *out)
{
	(void)r;
	fprintf(out, "stopping\n");
}

static const struct {
	const char *command;
	void (*render)(const json_t *r, FILE *out);
} renderers[] = {
	{ "status", render_status },
	{ "stats", render_stats },
	{ "servers", render_servers },
	{ "sites", render_sites },
	{ "trace", render_trace },
	{ "anchors", render_anchors },
	{ "nta add", render_nta_change },
	{ "nta del", render_nta_change },
	{ "nta list", render_nta },
	{ "flush", render_flush },
	{ "cache lookup", render_records },
	{ "cache dump", render_records },
	{ "cache stats", render_stats },
	{ "cache save", render_saved },
	{ "cache load", render_saved },
	{ "config show", render_config },
	{ "reload", render_reload },
	{ "health", render_health },
	{ "loglevel", render_level },
	{ "stop", render_stop },
};

void
render(const char *command, const json_t *reply, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(renderers); i++)
		if (strcmp(command, renderers[i].command) == 0)
			renderers[i].render(reply, out);
}
