/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * records.c - records as scenarios write them. ldns reads the text, so that
 * the code under test is not its own judge.
 */
#include "player.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <ldns/ldns.h>

#define DEFAULT_TTL 3600u

bool
record_add(struct arena *a, struct record_list *l, const struct record_line *r)
{
	struct record_line *items;
	size_t room = l->room > 0 ? 2 * l->room : 8;

	if (l->count == l->room) {
		items = arena_take(a, room * sizeof(*items));
		if (items == NULL)
			return false;
		if (l->count > 0)
			memcpy(items, l->items, l->count * sizeof(*items));
		l->items = items;
		l->room = room;
	}
	l->items[l->count++] = *r;
	return true;
}

/* Wire form of an ldns record: the owner, ten octets, the RDATA. */
static bool
from_ldns(struct arena *a, const ldns_rr *rr, struct record_line *out)
{
	uint8_t *wire = NULL;
	size_t len, owner;
	const uint8_t *copy;

	if (ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len) !=
	    LDNS_STATUS_OK)
		return false;
	copy = arena_copy(a, wire, len);
	LDNS_FREE(wire);
	if (copy == NULL)
		return false;
	owner = name_bytes(copy);
	*out = (struct record_line){ .owner = copy,
		.rdata = copy + owner + 10,
		.ttl = ldns_rr_ttl(rr),
		.type = (uint16_t)ldns_rr_get_type(rr),
		.class = (uint16_t)ldns_rr_get_class(rr),
		.len = (uint16_t)(len - owner - 10) };
	return true;
}

static bool
line_parse(struct arena *a, const char *line, ldns_rdf *origin,
    struct record_list *out)
{
	ldns_rr *rr = NULL;
	struct record_line r;
	bool ok = ldns_rr_new_frm_str(&rr, line, DEFAULT_TTL, origin, NULL) ==
		      LDNS_STATUS_OK &&
		  from_ldns(a, rr, &r) && record_add(a, out, &r);

	ldns_rr_free(rr);
	return ok;
}

/*
 * Signatures that were made up end in padding that is none, or lack theirs:
 * whole groups of four digits are kept of the last word.
 */
static bool
drop_digits(char *line)
{
	char *word = strrchr(line, ' ');
	size_t n = word == NULL ? 0 : strlen(++word);

	if (n < 5 || n % 4 == 0)
		return false;
	word[n - n % 4] = '\0';
	return true;
}

static bool
drop_padding(char *line)
{
	size_t n = strlen(line), kept;

	while (n > 0 && isspace((unsigned char)line[n - 1]))
		n--;
	kept = n;
	while (kept > 0 && line[kept - 1] == '=')
		kept--;
	line[kept] = '\0';
	return kept < n;
}

bool
record_parse(struct arena *a, const char *line, const char *origin,
    struct record_list *out)
{
	ldns_rdf *org = origin != NULL ? ldns_dname_new_frm_str(origin) : NULL;
	bool ok = false;
	char *flat;

	/* A blank in front would mean the owner of the line before. */
	line += strspn(line, " \t");
	flat = arena_copy(a, line, strlen(line) + 1);
	for (char *p = flat; p != NULL && *p != '\0'; p++)
		if (*p == '(' || *p == ')')
			*p = ' ';
	if (flat != NULL)
		ok = line_parse(a, flat, org, out) ||
		     (drop_padding(flat) && line_parse(a, flat, org, out)) ||
		     (drop_digits(flat) && line_parse(a, flat, org, out));
	ldns_rdf_deep_free(org);
	return ok;
}

bool
question_parse(const char *line, const char *origin, struct name *name,
    uint16_t *type, uint16_t *class)
{
	char owner[2200], word[3][32] = { "", "", "" };
	ldns_rr_type t;
	unsigned i = 0;
	int n = sscanf(line, " %1099s %31s %31s %31s", owner, word[0], word[1],
	    word[2]);

	if (n >= 2 && strcmp(origin, ".") != 0 &&
	    owner[strlen(owner) - 1] != '.')
		snprintf(owner + strlen(owner), sizeof(owner) - strlen(owner),
		    ".%s", origin);
	if (n < 2 || name_parse(owner, name) != ERR_OK)
		return false;
	if (isdigit((unsigned char)word[0][0]) && n > 2)
		i++;
	*class = CLASS_IN;
	if (n - 1 - (int)i >= 2)
		*class = (uint16_t)ldns_get_rr_class_by_name(word[i++]);
	t = ldns_get_rr_type_by_name(word[i]);
	*type = (uint16_t)t;
	return t != 0 && *class != 0;
}

/* Types whose RDATA holds names: letter case tells nothing there. */
static bool
has_names(uint16_t type)
{
	switch (type) {
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_SOA:
	case TYPE_PTR:
	case TYPE_MX:
	case TYPE_RP:
	case TYPE_AFSDB:
	case TYPE_SRV:
	case TYPE_DNAME:
	case TYPE_NSEC:
		return true;
	default:
		return false;
	}
}

bool
record_same(const struct record_line *x, const struct record_line *y)
{
	if (x->type != y->type || x->class != y->class || x->len != y->len ||
	    !name_equal(x->owner, y->owner))
		return false;
	if (!has_names(x->type))
		return x->len == 0 || memcmp(x->rdata, y->rdata, x->len) == 0;
	for (size_t i = 0; i < x->len; i++)
		if (tolower(x->rdata[i]) != tolower(y->rdata[i]))
			return false;
	return true;
}

const char *
record_print(struct arena *a, const struct record_line *r)
{
	struct rdata rd = { .bytes = r->rdata, .len = r->len };
	struct rrset s = { .owner = r->owner,
		.rdata = &rd,
		.ttl = r->ttl,
		.type = r->type,
		.count = 1 };
	char owner[NAME_TEXT_MAX], type[16];
	const char *text = rdata_text(a, &s, 0);

	return arena_print(a, "%s %u %s %.60s", name_text(r->owner, owner),
	    r->ttl, type_text(r->type, type), text != NULL ? text : "?");
}

bool
hex_add(const char *line, uint8_t *buf, size_t size, size_t *len)
{
	unsigned value = 0, digits = 0;

	for (; *line != '\0'; line++) {
		int c = tolower((unsigned char)*line);

		if (isspace(c))
			continue;
		if (!isxdigit(c))
			return false;
		value = value << 4 |
			(unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);
		if (++digits % 2 != 0)
			continue;
		if (*len >= size)
			return false;
		buf[(*len)++] = (uint8_t)value;
	}
	return digits % 2 == 0;
}
