/* SPDX-License-Identifier: BSD-3-Clause */
/* An answer becomes a packed message. */
#include "support.h"

#include <string.h>

#include "../../src/front/pack.h"

static const uint8_t example[] = "\003www\007example\003com";
static const uint8_t target[] = "\004host\007example\003com";
static const uint8_t zone[] = "\007example\003com";

static const uint8_t ip[3][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 },
	{ 10, 0, 0, 3 } };
static const struct rdata ips[3] = { { ip[0], 4 }, { ip[1], 4 }, { ip[2], 4 } };
static const struct rdata alias[1] = { { target, sizeof(target) } };

static uint8_t soa_bytes[] = "\002ns\000\002me\000"
			     "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";
static const struct rdata soa_rdata = { soa_bytes, sizeof(soa_bytes) - 1 };
static uint8_t sig_bytes[] = "\000\001\015\002\000\000\001\054"
			     "\144\0\0\0\143\0\0\0\000\005"
			     "\007example\003com\000signature";
static const struct rdata sig = { sig_bytes, sizeof(sig_bytes) - 1 };

struct room {
	struct arena *arena;
	uint8_t buf[MESSAGE_MAX];
	struct message m;
	struct packed p;
};

static int
room_open(void **state)
{
	struct room *r = memory_new(sizeof(*r));

	r->arena = arena_new(1 << 20);
	*state = r;
	return 0;
}

static int
room_close(void **state)
{
	struct room *r = *state;

	arena_free(r->arena);
	memory_free(r);
	return 0;
}

static struct pack_opts
opts(bool dnssec_ok, bool minimal)
{
	return (struct pack_opts){ .qname = example,
		.qtype = TYPE_A,
		.qclass = CLASS_IN,
		.dnssec_ok = dnssec_ok,
		.minimal = minimal };
}

static void
pack(struct room *r, const struct answer *a, const struct pack_opts *o)
{
	assert_true(pack_answer(a, o, r->buf, PACK_MAX, &r->p));
	arena_reset(r->arena);
	assert_int_equal(message_read(r->arena, r->buf, r->p.len, &r->m),
	    ERR_OK);
}

