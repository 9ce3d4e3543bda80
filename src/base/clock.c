/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.c - three clocks, one for each kind of question.
 *
 * Timers use a clock that never jumps; TTLs one that also counts the time
 * the machine slept, or records would outlive their owners' wish; the wall
 * clock serves signatures, saved state and logs only.
 */
#include <hither/base.h>

#include <stdatomic.h>
#include <time.h>

static atomic_bool ttl_is_wall;

static struct timespec
read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts);
	return ts;
}

uint64_t
clock_mono_us(void)
{
	struct timespec ts = read_clock(CLOCK_MONOTONIC);

	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t
clock_boot_ms(void)
{
	bool wall = atomic_load_explicit(&ttl_is_wall, memory_order_relaxed);
	struct timespec ts = read_clock(wall ? CLOCK_REALTIME : CLOCK_BOOTTIME);

	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

uint64_t
clock_real_s(void)
{
	return (uint64_t)read_clock(CLOCK_REALTIME).tv_sec;
}

void
clock_ttl_follows_wall(void)
{
	atomic_store(&ttl_is_wall, true);
}
