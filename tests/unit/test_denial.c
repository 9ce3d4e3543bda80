/* SPDX-License-Identifier: BSD-3-Clause */
/* test_denial.c - what NSEC and NSEC3 records prove, and what they do not. */
#include "dnssec_support.h"

#include <stdio.h>

static const struct dnssec_policy policy = { .iterations_max = 50 };

struct proof {
	struct denial_proof d;
	struct dnssec_work work;
	struct arena *a;
	struct rrset *sets[8];
};

static void
proof_open(struct proof *p, const char *const *lines)
{
	memset(p, 0, sizeof(*p));
	p->a = arena_new(256 * 1024);
	p->work.hashes_max = 64;
	for (; lines[p->d.count] != NULL; p->d.count++) {
		p->sets[p->d.count] = rrset_parse(p->a, lines[p->d.count]);
		assert_non_null(p->sets[p->d.count]);
	}
	p->d.zone = name_of(p->a, "test.");
	p->d.sets = p->sets;
	p->d.policy = &policy;
	p->d.work = &p->work;
}

static void
proof_close(struct proof *p)
{
	arena_free(p->a);
}

#define NODATA(p, n, t) denial_nodata(&(p).d, name_of((p).a, n), t)
#define NXDOMAIN(p, n)  denial_nxdomain(&(p).d, name_of((p).a, n))
#define DS(p, n)        denial_ds(&(p).d, name_of((p).a, n))
#define CLOSER(p, n, w)                                                        \
	denial_closer(&(p).d, name_of((p).a, n), name_of((p).a, w))

static void
nsec_at_the_name_denies_types_it_does_not_list(void **state)
{
	static const char *const lines[] = {
		"a.test. 60 IN NSEC c.test. A RRSIG NSEC",
		"cn.test. 60 IN NSEC d.test. CNAME RRSIG NSEC",
		"del.test. 60 IN NSEC e.test. NS RRSIG NSEC",
		"test. 60 IN NSEC a.test. NS SOA RRSIG NSEC DNSKEY", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, lines);
	assert_int_equal(NODATA(p, "a.test", TYPE_AAAA), DENIAL_PROVEN);
	assert_int_equal(NODATA(p, "A.TEST", TYPE_AAAA), DENIAL_PROVEN);
	assert_int_equal(NODATA(p, "a.test", TYPE_A), DENIAL_NONE);
	assert_int_equal(NODATA(p, "cn.test", TYPE_A), DENIAL_NONE);
	/* The parent's NSEC at a delegation speaks of the DS only. */
	assert_int_equal(NODATA(p, "del.test", TYPE_A), DENIAL_NONE);
	assert_int_equal(NODATA(p, "del.test", TYPE_DS), DENIAL_PROVEN);
	/* The child's never does. */
	assert_int_equal(NODATA(p, "test", TYPE_DS), DENIAL_NONE);
	assert_int_equal(NODATA(p, "test", TYPE_A), DENIAL_PROVEN);
	proof_close(&p);
}

static void
nsec_gap_denies_a_name_only_with_its_wildcard(void **state)
{
	static const char *const both[] = {
		"b.test. 60 IN NSEC f.test. A RRSIG NSEC",
		"test. 60 IN NSEC b.test. NS SOA RRSIG NSEC", NULL
	};
	static const char *const wild[] = {
		"b.test. 60 IN NSEC f.test. A RRSIG NSEC",
		"*.test. 60 IN NSEC b.test. TXT RRSIG NSEC", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, both);
	assert_int_equal(NXDOMAIN(p, "c.test"), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "x.y.c.test"), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "b.test"), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "f.test"), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "g.test"), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "c.other"), DENIAL_NONE);
	p.d.count = 1;
	assert_int_equal(NXDOMAIN(p, "c.test"), DENIAL_NONE);
	proof_close(&p);
	proof_open(&p, wild);
	assert_int_equal(NXDOMAIN(p, "c.test"), DENIAL_NONE);
	assert_int_equal(NODATA(p, "c.test", TYPE_A), DENIAL_PROVEN);
	assert_int_equal(NODATA(p, "c.test", TYPE_TXT), DENIAL_NONE);
	assert_int_equal(CLOSER(p, "c.test", "test"), DENIAL_PROVEN);
	assert_int_equal(CLOSER(p, "b.test", "test"), DENIAL_NONE);
	proof_close(&p);
}

static void
nsec_shows_an_empty_non_terminal(void **state)
{
	static const char *const lines[] = {
		"b.test. 60 IN NSEC x.ent.test. A RRSIG NSEC",
		"test. 60 IN NSEC b.test. NS SOA RRSIG NSEC", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, lines);
	assert_int_equal(NODATA(p, "ent.test", TYPE_A), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "ent.test"), DENIAL_NONE);
	assert_int_equal(DS(p, "ent.test"), DENIAL_PROVEN);
	assert_int_equal(CLOSER(p, "ent.test", "test"), DENIAL_NONE);
	proof_close(&p);
}

