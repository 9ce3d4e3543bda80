/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * special.c - names that never belong to the public DNS.
 *
 * RFC 6761 (localhost, invalid, test), RFC 6762 (local), RFC 7686 (onion),
 * RFC 9476 (alt), RFC 8375 (home.arpa), RFC 9462 (resolver.arpa), RFC 9665
 * (service.arpa), and the reverse zones of addresses that are nobody's in
 * particular (RFC 6303, 7793, 9637). Asking the public servers for these
 * tells them what happens in a private network, and learns nothing.
 */
#include "inside.h"

#include <stdio.h>

struct special {
	const char *name;
	enum zone_kind kind;
};

#define NIBBLES8  "0.0.0.0.0.0.0.0."
#define IP6_ZEROS NIBBLES8 NIBBLES8 NIBBLES8 "0.0.0.0.0.0.0."

static const struct special specials[] = {
	{ "localhost.", ZONE_LOOPBACK },
	{ "invalid.", ZONE_STATIC },
	{ "test.", ZONE_STATIC },
	{ "local.", ZONE_STATIC },
	{ "onion.", ZONE_STATIC },
	{ "alt.", ZONE_STATIC },
	{ "home.arpa.", ZONE_STATIC },
	/* A resolver without encrypted twin says NODATA: RFC 9462 section 4 */
	{ "resolver.arpa.", ZONE_EMPTY },
	{ "service.arpa.", ZONE_STATIC },
	/* RFC 6303 section 4.1: RFC 1918 */
	{ "10.in-addr.arpa.", ZONE_STATIC },
	{ "168.192.in-addr.arpa.", ZONE_STATIC },
	/* section 4.2: RFC 5735 */
	{ "0.in-addr.arpa.", ZONE_STATIC },
	{ "127.in-addr.arpa.", ZONE_STATIC },
	{ "254.169.in-addr.arpa.", ZONE_STATIC },
	{ "2.0.192.in-addr.arpa.", ZONE_STATIC },
	{ "100.51.198.in-addr.arpa.", ZONE_STATIC },
	{ "113.0.203.in-addr.arpa.", ZONE_STATIC },
	{ "255.255.255.255.in-addr.arpa.", ZONE_STATIC },
	/* sections 4.3 to 4.6: unspecified, loopback, ULA, link-local, docs */
	{ "0." IP6_ZEROS "ip6.arpa.", ZONE_STATIC },
	{ "1." IP6_ZEROS "ip6.arpa.", ZONE_STATIC },
	{ "d.f.ip6.arpa.", ZONE_STATIC },
	{ "8.e.f.ip6.arpa.", ZONE_STATIC },
	{ "9.e.f.ip6.arpa.", ZONE_STATIC },
	{ "a.e.f.ip6.arpa.", ZONE_STATIC },
	{ "b.e.f.ip6.arpa.", ZONE_STATIC },
	{ "8.b.d.0.1.0.0.2.ip6.arpa.", ZONE_STATIC },
	{ "0.f.f.f.3.ip6.arpa.", ZONE_STATIC },
};

/* The numbers from low to high in front of a suffix are zones each. */
struct special_range {
	const char *suffix;
	unsigned low, high;
};

static const struct special_range ranges[] = {
	{ "172.in-addr.arpa.", 16, 31 },  /* RFC 1918 */
	{ "100.in-addr.arpa.", 64, 127 }, /* RFC 6598, RFC 7793 */
};

static const char *const special_records[] = {
	"1.0.0.127.in-addr.arpa. 10800 IN PTR localhost.",
	"1." IP6_ZEROS "ip6.arpa. 10800 IN PTR localhost.",
};

static enum err
zone_add(struct tree *t, struct arena *a, const char *text, enum zone_kind kind)
{
	struct tree_node *node;
	struct name n;
	enum err e = name_parse(text, &n);

	if (e != ERR_OK)
		return e;
	node = name_tree_add(t, a, n.wire);
	if (node == NULL)
		return ERR_MEMORY;
	node->zone = kind;
	return ERR_OK;
}

static enum err
range_add(struct tree *t, struct arena *a, const struct special_range *r)
{
	char text[64];
	unsigned i;
	enum err e = ERR_OK;

	for (i = r->low; i <= r->high && e == ERR_OK; i++) {
		(void)snprintf(text, sizeof(text), "%u.%s", i, r->suffix);
		e = zone_add(t, a, text, ZONE_STATIC);
	}
	return e;
}

enum err
special_add(struct tree *t, struct arena *a)
{
	enum err e = ERR_OK;
	size_t i;

	for (i = 0; i < ARRAY_LEN(specials) && e == ERR_OK; i++)
		e = zone_add(t, a, specials[i].name, specials[i].kind);
	for (i = 0; i < ARRAY_LEN(ranges) && e == ERR_OK; i++)
		e = range_add(t, a, &ranges[i]);
	for (i = 0; i < ARRAY_LEN(special_records) && e == ERR_OK; i++)
		e = local_record_add(t, a, special_records[i]);
	return e;
}
