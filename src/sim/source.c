/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.c - zone files into records. ldns reads the presentation form here,
 * once, and what stays are names and RDATA in wire form. Every fault in a
 * file is reported with its line, and reading goes on behind it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "zone.h"

#define SOURCE_BYTES_MAX ((size_t)256 << 20)
#define RECORDS_MAX      4000000u
#define TTL_DEFAULT      3600u
#define FAULTS_MAX       50u /* in one file; then it is not a zone file */

void
complain(struct complaints *c, const struct place *at, const char *fmt, ...)
{
	char where[64] = "", text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at->line != 0 && at->column != 0)
		snprintf(where, sizeof(where), "%zu:%zu:", at->line,
		    at->column);
	else if (at->line != 0)
		snprintf(where, sizeof(where), "%zu:", at->line);
	if (c->out != NULL)
		fprintf(c->out, "%s:%s %s\n", at->path, where, text);
	if (c->count++ == 0)
		snprintf(c->first, sizeof(c->first), "%.100s:%s %.80s",
		    at->path, where, text);
}

/* --- one record ------------------------------------------------------- */

/*
 * ldns writes "owner type class ttl length rdata" without compression, so
 * the parts lie where the owner ends.
 */
static enum err
record_from_wire(struct arena *a, const uint8_t *wire, size_t len,
    struct record *out)
{
	size_t owner = name_bytes(wire), rdlen;
	const uint8_t *fixed = wire + owner;

	if (len < owner + 10)
		return ERR_FORMAT;
	rdlen = (size_t)fixed[8] << 8 | fixed[9];
	if (len != owner + 10 + rdlen)
		return ERR_FORMAT;
	out->owner = name_copy_in(a, wire);
	out->rdata.bytes = arena_copy(a, fixed + 10, rdlen);
	out->rdata.len = (uint16_t)rdlen;
	out->type = (uint16_t)(fixed[0] << 8 | fixed[1]);
	out->ttl = (uint32_t)fixed[4] << 24 | (uint32_t)fixed[5] << 16 |
		   (uint32_t)fixed[6] << 8 | fixed[7];
	if (out->ttl > INT32_MAX)
		out->ttl = 0; /* RFC 2181 section 8 */
	return arena_over(a) ? ERR_MEMORY : ERR_OK;
}

enum err
record_from_ldns(struct arena *a, const void *rr, struct record *out)
{
	uint8_t *wire = NULL;
	size_t len = 0;
	enum err e;

	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return ERR_FORMAT;
	if (ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len) !=
	    LDNS_STATUS_OK)
		return ERR_FORMAT;
	e = record_from_wire(a, wire, len, out);
	free(wire);
	return e;
}

enum err
source_push(struct source *s, const struct record *r)
{
	if (s->count == s->room) {
		size_t room = s->room == 0 ? 64 : s->room * 2;
		struct record *more;

		if (room > RECORDS_MAX)
			return ERR_LIMIT;
		more = memory_grow(s->records, room * sizeof(*more));
		if (more == NULL)
			return ERR_MEMORY;
		s->records = more;
		s->room = room;
	}
	s->records[s->count++] = *r;
	return ERR_OK;
}

/* --- a file ----------------------------------------------------------- */

/* ldns' place in the file: it keeps origin and owner from line to line. */
struct reader {
	FILE *file;
	ldns_rdf *origin, *previous;
	uint32_t ttl;
	int line;
};

static enum err
reader_open(struct reader *r, const char *path, const uint8_t *origin)
{
	char text[NAME_TEXT_MAX];

	*r = (struct reader){ .ttl = TTL_DEFAULT };
	r->file = fopen(path, "re");
	if (r->file == NULL)
		return ERR_SYSTEM;
	if (ldns_str2rdf_dname(&r->origin, name_text(origin, text)) !=
	    LDNS_STATUS_OK) {
		fclose(r->file);
		return ERR_MEMORY;
	}
	return ERR_OK;
}

static void
reader_close(struct reader *r)
{
	ldns_rdf_deep_free(r->origin);
	ldns_rdf_deep_free(r->previous);
	fclose(r->file);
}

static void
take_record(struct source *s, const ldns_rr *rr, const struct place *at,
    struct complaints *c)
{
	char owner[NAME_TEXT_MAX], zone[NAME_TEXT_MAX];
	struct record r = { .line = at->line };
	enum err e = record_from_ldns(s->arena, rr, &r);

	if (e != ERR_OK) {
		complain(c, at, "this record cannot be taken: %s",
		    e == ERR_FORMAT ? "not of class IN, or its data is bad"
				    : err_text(e));
	} else if (!name_is_within(r.owner, s->origin.wire)) {
		complain(c, at, "%s is not within the zone %s",
		    name_text(r.owner, owner), name_text(s->origin.wire, zone));
	} else {
		e = source_push(s, &r);
		if (e != ERR_OK)
			complain(c, at, "%s", err_text(e));
	}
}

