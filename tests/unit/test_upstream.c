/* SPDX-License-Identifier: BSD-3-Clause */
/* test_upstream.c - the life of an exchange, on a network made of memory. */
#include "support.h"

#include <string.h>

#include <hither/upstream.h>

#define FLOWS 64u

static const uint8_t zone[] = "\7example\3org";
static const uint8_t qname[] = "\3www\7example\3org";

/* What the network saw last, and the flows that are open. */
struct world {
	struct timers *timers;
	struct rng *rng;
	struct servers *servers;
	struct upstream *up;
	uint64_t now_us;
	void *users[FLOWS];
	uint8_t sent[512];
	size_t sent_len, open;
	uint32_t flow;
	enum err refuse;
	uint64_t changed_owner;
	uint32_t changed, changes;
	struct addr to;
};

static enum err
fake_send(void *self, const struct wire_send *s, uint32_t *flow)
{
	struct world *w = self;

	if (w->refuse != ERR_OK)
		return w->refuse;
	assert_true(s->len <= sizeof(w->sent));
	memcpy(w->sent, s->bytes, s->len);
	w->sent_len = s->len;
	*flow = ++w->flow;
	assert_true(*flow < FLOWS);
	w->users[*flow] = s->user;
	w->open++;
	return ERR_OK;
}

static void
fake_close(void *self, uint32_t flow, bool answered)
{
	struct world *w = self;

	(void)answered;
	assert_non_null(w->users[flow]);
	w->users[flow] = NULL;
	w->open--;
}

static uint64_t
fake_now(void *self)
{
	return ((struct world *)self)->now_us;
}

static uint64_t
fake_ttl_now(void *self)
{
	return ((struct world *)self)->now_us / 1000;
}

static uint64_t
fake_real_now(void *self)
{
	return ((struct world *)self)->now_us / 1000000;
}

static const struct wire_ops fake_ops = { .send = fake_send,
	.close = fake_close,
	.now_us = fake_now,
	.ttl_now_ms = fake_ttl_now,
	.real_now_s = fake_real_now };

static void
on_change(void *user, uint64_t owner, uint32_t exchange)
{
	struct world *w = user;

	w->changed_owner = owner;
	w->changed = exchange;
	w->changes++;
}

static int judge_verdict = -1;
static int judge_calls;

static int
judge(const uint8_t *z, const uint8_t *q, uint16_t qtype, const uint8_t *bytes,
    size_t len)
{
	assert_true(name_equal(z, zone));
	assert_true(name_equal(q, qname));
	assert_int_equal(qtype, TYPE_A);
	assert_non_null(bytes);
	assert_true(len >= HEADER_BYTES);
	judge_calls++;
	return judge_verdict;
}

static void
setup(struct world *w, size_t exchanges)
{
	struct servers_opts so = { .max_entries = 100 };
	struct upstream_opts o = { .wire = &fake_ops,
		.wire_self = w,
		.exchanges_max = exchanges,
		.on_change = on_change,
		.user = w,
		.judge = judge };

	*w = (struct world){ .now_us = 1000000 };
	judge_verdict = -1;
	judge_calls = 0;
	o.timers = w->timers = timers_new();
	o.rng = w->rng = rng_new_seeded(7);
	o.servers = w->servers = servers_new(&so);
	w->up = upstream_new(&o);
	assert_non_null(w->up);
	assert_int_equal(addr_parse("192.0.2.1", 53, &w->to), ERR_OK);
}

static void
teardown(struct world *w)
{
	upstream_free(w->up);
	assert_int_equal(w->open, 0);
	assert_true(timers_next(w->timers) == UINT64_MAX);
	servers_free(w->servers);
	rng_free(w->rng);
	timers_free(w->timers);
}

static struct ask
plain(const struct world *w)
{
	return (struct ask){ .to = &w->to,
		.zone = zone,
		.qname = qname,
		.owner = 77,
		.rto_us = 300000,
		.listen_us = 2000000,
		.qtype = TYPE_A,
		.edns = true,
		.ask_nsid = true };
}

static uint32_t
ask(struct world *w, const struct ask *a)
{
	enum err why = ERR_SYSTEM;
	uint32_t id = upstream_ask(w->up, a, &why);

	assert_int_not_equal(id, 0);
	assert_int_equal(why, ERR_OK);
	return id;
}

static enum exchange_state
state_of(struct world *w, uint32_t id)
{
	const struct exchange *x = upstream_look(w->up, id);

	assert_non_null(x);
	return x->state;
}

