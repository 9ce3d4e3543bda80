/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.c - building a policy from its options.
 *
 * Special-use names are put in first, then configured zones (which override
 * a special name equal to theirs, and everything above), then local data and
 * at last the hosts file, which adds to names that have no alias.
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
fill_access(struct policy *p, const struct policy_opts *o)
{
	struct net_rule *rules =
	    memory_new((o->access_count + 1) * sizeof(*rules));
	enum err e;

	if (rules == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < o->access_count; i++)
		rules[i] =
		    (struct net_rule){ o->access[i].net, o->access[i].access };
	e = net_table_build(&p->access, p->arena, rules, o->access_count);
	memory_free(rules);
	return e;
}

static enum err
fill_views(struct policy *p, const struct policy_opts *o)
{
	struct net_rule *rules;
	size_t count = 0, at = 0;
	enum err e;

	for (size_t i = 0; i < o->view_count; i++)
		count += o->views[i].client_count;
	rules = memory_new((count + 1) * sizeof(*rules));
	if (rules == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < o->view_count; i++)
		for (size_t k = 0; k < o->views[i].client_count; k++)
			rules[at++] = (struct net_rule){ o->views[i].clients[k],
				(uint32_t)i + 1 };
	e = net_table_build(&p->views, p->arena, rules, count);
	memory_free(rules);
	return e;
}

static enum err
fill_data(struct policy *p, size_t view, const char *const *data, size_t count,
    const char **bad)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < count && e == ERR_OK; i++) {
		e = local_record_add(&p->trees[view], p->arena, data[i]);
		if (e == ERR_FORMAT || e == ERR_EXISTS)
			*bad = data[i];
	}
	return e;
}

static enum err
start_trees(struct policy *p, size_t view_count)
{
	enum err e = ERR_OK;

	if (view_count > POLICY_VIEWS_MAX)
		return ERR_LIMIT;
	p->trees = memory_new((view_count + 1) * sizeof(*p->trees));
	if (p->trees == NULL)
		return ERR_MEMORY;
	p->view_count = view_count;
	for (size_t i = 0; i <= view_count && e == ERR_OK; i++)
		e = name_tree_start(&p->trees[i]);
	return e == ERR_OK ? special_add(&p->trees[0], p->arena) : e;
}

static enum err
fill_names(struct policy *p, const struct policy_opts *o, const char **bad)
{
	enum err e = start_trees(p, o->view_count);

	for (size_t i = 0; i < o->zone_count && e == ERR_OK; i++) {
		if (o->zones[i].view > o->view_count)
			return ERR_NOT_FOUND;
		p->informs |= o->zones[i].kind == LOCAL_INFORM ||
			      o->zones[i].kind == LOCAL_INFORM_DROP;
		e = local_zone_add(&p->trees[o->zones[i].view], p->arena,
		    &o->zones[i]);
	}
	if (e == ERR_OK)
		e = fill_data(p, 0, o->data, o->data_count, bad);
	for (size_t i = 0; i < o->view_count && e == ERR_OK; i++)
		e = fill_data(p, i + 1, o->views[i].data,
		    o->views[i].data_count, bad);
	if (e == ERR_OK && o->hosts != NULL)
		e = hosts_add(&p->trees[0], p->arena, o->hosts, o->hosts_len);
	return e;
}

static enum err
fill_private(struct policy *p, const struct policy_opts *o)
{
	const uint8_t **names;

	if (o->private_count == 0)
		return ERR_OK;
	p->private_nets = arena_copy(p->arena, o->private_nets,
	    o->private_count * sizeof(*o->private_nets));
	names =
	    arena_take(p->arena, (o->private_name_count + 1) * sizeof(*names));
	if (p->private_nets == NULL || names == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < o->private_name_count; i++)
		names[i] = name_copy_in(p->arena, o->private_names[i]);
	p->private_names = names;
	p->private_name_count = o->private_name_count;
	p->private_count = o->private_count;
	return arena_over(p->arena) ? ERR_MEMORY : ERR_OK;
}

static enum err
policy_fill(struct policy *p, const struct policy_opts *o, const char **bad)
{
	enum err e = fill_access(p, o);

	if (e == ERR_OK)
		e = fill_views(p, o);
	if (e == ERR_OK)
		e = fill_names(p, o, bad);
	if (e == ERR_OK)
		e = fill_private(p, o);
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

	*bad = NULL;
	if (p == NULL)
		return NULL;
	p->arena = arena_new(POLICY_BYTES_MAX);
	if (p->arena == NULL || policy_fill(p, o, bad) != ERR_OK) {
		policy_free(p);
		return NULL;
	}
	return p;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->trees != NULL && i <= p->view_count; i++)
		name_tree_free(&p->trees[i]);
	memory_free(p->trees);
	arena_free(p->arena);
	memory_free(p);
}

enum access
policy_access(const struct policy *p, const struct addr *client)
{
	return (enum access)net_table_find(&p->access, client, ACCESS_REFUSE);
}

uint8_t
policy_view_of(const struct policy *p, const struct addr *client)
{
	return (uint8_t)net_table_find(&p->views, client, 0);
}

bool
policy_is_common(const struct policy *p, const struct addr *client)
{
	return !p->informs &&
	       (p->view_count == 0 || policy_view_of(p, client) == 0);
}

enum policy_verdict
policy_answer(const struct policy *p, struct policy_question *q,
    struct arena *a, struct answer *out)
{
	enum policy_verdict verdict = POLICY_RESOLVE;
	uint8_t view = 0;

	q->inform = false;
	q->target = NULL;
	if (p->view_count > 0 && q->client != NULL)
		view = policy_view_of(p, q->client);
	if (view != 0 && local_answer(&p->trees[view], q, a, out, &verdict))
		return verdict == POLICY_FOLLOW
			   ? local_go_on(&p->trees[0], q, a, out)
			   : verdict;
	(void)local_answer(&p->trees[0], q, a, out, &verdict);
	return verdict;
}
