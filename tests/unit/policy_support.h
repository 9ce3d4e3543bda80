/* SPDX-License-Identifier: BSD-3-Clause */
/* policy_support.h - a policy, and what is asked of it. */
#ifndef HITHER_TESTS_POLICY_SUPPORT_H
#define HITHER_TESTS_POLICY_SUPPORT_H

#include <hither/policy.h>

#include "support.h"

struct bench {
	struct arena *arena; /* of the answers */
	struct policy *policy;
	struct answer answer;
	const struct addr *client; /* NULL: of no view */
	bool inform;
};

static inline void
bench_start(struct bench *b, const struct policy_opts *o)
{
	const char *bad;

	*b = (struct bench){ .policy = policy_new(o, &bad) };
	assert_non_null(b->policy);
	b->arena = arena_new(1 << 20);
	assert_non_null(b->arena);
}

static inline void
bench_stop(struct bench *b)
{
	policy_free(b->policy);
	arena_free(b->arena);
}

static inline struct access_rule
rule(const char *text, enum access access)
{
	struct access_rule r = { .access = access };

	assert_int_equal(prefix_parse(text, &r.net), ERR_OK);
	return r;
}

static inline enum policy_verdict
ask(struct bench *b, const char *name, uint16_t type)
{
	struct name n;
	struct policy_question q = { .client = b->client, .qtype = type };
	enum policy_verdict v;

	assert_int_equal(name_parse(name, &n), ERR_OK);
	q.qname = n.wire;
	v = policy_answer(b->policy, &q, b->arena, &b->answer);
	b->inform = q.inform;
	return v;
}

#endif
