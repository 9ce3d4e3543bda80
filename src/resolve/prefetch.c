/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prefetch.c - what is still asked for near the end of its life is asked anew
 * before it ends, so that no client waits for it.
 *
 * How near depends on the name: a share of its life, or, where finding out
 * took long, twice that time. One refresh a name at a time, none while the
 * resolver is busy, and none again soon after one has failed.
 */
#include "task.h"

/* From when on a record that lives until expires_ms is due; never: MAX. */
uint64_t
refresh_due_ms(const struct resolver *rs, uint64_t expires_ms, uint64_t life_ms,
    uint32_t cost_ms)
{
	uint64_t lead_ms = life_ms * rs->o.prefetch_percent / 100;

	if (rs->o.prefetch_percent == 0)
		return UINT64_MAX;
	if (lead_ms < 2 * (uint64_t)cost_ms)
		lead_ms = 2 * (uint64_t)cost_ms;
	if (lead_ms > life_ms / 2)
		lead_ms = life_ms / 2;
	return expires_ms - lead_ms;
}

static bool
is_busy(const struct resolver *rs)
{
	return rs->counts.tasks > rs->o.tasks_max / 2;
}

/* Asks (sname, qtype) anew while the task goes its way. */
void
prefetch_begin(struct task *t)
{
	struct resolver *rs = t->rs;
	const struct task_key k = { .qname = t->sname.wire,
		.qtype = t->qtype,
		.trace = t->trace,
		.checking_disabled = t->checking_disabled,
		.refresh = true };
	struct task *refresh;
	struct record failed;

	if (is_busy(rs) || task_find(rs, &k) != NULL ||
	    failed_lately(t, &failed))
		return;
	refresh = task_find_or_begin(rs, &k, 0);
	if (refresh == NULL)
		return;
	task_give_budget(refresh);
	rs->counts.prefetched++;
	task_note(t, "asked anew meanwhile");
}

/* r answered the task; it may be the last time without a new question. */
void
prefetch_maybe(struct task *t, const struct record *r)
{
	struct resolver *rs = t->rs;
	uint64_t due = refresh_due_ms(rs, r->expires_ms,
	    r->expires_ms - r->stored_ms, r->cost_ms);

	if (due < t->refresh_ms)
		t->refresh_ms = due;
	if (rs->ttl_ms < due || t->cache_only)
		return;
	/* The packed answer that follows need not ask for it again. */
	t->refresh_ms = 0;
	prefetch_begin(t);
}
