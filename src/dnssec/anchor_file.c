/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * anchor_file.c - trust anchors from a file, and the ones built in.
 *
 * The file is cut into words here, so that every fault has its line and
 * column; what the words of one record say is then read like any record.
 * Debian's dns-root-data, IANA's DS lines and the files of other resolvers
 * are all of this form (RFC 1035 section 5.1).
 */
#include "inner.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1u << 20)
#define WORDS_MAX      128u
#define LINE_BYTES_MAX 8192u /* of one record, joined */
#define ARENA_BYTES    (64u << 10)

/* Published by IANA: https://data.iana.org/root-anchors/root-anchors.xml */
static const char builtin[] =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084"
    "58E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219"
    "298D0A450D612C483AF444A4C0FB2B16\n";

struct word {
	const char *text;
	size_t len;
	unsigned line, column;
};

struct scan {
	const char *at, *end;
	unsigned line, column;
	struct word words[WORDS_MAX]; /* of one record */
	size_t count;
	bool indented; /* begins with a blank: the owner of before */
	struct anchor_fault *bad;
};

struct reading {
	struct scan scan;
	struct anchors *anchors;
	struct arena *arena;
	char origin[NAME_TEXT_MAX], owner[NAME_TEXT_MAX];
	size_t added;
};

static enum err
fault(struct scan *s, const struct word *w, const char *what)
{
	s->bad->line = w != NULL ? w->line : s->line;
	s->bad->column = w != NULL ? w->column : s->column;
	snprintf(s->bad->what, sizeof(s->bad->what), "%s", what);
	return ERR_FORMAT;
}

/* --- words --------------------------------------------------------------- */

static void
step(struct scan *s)
{
	s->column++;
	if (*s->at == '\n') {
		s->line++;
		s->column = 1;
	}
	s->at++;
}

static bool
is_plain(char c)
{
	return !isspace((unsigned char)c) && c != ';' && c != '(' && c != ')';
}

static enum err
take_word(struct scan *s)
{
	struct word *w = &s->words[s->count];

	if (s->count == WORDS_MAX)
		return fault(s, NULL, "too many words in one record");
	*w = (struct word){ s->at, 0, s->line, s->column };
	while (s->at < s->end && is_plain(*s->at)) {
		if ((unsigned char)*s->at < ' ' || *s->at == 127)
			return fault(s, NULL, "a control character");
		step(s);
	}
	w->len = (size_t)(s->at - w->text);
	s->count++;
	return ERR_OK;
}

static void
skip_comment(struct scan *s)
{
	while (s->at < s->end && *s->at != '\n')
		step(s);
}

/* The words up to the end of a record; none at the end of the text. */
static enum err
take_record(struct scan *s)
{
	struct word open = { 0 };
	unsigned depth = 0;
	enum err e = ERR_OK;

	s->count = 0;
	while (s->at < s->end && e == ERR_OK) {
		char c = *s->at;

		if (s->count == 0 && s->column == 1)
			s->indented = c == ' ' || c == '\t';
		if (c == '\n' && depth == 0 && s->count > 0)
			break;
		if (c == '(' && depth++ == 0)
			open = (struct word){ s->at, 1, s->line, s->column };
		if (c == ')' && depth-- == 0)
			return fault(s, NULL, "nothing is open here");
		if (c == ';')
			skip_comment(s);
		else if (is_plain(c))
			e = take_word(s);
		else
			step(s);
	}
	if (e == ERR_OK && depth > 0)
		return fault(s, &open, "this parenthesis is never closed");
	return e;
}

/* --- what they say -------------------------------------------------------- */

static bool
word_is(const struct word *w, const char *text)
{
	return w->len == strlen(text) &&
	       strncasecmp(w->text, text, w->len) == 0;
}

static bool
is_number(const struct word *w, unsigned long most)
{
	unsigned long v = 0;

	for (size_t i = 0; i < w->len; i++) {
		if (!isdigit((unsigned char)w->text[i]))
			return false;
		v = v * 10 + (unsigned long)(w->text[i] - '0');
		if (v > most)
			return false;
	}
	return w->len > 0;
}

