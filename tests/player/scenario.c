/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario.c - reads a scenario: SCENARIO_BEGIN, ranges and steps,
 * SCENARIO_END. A word that is in no table fails the file; one that is known
 * but asks for what the player has not makes it a skip.
 */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAW_MAX 65535u

struct word {
	const char *text;
	unsigned value;
};

struct parser {
	struct scenario *sc;
	struct text t;
	struct range **range_end;
	struct moment **moment_end;
	char origin[NAME_TEXT_MAX];
};

static bool
fault(struct parser *p, const char *what)
{
	if (p->sc->why[0] == '\0')
		snprintf(p->sc->why, TEXT_MAX, "line %u: %s: %.80s",
		    p->t.number, what, p->t.line != NULL ? p->t.line : "");
	return false;
}

static void
skip(struct parser *p, const char *reason)
{
	if (p->sc->skip == NULL)
		p->sc->skip = arena_print(p->sc->arena, "%s", reason);
}

static bool
look_up(const struct word *words, size_t n, const char *text, unsigned *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].text, text) == 0) {
			*value = words[i].value;
			return true;
		}
	return false;
}

static const struct word match_words[] = { { "opcode", PART_OPCODE },
	{ "qtype", PART_QTYPE }, { "qname", PART_QNAME },
	{ "subdomain", PART_SUBDOMAIN }, { "all", PART_ALL },
	{ "UDP", PART_UDP }, { "TCP", PART_TCP }, { "DO", PART_DO },
	{ "noedns", PART_NOEDNS }, { "flags", PART_FLAGS },
	{ "rcode", PART_RCODE }, { "question", PART_QUESTION },
	{ "answer", PART_ANSWER }, { "authority", PART_AUTHORITY },
	{ "additional", PART_ADDITIONAL }, { "ttl", PART_TTL },
	{ "qcase", PART_QCASE } };

static bool
read_match(struct parser *p, struct entry *e)
{
	for (size_t i = 1; i < p->t.count; i++) {
		const char *w = p->t.tokens[i];
		unsigned bit;

		if (look_up(match_words, ARRAY_LEN(match_words), w, &bit))
			e->match |= bit;
		else if (strcmp(w, "ede=any") == 0)
			e->ede = EDE_ANY_CODE;
		else if (strncmp(w, "ede=", 4) == 0)
			e->ede = atoi(w + 4);
		else if (strcmp(w, "ednsdata") == 0 ||
			 strncmp(w, "server_cookie", 13) == 0 ||
			 strncmp(w, "client_cookie", 13) == 0)
			skip(p, arena_print(p->sc->arena, "MATCH %s", w));
		else
			return fault(p, "unknown MATCH");
	}
	return true;
}

static const struct word adjust_words[] = { { "copy_id", COPY_ID },
	{ "copy_query", COPY_QUERY }, { "do_bit", DO_BIT },
	{ "raw_id", RAW_ID } };

static bool
read_adjust(struct parser *p, struct entry *e)
{
	for (size_t i = 1; i < p->t.count; i++) {
		const char *w = p->t.tokens[i];
		unsigned bit;

		if (look_up(adjust_words, ARRAY_LEN(adjust_words), w, &bit))
			e->adjust |= bit;
		else if (strncmp(w, "sleep=", 6) == 0 ||
			 strncmp(w, "packet_sleep=", 13) == 0 ||
			 strncmp(w, "copy_ednsdata", 13) == 0 ||
			 strncmp(w, "increment_ecs", 13) == 0)
			skip(p, arena_print(p->sc->arena, "ADJUST %s", w));
		else
			return fault(p, "unknown ADJUST");
	}
	return true;
}

static const struct word flag_words[] = { { "QR", FLAG_QR }, { "AA", FLAG_AA },
	{ "TC", FLAG_TC }, { "RD", FLAG_RD }, { "RA", FLAG_RA },
	{ "AD", FLAG_AD }, { "CD", FLAG_CD } };
