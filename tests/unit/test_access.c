/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may ask. */
#include "policy_support.h"

static enum access
access_of(const struct policy *p, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, 53, &a), ERR_OK);
	return policy_access(p, &a);
}

static void
nobody_may_ask_without_rules(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access_count = 0 });
	assert_int_equal(access_of(b.policy, "127.0.0.1"), ACCESS_REFUSE);
	assert_int_equal(access_of(b.policy, "::1"), ACCESS_REFUSE);
	bench_stop(&b);
}

static void
the_longest_prefix_wins(void **state)
{
	struct access_rule rules[] = {
		rule("10.0.0.0/8", ACCESS_ALLOW),
		rule("10.1.0.0/16", ACCESS_DROP),
		rule("10.1.2.3/32", ACCESS_SNOOP),
		rule("0.0.0.0/0", ACCESS_REFUSE),
		rule("10.9.0.0/17", ACCESS_DROP),
		rule("2001:db8::/32", ACCESS_ALLOW),
		rule("2001:db8:8000::/33", ACCESS_DROP),
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access = rules,
			    .access_count = ARRAY_LEN(rules) });
	assert_int_equal(access_of(b.policy, "10.2.0.1"), ACCESS_ALLOW);
	assert_int_equal(access_of(b.policy, "10.1.0.1"), ACCESS_DROP);
	assert_int_equal(access_of(b.policy, "10.1.2.3"), ACCESS_SNOOP);
	assert_int_equal(access_of(b.policy, "10.1.2.4"), ACCESS_DROP);
	assert_int_equal(access_of(b.policy, "10.9.127.1"), ACCESS_DROP);
	assert_int_equal(access_of(b.policy, "10.9.128.1"), ACCESS_ALLOW);
	assert_int_equal(access_of(b.policy, "192.0.2.1"), ACCESS_REFUSE);
	assert_int_equal(access_of(b.policy, "2001:db8::1"), ACCESS_ALLOW);
	assert_int_equal(access_of(b.policy, "2001:db8:8000::1"), ACCESS_DROP);
	assert_int_equal(access_of(b.policy, "2001:db9::1"), ACCESS_REFUSE);
	bench_stop(&b);
}

static void
of_equal_prefixes_the_last_written_wins(void **state)
{
	struct access_rule rules[] = {
		rule("192.0.2.0/24", ACCESS_ALLOW),
		rule("198.51.100.0/24", ACCESS_ALLOW),
		rule("192.0.2.0/24", ACCESS_DROP),
	};
	struct bench b;

	(void)state;
	bench_start(&b, &(struct policy_opts){ .access = rules,
			    .access_count = ARRAY_LEN(rules) });
	assert_int_equal(access_of(b.policy, "192.0.2.9"), ACCESS_DROP);
	assert_int_equal(access_of(b.policy, "198.51.100.9"), ACCESS_ALLOW);
	bench_stop(&b);
}

static void
many_prefixes_are_all_found(void **state)
{
	static struct access_rule rules[512];
	struct addr a = { .family = 4 };
	struct bench b;
	unsigned i;

	(void)state;
	for (i = 0; i < 512; i++) {
		rules[i].net = (struct prefix){ .bits = 24,
			.net = { .family = 4,
			    .ip = { 10, (uint8_t)(i / 256),
				(uint8_t)((i * 37) % 256), 0 } } };
		rules[i].access =
		    (i * 37) % 256 % 2 ? ACCESS_ALLOW : ACCESS_DROP;
	}
	bench_start(&b,
	    &(struct policy_opts){ .access = rules, .access_count = 512 });
	for (i = 0; i < 512; i++) {
		a.ip[0] = 10;
		a.ip[1] = (uint8_t)(i / 256);
		a.ip[2] = (uint8_t)i;
		a.ip[3] = 77;
		assert_int_equal(policy_access(b.policy, &a),
		    i % 2 ? ACCESS_ALLOW : ACCESS_DROP);
	}
	bench_stop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_may_ask_without_rules),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(of_equal_prefixes_the_last_written_wins),
		cmocka_unit_test(many_prefixes_are_all_found),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
