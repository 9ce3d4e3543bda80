/* SPDX-License-Identifier: BSD-3-Clause */
/* test_hash.c - SipHash-2-4. */
#include "support.h"

#include <string.h>

#include <hither/base.h>

static void
the_published_vectors_hold(void **state)
{
	struct hash_key k;
	uint8_t in[15];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		k.bytes[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		in[i] = i;
	/* From the SipHash paper, appendix A, and its reference code. */
	assert_true(hash_bytes(&k, in, 15) == 0xa129ca6149be45e5ULL);
	assert_true(hash_bytes(&k, NULL, 0) == 0x726fdb47dd0e0e31ULL);
}

static void
two_keys_hash_differently(void **state)
{
	struct hash_key a, b;

	(void)state;
	hash_key_random(&a);
	hash_key_random(&b);
	assert_true(memcmp(&a, &b, sizeof(a)) != 0);
	assert_true(hash_bytes(&a, "name", 4) != hash_bytes(&b, "name", 4));
	assert_true(hash_bytes(&a, "name", 4) == hash_bytes(&a, "name", 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors_hold),
		cmocka_unit_test(two_keys_hash_differently),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
