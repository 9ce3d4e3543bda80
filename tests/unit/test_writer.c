/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_writer.c - whole sets or nothing, compression within bounds.
 * RFC 1035 section 4.1.4, RFC 2181 section 9, RFC 3597 section 4, RFC 6891.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <hither/dns.h>

static uint8_t buf[MESSAGE_MAX];

static int
arena_setup(void **state)
{
	*state = arena_new(16u << 20);
	return *state == NULL ? -1 : 0;
}

static int
arena_teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct rrset *
set_of(struct arena *a, const char *line)
{
	struct rrset *s = rrset_parse(a, line);

	assert_non_null(s);
	return s;
}

static void
begin(struct writer *w, size_t size, const char *qname)
{
	struct name n;

	assert_int_equal(name_parse(qname, &n), ERR_OK);
	writer_start(w, buf, size, 7, FLAG_QR);
	writer_question(w, n.wire, TYPE_A, CLASS_IN);
}

static bool
put(struct writer *w, const struct rrset *s)
{
	return writer_rrset(w, SECTION_ANSWER, s, s->ttl, true, 0);
}

static void
owner_takes_the_case_of_the_question(void **state)
{
	struct rrset *s = set_of(*state, "www.example.com. 60 IN A 192.0.2.1");
	struct message m;
	struct writer w;
	size_t len;

	begin(&w, 512, "wWw.EXAMPLE.com");
	assert_true(put(&w, s));
	len = writer_finish(&w);
	assert_int_equal(len, 12 + 17 + 4 + 2 + 10 + 4);
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_memory_equal(m.sets[SECTION_ANSWER][0]->owner,
	    "\3wWw\7EXAMPLE\3com", 17);
}

static void
names_in_rdata_keep_their_case(void **state)
{
	struct rrset *s =
	    set_of(*state, "www.example.com. 60 IN CNAME Host.Example.Com.");
	struct message m;
	struct writer w;
	size_t len;

	begin(&w, 512, "www.example.com");
	assert_true(put(&w, s));
	len = writer_finish(&w);
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_memory_equal(m.sets[SECTION_ANSWER][0]->rdata[0].bytes,
	    "\4Host\7Example\3Com", 18);
}

static void
only_old_types_are_compressed_inside(void **state)
{
	static const struct {
		const char *line;
		size_t rdata;
	} lines[] = { { "example.com. 1 IN NS ns.example.com.", 5 },
		{ "example.com. 1 IN MX 1 ns.example.com.", 7 },
		{ "example.com. 1 IN SOA a.example.com. example.com. 1 2 3 4 5",
		    4 + 2 + 20 },
		{ "example.com. 1 IN SRV 1 2 3 example.com.", 19 },
		{ "example.com. 1 IN DNAME example.com.", 13 },
		{ "example.com. 1 IN NSEC example.com. A", 16 } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++) {
		struct rrset *s = set_of(*state, lines[i].line);
		struct writer w;

		begin(&w, 512, "example.com");
		assert_true(put(&w, s));
		assert_int_equal(writer_finish(&w),
		    12 + 17 + 12 + lines[i].rdata);
	}
}

static void
set_that_does_not_fit_leaves_no_trace(void **state)
{
	struct rrset *big =
	    set_of(*state, "a.b.c.d.e.f.test. 60 IN NS deep.a.b.c.d.e.f.test.");
	struct rrset *small = set_of(*state, "d.e.f.test. 60 IN A 192.0.2.1");
	struct message m;
	struct writer w;
	size_t size;

	for (size = 40; size < 120; size++) {
		size_t len;

		begin(&w, size, "example.com");
		(void)put(&w, big);
		(void)put(&w, small);
		len = writer_finish(&w);
		assert_true(len <= size);
		assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
		if (w.full)
			assert_true(m.counts[SECTION_ANSWER] < 2);
		else
			assert_int_equal(m.counts[SECTION_ANSWER], 2);
	}
}

