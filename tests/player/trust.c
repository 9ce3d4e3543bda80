/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trust.c - what a scenario says about validation: anchors, zones that are
 * not validated, the wall clock.
 *
 * Without a date the wall clock is that of 2020-01-01: no scenario depends
 * on today. DSA (3 and 6) is built nowhere; scenarios whose keys are of that
 * kind are told apart by the records they hold.
 */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_REAL_S 1577836800u

void
trust_default(struct trust_setup *t)
{
	*t = (struct trust_setup){ .real_s = DEFAULT_REAL_S,
		.iterations_max = 150,
		.sentinel = true,
		.aggressive = true };
}

bool
trust_anchor(struct arena *a, struct trust_setup *t, const char *v)
{
	uint16_t type;

	if (!record_parse(a, v, ".", &t->anchors))
		return false;
	type = t->anchors.items[t->anchors.count - 1].type;
	return type == TYPE_DS || type == TYPE_DNSKEY;
}

bool
trust_insecure(struct trust_setup *t, const char *v)
{
	return t->insecure_count < TRUST_OFF_MAX &&
	       name_parse(v, &t->insecure[t->insecure_count++]) == ERR_OK;
}

/*
 * One line of a state file: a record, and behind it as a remark what Unbound
 * thinks of the key. Valid (2) and missing (3) ones are believed; so is what
 * has no state yet.
 */
static bool
state_line(struct arena *a, struct trust_setup *out, char *line)
{
	static const char word[] = ";;state=";
	const char *state = strstr(line, word);
	int n = state == NULL ? 2 : atoi(state + strlen(word));

	line[strcspn(line, ";")] = '\0';
	if (line[strspn(line, " \t\r")] == '\0' || (n != 2 && n != 3))
		return true;
	return trust_anchor(a, out, line);
}

/*
 * The keys a state file begins with. No probe is played: scenarios in which
 * one is looked at (CHECK_AUTOTRUST) are skipped.
 */
bool
trust_states(struct text *t, struct trust_setup *out)
{
	bool revoked = false;
	char line[4096];

	while (*t->at != '\0') {
		size_t n = strcspn(t->at, "\n");

		(void)snprintf(line, sizeof(line), "%.*s", (int)n, t->at);
		t->at += n + (t->at[n] == '\n');
		t->number++;
		if (strstr(line, "AUTOTRUST_END") != NULL)
			return true;
		revoked = revoked || strncmp(line, ";;REVOKED", 9) == 0;
		if (!revoked && !state_line(t->arena, out, line))
			return false;
	}
	return false;
}

/*
 * "1024 150 2048 500": pairs of key sizes and iterations. hither has one
 * bound for all, which is the one of the largest keys.
 */
bool
trust_iterations(struct trust_setup *t, const char *v)
{
	const char *last = strrchr(v, ' ');
	unsigned long n = last == NULL ? 0 : strtoul(last, NULL, 10);

	t->iterations_max = (uint16_t)n;
	return n > 0 && n <= UINT16_MAX;
}

/* YYYYMMDDHHMMSS or seconds; -1: dates do not count. */
bool
trust_date(struct trust_setup *t, const char *v)
{
	struct tm tm = { .tm_isdst = 0 };
	size_t n = strlen(v);

	if (strcmp(v, "-1") == 0) {
		t->any_date = true;
		return true;
	}
	if (n == 0 || strspn(v, "0123456789") != n)
		return false;
	if (n != 14) {
		t->real_s = strtoull(v, NULL, 10);
		return true;
	}
	if (sscanf(v, "%4d%2d%2d%2d%2d%2d", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t->real_s = (uint64_t)timegm(&tm);
	return true;
}

/* --- DSA -------------------------------------------------------------- */

static bool
is_dsa(const struct record_line *r)
{
	size_t at = r->type == TYPE_DS ? 2 : 3; /* where the algorithm is */

	if (r->type != TYPE_DS && r->type != TYPE_DNSKEY)
		return false;
	return r->len > at && (r->rdata[at] == 3 || r->rdata[at] == 6);
}

static bool
list_has_dsa(const struct record_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (is_dsa(&l->items[i]))
			return true;
	return false;
}

static bool
entry_has_dsa(const struct entry *e)
{
	for (int s = 0; s < SECTION_COUNT; s++)
		if (list_has_dsa(&e->sections[s]))
			return true;
	return false;
}

const char *
trust_needs_dsa(const struct scenario *sc)
{
	if (sc->setup.trust.anchors.count == 0)
		return NULL;
	if (list_has_dsa(&sc->setup.trust.anchors))
		return "DSA signatures";
	for (const struct range *r = sc->ranges; r != NULL; r = r->next)
		for (const struct entry *e = r->entries; e != NULL; e = e->next)
			if (entry_has_dsa(e))
				return "DSA signatures";
	for (const struct moment *m = sc->moments; m != NULL; m = m->next)
		if (m->kind == STEP_REPLY && entry_has_dsa(m->entry))
			return "DSA signatures";
	return NULL;
}
