/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.c - clients that wait for an answer.
 *
 * All memory is taken at the start. Waiting UDP clients are found again by
 * address, id, type and name (as it was spelt), so that a question sent once
 * more is not answered twice. Per address, questions are counted in buckets
 * of a keyed hash, four times as many as there are slots: two addresses that
 * share a bucket share its bound, which nobody can bring about on purpose.
 * An IPv6 client is known by its first 64 bits, for it owns all the rest.
 */
#include "client.h"

#include <string.h>

struct clients {
	struct client *slots; /* slots[0] is not used */
	uint32_t *chains;     /* first slot of each bucket */
	uint32_t *crowds;     /* waiting questions by address */
	size_t max, per_address_max, waiting;
	size_t chain_mask, crowd_mask;
	uint32_t first_free;  /* of those used before; CLIENT_NONE: none */
	uint32_t first_fresh; /* never used from here on */
	struct hash_key key;
	uint64_t factor; /* odd, known to nobody */
};

static size_t
power_of_two(size_t least)
{
	size_t n = 64;

	while (n < least)
		n *= 2;
	return n;
}

struct clients *
clients_new(size_t max, size_t per_address_max)
{
	struct clients *cs;

	if (max == 0 || max > (1u << 24))
		return NULL;
	cs = memory_new(sizeof(*cs));
	if (cs == NULL)
		return NULL;
	cs->max = max;
	cs->per_address_max = per_address_max;
	cs->chain_mask = power_of_two(max) - 1;
	cs->crowd_mask = power_of_two(4 * max) - 1;
	cs->slots = memory_new((max + 1) * sizeof(*cs->slots));
	cs->chains = memory_new((cs->chain_mask + 1) * sizeof(*cs->chains));
	cs->crowds = memory_new((cs->crowd_mask + 1) * sizeof(*cs->crowds));
	if (cs->slots == NULL || cs->chains == NULL || cs->crowds == NULL) {
		clients_free(cs);
		return NULL;
	}
	hash_key_random(&cs->key);
	cs->factor = hash_bytes(&cs->key, "", 0) | 1;
	cs->first_fresh = 1;
	return cs;
}

void
clients_free(struct clients *cs)
{
	if (cs == NULL)
		return;
	memory_free(cs->slots);
	memory_free(cs->chains);
	memory_free(cs->crowds);
	memory_free(cs);
}

/* The address, or as much of it as belongs to one client. */
static uint64_t
network_hash(const struct clients *cs, const struct addr *a)
{
	return hash_bytes(&cs->key, a->ip, a->family == 6 ? 8 : 4);
}

/*
 * Two hashes under keys make it one; what a client chooses freely besides is
 * multiplied by a secret, so that none can fill a chain.
 */
static uint64_t
question_hash(const struct clients *cs, uint64_t network,
    const struct newcomer *n)
{
	const struct asked *q = n->asked;
	const struct addr *from = &n->route->from;
	uint64_t rest =
	    (uint64_t)from->port << 32 | (uint64_t)q->id << 16 | q->qtype;
	uint64_t host = octets_get(from->ip + 8, 8);
	uint64_t h = network ^ n->name_hash ^ rest ^ host * cs->factor;

	h *= cs->factor;
	return h ^ h >> 32;
}

static bool
is_same_question(const struct client *c, const struct route *r,
    const struct asked *q)
{
	return c->route.udp == r->udp && addr_equal(&c->route.from, &r->from) &&
	       addr_equal(&c->route.local, &r->local) && c->asked.id == q->id &&
	       c->asked.flags == q->flags && c->asked.qtype == q->qtype &&
	       c->asked.edns == q->edns && c->asked.dnssec_ok == q->dnssec_ok &&
	       c->asked.limit == q->limit &&
	       name_same_case(c->qname.wire, q->qname);
}

static bool
is_waiting(const struct clients *cs, const struct route *r,
    const struct asked *q, uint64_t hash)
{
	uint32_t i = cs->chains[hash & cs->chain_mask];

	for (; i != CLIENT_NONE; i = cs->slots[i].next)
		if (cs->slots[i].hash == hash &&
		    is_same_question(&cs->slots[i], r, q))
			return true;
	return false;
}

/*
 * One used before, if any: slots that were never needed stay memory that was
 * never touched, 9 MB of 20,000.
 */
static uint32_t
slot_take(struct clients *cs)
{
	uint32_t slot = cs->first_free;

	if (slot == CLIENT_NONE)
		return cs->first_fresh++;
	cs->first_free = cs->slots[slot].next;
	return slot;
}

enum client_verdict
clients_add(struct clients *cs, const struct newcomer *n, uint32_t *slot)
{
	const struct route *r = n->route;
	const struct asked *q = n->asked;
	const uint64_t network = network_hash(cs, &r->from);
	const uint64_t hash = question_hash(cs, network, n);
	const size_t crowd = (size_t)network & cs->crowd_mask;
	uint32_t *chain = &cs->chains[hash & cs->chain_mask];
	struct client *c;

	if (r->udp != NULL && is_waiting(cs, r, q, hash))
		return CLIENT_REPEATED;
	if (cs->waiting == cs->max || cs->crowds[crowd] >= cs->per_address_max)
		return CLIENT_TOO_MANY;
	*slot = slot_take(cs);
	c = &cs->slots[*slot];
	name_copy(&c->qname, q->qname);
	c->asked = *q;
	c->asked.qname = c->qname.wire;
	c->route = *r;
	c->hash = hash;
	c->started_us = n->now_us;
	c->generation++;
	c->crowd = (uint32_t)crowd;
	c->next = *chain;
	*chain = *slot;
	cs->crowds[crowd]++;
	cs->waiting++;
	return CLIENT_ADDED;
}

struct client *
clients_find(struct clients *cs, uint32_t slot, uint32_t generation)
{
	if (slot == CLIENT_NONE || slot > cs->max || (generation & 1) == 0 ||
	    cs->slots[slot].generation != generation)
		return NULL;
	return &cs->slots[slot];
}

uint32_t
clients_generation(const struct clients *cs, uint32_t slot)
{
	return cs->slots[slot].generation;
}

void
clients_remove(struct clients *cs, struct client *c)
{
	uint32_t slot = (uint32_t)(c - cs->slots);
	uint32_t *link = &cs->chains[c->hash & cs->chain_mask];

	while (*link != slot)
		link = &cs->slots[*link].next;
	*link = c->next;
	c->generation++;
	c->next = cs->first_free;
	cs->first_free = slot;
	cs->crowds[c->crowd]--;
	cs->waiting--;
}

void
clients_remove_listener(struct clients *cs, const struct udp_listener *udp,
    const struct tcp_listener *tcp)
{
	uint32_t i;

	for (i = 1; i < cs->first_fresh; i++) {
		struct client *c = &cs->slots[i];

		if ((c->generation & 1) == 0)
			continue;
		if ((udp != NULL && c->route.udp == udp) ||
		    (tcp != NULL && c->route.tcp == tcp))
			clients_remove(cs, c);
	}
}

struct client *
clients_next(struct clients *cs, uint32_t *slot)
{
	while (cs->waiting > 0 && ++*slot < cs->first_fresh)
		if ((cs->slots[*slot].generation & 1) != 0)
			return &cs->slots[*slot];
	return NULL;
}

size_t
clients_waiting(const struct clients *cs)
{
	return cs->waiting;
}
