/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c - what the addresses and zones of the miniature Internet are while
 * it runs. Zones are swapped whole: an edit or a reload builds the new index
 * beside the old one and takes its place only when it is sound.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define DELAY_MAX_MS 60000.0
#define SLOTS_MAX    10000u

/* In the order of enum quirk: name number i is bit i. */
static const char *const quirk_names[] = { "no-edns", "drop-edns",
	"truncate-all", "no-tcp", "tcp-hang", "tcp-reset", "lame", "refused",
	"servfail", "notimp", "silent", "silent-on-type", "silent-on-name",
	"wrong-id", "wrong-question", "qr0", "badvers", "no-0x20", "wrong-case",
	"loop", "rotate", "twice" };

unsigned
quirk_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(quirk_names); i++) {
		if (strcmp(name, quirk_names[i]) == 0)
			return BIT(i);
	}
	return 0;
}

const char *
quirk_name(size_t i)
{
	return i < ARRAY_LEN(quirk_names) ? quirk_names[i] : NULL;
}

/* --- numbers ---------------------------------------------------------- */

enum err
number_parse(const char *text, double low, double high, double *out)
{
	char *end;
	double v;

	if (*text == '\0' || strspn(text, "0123456789.") != strlen(text))
		return ERR_FORMAT;
	errno = 0;
	v = strtod(text, &end);
	if (*end != '\0' || errno != 0)
		return ERR_FORMAT;
	if (!(v >= low && v <= high))
		return ERR_RANGE;
	*out = v;
	return ERR_OK;
}

enum err
delay_parse(const char *text, struct delay_law *out)
{
	const char *slash = strchr(text, '/');
	char median[32];
	double ms, sigma = 0;
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	enum err e;

	if (len >= sizeof(median))
		return ERR_FORMAT;
	memcpy(median, text, len);
	median[len] = '\0';
	e = number_parse(median, 0, DELAY_MAX_MS, &ms);
	if (e == ERR_OK && slash != NULL)
		e = number_parse(slash + 1, 0, 5, &sigma);
	if (e != ERR_OK)
		return e;
	*out = (struct delay_law){ .median_us = (uint64_t)llround(ms * 1000),
		.sigma = sigma };
	return ERR_OK;
}

enum err
loss_parse(const char *text, uint32_t *out)
{
	double percent;
	enum err e = number_parse(text, 0, 100, &percent);

	if (e == ERR_OK)
		*out = (uint32_t)lround(percent * 10000);
	return e;
}

/* --- zones ------------------------------------------------------------ */

struct slot *
world_slot(const struct world *w, const char *label)
{
	struct slot *s = w->slots;

	while (s != NULL && strcmp(s->label, label) != 0)
		s = s->next;
	return s;
}

/* "kingcdn.com@east" is a version of kingcdn.com; "root" is the root. */
static enum err
label_origin(const char *label, struct name *out)
{
	const char *at = strchr(label, '@');
	size_t len = at == NULL ? strlen(label) : (size_t)(at - label);
	char text[NAME_TEXT_MAX];

	if (len == 0 || len >= sizeof(text) || label[0] == '.' ||
	    strchr(label, '/') != NULL)
		return ERR_FORMAT;
	memcpy(text, label, len);
	text[len] = '\0';
	return name_parse(strcmp(text, "root") == 0 ? "." : text, out);
}

enum err
world_slot_make(struct world *w, const char *label, struct slot **out)
{
	struct slot *s = world_slot(w, label);
	struct slot **end = &w->slots;
	struct name origin;

	*out = s;
	if (s != NULL)
		return ERR_OK;
	if (label_origin(label, &origin) != ERR_OK)
		return ERR_FORMAT;
	if (w->slot_count >= SLOTS_MAX)
		return ERR_LIMIT;
	s = arena_take(w->arena, sizeof(*s));
	if (s == NULL)
		return ERR_MEMORY;
	s->label = arena_print(w->arena, "%s", label);
	if (s->label == NULL)
		return ERR_MEMORY;
	name_copy(&s->origin, origin.wire);
	s->world = w;
	while (*end != NULL)
		end = &(*end)->next;
	*end = s;
	w->slot_count++;
	*out = s;
	return ERR_OK;
}

uint64_t
world_now_s(const struct world *w)
{
	return (uint64_t)((int64_t)clock_real_s() + w->shift_s);
}

/* From the records as written; signed, when its zone is. */
static struct zone *
build_zone(const struct slot *s, const struct source *plain,
    struct complaints *c)
{
	const struct world *w = s->world;
	const struct sign_order order = { .all = w->signing,
		.how = signing_find(w->signing, s->origin.wire),
		.keys_dir = w->dir,
		.now_s = world_now_s(w) };
	struct source *signed_one;
	struct zone *z;

	if (order.how == NULL)
		return zone_build(plain, c);
	signed_one = source_sign(plain, &order, c);
	if (signed_one == NULL)
		return NULL;
	z = zone_build(signed_one, c);
	if (z != NULL)
		zone_own(z, signed_one);
	else
		source_free(signed_one);
	return z;
}

enum err
slot_rebuild(struct slot *s, struct complaints *c)
{
	struct zone *z = build_zone(s, s->source, c);

	if (z == NULL)
		return ERR_FORMAT;
	zone_free(s->zone);
	s->zone = z;
	return ERR_OK;
}

/* New sources and zones for all slots, in arrays beside the old ones. */
struct reload {
	struct source **sources;
	struct zone **zones;
	size_t count;
};

static void
reload_free(struct reload *r)
{
	for (size_t i = 0; r->sources != NULL && i < r->count; i++)
		source_free(r->sources[i]);
	for (size_t i = 0; r->zones != NULL && i < r->count; i++)
		zone_free(r->zones[i]);
	memory_free(r->sources);
	memory_free(r->zones);
}

