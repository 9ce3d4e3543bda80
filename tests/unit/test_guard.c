/* SPDX-License-Identifier: BSD-3-Clause */
/* test_guard.c - cookies and letter case, against a server made of memory. */
#include "support.h"

#include <string.h>

#include <hither/upstream.h>

#include "../../src/upstream/manners.h"

static const uint8_t qname[] = "\3www\7example\3org";

struct world {
	struct timers *timers;
	struct rng *rng;
	struct servers *servers;
	struct upstream *up;
	struct arena *arena;
	uint64_t now_us;
	void *user;
	uint8_t sent[512];
	size_t sent_len;
	struct query asked; /* what was sent, read */
	struct addr to;
};

static enum err
fake_send(void *self, const struct wire_send *s, uint32_t *flow)
{
	struct world *w = self;

	memcpy(w->sent, s->bytes, s->len);
	w->sent_len = s->len;
	w->user = s->user;
	assert_int_equal(query_read(w->sent, w->sent_len, &w->asked), QUERY_OK);
	*flow = 1;
	return ERR_OK;
}

static void
fake_close(void *self, uint32_t flow, bool answered)
{
	(void)self;
	(void)flow;
	(void)answered;
}

static uint64_t
fake_now(void *self)
{
	return ((struct world *)self)->now_us;
}

static const struct wire_ops fake_ops = { .send = fake_send,
	.close = fake_close,
	.now_us = fake_now,
	.ttl_now_ms = fake_now };

static int
start(void **state)
{
	static struct world w;
	struct servers_opts so = { .max_entries = 100,
		.budget_permille = 1000 };
	struct upstream_opts o = { .wire = &fake_ops,
		.wire_self = &w,
		.exchanges_max = 8,
		.cookies = true,
		.udp_size = 1400 };

	w = (struct world){ .now_us = 1000000 };
	o.timers = w.timers = timers_new();
	o.rng = w.rng = rng_new_seeded(7);
	o.servers = w.servers = servers_new(&so);
	w.up = upstream_new(&o);
	*state = &w;
	return w.up == NULL || addr_parse("192.0.2.1", 53, &w.to) != ERR_OK;
}

static int
stop(void **state)
{
	struct world *w = *state;

	upstream_free(w->up);
	servers_free(w->servers);
	rng_free(w->rng);
	timers_free(w->timers);
	return 0;
}

static uint32_t
ask(struct world *w, bool tcp)
{
	const struct ask a = { .to = &w->to,
		.zone = qname + 4,
		.qname = qname,
		.owner = 1,
		.rto_us = 300000,
		.listen_us = 2000000,
		.qtype = TYPE_A,
		.tcp = tcp,
		.edns = true,
		.mix_case = true };
	enum err why;
	uint32_t id = upstream_ask(w->up, &a, &why);

	assert_int_not_equal(id, 0);
	return id;
}

/* The reply's OPT carries this cookie; len 0: none. */
static void
answer(struct world *w, const uint8_t *cookie, size_t len, bool folds)
{
	uint8_t buf[512];
	struct writer out;
	struct opt_out opt = { .ede = EDE_NONE,
		.udp_size = 1232,
		.cookie = len > 0 ? cookie : NULL,
		.cookie_len = len };
	struct name name;

	name_copy(&name, w->asked.qname.wire);
	if (folds)
		name_lower(&name, w->asked.qname.wire);
	writer_start(&out, buf, sizeof(buf), w->asked.id, FLAG_QR);
	writer_question(&out, name.wire, TYPE_A, CLASS_IN);
	assert_true(writer_opt(&out, &opt));
	upstream_events()->message(w->user, 1, buf, writer_finish(&out),
	    w->now_us + 1000);
}

/* Ours as it was sent, and the server's own behind it. */
static size_t
whole_cookie(const struct world *w, uint8_t *to)
{
	assert_true(w->asked.edns.cookie_len >= COOKIE_CLIENT_BYTES);
	memcpy(to, w->asked.edns.cookie, COOKIE_CLIENT_BYTES);
	memset(to + COOKIE_CLIENT_BYTES, 0x5a, 16);
	return COOKIE_CLIENT_BYTES + 16;
}

static enum exchange_state
state_of(struct world *w, uint32_t id)
{
	return upstream_look(w->up, id)->state;
}

