/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * throttle.c - how often, for any number of keys in fixed memory.
 *
 * A key has one word: some bits of its hash, and the time up to which what it
 * did is paid for, each event being worth 1/per_second. It may be as far ahead
 * of now as `burst` events are worth (the virtual scheduling algorithm of
 * ITU-T I.371). Eight words, one cache line, are searched; the one that is
 * least ahead makes room. Whoever wants a stranger's word would have to know
 * the key of the hash, and who floods us with keys only makes us forget.
 *
 * Threads share the words without a lock: who loses a race looks again.
 */
#include <hither/base.h>

#define WORDS_A_LINE 8u
#define TIME_BITS    48u /* microseconds: nine years */
#define TIME_MASK    ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND_US    1000000u
#define TRIES        64u

struct throttle {
	uint64_t *words;
	uint64_t line_mask;
	struct hash_key key;
};

struct throttle *
throttle_new(size_t keys)
{
	struct throttle *t = memory_new(sizeof(*t));
	size_t lines = 1;

	if (t == NULL)
		return NULL;
	while (lines * WORDS_A_LINE < keys)
		lines *= 2;
	t->line_mask = lines - 1;
	hash_key_random(&t->key);
	t->words = memory_new(lines * WORDS_A_LINE * sizeof(*t->words));
	if (t->words == NULL) {
		memory_free(t);
		return NULL;
	}
	return t;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	memory_free(t->words);
	memory_free(t);
}

uint64_t
throttle_key(const struct throttle *t, const void *p, size_t n)
{
	return hash_bytes(&t->key, p, n);
}

const struct hash_key *
throttle_hash_key(const struct throttle *t)
{
	return &t->key;
}

/* The key's own word, or the one it takes over. */
static uint64_t *
word_of(struct throttle *t, uint64_t key, uint64_t *was)
{
	uint64_t *line = t->words + (key & t->line_mask) * WORDS_A_LINE;
	uint64_t *least = line, least_is = UINT64_MAX;

	for (size_t i = 0; i < WORDS_A_LINE; i++) {
		uint64_t w = __atomic_load_n(&line[i], __ATOMIC_RELAXED);

		if (w >> TIME_BITS == key >> TIME_BITS) {
			*was = w;
			return &line[i];
		}
		if ((w & TIME_MASK) < (least_is & TIME_MASK)) {
			least = &line[i];
			least_is = w;
		}
	}
	*was = least_is;
	return least;
}

bool
throttle_take(struct throttle *t, const struct throttle_rate *r, uint64_t key,
    uint64_t now_us)
{
	uint64_t tag = key & ~TIME_MASK, each_us;

	if (r->per_second == 0)
		return true;
	each_us = SECOND_US / r->per_second;
	now_us &= TIME_MASK;
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t was, paid_us = now_us;
		uint64_t *word = word_of(t, key, &was);

		if ((was & ~TIME_MASK) == tag && (was & TIME_MASK) > now_us)
			paid_us = was & TIME_MASK;
		if (paid_us + each_us - now_us > (uint64_t)r->burst * each_us)
			return false;
		if (__atomic_compare_exchange_n(word, &was,
			tag | ((paid_us + each_us) & TIME_MASK), false,
			__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
	}
	return true;
}
