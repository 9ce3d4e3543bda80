/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats_dnssec.c - what validation came to, for `hitherctl stats`: verdicts,
 * what was bogus by its reason (RFC 8914), signatures checked by algorithm.
 */
#include "inside.h"

#include <stdio.h>

#include <hither/dnssec.h>

static json_t *
verdicts_json(const struct resolver_counts *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(c->verdicts); i++)
		(void)json_object_set_new(o, verdict_text((enum verdict)i),
		    json_count(c->verdicts[i]));
	return o;
}

static json_t *
reasons_json(const struct resolver_counts *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(c->bogus); i++) {
		if (c->bogus[i] > 0)
			(void)json_object_set_new(o, ede_title((enum ede)i),
			    json_count(c->bogus[i]));
	}
	return o;
}

static json_t *
checks_json(const struct resolver_counts *c)
{
	json_t *o = json_object();
	char name[24];

	for (size_t i = 0; i < ARRAY_LEN(c->dnssec_checks); i++) {
		if (c->dnssec_checks[i] > 0)
			(void)json_object_set_new(o,
			    algorithm_text((uint8_t)i, name),
			    json_count(c->dnssec_checks[i]));
	}
	return o;
}

json_t *
dnssec_json(const struct resolver_counts *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "results",
	    verdicts_json(c), "bogus", reasons_json(c), "verifications",
	    checks_json(c), "denied_from_memory", json_count(c->spans_used),
	    "too_much_work", json_count(c->limit_checks));
}
