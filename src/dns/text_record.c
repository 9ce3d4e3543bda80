/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text_record.c - records in zone-file form, by way of ldns.
 *
 * ldns reads and prints presentation format; what it makes of a line is
 * turned to octets and held against our own shapes (rdata.h) before anyone
 * sees it. On the way out it is only given RDATA that is short and that it
 * keeps octet for octet; everything else is printed as \# (RFC 3597
 * section 5), which is always right.
 */
#include "text.h"

#include <string.h>

#include <ldns/ldns.h>

#include "rdata.h"

/* ldns takes quadratic time over RDATA of many fields. */
#define LDNS_RDATA_MAX 2048u

static bool
is_data(uint16_t type)
{
	return type != 0 && type != TYPE_OPT && (type < 128 || type > 255);
}

/* A set of one from a record in wire form, copied to the arena. */
static struct rrset *
rrset_from_wire(struct arena *a, const uint8_t *bytes, size_t len)
{
	struct name owner;
	struct rdata rdata;
	struct rrset s = { .owner = owner.wire, .rdata = &rdata, .count = 1 };
	struct reader r;
	uint16_t class;

	reader_start_plain(&r, bytes, len);
	(void)reader_name_plain(&r, &owner);
	s.type = reader_u16(&r);
	class = reader_u16(&r);
	s.ttl = reader_u32(&r);
	rdata.len = reader_u16(&r);
	rdata.bytes = reader_take(&r, rdata.len);
	if (r.failed || r.at != len || class != CLASS_IN || !is_data(s.type) ||
	    s.ttl > INT32_MAX || !rdata_check(s.type, rdata.bytes, rdata.len))
		return NULL;
	return rrset_copy(a, &s);
}

static struct rrset *
rrset_from_ldns(struct arena *a, const ldns_rr *rr)
{
	struct rrset *s = NULL;
	uint8_t *wire = NULL;
	size_t i, len = 0;

	for (i = 0; i < ldns_rr_rd_count(rr); i++)
		if (ldns_rr_rdf(rr, i) == NULL)
			return NULL;
	if (ldns_rr_owner(rr) != NULL &&
	    ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len) ==
		LDNS_STATUS_OK &&
	    wire != NULL)
		s = rrset_from_wire(a, wire, len);
	LDNS_FREE(wire);
	return s;
}

/*
 * ldns 1.8.3 runs past a token's buffer at line ends inside parentheses: one
 * record is one line here, without control characters but the tab.
 */
static bool
is_one_line(const char *line)
{
	for (; *line != '\0'; line++)
		if ((uint8_t)*line < ' ' && *line != '\t')
			return false;
	return true;
}

struct rrset *
rrset_parse(struct arena *a, const char *line)
{
	struct rrset *s = NULL;
	ldns_rr *rr = NULL;

	if (!is_one_line(line))
		return NULL;
	if (ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) == LDNS_STATUS_OK &&
	    rr != NULL)
		s = rrset_from_ldns(a, rr);
	ldns_rr_free(rr);
	return s;
}

/* What a zone file carries from line to line. */
struct zone_text {
	ldns_rdf *origin, *previous;
	uint32_t ttl;
};

/* One record to *out; NULL there for lines that have none. */
static enum err
zone_record(FILE *f, struct zone_text *z, struct arena *a, int *line,
    struct rrset **out)
{
	ldns_rr *rr = NULL;
	ldns_status status = ldns_rr_new_frm_fp_l(&rr, f, &z->ttl, &z->origin,
	    &z->previous, line);

	*out = NULL;
	if (status == LDNS_STATUS_SYNTAX_EMPTY ||
	    status == LDNS_STATUS_SYNTAX_TTL ||
	    status == LDNS_STATUS_SYNTAX_ORIGIN)
		return ERR_OK;
	if (status != LDNS_STATUS_OK || rr == NULL)
		return ERR_FORMAT;
	*out = rrset_from_ldns(a, rr);
	ldns_rr_free(rr);
	if (*out == NULL)
		return arena_over(a) ? ERR_MEMORY : ERR_FORMAT;
	return ERR_OK;
}