static const struct word rcode_words[] = { { "NOERROR", 0 }, { "FORMERR", 1 },
	{ "SERVFAIL", 2 }, { "NXDOMAIN", 3 }, { "NOTIMPL", 4 }, { "NOTIMP", 4 },
	{ "REFUSED", 5 }, { "YXDOMAIN", 6 }, { "YXRRSET", 7 }, { "NXRRSET", 8 },
	{ "NOTAUTH", 9 }, { "NOTZONE", 10 }, { "BADVERS", 16 },
	{ "BADCOOKIE", 23 } };
static const struct word opcode_words[] = { { "QUERY", 0 }, { "IQUERY", 1 },
	{ "STATUS", 2 }, { "NOTIFY", 4 }, { "UPDATE", 5 } };

static bool
read_reply(struct parser *p, struct entry *e)
{
	for (size_t i = 1; i < p->t.count; i++) {
		const char *w = p->t.tokens[i];
		unsigned v;

		if (look_up(flag_words, ARRAY_LEN(flag_words), w, &v))
			e->flags |= (uint16_t)v;
		else if (look_up(rcode_words, ARRAY_LEN(rcode_words), w, &v))
			e->rcode = (uint16_t)v;
		else if (look_up(opcode_words, ARRAY_LEN(opcode_words), w, &v))
			e->opcode = (uint8_t)v;
		else if (strcmp(w, "DO") == 0)
			e->dnssec_ok = true;
		else
			return fault(p, "unknown REPLY");
	}
	return true;
}

/* HEX_x_BEGIN to HEX_x_END. */
static bool
read_hex(struct parser *p, const uint8_t **bytes, size_t *len)
{
	uint8_t *buf = arena_take(p->sc->arena, RAW_MAX);

	*len = 0;
	*bytes = buf;
	while (buf != NULL && text_next(&p->t)) {
		if (strncmp(p->t.tokens[0], "HEX_", 4) == 0)
			return true;
		if (!hex_add(p->t.line, buf, RAW_MAX, len))
			return fault(p, "not hexadecimal");
	}
	return fault(p, "no end of hexadecimal");
}

#define IN_QUESTION 3u
#define IN_NOTHING  4u

static const struct word section_words[] = { { "QUESTION", IN_QUESTION },
	{ "ANSWER", SECTION_ANSWER }, { "AUTHORITY", SECTION_AUTHORITY },
	{ "ADDITIONAL", SECTION_ADDITIONAL } };

/* A line of a section: the question or a record. */
static bool
read_record(struct parser *p, struct entry *e, unsigned section)
{
	if (section == IN_NOTHING)
		return fault(p, "unknown word");
	if (section == IN_QUESTION) {
		if (!question_parse(p->t.line, p->origin, &e->qname, &e->qtype,
			&e->qclass))
			return fault(p, "bad question");
		e->has_question = true;
		return true;
	}
	if (!record_parse(p->sc->arena, p->t.line, p->origin,
		&e->sections[section]))
		return fault(p, "bad record");
	return true;
}

/* One line of an entry. */
static bool
read_directive(struct parser *p)
{
	if (!token_is(&p->t, 0, "$ORIGIN") || p->t.count != 2)
		return fault(p, "unknown directive");
	snprintf(p->origin, sizeof(p->origin), "%s", p->t.tokens[1]);
	return true;
}

static bool
read_entry_line(struct parser *p, struct entry *e, unsigned *section)
{
	struct text *t = &p->t;

	if (token_is(t, 0, "MATCH"))
		return read_match(p, e);
	if (token_is(t, 0, "ADJUST"))
		return read_adjust(p, e);
	if (token_is(t, 0, "REPLY"))
		return read_reply(p, e);
	if (token_is(t, 0, "SECTION"))
		return (t->count == 2 &&
			   look_up(section_words, ARRAY_LEN(section_words),
			       t->tokens[1], section)) ||
		       fault(p, "unknown SECTION");
	if (token_is(t, 0, "HEX_ANSWER_BEGIN"))
		return read_hex(p, &e->raw, &e->raw_len);
	if (token_is(t, 0, "HEX_EDNSDATA_BEGIN"))
		return read_hex(p, &e->options, &e->options_len);
	if (token_is(t, 0, "MANDATORY")) {
		e->asked = arena_take(p->sc->arena, sizeof(*e->asked));
		return e->asked != NULL;
	}
	if (token_is(t, 0, "EXTRA_PACKET")) {
		skip(p, t->tokens[0]);
		return true;
	}
	if (t->tokens[0][0] == '$')
		return read_directive(p);
	return read_record(p, e, *section);
}