static void
reload_read(const struct world *w, struct reload *r, struct complaints *c)
{
	char path[4096];
	size_t i = 0;

	for (const struct slot *s = w->slots; s != NULL; s = s->next, i++) {
		snprintf(path, sizeof(path), "%s/%s.zone", w->dir, s->label);
		r->sources[i] = source_read(path, s->origin.wire, c);
		if (r->sources[i] != NULL)
			r->zones[i] = build_zone(s, r->sources[i], c);
	}
}

enum err
world_reload(struct world *w, struct complaints *c)
{
	struct reload r = { .count = w->slot_count };
	size_t faults_before = c->count, i = 0;
	enum err e = ERR_MEMORY;

	r.sources = memory_new((r.count + 1) * sizeof(*r.sources));
	r.zones = memory_new((r.count + 1) * sizeof(*r.zones));
	if (r.sources == NULL || r.zones == NULL)
		goto out;
	reload_read(w, &r, c);
	e = ERR_FORMAT;
	if (c->count != faults_before)
		goto out;
	for (struct slot *s = w->slots; s != NULL; s = s->next, i++) {
		struct source *old_source = s->source;
		struct zone *old_zone = s->zone;

		s->source = r.sources[i];
		s->zone = r.zones[i];
		r.sources[i] = old_source;
		r.zones[i] = old_zone;
	}
	e = ERR_OK;
out:
	reload_free(&r);
	return e;
}

enum err
world_sign_again(struct world *w, struct complaints *c)
{
	enum err e = ERR_OK;

	for (struct slot *s = w->slots; s != NULL; s = s->next)
		if (signing_find(w->signing, s->origin.wire) != NULL &&
		    slot_rebuild(s, c) != ERR_OK)
			e = ERR_FORMAT;
	return e;
}

static bool
has_parent(const struct world *w, const struct signing *child)
{
	for (const struct signing *s = w->signing; s != NULL; s = s->next)
		if (s != child &&
		    name_is_within(child->origin.wire, s->origin.wire))
			return true;
	return false;
}

void
world_print_anchors(const struct world *w, FILE *out)
{
	for (const struct signing *s = w->signing; s != NULL; s = s->next) {
		const char *text =
		    has_parent(w, s) ? NULL : sign_anchor(w->arena, s, w->dir);

		if (text != NULL)
			fprintf(out, "%s", text);
	}
}

void
world_note_unused(const struct world *w, FILE *out)
{
	DIR *d = opendir(w->dir);
	struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		char label[256];
		size_t len = strlen(entry->d_name);

		if (len <= 5 || len >= sizeof(label) ||
		    strcmp(entry->d_name + len - 5, ".zone") != 0)
			continue;
		memcpy(label, entry->d_name, len - 5);
		label[len - 5] = '\0';
		if (world_slot(w, label) == NULL)
			fprintf(out, "%s/%s: note: no address serves it\n",
			    w->dir, entry->d_name);
	}
	closedir(d);
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	for (struct slot *s = w->slots; s != NULL; s = s->next) {
		source_free(s->source);
		zone_free(s->zone);
	}
	arena_free(w->arena);
	memory_free(w);
}

/* --- addresses -------------------------------------------------------- */

struct address *
world_address(struct world *w, const char *text)
{
	struct addr wanted;

	for (size_t i = 0; i < w->address_count; i++) {
		if (strcmp(w->addresses[i].name, text) == 0)
			return &w->addresses[i];
	}
	if (addr_parse(text, 0, &wanted) != ERR_OK)
		return NULL;
	for (size_t i = 0; i < w->address_count; i++) {
		if (addr_same_ip(&w->addresses[i].addr, &wanted))
			return &w->addresses[i];
	}
	return NULL;
}

struct site *
address_site(struct address *a, uint64_t now_us)
{
	size_t site = 0;

	if (a->forced_site != SITE_AUTO)
		return &a->sites[a->forced_site];
	if (a->alternates) {
		site = a->next_site;
		a->next_site = (site + 1) % a->site_count;
		return &a->sites[site];
	}
	for (size_t i = 0; i < a->shift_count; i++) {
		if (a->schedule[i].at_us > now_us)
			break;
		site = a->schedule[i].site;
	}
	return &a->sites[site];
}

enum err
address_quirk_add(struct address *a, unsigned quirk, const char *argument)
{
	bool wants =
	    quirk == QUIRK_SILENT_ON_TYPE || quirk == QUIRK_SILENT_ON_NAME;
	enum err e = ERR_OK;

	if (wants != (argument != NULL))
		return ERR_FORMAT;
	if (quirk == QUIRK_SILENT_ON_TYPE) {
		if (a->silent_type_count == SILENT_TYPES_MAX)
			return ERR_LIMIT;
		e = type_parse(argument,
		    &a->silent_types[a->silent_type_count]);
		a->silent_type_count += e == ERR_OK;
	} else if (quirk == QUIRK_SILENT_ON_NAME) {
		if (a->silent_name_count == SILENT_NAMES_MAX)
			return ERR_LIMIT;
		e = name_parse(argument,
		    &a->silent_names[a->silent_name_count]);
		a->silent_name_count += e == ERR_OK;
	}
	if (e == ERR_OK)
		a->quirks |= quirk;
	return e;
}

void
address_quirk_drop(struct address *a, unsigned quirk)
{
	a->quirks &= ~quirk;
	if (quirk == QUIRK_SILENT_ON_TYPE)
		a->silent_type_count = 0;
	if (quirk == QUIRK_SILENT_ON_NAME)
		a->silent_name_count = 0;
}
