/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.c - the index of a zone, built once from its records and never
 * changed: a table of nodes by name (empty non-terminals have one too), each
 * with its record sets ready for the wire and, for sets that name hosts, the
 * addresses to send along.
 *
 *   1. sort the records by owner, type and data; drop what is there twice
 *   2. a node for every owner and every name between it and the apex
 *   3. the sets of each node, with their RRSIGs if the file has any; NSEC3
 *      records have no node: they are found by hash only (RFC 5155 7.2.8)
 *   4. addresses for NS, MX and SRV (extras.c)
 *   5. the rules: one SOA and an NS at the apex, an alias stands alone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone.h"

#define ZONE_BYTES_MAX ((size_t)256 << 20)
#define SET_BYTES_MAX  65000u /* must fit a message with its question */

struct builder {
	struct zone *zone;
	const struct source *source;
	const struct record **order; /* sorted; no duplicates */
	size_t count;
	struct complaints *complaints;
};

static void
fault(struct builder *b, const struct record *r, const char *what)
{
	struct place at = { .path = b->source->path,
		.line = r == NULL ? 0 : r->line };
	char text[NAME_TEXT_MAX];

	complain(b->complaints, &at, "%s: %s",
	    name_text(r == NULL ? b->source->origin.wire : r->owner, text),
	    what);
}

/* --- 1: order --------------------------------------------------------- */

static int
compare_rdata(const struct rdata *a, const struct rdata *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->bytes, b->bytes, least);

	return c != 0 ? c : (int)a->len - (int)b->len;
}

static int
compare_sets(const struct record *a, const struct record *b)
{
	int c = name_compare(a->owner, b->owner);

	return c != 0 ? c : (int)a->type - (int)b->type;
}

/* In file order within a set: what is written first is sent first. */
static int
compare_records(const void *pa, const void *pb)
{
	const struct record *a = *(const struct record *const *)pa;
	const struct record *b = *(const struct record *const *)pb;
	int c = compare_sets(a, b);

	if (c != 0)
		return c;
	return a < b ? -1 : a > b;
}

static int
compare_with_rdata(const void *pa, const void *pb)
{
	const struct record *a = *(const struct record *const *)pa;
	const struct record *b = *(const struct record *const *)pb;
	int c = compare_sets(a, b);

	if (c == 0)
		c = compare_rdata(&a->rdata, &b->rdata);
	return c != 0 ? c : (a < b ? -1 : a > b);
}

static enum err
sort_records(struct builder *b)
{
	const struct source *s = b->source;
	size_t n = 0;

	b->order = memory_new((s->count + 1) * sizeof(const void *));
	if (b->order == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->count; i++)
		b->order[i] = &s->records[i];
	qsort(b->order, s->count, sizeof(const void *), compare_with_rdata);
	for (size_t i = 0; i < s->count; i++) {
		const struct record *r = b->order[i];

		if (n > 0 && compare_sets(b->order[n - 1], r) == 0 &&
		    compare_rdata(&b->order[n - 1]->rdata, &r->rdata) == 0)
			continue; /* RFC 2181 section 5 */
		b->order[n++] = r;
	}
	b->count = n;
	qsort(b->order, n, sizeof(const void *), compare_records);
	return ERR_OK;
}

/* --- 2: nodes --------------------------------------------------------- */

static struct node *
find_node(const struct zone *z, const uint8_t *name, uint64_t hash)
{
	struct node *n = z->table[hash & z->mask];

	while (n != NULL && !name_equal(n->name, name))
		n = n->next;
	return n;
}

const struct node *
zone_node(const struct zone *z, const uint8_t *name)
{
	return find_node(z, name, name_hash(&z->key, name));
}

