/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.c - the commands of the control socket, from one table. A command
 * either does all it was asked or nothing, and says which.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>

#include "sim.h"

#define WORDS_MAX 5u

struct order {
	struct sim *sim;
	char *words[WORDS_MAX]; /* behind the command; the last is the rest */
	size_t count;
	struct evbuffer *out;
};

struct command {
	const char *name;
	size_t words; /* so many are needed; the last of them takes the rest */
	void (*run)(struct order *o);
	const char *usage;
};

static void PRINTF_LIKE(2, 3) refuse(struct order *o, const char *fmt, ...)
{
	va_list ap;

	evbuffer_add_printf(o->out, "error ");
	va_start(ap, fmt);
	evbuffer_add_vprintf(o->out, fmt, ap);
	va_end(ap);
	evbuffer_add_printf(o->out, "\n");
}

static void
agree(struct order *o)
{
	evbuffer_add_printf(o->out, "ok\n");
}

static struct address *
address_of(struct order *o)
{
	struct address *a = world_address(o->sim->world, o->words[0]);

	if (a == NULL)
		refuse(o, "no address or server %s", o->words[0]);
	return a;
}

static struct door *
door_of(struct sim *s, const struct address *a)
{
	return &s->doors[a - s->world->addresses];
}

/* --- set -------------------------------------------------------------- */

static size_t
site_number(const struct address *a, const char *nsid)
{
	size_t i = 0;

	while (i < a->site_count && (a->sites[i].nsid == NULL ||
					strcmp(a->sites[i].nsid, nsid) != 0))
		i++;
	return i;
}

static void
set_site(struct order *o, struct address *a, const char *nsid)
{
	size_t i = site_number(a, nsid);

	if (strcmp(nsid, "auto") == 0) {
		a->forced_site = SITE_AUTO;
	} else if (i < a->site_count) {
		a->forced_site = i;
	} else {
		refuse(o, "%s has no site %s", a->text, nsid);
		return;
	}
	agree(o);
}

/* For all sites, or the one whose NSID is the word behind the value. */
static void
set_distance(struct order *o, struct address *a, bool is_delay)
{
	char *value = o->words[2], *nsid = strchr(value, ' ');
	size_t first = 0, last = a->site_count;
	struct delay_law law;
	uint32_t loss = 0;
	enum err e;

	if (nsid != NULL) {
		*nsid++ = '\0';
		first = site_number(a, nsid);
		last = first + 1;
	}
	if (first == a->site_count) {
		refuse(o, "%s has no site %s", a->text, nsid);
		return;
	}
	e = is_delay ? delay_parse(value, &law) : loss_parse(value, &loss);
	if (e != ERR_OK) {
		refuse(o, "%s: %s", value, err_text(e));
		return;
	}
	for (size_t i = first; i < last; i++) {
		if (is_delay)
			a->sites[i].delay = law;
		else
			a->sites[i].loss = loss;
	}
	agree(o);
}

static void
run_set(struct order *o)
{
	struct address *a = address_of(o);

	if (a == NULL)
		return;
	if (strcmp(o->words[1], "delay") == 0)
		set_distance(o, a, true);
	else if (strcmp(o->words[1], "loss") == 0)
		set_distance(o, a, false);
	else if (strcmp(o->words[1], "site") == 0)
		set_site(o, a, o->words[2]);
	else
		refuse(o, "set delay, loss or site, not %s", o->words[1]);
}

/* --- quirk ------------------------------------------------------------ */

