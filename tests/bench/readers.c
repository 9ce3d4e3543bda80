/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * readers.c - what it costs to read one cache with two threads at once.
 *
 *   readers MILLISECONDS
 *
 * Two threads look up packed answers as the hit path does, batch by batch,
 * with nothing else between them, from the same moment on. Printed: nanoseconds of a look-up when each has a cache of its
 * own, when they share one, and the same two when there is but one name. What
 * sharing adds is what it costs to write where another reads, or to wait.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hither/cache.h>

enum { READERS = 2, NAMES = 1000, BATCH = 64, ROOM = 512 };

struct question {
	uint8_t bytes[ROOM]; /* the header and the question */
	size_t len;
	size_t name_bytes;
};

struct reader {
	pthread_t thread;
	struct cache *cache;
	uint8_t (*room)[ROOM]; /* of a batch */
	size_t names;          /* the first so many are asked for */
	uint64_t looks, missed;
	double ns;
};

static struct question questions[NAMES];
static uint8_t rooms[READERS][BATCH][ROOM];
static pthread_barrier_t both;
static atomic_bool is_over;
static uint64_t now_ms;

static void
fail(const char *what)
{
	fprintf(stderr, "readers: %s\n", what);
	exit(EXIT_FAILURE);
}

/* --- what is in the caches ------------------------------------------------ */

static void
put(struct cache *c, size_t i)
{
	uint8_t ip[4] = { 192, 0, 2, 1 }, message[ROOM];
	struct rdata address = { .bytes = ip, .len = sizeof(ip) };
	struct packed p = { .bytes = message,
		.expires_ms = now_ms + 3600000,
		.generation = answers_generation(c),
		.ede = EDE_NONE,
		.now_hot = true };
	struct answer_key key = { .qtype = TYPE_A };
	struct rrset set = { .rdata = &address,
		.count = 1,
		.type = TYPE_A,
		.ttl = 3600 };
	struct name name;
	struct writer w;
	char text[32];

	(void)snprintf(text, sizeof(text), "n%07zu.w1.bench", i);
	if (name_parse(text, &name) != ERR_OK)
		fail("no name");
	key.qname = set.owner = name.wire;
	writer_start(&w, message, sizeof(message), 0, FLAG_QR | FLAG_RA);
	writer_question(&w, name.wire, TYPE_A, CLASS_IN);
	(void)writer_rrset(&w, SECTION_ANSWER, &set, set.ttl, false, 0);
	p.len = writer_finish(&w);
	if (answers_put(c, &key, &p, now_ms) != ERR_OK)
		fail("an answer is not kept");
	questions[i].name_bytes = name_bytes(name.wire);
	questions[i].len = HEADER_BYTES + questions[i].name_bytes + 4;
	memcpy(questions[i].bytes, message, questions[i].len);
}

static struct cache *
full_cache(void)
{
	const struct cache_opts o = { 1 << 20, 16 << 20 };
	struct cache *c = cache_new(&o);

	if (c == NULL)
		fail("no cache");
	for (size_t i = 0; i < NAMES; i++)
		put(c, i);
	return c;
}

/* --- reading -------------------------------------------------------------- */

static void
look_up(struct reader *r, const size_t *which)
{
	struct answer_spot spots[BATCH];
	const void *ahead[BATCH];
	bool absent;

	for (size_t i = 0; i < BATCH; i++) {
		const struct question *q = &questions[which[i]];

		memcpy(r->room[i], q->bytes, q->len);
		spots[i] = (struct answer_spot){ .message = r->room[i],
			.size = ROOM,
			.now_ms = now_ms,
			.qtype = TYPE_A,
			.name_bytes = (uint8_t)q->name_bytes,
			.absent = &absent };
		spots[i].hash = answers_expect(r->cache,
		    r->room[i] + HEADER_BYTES, q->name_bytes, &ahead[i]);
	}
	cache_read_start();
	for (size_t i = 0; i < BATCH; i++)
		answers_expect_entry(ahead[i]);
	for (size_t i = 0; i < BATCH; i++)
		r->missed += answers_place(r->cache, &spots[i]) == 0;
	cache_read_end(r->cache);
	r->looks += BATCH;
}

static void *
read_on(void *user)
{
	struct reader *r = user;
	uint32_t random = 77;
	size_t which[BATCH];
	uint64_t begin;

	cache_thread_start();
	(void)pthread_barrier_wait(&both);
	begin = clock_mono_us();
	while (!is_over) {
		for (size_t i = 0; i < BATCH; i++) {
			random = random * 1664525u + 1013904223u;
			which[i] = (random >> 8) % r->names;
		}
		look_up(r, which);
	}
	r->ns = (double)(clock_mono_us() - begin) * 1e3 / (double)r->looks;
	cache_thread_stop();
	return NULL;
}

static void
rest(unsigned long ms)
{
	const struct timespec t = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* The slower of the two. */
static double
race(struct cache *const *caches, size_t names, unsigned long ms)
{
	struct reader readers[READERS];
	double slowest = 0;

	is_over = false;
	(void)pthread_barrier_init(&both, NULL, READERS);
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .cache = caches[i],
			.room = rooms[i],
			.names = names };
		if (pthread_create(&readers[i].thread, NULL, read_on,
			&readers[i]) != 0)
			fail("no thread");
	}
	rest(ms);
	is_over = true;
	for (size_t i = 0; i < READERS; i++) {
		(void)pthread_join(readers[i].thread, NULL);
		if (readers[i].missed > 0)
			fail("a name is missing");
		if (readers[i].ns > slowest)
			slowest = readers[i].ns;
	}
	(void)pthread_barrier_destroy(&both);
	return slowest;
}

int
main(int argc, char **argv)
{
	const unsigned long ms = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct cache *own[READERS], *shared[READERS];

	if (ms == 0 || ms > 60000) {
		fputs("usage: readers MILLISECONDS\n", stderr);
		return 2;
	}
	cache_thread_start();
	now_ms = clock_boot_ms();
	for (size_t i = 0; i < READERS; i++)
		own[i] = full_cache();
	for (size_t i = 0; i < READERS; i++)
		shared[i] = own[0];
	printf("own_ns=%.1f", race(own, NAMES, ms));
	printf(" shared_ns=%.1f", race(shared, NAMES, ms));
	printf(" own_hot_ns=%.1f", race(own, 1, ms));
	printf(" shared_hot_ns=%.1f\n", race(shared, 1, ms));
	for (size_t i = 0; i < READERS; i++)
		cache_free(own[i]);
	cache_thread_stop();
	return EXIT_SUCCESS;
}
