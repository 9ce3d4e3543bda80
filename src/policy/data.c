/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * data.c - local zones and local data, as they are put into a tree.
 *
 * Records of one name and type make a set with the least of their TTLs; equal
 * ones count once. All of it lies in the arena of the policy.
 */
#include "inside.h"

#include <string.h>

enum err
local_zone_add(struct tree *t, struct arena *a, const struct local_zone *z)
{
	static const enum zone_kind kinds[] = {
		[LOCAL_STATIC] = ZONE_STATIC,
		[LOCAL_REFUSE] = ZONE_REFUSE,
		[LOCAL_NXDOMAIN] = ZONE_NXDOMAIN,
		[LOCAL_TRANSPARENT] = ZONE_TRANSPARENT,
		[LOCAL_TYPETRANSPARENT] = ZONE_TYPETRANSPARENT,
		[LOCAL_REDIRECT] = ZONE_REDIRECT,
		[LOCAL_NODATA] = ZONE_NODATA,
		[LOCAL_DROP] = ZONE_DROP,
		[LOCAL_INFORM] = ZONE_INFORM,
		[LOCAL_ALWAYS_REFUSE] = ZONE_ALWAYS_REFUSE,
		[LOCAL_ALWAYS_NULL] = ZONE_ALWAYS_NULL,
		[LOCAL_INFORM_DROP] = ZONE_INFORM_DROP,
	};
	struct tree_node *node = name_tree_add(t, a, z->name);

	if (node == NULL)
		return ERR_MEMORY;
	node->zone = kinds[z->kind];
	return ERR_OK;
}

struct local_set *
local_set_of(const struct tree_node *n, uint16_t type)
{
	struct local_set *s = n->sets;

	while (s != NULL && s->set.type != type)
		s = s->next;
	return s;
}

static bool
holds_rdata(const struct local_set *s, const struct rdata *r)
{
	uint16_t i;

	for (i = 0; i < s->set.count; i++)
		if (s->rdata[i].len == r->len &&
		    memcmp(s->rdata[i].bytes, r->bytes, r->len) == 0)
			return true;
	return false;
}

static enum err
set_grow(struct local_set *s, struct arena *a)
{
	uint16_t room = s->room == 0 ? 2 : (uint16_t)(s->room * 2);
	struct rdata *list;

	if (room > 4096)
		return ERR_EXISTS;
	list = arena_take(a, room * sizeof(*list));
	if (list == NULL)
		return ERR_MEMORY;
	if (s->set.count > 0)
		memcpy(list, s->rdata, s->set.count * sizeof(*list));
	s->rdata = list;
	s->set.rdata = list;
	s->room = room;
	return ERR_OK;
}

static struct local_set *
set_new(struct tree_node *n, struct arena *a, const struct rrset *one)
{
	struct local_set *s = arena_take(a, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->set.owner = one->owner;
	s->set.type = one->type;
	s->set.ttl = one->ttl;
	s->next = n->sets;
	n->sets = s;
	return s;
}

/* An alias stands alone, and there is one of it (RFC 1034 section 3.6.2). */
static bool
is_alias_clash(const struct tree_node *n, uint16_t type)
{
	if (n->sets == NULL)
		return false;
	return type == TYPE_CNAME || local_set_of(n, TYPE_CNAME) != NULL;
}

enum err
local_record_add(struct tree *t, struct arena *a, const char *line)
{
	const struct rrset *one = rrset_parse(a, line);
	struct tree_node *n;
	struct local_set *s;
	enum err e;

	if (one == NULL)
		return arena_over(a) ? ERR_MEMORY : ERR_FORMAT;
	n = name_tree_add(t, a, one->owner);
	if (n == NULL)
		return ERR_MEMORY;
	if (is_alias_clash(n, one->type))
		return ERR_EXISTS;
	s = local_set_of(n, one->type);
	if (s == NULL)
		s = set_new(n, a, one);
	if (s == NULL)
		return ERR_MEMORY;
	if (one->ttl < s->set.ttl)
		s->set.ttl = one->ttl;
	if (holds_rdata(s, &one->rdata[0]))
		return ERR_OK;
	if (s->set.count == s->room && (e = set_grow(s, a)) != ERR_OK)
		return e;
	s->rdata[s->set.count++] = one->rdata[0];
	return ERR_OK;
}
