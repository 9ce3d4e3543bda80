/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peers.c - the table of addresses.
 *
 * Sharded by keyed hash; a shard is a mutex, slots, and chains through them.
 * A full shard makes room by CLOCK: the hand cools what it passes and evicts
 * the first that is cold. Nothing expires by age: an old value is only less
 * trusted, which the choice sees to.
 */
#include "inner.h"

#include <string.h>

#define SHARDS_MAX 64u
#define SHARD_MIN  64u /* slots, before a second shard pays */
#define HEAT_MAX   3u

static bool
shard_start(struct shard *sh, size_t max)
{
	size_t heads = 1;

	while (heads < max)
		heads *= 2;
	sh->max = max;
	sh->head_mask = heads - 1;
	sh->slots = memory_new(max * sizeof(struct peer *));
	sh->heads = memory_new(heads * sizeof(sh->heads[0]));
	return sh->slots != NULL && sh->heads != NULL &&
	       pthread_mutex_init(&sh->lock, NULL) == 0;
}

static bool
shards_start(struct servers *sv)
{
	size_t max = sv->opts.max_entries;
	size_t n = 1;

	while (n < SHARDS_MAX && n * 2 * SHARD_MIN <= max)
		n *= 2;
	sv->shards = memory_new(n * sizeof(sv->shards[0]));
	if (sv->shards == NULL)
		return false;
	sv->shard_count = n;
	for (size_t i = 0; i < n; i++) {
		if (!shard_start(&sv->shards[i], max / n))
			return false;
	}
	return true;
}

struct servers *
servers_new(const struct servers_opts *o)
{
	struct servers *sv;

	if (o->max_entries == 0 || o->max_entries > UINT32_MAX / 2)
		return NULL;
	sv = memory_new(sizeof(*sv));
	if (sv == NULL)
		return NULL;
	sv->opts = *o;
	sv->budget = o->budget_permille / 1000.0;
	hash_key_random(&sv->hash_key);
	sv->faults = faults_new(o->max_entries);
	sv->families = families_new();
	sv->rates = rates_new();
	sv->priors = priors_new();
	sv->moves = moves_new();
	if (sv->faults == NULL || sv->families == NULL || sv->rates == NULL ||
	    sv->priors == NULL || sv->moves == NULL || !shards_start(sv)) {
		servers_free(sv);
		return NULL;
	}
	return sv;
}

static void
shard_clear(struct shard *sh)
{
	for (size_t i = 0; i < sh->count; i++) {
		memory_free(sh->slots[i]);
		sh->slots[i] = NULL;
	}
	sh->count = 0;
	sh->hand = 0;
	memset(sh->heads, 0, (sh->head_mask + 1) * sizeof(sh->heads[0]));
}

void
servers_free(struct servers *sv)
{
	if (sv == NULL)
		return;
	for (size_t i = 0; i < sv->shard_count; i++) {
		struct shard *sh = &sv->shards[i];

		if (sh->slots != NULL && sh->heads != NULL) {
			shard_clear(sh);
			pthread_mutex_destroy(&sh->lock);
		}
		memory_free(sh->slots);
		memory_free(sh->heads);
	}
	memory_free(sv->shards);
	moves_free(sv->moves);
	priors_free(sv->priors);
	rates_free(sv->rates);
	families_free(sv->families);
	faults_free(sv->faults);
	memory_free(sv);
}

uint64_t
servers_key(const struct servers *sv, const struct addr *a)
{
	const uint64_t rest =
	    (uint64_t)a->scope << 24 | (uint64_t)a->port << 8 | a->family;
	struct hash_run r;
	uint64_t w[2];

	memcpy(w, a->ip, sizeof(w));
	hash_start(&r, &sv->hash_key);
	hash_word(&r, w[0]);
	/* Of IPv4 the first word holds all. */
	if (a->family != 4)
		hash_word(&r, w[1]);
	return hash_end(&r, rest, sizeof(w));
}

uint64_t
fault_id(uint64_t addr_hash, uint64_t zone_hash)
{
	return (addr_hash << 21 | addr_hash >> 43) ^ zone_hash;
}

void
servers_tally(struct servers *sv, enum server_decision d)
{
	atomic_fetch_add_explicit(&sv->decisions[d], 1, memory_order_relaxed);
}

static uint32_t *
head_of(struct shard *sh, uint64_t hash)
{
	return &sh->heads[hash & sh->head_mask];
}