static void
room_for_the_opt_is_kept(void **state)
{
	static const uint8_t cookie[24] = { 1 };
	struct opt_out o = { .ede = EDE_STALE_ANSWER,
		.ede_text = "old",
		.cookie = cookie,
		.cookie_len = sizeof(cookie),
		.nsid = (const uint8_t *)"box",
		.nsid_len = 3,
		.udp_size = 1232,
		.rcode = RCODE_BADVERS,
		.dnssec_ok = true };
	struct rrset *s =
	    set_of(*state, "example.com. 60 IN TXT \"0123456789\"");
	struct message m;
	struct writer w;
	size_t len;

	begin(&w, 29 + 23 + opt_bytes(&o) - 1, "example.com");
	writer_reserve(&w, opt_bytes(&o));
	assert_false(put(&w, s));
	assert_true(w.full);
	assert_true(writer_opt(&w, &o));
	len = writer_finish(&w);
	assert_int_equal(len, 29 + opt_bytes(&o));
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_int_equal(m.rcode, RCODE_BADVERS);
	assert_int_equal(m.edns.ede, EDE_STALE_ANSWER);
	assert_int_equal(m.edns.cookie_len, 24);
	assert_int_equal(m.edns.nsid_len, 3);
	assert_true(m.edns.dnssec_ok && m.edns.has_ede);
}

static void
opt_that_does_not_fit_is_not_written(void **state)
{
	struct opt_out o = { .ede = EDE_NONE, .udp_size = 1232 };
	struct writer w;

	(void)state;
	begin(&w, 29 + 10, "example.com");
	assert_false(writer_opt(&w, &o));
	assert_int_equal(writer_finish(&w), 29);
}

static void
long_extra_text_is_cut_between_characters(void **state)
{
	char text[302];
	struct opt_out o = { .ede = EDE_OTHER, .ede_text = text };
	size_t i;

	(void)state;
	text[0] = 'x';
	for (i = 1; i < 301; i += 2)
		memcpy(text + i, "\xc3\xa4", 3);
	assert_int_equal(opt_bytes(&o), 11 + 6 + 199);
}

static void
first_record_rotates(void **state)
{
	struct rdata r[3] = { { (const uint8_t *)"aaaa", 4 },
		{ (const uint8_t *)"bbbb", 4 },
		{ (const uint8_t *)"cccc", 4 } };
	struct rrset s = { .owner = name_root,
		.rdata = r,
		.ttl = 1,
		.type = TYPE_A,
		.count = 3 };
	struct writer w;

	(void)state;
	writer_start(&w, buf, 512, 1, 0);
	assert_true(writer_rrset(&w, SECTION_ANSWER, &s, 9, false, 5));
	assert_int_equal(writer_finish(&w), 12 + 3 * 15);
	assert_memory_equal(buf + 12 + 11, "cccc", 4);
	assert_memory_equal(buf + 12 + 15 + 11, "aaaa", 4);
	assert_int_equal(buf[12 + 8], 9);
}

static void
signatures_come_when_asked_for(void **state)
{
	struct rdata a = { (const uint8_t *)"aaaa", 4 };
	struct rdata sig = { (const uint8_t *)"\0\1\10\0\0\0\0\1\0\0\0\1\0\0\0"
					      "\1\0\1\0s",
		20 };
	struct rrset s = { .owner = name_root,
		.rdata = &a,
		.sigs = &sig,
		.type = TYPE_A,
		.count = 1,
		.sig_count = 1 };
	struct message m;
	struct writer w;
	size_t len;

	writer_start(&w, buf, 512, 1, FLAG_QR);
	assert_true(writer_rrset(&w, SECTION_AUTHORITY, &s, 1, false, 0));
	assert_true(writer_rrset(&w, SECTION_ADDITIONAL, &s, 1, true, 0));
	len = writer_finish(&w);
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_int_equal(m.sets[SECTION_AUTHORITY][0]->sig_count, 0);
	assert_int_equal(m.sets[SECTION_ADDITIONAL][0]->sig_count, 1);
}

