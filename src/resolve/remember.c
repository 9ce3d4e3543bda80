/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remember.c - what was proven and may answer again without a question (RFC
 * 8198): spans between names, with the SOA of their zone, and wildcards.
 */
#include "task.h"

/* What denies, and the SOA that goes with it, may serve again. */
void
remember_span(struct task *t, const struct item *it)
{
	uint64_t now = t->rs->ttl_ms;
	struct span_time when = { .now_ms = now,
		.generation = trust_generation(t) };
	const struct rrset *soa = t->reply.soa;
	uint16_t type = it->set->type;
	uint32_t ttl = it->set->ttl;

	if ((type != TYPE_NSEC && type != TYPE_NSEC3 && type != TYPE_SOA) ||
	    it->wildcard_parent != NULL || t->cold)
		return;
	/* RFC 9077: no longer than the zone lets a denial live. */
	if (soa != NULL && soa->ttl < ttl)
		ttl = soa->ttl;
	if (soa != NULL && soa_minimum(&soa->rdata[0]) < ttl)
		ttl = soa_minimum(&soa->rdata[0]);
	when.expires_ms = now + ttl * UINT64_C(1000);
	if (spans_put(t->rs->spans, it->zone, it->set, &when) != ERR_OK)
		task_note(t, "a span is not kept");
}

/* So may a wildcard, where it is proven that nothing stood before it. */
void
remember_wildcard(struct task *t, const struct item *it)
{
	uint64_t now = t->rs->ttl_ms;
	struct span_time when = { .now_ms = now,
		.expires_ms = now + it->set->ttl * UINT64_C(1000),
		.generation = trust_generation(t) };

	if (!t->cold && !t->reply.from_memory &&
	    spans_put_wildcard(t->rs->spans, it->zone, it->set,
		it->wildcard_parent, &when) != ERR_OK)
		task_note(t, "a wildcard is not kept");
}
