/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients: a question in, an answer out. Two workers with real sockets,
 * loops, cache and hall; the resolver behind them is one of this file, which
 * answers at once, or never when the name begins with "mute".
 */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
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
		.owner_key = *key,
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

/* --- claims ----------------------------------------------------------- */

static void
a_miss_is_resolved_and_then_a_hit(void **state)
{
	struct house *h = *state;
	struct asking q = plain("Www.eXample.");
	struct front_counts before = counts(h);
	struct message m;
	struct name n;
	int i;

	assert_int_equal(name_parse(q.name, &n), ERR_OK);
	for (i = 0; i < 20; i++) {
		ask(h, &q, &m);
		assert_int_equal(m.rcode, RCODE_NOERROR);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
		assert_true(name_same_case(m.qname.wire, n.wire));
		assert_int_equal(m.flags & 0xfff0, FLAG_QR | FLAG_RD | FLAG_RA);
	}
	assert_true(counts(h).hits - before.hits >= 17);
}

static void
questions_find_their_owner_on_another_worker(void **state)
{
	struct house *h = *state;
	struct front_counts before = counts(h);
	struct message m;
	char name[64];
	int i;

	for (i = 0; i < 200; i++) {
		struct asking q = plain(name);

		(void)snprintf(name, sizeof(name), "n%d.example.", i);
		ask(h, &q, &m);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
	}
	assert_int_equal(counts(h).misses - before.misses, 200);
	assert_in_range(counts(h).handed_over - before.handed_over, 50, 150);
}

static void
failures_say_why(void **state)
{
	struct house *h = *state;
	struct asking q = plain("broken.example.");
	struct message m;

	q.udp_size = 1232;
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_SERVFAIL);
	assert_int_equal(m.edns.ede, EDE_NO_REACHABLE_AUTHORITY);
}

static void
a_question_sent_again_is_answered_once(void **state)
{
	struct house *h = *state;
	struct asking q = plain("mute.example.");
	uint64_t before = resolved(h);
	int fd = client_socket(h, SOCK_DGRAM), i;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[512];
	size_t len = question(&q, buf);

	for (i = 0; i < 5; i++)
		assert_int_equal(send(fd, buf, len, 0), (ssize_t)len);
	assert_int_equal(poll(&p, 1, 200), 0);
	assert_int_equal(resolved(h) - before, 1);
	(void)close(fd);
}

static void
what_does_not_fit_leaves_with_tc(void **state)
{
	struct house *h = *state;
	struct asking q = plain("big.example.");
	struct message m;
	int i;

	for (i = 0; i < 4; i++) {
		ask(h, &q, &m);
		assert_true((m.flags & FLAG_TC) != 0);
		assert_int_equal(m.counts[SECTION_ANSWER], 0);
	}
	assert_true(counts(h).hits > 0);
	assert_true(counts(h).truncated >= 4);
}