static void
read_records(struct source *s, struct reader *in, struct complaints *c)
{
	size_t faults_before = c->count;

	while (!feof(in->file) && c->count - faults_before < FAULTS_MAX) {
		ldns_rr *rr = NULL;
		ldns_status st = ldns_rr_new_frm_fp_l(&rr, in->file, &in->ttl,
		    &in->origin, &in->previous, &in->line);
		struct place at = { .path = s->path };

		at.line = in->line < 1 ? 1 : (size_t)in->line;
		if (st == LDNS_STATUS_OK)
			take_record(s, rr, &at, c);
		else if (st == LDNS_STATUS_SYNTAX_INCLUDE)
			complain(c, &at, "$INCLUDE is not supported");
		else if (st != LDNS_STATUS_SYNTAX_TTL &&
			 st != LDNS_STATUS_SYNTAX_ORIGIN &&
			 st != LDNS_STATUS_SYNTAX_EMPTY)
			complain(c, &at, "%s", ldns_get_errorstr_by_id(st));
		ldns_rr_free(rr);
	}
}

struct source *
source_new(const char *path, const uint8_t *origin)
{
	struct source *s = memory_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	name_copy(&s->origin, origin);
	s->arena = arena_new(SOURCE_BYTES_MAX);
	s->path = s->arena != NULL ? arena_print(s->arena, "%s", path) : NULL;
	if (s->path != NULL)
		return s;
	source_free(s);
	return NULL;
}

struct source *
source_read(const char *path, const uint8_t *origin, struct complaints *c)
{
	struct source *s = source_new(path, origin);
	struct place at = { .path = path };
	size_t faults_before = c->count;
	struct reader in;

	if (s == NULL)
		return NULL;
	if (reader_open(&in, path, origin) != ERR_OK) {
		complain(c, &at, "cannot be read: %s", strerror(errno));
		goto fail;
	}
	read_records(s, &in, c);
	reader_close(&in);
	if (c->count == faults_before)
		return s;
fail:
	source_free(s);
	return NULL;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	arena_free(s->arena);
	memory_free(s->records);
	memory_free(s);
}

/* --- changes while running -------------------------------------------- */

enum err
source_mark(const struct source *s, struct source_mark *out)
{
	out->count = s->count;
	out->records = memory_new((s->count + 1) * sizeof(*out->records));
	if (out->records == NULL)
		return ERR_MEMORY;
	memcpy(out->records, s->records, s->count * sizeof(*out->records));
	return ERR_OK;
}

void
source_return(struct source *s, struct source_mark *m)
{
	if (m->records == NULL)
		return;
	memory_free(s->records);
	s->records = m->records;
	s->count = m->count;
	s->room = m->count + 1;
	m->records = NULL;
}

void
source_forget(struct source_mark *m)
{
	memory_free(m->records);
	m->records = NULL;
}

static enum err
parse_line(struct source *s, const char *line, struct record *out)
{
	char zone[NAME_TEXT_MAX];
	ldns_rdf *origin = NULL;
	ldns_rr *rr = NULL;
	enum err e = ERR_FORMAT;

	if (ldns_str2rdf_dname(&origin, name_text(s->origin.wire, zone)) !=
	    LDNS_STATUS_OK)
		return ERR_MEMORY;
	*out = (struct record){ 0 };
	if (ldns_rr_new_frm_str(&rr, line, TTL_DEFAULT, origin, NULL) ==
	    LDNS_STATUS_OK)
		e = record_from_ldns(s->arena, rr, out);
	ldns_rr_free(rr);
	ldns_rdf_deep_free(origin);
	if (e == ERR_OK && !name_is_within(out->owner, s->origin.wire))
		return ERR_RANGE;
	return e;
}

enum err
source_add(struct source *s, const char *line)
{
	struct record r;
	enum err e = parse_line(s, line, &r);

	return e == ERR_OK ? source_push(s, &r) : e;
}

/* "NAME TYPE" and nothing more; NAME is taken as relative to the zone. */
static bool
parse_name_type(const struct source *s, const char *line, struct record *out)
{
	char name[NAME_TEXT_MAX], type[32], rest[2], full[2 * NAME_TEXT_MAX];
	char zone[NAME_TEXT_MAX];
	struct name parsed;

	if (sscanf(line, "%1015s %31s %1s", name, type, rest) != 2)
		return false;
	if (strcmp(name, "@") == 0)
		snprintf(full, sizeof(full), "%s",
		    name_text(s->origin.wire, zone));
	else if (name[strlen(name) - 1] == '.')
		snprintf(full, sizeof(full), "%s", name);
	else if (s->origin.wire[0] == 0)
		snprintf(full, sizeof(full), "%s.", name);
	else
		snprintf(full, sizeof(full), "%s.%s", name,
		    name_text(s->origin.wire, zone));
	if (name_parse(full, &parsed) != ERR_OK ||
	    type_parse(type, &out->type) != ERR_OK)
		return false;
	out->owner = name_copy_in(s->arena, parsed.wire);
	return out->owner != NULL;
}

static bool
is_meant(const struct record *r, const struct record *given, bool whole_set)
{
	if (r->type != given->type || !name_equal(r->owner, given->owner))
		return false;
	return whole_set || (r->rdata.len == given->rdata.len &&
				memcmp(r->rdata.bytes, given->rdata.bytes,
				    r->rdata.len) == 0);
}

enum err
source_remove(struct source *s, const char *line)
{
	struct record given = { 0 };
	bool whole_set = parse_name_type(s, line, &given);
	size_t kept = 0, before = s->count;

	if (!whole_set) {
		enum err e = parse_line(s, line, &given);

		if (e != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < before; i++) {
		if (!is_meant(&s->records[i], &given, whole_set))
			s->records[kept++] = s->records[i];
	}
	s->count = kept;
	return kept == before ? ERR_NOT_FOUND : ERR_OK;
}
