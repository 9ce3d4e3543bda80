/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - what no option can tell by itself.
 *
 * Runs after all sources are read, also after errors: lists may then hold
 * zeroed items, which say nothing and are passed over.
 */
#include "read.h"

#include <stdlib.h>
#include <string.h>

#include <hither/dns.h>

#define VIEWS_MAX 255u /* a view's number is an octet */

/* Where an option was said; built-in values have no place. */
static struct conf_mark
origin(const struct reader *r, const char *path)
{
	const struct option *o = tree_find(path);

	require(o != NULL);
	return r->origins[o - options];
}

static void
check_order(struct reader *r, bool is_ordered, const char *small,
    const char *big)
{
	struct conf_mark at = origin(r, small);

	if (is_ordered)
		return;
	if (at.file == NULL)
		at = origin(r, big);
	problem_add(r, false, &at, "%s: is more than %s", small, big);
}

static void
check_cache(struct reader *r)
{
	const struct conf *c = r->conf;

	check_order(r, c->cache.min_ttl_ms <= c->cache.max_ttl_ms,
	    "cache.min-ttl", "cache.max-ttl");
	check_order(r, c->cache.failure_first_ms <= c->cache.failure_max_ms,
	    "cache.failure-ttl.first", "cache.failure-ttl.max");
}

/* --- listen and access-control -------------------------------------------- */

static int
compare_listen(const void *a, const void *b)
{
	const struct conf_listen *x = *(const struct conf_listen *const *)a;
	const struct conf_listen *y = *(const struct conf_listen *const *)b;
	int by_ip = memcmp(&x->address, &y->address, sizeof(x->address));

	if (by_ip != 0)
		return by_ip;
	return (x->port > y->port) - (x->port < y->port);
}

static void
complain_of_twin(struct reader *r, const struct conf_listen *l)
{
	char ip[ADDR_TEXT_MAX];

	problem_add(r, false, &l->at,
	    "listen: %s port %u is there twice for one transport",
	    addr_ip_text(&l->address, ip), (unsigned)l->port);
}

static void
check_listen(struct reader *r)
{
	const struct conf *c = r->conf;
	struct conf_mark at = origin(r, "listen");
	const struct conf_listen **sorted =
	    arena_take(r->arena, c->listen.count * sizeof(*sorted));

	if (sorted == NULL)
		return;
	if (c->listen.count == 0)
		problem_add(r, false, &at,
		    "listen: is empty; nobody could ask");
	for (size_t i = 0; i < c->listen.count; i++)
		sorted[i] = &c->listen.items[i];
	qsort(sorted, c->listen.count, sizeof(*sorted), compare_listen);
	for (size_t i = 1; i < c->listen.count; i++) {
		const struct conf_listen *l = sorted[i];

		if (compare_listen(&sorted[i - 1], &sorted[i]) == 0 &&
		    l->address.family != 0 &&
		    (sorted[i - 1]->transports & l->transports) != 0)
			complain_of_twin(r, l);
	}
}

static int
compare_nets(const struct prefix *a, const struct prefix *b)
{
	int by_ip = memcmp(a->net.ip, b->net.ip, sizeof(a->net.ip));

	if (a->net.family != b->net.family)
		return a->net.family < b->net.family ? -1 : 1;
	return by_ip != 0 ? by_ip : (a->bits > b->bits) - (a->bits < b->bits);
}

static int
compare_access(const void *a, const void *b)
{
	const struct conf_access *x = *(const struct conf_access *const *)a;
	const struct conf_access *y = *(const struct conf_access *const *)b;
	int by_net = compare_nets(&x->net, &y->net);

	/* Of equal ones the order said decides which comes second. */
	return by_net != 0 ? by_net : (x > y) - (x < y);
}

static void
check_access_twins(struct reader *r)
{
	const struct conf *c = r->conf;
	const struct conf_access **sorted =
	    arena_take(r->arena, c->access.count * sizeof(*sorted));

	if (sorted == NULL)
		return;
	for (size_t i = 0; i < c->access.count; i++)
		sorted[i] = &c->access.items[i];
	qsort(sorted, c->access.count, sizeof(*sorted), compare_access);
	for (size_t i = 1; i < c->access.count; i++) {
		const struct conf_access *x = sorted[i - 1], *y = sorted[i];
		char ip[ADDR_TEXT_MAX];

		if (x->net.net.family == 0 || x->action == y->action ||
		    compare_nets(&x->net, &y->net) != 0)
			continue;
		problem_add(r, false, &y->at,
		    "access-control: %s/%u is there twice, with different "
		    "actions",
		    addr_ip_text(&y->net.net, ip), (unsigned)y->net.bits);
	}
}

