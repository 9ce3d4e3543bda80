/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answers.c - packed messages for the hit path.
 *
 * A block: the table's head, this tier's, the offsets of the message's TTLs,
 * the message. The message's own question is the key's name. A hit is one
 * hash, one chain, one copy; TTLs are aged in place by the offsets found
 * when the message was stored.
 */
#include "room.h"

#include <stddef.h>
#include <string.h>

#include "place.h"
#include "rcu.h"

#define TTLS_MAX 1024u

struct answer_entry {
	struct entry entry;
	uint64_t stored_ms;
	uint64_t refresh_ms;
	uint32_t generation;
	uint16_t len;
	uint16_t ttl_count;
	uint16_t rotate_at, rotate_count, rotate_size;
	int16_t ede;
	_Atomic uint8_t claimed; /* somebody went to refresh it */
	uint16_t ttl_at[];       /* ttl_count of them; then the message */
};

static struct key
answer_key_of(const struct cache *c, const struct answer_key *ak)
{
	struct key k = { .type = ak->qtype,
		.class = ak->flags,
		.view = ak->view };

	key_set_name(&k, &c->hash_key, ak->qname);
	return k;
}

/* --- putting ---------------------------------------------------------- */

/* Is the message's question the one of the key? */
static bool
question_fits(const struct packed *p, const struct answer_key *k)
{
	size_t n = name_bytes(k->qname);
	const uint8_t *q = p->bytes + HEADER_BYTES;

	if (p->len < HEADER_BYTES + n + 4 || p->bytes[4] != 0 ||
	    p->bytes[5] != 1)
		return false;
	if (!name_equal_sized(q, k->qname, n))
		return false;
	return q[n] == k->qtype >> 8 && q[n + 1] == (k->qtype & 0xff);
}

static bool
rotation_fits(const struct packed *p)
{
	size_t end = p->rotate_at + (size_t)p->rotate_count * p->rotate_size;

	if (p->rotate_at == 0)
		return true;
	return p->rotate_at >= HEADER_BYTES && p->rotate_count > 0 &&
	       p->rotate_size > 0 && end <= p->len;
}

static uint8_t *
message_of(struct answer_entry *e)
{
	return (uint8_t *)&e->ttl_at[e->ttl_count];
}

static struct answer_entry *
answer_build(const struct packed *p, size_t bytes, const uint16_t *ttl_at,
    size_t ttl_count)
{
	struct answer_entry *e = memory_new(bytes);

	if (e == NULL)
		return NULL;
	e->entry.expires_ms = p->expires_ms;
	e->entry.bytes = (uint32_t)bytes;
	e->refresh_ms = p->refresh_ms;
	e->generation = p->generation;
	e->len = (uint16_t)p->len;
	e->ttl_count = (uint16_t)ttl_count;
	if (p->rotate_at != 0) {
		e->rotate_at = p->rotate_at;
		e->rotate_count = p->rotate_count;
		e->rotate_size = p->rotate_size;
	}
	e->ede = (int16_t)p->ede;
	memcpy(e->ttl_at, ttl_at, ttl_count * sizeof(ttl_at[0]));
	memcpy(message_of(e), p->bytes, p->len);
	e->entry.name_at =
	    (uint16_t)(message_of(e) - (uint8_t *)e + HEADER_BYTES);
	return e;
}

static enum err
answer_store(struct cache *c, const struct key *k, const struct packed *p,
    uint64_t now_ms)
{
	uint16_t ttl_at[TTLS_MAX];
	size_t ttl_count =
	    message_ttl_offsets(p->bytes, p->len, ttl_at, TTLS_MAX);
	size_t bytes;
	struct answer_entry *e;

	if (ttl_count >= TTLS_MAX)
		return ERR_LIMIT;
	bytes = offsetof(struct answer_entry, ttl_at) +
		ttl_count * sizeof(ttl_at[0]) + p->len;
	if (!table_takes(c->answers, bytes))
		return ERR_LIMIT;
	e = answer_build(p, bytes, ttl_at, ttl_count);
	if (e == NULL)
		return ERR_MEMORY;
	e->stored_ms = now_ms;
	return table_put(c->answers, k, &e->entry, NULL, now_ms);
}

enum err
answers_put(struct cache *c, const struct answer_key *ak,
    const struct packed *p, uint64_t now_ms)
{
	struct key k = answer_key_of(c, ak);
	bool seen;

	if (p->len > MESSAGE_MAX || !question_fits(p, ak) || !rotation_fits(p))
		return ERR_FORMAT;
	if (p->expires_ms <= now_ms || p->generation != answers_generation(c))
		return ERR_REFUSED;
	seen = sketch_seen(c->sketch, place_of_key(&k), now_ms);
	if (!seen && !p->now_hot)
		return ERR_OK;
	return answer_store(c, &k, p, now_ms);
}

/* --- getting ---------------------------------------------------------- */

/* Records of the answer set are of one size: turning them is two copies. */
static void
rotate(const struct answer_entry *e, const uint8_t *from, uint32_t turn,
    uint8_t *to)
{
	size_t at = e->rotate_at;
	size_t all = (size_t)e->rotate_count * e->rotate_size;
	size_t shift = (turn % e->rotate_count) * (size_t)e->rotate_size;

	memcpy(to + at, from + at + shift, all - shift);
	memcpy(to + at + all - shift, from + at, shift);
}