static void
pass(struct world *w, uint64_t us)
{
	w->now_us += us;
	timers_run(w->timers, w->now_us);
}

/* What was sent, with QR: the least reply; delivered on a flow. */
static void
deliver(struct world *w, uint32_t flow, size_t flip_at, uint8_t flip)
{
	uint8_t reply[512];

	memcpy(reply, w->sent, w->sent_len);
	reply[2] |= 0x80;
	reply[flip_at] ^= flip;
	upstream_events()->message(w->users[flow], flow, reply, w->sent_len,
	    w->now_us);
}

static struct server_view
view(struct world *w)
{
	struct server_view v = { .queries = 0 };

	(void)servers_look(w->servers, &w->to, zone, w->now_us, &v);
	return v;
}

static void
a_reply_is_kept_until_it_is_left(void **state)
{
	struct world w;
	struct ask a;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	pass(&w, 40000);
	deliver(&w, 1, 0, 0);
	assert_int_equal(state_of(&w, id), EXCHANGE_ANSWERED);
	assert_int_equal(upstream_look(w.up, id)->rtt_us, 40000);
	assert_int_equal(upstream_look(w.up, id)->len, w.sent_len);
	assert_int_equal(w.open, 0);
	assert_int_equal(w.changed_owner, 77);
	assert_int_equal(w.changed, id);
	assert_int_equal(view(&w).state, SERVER_GOOD);
	upstream_leave(w.up, id);
	assert_null(upstream_look(w.up, id));
	teardown(&w);
}

static void
a_reply_past_the_rto_still_counts(void **state)
{
	struct world w;
	struct ask a;
	struct upstream_counts c;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	pass(&w, 300000);
	assert_int_equal(state_of(&w, id), EXCHANGE_LATE);
	assert_int_equal(view(&w).silences, 1);
	pass(&w, 500000);
	deliver(&w, 1, 0, 0);
	assert_int_equal(state_of(&w, id), EXCHANGE_ANSWERED);
	assert_int_equal(upstream_look(w.up, id)->rtt_us, 800000);
	upstream_count(w.up, &c);
	assert_int_equal(c.late_answers, 1);
	teardown(&w);
}

static void
silence_is_counted_once_and_ends(void **state)
{
	struct world w;
	struct ask a;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	pass(&w, 300000);
	pass(&w, 1700000);
	assert_int_equal(state_of(&w, id), EXCHANGE_SILENT);
	assert_int_equal(view(&w).silences, 1);
	assert_int_equal(w.changes, 2);
	teardown(&w);
}

static void
one_that_was_left_goes_on_and_teaches(void **state)
{
	struct world w;
	struct ask a;
	struct upstream_counts c;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	upstream_leave(w.up, id);
	judge_verdict = FAULT_LAME;
	deliver(&w, 1, 0, 0);
	assert_int_equal(judge_calls, 1);
	assert_true(view(&w).lame);
	assert_int_equal(view(&w).state, SERVER_GOOD);
	assert_int_equal(w.changes, 0);
	upstream_count(w.up, &c);
	assert_int_equal(c.open, 0);
	teardown(&w);
}

static void
one_that_nobody_owns_frees_itself(void **state)
{
	struct world w;
	struct ask a;
	struct upstream_counts c;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	a.shadow = true;
	a.owner = 0;
	ask(&w, &a);
	pass(&w, 300000);
	pass(&w, 2000000);
	upstream_count(w.up, &c);
	assert_int_equal(c.open, 0);
	assert_int_equal(c.sent_shadow, 1);
	assert_int_equal(w.changes, 0);
	teardown(&w);
}

static void
forgeries_are_ignored_and_then_suspect(void **state)
{
	struct world w;
	struct ask a;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	for (unsigned i = 0; i < EXCHANGE_MISMATCHES_MAX; i++)
		deliver(&w, 1, 1, (uint8_t)(i + 1));
	assert_int_equal(state_of(&w, id), EXCHANGE_WAITING);
	deliver(&w, 1, 1, 0xff);
	assert_int_equal(state_of(&w, id), EXCHANGE_SUSPECT);
	assert_int_equal(w.open, 0);
	assert_int_not_equal(view(&w).state, SERVER_GOOD);
	teardown(&w);
}

static void
the_true_reply_wins_after_forgeries(void **state)
{
	struct world w;
	struct ask a;
	uint32_t id;

	(void)state;
	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	deliver(&w, 1, 0, 0x55);
	deliver(&w, 1, 2, 0x80);
	deliver(&w, 1, 0, 0);
	assert_int_equal(state_of(&w, id), EXCHANGE_ANSWERED);
	assert_int_equal(upstream_look(w.up, id)->mismatches, 2);
	teardown(&w);
}