static struct peer *
shard_find(struct shard *sh, uint64_t hash, const struct addr *a)
{
	uint32_t at = *head_of(sh, hash);

	while (at != 0) {
		struct peer *p = sh->slots[at - 1];

		if (addr_equal(&p->addr, a)) {
			if (p->heat < HEAT_MAX)
				p->heat++;
			return p;
		}
		at = p->chain;
	}
	return NULL;
}

static void
chain_remove(const struct servers *sv, struct shard *sh, size_t slot)
{
	const struct peer *p = sh->slots[slot];
	uint32_t *at = head_of(sh, servers_key(sv, &p->addr));

	while (*at != slot + 1) {
		require(*at != 0);
		at = &sh->slots[*at - 1]->chain;
	}
	*at = p->chain;
}

/* A free slot; a cold peer's, when there is no other. */
static size_t
shard_slot(const struct servers *sv, struct shard *sh)
{
	if (sh->count < sh->max)
		return sh->count++;
	while (sh->slots[sh->hand]->heat > 0) {
		sh->slots[sh->hand]->heat--;
		sh->hand = (sh->hand + 1) % sh->max;
	}
	chain_remove(sv, sh, sh->hand);
	return sh->hand;
}

static struct peer *
shard_add(const struct servers *sv, struct shard *sh, uint64_t hash,
    const struct addr *a)
{
	uint32_t *head = head_of(sh, hash);
	struct peer *p = NULL;
	size_t slot;

	/* A new one's memory first: nothing is evicted for nothing. */
	if (sh->count < sh->max) {
		p = memory_new(sizeof(*p));
		if (p == NULL)
			return NULL;
	}
	slot = shard_slot(sv, sh);
	if (p == NULL) {
		p = sh->slots[slot];
		memset(p, 0, sizeof(*p));
		sh->hand = (sh->hand + 1) % sh->max;
	}
	sh->slots[slot] = p;
	peer_start(p, a);
	p->heat = 1;
	p->chain = *head;
	*head = (uint32_t)slot + 1;
	return p;
}

static struct peer *
hold(struct servers *sv, const struct addr *a, uint64_t hash, bool make,
    struct shard **sh)
{
	struct shard *s = &sv->shards[(hash >> 40) & (sv->shard_count - 1)];
	struct peer *p;

	pthread_mutex_lock(&s->lock);
	p = shard_find(s, hash, a);
	if (p == NULL && make)
		p = shard_add(sv, s, hash, a);
	if (p == NULL)
		pthread_mutex_unlock(&s->lock);
	*sh = s;
	return p;
}

struct peer *
servers_hold(struct servers *sv, const struct addr *a, struct shard **sh)
{
	return hold(sv, a, servers_key(sv, a), false, sh);
}

struct peer *
servers_hold_hashed(struct servers *sv, const struct addr *a, uint64_t hash,
    struct shard **sh)
{
	return hold(sv, a, hash != 0 ? hash : servers_key(sv, a), false, sh);
}

struct peer *
servers_hold_new_hashed(struct servers *sv, const struct addr *a, uint64_t hash,
    struct shard **sh)
{
	return hold(sv, a, hash != 0 ? hash : servers_key(sv, a), true, sh);
}

struct peer *
servers_hold_new(struct servers *sv, const struct addr *a, struct shard **sh)
{
	return hold(sv, a, servers_key(sv, a), true, sh);
}

void
servers_release(struct shard *sh)
{
	pthread_mutex_unlock(&sh->lock);
}

size_t
servers_known(const struct servers *sv)
{
	size_t n = 0;

	for (size_t i = 0; i < sv->shard_count; i++) {
		pthread_mutex_lock(&sv->shards[i].lock);
		n += sv->shards[i].count;
		pthread_mutex_unlock(&sv->shards[i].lock);
	}
	return n;
}

size_t
servers_forget(struct servers *sv)
{
	size_t n = 0;

	for (size_t i = 0; i < sv->shard_count; i++) {
		pthread_mutex_lock(&sv->shards[i].lock);
		n += sv->shards[i].count;
		shard_clear(&sv->shards[i]);
		pthread_mutex_unlock(&sv->shards[i].lock);
	}
	faults_forget(sv->faults);
	families_forget(sv->families);
	priors_forget(sv->priors);
	return n;
}
