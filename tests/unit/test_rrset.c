/* SPDX-License-Identifier: BSD-3-Clause */
/* test_rrset.c - copies, equality and the numbers of an SOA. */
#include "support.h"

#include <string.h>

#include <hither/dns.h>

static const uint8_t owner[] = "\1x\4test";

static struct rdata
octets(const char *bytes, uint16_t len)
{
	return (struct rdata){ (const uint8_t *)bytes, len };
}

static struct rrset
set_over(const struct rdata *r, uint16_t count)
{
	return (struct rrset){ .owner = owner,
		.rdata = r,
		.ttl = 60,
		.type = TYPE_TXT,
		.count = count };
}

static void
copy_is_equal_and_its_own(void **state)
{
	struct rdata r[] = { octets("\1a", 2), octets("", 0),
		octets("\2bc", 3) };
	struct rrset s = set_over(r, 2), *copy;
	struct arena *a = arena_new(4096);

	(void)state;
	s.sigs = &r[2];
	s.sig_count = 1;
	copy = rrset_copy(a, &s);
	assert_non_null(copy);
	assert_true(rrset_equal(&s, copy));
	assert_ptr_not_equal(copy->owner, s.owner);
	assert_ptr_not_equal(copy->rdata[0].bytes, r[0].bytes);
	assert_memory_equal(copy->sigs[0].bytes, "\2bc", 3);
	assert_int_equal(copy->ttl, 60);
	arena_free(a);
}

static void
copy_into_a_full_arena_is_null(void **state)
{
	struct rdata r = octets("\1a", 2);
	struct rrset s = set_over(&r, 1);
	struct arena *a = arena_new(16);

	(void)state;
	assert_null(rrset_copy(a, &s));
	assert_true(arena_over(a));
	arena_free(a);
}

static void
order_and_ttl_do_not_matter_to_equality(void **state)
{
	struct rdata abc[] = { octets("\1a", 2), octets("\1b", 2),
		octets("\1c", 2) };
	struct rdata bca[] = { abc[1], abc[2], abc[0] };
	struct rdata acb[] = { abc[0], abc[2], abc[1] };
	struct rdata abd[] = { abc[0], abc[1], octets("\1d", 2) };
	struct rrset s = set_over(abc, 3), rotated = set_over(bca, 3);
	struct rrset shuffled = set_over(acb, 3), other = set_over(abd, 3);

	(void)state;
	rotated.ttl = 1;
	rotated.owner = (const uint8_t *)"\1X\4TEST";
	assert_true(rrset_equal(&s, &rotated));
	assert_true(rrset_equal(&s, &shuffled));
	assert_false(rrset_equal(&s, &other));
	rotated.type = TYPE_HINFO;
	assert_false(rrset_equal(&s, &rotated));
	shuffled.count = 2;
	assert_false(rrset_equal(&s, &shuffled));
}

static void
name_in_rdata_is_found_or_refused(void **state)
{
	struct rdata mx = octets("\0\1\1m\0", 5), cut = octets("\0\1\1m", 4);
	struct rdata tiny = octets("\0", 1), pointer = octets("\xc0\14", 2);
	struct rdata to_zero = octets("\xc0\0", 2);

	(void)state;
	assert_ptr_equal(rdata_name(&mx, 2), mx.bytes + 2);
	assert_null(rdata_name(&cut, 2));
	assert_null(rdata_name(&tiny, 2));
	assert_null(rdata_name(&pointer, 0));
	assert_null(rdata_name(&to_zero, 0));
}

static void
soa_numbers_are_read_from_whole_soas_only(void **state)
{
	struct rdata soa = octets("\1a\0\0"
				  "\1\2\3\4"
				  "bbbbccccdddd"
				  "\0\0\1\2",
	    24);
	struct rdata negative = octets("\0\0"
				       "aaaabbbbccccdddd"
				       "\x80\0\0\1",
	    22);

	(void)state;
	assert_int_equal(soa_serial(&soa), 0x01020304);
	assert_int_equal(soa_minimum(&soa), 258);
	assert_int_equal(soa_minimum(&negative), 0);
	soa.len--;
	assert_int_equal(soa_minimum(&soa), 0);
	assert_int_equal(soa_serial(&soa), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_equal_and_its_own),
		cmocka_unit_test(copy_into_a_full_arena_is_null),
		cmocka_unit_test(order_and_ttl_do_not_matter_to_equality),
		cmocka_unit_test(name_in_rdata_is_found_or_refused),
		cmocka_unit_test(soa_numbers_are_read_from_whole_soas_only),
	};

	return cmocka_run_group_tests_name("rrset", tests, NULL, NULL);
}
