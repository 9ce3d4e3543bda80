/* SPDX-License-Identifier: BSD-3-Clause */
/* Four threads at the shared rooms for a second each; for ThreadSanitizer. */
#include "cache_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <hither/servers.h>

#define THREADS      4u
#define SECONDS_LONG 3000000u
#define RUN_US       UINT64_C(1000000)
#define GROWN_MOST   300000u

struct worker {
	pthread_t thread;
	struct cache *c;
	struct servers *sv;
	struct rng *rng;
	_Atomic unsigned *put; /* growth: so many are there */
	unsigned number;
	unsigned long hits, wrong;
};

static void
numbered(struct name *n, unsigned i)
{
	char text[64];

	snprintf(text, sizeof(text), "n%u.test", i);
	if (name_parse(text, n) != ERR_OK)
		abort();
}

/* Owner n<i> has the address i, always: a mix-up is seen. */
static void
put_numbered(struct worker *w, unsigned i)
{
	struct name n;
	uint32_t ip = i;
	struct rdata rdata = { (const uint8_t *)&ip, 4 };
	struct rrset set = { .rdata = &rdata, .count = 1, .type = TYPE_A };
	struct rrset *list[1] = { &set };
	struct record r = {
		.owner = n.wire,
		.sets = list,
		.set_count = 1,
		.stored_ms = NOW,
		.expires_ms = NOW + 1000 + i,
		.kind = RECORD_SET,
		.rank = RANK_AUTH_ANSWER,
		.ede = EDE_NONE,
		.type = TYPE_A,
	};

	numbered(&n, i);
	set.owner = n.wire;
	set.ttl = 1 + i / 1000;
	(void)!records_put(w->c, &r, NOW);
}

static bool
get_numbered(struct worker *w, struct arena *a, unsigned i)
{
	struct name n;
	struct record got;
	uint32_t ip;

	arena_reset(a);
	numbered(&n, i);
	if (!records_get(w->c, n.wire, TYPE_A, NOW, a, &got))
		return false;
	memcpy(&ip, got.sets[0]->rdata[0].bytes, 4);
	w->hits++;
	w->wrong += ip != i || !name_equal(n.wire, got.owner);
	return true;
}

static void
hammer_answers(struct worker *w, unsigned i)
{
	struct name n;
	uint8_t message[512], buf[512];
	struct answer_key k = { .qname = n.wire, .qtype = TYPE_A };
	struct packed p = {
		.bytes = message,
		.expires_ms = NOW + 100000,
		.generation = answers_generation(w->c),
		.ede = EDE_NONE,
		.now_hot = i % 2 == 0,
	};
	struct answer_copy out = { .buf = buf,
		.size = sizeof(buf),
		.now_ms = NOW,
		.turn = i };

	numbered(&n, i);
	p.len = pack_answer(message, sizeof(message), n.wire, 2);
	(void)!answers_put(w->c, &k, &p, NOW);
	if (answers_copy(w->c, &k, &out) == 0)
		return;
	w->hits++;
	w->wrong += memcmp(buf + HEADER_BYTES, n.wire, name_bytes(n.wire)) != 0;
}

static void *
cache_run(void *arg)
{
	struct worker *w = arg;
	struct arena *a = arena_new(1 << 20);
	uint64_t end = clock_mono_us() + RUN_US;
	unsigned long turns = 0;

	cache_thread_start();
	while (clock_mono_us() < end) {
		struct cache_counts n;
		struct name top;

		put_numbered(w, rng_below(w->rng, 4000));
		(void)get_numbered(w, a, rng_below(w->rng, 4000));
		hammer_answers(w, rng_below(w->rng, 4000));
		if (++turns % 64 != 0)
			continue;
		cache_count(w->c, &n);
		w->wrong += n.record_bytes > n.record_bytes_max;
		w->wrong += n.answer_bytes > n.answer_bytes_max;
		numbered(&top, rng_below(w->rng, 4000));
		if (w->number == 0 && turns % 1024 == 0)
			(void)cache_flush(w->c,
			    turns % 8192 == 0 ? FLUSH_ALL : FLUSH_NAME,
			    top.wire, 0);
		if (w->number == 1 && turns % 512 == 0)
			cache_check(w->c);
	}
	cache_thread_stop();
	arena_free(a);
	return NULL;
}

/* The first puts one after another; the others must find all before it. */
static void *
growth_run(void *arg)
{
	struct worker *w = arg;
	struct arena *a = arena_new(1 << 20);
	uint64_t end = clock_mono_us() + RUN_US;
	unsigned put;

	cache_thread_start();
	while (
	    clock_mono_us() < end && (put = atomic_load(w->put)) < GROWN_MOST) {
		struct records_seen seen;
		struct name n;
		unsigned i;

		if (w->number == 0) {
			put_numbered(w, put);
			atomic_store(w->put, put + 1);
			continue;
		}
		if (put == 0)
			continue;
		i = rng_below(w->rng, put);
		w->wrong += !get_numbered(w, a, i);
		numbered(&n, i);
		records_name(w->c, n.wire, &seen);
		records_look(&seen, 1);
		w->wrong += !records_may_have(&seen, TYPE_A);
	}
	cache_thread_stop();
	arena_free(a);
	return NULL;
}

