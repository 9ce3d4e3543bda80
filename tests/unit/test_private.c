/* SPDX-License-Identifier: BSD-3-Clause */
/* Public names do not lead into private networks. */
#include "policy_support.h"

/* How many records of this one-record set may be told to who asked `name`. */
static size_t
told(struct bench *b, const char *name, const char *record)
{
	struct rrset *set = rrset_parse(b->arena, record);
	struct rrset *const sets[1] = { set };
	struct answer a = { .sets = { sets },
		.counts = { 1 },
		.ede = EDE_NONE,
		.secure = true };
	const struct answer *out;
	struct name n;

	assert_non_null(set);
	assert_int_equal(name_parse(name, &n), ERR_OK);
	out = policy_screen(b->policy, n.wire, b->arena, &a);
	assert_true(out == &a || (!out->secure && out->ede == EDE_BLOCKED));
	return out->counts[SECTION_ANSWER];
}

static void
public_names_do_not_lead_into_private_networks(void **state)
{
	static const char *const hidden[] = { "x. 1 A 10.0.0.0",
		"x. 1 A 10.255.255.255", "x. 1 AAAA fd00::1",
		"x. 1 AAAA ::ffff:10.0.0.1", "x. 1 AAAA ::10.0.0.1",
		"x. 1 AAAA 64:ff9b::10.0.0.1",
		"x. 1 AAAA 2002:a00:1::", "x. 1 HTTPS 1 . ipv4hint=10.0.0.1",
		"x. 1 HTTPS 1 y. alpn=h2 ipv6hint=2001:db8::1,fd00::1",
		"x. 1 SVCB 1 y. port=53 ipv6hint=::ffff:10.0.0.1" };
	static const char *const open[] = { "x. 1 A 9.255.255.255",
		"x. 1 A 11.0.0.0", "x. 1 AAAA 2001:db8::10.0.0.1",
		"x. 1 AAAA fc00::1", "x. 1 TXT 10.0.0.1", "x. 1 HTTPS 0 y.",
		"x. 1 HTTPS 1 . ipv4hint=11.0.0.1" };
	struct prefix nets[2];
	const uint8_t *const names[1] = { (const uint8_t *)"\004home" };
	struct policy_opts o = { .private_nets = nets,
		.private_count = 2,
		.private_names = names,
		.private_name_count = 1 };
	struct bench b;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/8", &nets[0]), ERR_OK);
	assert_int_equal(prefix_parse("fd00::/8", &nets[1]), ERR_OK);
	bench_start(&b, &o);
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		assert_int_equal(told(&b, "x.", hidden[i]), 0);
		assert_int_equal(told(&b, "x.HOME.", hidden[i]), 1);
		assert_int_equal(told(&b, "x.home.example.", hidden[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		assert_int_equal(told(&b, "x.", open[i]), 1);
	bench_stop(&b);
}

static void
only_what_is_private_goes_and_with_it_the_signatures(void **state)
{
	static const struct rdata kept[3] = {
		{ (const uint8_t *)"\300\0\2\1", 4 },
		{ (const uint8_t *)"\12\1\2\3", 4 },
		{ (const uint8_t *)"\300\0\2\2", 4 },
	};
	struct rrset set = { .owner = name_root,
		.rdata = kept,
		.sigs = kept,
		.type = TYPE_A,
		.count = 3,
		.sig_count = 1 };
	struct rrset *const sets[2] = { &set, &set };
	struct answer a = { .sets = { sets }, .counts = { 2 } };
	struct prefix net;
	struct policy_opts o = { .private_nets = &net, .private_count = 1 };
	const struct answer *out;
	struct bench b;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/8", &net), ERR_OK);
	bench_start(&b, &o);
	out = policy_screen(b.policy, name_root, b.arena, &a);
	assert_int_equal(out->counts[SECTION_ANSWER], 2);
	for (size_t i = 0; i < 2; i++) {
		const struct rrset *s = out->sets[SECTION_ANSWER][i];

		assert_int_equal(s->count, 2);
		assert_int_equal(s->sig_count, 0);
		assert_int_equal(s->rdata[0].bytes[3], 1);
		assert_int_equal(s->rdata[1].bytes[3], 2);
	}
	assert_int_equal(set.count, 3);
	bench_stop(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    public_names_do_not_lead_into_private_networks),
		cmocka_unit_test(
		    only_what_is_private_goes_and_with_it_the_signatures),
	};

	return cmocka_run_group_tests_name("private", tests, NULL, NULL);
}
