/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rng.c - random numbers that nobody can foretell, and cheaply.
 *
 * ChaCha20 fills a buffer of 1 KiB; its first 32 bytes become the next key
 * and what is handed out is erased, so that memory read later tells nothing
 * about numbers drawn before (fast key erasure). Fresh entropy is mixed in
 * every 1 MB, every 60 s and in a child after fork. The seeded kind does
 * none of this: same seed, same numbers, on every machine.
 */
#include <hither/base.h>

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#define BUFFER_BYTES 1024u
#define KEY_BYTES    crypto_stream_chacha20_KEYBYTES
#define RESEED_BYTES 1000000u
#define RESEED_US    60000000u

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define LITTLE(w) __builtin_bswap64(w)
#else
#define LITTLE(w) (w)
#endif

struct rng {
	uint8_t buffer[BUFFER_BYTES + sizeof(uint64_t)]; /* read by words */
	uint8_t key[KEY_BYTES];
	size_t used;
	uint64_t bytes_since_seed;
	uint64_t seeded_at_us;
	unsigned forks; /* value of fork_count when last seeded */
	bool is_repeatable;
};

static atomic_uint fork_count;
static pthread_once_t fork_watch = PTHREAD_ONCE_INIT;

static void
count_fork(void)
{
	atomic_fetch_add_explicit(&fork_count, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
	/* Without memory for the handler a child could repeat its parent. */
	require(pthread_atfork(NULL, NULL, count_fork) == 0);
}

static void
reseed(struct rng *r)
{
	uint8_t fresh[KEY_BYTES];

	randombytes_buf(fresh, sizeof(fresh));
	for (size_t i = 0; i < sizeof(fresh); i++)
		r->key[i] ^= fresh[i];
	sodium_memzero(fresh, sizeof(fresh));
	r->bytes_since_seed = 0;
	r->seeded_at_us = clock_mono_us();
	r->forks = atomic_load_explicit(&fork_count, memory_order_relaxed);
}

static bool
is_stale(const struct rng *r)
{
	return r->bytes_since_seed >= RESEED_BYTES ||
	       clock_mono_us() - r->seeded_at_us >= RESEED_US;
}

static void
refill(struct rng *r)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

	(void)crypto_stream_chacha20(r->buffer, BUFFER_BYTES, nonce, r->key);
	memcpy(r->key, r->buffer, KEY_BYTES);
	memset(r->buffer, 0, KEY_BYTES);
	r->used = KEY_BYTES;
	r->bytes_since_seed += BUFFER_BYTES;
}

static bool
forked(const struct rng *r)
{
	return r->forks !=
	       atomic_load_explicit(&fork_count, memory_order_relaxed);
}

/*
 * The next n (1 to 8) bytes as one little-endian number. One byte after the
 * other would be 40 instructions more, five times a miss.
 */
static uint64_t
draw(struct rng *r, size_t n)
{
	const uint64_t mask = UINT64_MAX >> (64 - 8 * n);
	uint64_t word, value;
	bool reseeds = !r->is_repeatable;

	if (reseeds && forked(r)) {
		reseed(r);
		r->used = BUFFER_BYTES;
	}
	if (BUFFER_BYTES - r->used < n) {
		if (reseeds && is_stale(r))
			reseed(r);
		refill(r);
	}
	memcpy(&word, r->buffer + r->used, sizeof(word));
	value = LITTLE(word);
	word = LITTLE(value & ~mask);
	memcpy(r->buffer + r->used, &word, sizeof(word));
	r->used += n;
	return value & mask;
}

static struct rng *
new_empty(void)
{
	struct rng *r;

	if (sodium_init() < 0)
		return NULL;
	(void)pthread_once(&fork_watch, watch_forks);
	r = memory_new(sizeof(*r));
	if (r != NULL)
		r->used = BUFFER_BYTES;
	return r;
}

struct rng *
rng_new(void)
{
	struct rng *r = new_empty();

	if (r != NULL)
		reseed(r);
	return r;
}

struct rng *
rng_new_seeded(uint64_t seed)
{
	struct rng *r = new_empty();

	if (r == NULL)
		return NULL;
	r->is_repeatable = true;
	for (size_t i = 0; i < 8; i++)
		r->key[i] = (uint8_t)(seed >> (8 * i));
	return r;
}

void
rng_free(struct rng *r)
{
	if (r == NULL)
		return;
	sodium_memzero(r, sizeof(*r));
	memory_free(r);
}

uint16_t
rng_u16(struct rng *r)
{
	return (uint16_t)draw(r, 2);
}

uint32_t
rng_u32(struct rng *r)
{
	return (uint32_t)draw(r, 4);
}

uint64_t
rng_u64(struct rng *r)
{
	return draw(r, 8);
}

/*
 * The high half of draw * n is uniform once draws whose low half falls under
 * 2^32 mod n are thrown away (D. Lemire, "Fast Random Integer Generation in
 * an Interval", 2019).
 */
uint32_t
rng_below(struct rng *r, uint32_t n)
{
	uint32_t floor;
	uint64_t product;

	if (n < 2)
		return 0;
	floor = (UINT32_MAX - n + 1) % n;
	do {
		product = (uint64_t)rng_u32(r) * n;
	} while ((uint32_t)product < floor);
	return (uint32_t)(product >> 32);
}