static void *
servers_run(void *arg)
{
	struct worker *w = arg;
	struct addr at[8];
	uint64_t end = clock_mono_us() + RUN_US, now;
	struct name n;

	memset(at, 0, sizeof(at));
	while ((now = clock_mono_us()) < end) {
		struct servers_set set = { .addresses = at,
			.count = 8,
			.zone = n.wire,
			.waited_us = SECONDS_LONG };
		struct server_outlook outlooks[8];
		struct server_site sites[4];
		struct servers_choice c;
		enum err e;
		struct servers_sample s = { .edns_seen = true };
		struct server_view v;

		numbered(&n, rng_below(w->rng, 50));
		for (unsigned i = 0; i < 8; i++) {
			at[i].family = i % 2 == 0 ? 4 : 6;
			at[i].port = 53;
			at[i].ip[0] = (uint8_t)rng_below(w->rng, 200);
		}
		e = servers_choose(w->sv, &set, w->rng, now, &c);
		if (e != ERR_OK) {
			/* All dead, and enough goes to them. */
			w->wrong += e != ERR_LIMIT || c.wait;
			continue;
		}
		servers_sent(w->sv, &at[c.primary], c.key, now);
		(void)servers_foresee(w->sv, &set, now, outlooks);
		if (rng_below(w->rng, 500) == 0)
			(void)servers_sites(w->sv, now, sites, 4);
		s.address = &at[c.primary];
		s.rtt_us = rng_below(w->rng, 100000);
		if (rng_below(w->rng, 5) == 0)
			servers_silent(w->sv, s.address, n.wire, now);
		else
			servers_answered(w->sv, &s, now);
		if (rng_below(w->rng, 20) == 0)
			servers_fault(w->sv, s.address, n.wire,
			    (enum server_fault)rng_below(w->rng, 4), now);
		servers_landed(w->sv, s.address, 0);
		servers_edns_refused(w->sv, s.address, now);
		(void)servers_speaks_edns(w->sv, s.address, now);
		w->hits += servers_may_hedge(w->sv, s.address);
		(void)servers_look(w->sv, s.address, n.wire, now, &v);
		if (rng_below(w->rng, 5000) == 0)
			(void)servers_forget(w->sv);
		w->wrong += servers_known(w->sv) > 200;
	}
	return NULL;
}

static void
run_all(struct worker *ws, void *(*run)(void *))
{
	unsigned long hits = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		ws[i].number = i;
		ws[i].rng = rng_new_seeded(i + 1);
		assert_non_null(ws[i].rng);
		assert_int_equal(pthread_create(&ws[i].thread, NULL, run,
				     &ws[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(ws[i].thread, NULL), 0);
		assert_int_equal(ws[i].wrong, 0);
		hits += ws[i].hits;
		rng_free(ws[i].rng);
	}
	assert_true(hits > 0);
}

static void
four_threads_share_the_cache(void **state)
{
	struct cache_opts o = { 1 << 17, 1 << 18 };
	struct worker ws[THREADS] = { 0 };
	struct cache *c = cache_new(&o);

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < THREADS; i++)
		ws[i].c = c;
	run_all(ws, cache_run);
	cache_check(c);
	cache_free(c);
}

static bool
count_one(void *user, const struct record *r)
{
	(void)r;
	++*(unsigned *)user;
	return true;
}

static void
what_is_there_is_found_while_the_cache_grows(void **state)
{
	struct cache_opts o = { (size_t)GROWN_MOST * 256, 1 << 18 };
	struct worker ws[THREADS] = { 0 };
	struct cache *c = cache_new(&o);
	const uint8_t root[] = { 0 };
	_Atomic unsigned put = 0;
	unsigned listed = 0;

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < THREADS; i++) {
		ws[i].c = c;
		ws[i].put = &put;
	}
	run_all(ws, growth_run);
	cache_check(c);
	records_list(c, root, NOW, count_one, &listed);
	assert_int_equal(listed, put);
	assert_int_equal(cache_flush(c, FLUSH_ALL, NULL, 0), put);
	cache_free(c);
}

static void
four_threads_share_the_servers(void **state)
{
	struct servers_opts o = {
		.max_entries = 200,
		.budget_permille = 1000,
	};
	struct worker ws[THREADS] = { 0 };
	struct servers *sv = servers_new(&o);

	(void)state;
	assert_non_null(sv);
	for (unsigned i = 0; i < THREADS; i++)
		ws[i].sv = sv;
	run_all(ws, servers_run);
	servers_free(sv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_threads_share_the_cache),
		cmocka_unit_test(what_is_there_is_found_while_the_cache_grows),
		cmocka_unit_test(four_threads_share_the_servers),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
