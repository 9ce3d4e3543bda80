/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that come and go at random, small and large, in a cache that is full:
 * what it says is what was put last, or nothing, and its invariants hold. */
#include "records_support.h"

#define NAMES 20000u
#define STEPS 80000u
#define ROOM  3000u

struct churn {
	struct fixture *f;
	struct rng *rng;
	uint64_t now;
	uint32_t latest[NAMES]; /* what was put under a name last; 0: nothing */
	unsigned long found, refused;
};

static void
name_of(unsigned i, struct one_a *o, uint32_t value)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "n%u.%s.test", i,
	    i % 2 == 0 ? "even" : "odd");
	one_a(o, text, value, 1 + i % 3600);
}

/* One in sixteen is large, so that room for it is made of many others. */
static void
churn_put(struct churn *c, unsigned i, uint32_t value)
{
	static uint8_t octets[ROOM];
	struct one_a o;
	struct record r;
	enum err e;

	name_of(i, &o, value);
	memcpy(octets, &value, sizeof(value));
	o.rdata.bytes = octets;
	o.rdata.len = (uint16_t)(rng_below(c->rng, 16) == 0
				     ? 4 + rng_below(c->rng, ROOM - 4)
				     : 4);
	r = record_of(&o, c->now);
	e = records_put(c->f->c, &r, c->now);
	assert_true(e == ERR_OK || e == ERR_LIMIT);
	c->refused += e == ERR_LIMIT;
	if (e == ERR_OK)
		c->latest[i] = value;
}

static void
churn_get(struct churn *c, unsigned i)
{
	struct one_a o;
	struct record got;
	uint32_t value;

	name_of(i, &o, 0);
	arena_reset(c->f->a);
	if (!records_get(c->f->c, o.owner.wire, TYPE_A, c->now, c->f->a, &got))
		return;
	memcpy(&value, got.sets[0]->rdata[0].bytes, sizeof(value));
	assert_int_not_equal(value, 0);
	assert_int_equal(value, c->latest[i]);
	c->found++;
}

static void
churn_end(struct churn *c, unsigned i)
{
	struct one_a o;
	struct record r;

	name_of(i, &o, 1);
	r = record_of(&o, c->now);
	records_supersede(c->f->c, &r);
	c->latest[i] = 0;
}

static void
churn_flush(struct churn *c)
{
	struct name zone;

	assert_int_equal(name_parse("odd.test", &zone), ERR_OK);
	(void)cache_flush(c->f->c, FLUSH_ZONE, zone.wire, 0);
	for (unsigned i = 1; i < NAMES; i += 2)
		c->latest[i] = 0;
}

static void
what_comes_and_goes_at_random_stays_in_order(void **state)
{
	static struct churn c;
	struct cache_counts n;

	c = (struct churn){ .f = *state, .rng = rng_new_seeded(7), .now = NOW };
	assert_non_null(c.rng);
	for (uint32_t step = 1; step <= STEPS; step++) {
		churn_put(&c, rng_below(c.rng, NAMES), step);
		churn_get(&c, rng_below(c.rng, NAMES));
		if (rng_below(c.rng, 8) == 0)
			churn_end(&c, rng_below(c.rng, NAMES));
		if (step % 20000 == 0)
			churn_flush(&c);
		if (step % 100 == 0)
			sleep_ms(2); /* what was evicted is freed meanwhile */
		if (step % 500 != 0)
			continue;
		c.now += 1000;
		cache_check(c.f->c);
	}
	cache_count(c.f->c, &n);
	assert_true(n.evictions > STEPS / 10);
	assert_true(c.found > STEPS / 10);
	assert_true(c.refused < STEPS / 2);
	assert_int_equal(cache_flush(c.f->c, FLUSH_ALL, NULL, 0), n.records);
	cache_count(c.f->c, &n);
	assert_int_equal(n.records, 0);
	rng_free(c.rng);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_comes_and_goes_at_random_stays_in_order),
	};

	return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}
