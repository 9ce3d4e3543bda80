/* SPDX-License-Identifier: BSD-3-Clause */
/* How often something may happen for a key, in memory that never grows. */
#include "support.h"

#include <pthread.h>

#include <hither/base.h>

#define SECOND_US UINT64_C(1000000)

static const struct throttle_rate ten = { .per_second = 10, .burst = 20 };

/* How many of `n` events at this time pass. */
static unsigned
passed(struct throttle *t, const struct throttle_rate *r, uint64_t key,
    uint64_t now_us, unsigned n)
{
	unsigned yes = 0;

	while (n-- > 0)
		yes += throttle_take(t, r, key, now_us);
	return yes;
}

static void
a_burst_passes_and_then_the_rate(void **state)
{
	struct throttle *t = throttle_new(1000);
	uint64_t key = throttle_key(t, "a", 1), now = 5 * SECOND_US;

	(void)state;
	assert_int_equal(passed(t, &ten, key, now, 100), 20);
	assert_int_equal(passed(t, &ten, key, now + SECOND_US / 2, 100), 5);
	/* Having asked in vain costs nothing. */
	assert_int_equal(passed(t, &ten, key, now + SECOND_US, 100), 5);
	assert_int_equal(passed(t, &ten, key, now + 60 * SECOND_US, 100), 20);
	throttle_free(t);
}

static void
keys_do_not_pay_for_each_other(void **state)
{
	struct throttle *t = throttle_new(4096);
	unsigned strangers = 0;

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		strangers += passed(t, &ten, throttle_key(t, &i, sizeof(i)),
				 SECOND_US, 20) == 20;
	/* Some share a line's word by chance: one in 8192. */
	assert_true(strangers >= 495);
	throttle_free(t);
}

static void
no_rate_is_no_bound(void **state)
{
	struct throttle *t = throttle_new(8);
	const struct throttle_rate none = { 0, 0 };

	(void)state;
	assert_int_equal(passed(t, &none, 1, 0, 1000), 1000);
	throttle_free(t);
}

static void
a_flood_of_keys_makes_room_for_itself_only(void **state)
{
	struct throttle *t = throttle_new(64);
	uint64_t key = throttle_key(t, "busy", 4);
	unsigned passes = 0;

	(void)state;
	/* Busy is far ahead of now; the flood is not, and takes other words. */
	assert_int_equal(passed(t, &ten, key, SECOND_US, 20), 20);
	for (uint32_t i = 0; i < 10000; i++)
		passes += throttle_take(t, &ten, throttle_key(t, &i, sizeof(i)),
		    SECOND_US);
	assert_true(passes > 9000);
	assert_int_equal(passed(t, &ten, key, SECOND_US, 5), 0);
	throttle_free(t);
}

struct crowd {
	struct throttle *throttle;
	uint64_t key;
	unsigned passes;
};

static void *
rush(void *user)
{
	struct crowd *c = user;

	c->passes = passed(c->throttle, &ten, c->key, SECOND_US, 10000);
	return NULL;
}

static void
threads_share_one_rate(void **state)
{
	struct throttle *t = throttle_new(64);
	struct crowd crowds[4];
	pthread_t threads[4];
	unsigned passes = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){ t, throttle_key(t, "x", 1), 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, rush,
				     &crowds[i]),
		    0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		passes += crowds[i].passes;
	}
	assert_int_equal(passes, 20);
	throttle_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_passes_and_then_the_rate),
		cmocka_unit_test(keys_do_not_pay_for_each_other),
		cmocka_unit_test(no_rate_is_no_bound),
		cmocka_unit_test(a_flood_of_keys_makes_room_for_itself_only),
		cmocka_unit_test(threads_share_one_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
