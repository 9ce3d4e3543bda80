/* SPDX-License-Identifier: BSD-3-Clause */
/* test_text.c - types, records and hints as text. RFC 3597, RFC 9609. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hither/dns.h>

static int
arena_setup(void **state)
{
	*state = arena_new(8u << 20);
	return *state == NULL ? -1 : 0;
}

static int
arena_teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void
types_have_names_both_ways(void **state)
{
	static const struct {
		uint16_t type;
		const char *name;
	} known[] = { { TYPE_A, "A" }, { TYPE_NSEC3PARAM, "NSEC3PARAM" },
		{ TYPE_HTTPS, "HTTPS" }, { TYPE_ANY, "ANY" },
		{ TYPE_AXFR, "AXFR" }, { 261, "RESINFO" },
		{ 65280, "TYPE65280" }, { 0, "TYPE0" },
		{ 65535, "TYPE65535" } };
	char buf[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(known); i++) {
		uint16_t type = 1234;

		assert_string_equal(type_text(known[i].type, buf),
		    known[i].name);
		assert_int_equal(type_parse(known[i].name, &type), ERR_OK);
		assert_int_equal(type, known[i].type);
	}
}

static void
every_type_survives_its_text(void **state)
{
	uint32_t type;
	char buf[16];

	(void)state;
	for (type = 0; type <= UINT16_MAX; type++) {
		uint16_t again;

		assert_int_equal(type_parse(type_text((uint16_t)type, buf),
				     &again),
		    ERR_OK);
		assert_int_equal(again, type);
	}
}

static void
nonsense_is_no_type(void **state)
{
	static const char *const texts[] = { "", "AB", "TYPE", "TYPE-1",
		"TYPE1x", "TYPE 1", "TYPE000001", "IN", "TXTT" };
	uint16_t type;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_not_equal(type_parse(texts[i], &type), ERR_OK);
	assert_int_equal(type_parse("TYPE65536", &type), ERR_RANGE);
	assert_int_equal(type_parse("aaaa", &type), ERR_OK);
	assert_int_equal(type, TYPE_AAAA);
}

static void
codes_always_have_words(void **state)
{
	(void)state;
	assert_string_equal(rcode_text(RCODE_SERVFAIL), "SERVFAIL");
	assert_string_equal(rcode_text(RCODE_BADCOOKIE), "BADCOOKIE");
	assert_non_null(rcode_text(4095));
	assert_string_equal(ede_title(EDE_NONE), "");
	assert_string_equal(ede_title(EDE_INVALID_DATA), "Invalid Data");
	assert_string_equal(ede_title(EDE_NO_REACHABLE_AUTHORITY),
	    "No Reachable Authority");
}

static void
records_read_and_print(void **state)
{
	static const struct {
		const char *line, *rdata;
	} lines[] = { { "a.test. 60 IN A 192.0.2.1", "192.0.2.1" },
		{ "a.test. 60 IN AAAA 2001:db8::1", "2001:db8::1" },
		{ "a.test. IN MX 10 Mail.test.", "10 Mail.test." },
		{ "a.test. TXT \"x y\" \"\\200\"", "\"x y\" \"\\200\"" },
		{ "a.test. 1h IN SRV 1 2 3 b.test.", "1 2 3 b.test." },
		{ "a.test. CAA 0 issue \"ca.test\"", "0 issue \"ca.test\"" },
		{ "a.test. HTTPS 1 . alpn=h2", "1 . alpn=h2" },
		{ "a.test. TYPE65280 \\# 2 abcd", "\\# 2 abcd" },
		{ "a.test. TYPE65280 \\# 0", "\\# 0" },
		{ "a.test. DS 1 8 2 00ff", "1 8 2 00ff" } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++) {
		struct rrset *s = rrset_parse(*state, lines[i].line);

		assert_non_null(s);
		assert_int_equal(s->count, 1);
		assert_string_equal(rdata_text(*state, s, 0), lines[i].rdata);
	}
}

static void
malformed_records_are_refused(void **state)
{
	static const char *const lines[] = { "", "a.test.", "a.test. A",
		"a.test. A 1.2.3", "a.test. CH A 1.2.3.4", "a.test. ANY \\# 0",
		"a.test. A \\# 3 010203", "a.test. TYPE1 \\# 0",
		"a.test. 3000000000 A 1.2.3.4", "a..test. A 1.2.3.4",
		"a.test. TYPE0 \\# 0", "; nothing", "a.test. (\n A 1.2.3.4)" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++)
		assert_null(rrset_parse(*state, lines[i]));
	assert_false(arena_over(*state));
}

static void
rdata_ldns_cannot_keep_is_printed_as_octets(void **state)
{
	static const uint8_t many[4096] = { 0 };
	struct rdata r = { many, sizeof(many) };
	struct rrset s = { .owner = name_root,
		.rdata = &r,
		.type = TYPE_TXT,
		.count = 1 };
	const char *text = rdata_text(*state, &s, 0);

	assert_memory_equal(text, "\\# 4096 00", 10);
	assert_int_equal(strlen(text), 8 + 2 * 4096);
	r.len = 3;
	s.type = TYPE_A;
	assert_string_equal(rdata_text(*state, &s, 0), "\\# 3 000000");
	r.len = 0;
	assert_string_equal(rdata_text(*state, &s, 0), "\\# 0");
}

static enum err
hints_from(struct arena *a, const char *text, size_t *count, int *line)
{
	char path[] = "/tmp/hither-hints-XXXXXX";
	struct rrset **sets;
	enum err e;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	e = hints_read(a, path, &sets, count, line);
	assert_int_equal(unlink(path), 0);
	return e;
}

static void
hints_file_is_read_into_sets(void **state)
{
	size_t count;
	int line;

	assert_int_equal(hints_from(*state,
			     "; the root\n"
			     "$TTL 3600\n"
			     ".  NS  a.test.\n"
			     ".  3600000 IN NS  B.test.\n"
			     "\n"
			     "a.test. A 192.0.2.1\n"
			     "        AAAA 2001:db8::1\n"
			     "b.TEST. A 192.0.2.2 ; last",
			     &count, &line),
	    ERR_OK);
	assert_int_equal(count, 4);
}

static void
bad_hints_name_their_line(void **state)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = { { ". NS a.test.\na.test. A 1.2.3\n", 2 },
		{ ". NS a.test.\n\na.test. TXT x\n", 3 },
		{ "test. NS a.test.\n", 1 }, { "$INCLUDE /etc/passwd\n", 1 },
		{ ". NS a.test.\nb.test. A 192.0.2.1\n", 0 }, { "", 0 } };
	size_t i, count;
	int line;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(hints_from(*state, bad[i].text, &count, &line),
		    ERR_FORMAT);
		assert_int_equal(line, bad[i].line);
	}
}

static void
missing_hints_file_is_a_system_error(void **state)
{
	struct rrset **sets;
	size_t count;
	int line;

	assert_int_equal(hints_read(*state, "/nonexistent/hints", &sets, &count,
			     &line),
	    ERR_SYSTEM);
}

static void
giant_hints_file_and_directory_are_refused(void **state)
{
	static char text[20000];
	struct rrset **sets;
	size_t count;
	int line;

	memset(text, '\n', sizeof(text) - 1);
	assert_int_equal(hints_from(*state, text, &count, &line), ERR_LIMIT);
	assert_int_equal(hints_read(*state, "/tmp", &sets, &count, &line),
	    ERR_LIMIT);
}

static void
builtin_hints_are_thirteen_servers_twice(void **state)
{
	struct rrset **sets;
	size_t count, i, addresses = 0;

	assert_int_equal(hints_builtin(*state, &sets, &count), ERR_OK);
	assert_int_equal(count, 27);
	assert_int_equal(sets[0]->type, TYPE_NS);
	assert_int_equal(sets[0]->count, 13);
	for (i = 1; i < count; i++)
		addresses += sets[i]->count;
	assert_int_equal(addresses, 26);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_names_both_ways),
		cmocka_unit_test(every_type_survives_its_text),
		cmocka_unit_test(nonsense_is_no_type),
		cmocka_unit_test(codes_always_have_words),
		cmocka_unit_test(records_read_and_print),
		cmocka_unit_test(malformed_records_are_refused),
		cmocka_unit_test(rdata_ldns_cannot_keep_is_printed_as_octets),
		cmocka_unit_test(hints_file_is_read_into_sets),
		cmocka_unit_test(bad_hints_name_their_line),
		cmocka_unit_test(missing_hints_file_is_a_system_error),
		cmocka_unit_test(giant_hints_file_and_directory_are_refused),
		cmocka_unit_test(builtin_hints_are_thirteen_servers_twice),
	};

	return cmocka_run_group_tests_name("text", tests, arena_setup,
	    arena_teardown);
}
