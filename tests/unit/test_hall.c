/* SPDX-License-Identifier: BSD-3-Clause */
/* Errands between workers. */
#include "support.h"

#include <pthread.h>

#include "../../src/front/hall.h"

#define GIVERS 4u
#define EACH   2000u

struct giver {
	struct exchange_hall *hall;
	pthread_t thread;
	uint32_t number;
	uint32_t given;
};

static struct errand *
errand(uint32_t slot, bool answered)
{
	struct errand *e = memory_new(sizeof(*e));

	assert_non_null(e);
	e->slot = slot;
	e->answered = answered;
	return e;
}

static void
errands_arrive_in_order_and_all_at_once(void **state)
{
	struct exchange_hall *h = hall_new(2);
	struct loop *l = loop_new();
	struct errand *e, *next;
	uint32_t i;

	(void)state;
	assert_int_equal(hall_workers(h), 2);
	hall_enter(h, 1, l);
	for (i = 1; i <= 3; i++)
		assert_true(hall_give(h, 1, errand(i, false)));
	e = hall_take(h, 1);
	for (i = 1; i <= 3; i++, e = next) {
		assert_int_equal(e->slot, i);
		next = e->next;
		errand_free(e);
	}
	assert_null(e);
	assert_null(hall_take(h, 1));
	hall_leave(h, 1);
	hall_free(h);
	loop_free(l);
}

static void
questions_are_bounded_and_answers_are_not_lost(void **state)
{
	struct exchange_hall *h = hall_new(1);
	struct loop *l = loop_new();
	struct errand *e = errand(1, false);
	uint32_t i;

	(void)state;
	hall_enter(h, 0, l);
	for (i = 0; i < HALL_QUESTIONS_MAX; i++)
		assert_true(hall_give(h, 0, errand(1, false)));
	assert_false(hall_give(h, 0, e));
	e->answered = true;
	assert_true(hall_give(h, 0, e));
	hall_leave(h, 0);
	hall_free(h);
	loop_free(l);
}

static void
nobody_takes_errands_for_an_absent_worker(void **state)
{
	struct exchange_hall *h = hall_new(1);
	struct loop *l = loop_new();
	struct errand *e = errand(1, true);

	(void)state;
	assert_false(hall_give(h, 0, e));
	hall_enter(h, 0, l);
	hall_leave(h, 0);
	assert_false(hall_give(h, 0, e));
	errand_free(e);
	hall_free(h);
	loop_free(l);
}

static void *
give_many(void *user)
{
	struct giver *g = user;
	uint32_t i;

	for (i = 0; i < EACH; i++) {
		struct errand *e = memory_new(sizeof(*e));

		if (e == NULL)
			break;
		e->asker = g->number;
		e->slot = i;
		if (hall_give(g->hall, 0, e))
			g->given++;
		else
			errand_free(e);
	}
	return NULL;
}

/* Takes until `total` arrived; each giver's errands are in its order. */
static void
take_all(struct exchange_hall *h, uint32_t total)
{
	uint32_t last[GIVERS] = { 0 }, got = 0;

	while (got < total) {
		struct errand *e = hall_take(h, 0);

		while (e != NULL) {
			struct errand *next = e->next;

			assert_true(e->slot == 0 || e->slot > last[e->asker]);
			last[e->asker] = e->slot;
			got++;
			errand_free(e);
			e = next;
		}
	}
	assert_null(hall_take(h, 0));
}

static void
many_may_give_while_one_takes(void **state)
{
	struct exchange_hall *h = hall_new(1);
	struct giver givers[GIVERS] = { { .hall = h } };
	struct loop *l = loop_new();
	uint32_t i;

	(void)state;
	hall_enter(h, 0, l);
	for (i = 0; i < GIVERS; i++) {
		givers[i] = (struct giver){ .hall = h, .number = i };
		assert_int_equal(pthread_create(&givers[i].thread, NULL,
				     give_many, &givers[i]),
		    0);
	}
	take_all(h, GIVERS * EACH);
	for (i = 0; i < GIVERS; i++) {
		assert_int_equal(pthread_join(givers[i].thread, NULL), 0);
		assert_int_equal(givers[i].given, EACH);
	}
	hall_leave(h, 0);
	hall_free(h);
	loop_free(l);
}

static void
a_hall_has_a_sensible_number_of_workers(void **state)
{
	(void)state;
	assert_null(hall_new(0));
	assert_null(hall_new(FRONT_WORKERS_MAX + 1));
	hall_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errands_arrive_in_order_and_all_at_once),
		cmocka_unit_test(
		    questions_are_bounded_and_answers_are_not_lost),
		cmocka_unit_test(nobody_takes_errands_for_an_absent_worker),
		cmocka_unit_test(many_may_give_while_one_takes),
		cmocka_unit_test(a_hall_has_a_sensible_number_of_workers),
	};

	return cmocka_run_group_tests_name("hall", tests, NULL, NULL);
}
