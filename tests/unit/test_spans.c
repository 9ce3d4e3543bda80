/* SPDX-License-Identifier: BSD-3-Clause */
/* test_spans.c - gaps that were proven once deny again, and no more. */
#include "dnssec_support.h"

static const struct dnssec_policy policy = { .iterations_max = 50 };

struct bench {
	struct spans *spans;
	struct arena *a;
	struct dnssec_work work;
	struct span_answer out;
};

static void
bench_open(struct bench *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->spans = spans_new(8, max);
	b->a = arena_new(1024 * 1024);
	b->work.hashes_max = 64;
}

static void
bench_close(struct bench *b)
{
	spans_free(b->spans);
	arena_free(b->a);
}

static enum err
put(struct bench *b, const char *line, uint64_t expires_ms)
{
	const struct span_time when = { 0, expires_ms, 1 };

	return spans_put(b->spans, name_of(b->a, "test"),
	    rrset_parse(b->a, line), &when);
}

static bool
ask(struct bench *b, const char *name, uint16_t type, uint64_t now_ms)
{
	const struct span_question q = { .qname = name_of(b->a, name),
		.policy = &policy,
		.work = &b->work,
		.arena = b->a,
		.now_ms = now_ms,
		.generation = 1,
		.qtype = type,
		.wildcards = true };

	return spans_ask(b->spans, &q, &b->out);
}

static void
fill(struct bench *b)
{
	assert_int_equal(put(b, "test. 60 IN SOA a. b. 1 2 3 4 5", 900),
	    ERR_OK);
	assert_int_equal(put(b, "test. 60 IN NSEC b.test. NS SOA RRSIG NSEC",
			     1000),
	    ERR_OK);
	assert_int_equal(put(b, "b.test. 60 IN NSEC del.test. A RRSIG NSEC",
			     1000),
	    ERR_OK);
	assert_int_equal(put(b, "del.test. 60 IN NSEC z.test. NS RRSIG NSEC",
			     500),
	    ERR_OK);
}

static void
names_and_types_in_a_gap_are_denied(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 100);
	fill(&b);
	assert_true(ask(&b, "c.test", TYPE_A, 10));
	assert_true(b.out.no_such_name);
	assert_int_equal(b.out.count, 3); /* SOA, the gap, the wildcard's */
	assert_int_equal(b.out.sets[0]->type, TYPE_SOA);
	assert_int_equal(b.out.expires_ms, 900);
	assert_true(ask(&b, "b.test", TYPE_AAAA, 10));
	assert_false(b.out.no_such_name);
	assert_false(ask(&b, "b.test", TYPE_A, 10));
	assert_false(ask(&b, "zz.test", TYPE_A, 10));
	assert_false(ask(&b, "c.other", TYPE_A, 10));
	bench_close(&b);
}

static void
delegations_are_not_denied_but_their_ds_is(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 100);
	fill(&b);
	assert_false(ask(&b, "www.del.test", TYPE_A, 10));
	assert_false(ask(&b, "del.test", TYPE_A, 10));
	assert_true(ask(&b, "del.test", TYPE_DS, 10));
	assert_true(ask(&b, "e.test", TYPE_A, 499));
	assert_false(ask(&b, "e.test", TYPE_A, 500));
	bench_close(&b);
}

static void
what_speaks_of_other_zones_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 100);
	assert_int_equal(put(&b, "a.test. 60 IN NSEC a.zoo. A RRSIG NSEC",
			     1000),
	    ERR_RANGE);
	assert_int_equal(put(&b, "a.other. 60 IN NSEC z.test. A", 1000),
	    ERR_RANGE);
	assert_int_equal(put(&b, "a.test. 60 IN A 192.0.2.1", 1000), ERR_RANGE);
	assert_int_equal(spans_count(b.spans), 0);
	bench_close(&b);
}

static void
the_table_is_bounded_and_what_ended_makes_room(void **state)
{
	struct bench b;
	char line[80];

	(void)state;
	bench_open(&b, 4);
	for (unsigned i = 0; i < 6; i++) {
		const struct span_time when = { 100, i < 4 ? 50 : 200, 1 };

		(void)snprintf(line, sizeof(line),
		    "n%u.test. 60 IN NSEC n%u.test. A", i, i + 1);
		assert_int_equal(spans_put(b.spans, name_of(b.a, "test"),
				     rrset_parse(b.a, line), &when),
		    ERR_OK);
		assert_true(spans_count(b.spans) <= 4);
	}
	assert_int_equal(spans_count(b.spans), 2);
	bench_close(&b);
}

/* --- wildcards ---------------------------------------------------------- */