static void
age(const struct answer_entry *e, uint64_t now_ms, uint8_t *to)
{
	uint64_t passed_s =
	    now_ms > e->stored_ms ? (now_ms - e->stored_ms) / 1000 : 0;

	if (passed_s == 0)
		return;
	for (uint16_t i = 0; i < e->ttl_count; i++) {
		uint8_t *p = to + e->ttl_at[i];
		uint32_t ttl = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3];

		ttl = ttl > passed_s ? ttl - (uint32_t)passed_s : 1;
		p[0] = (uint8_t)(ttl >> 24);
		p[1] = (uint8_t)(ttl >> 16);
		p[2] = (uint8_t)(ttl >> 8);
		p[3] = (uint8_t)ttl;
	}
}

/* Within the read section. */
static size_t
copy_answer(struct answer_entry *e, struct answer_copy *out)
{
	const uint8_t *from = message_of(e);

	memcpy(out->buf, from, e->len);
	if (e->rotate_count > 1)
		rotate(e, from, out->turn, out->buf);
	age(e, out->now_ms, out->buf);
	out->ede = (enum ede)e->ede;
	table_touch(&e->entry);
	return e->len;
}

/* Time to refresh it, and nobody has gone to do so. */
static bool
is_due(struct answer_entry *e, uint64_t now_ms)
{
	return e->refresh_ms != 0 && now_ms >= e->refresh_ms &&
	       atomic_load_explicit(&e->claimed, memory_order_relaxed) == 0;
}

/* The first who comes when it is due does it, the others are served. */
static bool
is_left_to_refresh(struct answer_entry *e, uint64_t now_ms)
{
	return is_due(e, now_ms) && atomic_exchange_explicit(&e->claimed, 1,
					memory_order_relaxed) == 0;
}

static size_t
find_and_copy(struct cache *c, const struct answer_key *ak, bool ede_wanted,
    struct answer_copy *out)
{
	struct key k = answer_key_of(c, ak);
	struct answer_entry *e;
	size_t len = 0;

	rcu_enter();
	e = (struct answer_entry *)(void *)table_find(c->answers, &k);
	if (e != NULL && e->entry.expires_ms > out->now_ms &&
	    e->generation == answers_generation(c) &&
	    (ede_wanted || e->ede == EDE_NONE)) {
		out->too_long = e->len > out->size;
		if (!out->too_long && !is_left_to_refresh(e, out->now_ms))
			len = copy_answer(e, out);
	}
	table_leave(c->answers);
	return len;
}

size_t
answers_copy(struct cache *c, const struct answer_key *k,
    struct answer_copy *out)
{
	out->ede = EDE_NONE;
	out->too_long = false;
	return find_and_copy(c, k, true, out);
}

size_t
answers_get(struct cache *c, const struct answer_key *k, uint64_t now_ms,
    uint32_t turn, uint8_t *buf, size_t size)
{
	struct answer_copy out = {
		.buf = buf,
		.size = size,
		.now_ms = now_ms,
		.turn = turn,
	};

	return find_and_copy(c, k, false, &out);
}

uint64_t
answers_expect(const struct cache *c, const uint8_t *name, size_t name_bytes)
{
	const uint64_t hash = name_hash_sized(&c->hash_key, name, name_bytes);

	table_expect(c->answers, hash);
	return hash;
}

/* The question will be resolved, and perhaps kept. */
static void
expect_miss(const struct cache *c, const struct key *k)
{
	table_expect(c->records, k->hash);
	sketch_expect(c->sketch, place_of_key(k));
}

size_t
answers_place(struct cache *c, const struct answer_spot *s)
{
	const size_t kept = HEADER_BYTES + s->name_bytes + 4u;
	struct key k = { .name = s->message + HEADER_BYTES,
		.hash = s->hash,
		.type = s->qtype,
		.class = s->flags,
		.view = s->view,
		.name_bytes = s->name_bytes };
	const uint8_t *from;
	struct answer_entry *e;

	e = (struct answer_entry *)(void *)table_find(c->answers, &k);
	*s->absent = e == NULL;
	if (e == NULL)
		expect_miss(c, &k);
	if (e == NULL || e->entry.expires_ms <= s->now_ms ||
	    e->generation != answers_generation(c) || e->len > s->size ||
	    e->ede != EDE_NONE || is_due(e, s->now_ms))
		return 0;
	from = message_of(e);
	memcpy(s->message + 2, from + 2, HEADER_BYTES - 2);
	memcpy(s->message + kept, from + kept, e->len - kept);
	if (e->rotate_count > 1)
		rotate(e, from, s->turn, s->message);
	age(e, s->now_ms, s->message);
	table_touch(&e->entry);
	return e->len;
}

void
answers_forget(struct cache *c)
{
	atomic_fetch_add_explicit(&c->generation, 1, memory_order_acq_rel);
}

uint32_t
answers_generation(const struct cache *c)
{
	return atomic_load_explicit(&c->generation, memory_order_acquire);
}
