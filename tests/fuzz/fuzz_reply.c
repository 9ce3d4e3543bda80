/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_reply.c - any records in the replies of a hostile server, all the way:
 * matched, scrubbed, classified, stored, followed, answered.
 *
 * The input is a row of replies, each: its length (2 octets), flags (AA, TC),
 * rcode, the three counts, then the octets behind the question, which is
 * copied, so that 0xc00c is the name asked for. What is asked next, in
 * whatever direction the replies lead, gets the next one; then silence.
 * In all of it only one server is asked, for one zone: nothing outside that
 * zone may be in the cache afterwards, however it was told.
 */
#include <stdlib.h>
#include <string.h>

#include <hither/resolve.h>

#define FLOWS_MAX   64u
#define REPLY_BYTES 4096u
#define REPLY_HEAD  7u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct flow {
	void *user; /* NULL: closed */
	uint8_t query[512];
	size_t query_len;
	bool answered;
};

struct world {
	struct flow flows[FLOWS_MAX];
	size_t count;
	uint64_t now_us;
	const uint8_t *left;
	size_t left_len;
	bool strayed; /* somebody else was asked as well */
	bool done;
};

static const uint8_t zone[] = "\5mouse\7example";
static const uint8_t asked[] = "\3www\5mouse\7example";
static const uint8_t victim[] = "\3www\6victim\3org";

/* --- the seam ------------------------------------------------------------ */

static enum err
on_send(void *self, const struct wire_send *s, uint32_t *flow)
{
	struct world *w = self;
	struct flow *f = &w->flows[w->count];
	struct addr server;

	if (w->count == FLOWS_MAX || s->len > sizeof(f->query))
		return ERR_LIMIT;
	if (addr_parse("192.0.2.1", 53, &server) != ERR_OK ||
	    !addr_equal(&server, s->to))
		w->strayed = true;
	memcpy(f->query, s->bytes, s->len);
	f->query_len = s->len;
	f->user = s->user;
	f->answered = false;
	*flow = (uint32_t)++w->count;
	return ERR_OK;
}

static void
on_close(void *self, uint32_t flow, bool answered)
{
	(void)answered;
	((struct world *)self)->flows[flow - 1].user = NULL;
}

static uint64_t
on_now(void *self)
{
	return ((struct world *)self)->now_us;
}

static uint64_t
on_ttl_now(void *self)
{
	return ((struct world *)self)->now_us / 1000;
}

static const struct wire_ops ops = { .send = on_send,
	.close = on_close,
	.now_us = on_now,
	.ttl_now_ms = on_ttl_now };

/* --- replies ------------------------------------------------------------- */

/* The next of the row for this query; 0: the row is at its end. */
static size_t
next_reply(struct world *w, const struct flow *f, uint8_t *out)
{
	const uint8_t *b = w->left;
	struct query q;
	size_t n, body;

	if (w->left_len < REPLY_HEAD ||
	    query_read(f->query, f->query_len, &q) != QUERY_OK)
		return 0;
	body = (size_t)((unsigned)b[0] << 8 | b[1]);
	if (body > w->left_len - REPLY_HEAD)
		body = w->left_len - REPLY_HEAD;
	w->left += REPLY_HEAD + body;
	w->left_len -= REPLY_HEAD + body;
	n = q.question_end;
	if (n + body > REPLY_BYTES)
		return 0;
	memcpy(out, f->query, n);
	memcpy(out + n, b + REPLY_HEAD, body);
	out[2] = (uint8_t)(0x80 | (b[2] & 0x06) | (f->query[2] & 0x01));
	out[3] = b[3] & 0x0f;
	for (size_t i = 0; i < 3; i++) {
		out[6 + 2 * i] = 0;
		out[7 + 2 * i] = b[4 + i];
	}
	return n + body;
}