/* Relative to the origin when it has no final dot. */
static enum err
set_name(struct reading *r, const struct word *w, char *out)
{
	bool whole = w->len > 0 && w->text[w->len - 1] == '.';
	char text[2 * NAME_TEXT_MAX];
	struct name n;

	if (word_is(w, "@"))
		snprintf(text, sizeof(text), "%s", r->origin);
	else if (whole || strcmp(r->origin, ".") == 0)
		snprintf(text, sizeof(text), "%.*s",
		    (int)(w->len < NAME_TEXT_MAX ? w->len : NAME_TEXT_MAX),
		    w->text);
	else
		snprintf(text, sizeof(text), "%.*s.%s",
		    (int)(w->len < NAME_TEXT_MAX ? w->len : NAME_TEXT_MAX),
		    w->text, r->origin);
	if (strlen(text) >= NAME_TEXT_MAX || name_parse(text, &n) != ERR_OK)
		return fault(&r->scan, w, "not a domain name");
	(void)name_text(n.wire, out);
	return ERR_OK;
}

/* The first three words of the RDATA; RFC 4034 sections 2.2 and 5.3. */
static enum err
check_numbers(struct scan *s, size_t first, bool is_ds)
{
	static const char *const names[2][3] = { { "flags", "protocol",
						     "algorithm" },
		{ "key tag", "algorithm", "digest type" } };
	char what[64];

	for (size_t i = 0; i < 3; i++) {
		const struct word *w = &s->words[first + i];
		bool algorithm = i == (is_ds ? 1u : 2u);

		if (first + i >= s->count || first + 3 >= s->count)
			return fault(s, NULL, "the record ends too early");
		if (is_number(w, i == 0 ? 65535 : 255) ||
		    (algorithm && isalpha((unsigned char)w->text[0])))
			continue;
		snprintf(what, sizeof(what), "expected a number: the %s",
		    names[is_ds][i]);
		return fault(s, w, what);
	}
	if (!is_ds && !word_is(&s->words[first + 1], "3"))
		return fault(s, &s->words[first + 1], "the protocol must be 3");
	return ERR_OK;
}

/* Owner, type and RDATA as one line, for the reader of records. */
static bool
join(const struct reading *r, size_t type, char *line)
{
	int n = snprintf(line, LINE_BYTES_MAX, "%s 0 IN", r->owner);
	size_t at = (size_t)n;

	for (size_t i = type; i < r->scan.count; i++) {
		const struct word *w = &r->scan.words[i];

		if (at + w->len + 2 > LINE_BYTES_MAX)
			return false;
		line[at++] = ' ';
		memcpy(line + at, w->text, w->len);
		at += w->len;
		line[at] = '\0';
	}
	return true;
}

static bool
digest_fits(const struct rdata *r)
{
	static const uint8_t lens[] = { 0, 20, 32, 0, 48 };
	struct ds ds;

	if (!ds_read(r, &ds))
		return false;
	return ds.digest_type >= ARRAY_LEN(lens) || lens[ds.digest_type] == 0 ||
	       lens[ds.digest_type] == ds.digest_len;
}

static enum err
add_record(struct reading *r, size_t type)
{
	const struct word *rest = &r->scan.words[type + 4];
	char line[LINE_BYTES_MAX];
	struct dnskey key;
	struct rrset *set;
	enum err e;

	arena_reset(r->arena);
	set = join(r, type, line) ? rrset_parse(r->arena, line) : NULL;
	if (set == NULL)
		return fault(&r->scan, rest, "the data cannot be read");
	if (set->type == TYPE_DS && !digest_fits(&set->rdata[0]))
		return fault(&r->scan, rest, "not as long as its digest is");
	if (set->type == TYPE_DNSKEY) {
		if (!dnskey_read(&set->rdata[0], &key) ||
		    (key.flags & KEY_FLAG_ZONE) == 0)
			return fault(&r->scan, &r->scan.words[type + 1],
			    "not a zone key");
		if ((key.flags & KEY_FLAG_REVOKED) != 0)
			return ERR_OK;
	}
	e = anchors_add(r->anchors, set->owner, set->type, &set->rdata[0]);
	if (e == ERR_OK)
		r->added++;
	return e == ERR_LIMIT ? fault(&r->scan, rest, "too many anchors") : e;
}