/* ENTRY_BEGIN has been read. */
static struct entry *
read_entry(struct parser *p)
{
	struct entry *e = arena_take(p->sc->arena, sizeof(*e));
	unsigned section = IN_NOTHING;

	if (e == NULL)
		return NULL;
	e->ede = EDE_NONE;
	e->line = p->t.number;
	while (text_next(&p->t)) {
		if (token_is(&p->t, 0, "ENTRY_END"))
			return e;
		if (!read_entry_line(p, e, &section))
			return NULL;
	}
	fault(p, "no ENTRY_END");
	return NULL;
}

static bool
add_address(struct parser *p, struct range *r)
{
	struct addr *all =
	    arena_take(p->sc->arena, (r->address_count + 1) * sizeof(*all));

	if (all == NULL || p->t.count < 2 ||
	    addr_parse(p->t.tokens[1], 53, &all[r->address_count]) != ERR_OK)
		return fault(p, "bad ADDRESS");
	if (r->address_count > 0)
		memcpy(all, r->addresses, r->address_count * sizeof(*all));
	r->addresses = all;
	r->address_count++;
	return true;
}

static bool
read_range(struct parser *p)
{
	struct range *r = arena_take(p->sc->arena, sizeof(*r));
	struct entry **end;

	if (r == NULL || p->t.count < 3)
		return fault(p, "RANGE_BEGIN needs two numbers");
	r->from = (unsigned)strtoul(p->t.tokens[1], NULL, 10);
	r->to = (unsigned)strtoul(p->t.tokens[2], NULL, 10);
	*p->range_end = r;
	p->range_end = &r->next;
	end = &r->entries;
	while (text_next(&p->t)) {
		if (token_is(&p->t, 0, "RANGE_END"))
			return true;
		if (token_is(&p->t, 0, "ADDRESS")) {
			if (!add_address(p, r))
				return false;
		} else if (token_is(&p->t, 0, "ENTRY_BEGIN")) {
			*end = read_entry(p);
			if (*end == NULL)
				return fault(p, "bad entry");
			end = &(*end)->next;
		} else if (p->t.tokens[0][0] == '$') {
			if (!read_directive(p))
				return false;
		} else {
			return fault(p, "unknown word in range");
		}
	}
	return fault(p, "no RANGE_END");
}

static const struct word step_words[] = { { "QUERY", STEP_QUERY },
	{ "CHECK_ANSWER", STEP_CHECK_ANSWER },
	{ "TIME_PASSES", STEP_TIME_PASSES }, { "REPLY", STEP_REPLY },
	{ "TIMEOUT", STEP_TIMEOUT },
	{ "CHECK_OUT_QUERY", STEP_CHECK_OUT_QUERY },
	{ "TRAFFIC", STEP_TRAFFIC }, { "NOTHING", STEP_NOTHING } };
static const char *const steps_we_lack[] = { "ASSIGN", "CHECK_AUTOTRUST",
	"CHECK_TEMPFILE", "ERROR", "FLUSH_MESSAGE", "EXPIRE_MESSAGE",
	"INFRA_RTT", "LOG" };

static bool
step_wants_entry(enum step_kind k)
{
	return k == STEP_QUERY || k == STEP_CHECK_ANSWER || k == STEP_REPLY ||
	       k == STEP_CHECK_OUT_QUERY;
}

static bool
read_elapse(struct parser *p, struct moment *m)
{
	if (m->kind != STEP_TIME_PASSES)
		return true;
	if (p->t.count < 5 || !token_is(&p->t, 3, "ELAPSE")) {
		skip(p, "TIME_PASSES without ELAPSE");
		return true;
	}
	m->elapse_us = (uint64_t)(strtod(p->t.tokens[4], NULL) * 1e6 + 0.5);
	return true;
}

