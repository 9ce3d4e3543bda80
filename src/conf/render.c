/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render.c - values back to YAML, in one canonical way.
 *
 * What is rendered reads back to the same value; two configurations differ
 * in an option exactly when its renderings do.
 */
#include "table.h"

#include <string.h>
#include <time.h>

#include <hither/dns.h>

/* Text that grows in memory of its own; `failed` once memory was out. */
struct text {
	char *bytes;
	size_t used, room;
	bool failed;
};

static void
add_bytes(struct text *t, const char *from, size_t n)
{
	if (t->failed)
		return;
	if (t->room - t->used < n + 1) {
		size_t room = 2 * t->room + n + 64;
		char *bytes = memory_grow(t->bytes, room);

		if (bytes == NULL) {
			t->failed = true;
			return;
		}
		t->bytes = bytes;
		t->room = room;
	}
	memcpy(t->bytes + t->used, from, n);
	t->used += n;
	t->bytes[t->used] = '\0';
}

static void
add(struct text *t, const char *from)
{
	add_bytes(t, from, strlen(from));
}

static void add_format(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
add_format(struct text *t, const char *fmt, ...)
{
	char line[128];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(line, sizeof(line), fmt, args) >= 0)
		add(t, line);
	va_end(args);
}

/* Plain only when no YAML reader could take it for anything else. */
static void
add_quoted(struct text *t, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./";
	size_t n = strlen(s);

	if (n > 0 && strspn(s, plain) == n && *s != '-' && *s != '.') {
		add(t, s);
		return;
	}
	add(t, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			add(t, "\\");
		add_bytes(t, s, 1);
	}
	add(t, "\"");
}

/* --- one value ------------------------------------------------------------ */

static void
add_bool(struct text *t, const struct option *o, const void *at)
{
	const bool *value = at;

	(void)o;
	add(t, *value ? "true" : "false");
}

static void
add_number(struct text *t, const struct option *o, const void *at)
{
	const uint32_t *value = at;

	if (*value == 0 && o->zero_word != NULL)
		add(t, o->zero_word);
	else
		add_format(t, "%u%s", (unsigned)*value,
		    o->unit != NULL ? o->unit : "");
}

static void
add_real(struct text *t, const struct option *o, const void *at)
{
	const double *value = at;

	(void)o;
	add_format(t, "%.3f", *value);
	while (!t->failed && t->used > 2 && t->bytes[t->used - 1] == '0' &&
	       t->bytes[t->used - 2] != '.')
		t->bytes[--t->used] = '\0';
}

static void
add_quantity(struct text *t, const struct option *o, const void *at)
{
	char buf[VALUE_QUANTITY_MAX];
	int64_t value;

	memcpy(&value, at, sizeof(value));
	add(t, value_quantity(o, value, buf));
}

static void
add_word(struct text *t, const struct option *o, const void *at)
{
	uint32_t index;

	memcpy(&index, at, sizeof(index));
	add(t, o->words[index]);
}

static void
add_words(struct text *t, const struct option *o, const void *at)
{
	const uint32_t *bits = at;
	bool is_first = true;

	add(t, "[");
	for (uint32_t i = 0; o->words[i] != NULL; i++) {
		if ((*bits & BIT(i)) == 0)
			continue;
		add(t, is_first ? "" : ", ");
		add(t, o->words[i]);
		is_first = false;
	}
	add(t, "]");
}

static void
add_text(struct text *t, const struct option *o, const void *at)
{
	const char *value;

	(void)o;
	memcpy(&value, at, sizeof(value));
	add_quoted(t, value);
}

static void
add_mode(struct text *t, const struct option *o, const void *at)
{
	const uint32_t *value = at;

	(void)o;
	add_format(t, "\"%04o\"", (unsigned)*value);
}

static void
add_ports(struct text *t, const struct option *o, const void *at)
{
	const struct conf_ports *ports = at;

	(void)o;
	add_format(t, "%u-%u", (unsigned)ports->first, (unsigned)ports->last);
}

