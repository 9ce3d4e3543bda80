/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_yaml.c - reads net.yaml into a world. The shape of the file is told at
 * the head of zones/net.yaml and in hither-sim(1). All faults are reported
 * with line and column, then the world is refused. Depth is bounded by the
 * shape itself, so that YAML aliases cannot send the reader in circles.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "world.h"
#include "yaml_walk.h"

#define WORLD_BYTES_MAX ((size_t)64 << 20)
#define ADDRESSES_MAX   20000
#define SITES_MAX       64
#define SHIFTS_MAX      1000

static const char *
keep_text(struct walk *p, const yaml_node_t *n, size_t max)
{
	const char *text = walk_scalar(n);

	if (text == NULL || *text == '\0' || strlen(text) > max) {
		walk_fault(p, n, "expected a short text", NULL);
		return NULL;
	}
	return arena_print(p->world->arena, "%s", text);
}

/* --- sites ------------------------------------------------------------ */

static void
read_nsid(struct walk *p, const yaml_node_t *n, void *into)
{
	struct site *s = into;

	s->nsid = keep_text(p, n, NSID_MAX);
}

static void
read_median(struct walk *p, const yaml_node_t *n, void *into)
{
	struct delay_law *law = into, parsed = { 0 };

	if (walk_scalar(n) == NULL || strchr(walk_scalar(n), '/') != NULL ||
	    delay_parse(walk_scalar(n), &parsed) != ERR_OK)
		walk_fault(p, n, "expected milliseconds, 0 to 60000",
		    walk_scalar(n));
	law->median_us = parsed.median_us;
}

static void
read_sigma(struct walk *p, const yaml_node_t *n, void *into)
{
	struct delay_law *law = into;

	if (walk_scalar(n) == NULL ||
	    number_parse(walk_scalar(n), 0, 5, &law->sigma) != ERR_OK)
		walk_fault(p, n, "expected a number, 0 to 5", walk_scalar(n));
}

static void
read_late(struct walk *p, const yaml_node_t *n, void *into)
{
	struct delay_law *law = into;

	if (walk_scalar(n) == NULL ||
	    loss_parse(walk_scalar(n), &law->late) != ERR_OK)
		walk_fault(p, n, "expected a percentage, 0 to 100",
		    walk_scalar(n));
}

static void
read_late_by(struct walk *p, const yaml_node_t *n, void *into)
{
	struct delay_law *law = into, mean = { 0 };

	read_median(p, n, &mean);
	law->late_mean_us = (double)mean.median_us;
}

static void
read_delay(struct walk *p, const yaml_node_t *n, void *into)
{
	static const struct walk_key keys[] = { { "median", read_median },
		{ "sigma", read_sigma }, { "late", read_late },
		{ "late-by", read_late_by }, { NULL, NULL } };
	struct site *s = into;

	s->delay = (struct delay_law){ 0 };
	if (n->type == YAML_MAPPING_NODE)
		walk_mapping(p, n, keys, &s->delay);
	else
		read_median(p, n, &s->delay);
}

static void
read_loss(struct walk *p, const yaml_node_t *n, void *into)
{
	struct site *s = into;

	if (walk_scalar(n) == NULL ||
	    loss_parse(walk_scalar(n), &s->loss) != ERR_OK)
		walk_fault(p, n, "expected a percentage, 0 to 100",
		    walk_scalar(n));
}

static void
read_silent(struct walk *p, const yaml_node_t *n, void *into)
{
	struct site *s = into;
	const char *word = walk_scalar(n);

	s->silent = word != NULL && strcmp(word, "true") == 0;
	if (!s->silent && (word == NULL || strcmp(word, "false") != 0))
		walk_fault(p, n, "expected true or false", word);
}