static void
learn_cookie(struct world *w)
{
	uint8_t cookie[COOKIE_BYTES_MAX];
	uint32_t id = ask(w, false);

	assert_int_equal(w->asked.edns.cookie_len, COOKIE_CLIENT_BYTES);
	answer(w, cookie, whole_cookie(w, cookie), false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
	upstream_leave(w->up, id);
}

static void
the_servers_cookie_is_sent_back(void **state)
{
	struct world *w = *state;

	learn_cookie(w);
	assert_int_equal(w->asked.edns.udp_size, 1400);
	(void)ask(w, false);
	assert_int_equal(w->asked.edns.cookie_len, COOKIE_CLIENT_BYTES + 16);
	assert_int_equal(w->asked.edns.cookie[COOKIE_CLIENT_BYTES], 0x5a);
}

static void
a_reply_with_another_cookie_is_not_ours(void **state)
{
	struct world *w = *state;
	uint8_t cookie[COOKIE_BYTES_MAX];
	uint32_t id = ask(w, false);
	size_t len = whole_cookie(w, cookie);

	cookie[0] ^= 1;
	answer(w, cookie, len, false);
	assert_int_equal(state_of(w, id), EXCHANGE_WAITING);
	assert_int_equal(upstream_look(w->up, id)->mismatches, 1);
	cookie[0] ^= 1;
	answer(w, cookie, len, false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
}

/* Would a copy of a question for this address be withheld now? */
static bool
copies_are_withheld(struct world *w)
{
	const struct servers_set set = { .addresses = &w->to,
		.count = 1,
		.zone = name_root };
	struct servers_counts before, after;
	struct servers_choice c;

	servers_count(w->servers, &before);
	assert_int_equal(servers_choose(w->servers, &set, w->rng, w->now_us,
			     &c),
	    ERR_OK);
	servers_count(w->servers, &after);
	return after.decisions[HELD_COOKIE] > before.decisions[HELD_COOKIE];
}

static void
copies_are_withheld_while_its_cookies_fail(void **state)
{
	struct world *w = *state;
	uint8_t cookie[16];
	size_t len;
	uint32_t id;

	learn_cookie(w);
	assert_false(copies_are_withheld(w));
	id = ask(w, false);
	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_SUSPECT);
	assert_true(copies_are_withheld(w));
	w->now_us += 61 * (uint64_t)1000000;
	assert_false(copies_are_withheld(w));
	/* the right length, but not ours */
	(void)ask(w, false);
	len = sizeof(cookie);
	memset(cookie, 7, len);
	answer(w, cookie, len, false);
	assert_true(copies_are_withheld(w));
}

static void
a_server_that_folds_the_case_keeps_its_copies(void **state)
{
	struct world *w = *state;
	uint32_t id = ask(w, false);

	answer(w, NULL, 0, true);
	assert_int_equal(state_of(w, id), EXCHANGE_SUSPECT);
	assert_false(copies_are_withheld(w));
}

static void
a_reply_without_the_cookie_it_used_to_have_is_asked_for_by_tcp(void **state)
{
	struct world *w = *state;
	uint32_t id;

	learn_cookie(w);
	id = ask(w, false);
	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_SUSPECT);
	/* by TCP it is believed, and remembered */
	id = ask(w, true);
	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
	id = ask(w, false);
	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
}

static void
a_server_without_cookies_is_believed(void **state)
{
	struct world *w = *state;
	uint32_t id = ask(w, false);

	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
}

static void
who_gives_cookies_now_and_then_is_not_held_to_them(void **state)
{
	struct world *w = *state;
	uint32_t id;

	for (int i = 0; i < 3; i++) {
		learn_cookie(w);
		id = ask(w, true);
		answer(w, NULL, 0, false);
		upstream_leave(w->up, id);
	}
	learn_cookie(w);
	id = ask(w, false);
	answer(w, NULL, 0, false);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
}

static void
a_server_that_folds_the_case_is_found_out_by_tcp_only(void **state)
{
	struct world *w = *state;
	uint32_t id = ask(w, false);

	assert_false(name_same_case(w->asked.qname.wire, qname));
	answer(w, NULL, 0, true);
	assert_int_equal(state_of(w, id), EXCHANGE_SUSPECT);
	id = ask(w, true);
	answer(w, NULL, 0, true);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
	/* nothing is mixed for it any more, until an hour has passed */
	id = ask(w, false);
	assert_true(name_same_case(w->asked.qname.wire, qname));
	answer(w, NULL, 0, true);
	assert_int_equal(state_of(w, id), EXCHANGE_ANSWERED);
	w->now_us += 3601 * (uint64_t)1000000;
	(void)ask(w, false);
	assert_false(name_same_case(w->asked.qname.wire, qname));
}

static void
addresses_have_cookies_of_their_own_and_new_ones_every_day(void **state)
{
	struct world *w = *state;
	struct manners *m = manners_new(w->rng);
	struct manner one, other;
	struct addr b = w->to;

	assert_non_null(m);
	b.ip[3] ^= 1;
	manners_look(m, &w->to, 1, 1, &one);
	manners_look(m, &b, 2, 1, &other);
	assert_memory_not_equal(one.cookie, other.cookie, COOKIE_CLIENT_BYTES);
	manners_look(m, &w->to, 1, 86400000000, &other);
	assert_memory_equal(one.cookie, other.cookie, COOKIE_CLIENT_BYTES);
	manners_look(m, &w->to, 1, 86400000002, &other);
	assert_memory_not_equal(one.cookie, other.cookie, COOKIE_CLIENT_BYTES);
	manners_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_servers_cookie_is_sent_back),
		TEST(copies_are_withheld_while_its_cookies_fail),
		TEST(a_server_that_folds_the_case_keeps_its_copies),
		TEST(a_reply_with_another_cookie_is_not_ours),
		TEST(
		    a_reply_without_the_cookie_it_used_to_have_is_asked_for_by_tcp),
		TEST(a_server_without_cookies_is_believed),
		TEST(who_gives_cookies_now_and_then_is_not_held_to_them),
		TEST(a_server_that_folds_the_case_is_found_out_by_tcp_only),
		TEST(
		    addresses_have_cookies_of_their_own_and_new_ones_every_day),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
