/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_dnssec.c - the judgement of signatures and denials against any message.
 *
 * The first octet chooses the zone that claims to have signed; the DNSKEY, DS,
 * NSEC and NSEC3 sets are whatever the message holds. Whatever they say, the
 * work stays within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include <hither/dnssec.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct dnssec_policy policy = { .iterations_max = 50,
	.sha1 = true,
	.obsolete = true };

/* The bound, and the dearest check that may go beyond it. */
#define FAILED_US_MAX    3520u
#define ONE_CHECK_US_MAX 4000u

struct view {
	struct arena *a;
	struct message m;
	struct dnssec_work work;
	struct rrset *all[64];
	size_t count;
	const uint8_t *zone;
};

static struct rrset *
find_type(const struct view *v, uint16_t type)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->all[i]->type == type)
			return v->all[i];
	}
	return NULL;
}

static void
deny(struct view *v)
{
	const struct denial_proof d = { .zone = v->zone,
		.sets = v->all,
		.count = v->count,
		.policy = &policy,
		.work = &v->work };
	const uint8_t *name = v->m.qname;

	(void)denial_nodata(&d, name, v->m.qtype);
	(void)denial_nxdomain(&d, name);
	(void)denial_ds(&d, name);
	for (unsigned n = name_labels(name); n > 0; n--)
		(void)denial_closer(&d, name, name_suffix(name, n - 1));
}

static void
check(struct view *v)
{
	struct key_store *store = key_store_new(4);
	struct sig_judge j = { .policy = &policy,
		.store = store,
		.work = &v->work,
		.zone = v->zone,
		.keys = find_type(v, TYPE_DNSKEY),
		.now_s = 1700000000,
		.turn_us = 1000000 };
	struct rrset *ds = find_type(v, TYPE_DS);
	struct ds which;
	enum ede ede;

	if (store != NULL && j.keys != NULL) {
		for (size_t i = 0; i < v->count; i++) {
			struct sig_walk w = { 0 };

			(void)sig_walk_on(&j, v->all[i], &w);
			if (w.tried > SET_CHECKS_MAX)
				abort();
		}
		if (ds != NULL && entry_usable(&policy, ds, &ede, &which))
			(void)dnskeys_vouched(v->a, &policy, j.keys, ds);
	}
	key_store_free(store);
}

static void
remember(struct view *v)
{
	struct spans *s = spans_new(4, 16);
	const struct span_time when = { 0, 1000, 1 };
	const struct span_question q = { .qname = v->m.qname,
		.policy = &policy,
		.work = &v->work,
		.arena = v->a,
		.generation = 1,
		.qtype = v->m.qtype,
		.without_soa = true,
		.wildcards = true };
	struct span_answer out;

	for (size_t i = 0; s != NULL && i < v->count; i++) {
		const struct rrset *set = v->all[i];

		if (spans_put(s, v->zone, set, &when) != ERR_OK &&
		    set->owner[0] != 0 &&
		    spans_put_wildcard(s, v->zone, set, name_parent(set->owner),
			&when) != ERR_OK)
			continue;
	}
	if (s != NULL && spans_ask(s, &q, &out) && out.count > SPAN_SETS_MAX)
		abort();
	spans_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct view v = { .a = arena_new(1024 * 1024),
		.work = { .good_max = 48,
		    .failed_max = 16,
		    .hashes_max = 64,
		    .failed_us_max = FAILED_US_MAX } };

	if (v.a != NULL && len > 0 &&
	    message_read(v.a, bytes + 1, len - 1, &v.m) == ERR_OK) {
		for (int s = 0; s < SECTION_COUNT; s++)
			for (size_t i = 0; i < v.m.counts[s] && v.count < 64;
			     i++)
				v.all[v.count++] = v.m.sets[s][i];
		v.zone = name_suffix(v.m.qname,
		    bytes[0] % (name_labels(v.m.qname) + 1));
		deny(&v);
		check(&v);
		remember(&v);
		if (v.work.hashes > v.work.hashes_max ||
		    v.work.failed > v.work.failed_max ||
		    v.work.failed_us > FAILED_US_MAX + ONE_CHECK_US_MAX)
			abort();
	}
	arena_free(v.a);
	return 0;
}
