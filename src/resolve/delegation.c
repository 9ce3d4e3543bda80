/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * delegation.c - the servers of a zone: which addresses may be asked, which
 * names still want an address, and who was tried.
 *
 * An address stands here once however many names point to it, so that a
 * delegation cannot make us ask the same machine again and again.
 */
#include "delegation.h"

#include <stddef.h>
#include <string.h>

static bool
has_family(const struct addr *a, const struct delegation_rules *rules)
{
	return a->family == 4 ? rules->ip4 : rules->ip6;
}

static bool
may_ask(const struct addr *a, const struct delegation_rules *rules)
{
	if (!has_family(a, rules) || addr_is_any(a))
		return false;
	for (size_t i = 0; i < rules->do_not_query_count; i++) {
		if (prefix_covers(&rules->do_not_query[i], a))
			return false;
	}
	return true;
}

/* False: there is no room for it. */
static bool
add_address(struct delegation *d, size_t name, const struct addr *a)
{
	for (size_t i = 0; i < d->address_count; i++) {
		if (addr_equal(&d->addresses[i], a))
			return true;
	}
	if (d->address_count == DELEGATION_ADDRESSES_MAX)
		return false;
	d->addresses[d->address_count] = *a;
	d->name_of[d->address_count++] = (uint8_t)name;
	return true;
}

size_t
delegation_add(struct delegation *d, size_t name, const struct rrset *set,
    const struct delegation_rules *rules)
{
	uint16_t want = set->type == TYPE_A ? 4 : 16;
	size_t usable = 0;

	if (set->type != TYPE_A && set->type != TYPE_AAAA)
		return 0;
	for (uint16_t i = 0; i < set->count; i++) {
		struct addr a = { .family = want == 4 ? 4 : 6,
			.port = rules->port };

		if (set->rdata[i].len != want)
			continue;
		memcpy(a.ip, set->rdata[i].bytes, want);
		if (may_ask(&a, rules))
			usable += add_address(d, name, &a);
	}
	return usable;
}

/* The RDATA of an NS is one name: it was read as such. */
static void
add_names(struct delegation *d, const struct rrset *ns)
{
	for (uint16_t i = 0; i < ns->count; i++) {
		if (d->name_count == DELEGATION_NAMES_MAX)
			return;
		d->names[d->name_count++] =
		    (struct server_name){ .name = ns->rdata[i].bytes };
	}
}

static void
add_glue(struct delegation *d, const struct rrset *set,
    const struct delegation_rules *rules)
{
	for (size_t i = 0; i < d->name_count; i++) {
		if (!name_equal(d->names[i].name, set->owner))
			continue;
		d->names[i].has_glue = true;
		delegation_add(d, i, set, rules);
		return;
	}
}

static struct delegation *
delegation_new(struct arena *a)
{
	struct delegation *d = arena_room(a, sizeof(*d));

	if (d != NULL)
		memset(d, 0, offsetof(struct delegation, name_of));
	return d;
}

struct delegation *
delegation_build(struct arena *a, const uint8_t *zone,
    struct rrset *const *sets, size_t count,
    const struct delegation_rules *rules)
{
	struct delegation *d = delegation_new(a);

	if (d == NULL)
		return NULL;
	d->zone = zone;
	for (size_t i = 0; i < count; i++) {
		if (sets[i]->type != TYPE_NS ||
		    !name_equal(sets[i]->owner, zone))
			continue;
		add_names(d, sets[i]);
		d->ns = sets[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (sets[i]->type == TYPE_A || sets[i]->type == TYPE_AAAA)
			add_glue(d, sets[i], rules);
	}
	return d;
}

struct delegation *
delegation_configured(struct arena *a, const struct resolver_zone *z,
    const struct delegation_rules *rules)
{
	struct delegation *d = delegation_new(a);

	if (d == NULL)
		return NULL;
	d->zone = z->name;
	d->forward = z->forward;
	d->first = z->first;
	d->tcp = z->tcp;
	d->configured = true;
	d->names[0] = (struct server_name){ .name = z->name, .has_glue = true };
	d->name_count = 1;
	for (size_t i = 0; i < z->server_count; i++)
		if (has_family(&z->servers[i], rules))
			(void)add_address(d, 0, &z->servers[i]);
	return d;
}

struct delegation *
delegation_copy(struct arena *a, const struct delegation *d)
{
	return arena_copy(a, d, sizeof(*d));
}

void
delegation_fresh(struct delegation *d)
{
	memset(d->tried, 0, sizeof(d->tried));
	memset(d->spent, 0, sizeof(d->spent));
	memset(d->plain, 0, sizeof(d->plain));
	memset(d->by_tcp, 0, sizeof(d->by_tcp));
	memset(d->new_cookie, 0, sizeof(d->new_cookie));
	d->new_cookies = 0;
	d->cookie_tcp = false;
}

bool
delegation_again(struct delegation *d)
{
	bool any = false;

	for (size_t i = 0; i < d->address_count; i++) {
		if (d->spent[i])
			continue;
		d->tried[i] = false;
		any = true;
	}
	return any;
}

/* A first; AAAA when there is no A, or when IPv4 is not to be used. */
static bool
lookup_wanted(const struct server_name *n, const struct delegation_rules *rules,
    uint16_t *type)
{
	if (rules->ip4 && n->v4 == LOOKUP_NONE) {
		*type = TYPE_A;
		return true;
	}
	*type = TYPE_AAAA;
	return rules->ip6 && n->v6 == LOOKUP_NONE &&
	       (!rules->ip4 || n->v4 == LOOKUP_EMPTY);
}

bool
delegation_next_lookup(const struct delegation *d,
    const struct delegation_rules *rules, size_t *name, uint16_t *type)
{
	if (d->configured || d->lookups >= DELEGATION_LOOKUPS_MAX)
		return false;
	for (size_t i = 0; i < d->name_count; i++) {
		if ((d->names[i].has_glue && !d->doubt_glue) ||
		    name_is_within(d->names[i].name, d->zone))
			continue;
		*name = i;
		if (lookup_wanted(&d->names[i], rules, type))
			return true;
	}
	return false;
}

bool
delegation_lookups_run(const struct delegation *d)
{
	for (size_t i = 0; i < d->name_count; i++) {
		if (d->names[i].v4 == LOOKUP_RUNS ||
		    d->names[i].v6 == LOOKUP_RUNS)
			return true;
	}
	return false;
}