static bool
read_step(struct parser *p)
{
	struct moment *m = arena_take(p->sc->arena, sizeof(*m));
	unsigned kind;

	if (m == NULL || p->t.count < 3)
		return fault(p, "STEP needs a number and a word");
	for (size_t i = 0; i < ARRAY_LEN(steps_we_lack); i++)
		if (token_is(&p->t, 2, steps_we_lack[i])) {
			skip(p, p->t.tokens[2]);
			return true;
		}
	if (!look_up(step_words, ARRAY_LEN(step_words), p->t.tokens[2], &kind))
		return fault(p, "unknown STEP");
	m->kind = (enum step_kind)kind;
	m->number = (unsigned)strtoul(p->t.tokens[1], NULL, 10);
	m->line = p->t.number;
	*p->moment_end = m;
	p->moment_end = &m->next;
	if (!step_wants_entry(m->kind))
		return read_elapse(p, m);
	do {
		if (!text_next(&p->t))
			return fault(p, "step without entry");
	} while (token_is(&p->t, 0, "ADDRESS"));
	if (!token_is(&p->t, 0, "ENTRY_BEGIN"))
		return fault(p, "step without entry");
	m->entry = read_entry(p);
	return m->entry != NULL || fault(p, "bad entry");
}

/* What belongs to the front and is not played here. */
static void
skip_front_only(struct parser *p)
{
	for (struct moment *m = p->sc->moments; m != NULL; m = m->next) {
		if (m->entry == NULL)
			continue;
		if (m->kind == STEP_QUERY &&
		    (!m->entry->has_question || m->entry->raw != NULL))
			skip(p, "a raw query: the front's");
		if (m->kind == STEP_QUERY && m->entry->qclass != CLASS_IN &&
		    m->entry->qclass != CLASS_CH)
			skip(p, "a class other than IN: the front's");
		if (m->kind == STEP_QUERY && m->entry->qtype >= TYPE_TSIG &&
		    m->entry->qtype < TYPE_ANY)
			skip(p, "a meta type: the front's");
		if (m->kind == STEP_REPLY && m->entry->qname.wire[0] == 0 &&
		    m->entry->qtype == TYPE_NS)
			p->sc->setup.prime = true;
		if (m->entry->options_len > 0 && m->kind != STEP_REPLY)
			skip(p, "EDNS options of clients: the front's");
	}
}

static bool
read_body(struct parser *p)
{
	while (text_next(&p->t)) {
		if (token_is(&p->t, 0, "SCENARIO_END"))
			return true;
		if (token_is(&p->t, 0, "RANGE_BEGIN")) {
			if (!read_range(p))
				return false;
		} else if (token_is(&p->t, 0, "STEP")) {
			if (!read_step(p))
				return false;
			if (p->sc->skip != NULL)
				return true;
		} else if (token_is(&p->t, 0, "FILE_BEGIN") ||
			   strncmp(p->t.tokens[0], "AUTOTRUST", 9) == 0 ||
			   strncmp(p->t.tokens[0], "TEMPFILE", 8) == 0) {
			skip(p, p->t.tokens[0]);
			return true;
		} else if (p->t.tokens[0][0] == '$') {
			if (!read_directive(p))
				return false;
		} else if (!token_is(&p->t, 0, "SCENARIO_BEGIN") &&
			   !token_is(&p->t, 0, "RANGE_END")) {
			return fault(p, "unknown word");
		}
	}
	return fault(p, "no SCENARIO_END");
}

bool
scenario_read(struct scenario *sc, const char *path)
{
	struct parser p = { .sc = sc,
		.range_end = &sc->ranges,
		.moment_end = &sc->moments,
		.origin = "." };

	if (text_open(&p.t, sc->arena, path) != ERR_OK) {
		snprintf(sc->why, TEXT_MAX, "cannot be read");
		return false;
	}
	if (!config_read(&p.t, &sc->setup, sc->why))
		return false;
	sc->skip = sc->setup.skip;
	if (sc->skip != NULL)
		return true;
	if (!read_body(&p))
		return false;
	skip_front_only(&p);
	return true;
}