static void
check_access(struct reader *r)
{
	const struct conf *c = r->conf;

	for (size_t i = 0; i < c->access.count; i++) {
		const struct conf_access *rule = &c->access.items[i];
		bool is_open = rule->action == CONF_ALLOW ||
			       rule->action == CONF_ALLOW_SNOOP;

		if (c->open_resolver || !is_open || rule->net.bits != 0 ||
		    rule->net.net.family == 0)
			continue;
		problem_add(r, true, &rule->at,
		    "access-control allows %s: this is an open resolver (say "
		    "\"open-resolver: true\" if meant)",
		    rule->net.net.family == 4 ? "0.0.0.0/0" : "::/0");
	}
	check_access_twins(r);
}

/* --- asking --------------------------------------------------------------- */

static void
check_family(struct reader *r, const struct conf_addrs *list, unsigned family,
    const char *path)
{
	struct conf_mark at = origin(r, path);

	for (size_t i = 0; i < list->count; i++) {
		char ip[ADDR_TEXT_MAX];

		if (list->items[i].family != 0 &&
		    list->items[i].family != family)
			problem_add(r, false, &at,
			    "%s[%zu]: %s is not an IPv%u address", path, i,
			    addr_ip_text(&list->items[i], ip), family);
	}
}

static void
check_outgoing(struct reader *r)
{
	const struct conf *c = r->conf;
	struct conf_mark at = origin(r, "resolver.do-ip6");
	unsigned ports = (unsigned)c->outgoing.source_ports.last -
			 c->outgoing.source_ports.first + 1u;

	if (!c->resolver.do_ip4 && !c->resolver.do_ip6)
		problem_add(r, false, &at,
		    "resolver: do-ip4 and do-ip6 are both off; nobody could "
		    "be asked");
	check_family(r, &c->outgoing.interfaces_v4, 4,
	    "outgoing.interfaces-v4");
	check_family(r, &c->outgoing.interfaces_v6, 6,
	    "outgoing.interfaces-v6");
	at = origin(r, "outgoing.source-ports");
	if (c->outgoing.source_ports.first != 0 && ports < 1024)
		problem_add(r, true, &at,
		    "outgoing.source-ports: only %u to choose from; answers "
		    "are easier to forge",
		    ports);
}

/* --- zones ---------------------------------------------------------------- */

/* A zone of either list: where it was said, its name and view ("": none). */
struct named {
	const struct conf_mark *at;
	const uint8_t *name;
	const char *view;
};

static int
compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = name_compare(x->name, y->name);

	if (order == 0)
		order = strcmp(x->view, y->view);
	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void
check_names(struct reader *r, struct named *list, size_t count,
    const char *path)
{
	char text[NAME_TEXT_MAX];

	qsort(list, count, sizeof(*list), compare_named);
	for (size_t i = 1; i < count; i++) {
		if (name_equal(list[i - 1].name, list[i].name) &&
		    strcmp(list[i - 1].view, list[i].view) == 0)
			problem_add(r, false, list[i].at,
			    "%s: %.200s is there twice", path,
			    name_text(list[i].name, text));
	}
}

