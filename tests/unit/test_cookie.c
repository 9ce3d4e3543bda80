/* SPDX-License-Identifier: BSD-3-Clause */
/* Cookies for clients: RFC 9018 appendix A holds the examples. */
#include "../../src/front/cookie.h"
#include "support.h"

#include <string.h>

static const struct cookie_secrets secret = {
	{ { { 0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc,
	    0x84, 0x9e, 0x37, 0xbf, 0xcf } } },
	1
};
static const uint8_t client_cookie[8] = { 0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10,
	0xc9, 0x57 };
static const uint8_t learnt[24] = { 0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9,
	0x57, 0x01, 0x00, 0x00, 0x00, 0x5c, 0xf7, 0x9f, 0x11, 0x1f, 0x81, 0x30,
	0xc3, 0xee, 0xe2, 0x94, 0x80 };

static struct cookie_asked
from(const uint8_t *bytes, size_t len, const struct addr *a, uint32_t now_s)
{
	return (struct cookie_asked){ bytes, len, a, now_s };
}

static void
a_new_client_is_given_the_cookie_of_the_rfc(void **state)
{
	struct addr a = { 0 };
	uint8_t out[COOKIE_BYTES];
	struct cookie_asked q =
	    from(client_cookie, sizeof(client_cookie), &a, 1559731985);

	(void)state;
	assert_int_equal(addr_parse("198.51.100.100", 0, &a), ERR_OK);
	assert_false(cookie_answer(&secret, &q, out));
	assert_memory_equal(out, learnt, sizeof(learnt));
}

static void
a_cookie_is_known_at_its_address_within_its_hour(void **state)
{
	struct addr a = { 0 }, b = { 0 };
	uint8_t out[COOKIE_BYTES], changed[COOKIE_BYTES];
	const uint32_t then = 1559731985;
	struct cookie_asked q = from(learnt, sizeof(learnt), &a, then + 60);

	(void)state;
	assert_int_equal(addr_parse("198.51.100.100", 0, &a), ERR_OK);
	assert_int_equal(addr_parse("198.51.100.101", 0, &b), ERR_OK);
	assert_true(cookie_answer(&secret, &q, out));
	assert_memory_equal(out, learnt, sizeof(learnt));
	q.now_s = then + 2000;
	assert_true(cookie_answer(&secret, &q, out));
	assert_memory_not_equal(out, learnt, sizeof(learnt));
	q.now_s = then + 3601;
	assert_false(cookie_answer(&secret, &q, out));
	q.now_s = then - 299;
	assert_true(cookie_answer(&secret, &q, out));
	q.now_s = then - 301;
	assert_false(cookie_answer(&secret, &q, out));
	q = from(learnt, sizeof(learnt), &b, then);
	assert_false(cookie_answer(&secret, &q, out));
	memcpy(changed, learnt, sizeof(changed));
	changed[23] ^= 1;
	q = from(changed, sizeof(changed), &a, then);
	assert_false(cookie_answer(&secret, &q, out));
	memcpy(changed, learnt, sizeof(changed));
	changed[8] = 2;
	assert_false(cookie_answer(&secret, &q, out));
}

static void
a_cookie_of_the_secret_before_is_known_and_renewed(void **state)
{
	const uint32_t now = 1559734385;
	struct cookie_secrets old, both, later;
	struct addr a = { 0 };
	uint8_t first[COOKIE_BYTES], out[COOKIE_BYTES];
	struct cookie_asked q = from(client_cookie, 8, &a, now);
	struct hash_key root = { { 1, 2, 3 } };

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1", 0, &a), ERR_OK);
	cookie_derive(&root, 100, &old);
	cookie_derive(&root, 101, &both);
	cookie_derive(&root, 102, &later);
	assert_memory_equal(&both.keys[1], &old.keys[0], sizeof(root));
	assert_memory_not_equal(&both.keys[0], &old.keys[0], sizeof(root));
	assert_false(cookie_answer(&old, &q, first));
	q = from(first, sizeof(first), &a, now + 1);
	assert_true(cookie_answer(&both, &q, out));
	assert_memory_not_equal(out, first, sizeof(out));
	/* The other servers, told of the new secret, know the new one too. */
	q = from(out, sizeof(out), &a, now + 2);
	assert_true(cookie_answer(&both, &q, first));
	assert_memory_equal(out, first, sizeof(out));
	assert_false(cookie_answer(&old, &q, first));
	assert_true(cookie_answer(&later, &q, first));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_client_is_given_the_cookie_of_the_rfc),
		cmocka_unit_test(
		    a_cookie_is_known_at_its_address_within_its_hour),
		cmocka_unit_test(
		    a_cookie_of_the_secret_before_is_known_and_renewed),
	};

	return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