static enum err
read_directive(struct reading *r)
{
	struct scan *s = &r->scan;

	if (word_is(&s->words[0], "$TTL") && s->count == 2)
		return ERR_OK;
	if (word_is(&s->words[0], "$ORIGIN") && s->count == 2)
		return set_name(r, &s->words[1], r->origin);
	return fault(s, &s->words[0], "only $ORIGIN and $TTL are understood");
}

static enum err
read_record(struct reading *r)
{
	struct scan *s = &r->scan;
	size_t i = 0;
	bool is_ds;
	enum err e = ERR_OK;

	if (s->words[0].text[0] == '$')
		return read_directive(r);
	if (!s->indented)
		e = set_name(r, &s->words[i++], r->owner);
	else if (r->owner[0] == '\0')
		return fault(s, &s->words[0], "no owner");
	if (e != ERR_OK)
		return e;
	while (i < s->count && (isdigit((unsigned char)s->words[i].text[0]) ||
				   word_is(&s->words[i], "IN")))
		i++;
	if (i == s->count)
		return fault(s, NULL, "the record ends too early");
	is_ds = word_is(&s->words[i], "DS");
	if (!is_ds && !word_is(&s->words[i], "DNSKEY"))
		return fault(s, &s->words[i], "expected DS or DNSKEY");
	e = check_numbers(s, i + 1, is_ds);
	return e == ERR_OK ? add_record(r, i) : e;
}

/* --- files ----------------------------------------------------------------- */

enum err
anchors_read(struct anchors *as, const char *text, size_t len,
    struct anchor_fault *bad)
{
	struct reading *r = memory_new(sizeof(*r));
	enum err e = ERR_MEMORY;

	*bad = (struct anchor_fault){ .line = 0 };
	if (r != NULL)
		r->arena = arena_new(ARENA_BYTES);
	if (r == NULL || r->arena == NULL)
		goto out;
	r->anchors = as;
	r->scan.at = text;
	r->scan.end = text + len;
	r->scan.line = r->scan.column = 1;
	r->scan.bad = bad;
	r->origin[0] = '.';
	do {
		e = take_record(&r->scan);
		if (e == ERR_OK && r->scan.count > 0)
			e = read_record(r);
	} while (e == ERR_OK && r->scan.count > 0);
	if (e == ERR_OK && r->added == 0)
		e = fault(&r->scan, NULL, "no trust anchor is in here");
out:
	if (r != NULL)
		arena_free(r->arena);
	memory_free(r);
	return e;
}

static char *
read_whole(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		errno = EINVAL;
	} else if (st.st_size > (off_t)FILE_BYTES_MAX) {
		errno = EFBIG;
	} else {
		text = memory_new((size_t)st.st_size + 1);
		if (text != NULL)
			*len = fread(text, 1, (size_t)st.st_size, f);
	}
	(void)fclose(f);
	return text;
}

enum err
anchors_read_file(struct anchors *as, const char *path,
    struct anchor_fault *bad)
{
	size_t len = 0;
	char *text = read_whole(path, &len);
	enum err e;

	*bad = (struct anchor_fault){ .line = 0 };
	if (text == NULL)
		return ERR_SYSTEM;
	e = anchors_read(as, text, len, bad);
	memory_free(text);
	return e;
}

enum err
anchors_builtin(struct anchors *as)
{
	struct anchor_fault bad;

	return anchors_read(as, builtin, sizeof(builtin) - 1, &bad);
}