static bool
answer_one(struct world *w)
{
	uint8_t reply[REPLY_BYTES], *exact;
	size_t n;

	for (size_t i = 0; i < w->count; i++) {
		struct flow *f = &w->flows[i];

		if (f->user == NULL || f->answered)
			continue;
		f->answered = true;
		n = next_reply(w, f, reply);
		if (n == 0)
			continue;
		/* In a block of its size, so that reading past it is seen. */
		exact = malloc(n);
		if (exact == NULL)
			abort();
		memcpy(exact, reply, n);
		upstream_events()->message(f->user, (uint32_t)i + 1, exact, n,
		    w->now_us);
		free(exact);
		return true;
	}
	return false;
}

static void
on_done(void *user, const struct outcome *o)
{
	struct world *w = user;

	if (w->done || o->answer == NULL)
		abort();
	w->done = true;
}

/* --- one input ----------------------------------------------------------- */

static void
play(struct world *w, struct resolver *rs, struct timers *timers)
{
	struct resolver_question q = { .qname = asked, .qtype = TYPE_A };

	if (resolver_ask(rs, &q, on_done, w) == 0)
		abort();
	resolver_turn(rs);
	while (!w->done) {
		if (!answer_one(w)) {
			uint64_t next = timers_next(timers);

			if (next == UINT64_MAX)
				abort(); /* nobody would ever wake it */
			if (next > w->now_us)
				w->now_us = next;
			timers_run(timers, w->now_us);
		}
		resolver_turn(rs);
	}
}

static void
judge(const struct world *w, struct cache *cache)
{
	struct arena *a = arena_new(1u << 20);
	struct record r;
	uint64_t now = w->now_us / 1000;

	if (a == NULL)
		abort();
	if (!w->strayed &&
	    (records_get(cache, victim, TYPE_A, now, a, &r) ||
		records_get_delegation(cache, victim + 4, now, a, &r) ||
		records_get(cache, victim + 4, TYPE_NS, now, a, &r)))
		abort();
	cache_check(cache);
	arena_free(a);
}

static void
run(struct world *w, struct arena *arena)
{
	struct addr server;
	struct resolver_zone mouse = { .name = zone,
		.servers = &server,
		.server_count = 1 };
	struct resolver_opts o = { .wire = &ops,
		.wire_self = w,
		.timers = timers_new(),
		.rng = rng_new_seeded(1),
		.cache = cache_new(&(struct cache_opts){ 1u << 20, 1u << 20 }),
		.servers =
		    servers_new(&(struct servers_opts){ .max_entries = 100 }),
		.zones = &mouse,
		.zone_count = 1,
		.messages_max = 50,
		.bytes_max = 128 << 10,
		.time_max_ms = 6000,
		.aliases_max = 12,
		.depth_max = 6,
		.steps_max = 2000,
		.arena_max = 512 << 10,
		.tasks_max = 100,
		.ttl_max_s = 86400,
		.negative_ttl_max_s = 3600,
		.failure_first_s = 1,
		.failure_max_s = 300,
		.port = 53,
		.qmin = QMIN_RELAXED,
		.ip4 = true,
		.ip6 = true };
	struct rrset **hints;
	struct resolver *rs;

	if (addr_parse("192.0.2.1", 53, &server) != ERR_OK ||
	    hints_builtin(arena, &hints, &o.hint_count) != ERR_OK)
		abort();
	o.hints = hints;
	rs = resolver_new(&o);
	if (rs == NULL)
		abort();
	play(w, rs, o.timers);
	judge(w, o.cache);
	resolver_free(rs);
	servers_free(o.servers);
	cache_free(o.cache);
	rng_free(o.rng);
	timers_free(o.timers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));
	struct arena *arena = arena_new(1u << 20);

	if (w == NULL || arena == NULL)
		abort();
	w->now_us = 1000000000;
	w->left = bytes;
	w->left_len = len;
	cache_thread_start();
	run(w, arena);
	cache_thread_stop();
	arena_free(arena);
	free(w);
	return 0;
}