static void
ttl_offsets_find_every_ttl_but_the_opts(void **state)
{
	struct opt_out o = { .ede = EDE_NONE };
	struct rrset *a = set_of(*state, "x.test. 77 IN A 192.0.2.1");
	struct rrset *b = set_of(*state, "y.test. 77 IN NS x.test.");
	uint16_t at[4];
	struct writer w;
	size_t len, i;

	begin(&w, 512, "x.test");
	assert_true(put(&w, a));
	assert_true(put(&w, b));
	assert_true(writer_opt(&w, &o));
	len = writer_finish(&w);
	assert_int_equal(message_ttl_offsets(buf, len, at, 4), 2);
	for (i = 0; i < 2; i++)
		assert_memory_equal(buf + at[i], "\0\0\0\115", 4);
	assert_int_equal(message_ttl_offsets(buf, len, at, 1), 1);
	assert_int_equal(message_ttl_offsets(buf, 5, at, 4), 0);
}

static void
thousands_of_names_read_back(void **state)
{
	struct message m;
	struct writer w;
	size_t len, i, written = 0;

	begin(&w, MESSAGE_MAX, "example.com");
	for (i = 0; i < 3000; i++) {
		const char *line = arena_print(*state,
		    "n%zu.x%zu.example.com. 60 IN NS ns%zu.z.n%zu.x1.test.", i,
		    i % 7, i, i / 2);

		assert_non_null(line);
		if (put(&w, set_of(*state, line)))
			written++;
	}
	len = writer_finish(&w);
	assert_true(written > 1000);
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], written);
	for (i = 0; i < written; i += 97) {
		char text[NAME_TEXT_MAX];
		char want[64];

		(void)snprintf(want, sizeof(want), "n%zu.x%zu.example.com.", i,
		    i % 7);
		assert_string_equal(name_text(m.sets[SECTION_ANSWER][i]->owner,
					text),
		    want);
	}
}

static void
growing_names_stay_readable(void **state)
{
	struct name n = { { 0 } };
	struct message m;
	struct writer w;
	unsigned i;
	size_t len;

	/* Each is the last with a label more: pointers would form a chain. */
	writer_start(&w, buf, MESSAGE_MAX, 1, FLAG_QR);
	for (i = 0; i < 127; i++) {
		struct rdata r = { (const uint8_t *)"aaaa", 4 };
		struct rrset s = { .owner = n.wire,
			.rdata = &r,
			.type = TYPE_A,
			.count = 1 };

		assert_int_equal(name_prepend(&n, (const uint8_t *)"a", 1,
				     n.wire),
		    ERR_OK);
		assert_true(put(&w, &s));
	}
	len = writer_finish(&w);
	assert_int_equal(message_read(*state, buf, len, &m), ERR_OK);
	assert_int_equal(m.counts[SECTION_ANSWER], 127);
	assert_int_equal(name_labels(m.sets[SECTION_ANSWER][126]->owner), 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_takes_the_case_of_the_question),
		cmocka_unit_test(names_in_rdata_keep_their_case),
		cmocka_unit_test(only_old_types_are_compressed_inside),
		cmocka_unit_test(set_that_does_not_fit_leaves_no_trace),
		cmocka_unit_test(room_for_the_opt_is_kept),
		cmocka_unit_test(opt_that_does_not_fit_is_not_written),
		cmocka_unit_test(long_extra_text_is_cut_between_characters),
		cmocka_unit_test(first_record_rotates),
		cmocka_unit_test(signatures_come_when_asked_for),
		cmocka_unit_test(ttl_offsets_find_every_ttl_but_the_opts),
		cmocka_unit_test(thousands_of_names_read_back),
		cmocka_unit_test(growing_names_stay_readable),
	};

	return cmocka_run_group_tests_name("writer", tests, arena_setup,
	    arena_teardown);
}
