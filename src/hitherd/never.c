/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * never.c - which addresses no question is sent to, whatever glue says.
 *
 * Besides those of outgoing.do-not-query: what is no address of one machine,
 * IPv6 clothes around IPv4, and ourselves, where we listen on the port that
 * servers are asked at. A wildcard listener is every address this machine has
 * when the configuration is read.
 */
#include "snapshot.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#define OWN_MAX 512u

static const struct prefix nowhere[] = {
	{ { .family = 4 }, 8 },
	{ { .family = 4, .ip = { 224 } }, 4 },
	{ { .family = 4, .ip = { 255, 255, 255, 255 } }, 32 },
	{ { .family = 6 }, 128 },
	{ { .family = 6, .ip = { [10] = 0xff, [11] = 0xff } }, 96 },
	{ { .family = 6, .ip = { 0xff } }, 8 },
};
static const struct prefix loopback[] = {
	{ { .family = 4, .ip = { 127 } }, 8 },
	{ { .family = 6, .ip = { [15] = 1 } }, 128 },
};

struct list {
	struct prefix *items;
	size_t count, room;
};

static void
add(struct list *l, const struct prefix *p)
{
	if (l->count < l->room)
		l->items[l->count++] = *p;
}

static void
add_address(struct list *l, const struct addr *a)
{
	struct prefix p = { *a, a->family == 4 ? 32 : 128 };

	p.net.port = 0;
	p.net.scope = 0;
	add(l, &p);
}

static void
add_machine(struct list *l, uint8_t family)
{
	struct ifaddrs *all = NULL;
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (loopback[i].net.family == family)
			add(l, &loopback[i]);
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		socklen_t len = family == 4 ? sizeof(struct sockaddr_in)
					    : sizeof(struct sockaddr_in6);

		if (i->ifa_addr != NULL &&
		    i->ifa_addr->sa_family ==
			(family == 4 ? AF_INET : AF_INET6) &&
		    addr_from_sockaddr(i->ifa_addr, len, &a) == ERR_OK)
			add_address(l, &a);
	}
	freeifaddrs(all);
}

enum err
snapshot_never(struct snapshot *s)
{
	const struct conf *c = s->conf;
	struct list l = { .room = c->outgoing.do_not_query.count + OWN_MAX };

	l.items = arena_take(s->arena, l.room * sizeof(*l.items));
	if (l.items == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < c->outgoing.do_not_query.count; i++)
		add(&l, &c->outgoing.do_not_query.items[i]);
	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
		add(&l, &nowhere[i]);
	for (size_t i = 0; i < c->listen.count; i++) {
		const struct conf_listen *at = &c->listen.items[i];

		if (at->port != c->outgoing.port)
			continue;
		if (addr_is_any(&at->address))
			add_machine(&l, at->address.family);
		else
			add_address(&l, &at->address);
	}
	s->never = l.items;
	s->never_count = l.count;
	return ERR_OK;
}
