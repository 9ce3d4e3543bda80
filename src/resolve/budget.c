/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * budget.c - what a question may cost, and whether it has had it: the driver
 * asks.
 *
 * All have equally much time, so that they run out of it in the order in which
 * they began: a list of them and one timer, for whoever is first, do. (A timer
 * each made the loop's heap twice as deep, and every step in it touches some
 * other task.)
 */
#include "task.h"

/* Without the timer a task still ends: its flights do. */
static void
arm(struct resolver *rs)
{
	if (rs->deadline_first != NULL &&
	    timer_arm(rs->o.timers, &rs->deadline,
		rs->deadline_first->budget.deadline_us) != ERR_OK)
		rs->deadline_first->last_trouble = "no memory for a timer";
}

void
budget_forget_deadline(struct task *t)
{
	struct resolver *rs = t->rs;

	if (!t->waits_for_deadline)
		return;
	t->waits_for_deadline = false;
	if (t->deadline_before != NULL)
		t->deadline_before->deadline_after = t->deadline_after;
	else
		rs->deadline_first = t->deadline_after;
	if (t->deadline_after != NULL)
		t->deadline_after->deadline_before = t->deadline_before;
	else
		rs->deadline_last = t->deadline_before;
	if (rs->deadline_first == NULL)
		timer_cancel(rs->o.timers, &rs->deadline);
}

/* It may be that whoever it was armed for has ended long ago. */
static void
on_deadline(void *user)
{
	struct resolver *rs = user;
	struct task *t;

	resolver_read_clocks(rs);
	while ((t = rs->deadline_first) != NULL &&
	       t->budget.deadline_us <= rs->now_us) {
		budget_forget_deadline(t);
		task_ready(t);
	}
	arm(rs);
}

static void
await_deadline(struct task *t)
{
	struct resolver *rs = t->rs;

	t->waits_for_deadline = true;
	t->deadline_after = NULL;
	t->deadline_before = rs->deadline_last;
	if (rs->deadline_last != NULL)
		rs->deadline_last->deadline_after = t;
	else
		rs->deadline_first = t;
	rs->deadline_last = t;
	rs->deadline.fire = on_deadline;
	rs->deadline.user = rs;
	if (rs->deadline.slot == 0)
		arm(rs);
}

void
task_give_budget(struct task *t)
{
	struct resolver *rs = t->rs;

	if (t->owns_budget)
		return;
	t->owns_budget = true;
	t->budget.work =
	    (struct dnssec_work){ .good_max = rs->o.good_checks_max,
		    .failed_max = rs->o.checks_max,
		    .good_us_max = rs->o.good_checks_us_max,
		    .failed_us_max = rs->o.checks_us_max,
		    .hashes_max = rs->o.hashes_max };
	t->budget.deadline_us = rs->now_us + (uint64_t)rs->o.time_max_ms * 1000;
	await_deadline(t);
}

/* The only place where a budget ends a task. */
enum stage
budget_end(struct task *t, enum limit which)
{
	struct resolver_counts *n = &t->rs->counts;
	const struct {
		uint64_t *count;
		const char *why;
	} limits[] = {
		[LIMIT_TIME] = { &n->limit_time, "out of time" },
		[LIMIT_MESSAGES] = { &n->limit_messages,
		    "too many messages for one question" },
		[LIMIT_BYTES] = { &n->limit_bytes,
		    "too many octets for one question" },
		[LIMIT_CHECKS] = { &n->limit_checks,
		    "too many signatures or hashes for one question" },
		[LIMIT_STEPS] = { &n->limit_steps,
		    "too many steps for one question" },
		[LIMIT_MEMORY] = { &n->limit_memory,
		    "too much memory for one question" },
	};

	(*limits[which].count)++;
	return task_fail(t,
	    which == LIMIT_TIME ? EDE_NO_REACHABLE_AUTHORITY : EDE_OTHER,
	    limits[which].why);
}
