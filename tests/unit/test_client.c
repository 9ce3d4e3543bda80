/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that wait for an answer. */
#include "support.h"

#include "../../src/front/client.h"

static const uint8_t name[] = "\003www\007example";
static const uint8_t other_case[] = "\003wWw\007example";

/* Listeners are only compared here: any addresses of their own will do. */
static char socket_a, socket_b;

static struct route
route(uint8_t last_octet, bool udp)
{
	struct route r = { .from = { .family = 4,
			       .port = 4000,
			       .ip = { 192, 0, 2, last_octet } } };

	if (udp)
		r.udp = (struct udp_listener *)(void *)&socket_a;
	else
		r.tcp = (struct tcp_listener *)(void *)&socket_b;
	return r;
}

static struct asked
asked(uint16_t id, const uint8_t *qname)
{
	return (struct asked){ .qname = qname,
		.id = id,
		.qtype = 1,
		.qclass = 1,
		.limit = 512,
		.has_question = true };
}

static enum client_verdict
come(struct clients *cs, const struct route *r, const struct asked *q,
    uint32_t *slot)
{
	return clients_add(cs,
	    &(struct newcomer){ .route = r, .asked = q, .name_hash = 1 }, slot);
}

static enum client_verdict
add(struct clients *cs, uint8_t octet, uint16_t id, uint32_t *slot)
{
	struct route r = route(octet, true);
	struct asked q = asked(id, name);

	return come(cs, &r, &q, slot);
}

static void
a_question_sent_again_waits_once(void **state)
{
	struct clients *cs = clients_new(10, 10);
	struct route stream = route(1, false);
	struct asked q = asked(1, other_case);
	struct route r = route(1, true);
	uint32_t slot, again;

	(void)state;
	assert_int_equal(add(cs, 1, 1, &slot), CLIENT_ADDED);
	assert_int_equal(add(cs, 1, 1, &again), CLIENT_REPEATED);
	assert_int_equal(add(cs, 1, 2, &again), CLIENT_ADDED);
	assert_int_equal(add(cs, 2, 1, &again), CLIENT_ADDED);
	assert_int_equal(come(cs, &r, &q, &again), CLIENT_ADDED);
	q.qname = name;
	assert_int_equal(come(cs, &stream, &q, &again), CLIENT_ADDED);
	assert_int_equal(come(cs, &stream, &q, &again), CLIENT_ADDED);
	assert_int_equal(clients_waiting(cs), 6);
	clients_remove(cs,
	    clients_find(cs, slot, clients_generation(cs, slot)));
	assert_int_equal(add(cs, 1, 1, &slot), CLIENT_ADDED);
	clients_free(cs);
}

static void
the_table_and_each_address_are_bounded(void **state)
{
	struct clients *cs = clients_new(10, 4);
	uint32_t slot;
	uint16_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(add(cs, 1, i, &slot), CLIENT_ADDED);
	assert_int_equal(add(cs, 1, 9, &slot), CLIENT_TOO_MANY);
	clients_remove(cs,
	    clients_find(cs, slot, clients_generation(cs, slot)));
	assert_int_equal(add(cs, 1, 9, &slot), CLIENT_ADDED);
	for (i = 0; i < 100; i++)
		(void)add(cs, (uint8_t)(2 + i), 1, &slot);
	assert_int_equal(clients_waiting(cs), 10);
	clients_free(cs);
}

static void
who_has_left_is_not_found(void **state)
{
	struct clients *cs = clients_new(1, 1);
	uint32_t slot, generation, i;

	(void)state;
	for (i = 0; i < 5; i++) {
		struct client *c;

		assert_int_equal(add(cs, 1, 1, &slot), CLIENT_ADDED);
		generation = clients_generation(cs, slot);
		c = clients_find(cs, slot, generation);
		assert_non_null(c);
		clients_remove(cs, c);
		assert_null(clients_find(cs, slot, generation));
		assert_null(
		    clients_find(cs, slot, clients_generation(cs, slot)));
	}
	assert_null(clients_find(cs, 0, 1));
	assert_null(clients_find(cs, 99, 1));
	clients_free(cs);
}

static void
a_closed_listener_takes_its_clients_along(void **state)
{
	struct clients *cs = clients_new(10, 10);
	struct route stream = route(1, false);
	struct asked q = asked(1, name);
	uint32_t slot;

	(void)state;
	assert_int_equal(add(cs, 1, 1, &slot), CLIENT_ADDED);
	assert_int_equal(come(cs, &stream, &q, &slot), CLIENT_ADDED);
	clients_remove_listener(cs, NULL, stream.tcp);
	assert_int_equal(clients_waiting(cs), 1);
	clients_remove_listener(cs, NULL, NULL);
	assert_int_equal(clients_waiting(cs), 1);
	clients_free(cs);
}

static void
no_memory_is_no_table(void **state)
{
	uint64_t n;

	(void)state;
	for (n = 1; n <= 4; n++) {
		memory_fail_at(n);
		assert_null(clients_new(10, 10));
	}
	memory_fail_at(0);
	assert_null(clients_new(0, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_sent_again_waits_once),
		cmocka_unit_test(the_table_and_each_address_are_bounded),
		cmocka_unit_test(who_has_left_is_not_found),
		cmocka_unit_test(a_closed_listener_takes_its_clients_along),
		cmocka_unit_test(no_memory_is_no_table),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
