/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front_house.h - two workers with real sockets, loops, cache and hall, and a
 * client; the resolver behind them is one of this file, which answers at
 * once, or never when the name begins with "mute".
 */
#ifndef HITHER_TESTS_FRONT_HOUSE_H
#define HITHER_TESTS_FRONT_HOUSE_H

#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <hither/front.h>

#define WORKERS 2u

/* --- the resolver ----------------------------------------------------- */

struct waiting {
	struct name qname;
	resolver_done done;
	void *user;
	bool cache_only;
};
struct resolver {
	struct cache *cache;
	struct waiting waiting[256];
	size_t count;
	uint64_t asked; /* relaxed: read by the test */
};

uint64_t
resolver_ask(struct resolver *rs, const struct resolver_question *q,
    resolver_done done, void *user)
{
	struct waiting *w = &rs->waiting[rs->count];

	if (rs->count == ARRAY_LEN(rs->waiting))
		return 0;
	name_copy(&w->qname, q->qname);
	w->done = done;
	w->user = user;
	w->cache_only = q->cache_only;
	__atomic_add_fetch(&rs->asked, 1, __ATOMIC_RELAXED);
	return ++rs->count;
}

void
resolver_cancel(struct resolver *rs, uint64_t id)
{
	rs->waiting[id - 1].done = NULL;
}

/* An address; many of them for "big", SERVFAIL for "broken". */
static void
answer(struct resolver *rs, const struct waiting *w)
{
	static const uint8_t ip[4] = { 192, 0, 2, 1 };
	struct rdata rdata[100];
	struct rrset set = { .owner = w->qname.wire,
		.rdata = rdata,
		.ttl = 300,
		.type = TYPE_A,
		.count = 1 };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets = { sets },
		.counts = { 1 },
		.ede = EDE_NONE };
	struct outcome o = { .answer = &a,
		.generation = answers_generation(rs->cache),
		.expires_ms = clock_boot_ms() + 300000 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rdata); i++)
		rdata[i] = (struct rdata){ ip, 4 };
	if (memcmp(w->qname.wire, "\003big", 4) == 0)
		set.count = 100;
	if (w->cache_only || memcmp(w->qname.wire, "\006broken", 7) == 0) {
		a.counts[SECTION_ANSWER] = 0;
		a.rcode = RCODE_SERVFAIL;
		a.ede = EDE_NO_REACHABLE_AUTHORITY;
		strcpy(a.why, "all of them are silent");
		o.expires_ms = 0;
	}
	w->done(w->user, &o);
}

void
resolver_turn(struct resolver *rs)
{
	size_t i, kept = 0;

	for (i = 0; i < rs->count; i++) {
		if (memcmp(rs->waiting[i].qname.wire, "\004mute", 5) == 0)
			kept = i + 1; /* ids are places: none may move */
		else if (rs->waiting[i].done != NULL)
			answer(rs, &rs->waiting[i]);
		if (kept != i + 1)
			rs->waiting[i].done = NULL;
	}
	rs->count = kept;
}

bool
resolver_turn_some(struct resolver *rs, size_t most)
{
	(void)most;
	resolver_turn(rs);
	return true;
}

/* --- the house -------------------------------------------------------- */

struct worker {
	struct house *house;
	struct resolver resolver;
	struct loop *loop;
	struct front *front;
	struct rng *rng;
	pthread_t thread;
};
struct house {
	struct worker workers[WORKERS];
	struct cache *cache;
	struct exchange_hall *hall;
	struct policy *policy;
	struct front_rules rules;
	struct addr address;
	int client;
	uint8_t reply[2048];
	struct arena *arena;
};

static void *
work(void *user)
{
	struct worker *w = user;

	cache_thread_start();
	loop_run(w->loop);
	cache_thread_stop();
	return NULL;
}

static void
worker_open(struct house *h, size_t i, const struct hash_key *key)
{
	struct worker *w = &h->workers[i];
	struct front_opts o = { .cache = h->cache,
		.hall = h->hall,
		.worker = i,
		.clients_max = 100,
		.clients_per_address_max = 50,
		.cookie_key = *key,
		.rules = &h->rules };
	struct tcp_limits limits = { .clients_max = 10,
		.pipelined_max = 10,
		.buffer_max = 200000,
		.idle_us = 5000000 };

	w->house = h;
	w->resolver.cache = h->cache;
	w->loop = o.loop = loop_new();
	w->rng = o.rng = rng_new();
	o.resolver = &w->resolver;
	w->front = front_new(&o);
	assert_non_null(w->front);
	assert_int_equal(front_listen_udp(w->front, &h->address, i == 0),
	    ERR_OK);
	assert_int_equal(front_listen_tcp(w->front, &h->address, &limits,
			     i == 0),
	    ERR_OK);
}

