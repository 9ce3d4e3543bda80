/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * records.c - the tier that feeds the resolver.
 *
 * An entry is one block: the table's head, this tier's, the owner, the sets
 * as pack.c writes them. A look-up copies the block into the caller's arena
 * within the read section and unpacks it outside.
 *
 * Keys: facts by (owner, type), where type 0 says that the name does not
 * exist; failures and delegations under classes of their own, so that a
 * failure never hides what is known and a delegation never passes for an
 * answer.
 */
#include "room.h"

#include <stddef.h>
#include <string.h>

#include "place.h"
#include "rcu.h"

static uint16_t
key_type(const struct record *r)
{
	if (r->kind == RECORD_NXDOMAIN)
		return 0;
	return r->kind == RECORD_DELEGATION ? TYPE_NS : r->type;
}

static uint8_t
key_class(enum record_kind k)
{
	if (k == RECORD_FAILURE)
		return KEY_FAILURE;
	return k == RECORD_DELEGATION ? KEY_DELEGATION : KEY_FACT;
}

static struct standing
standing_of(const struct record_entry *e)
{
	return (struct standing){
		.kind = (enum record_kind)e->kind,
		.rank = (enum rank)e->rank,
		.security = (enum security)e->security,
	};
}

static const struct record_entry *
as_record(const struct entry *e)
{
	return (const struct record_entry *)(const void *)e;
}

static bool
may_replace(const struct entry *old, const struct entry *fresh)
{
	struct standing a = standing_of(as_record(old));
	struct standing b = standing_of(as_record(fresh));

	return standing_yields(&a, &b);
}

static enum err
record_sane(const struct record *r, uint64_t now_ms)
{
	bool needs_sets = r->kind == RECORD_SET || r->kind == RECORD_DELEGATION;
	bool needs_type = r->kind == RECORD_SET || r->kind == RECORD_NODATA;

	if (r->set_count > RECORD_SETS_MAX)
		return ERR_LIMIT;
	if ((needs_sets && r->set_count == 0) || (needs_type && r->type == 0) ||
	    r->stored_ms > r->expires_ms)
		return ERR_RANGE;
	return r->expires_ms <= now_ms ? ERR_REFUSED : ERR_OK;
}

static struct record_entry *
entry_build(const struct record *r, const struct key *k, size_t bytes)
{
	/* Nothing of it is left unwritten: table_put() does the rest. */
	struct record_entry *e = memory_grow(NULL, bytes);
	uint64_t expires_ms = lifetime_bounded(r->stored_ms, r->expires_ms);

	if (e == NULL)
		return NULL;
	atomic_init(&e->entry.visited, 0);
	e->entry.expires_ms = expires_ms;
	e->entry.bytes = (uint32_t)bytes;
	e->entry.own = r->tries;
	e->lifetime_ms = (uint32_t)(expires_ms - r->stored_ms);
	e->ede = (int8_t)r->ede;
	e->cost_ms = r->cost_ms;
	e->set_count = (uint8_t)r->set_count;
	e->kind = r->kind & 7u;
	e->rank = r->rank & 7u;
	e->security = r->security & 3u;
	pack_record(r, k, e->packed);
	return e;
}

enum err
records_put(struct cache *c, const struct record *r, uint64_t now_ms)
{
	struct key k = { .type = key_type(r), .class = key_class(r->kind) };
	struct record_entry *e;
	enum err err = record_sane(r, now_ms);
	size_t bytes;

	if (err != ERR_OK)
		return err;
	key_set_hashed(&k, &c->hash_key, r->owner, r->name_hash);
	bytes = offsetof(struct record_entry, packed) + pack_bytes(r, &k);
	if (!table_takes(c->records, bytes))
		return ERR_LIMIT;
	e = entry_build(r, &k, bytes);
	if (e == NULL)
		return ERR_MEMORY;
	return table_put(c->records, &k, &e->entry, may_replace, now_ms);
}

static bool
supersedes(const struct entry *old, const void *user)
{
	const struct record *r = user;
	struct standing a = standing_of(as_record(old));
	struct standing b = { r->kind, r->rank, r->security };

	/* stored_ms is now: r is of this moment. */
	return old->expires_ms <= r->stored_ms || standing_yields(&a, &b);
}

void
records_supersede(struct cache *c, const struct record *r)
{
	struct key k = { .type = key_type(r), .class = key_class(r->kind) };

	key_set_hashed(&k, &c->hash_key, r->owner, r->name_hash);
	table_remove(c->records, &k, supersedes, r);
}

