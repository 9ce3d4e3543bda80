/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answers.c - packed messages for the hit path.
 *
 * A block: the table's head, this tier's, the message, the offsets of its
 * TTLs, and where its answer set rotates, if it does. The message's own
 * question is the key's name. A hit is one hash, one chain, one copy; TTLs
 * are aged in place by the offsets found when the message was stored.
 */
#include "room.h"

#include <stddef.h>
#include <string.h>

#include "place.h"
#include "rcu.h"

#define TTLS_MAX 1024u

/* Where the answer set lies, whose records are of one size. */
struct rotation {
	uint16_t at, count, size;
};

static struct key
answer_key_of(const struct cache *c, const struct answer_key *ak)
{
	struct key k = { .type = ak->qtype,
		.class = ak->flags,
		.view = ak->view };

	key_set_hashed(&k, &c->hash_key, ak->qname, ak->name_hash);
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
is_rotating(const struct packed *p)
{
	return p->rotate_at != 0 && p->rotate_count > 1;
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

/* Where the TTLs are, found when it is stored. */
struct ttls {
	uint16_t at[TTLS_MAX];
	size_t count;
};

static void
answer_write(struct answer_entry *e, const struct packed *p,
    const struct ttls *t)
{
	const size_t ttl_bytes = t->count * sizeof(t->at[0]);
	const struct rotation r = { p->rotate_at, p->rotate_count,
		p->rotate_size };

	e->entry.own = (uint16_t)t->count;
	e->generation = p->generation;
	e->len = (uint16_t)p->len;
	e->ede = (int8_t)p->ede;
	memcpy(e->message, p->bytes, p->len);
	memcpy(e->message + p->len, t->at, ttl_bytes);
	if (!is_rotating(p))
		return;
	e->entry.own |= ROTATES;
	memcpy(e->message + p->len + ttl_bytes, &r, sizeof(r));
}

static void
answer_time(struct answer_entry *e, const struct packed *p, uint64_t now_ms)
{
	const uint64_t end = lifetime_bounded(now_ms, p->expires_ms);

	e->entry.expires_ms = end;
	e->lifetime_ms = (uint32_t)(end - now_ms);
	if (p->refresh_ms == 0 || p->refresh_ms >= end)
		return;
	e->refresh_left_ms = p->refresh_ms < now_ms
				 ? e->lifetime_ms
				 : (uint32_t)(end - p->refresh_ms);
}

static enum err
answer_store(struct cache *c, const struct key *k, const struct packed *p,
    uint64_t now_ms)
{
	UNCLEARED struct ttls t;
	size_t bytes;
	struct answer_entry *e;

	t.count = message_ttl_offsets(p->bytes, p->len, t.at, TTLS_MAX);
	if (t.count >= TTLS_MAX)
		return ERR_LIMIT;
	bytes = offsetof(struct answer_entry, message) + p->len +
		t.count * sizeof(t.at[0]) +
		(is_rotating(p) ? sizeof(struct rotation) : 0);
	if (!table_takes(c->answers, bytes))
		return ERR_LIMIT;
	e = memory_new(bytes);
	if (e == NULL)
		return ERR_MEMORY;
	e->entry.bytes = (uint32_t)bytes;
	answer_write(e, p, &t);
	answer_time(e, p, now_ms);
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

static size_t
ttl_count(const struct answer_entry *e)
{
	return e->entry.own & (ROTATES - 1);
}

/* Records of the answer set are of one size: turning them is two copies. */
static void
rotate(const struct answer_entry *e, uint32_t turn, uint8_t *to)
{
	const uint8_t *from = e->message;
	struct rotation r;
	size_t all, shift;

	memcpy(&r, from + e->len + ttl_count(e) * sizeof(uint16_t), sizeof(r));
	all = (size_t)r.count * r.size;
	shift = (turn % r.count) * (size_t)r.size;
	memcpy(to + r.at, from + r.at + shift, all - shift);
	memcpy(to + r.at + all - shift, from + r.at, shift);
}

static void
age(const struct answer_entry *e, uint64_t now_ms, uint8_t *to)
{
	const uint64_t stored_ms = e->entry.expires_ms - e->lifetime_ms;
	const uint8_t *at = e->message + e->len;
	uint64_t passed_s =
	    now_ms > stored_ms ? (now_ms - stored_ms) / 1000 : 0;

	if (passed_s == 0)
		return;
	for (size_t n = ttl_count(e); n > 0; n--, at += sizeof(uint16_t)) {
		uint16_t offset;
		uint8_t *p;
		uint32_t ttl;

		memcpy(&offset, at, sizeof(offset));
		p = to + offset;
		ttl = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
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
	memcpy(out->buf, e->message, e->len);
	if ((e->entry.own & ROTATES) != 0)
		rotate(e, out->turn, out->buf);
	age(e, out->now_ms, out->buf);
	out->ede = (enum ede)e->ede;
	table_touch(&e->entry);
	return e->len;
}

/* Time to refresh it, and nobody has gone to do so. */
static bool
is_due(struct answer_entry *e, uint64_t now_ms)
{
	return e->refresh_left_ms != 0 &&
	       now_ms + e->refresh_left_ms >= e->entry.expires_ms &&
	       atomic_load_explicit(&e->claimed, memory_order_relaxed) == 0;
}

/* The first who comes when it is due does it, the others are served. */
static bool
is_left_to_refresh(struct answer_entry *e, uint64_t now_ms)
{
	return is_due(e, now_ms) && atomic_exchange_explicit(&e->claimed, 1,
					memory_order_relaxed) == 0;
}

size_t
answers_copy(struct cache *c, const struct answer_key *ak,
    struct answer_copy *out)
{
	struct key k = answer_key_of(c, ak);
	struct answer_entry *e;
	size_t len = 0;

	out->ede = EDE_NONE;
	out->too_long = false;
	rcu_enter();
	e = (struct answer_entry *)(void *)table_find(c->answers, &k);
	if (e != NULL && e->entry.expires_ms > out->now_ms &&
	    e->generation == answers_generation(c)) {
		out->too_long = e->len > out->size;
		if (!out->too_long && !is_left_to_refresh(e, out->now_ms))
			len = copy_answer(e, out);
	}
	table_leave(c->answers);
	return len;
}

uint64_t
answers_expect(const struct cache *c, const uint8_t *name, size_t name_bytes,
    const void **ahead)
{
	const uint64_t hash = name_hash_sized(&c->hash_key, name, name_bytes);

	*ahead = table_expect(c->answers, hash);
	return hash;
}

void
answers_expect_entry(const void *ahead)
{
	table_expect_entry(ahead);
}

/* The question will be resolved, and perhaps kept. */
static void
expect_miss(const struct cache *c, const struct key *k)
{
	(void)table_expect(c->records, k->hash);
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
	struct answer_entry *e;

	e = (struct answer_entry *)(void *)table_find(c->answers, &k);
	*s->absent = e == NULL;
	if (e == NULL)
		expect_miss(c, &k);
	if (e == NULL || e->entry.expires_ms <= s->now_ms ||
	    e->generation != answers_generation(c) || e->len > s->size ||
	    e->ede != EDE_NONE || is_due(e, s->now_ms))
		return 0;
	memcpy(s->message + 2, e->message + 2, HEADER_BYTES - 2);
	memcpy(s->message + kept, e->message + kept, e->len - kept);
	if ((e->entry.own & ROTATES) != 0)
		rotate(e, s->turn, s->message);
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
