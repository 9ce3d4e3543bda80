/* SPDX-License-Identifier: BSD-3-Clause */
/* test_addr.c - addresses and prefixes. */
#include "support.h"

#include <net/if.h>
#include <string.h>

#include <hither/base.h>

static void
addresses_read_back_as_written(void **state)
{
	static const struct {
		const char *text, *whole;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1:53" },
		{ "192.0.2.1@5353", "192.0.2.1:5353" },
		{ "2001:db8::1", "[2001:db8::1]:53" },
		{ "2001:DB8:0::1@1", "[2001:db8::1]:1" },
		{ "::", "[::]:53" },
		{ "fe80::1%7", "[fe80::1%7]:53" },
		{ "fe80::1%7@99", "[fe80::1%7]:99" },
	};
	char buf[ADDR_TEXT_MAX];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(addr_parse(cases[i].text, 53, &a), ERR_OK);
		assert_string_equal(addr_text(&a, buf), cases[i].whole);
	}
	a = (struct addr){ 0 };
	assert_string_equal(addr_ip_text(&a, buf), "none");
}

static void
nonsense_is_no_address(void **state)
{
	static const char *const bad[] = { "", "@", "@53", "1.2.3", "1.2.3.4.5",
		"01.2.3.400", "1.2.3.4@", "1.2.3.4@0", "1.2.3.4@65536",
		"1.2.3.4@-1", "1.2.3.4@ 1", "1.2.3.4%lo", "[::1]", "::1%lo",
		"fe80::1%", "fe80::1%nosuchif0", "1.2.3.4@53@53",
		"1.2.3.4@99999999999999999999", " 1.2.3.4", "1.2.3.4/32" };
	struct addr a = { .port = 9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_not_equal(addr_parse(bad[i], 53, &a), ERR_OK);
	assert_int_equal(a.port, 9);
}

static void
an_interface_name_gives_its_scope(void **state)
{
	struct addr a;

	(void)state;
	if (if_nametoindex("lo") == 0)
		return;
	assert_int_equal(addr_parse("fe80::1%lo", 53, &a), ERR_OK);
	assert_int_equal(a.scope, if_nametoindex("lo"));
}

static void
sockets_and_back(void **state)
{
	static const char *const texts[] = { "192.0.2.1@5", "2001:db8::1@6",
		"fe80::1%3@7" };
	struct sockaddr_storage ss;
	struct addr a, b;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(addr_parse(texts[i], 53, &a), ERR_OK);
		len = addr_to_sockaddr(&a, &ss);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, len,
				     &b),
		    ERR_OK);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_int_not_equal(addr_from_sockaddr((struct sockaddr *)&ss,
					 4, &b),
		    ERR_OK);
	}
	a = (struct addr){ 0 };
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
}

static void
ports_count_only_for_equality(void **state)
{
	struct addr a, b;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1@1", 0, &a), ERR_OK);
	assert_int_equal(addr_parse("192.0.2.1@2", 0, &b), ERR_OK);
	assert_true(addr_same_ip(&a, &b));
	assert_false(addr_equal(&a, &b));
	assert_false(addr_is_any(&a));
	assert_int_equal(addr_parse("0.0.0.0", 0, &a), ERR_OK);
	assert_true(addr_is_any(&a));
}

static void
prefixes_cover_what_they_say(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool covers;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "1.2.3.4", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.0/31", "192.0.2.1", true },
		{ "192.0.2.0/31", "192.0.2.2", false },
		{ "::1/128", "::1", true },
	};
	struct prefix p;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(prefix_parse(cases[i].prefix, &p), ERR_OK);
		assert_int_equal(addr_parse(cases[i].addr, 53, &a), ERR_OK);
		assert_int_equal(prefix_covers(&p, &a), cases[i].covers);
	}
}

static void
nonsense_is_no_prefix(void **state)
{
	static const char *const format[] = { "", "/8", "10.0.0.0/", "x/8",
		"10.0.0.0/8/8", "10.0.0.0/+8", "10.0.0.0@53/8" };
	static const char *const range[] = { "10.0.0.0/33", "10.0.0.1/8",
		"::/129", "::1/127" };
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(format); i++)
		assert_int_equal(prefix_parse(format[i], &p), ERR_FORMAT);
	for (size_t i = 0; i < ARRAY_LEN(range); i++)
		assert_int_equal(prefix_parse(range[i], &p), ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_back_as_written),
		cmocka_unit_test(nonsense_is_no_address),
		cmocka_unit_test(an_interface_name_gives_its_scope),
		cmocka_unit_test(sockets_and_back),
		cmocka_unit_test(ports_count_only_for_equality),
		cmocka_unit_test(prefixes_cover_what_they_say),
		cmocka_unit_test(nonsense_is_no_prefix),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