static int
client_socket(const struct house *h, int type)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&h->address, &ss);
	int fd = socket(AF_INET, type, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static int
house_open(void **state)
{
	static const char *const data[] = {
		"printer.home.arpa. 60 IN A 10.0.0.9"
	};
	struct house *h = memory_new(sizeof(*h));
	struct cache_opts co = { 1 << 20, 1 << 20 };
	struct access_rule allow[2] = { { .access = ACCESS_ALLOW },
		{ .access = ACCESS_DROP } };
	struct policy_opts po = { .access = allow,
		.access_count = 2,
		.data = data,
		.data_count = 1,
		.identity = "here" };
	const char *bad;
	struct hash_key key;
	size_t i;

	assert_int_equal(prefix_parse("127.0.0.0/8", &allow[0].net), ERR_OK);
	assert_int_equal(prefix_parse("127.0.0.66/32", &allow[1].net), ERR_OK);
	h->address = (struct addr){ .family = 4,
		.ip = { 127, 0, 0, 1 },
		.port = (uint16_t)(20000 + getpid() % 10000) };
	h->cache = cache_new(&co);
	h->hall = hall_new(WORKERS);
	h->policy = policy_new(&po, &bad);
	h->arena = arena_new(1 << 20);
	h->rules = (struct front_rules){ .policy = h->policy,
		.nsid = (const uint8_t *)"n1",
		.nsid_len = 2,
		.rotate = true,
		.refuse_any = true,
		.minimal = true,
		.ttl_max_s = 86400 };
	hash_key_random(&key);
	for (i = 0; i < WORKERS; i++)
		worker_open(h, i, &key);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&h->workers[i].thread, NULL,
				     work, &h->workers[i]),
		    0);
	*state = h;
	return 0;
}

static int
house_close(void **state)
{
	struct house *h = *state;
	size_t i;

	for (i = 0; i < WORKERS; i++)
		loop_stop(h->workers[i].loop);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(h->workers[i].thread, NULL), 0);
	for (i = 0; i < WORKERS; i++) {
		front_free(h->workers[i].front);
		loop_free(h->workers[i].loop);
		rng_free(h->workers[i].rng);
	}
	hall_free(h->hall);
	cache_free(h->cache);
	policy_free(h->policy);
	arena_free(h->arena);
	memory_free(h);
	return 0;
}

static struct front_counts
counts(const struct house *h)
{
	struct front_counts sum = { 0 }, c;
	size_t i;

	for (i = 0; i < WORKERS; i++) {
		front_count(h->workers[i].front, &c);
		sum.hits += c.hits;
		sum.misses += c.misses;
		sum.handed_over += c.handed_over;
		sum.local += c.local;
		sum.truncated += c.truncated;
		sum.dropped += c.dropped;
		sum.repeated += c.repeated;
		sum.limited += c.limited;
		sum.limited_told += c.limited_told;
		sum.waiting += c.waiting;
		sum.udp_queries += c.udp_queries;
		sum.tcp_queries += c.tcp_queries;
		for (size_t k = 0; k < ARRAY_LEN(sum.rcodes); k++)
			sum.rcodes[k] += c.rcodes[k];
	}
	return sum;
}

static uint64_t
resolved(const struct house *h)
{
	return __atomic_load_n(&h->workers[0].resolver.asked,
		   __ATOMIC_RELAXED) +
	       __atomic_load_n(&h->workers[1].resolver.asked, __ATOMIC_RELAXED);
}

/* --- the client ------------------------------------------------------- */

struct asking {
	const char *name;
	uint16_t type, class, flags, udp_size;
	uint8_t version;
};

static size_t
question(const struct asking *q, uint8_t *buf)
{
	struct opt_out opt = { .udp_size = q->udp_size, .ede = EDE_NONE };
	struct writer w;
	struct name n;
	size_t len;

	assert_int_equal(name_parse(q->name, &n), ERR_OK);
	writer_start(&w, buf, 512, 0x4321, q->flags);
	writer_question(&w, n.wire, q->type, q->class);
	if (q->udp_size != 0)
		assert_true(writer_opt(&w, &opt));
	len = writer_finish(&w);
	if (q->udp_size != 0)
		buf[len - 5] = q->version;
	return len;
}

/* How long a reply came within 2 s; 0: none (within 100 ms if `mute`). */
static size_t
send_bytes(struct house *h, const uint8_t *bytes, size_t len, bool mute)
{
	int fd = client_socket(h, SOCK_DGRAM);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got = 0;

	assert_int_equal(send(fd, bytes, len, 0), (ssize_t)len);
	if (poll(&p, 1, mute ? 100 : 2000) == 1)
		got = recv(fd, h->reply, sizeof(h->reply), 0);
	(void)close(fd);
	assert_true(got >= 0);
	return (size_t)got;
}

static void
ask(struct house *h, const struct asking *q, struct message *m)
{
	uint8_t buf[512];
	size_t len = send_bytes(h, buf, question(q, buf), false);

	arena_reset(h->arena);
	assert_int_equal(message_read(h->arena, h->reply, len, m), ERR_OK);
	assert_int_equal(m->id, 0x4321);
	assert_true((m->flags & FLAG_QR) != 0);
}

static struct asking
plain(const char *name)
{
	return (struct asking){ .name = name,
		.type = TYPE_A,
		.class = CLASS_IN,
		.flags = FLAG_RD };
}

#endif