static void
nsec_of_a_delegation_denies_nothing_below_it(void **state)
{
	static const char *const lines[] = {
		"del.test. 60 IN NSEC dn.test. NS RRSIG NSEC",
		"dn.test. 60 IN NSEC e.test. DNAME RRSIG NSEC",
		"test. 60 IN NSEC a.test. NS SOA RRSIG NSEC", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, lines);
	assert_int_equal(NXDOMAIN(p, "www.del.test"), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "www.dn.test"), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "delta.test"), DENIAL_PROVEN);
	assert_int_equal(DS(p, "del.test"), DENIAL_UNSIGNED);
	proof_close(&p);
}

/* CVE-2026-13321 and kin. */
static void
nsec_whose_next_name_is_outside_the_zone_is_nothing(void **state)
{
	static const char *const lines[] = {
		"b.test. 60 IN NSEC a.zoo. A RRSIG NSEC",
		"a.other. 60 IN NSEC z.test. A RRSIG NSEC",
		"test. 60 IN NSEC b.test. NS SOA RRSIG NSEC", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, lines);
	assert_int_equal(NXDOMAIN(p, "c.test"), DENIAL_NONE);
	assert_int_equal(NODATA(p, "b.test", TYPE_AAAA), DENIAL_NONE);
	proof_close(&p);
}

/* RFC 9824 section 3.1: the name is made out to exist, without types. */
static void
compact_denial_is_no_data_at_the_name(void **state)
{
	static const char *const lines[] = {
		"no.test. 60 IN NSEC \\000.no.test. RRSIG NSEC TYPE128",
		"ent.test. 60 IN NSEC \\000.ent.test. RRSIG NSEC", NULL
	};
	struct proof p;

	(void)state;
	proof_open(&p, lines);
	assert_int_equal(NODATA(p, "no.test", TYPE_A), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "no.test"), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "x.no.test"), DENIAL_NONE);
	assert_int_equal(DS(p, "no.test"), DENIAL_PROVEN);
	/* Without NXNAME the name is there, as an empty non-terminal. */
	assert_int_equal(NODATA(p, "ent.test", TYPE_A), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "ent.test"), DENIAL_NONE);
	proof_close(&p);
}

/* RFC 5155 appendix A: 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom. */
static void
nsec3_hashes_as_the_rfc_does(void **state)
{
	static const uint8_t salt[] = { 0xaa, 0xbb, 0xcc, 0xdd };
	static const uint8_t wanted[20] = { 0x06, 0x53, 0x68, 0xab, 0xee, 0xd7,
		0xec, 0x6e, 0x9f, 0xeb, 0xa9, 0x6b, 0x8c, 0x8b, 0xc3, 0xe8,
		0xb7, 0x91, 0xf7, 0x16 };
	struct arena *a = arena_new(4096);
	uint8_t got[20];

	(void)state;
	nsec3_hash(name_of(a, "Example"), 12, salt, 4, got);
	assert_memory_equal(got, wanted, 20);
	arena_free(a);
}

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

/* An NSEC3 whose owner is H(name) + first and whose next is H(name) + 1. */
static struct rrset *
nsec3_around(struct proof *p, const char *name, int first, const char *rest,
    unsigned iterations)
{
	uint8_t hash[2][20];
	char text[2][33], line[400];
	int add[2] = { first, 1 };

	for (int k = 0; k < 2; k++) {
		nsec3_hash(name_of(p->a, name), (uint16_t)iterations, NULL, 0,
		    hash[k]);
		for (int i = 19, carry = add[k]; i >= 0 && carry != 0; i--) {
			int v = hash[k][i] + carry;

			hash[k][i] = (uint8_t)v;
			carry = v < 0 ? -1 : v > 255 ? 1 : 0;
		}
		for (int i = 0; i < 32; i++) {
			int bit = i * 5, at = bit / 8;
			int two =
			    hash[k][at] << 8 | (at < 19 ? hash[k][at + 1] : 0);

			text[k][i] = digits[two >> (11 - bit % 8) & 31];
		}
		text[k][32] = '\0';
	}
	(void)snprintf(line, sizeof(line),
	    "%s.test. 60 IN NSEC3 1 %c %u - %s %s", text[0], rest[0],
	    iterations, text[1], rest + 2);
	return rrset_parse(p->a, line);
}

