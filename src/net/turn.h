/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn.h - what this room itself does at the end of a turn of the loop.
 *
 * The callers' functions run first; then streams are flushed, then datagrams,
 * so that an answer found in any of them leaves in the turn it was found in.
 */
#ifndef HITHER_NET_TURN_H
#define HITHER_NET_TURN_H

#include <hither/net.h>

enum turn_stage { TURN_CALLERS, TURN_STREAMS, TURN_DATAGRAMS, TURN_STAGES };

/* Lies in its user; linked by loop_hook_*() only. */
struct turn_hook {
	void (*fn)(void *user);
	void *user;
	struct turn_hook *next;
};

/* False: nobody runs it, and no hook is going to be called. */
bool loop_is_turning(const struct loop *l);

/* Something took long: the turn's time is read anew. */
void loop_time_passed(struct loop *l);

void loop_hook_add(struct loop *l, enum turn_stage stage, struct turn_hook *h);
/* Hooks that were never added are fine. */
void loop_hook_remove(struct loop *l, enum turn_stage stage,
    struct turn_hook *h);

#endif