static void
read_whole(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		ssize_t got;

		assert_int_equal(poll(&pf, 1, 2000), 1);
		got = recv(fd, p, n, 0);
		assert_true(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

static void
streams_carry_the_long_answers(void **state)
{
	struct house *h = *state;
	struct asking q = plain("big.example.");
	int fd = client_socket(h, SOCK_STREAM), i;
	uint8_t buf[514], size[2], got[4096];
	size_t len = question(&q, buf + 2);
	struct message m;

	buf[0] = 0;
	buf[1] = (uint8_t)len;
	for (i = 0; i < 3; i++) {
		size_t n;

		assert_int_equal(send(fd, buf, len + 2, 0), (ssize_t)len + 2);
		read_whole(fd, size, 2);
		n = (size_t)size[0] << 8 | size[1];
		assert_in_range(n, 1600, sizeof(got));
		read_whole(fd, got, n);
		arena_reset(h->arena);
		assert_int_equal(message_read(h->arena, got, n, &m), ERR_OK);
		assert_int_equal(m.counts[SECTION_ANSWER], 1);
	}
	(void)close(fd);
}

static void
local_names_never_reach_the_resolver(void **state)
{
	struct house *h = *state;
	uint64_t before = resolved(h);
	struct asking q = plain("printer.home.arpa.");
	struct message m;

	ask(h, &q, &m);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_true((m.flags & FLAG_AA) != 0);
	q.name = "nothing.home.arpa.";
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_NXDOMAIN);
	q.name = "id.server.";
	q.class = CLASS_CH;
	q.type = TYPE_TXT;
	ask(h, &q, &m);
	assert_int_equal(m.rcode, RCODE_NOERROR);
	assert_int_equal(resolved(h), before);
}

struct oddity {
	struct asking q;
	uint16_t rcode;
};

static void
odd_questions_are_told_so(void **state)
{
	static const struct oddity odd[] = {
		{ { "a.example.", TYPE_A, 254, FLAG_RD, 0, 0 }, RCODE_REFUSED },
		{ { "a.example.", TYPE_AXFR, 1, FLAG_RD, 0, 0 },
		    RCODE_REFUSED },
		{ { "a.example.", TYPE_MAILB, 1, FLAG_RD, 0, 0 },
		    RCODE_NOTIMP },
		{ { "a.example.", TYPE_OPT, 1, FLAG_RD, 0, 0 }, RCODE_NOTIMP },
		{ { "a.example.", 0, 1, FLAG_RD, 0, 0 }, RCODE_FORMERR },
		{ { "a.example.", TYPE_A, 1, 0, 0, 0 }, RCODE_REFUSED },
		{ { "a.example.", TYPE_A, 1, FLAG_RD, 1232, 1 },
		    RCODE_BADVERS },
		{ { "a.example.", TYPE_A, 1, FLAG_RD | 4u << 11, 0, 0 },
		    RCODE_NOTIMP },
	};
	struct house *h = *state;
	uint64_t before = resolved(h);
	struct message m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(odd); i++) {
		ask(h, &odd[i].q, &m);
		assert_int_equal(m.rcode, odd[i].rcode);
		assert_int_equal(m.counts[SECTION_ANSWER], 0);
	}
	assert_int_equal(resolved(h), before);
}

static void
any_gets_one_small_record(void **state)
{
	struct house *h = *state;
	struct asking q = plain("a.example.");
	struct message m;

	q.type = TYPE_ANY;
	ask(h, &q, &m);
	assert_int_equal(m.counts[SECTION_ANSWER], 1);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->type, TYPE_HINFO);
}

static void
some_packets_get_no_answer(void **state)
{
	struct house *h = *state;
	struct asking q = plain("a.example.");
	struct front_counts before = counts(h);
	uint8_t buf[512];
	size_t len;

	q.flags |= FLAG_QR;
	len = question(&q, buf);
	assert_int_equal(send_bytes(h, buf, len, true), 0);
	assert_int_equal(send_bytes(h, buf, 11, true), 0);
	assert_int_equal(send_bytes(h, buf, 0, true), 0);
	assert_true(counts(h).dropped - before.dropped >= 2);
}

/* Whatever the octets: an answer fits, and is a message, or there is none. */
static void
garbage_gets_small_and_sound_answers(void **state)
{
	struct house *h = *state;
	struct rng *r = rng_new_seeded(7);
	struct asking q = plain("www.example.");
	int i;

	q.udp_size = 4096;
	for (i = 0; i < 300; i++) {
		uint8_t buf[512];
		size_t len = question(&q, buf), got, n = rng_below(r, 6);
		struct message m;

		for (; n > 0; n--)
			buf[rng_below(r, (uint32_t)len)] = (uint8_t)rng_u32(r);
		buf[2] &= 0x7f;
		buf[12] = buf[12] == 4 ? 3 : buf[12];
		len -= rng_below(r, 3);
		got = send_bytes(h, buf, len, true);
		assert_true(got <= 1232);
		if (got == 0)
			continue;
		arena_reset(h->arena);
		assert_int_equal(message_read(h->arena, h->reply, got, &m),
		    ERR_OK);
	}
	rng_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_is_resolved_and_then_a_hit),
		cmocka_unit_test(questions_find_their_owner_on_another_worker),
		cmocka_unit_test(failures_say_why),
		cmocka_unit_test(what_does_not_fit_leaves_with_tc),
		cmocka_unit_test(streams_carry_the_long_answers),
		cmocka_unit_test(local_names_never_reach_the_resolver),
		cmocka_unit_test(odd_questions_are_told_so),
		cmocka_unit_test(any_gets_one_small_record),
		cmocka_unit_test(some_packets_get_no_answer),
		cmocka_unit_test(garbage_gets_small_and_sound_answers),
		cmocka_unit_test(a_question_sent_again_is_answered_once),
	};

	return cmocka_run_group_tests_name("front", tests, house_open,
	    house_close);
}