static void
run_quirk(struct order *o)
{
	struct address *a = address_of(o);
	char *word = o->words[1], *argument = strchr(word, ' ');
	unsigned quirk;

	if (a == NULL)
		return;
	if (argument != NULL)
		*argument++ = '\0';
	quirk = word[0] == '\0' ? 0 : quirk_find(word + 1);
	if (quirk == 0 || (word[0] != '+' && word[0] != '-')) {
		refuse(o, "%s: expected + or - and the name of a quirk", word);
		return;
	}
	if (word[0] == '-') {
		address_quirk_drop(a, quirk);
	} else {
		enum err e = address_quirk_add(a, quirk, argument);

		if (e != ERR_OK) {
			refuse(o, "%s: its argument: %s", word, err_text(e));
			return;
		}
	}
	if (tcp_follow_quirks(door_of(o->sim, a)) != ERR_OK)
		refuse(o, "cannot bind TCP %s", a->text);
	else
		agree(o);
}

/* --- counts ----------------------------------------------------------- */

static void
print_text(struct evbuffer *out, const char *text)
{
	evbuffer_add_printf(out, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f)
			evbuffer_add_printf(out, "\\u%04x", c);
		else
			evbuffer_add(out, text, 1);
	}
	evbuffer_add_printf(out, "\"");
}

static void
print_counts(struct evbuffer *out, const struct address *a)
{
	const struct counters *c = &a->counters;

	evbuffer_add_printf(out, "\"%s\":{\"name\":", a->text);
	print_text(out, a->name);
	evbuffer_add_printf(out,
	    ",\"queries\":%" PRIu64 ",\"udp\":%" PRIu64 ",\"tcp\":%" PRIu64
	    ",\"answered\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"silent\":%" PRIu64
	    ",\"dropped\":%" PRIu64 "}",
	    c->udp + c->tcp, c->udp, c->tcp, c->answered, c->lost, c->silent,
	    c->dropped);
}

static void
run_counts(struct order *o)
{
	struct world *w = o->sim->world;

	evbuffer_add_printf(o->out, "{");
	for (size_t i = 0; i < w->address_count; i++) {
		if (i > 0)
			evbuffer_add_printf(o->out, ",");
		print_counts(o->out, &w->addresses[i]);
	}
	evbuffer_add_printf(o->out, "}\n");
}

static void
run_reset_counts(struct order *o)
{
	struct world *w = o->sim->world;

	for (size_t i = 0; i < w->address_count; i++)
		w->addresses[i].counters = (struct counters){ 0 };
	agree(o);
}

/* --- zones ------------------------------------------------------------ */

static void
run_reload(struct order *o)
{
	struct complaints c = { .out = stderr };

	if (strcmp(o->words[0], "zones") != 0)
		refuse(o, "reload zones, not %s", o->words[0]);
	else if (world_reload(o->sim->world, &c) == ERR_OK)
		agree(o);
	else
		refuse(o, "%s", c.count > 0 ? c.first : err_text(ERR_MEMORY));
}

/* The file's name without ".zone", with or without a final dot. */
static struct slot *
slot_of(struct order *o)
{
	const char *label = o->words[0];
	size_t len = strlen(label);
	struct slot *s;

	if (strcmp(label, ".") == 0)
		label = "root";
	else if (label[len - 1] == '.')
		o->words[0][len - 1] = '\0';
	s = world_slot(o->sim->world, label);
	if (s == NULL)
		refuse(o, "no zone %s", label);
	return s;
}

static const char *
edit_fault(enum err e)
{
	if (e == ERR_RANGE)
		return "the record is not within this zone";
	if (e == ERR_FORMAT)
		return "this is not a record in zone-file form";
	return e == ERR_NOT_FOUND ? "no such record" : err_text(e);
}

/*
 * Edits the records, then builds the zone from them. If that fails the last
 * good zone goes on answering, and the records are put back as they were.
 */
static void
edit(struct order *o, enum err (*change)(struct source *, const char *))
{
	struct slot *s = slot_of(o);
	struct complaints c = { .out = NULL };
	struct source_mark mark = { 0 };
	enum err e;

	if (s == NULL)
		return;
	e = source_mark(s->source, &mark);
	if (e == ERR_OK)
		e = change(s->source, o->words[1]);
	if (e == ERR_OK)
		e = slot_rebuild(s, &c);
	if (e == ERR_OK) {
		source_forget(&mark);
		agree(o);
		return;
	}
	source_return(s->source, &mark);
	refuse(o, "%s", c.count > 0 ? c.first : edit_fault(e));
}