static struct record_entry *
find_live(const struct cache *c, const struct key *k, uint64_t now_ms)
{
	struct entry *e = table_find(c->records, k);

	return e != NULL && e->expires_ms > now_ms
		   ? (struct record_entry *)(void *)e
		   : NULL;
}

/* Of types that lie elsewhere no look tells: they are always seen. */
#define KIND_ELSEWHERE BIT(31)
_Static_assert(KEY_DELEGATION < 3, "the highest bit is no kind's");

static uint32_t
kind_of(uint8_t class, uint16_t type)
{
	const uint32_t kind = place_kind(class, type);

	return kind != 0 ? kind : KIND_ELSEWHERE;
}

/* Can an entry of this kind be there? */
static bool
is_among(uint32_t kinds, uint8_t class, uint16_t type)
{
	return (kinds & kind_of(class, type)) != 0;
}

/* Which of the facts about (owner, type) counts; else the failure. */
static struct record_entry *
find_fact(const struct cache *c, struct key k, uint32_t kinds, uint64_t now_ms)
{
	uint16_t type = k.type;
	struct record_entry *fact = NULL, *denial = NULL;
	struct standing a, b;

	if (type != 0 && is_among(kinds, KEY_FACT, type))
		fact = find_live(c, &k, now_ms);
	k.type = 0;
	if (is_among(kinds, KEY_FACT, 0))
		denial = find_live(c, &k, now_ms);
	if (fact == NULL && denial == NULL) {
		k.type = type;
		k.class = KEY_FAILURE;
		return is_among(kinds, KEY_FAILURE, type)
			   ? find_live(c, &k, now_ms)
			   : NULL;
	}
	if (fact == NULL || denial == NULL)
		return fact != NULL ? fact : denial;
	a = standing_of(fact);
	b = standing_of(denial);
	return standing_denies(&a, record_stored_ms(fact), &b,
		   record_stored_ms(denial))
		   ? denial
		   : fact;
}

static void
record_head(const struct record_entry *e, struct record *out)
{
	*out = (struct record){
		.stored_ms = record_stored_ms(e),
		.expires_ms = e->entry.expires_ms,
		.set_count = e->set_count,
		.kind = (enum record_kind)e->kind,
		.rank = (enum rank)e->rank,
		.security = (enum security)e->security,
		.ede = (enum ede)e->ede,
		.type = e->entry.type,
		.tries = e->entry.own,
		.cost_ms = e->cost_ms,
	};
}

/* Within the read section: the head and a copy of the rest. */
static const uint8_t *
copy_out(struct record_entry *e, struct arena *a, struct record *out)
{
	table_touch(&e->entry);
	record_head(e, out);
	return arena_copy(a, e->packed,
	    e->entry.bytes - offsetof(struct record_entry, packed));
}

/* A fact, and what is known to be there of its name. */
struct fact_key {
	struct key key;
	uint32_t kinds;
};

static bool
get_fact(struct cache *c, const struct fact_key *f, uint64_t now_ms,
    struct arena *a, struct record *out)
{
	struct record_entry *e;
	const uint8_t *packed = NULL;

	rcu_enter();
	e = find_fact(c, f->key, f->kinds, now_ms);
	if (e != NULL)
		packed = copy_out(e, a, out);
	table_leave(c->records);
	return packed != NULL && unpack_record(packed, out->set_count, a, out);
}

bool
records_get(struct cache *c, const uint8_t *owner, uint16_t type,
    uint64_t now_ms, struct arena *a, struct record *out)
{
	struct fact_key f = { .key = { .type = type, .class = KEY_FACT },
		.kinds = UINT32_MAX };

	key_set_name(&f.key, &c->hash_key, owner);
	return get_fact(c, &f, now_ms, a, out);
}

/* By exactly this key. */
static bool
get_by_key(struct cache *c, const struct key *k, uint64_t now_ms,
    struct arena *a, struct record *out)
{
	struct record_entry *e;
	const uint8_t *packed = NULL;

	rcu_enter();
	e = find_live(c, k, now_ms);
	if (e != NULL)
		packed = copy_out(e, a, out);
	table_leave(c->records);
	return packed != NULL && unpack_record(packed, out->set_count, a, out);
}

bool
records_get_delegation(struct cache *c, const uint8_t *zone, uint64_t now_ms,
    struct arena *a, struct record *out)
{
	struct key k = { .type = TYPE_NS, .class = KEY_DELEGATION };