static void
add_target(struct text *t, const struct option *o, const void *at)
{
	static const char *const words[] = { [LOG_TO_STDERR] = "stderr",
		[LOG_TO_SYSLOG] = "syslog",
		[LOG_TO_JOURNAL] = "journal" };
	const struct conf_target *target = at;
	struct text name = { 0 };

	(void)o;
	if (target->to != LOG_TO_FILE) {
		add(t, words[target->to]);
		return;
	}
	add(&name, "file:");
	add(&name, target->path);
	if (name.failed)
		t->failed = true;
	else
		add_quoted(t, name.bytes);
	memory_free(name.bytes);
}

static void
add_address(struct text *t, const struct option *o, const void *at)
{
	bool has_port = o->type == OPTION_SERVER;
	const struct addr *a = at;
	char ip[ADDR_TEXT_MAX], whole[ADDR_TEXT_MAX + 8];

	(void)snprintf(whole, sizeof(whole),
	    has_port && a->port != 53 ? "%s@%u" : "%s", addr_ip_text(a, ip),
	    (unsigned)a->port);
	add_quoted(t, whole);
}

static void
add_prefix(struct text *t, const struct option *o, const void *at)
{
	const struct prefix *p = at;
	char ip[ADDR_TEXT_MAX], whole[ADDR_TEXT_MAX + 8];

	(void)o;
	(void)snprintf(whole, sizeof(whole), "%s/%u", addr_ip_text(&p->net, ip),
	    (unsigned)p->bits);
	add_quoted(t, whole);
}

static void
add_name(struct text *t, const struct option *o, const void *at)
{
	const uint8_t *name;
	char buf[NAME_TEXT_MAX];

	(void)o;
	memcpy(&name, at, sizeof(name));
	add_quoted(t, name_text(name, buf));
}

static void
add_date(struct text *t, const struct option *o, const void *at)
{
	uint64_t at_s;
	char buf[32];
	struct tm tm;
	time_t when;

	(void)o;
	memcpy(&at_s, at, sizeof(at_s));
	when = (time_t)at_s;
	(void)gmtime_r(&when, &tm);
	(void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add(t, buf);
}

static void add_value(struct text *t, const struct option *o, const void *base);

static void
add_group(struct text *t, const struct option *o, const void *at)
{
	add(t, "{");
	for (const struct option *f = o->fields; f->path != NULL; f++) {
		add(t, f == o->fields ? "" : ", ");
		add(t, f->path);
		add(t, ": ");
		add_value(t, f, at);
	}
	add(t, "}");
}

typedef void adder(struct text *t, const struct option *o, const void *at);
static adder *const adders[OPTION_TYPES] = {
	[OPTION_BOOL] = add_bool,
	[OPTION_NUMBER] = add_number,
	[OPTION_REAL] = add_real,
	[OPTION_DURATION] = add_quantity,
	[OPTION_SIZE] = add_quantity,
	[OPTION_WORD] = add_word,
	[OPTION_WORDS] = add_words,
	[OPTION_TEXT] = add_text,
	[OPTION_MODE] = add_mode,
	[OPTION_PORTS] = add_ports,
	[OPTION_TARGET] = add_target,
	[OPTION_ADDRESS] = add_address,
	[OPTION_SERVER] = add_address,
	[OPTION_PREFIX] = add_prefix,
	[OPTION_NAME] = add_name,
	[OPTION_RECORD] = add_text,
	[OPTION_DATE] = add_date,
	[OPTION_GROUP] = add_group,
};

static void
add_value(struct text *t, const struct option *o, const void *base)
{
	const unsigned char *at = (const unsigned char *)base + o->offset;
	const unsigned char *items;
	size_t count;

	if (!o->is_list) {
		adders[o->type](t, o, at);
		return;
	}
	memcpy(&items, at, sizeof(items));
	memcpy(&count, at + sizeof(items), sizeof(count));
	add(t, "[");
	for (size_t i = 0; i < count && !t->failed; i++) {
		add(t, i == 0 ? "" : ", ");
		adders[o->type](t, o, items + i * option_bytes(o));
	}
	add(t, "]");
}

char *
render_option(const struct option *o, const void *base)
{
	struct text t = { 0 };

	add_value(&t, o, base);
	if (t.failed) {
		memory_free(t.bytes);
		return NULL;
	}
	return t.bytes;
}
