/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.c - has a question had all that it may cost? The driver asks. */
#include "task.h"

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
