/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - building a policy from its options.
 *
 * Special-use names are put in first, then configured zones (which override
 * a special name equal to theirs, and everything above), then local data.
 * Afterwards nothing changes: look-ups take a const policy and no lock.
 */
#include "inside.h"

#include <string.h>

#define POLICY_BYTES_MAX ((size_t)1 << 30)
#define ANSWER_SETS_MAX  64u

bool
answer_add(struct arena *a, struct answer *out, enum section s,
    struct rrset *set)
{
	struct rrset **list;

	if (out->counts[s] >= ANSWER_SETS_MAX)
		return false;
	list = arena_take(a, (out->counts[s] + 1) * sizeof(*list));
	if (list == NULL)
		return false;
	if (out->counts[s] > 0)
		memcpy(list, out->sets[s], out->counts[s] * sizeof(*list));
	list[out->counts[s]++] = set;
	out->sets[s] = list;
	return true;
}

static enum err
text_copy(struct arena *a, const char *text, const char **out)
{
	*out = NULL;
	if (text == NULL || text[0] == '\0')
		return ERR_OK;
	*out = arena_copy(a, text, strlen(text) + 1);
	return *out != NULL ? ERR_OK : ERR_MEMORY;
}

static enum err
policy_fill(struct policy *p, const struct policy_opts *o, const char **bad)
{
	enum err e =
	    access_build(&p->access, p->arena, o->access, o->access_count);
	size_t i;

	if (e == ERR_OK)
		e = name_tree_start(&p->tree);
	if (e == ERR_OK)
		e = special_add(&p->tree, p->arena);
	for (i = 0; i < o->zone_count && e == ERR_OK; i++)
		e = local_zone_add(&p->tree, p->arena, &o->zones[i]);
	for (i = 0; i < o->data_count && e == ERR_OK; i++) {
		e = local_record_add(&p->tree, p->arena, o->data[i]);
		if (e == ERR_FORMAT || e == ERR_EXISTS)
			*bad = o->data[i];
	}
	if (e == ERR_OK)
		e = text_copy(p->arena, o->identity, &p->identity);
	if (e == ERR_OK)
		e = text_copy(p->arena, o->version, &p->version);
	return e;
}

struct policy *
policy_new(const struct policy_opts *o, const char **bad)
{
	struct policy *p = memory_new(sizeof(*p));

	*bad = "out of memory";
	if (p == NULL)
		return NULL;
	p->arena = arena_new(POLICY_BYTES_MAX);
	if (p->arena == NULL || policy_fill(p, o, bad) != ERR_OK) {
		policy_free(p);
		return NULL;
	}
	*bad = NULL;
	return p;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	name_tree_free(&p->tree);
	arena_free(p->arena);
	memory_free(p);
}

enum access
policy_access(const struct policy *p, const struct addr *client)
{
	return access_find(&p->access, client);
}

bool
policy_answer(const struct policy *p, const uint8_t *qname, uint16_t qtype,
    struct arena *a, struct answer *out)
{
	return local_answer(&p->tree, qname, qtype, a, out);
}