static struct node *
ensure_node(struct zone *z, const uint8_t *name)
{
	uint64_t hash = name_hash(&z->key, name);
	struct node *n = find_node(z, name, hash);

	if (n != NULL)
		return n;
	n = arena_take(z->arena, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->name = name;
	n->next = z->table[hash & z->mask];
	z->table[hash & z->mask] = n;
	return n;
}

/* The owner's node, and those above it up to the apex (RFC 4592 2.2.2). */
static struct node *
ensure_path(struct zone *z, const uint8_t *owner)
{
	struct node *first = ensure_node(z, owner), *below = first;
	const uint8_t *name = owner;

	while (below != NULL && !name_equal(name, z->origin.wire)) {
		struct node *above = ensure_node(z, name_parent(name));

		if (above == NULL)
			return NULL;
		if (name_is_wildcard(name))
			above->wild = below;
		name = name_parent(name);
		below = above;
	}
	return first;
}

/* --- 3: sets ---------------------------------------------------------- */

/* Records first..first+count of the order: one owner, one type. */
struct run {
	size_t first, count;
};

static struct run
run_of_type(const struct builder *b, size_t first)
{
	struct run r = { .first = first, .count = 1 };

	while (first + r.count < b->count &&
	       compare_sets(b->order[first], b->order[first + r.count]) == 0)
		r.count++;
	return r;
}

static struct run
run_of_owner(const struct builder *b, size_t first)
{
	struct run r = { .first = first, .count = 1 };

	while (
	    first + r.count < b->count && name_equal(b->order[first]->owner,
					      b->order[first + r.count]->owner))
		r.count++;
	return r;
}

static bool
signs(const struct record *r, uint16_t type)
{
	return r->type == TYPE_RRSIG && r->rdata.len > 18 &&
	       (r->rdata.bytes[0] << 8 | r->rdata.bytes[1]) == type;
}

/* The RRSIGs over `set` among the records of its owner. */
static void
join_signatures(struct builder *b, struct run owner, struct rrset *set)
{
	struct rdata *sigs;
	uint16_t n = 0;

	for (size_t i = 0; i < owner.count; i++)
		n = (uint16_t)(n + signs(b->order[owner.first + i], set->type));
	if (n == 0)
		return;
	sigs = arena_take(b->zone->arena, n * sizeof(*sigs));
	if (sigs == NULL)
		return;
	set->sigs = sigs;
	set->sig_count = n;
	for (size_t i = 0; i < owner.count; i++) {
		const struct record *r = b->order[owner.first + i];

		if (signs(r, set->type))
			*sigs++ = r->rdata;
	}
}

static void
fill_set(struct builder *b, struct run run, struct rrset *set)
{
	const struct record *first = b->order[run.first];
	size_t bytes = name_bytes(first->owner);
	struct rdata *rdata;

	if (run.count > UINT16_MAX) {
		fault(b, first, "too many records in one set");
		return;
	}
	rdata = arena_take(b->zone->arena, run.count * sizeof(*rdata));
	if (rdata == NULL)
		return;
	*set = (struct rrset){ .owner = first->owner,
		.rdata = rdata,
		.ttl = first->ttl,
		.type = first->type,
		.count = (uint16_t)run.count };
	for (size_t i = 0; i < run.count; i++) {
		const struct record *r = b->order[run.first + i];

		rdata[i] = r->rdata;
		if (r->ttl < set->ttl)
			set->ttl = r->ttl;
		bytes += 12u + r->rdata.len;
	}
	if (bytes > SET_BYTES_MAX)
		fault(b, first, "this record set fits in no message");
}

/* A link of the zone's proofs, in the order of their owners. */
static void
add_link(struct builder *b, const struct rrset *set)
{
	struct zone *z = b->zone;

	if (z->chain == NULL)
		z->chain = arena_take(z->arena, b->count * sizeof(*z->chain));
	if (z->chain == NULL)
		return;
	z->has_nsec3 = set->type == TYPE_NSEC3;
	z->chain[z->chain_count++] =
	    (struct link){ .owner = set->owner, .set = set };
}

static bool
is_nsec3(const struct builder *b, struct run owner)
{
	for (size_t i = 0; i < owner.count; i++)
		if (b->order[owner.first + i]->type == TYPE_NSEC3)
			return true;
	return false;
}

static void
fill_nsec3(struct builder *b, struct run owner)
{
	struct rrset *set = arena_take(b->zone->arena, sizeof(*set));
	struct run run = owner;

	while (b->order[run.first]->type != TYPE_NSEC3)
		run.first++;
	run = run_of_type(b, run.first);
	if (set == NULL)
		return;
	fill_set(b, run, set);
	join_signatures(b, owner, set);
	add_link(b, set);
}

static void
fill_node(struct builder *b, struct run owner)
{
	const struct record *first = b->order[owner.first];
	struct node *n = ensure_path(b->zone, first->owner);
	size_t end = owner.first + owner.count, types = 0;

	for (size_t i = owner.first; i < end; types++)
		i += run_of_type(b, i).count;
	if (n == NULL)
		return;
	n->sets = arena_take(b->zone->arena, types * sizeof(*n->sets));
	if (n->sets == NULL)
		return;
	for (size_t i = owner.first; i < end;) {
		struct run run = run_of_type(b, i);
		struct rrset *set = &n->sets[n->set_count].set;

		i += run.count;
		if (b->order[run.first]->type == TYPE_RRSIG)
			continue;
		fill_set(b, run, set);
		join_signatures(b, owner, set);
		n->set_count++;
		if (set->type == TYPE_NSEC)
			add_link(b, set);
	}
	n->is_cut = node_set(n, TYPE_NS) != NULL &&
		    !name_equal(n->name, b->zone->origin.wire);
	n->has_dname = node_set(n, TYPE_DNAME) != NULL;
}

const struct zone_set *
node_set(const struct node *n, uint16_t type)
{
	for (uint16_t i = 0; i < n->set_count; i++) {
		if (n->sets[i].set.type == type)
			return &n->sets[i];
	}
	return NULL;
}

/* --- 5: the rules ----------------------------------------------------- */

static void
check_node(struct builder *b, struct run owner, const struct node *n)
{
	const struct zone_set *cname = node_set(n, TYPE_CNAME);
	const struct zone_set *dname = node_set(n, TYPE_DNAME);
	const struct zone_set *soa = node_set(n, TYPE_SOA);
	const struct record *r = b->order[owner.first];

	for (uint16_t i = 0; cname != NULL && i < n->set_count; i++) {
		uint16_t t = n->sets[i].set.type;

		if (t != TYPE_CNAME && t != TYPE_NSEC)
			fault(b, r, "an alias (CNAME) beside other records");
	}
	if (cname != NULL && cname->set.count > 1)
		fault(b, r, "more than one CNAME");
	if (dname != NULL && dname->set.count > 1)
		fault(b, r, "more than one DNAME");
	if (soa != NULL && !name_equal(n->name, b->zone->origin.wire))
		fault(b, r, "an SOA that is not at the apex");
}

static void
check_apex(struct builder *b)
{
	struct zone *z = b->zone;

	z->apex = zone_node(z, z->origin.wire);
	z->soa = z->apex == NULL ? NULL : node_set(z->apex, TYPE_SOA);
	if (z->soa == NULL) {
		fault(b, NULL, "no SOA at the apex");
		return;
	}
	if (z->soa->set.count != 1)
		fault(b, NULL, "more than one SOA");
	if (node_set(z->apex, TYPE_NS) == NULL)
		fault(b, NULL, "no NS at the apex");
	z->negative_ttl = soa_minimum(&z->soa->set.rdata[0]);
	if (z->soa->set.ttl < z->negative_ttl)
		z->negative_ttl = z->soa->set.ttl;
}

static struct zone *
zone_new(const struct source *s)
{
	struct zone *z = memory_new(sizeof(*z));
	size_t chains = 16;

	if (z == NULL)
		return NULL;
	while (chains < 2 * s->count)
		chains *= 2;
	name_copy(&z->origin, s->origin.wire);
	z->labels = name_labels(s->origin.wire);
	z->mask = chains - 1;
	hash_key_random(&z->key);
	z->arena = arena_new(ZONE_BYTES_MAX);
	z->table = memory_new(chains * sizeof(struct node *));
	if (z->arena == NULL || z->table == NULL) {
		zone_free(z);
		return NULL;
	}
	return z;
}

static void
build(struct builder *b)
{
	struct zone *z = b->zone;

	for (size_t i = 0; i < b->count && !arena_over(z->arena);) {
		struct run owner = run_of_owner(b, i);

		if (is_nsec3(b, owner))
			fill_nsec3(b, owner);
		else
			fill_node(b, owner);
		i += owner.count;
	}
	for (size_t i = 0; i < b->count && !arena_over(z->arena);) {
		struct run owner = run_of_owner(b, i);
		const struct node *n = zone_node(z, b->order[i]->owner);

		i += owner.count;
		if (n == NULL)
			continue; /* NSEC3 */
		for (uint16_t k = 0; k < n->set_count; k++)
			zone_find_extras(z, &n->sets[k]);
		check_node(b, owner, n);
	}
	check_apex(b);
}

struct zone *
zone_build(const struct source *s, struct complaints *c)
{
	struct builder b = { .source = s, .complaints = c };
	size_t faults_before = c->count;

	b.zone = zone_new(s);
	if (b.zone == NULL || sort_records(&b) != ERR_OK) {
		fault(&b, NULL, err_text(ERR_MEMORY));
		zone_free(b.zone);
		return NULL;
	}
	build(&b);
	if (arena_over(b.zone->arena))
		fault(&b, NULL, err_text(ERR_MEMORY));
	memory_free(b.order);
	if (c->count == faults_before)
		return b.zone;
	zone_free(b.zone);
	return NULL;
}

void
zone_own(struct zone *z, struct source *s)
{
	z->owned = s;
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	arena_free(z->arena);
	source_free(z->owned);
	memory_free(z->table);
	memory_free(z);
}