static void
read_zones(struct walk *p, const yaml_node_t *n, void *into)
{
	struct site *s = into;

	if (n->type != YAML_SEQUENCE_NODE) {
		walk_fault(p, n, "expected a list of zones", NULL);
		return;
	}
	s->zone_count = 0;
	s->zones = arena_take(p->world->arena,
	    (walk_items(n) + 1) * sizeof(struct slot *));
	for (size_t i = 0; s->zones != NULL && i < walk_items(n); i++) {
		const yaml_node_t *v = walk_item(p, n, i);
		struct slot *slot = NULL;

		if (walk_scalar(v) == NULL ||
		    world_slot_make(p->world, walk_scalar(v), &slot) != ERR_OK)
			walk_fault(p, v, "not a zone's name", walk_scalar(v));
		else
			s->zones[s->zone_count++] = slot;
	}
}

static const struct walk_key site_keys[] = { { "nsid", read_nsid },
	{ "delay", read_delay }, { "loss", read_loss },
	{ "silent", read_silent }, { "zones", read_zones }, { NULL, NULL } };

/* --- addresses -------------------------------------------------------- */

/* What an address says of all its sites, until these are read. */
struct draft {
	struct address *address;
	struct site common;
	const yaml_node_t *sites, *schedule;
};

static void
common_nsid(struct walk *p, const yaml_node_t *n, void *into)
{
	read_nsid(p, n, &((struct draft *)into)->common);
}

static void
common_delay(struct walk *p, const yaml_node_t *n, void *into)
{
	read_delay(p, n, &((struct draft *)into)->common);
}

static void
common_loss(struct walk *p, const yaml_node_t *n, void *into)
{
	read_loss(p, n, &((struct draft *)into)->common);
}

static void
common_zones(struct walk *p, const yaml_node_t *n, void *into)
{
	read_zones(p, n, &((struct draft *)into)->common);
}

static void
read_name(struct walk *p, const yaml_node_t *n, void *into)
{
	const char *name = keep_text(p, n, 255);

	if (name != NULL)
		((struct draft *)into)->address->name = name;
}

static void
note_sites(struct walk *p, const yaml_node_t *n, void *into)
{
	struct draft *d = into;

	d->sites = n;
	if (n->type != YAML_SEQUENCE_NODE || walk_items(n) == 0 ||
	    walk_items(n) > SITES_MAX) {
		walk_fault(p, n, "expected a list of 1 to 64 sites", NULL);
		d->sites = NULL;
	}
}

static void
note_schedule(struct walk *p, const yaml_node_t *n, void *into)
{
	struct draft *d = into;

	d->schedule = n;
	if (n->type == YAML_SEQUENCE_NODE && walk_items(n) <= SHIFTS_MAX)
		return;
	if (walk_scalar(n) == NULL || strcmp(walk_scalar(n), "alternate") != 0)
		walk_fault(p, n, "expected a list or the word alternate", NULL);
	d->schedule = NULL;
	d->address->alternates = true;
}

static void
add_quirk(struct walk *p, struct address *a, const yaml_node_t *name,
    const yaml_node_t *argument)
{
	unsigned quirk =
	    walk_scalar(name) == NULL ? 0 : quirk_find(walk_scalar(name));
	enum err e;

	if (quirk == 0) {
		walk_fault(p, name, "unknown quirk", walk_scalar(name));
		return;
	}
	e = address_quirk_add(a, quirk,
	    argument == NULL ? NULL : walk_scalar(argument));
	if (e == ERR_LIMIT)
		walk_fault(p, name, "too many of these", walk_scalar(name));
	else if (e != ERR_OK)
		walk_fault(p, name,
		    "its argument is missing, not wanted or not valid",
		    walk_scalar(name));
}

static void
read_quirks(struct walk *p, const yaml_node_t *n, void *into)
{
	struct address *a = ((struct draft *)into)->address;

	if (n->type != YAML_SEQUENCE_NODE) {
		walk_fault(p, n, "expected a list of quirks", NULL);
		return;
	}
	for (size_t i = 0; i < walk_items(n); i++) {
		const yaml_node_t *v = walk_item(p, n, i);
		const yaml_node_pair_t *pair;

		if (v->type != YAML_MAPPING_NODE) {
			add_quirk(p, a, v, NULL);
			continue;
		}
		pair = v->data.mapping.pairs.start;
		for (; pair < v->data.mapping.pairs.top; pair++)
			add_quirk(p, a,
			    yaml_document_get_node(&p->doc, pair->key),
			    yaml_document_get_node(&p->doc, pair->value));
	}
}