static void
run_add(struct order *o)
{
	edit(o, source_add);
}

static void
run_remove(struct order *o)
{
	edit(o, source_remove);
}

/* --- the rest --------------------------------------------------------- */

/* The schedule's second 0 is at that time of the host's clock. */
static void
run_begin(struct order *o)
{
	struct sim *s = o->sim;
	uint64_t now_us = clock_mono_us();
	double at_s, ahead_us;
	struct timespec ts;

	if (number_parse(o->words[0], 0, 1e11, &at_s) != ERR_OK) {
		refuse(o, "%s: expected seconds since 1970", o->words[0]);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	ahead_us = (at_s - (double)ts.tv_sec) * 1e6 - (double)ts.tv_nsec / 1e3;
	if (ahead_us > 1e9 || ahead_us < -(double)now_us) {
		refuse(o, "%s: not about now", o->words[0]);
		return;
	}
	s->start_us = (uint64_t)((double)now_us + ahead_us);
	agree(o);
}

static void
run_log(struct order *o)
{
	if (o->sim->log == NULL) {
		refuse(o, "started without --log");
	} else if (strcmp(o->words[0], "on") == 0 ||
		   strcmp(o->words[0], "off") == 0) {
		o->sim->log_on = strcmp(o->words[0], "on") == 0;
		agree(o);
	} else {
		refuse(o, "log on or log off");
	}
}

static void
run_ping(struct order *o)
{
	evbuffer_add_printf(o->out, "ok pong\n");
}

static const struct command commands[] = {
	{ "set", 3, run_set,
	    "set ADDRESS delay MS[/SIGMA] [SITE] | loss PERCENT [SITE] | "
	    "site SITE|auto" },
	{ "begin", 1, run_begin, "begin SECONDS" },
	{ "quirk", 2, run_quirk, "quirk ADDRESS +NAME [ARGUMENT] | -NAME" },
	{ "counts", 0, run_counts, "counts" },
	{ "reset-counts", 0, run_reset_counts, "reset-counts" },
	{ "log", 1, run_log, "log on|off" },
	{ "reload", 1, run_reload, "reload zones" },
	{ "add-record", 2, run_add, "add-record ZONE RECORD" },
	{ "remove", 2, run_remove, "remove ZONE RECORD | NAME TYPE" },
	{ "ping", 0, run_ping, "ping" },
};

static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	char *end = word + strcspn(word, " \t");

	*line = *end == '\0' ? end : end + 1;
	*end = '\0';
	return *word == '\0' ? NULL : word;
}

/* The wanted number of words; the last one takes the rest of the line. */
static bool
split(struct order *o, char *line, size_t wanted)
{
	for (o->count = 0; o->count + 1 < wanted; o->count++) {
		o->words[o->count] = next_word(&line);
		if (o->words[o->count] == NULL)
			return false;
	}
	line += strspn(line, " \t");
	for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	if (wanted == 0)
		return *line == '\0';
	o->words[o->count++] = line;
	return *line != '\0';
}

void
control_run(struct sim *s, char *line, struct evbuffer *out)
{
	struct order o = { .sim = s, .out = out };
	const char *name = next_word(&line);

	if (name == NULL) {
		refuse(&o, "an empty line");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		if (split(&o, line, c->words))
			c->run(&o);
		else
			refuse(&o, "usage: %s", c->usage);
		return;
	}
	evbuffer_add_printf(out, "error no such command; there are");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		evbuffer_add_printf(out, "%s %s", i == 0 ? "" : ",",
		    commands[i].name);
	evbuffer_add_printf(out, "\n");
}