static void
nsec3_proves_what_nsec_does(void **state)
{
	static const char *const none[] = { NULL };
	struct proof p;

	(void)state;
	proof_open(&p, none);
	p.sets[0] = nsec3_around(&p, "test", 0, "0 NS SOA RRSIG", 0);
	p.sets[1] = nsec3_around(&p, "no.test", -1, "0 A RRSIG", 0);
	p.sets[2] = nsec3_around(&p, "*.test", -1, "0 A RRSIG", 0);
	p.sets[3] = nsec3_around(&p, "del.test", 0, "0 NS", 0);
	p.d.count = 4;
	for (size_t i = 0; i < 4; i++)
		assert_non_null(p.sets[i]);
	assert_int_equal(NXDOMAIN(p, "no.test"), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "deep.no.test"), DENIAL_PROVEN);
	assert_int_equal(NXDOMAIN(p, "yes.test"), DENIAL_NONE);
	assert_int_equal(NODATA(p, "test", TYPE_A), DENIAL_PROVEN);
	assert_int_equal(NODATA(p, "test", TYPE_NS), DENIAL_NONE);
	assert_int_equal(NXDOMAIN(p, "www.del.test"), DENIAL_NONE);
	assert_int_equal(DS(p, "del.test"), DENIAL_UNSIGNED);
	assert_int_equal(CLOSER(p, "no.test", "test"), DENIAL_PROVEN);
	assert_int_equal(CLOSER(p, "other.test", "test"), DENIAL_NONE);
	p.d.count = 2; /* without the wildcard's gap */
	assert_int_equal(NXDOMAIN(p, "no.test"), DENIAL_NONE);
	proof_close(&p);
}

static void
nsec3_opt_out_proves_less(void **state)
{
	static const char *const none[] = { NULL };
	struct proof p;

	(void)state;
	proof_open(&p, none);
	p.sets[0] = nsec3_around(&p, "test", 0, "1 NS SOA RRSIG", 0);
	p.sets[1] = nsec3_around(&p, "un.test", -1, "1 NS DS", 0);
	p.sets[2] = nsec3_around(&p, "*.test", -1, "1 A RRSIG", 0);
	p.d.count = 3;
	assert_int_equal(DS(p, "un.test"), DENIAL_OPT_OUT);
	assert_int_equal(NXDOMAIN(p, "un.test"), DENIAL_OPT_OUT);
	assert_int_equal(NXDOMAIN(p, "x.un.test"), DENIAL_OPT_OUT);
	proof_close(&p);
}

static void
nsec3_iterations_beyond_the_limit_are_not_hashed(void **state)
{
	static const char *const none[] = { NULL };
	struct proof p;

	(void)state;
	proof_open(&p, none);
	p.sets[0] = nsec3_around(&p, "test", 0, "0 NS SOA RRSIG", 51);
	p.d.count = 1;
	assert_int_equal(NODATA(p, "test", TYPE_A), DENIAL_ITERATIONS);
	assert_int_equal(p.work.hashes, 0);
	p.sets[0] = nsec3_around(&p, "test", 0, "0 NS SOA RRSIG", 50);
	assert_int_equal(NODATA(p, "test", TYPE_A), DENIAL_PROVEN);
	proof_close(&p);
}

static void
nsec3_work_ends_at_the_budget(void **state)
{
	static const char *const none[] = { NULL };
	char deep[242];
	struct proof p;

	(void)state;
	for (size_t i = 0; i < 240; i++)
		deep[i] = i & 1 ? '.' : 'a';
	memcpy(deep + 236, "test.", 6);
	proof_open(&p, none);
	p.sets[0] = nsec3_around(&p, "zz.test", 0, "0 A", 0);
	p.d.count = 1;
	assert_int_equal(NXDOMAIN(p, deep), DENIAL_LIMIT);
	assert_int_equal(p.work.hashes, 64);
	proof_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    nsec_at_the_name_denies_types_it_does_not_list),
		cmocka_unit_test(nsec_gap_denies_a_name_only_with_its_wildcard),
		cmocka_unit_test(nsec_shows_an_empty_non_terminal),
		cmocka_unit_test(nsec_of_a_delegation_denies_nothing_below_it),
		cmocka_unit_test(
		    nsec_whose_next_name_is_outside_the_zone_is_nothing),
		cmocka_unit_test(compact_denial_is_no_data_at_the_name),
		cmocka_unit_test(nsec3_hashes_as_the_rfc_does),
		cmocka_unit_test(nsec3_proves_what_nsec_does),
		cmocka_unit_test(nsec3_opt_out_proves_less),
		cmocka_unit_test(
		    nsec3_iterations_beyond_the_limit_are_not_hashed),
		cmocka_unit_test(nsec3_work_ends_at_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
