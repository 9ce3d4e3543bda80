/* SPDX-License-Identifier: BSD-3-Clause */
/* delegation.h - a zone and the servers to ask about it. Pure but for arenas. */
#ifndef HITHER_RESOLVE_DELEGATION_H
#define HITHER_RESOLVE_DELEGATION_H

#include <hither/dns.h>
#include <hither/resolve.h>

#define DELEGATION_NAMES_MAX	 20u
#define DELEGATION_ADDRESSES_MAX SERVERS_SET_MAX
/*
 * Address look-ups that one delegation may cause, two at a time: a hostile
 * one lists dozens of names that do not resolve (NXNSAttack, 2020).
 */
#define DELEGATION_LOOKUPS_MAX 4u

enum lookup { LOOKUP_NONE, LOOKUP_RUNS, LOOKUP_EMPTY, LOOKUP_FAILED,
	LOOKUP_DONE };

struct server_name {
	const uint8_t *name;
	enum lookup v4, v6;
	bool has_glue;
};

struct delegation {
	const uint8_t *zone;
	uint64_t zone_hash; /* cache_name_hash() of it; 0: not known yet */
	bool tried[DELEGATION_ADDRESSES_MAX];	 /* in this round */
	bool spent[DELEGATION_ADDRESSES_MAX];	 /* it answered badly */
	bool plain[DELEGATION_ADDRESSES_MAX];	 /* without EDNS */
	bool by_tcp[DELEGATION_ADDRESSES_MAX];	 /* TCP was tried */
	bool recursive[DELEGATION_ADDRESSES_MAX]; /* a resolver is there */
	bool new_cookie[DELEGATION_ADDRESSES_MAX]; /* it was sent back */
	bool cookie_tcp;      /* TCP was tried for want of a cookie */
	unsigned new_cookies; /* how many of new_cookie are set */
	size_t name_count, address_count;
	struct rrset *ns;    /* NULL: from the hints or configured */
	uint64_t expires_ms; /* what it delegates ends by then; 0: never */
	unsigned lookups;
	bool forward, configured, from_hints;
	bool first, tcp; /* of a configured zone: see resolver_zone */
	bool doubt_glue; /* it led nowhere: look the names up after all */
	bool took_parent_glue, asked_parent; /* resort.c has done it */
	bool fetched; /* what could be fetched in the background is */
	bool let_through; /* its failure is looked into: failures.c */
	bool heard;	  /* one of its servers has answered something */

	/* Not cleared: the counts say how many there are. */
	uint8_t name_of[DELEGATION_ADDRESSES_MAX];
	struct server_name names[DELEGATION_NAMES_MAX];
	struct addr addresses[DELEGATION_ADDRESSES_MAX];
};

/* What an address must be to be asked at all. */
struct delegation_rules {
	const struct prefix *do_not_query;
	size_t do_not_query_count;
	uint16_t port;
	bool ip4, ip6;
};

/*
 * From an NS set and whatever address sets stand beside it (others are
 * passed over). All that is given is borrowed for as long as the arena lives.
 * NULL: the arena is over.
 */
struct delegation *delegation_build(struct arena *a, const uint8_t *zone,
    struct rrset *const *sets, size_t count,
    const struct delegation_rules *rules);
struct delegation *delegation_configured(struct arena *a,
    const struct resolver_zone *z, const struct delegation_rules *rules);
struct delegation *delegation_copy(
    struct arena *a, const struct delegation *d);
/*
 * Addresses of an A or AAAA set for name number `name`; returns how many of
 * them may be asked, those that stood there before included.
 */
size_t delegation_add(struct delegation *d, size_t name,
    const struct rrset *set, const struct delegation_rules *rules);
/* Forgets what was tried: a new question goes to the same servers. */
void delegation_fresh(struct delegation *d);
/* A new round for those that kept silent. False: nobody is left. */
bool delegation_again(struct delegation *d);
/*
 * The next look-up worth starting: *name, *type. False: none, or the limit
 * is reached. Names inside the zone itself need glue and are not looked up.
 */
bool delegation_next_lookup(const struct delegation *d,
    const struct delegation_rules *rules, size_t *name, uint16_t *type);
bool delegation_lookups_run(const struct delegation *d);

#endif