	key_set_name(&k, &c->hash_key, zone);
	return get_by_key(c, &k, now_ms, a, out);
}

bool
records_get_failure(struct cache *c, const uint8_t *owner, uint16_t type,
    uint64_t now_ms, struct arena *a, struct record *out)
{
	struct key k = { .type = type, .class = KEY_FAILURE };

	key_set_name(&k, &c->hash_key, owner);
	return get_by_key(c, &k, now_ms, a, out);
}

/* --- a name seen once ------------------------------------------------- */

void
records_name(struct cache *c, const uint8_t *name, struct records_seen *out)
{
	struct key k;

	key_set_name(&k, &c->hash_key, name);
	out->cache = c;
	out->name = name;
	out->hash = k.hash;
	out->name_bytes = k.name_bytes;
}

void
records_names(struct cache *c, const uint8_t *name, struct records_seen *out)
{
	UNCLEARED struct name_hashed names[NAME_LABELS_MAX + 1];
	const unsigned labels = name_hashes(&c->hash_key, name, names);

	for (unsigned i = 0; i <= labels; i++) {
		out[i].cache = c;
		out[i].name = names[i].name;
		out[i].hash = names[i].hash;
		out[i].name_bytes = names[i].bytes;
	}
}

void
records_expect(const struct cache *c, uint64_t name_hash)
{
	table_expect_entry(table_expect(c->records, name_hash));
}

void
records_look(struct records_seen *seen, size_t n)
{
	struct table *t = seen->cache->records;

	rcu_enter();
	for (size_t i = 0; i < n; i++)
		seen[i].kinds = table_kinds(t, seen[i].hash) | KIND_ELSEWHERE;
	table_leave(t);
}

uint32_t
records_kinds(uint16_t type)
{
	return kind_of(KEY_FACT, type) | kind_of(KEY_FACT, 0);
}

bool
records_may_have(const struct records_seen *s, uint16_t type)
{
	return (s->kinds & records_kinds(type)) != 0;
}

bool
records_may_have_failure(const struct records_seen *s, uint16_t type)
{
	return is_among(s->kinds, KEY_FAILURE, type);
}

static struct key
key_seen(const struct records_seen *s, uint16_t type, uint8_t class)
{
	return (struct key){ .name = s->name,
		.hash = s->hash,
		.type = type,
		.class = class,
		.name_bytes = s->name_bytes };
}

bool
records_get_seen(const struct records_seen *s, uint16_t type, uint64_t now_ms,
    struct arena *a, struct record *out)
{
	const struct fact_key f = { .key = key_seen(s, type, KEY_FACT),
		.kinds = s->kinds };

	return get_fact(s->cache, &f, now_ms, a, out);
}

bool
records_get_seen_delegation(const struct records_seen *s, uint64_t now_ms,
    struct arena *a, struct record *out)
{
	const struct key k = key_seen(s, TYPE_NS, KEY_DELEGATION);

	return is_among(s->kinds, KEY_DELEGATION, TYPE_NS) &&
	       get_by_key(s->cache, &k, now_ms, a, out);
}

struct listing {
	struct arena *arena;
	const uint8_t *top;
	uint64_t now_ms;
	bool (*seen)(void *user, const struct record *r);
	void *user;
};

static bool
list_entry(const struct entry *e, void *user)
{
	const struct listing *l = user;
	struct record_entry *re = (struct record_entry *)(uintptr_t)e;
	struct record r;

	if (e->expires_ms <= l->now_ms || !name_is_within(re->packed, l->top))
		return true;
	arena_reset(l->arena);
	record_head(re, &r);
	return !unpack_record(re->packed, re->set_count, l->arena, &r) ||
	       l->seen(l->user, &r);
}

void
records_list(struct cache *c, const uint8_t *top, uint64_t now_ms,
    bool (*seen)(void *user, const struct record *r), void *user)
{
	struct listing l = { .arena = arena_new((size_t)4 << 20),
		.top = top,
		.now_ms = now_ms,
		.seen = seen,
		.user = user };

	if (l.arena != NULL)
		table_walk(c->records, list_entry, &l);
	arena_free(l.arena);
}

uint32_t
record_ttl(const struct record *r, uint64_t now_ms)
{
	uint64_t left_s;

	if (r->expires_ms <= now_ms)
		return 0;
	left_s = (r->expires_ms - now_ms + 999) / 1000;
	return left_s > INT32_MAX ? INT32_MAX : (uint32_t)left_s;
}