enum err
text_zone_each(FILE *f, struct arena *a,
    enum err (*each)(void *user, const struct rrset *record), void *user,
    int *line)
{
	struct zone_text z = { .ttl = 3600 };
	enum err e = ERR_OK;

	*line = 0;
	while (e == ERR_OK && !feof(f)) {
		struct rrset *record;

		e = zone_record(f, &z, a, line, &record);
		if (e == ERR_OK && record != NULL)
			e = each(user, record);
	}
	ldns_rdf_deep_free(z.origin);
	ldns_rdf_deep_free(z.previous);
	if (e == ERR_OK && ferror(f))
		e = ERR_SYSTEM;
	return e;
}

/* \# and the octets in hexadecimal. */
static const char *
opaque_text(struct arena *a, const struct rdata *r)
{
	static const char digits[] = "0123456789abcdef";
	char head[16];
	int n = snprintf(head, sizeof(head), "\\# %u%s", (unsigned)r->len,
	    r->len > 0 ? " " : "");
	char *text = arena_take(a, (size_t)n + 2u * r->len + 1);
	size_t i;

	if (text == NULL)
		return NULL;
	memcpy(text, head, (size_t)n);
	for (i = 0; i < r->len; i++) {
		text[(size_t)n + 2 * i] = digits[r->bytes[i] >> 4];
		text[(size_t)n + 2 * i + 1] = digits[r->bytes[i] & 0xf];
	}
	return text;
}

/* Did ldns keep every octet, in order? */
static bool
fields_are(const ldns_rr *rr, const struct rdata *r)
{
	size_t i, at = 0;

	for (i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *f = ldns_rr_rdf(rr, i);
		size_t len = f == NULL ? 0 : ldns_rdf_size(f);

		if (f == NULL || len > r->len - at ||
		    (len > 0 &&
			memcmp(ldns_rdf_data(f), r->bytes + at, len) != 0))
			return false;
		at += len;
	}
	return at == r->len;
}

/* ldns leaves control characters of some types as they are. */
static bool
is_printable(const ldns_buffer *b)
{
	const uint8_t *p = ldns_buffer_begin(b);
	size_t i, n = ldns_buffer_position(b);

	for (i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return true;
}

static bool
fields_print(const ldns_rr *rr, ldns_buffer *b)
{
	size_t i;

	for (i = 0; i < ldns_rr_rd_count(rr); i++) {
		if (i > 0)
			(void)ldns_buffer_printf(b, " ");
		if (ldns_rdf2buffer_str(b, ldns_rr_rdf(rr, i)) !=
		    LDNS_STATUS_OK)
			return false;
	}
	return ldns_buffer_status_ok(b) && is_printable(b);
}

/* RDATA into fields of a record without an owner; NULL when ldns objects. */
static ldns_rr *
fields_read(uint16_t type, const struct rdata *r)
{
	uint8_t wire[2 + LDNS_RDATA_MAX];
	size_t at = 0, len = 2u + r->len;
	ldns_rr *rr = ldns_rr_new();

	if (rr == NULL)
		return NULL;
	wire[0] = (uint8_t)(r->len >> 8);
	wire[1] = (uint8_t)r->len;
	if (r->len > 0)
		memcpy(wire + 2, r->bytes, r->len);
	ldns_rr_set_type(rr, (ldns_rr_type)type);
	if (ldns_wire2rdf(rr, wire, len, &at) == LDNS_STATUS_OK &&
	    fields_are(rr, r))
		return rr;
	ldns_rr_free(rr);
	return NULL;
}

static const char *
known_text(struct arena *a, uint16_t type, const struct rdata *r)
{
	ldns_rr *rr = fields_read(type, r);
	ldns_buffer *b = rr == NULL ? NULL : ldns_buffer_new(1024);
	const char *text = NULL;

	if (b != NULL && fields_print(rr, b))
		text = arena_print(a, "%.*s", (int)ldns_buffer_position(b),
		    (const char *)ldns_buffer_begin(b));
	ldns_buffer_free(b);
	ldns_rr_free(rr);
	return text;
}

const char *
rdata_text(struct arena *a, const struct rrset *s, uint16_t i)
{
	const struct rdata *r = &s->rdata[i];
	const ldns_rr_descriptor *d = ldns_rr_descript(s->type);
	const char *text = NULL;

	if (r->len > 0 && r->len <= LDNS_RDATA_MAX && d != NULL &&
	    s->type != 0 && d->_type == s->type &&
	    rdata_check(s->type, r->bytes, r->len))
		text = known_text(a, s->type, r);
	return text != NULL ? text : opaque_text(a, r);
}
