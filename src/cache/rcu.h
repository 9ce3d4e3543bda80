/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rcu.h - the one door to liburcu (memb flavour).
 *
 * ThreadSanitizer cannot see the ordering liburcu gives us, because the
 * library is not built with it. What we rely on is spelled out to it here:
 * the end of a read section happens before a reclamation that follows it,
 * and so does asking for it. `token` is any address both sides agree on.
 */
#ifndef HITHER_CACHE_RCU_H
#define HITHER_CACHE_RCU_H

#if defined(__SANITIZE_THREAD__)
#define RCU_TELLS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TELLS_TSAN 1
#endif
#endif

/*
 * Entering and leaving inline: 75 instructions less for a look-up. Inline,
 * ThreadSanitizer would see half of what happens, and call it a race.
 */
#ifndef RCU_TELLS_TSAN
#define _LGPL_SOURCE 1
#define URCU_INLINE_SMALL_FUNCTIONS 1
#endif
#include <urcu/urcu-memb.h>

#ifdef RCU_TELLS_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#endif

static inline void
rcu_enter(void)
{
	urcu_memb_read_lock();
}

static inline void
rcu_leave(void *token)
{
#ifdef RCU_TELLS_TSAN
	__tsan_release(token);
#else
	(void)token;
#endif
	urcu_memb_read_unlock();
}

/* Calls fn(head) after a grace period, on liburcu's own thread. */
static inline void
rcu_later(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
#ifdef RCU_TELLS_TSAN
	__tsan_release(head);
#endif
	urcu_memb_call_rcu(head, fn);
}

/* First thing in such a call. */
static inline void
rcu_called(struct rcu_head *head)
{
#ifdef RCU_TELLS_TSAN
	__tsan_acquire(head);
#else
	(void)head;
#endif
}

/* Then: no reader of before is left. */
static inline void
rcu_readers_gone(void *token)
{
#ifdef RCU_TELLS_TSAN
	__tsan_acquire(token);
#else
	(void)token;
#endif
}

#endif