static void
letters_are_mixed_and_checked_by_udp_only(void **state)
{
	struct world w;
	struct ask a;
	uint32_t id;
	unsigned mixed = 0;

	(void)state;
	setup(&w, 40);
	a = plain(&w);
	a.mix_case = true;
	for (int i = 0; i < 20; i++) {
		ask(&w, &a);
		mixed += memcmp(w.sent + 12, qname, sizeof(qname)) != 0;
		assert_true(name_equal(w.sent + 12, qname));
	}
	assert_true(mixed > 15);
	id = ask(&w, &a);
	deliver(&w, w.flow, 13, 0x20);
	assert_int_equal(state_of(&w, id), EXCHANGE_SUSPECT);
	a.tcp = true;
	id = ask(&w, &a);
	deliver(&w, w.flow, 13, 0x20);
	assert_int_equal(state_of(&w, id), EXCHANGE_ANSWERED);
	teardown(&w);
}

static void
break_by(enum err why, unsigned silences)
{
	struct world w;
	struct ask a;
	uint32_t id;

	setup(&w, 4);
	a = plain(&w);
	id = ask(&w, &a);
	upstream_events()->broken(w.users[1], 1, why);
	assert_int_equal(state_of(&w, id), EXCHANGE_BROKEN);
	assert_int_equal(upstream_look(w.up, id)->why, why);
	assert_int_equal(view(&w).silences, silences);
	assert_int_equal(w.open, 0);
	teardown(&w);
}

static void
a_broken_flow_says_why(void **state)
{
	(void)state;
	break_by(ERR_UNREACHABLE, 1);
	break_by(ERR_LIMIT, 0); /* it was we who had no room */
}

static void
a_full_table_refuses_and_recovers(void **state)
{
	struct world w;
	struct ask a;
	enum err why;
	uint32_t first, second;

	(void)state;
	setup(&w, 2);
	a = plain(&w);
	first = ask(&w, &a);
	second = ask(&w, &a);
	assert_int_equal(upstream_ask(w.up, &a, &why), 0);
	assert_int_equal(why, ERR_LIMIT);
	deliver(&w, 2, 0, 0);
	upstream_leave(w.up, second);
	assert_int_not_equal(ask(&w, &a), second);
	assert_null(upstream_look(w.up, second));
	assert_non_null(upstream_look(w.up, first));
	teardown(&w);
}

static void
a_failed_send_leaves_nothing(void **state)
{
	struct world w;
	struct ask a;
	struct upstream_counts c;
	enum err why;

	(void)state;
	setup(&w, 2);
	a = plain(&w);
	w.refuse = ERR_UNREACHABLE;
	assert_int_equal(upstream_ask(w.up, &a, &why), 0);
	assert_int_equal(why, ERR_UNREACHABLE);
	upstream_count(w.up, &c);
	assert_int_equal(c.open, 0);
	assert_int_equal(c.sent_udp, 0);
	teardown(&w);
}

static void
out_of_memory_is_an_answer_too(void **state)
{
	struct world w;
	struct ask a;
	enum err why;
	uint32_t id;

	(void)state;
	setup(&w, 2);
	a = plain(&w);
	memory_fail_at(1);
	assert_int_equal(upstream_ask(w.up, &a, &why), 0);
	memory_fail_at(0);
	assert_int_equal(why, ERR_MEMORY);
	id = ask(&w, &a);
	(void)view(&w);
	deliver(&w, 1, 0, 0);
	assert_int_equal(state_of(&w, id), EXCHANGE_ANSWERED);
	teardown(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_is_kept_until_it_is_left),
		cmocka_unit_test(a_reply_past_the_rto_still_counts),
		cmocka_unit_test(silence_is_counted_once_and_ends),
		cmocka_unit_test(one_that_was_left_goes_on_and_teaches),
		cmocka_unit_test(one_that_nobody_owns_frees_itself),
		cmocka_unit_test(forgeries_are_ignored_and_then_suspect),
		cmocka_unit_test(the_true_reply_wins_after_forgeries),
		cmocka_unit_test(letters_are_mixed_and_checked_by_udp_only),
		cmocka_unit_test(a_broken_flow_says_why),
		cmocka_unit_test(a_full_table_refuses_and_recovers),
		cmocka_unit_test(a_failed_send_leaves_nothing),
		cmocka_unit_test(out_of_memory_is_an_answer_too),
	};

	return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