static enum err
put_wild(struct bench *b, const char *line)
{
	static const struct rdata sig = { (const uint8_t *)"", 0 };
	const struct span_time when = { 0, 800, 1 };
	struct rrset *set = rrset_parse(b->a, line);

	set->sigs = &sig;
	set->sig_count = 1;
	return spans_put_wildcard(b->spans, name_of(b->a, "test"), set,
	    name_parent(set->owner), &when);
}

static void
a_wildcard_answers_where_nothing_is_closer(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 100);
	assert_int_equal(put(&b, "b.test. 60 IN NSEC del.test. A RRSIG NSEC",
			     1000),
	    ERR_OK);
	assert_int_equal(put(&b, "del.test. 60 IN NSEC z.test. NS RRSIG NSEC",
			     1000),
	    ERR_OK);
	assert_int_equal(put_wild(&b, "c.test. 60 IN A 192.0.2.7"), ERR_OK);
	assert_int_equal(put_wild(&b, "c.test. 60 IN CNAME b.test."), ERR_OK);
	assert_true(ask(&b, "cc.test", TYPE_A, 10));
	assert_true(b.out.positive);
	assert_int_equal(b.out.count, 2); /* the set, the gap */
	assert_int_equal(b.out.sets[0]->type, TYPE_A);
	assert_true(name_equal(b.out.sets[0]->owner, name_of(b.a, "cc.test")));
	assert_int_equal(b.out.sets[0]->sig_count, 1);
	assert_int_equal(b.out.expires_ms, 800);
	assert_true(ask(&b, "x.cc.test", TYPE_A, 10));
	/* Any other type leads by the alias. */
	assert_true(ask(&b, "cc.test", TYPE_TXT, 10));
	assert_int_equal(b.out.sets[0]->type, TYPE_CNAME);
	/* Names that exist, lie below a cut, or in no known gap. */
	assert_false(ask(&b, "b.test", TYPE_A, 10));
	assert_false(ask(&b, "x.del.test", TYPE_A, 10));
	assert_false(ask(&b, "zz.test", TYPE_A, 10));
	bench_close(&b);
}

static void
a_wildcard_ends_with_its_ttl_and_for_who_wants_none(void **state)
{
	struct span_question q = { .policy = &policy, .generation = 1 };
	struct bench b;

	(void)state;
	bench_open(&b, 100);
	assert_int_equal(put(&b, "b.test. 60 IN NSEC d.test. A RRSIG NSEC",
			     1000),
	    ERR_OK);
	assert_int_equal(put_wild(&b, "c.test. 60 IN A 192.0.2.7"), ERR_OK);
	assert_int_equal(put_wild(&b, "c.test. 60 IN NS b.test."), ERR_RANGE);
	assert_int_equal(put_wild(&b, "c.test. 60 IN DNAME b."), ERR_RANGE);
	q.qname = name_of(b.a, "c.test");
	q.work = &b.work;
	q.arena = b.a;
	q.qtype = TYPE_A;
	assert_false(spans_ask(b.spans, &q, &b.out));
	assert_true(ask(&b, "c.test", TYPE_A, 799));
	assert_false(ask(&b, "c.test", TYPE_A, 800));
	bench_close(&b);
}

/* The gap holds every name but for its two ends. */
static bool
asks_nsec3(unsigned flags)
{
	struct bench b;
	char line[160];
	bool answered;

	bench_open(&b, 100);
	(void)snprintf(line, sizeof(line),
	    "00000000000000000000000000000000.test. 60 IN NSEC3 1 %u 0 - "
	    "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV A RRSIG",
	    flags);
	assert_int_equal(put(&b, line, 1000), ERR_OK);
	assert_int_equal(put_wild(&b, "c.test. 60 IN A 192.0.2.7"), ERR_OK);
	answered = ask(&b, "x.y.test", TYPE_A, 10);
	assert_true(!answered || b.out.positive);
	bench_close(&b);
	return answered;
}

static void
a_span_that_may_hide_delegations_makes_nothing(void **state)
{
	(void)state;
	assert_true(asks_nsec3(0));
	assert_false(asks_nsec3(1)); /* opt-out: RFC 8198 section 5.4 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_types_in_a_gap_are_denied),
		cmocka_unit_test(delegations_are_not_denied_but_their_ds_is),
		cmocka_unit_test(what_speaks_of_other_zones_is_refused),
		cmocka_unit_test(
		    the_table_is_bounded_and_what_ended_makes_room),
		cmocka_unit_test(a_wildcard_answers_where_nothing_is_closer),
		cmocka_unit_test(
		    a_wildcard_ends_with_its_ttl_and_for_who_wants_none),
		cmocka_unit_test(
		    a_span_that_may_hide_delegations_makes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
