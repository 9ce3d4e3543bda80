/* SPDX-License-Identifier: BSD-3-Clause */
/* test_hash.c - SipHash-1-3. */
#include "support.h"

#include <string.h>

#include <hither/base.h>

static void
it_is_siphash_of_one_and_three_rounds(void **state)
{
	/* By another implementation: openssl mac, c-rounds 1, d-rounds 3. */
	static const struct {
		size_t n;
		uint64_t hash;
	} known[] = {
		{ 0, 0xabac0158050fc4dcULL },
		{ 1, 0xc9f49bf37d57ca93ULL },
		{ 7, 0xd3927d989bb11140ULL },
		{ 8, 0x369095118d299a8eULL },
		{ 9, 0x25a48eb36c063de4ULL },
		{ 15, 0xd320d86d2a519956ULL },
		{ 16, 0xcc4fdd1a7d908b66ULL },
		{ 20, 0xc0dc2f46a6cce040ULL },
		{ 63, 0x9d199062b7bbb3a8ULL },
	};
	struct hash_key k;
	uint8_t in[63];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		k.bytes[i] = i;
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_true(hash_bytes(&k, in, known[i].n) == known[i].hash);
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
		cmocka_unit_test(it_is_siphash_of_one_and_three_rounds),
		cmocka_unit_test(two_keys_hash_differently),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
