/* SPDX-License-Identifier: BSD-3-Clause */
/* servers_support.h - addresses and their lives for the servers' tests. */
#ifndef HITHER_TESTS_SERVERS_SUPPORT_H
#define HITHER_TESTS_SERVERS_SUPPORT_H

#include <stdio.h>
#include <string.h>

#include <hither/servers.h>

#include "support.h"

#define MS  UINT64_C(1000)
#define SEC UINT64_C(1000000)

static inline struct servers *
servers_start(uint32_t budget_permille)
{
	struct servers_opts o = {
		.max_entries = 1000,
		.budget_permille = budget_permille,
	};
	struct servers *sv = servers_new(&o);

	assert_non_null(sv);
	return sv;
}

/* 10.x.0.1, each in a network of its own; from 100 on IPv6. */
static inline struct addr
address(unsigned i)
{
	struct addr a;
	char text[64];

	if (i < 100)
		snprintf(text, sizeof(text), "10.%u.0.1", i);
	else
		snprintf(text, sizeof(text), "2001:db8:%u::1", i);
	assert_int_equal(addr_parse(text, 53, &a), ERR_OK);
	return a;
}

static inline void
answer(struct servers *sv, const struct addr *a, uint64_t rtt_us,
    uint64_t now_us)
{
	struct servers_sample s = {
		.address = a,
		.rtt_us = (uint32_t)rtt_us,
		.edns_seen = true,
	};

	servers_answered(sv, &s, now_us);
}

static inline void
answers_n(struct servers *sv, const struct addr *a, uint64_t rtt_us, unsigned n,
    uint64_t *now_us)
{
	while (n-- > 0) {
		answer(sv, a, rtt_us, *now_us);
		*now_us += 200 * MS;
	}
}

/* Silence on the n-th name. */
static inline void
silence(struct servers *sv, const struct addr *a, unsigned n, uint64_t now_us)
{
	struct name qname;
	char text[64];

	snprintf(text, sizeof(text), "n%u.test", n);
	assert_int_equal(name_parse(text, &qname), ERR_OK);
	servers_silent(sv, a, qname.wire, now_us);
}

static inline struct server_view
look(struct servers *sv, const struct addr *a, uint64_t now_us)
{
	struct server_view v;

	assert_true(servers_look(sv, a, NULL, now_us, &v));
	return v;
}

#endif