static void
flags_say_what_the_answer_is(void **state)
{
	struct room *r = *state;
	struct answer a = { .rcode = RCODE_NXDOMAIN,
		.secure = true,
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	pack(r, &a, &o);
	assert_int_equal(r->m.id, 0);
	assert_int_equal(r->m.flags & 0xfff0, FLAG_QR | FLAG_RA | FLAG_AD);
	assert_int_equal(r->m.rcode, RCODE_NXDOMAIN);
	a.secure = false;
	a.authoritative = true;
	pack(r, &a, &o);
	assert_int_equal(r->m.flags & 0xfff0, FLAG_QR | FLAG_RA | FLAG_AA);
}

static void
negative_answers_carry_their_soa(void **state)
{
	struct room *r = *state;
	struct rrset soa = { .owner = zone,
		.rdata = &soa_rdata,
		.ttl = 60,
		.type = TYPE_SOA,
		.count = 1 };
	struct rrset *const sets[1] = { &soa };
	struct answer a = { .sets[SECTION_AUTHORITY] = sets,
		.counts[SECTION_AUTHORITY] = 1,
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	pack(r, &a, &o);
	assert_int_equal(r->m.counts[SECTION_AUTHORITY], 1);
	assert_int_equal(r->m.sets[SECTION_AUTHORITY][0]->ttl, 60);
}

static void
signatures_are_for_those_who_set_do(void **state)
{
	struct room *r = *state;
	struct rrset set = { .owner = example,
		.rdata = ips,
		.sigs = &sig,
		.ttl = 300,
		.type = TYPE_A,
		.count = 3,
		.sig_count = 1 };
	struct rrset proof = { .owner = zone,
		.rdata = &sig,
		.ttl = 60,
		.type = TYPE_RRSIG,
		.count = 1 };
	struct rrset *const sets[1] = { &set };
	struct rrset *const proofs[1] = { &proof };
	struct answer a = { .sets = { sets, proofs },
		.counts = { 1, 1 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, false);

	pack(r, &a, &o);
	assert_int_equal(r->m.sets[SECTION_ANSWER][0]->sig_count, 0);
	assert_int_equal(r->m.counts[SECTION_AUTHORITY], 0);
	o.dnssec_ok = true;
	pack(r, &a, &o);
	assert_int_equal(r->m.sets[SECTION_ANSWER][0]->sig_count, 1);
	assert_int_equal(r->m.counts[SECTION_AUTHORITY], 1);
}

static void
minimal_replies_leave_out_what_is_not_needed(void **state)
{
	struct room *r = *state;
	struct rrset set = { .owner = example,
		.rdata = ips,
		.ttl = 300,
		.type = TYPE_A,
		.count = 1 };
	struct rrset ns = { .owner = zone,
		.rdata = alias,
		.ttl = 300,
		.type = TYPE_NS,
		.count = 1 };
	struct rrset glue = { .owner = target,
		.rdata = ips,
		.ttl = 300,
		.type = TYPE_A,
		.count = 2 };
	struct rrset *const s[3] = { &set, &ns, &glue };
	struct answer a = { .sets = { s, s + 1, s + 2 },
		.counts = { 1, 1, 1 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	pack(r, &a, &o);
	assert_int_equal(r->m.counts[SECTION_AUTHORITY], 0);
	assert_int_equal(r->m.counts[SECTION_ADDITIONAL], 0);
	o.minimal = false;
	pack(r, &a, &o);
	assert_int_equal(r->m.counts[SECTION_AUTHORITY], 1);
	assert_int_equal(r->m.counts[SECTION_ADDITIONAL], 1);
}

static void
ttls_are_capped(void **state)
{
	struct room *r = *state;
	struct rrset set = { .owner = example,
		.rdata = ips,
		.ttl = 90000,
		.type = TYPE_A,
		.count = 1 };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets = { sets },
		.counts = { 1 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	o.ttl_max_s = 3600;
	pack(r, &a, &o);
	assert_int_equal(r->m.sets[SECTION_ANSWER][0]->ttl, 3600);
}

static void
the_addresses_at_the_end_of_the_answer_rotate(void **state)
{
	struct room *r = *state;
	struct rrset cname = { .owner = example,
		.rdata = alias,
		.ttl = 300,
		.type = TYPE_CNAME,
		.count = 1 };
	struct rrset set = { .owner = target,
		.rdata = ips,
		.sigs = &sig,
		.ttl = 300,
		.type = TYPE_A,
		.count = 3,
		.sig_count = 1 };
	struct rrset *const sets[2] = { &cname, &set };
	struct answer a = { .sets = { sets },
		.counts = { 2 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(true, true);
	const uint8_t *at;
	size_t i;

	o.first = 4;
	pack(r, &a, &o);
	assert_int_equal(r->p.rotate_count, 3);
	assert_int_equal(r->p.rotate_size, 16);
	at = r->buf + r->p.rotate_at;
	for (i = 0; i < 3; i++) {
		assert_int_equal(at[i * 16] & 0xc0, 0xc0);
		assert_int_equal(at[i * 16 + 3], TYPE_A);
		assert_memory_equal(at + i * 16 + 12, ip[(i + 1) % 3], 4);
	}
}

static void
sets_with_names_or_one_record_do_not_rotate(void **state)
{
	struct room *r = *state;
	struct rdata two[2] = { alias[0], { zone, sizeof(zone) } };
	struct rrset ns = { .owner = example,
		.rdata = two,
		.ttl = 300,
		.type = TYPE_NS,
		.count = 2 };
	struct rrset one = { .owner = example,
		.rdata = ips,
		.ttl = 300,
		.type = TYPE_A,
		.count = 1 };
	struct rrset *const s[2] = { &ns, &one };
	struct answer a = { .sets = { s }, .counts = { 1 }, .ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	pack(r, &a, &o);
	assert_int_equal(r->p.rotate_at, 0);
	a.sets[SECTION_ANSWER] = s + 1;
	pack(r, &a, &o);
	assert_int_equal(r->p.rotate_at, 0);
}

static void
an_answer_that_does_not_fit_is_not_cut(void **state)
{
	struct room *r = *state;
	struct rrset set = { .owner = example,
		.rdata = ips,
		.ttl = 300,
		.type = TYPE_A,
		.count = 3 };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets = { sets },
		.counts = { 1 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);

	assert_false(pack_answer(&a, &o, r->buf, 60, &r->p));
}

static void
chaos_records_have_the_class_of_the_question(void **state)
{
	struct room *r = *state;
	struct rdata text = { (const uint8_t *)"\003ns7", 4 };
	struct rrset set = { .owner = example,
		.rdata = &text,
		.type = TYPE_TXT,
		.count = 1 };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets = { sets },
		.counts = { 1 },
		.ede = EDE_NONE };
	struct pack_opts o = opts(false, true);
	size_t record = HEADER_BYTES + sizeof(example) + 4;

	o.qclass = CLASS_CH;
	assert_true(pack_answer(&a, &o, r->buf, PACK_MAX, &r->p));
	assert_int_equal(r->buf[record - 1], CLASS_CH);
	assert_int_equal(r->buf[record + 5], CLASS_CH);
	assert_int_equal(r->p.len, record + 12 + 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_say_what_the_answer_is),
		cmocka_unit_test(negative_answers_carry_their_soa),
		cmocka_unit_test(signatures_are_for_those_who_set_do),
		cmocka_unit_test(minimal_replies_leave_out_what_is_not_needed),
		cmocka_unit_test(ttls_are_capped),
		cmocka_unit_test(the_addresses_at_the_end_of_the_answer_rotate),
		cmocka_unit_test(sets_with_names_or_one_record_do_not_rotate),
		cmocka_unit_test(an_answer_that_does_not_fit_is_not_cut),
		cmocka_unit_test(chaos_records_have_the_class_of_the_question),
	};

	return cmocka_run_group_tests_name("pack", tests, room_open,
	    room_close);
}
