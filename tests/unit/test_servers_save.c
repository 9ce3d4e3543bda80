/* SPDX-License-Identifier: BSD-3-Clause */
#include "servers_support.h"

#include <unistd.h>

#define TABLE "test-servers.table"

static uint8_t image[4096];

static size_t
read_table(void)
{
	FILE *f = fopen(TABLE, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(image, 1, sizeof(image), f);
	(void)fclose(f);
	return n;
}

static void
write_table(const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(TABLE, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	(void)fclose(f);
}

/* Three addresses, one of them dead, one with a site. */
static struct servers *
some_knowledge(void)
{
	struct servers *sv = servers_start(1000);
	struct addr a = address(1), b = address(2), c = address(101);
	struct servers_sample s = { .address = &c,
		.nsid = (const uint8_t *)"fra1",
		.nsid_len = 4,
		.rtt_us = 30000 };
	uint64_t now = 10 * SEC;

	answers_n(sv, &a, 10 * MS, 20, &now);
	answers_n(sv, &b, 40 * MS, 20, &now);
	for (unsigned i = 0; i < 10; i++)
		silence(sv, &b, i, now);
	assert_int_equal(look(sv, &b, now).state, SERVER_DEAD);
	servers_answered(sv, &s, now);
	return sv;
}

static void
what_was_known_is_known_again(void **state)
{
	struct servers *sv = some_knowledge(), *again = servers_start(1000);
	struct addr a = address(1), b = address(2), c = address(101);
	struct server_view v;

	(void)state;
	assert_int_equal(servers_save(sv, TABLE, 20 * SEC, 1000), ERR_OK);
	assert_int_equal(access(TABLE ".new", F_OK), -1);
	assert_int_equal(servers_load(again, TABLE, 500 * SEC, 1100), ERR_OK);
	assert_int_equal(servers_known(again), 3);
	v = look(again, &a, 500 * SEC);
	assert_in_range(v.est_us, 9900, 10100);
	assert_in_range(v.age_us, 100 * SEC, 115 * SEC);
	/* Perhaps it is back: that is found out, not assumed. */
	v = look(again, &b, 500 * SEC);
	assert_int_equal(v.state, SERVER_GOOD);
	assert_in_range(v.est_us, 39000, 41000);
	v = look(again, &c, 500 * SEC);
	assert_string_equal(v.site, "fra1");
	servers_free(sv);
	servers_free(again);
	(void)unlink(TABLE);
}

static void
a_site_that_moved_meanwhile_is_noticed(void **state)
{
	struct servers *sv = some_knowledge(), *again = servers_start(1000);
	struct addr c = address(101);
	struct servers_sample s = { .address = &c,
		.nsid = (const uint8_t *)"fra1",
		.nsid_len = 4,
		.rtt_us = 30000 };

	(void)state;
	assert_int_equal(servers_save(sv, TABLE, 20 * SEC, 1000), ERR_OK);
	assert_int_equal(servers_load(again, TABLE, 500 * SEC, 1100), ERR_OK);
	servers_answered(again, &s, 500 * SEC);
	assert_int_equal(look(again, &c, 500 * SEC).site_changes, 0);
	s.nsid = (const uint8_t *)"syd1";
	s.rtt_us = 280000;
	servers_answered(again, &s, 501 * SEC);
	assert_int_equal(look(again, &c, 501 * SEC).site_changes, 1);
	assert_int_equal(look(again, &c, 501 * SEC).est_us, 280000);
	servers_free(sv);
	servers_free(again);
	(void)unlink(TABLE);
}

static void
expect_nothing_taken(const uint8_t *bytes, size_t n)
{
	struct servers *sv = servers_start(1000);

	write_table(bytes, n);
	assert_int_equal(servers_load(sv, TABLE, SEC, 1000), ERR_FORMAT);
	assert_int_equal(servers_known(sv), 0);
	servers_free(sv);
}

static void
a_damaged_file_is_refused_whole(void **state)
{
	struct servers *sv = some_knowledge();
	uint8_t bad[sizeof(image)];
	size_t n;

	(void)state;
	assert_int_equal(servers_save(sv, TABLE, 20 * SEC, 1000), ERR_OK);
	n = read_table();
	for (size_t i = 0; i < n; i++) {
		memcpy(bad, image, n);
		bad[i] ^= 0x10;
		expect_nothing_taken(bad, n);
		if (i > 0)
			expect_nothing_taken(image, i);
	}
	memcpy(bad, image, n);
	bad[n] = 0;
	expect_nothing_taken(bad, n + 1);
	servers_free(sv);
	(void)unlink(TABLE);
}

static void
a_foreign_or_missing_file_is_told_apart(void **state)
{
	struct servers *sv = servers_start(1000);

	(void)state;
	assert_int_equal(servers_load(sv, "no-such.table", SEC, 1000),
	    ERR_NOT_FOUND);
	expect_nothing_taken((const uint8_t *)"server: yes, some YAML\n", 23);
	assert_int_equal(servers_load(sv, ".", SEC, 1000), ERR_FORMAT);
	assert_int_equal(servers_save(sv, "no-folder/x", SEC, 1), ERR_SYSTEM);
	servers_free(sv);
	(void)unlink(TABLE);
}

static void
an_empty_table_is_a_table(void **state)
{
	struct servers *sv = servers_start(1000);

	(void)state;
	assert_int_equal(servers_save(sv, TABLE, SEC, 1), ERR_OK);
	assert_int_equal(servers_load(sv, TABLE, SEC, 1), ERR_OK);
	assert_int_equal(servers_known(sv), 0);
	servers_free(sv);
	(void)unlink(TABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_known_is_known_again),
		cmocka_unit_test(a_site_that_moved_meanwhile_is_noticed),
		cmocka_unit_test(a_damaged_file_is_refused_whole),
		cmocka_unit_test(a_foreign_or_missing_file_is_told_apart),
		cmocka_unit_test(an_empty_table_is_a_table),
	};

	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