static bool
is_view(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->views.count; i++) {
		if (c->views.items[i].name != NULL &&
		    strcmp(c->views.items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A network that a view is for. */
struct viewed {
	struct prefix net;
	const struct conf_view *view;
};

static int
compare_viewed(const void *a, const void *b)
{
	const struct viewed *x = a, *y = b;
	int by_net = compare_nets(&x->net, &y->net);

	return by_net != 0 ? by_net : (x->view > y->view) - (x->view < y->view);
}

/* Which of two views would a client of the same network see? */
static void
check_view_clients(struct reader *r)
{
	const struct conf *c = r->conf;
	struct viewed *list;
	size_t count = 0, n = 0;
	char ip[ADDR_TEXT_MAX];

	for (size_t i = 0; i < c->views.count; i++)
		count += c->views.items[i].clients.count;
	list = arena_take(r->arena, count * sizeof(*list));
	if (list == NULL)
		return;
	for (size_t i = 0; i < c->views.count; i++)
		for (size_t k = 0; k < c->views.items[i].clients.count; k++)
			list[n++] =
			    (struct viewed){ c->views.items[i].clients.items[k],
				    &c->views.items[i] };
	qsort(list, n, sizeof(*list), compare_viewed);
	for (size_t i = 1; i < n; i++)
		if (list[i].net.net.family != 0 &&
		    list[i].view != list[i - 1].view &&
		    compare_nets(&list[i].net, &list[i - 1].net) == 0)
			problem_add(r, false, &list[i].view->at,
			    "views: %s/%u is in another view too",
			    addr_ip_text(&list[i].net.net, ip),
			    (unsigned)list[i].net.bits);
}

static void
check_views(struct reader *r)
{
	const struct conf *c = r->conf;

	if (c->views.count > VIEWS_MAX) {
		problem_add(r, false, &c->views.items[VIEWS_MAX].at,
		    "views: there can be %u at most", VIEWS_MAX);
		return;
	}
	for (size_t i = 0; i < c->views.count; i++) {
		const struct conf_view *v = &c->views.items[i];

		for (size_t k = 0; k < i && v->name != NULL; k++) {
			if (c->views.items[k].name != NULL &&
			    strcmp(c->views.items[k].name, v->name) == 0)
				problem_add(r, false, &v->at,
				    "views: %.63s is there twice", v->name);
		}
	}
	check_view_clients(r);
	for (size_t i = 0; i < c->local_zones.count; i++) {
		const struct conf_local_zone *z = &c->local_zones.items[i];

		if (z->view != NULL && z->view[0] != '\0' &&
		    !is_view(c, z->view))
			problem_add(r, false, &z->at,
			    "local-zones: there is no view \"%.63s\"", z->view);
	}
}

static void
check_local_zones(struct reader *r)
{
	const struct conf *c = r->conf;
	struct named *list =
	    arena_take(r->arena, c->local_zones.count * sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; list != NULL && i < c->local_zones.count; i++) {
		const struct conf_local_zone *z = &c->local_zones.items[i];

		if (z->name != NULL && z->view != NULL)
			list[count++] =
			    (struct named){ &z->at, z->name, z->view };
	}
	if (list != NULL)
		check_names(r, list, count, "local-zones");
}

/* A wildcard is all of loopback here: that is what tests and typos name. */
static bool
is_ourselves(const struct conf_listen *l, const struct addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (l->port != a->port || l->address.family != a->family)
		return false;
	if (!addr_is_any(&l->address))
		return addr_same_ip(&l->address, a);
	return a->family == 4 ? a->ip[0] == 127
			      : memcmp(a->ip, v6, sizeof(v6)) == 0;
}

/* A question that comes back to us would never end. */
static void
check_servers(struct reader *r, const struct conf_zone *z)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < z->servers.count; i++)
		for (size_t k = 0; k < r->conf->listen.count; k++)
			if (is_ourselves(&r->conf->listen.items[k],
				&z->servers.items[i]))
				problem_add(r, false, &z->at,
				    "zones: we listen on %s ourselves",
				    addr_text(&z->servers.items[i], text));
}

static void
check_zones(struct reader *r)
{
	const struct conf *c = r->conf;
	struct named *list =
	    arena_take(r->arena, c->zones.count * sizeof(*list));
	size_t count = 0;

	if (list == NULL)
		return;
	for (size_t i = 0; i < c->zones.count; i++) {
		const struct conf_zone *z = &c->zones.items[i];

		if (z->name == NULL)
			continue;
		list[count++] = (struct named){ &z->at, z->name, "" };
		if (z->servers.count == 0)
			problem_add(r, false, &z->at,
			    "zones: a zone has no servers");
		check_servers(r, z);
	}
	check_names(r, list, count, "zones");
}

void
check_conf(struct reader *r)
{
	if (arena_over(r->arena))
		return;
	check_listen(r);
	check_access(r);
	check_cache(r);
	check_outgoing(r);
	check_zones(r);
	check_local_zones(r);
	check_views(r);
}