static const struct walk_key address_keys[] = { { "name", read_name },
	{ "zones", common_zones }, { "nsid", common_nsid },
	{ "delay", common_delay }, { "loss", common_loss },
	{ "sites", note_sites }, { "schedule", note_schedule },
	{ "quirks", read_quirks }, { NULL, NULL } };

static void
read_sites(struct walk *p, struct draft *d)
{
	struct address *a = d->address;

	a->site_count = d->sites == NULL ? 1 : walk_items(d->sites);
	a->sites =
	    arena_take(p->world->arena, a->site_count * sizeof(*a->sites));
	if (a->sites == NULL)
		return;
	for (size_t i = 0; i < a->site_count; i++) {
		a->sites[i] = d->common;
		if (d->sites != NULL)
			walk_mapping(p, walk_item(p, d->sites, i), site_keys,
			    &a->sites[i]);
	}
}

struct shift_draft {
	const struct address *address;
	struct shift shift;
	bool has_at, has_site;
};

static void
read_at(struct walk *p, const yaml_node_t *n, void *into)
{
	struct shift_draft *s = into;
	double seconds = 0;

	if (walk_scalar(n) == NULL ||
	    number_parse(walk_scalar(n), 0, 1e6, &seconds) != ERR_OK)
		walk_fault(p, n, "expected seconds since the start",
		    walk_scalar(n));
	s->shift.at_us = (uint64_t)(seconds * 1e6);
	s->has_at = true;
}

static void
read_shift_site(struct walk *p, const yaml_node_t *n, void *into)
{
	struct shift_draft *s = into;
	const struct address *a = s->address;

	s->has_site = true;
	for (size_t i = 0; walk_scalar(n) != NULL && i < a->site_count; i++) {
		if (a->sites[i].nsid != NULL &&
		    strcmp(a->sites[i].nsid, walk_scalar(n)) == 0) {
			s->shift.site = i;
			return;
		}
	}
	walk_fault(p, n, "no site has this nsid", walk_scalar(n));
}

static void
read_schedule(struct walk *p, const yaml_node_t *list, struct address *a)
{
	static const struct walk_key keys[] = { { "at", read_at },
		{ "site", read_shift_site }, { NULL, NULL } };
	uint64_t last = 0;

	a->schedule = arena_take(p->world->arena,
	    (walk_items(list) + 1) * sizeof(*a->schedule));
	for (size_t i = 0; a->schedule != NULL && i < walk_items(list); i++) {
		struct shift_draft s = { .address = a };
		const yaml_node_t *n = walk_item(p, list, i);

		walk_mapping(p, n, keys, &s);
		if (!s.has_at || !s.has_site)
			walk_fault(p, n, "expected {at: SECONDS, site: NSID}",
			    NULL);
		if (s.shift.at_us < last)
			walk_fault(p, n, "earlier than the line before", "at");
		last = s.shift.at_us;
		a->schedule[a->shift_count++] = s.shift;
	}
}

static void
read_address(struct walk *p, const yaml_node_t *key, const yaml_node_t *value)
{
	struct world *w = p->world;
	struct draft d = { .address = &w->addresses[w->address_count] };
	char text[ADDR_TEXT_MAX];

	if (walk_scalar(key) == NULL ||
	    addr_parse(walk_scalar(key), p->port, &d.address->addr) != ERR_OK ||
	    strchr(walk_scalar(key), '@') != NULL) {
		walk_fault(p, key, "not an IP address", walk_scalar(key));
		return;
	}
	addr_ip_text(&d.address->addr, text);
	for (size_t i = 0; i < w->address_count; i++) {
		if (strcmp(w->addresses[i].text, text) == 0)
			walk_fault(p, key, "given twice", text);
	}
	d.address->text = arena_print(w->arena, "%s", text);
	d.address->name = "";
	d.address->forced_site = SITE_AUTO;
	if (d.address->text == NULL)
		return;
	walk_mapping(p, value, address_keys, &d);
	read_sites(p, &d);
	if (d.schedule != NULL && d.address->sites != NULL)
		read_schedule(p, d.schedule, d.address);
	w->address_count++;
}

static void
read_addresses(struct walk *p, const yaml_node_t *n, void *into)
{
	const yaml_node_pair_t *pair;
	struct world *w = into;
	size_t count;

	if (n->type != YAML_MAPPING_NODE) {
		walk_fault(p, n, "expected a mapping of addresses", NULL);
		return;
	}
	pair = n->data.mapping.pairs.start;
	count = (size_t)(n->data.mapping.pairs.top - pair);
	if (count > ADDRESSES_MAX) {
		walk_fault(p, n, "too many addresses", NULL);
		return;
	}
	w->addresses =
	    arena_take(w->arena, (count + 1) * sizeof(*w->addresses));
	if (w->addresses == NULL)
		return;
	for (; pair < n->data.mapping.pairs.top; pair++)
		read_address(p, yaml_document_get_node(&p->doc, pair->key),
		    yaml_document_get_node(&p->doc, pair->value));
}

/* --- the file --------------------------------------------------------- */

static void
read_document(struct walk *p)
{
	static const struct walk_key keys[] = { { "addresses", read_addresses },
		{ "signing", signing_read }, { NULL, NULL } };
	const yaml_node_t *root = yaml_document_get_root_node(&p->doc);

	if (root == NULL)
		walk_fault(p, NULL, "the file is empty", NULL);
	else
		walk_mapping(p, root, keys, p->world);
	if (p->world->address_count == 0)
		walk_fault(p, root, "no address is given", NULL);
	yaml_document_delete(&p->doc);
}

static void
read_file(struct walk *p)
{
	struct place at = { .path = p->path };
	FILE *f = fopen(p->path, "re");
	yaml_parser_t parser;

	if (f == NULL) {
		complain(p->complaints, &at, "cannot be read: %s",
		    strerror(errno));
		return;
	}
	if (yaml_parser_initialize(&parser) == 0) {
		complain(p->complaints, &at, "%s", err_text(ERR_MEMORY));
		fclose(f);
		return;
	}
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &p->doc) != 0) {
		read_document(p);
	} else {
		at.line = parser.problem_mark.line + 1;
		at.column = parser.problem_mark.column + 1;
		complain(p->complaints, &at, "%s",
		    parser.problem == NULL ? "not YAML" : parser.problem);
	}
	yaml_parser_delete(&parser);
	fclose(f);
}

struct world *
world_read(const char *dir, uint16_t port, uint64_t now_s, struct complaints *c)
{
	struct world *w = memory_new(sizeof(*w));
	struct walk p = { .world = w, .complaints = c, .port = port };
	size_t faults_before = c->count;

	if (w == NULL)
		return NULL;
	w->arena = arena_new(WORLD_BYTES_MAX);
	if (w->arena == NULL) {
		memory_free(w);
		return NULL;
	}
	if (now_s != 0)
		w->shift_s = (int64_t)now_s - (int64_t)clock_real_s();
	w->dir = arena_print(w->arena, "%s", dir);
	p.path = arena_print(w->arena, "%s/net.yaml", dir);
	if (w->dir != NULL && p.path != NULL)
		read_file(&p);
	if (arena_over(w->arena))
		complain(c, &(struct place){ .path = dir }, "%s",
		    err_text(ERR_MEMORY));
	else if (world_reload(w, c) == ERR_OK && c->count == faults_before)
		return w;
	world_free(w);
	return NULL;
}
