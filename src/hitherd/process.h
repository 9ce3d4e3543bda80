/* SPDX-License-Identifier: BSD-3-Clause */
/* process.h - what the process owes the system it runs on. */
#ifndef HITHER_HITHERD_PROCESS_H
#define HITHER_HITHERD_PROCESS_H

#include <hither/conf.h>

/* Processors this process may keep busy: affinity and cgroup quota. >= 1. */
unsigned processors_allowed(void);
/* Hundredths of a processor in a cpu.max line, or 0: no limit. */
unsigned long quota_parse(const char *line);

/*
 * Raises the soft limit of descriptors towards `wanted`; returns what is
 * allowed now.
 */
size_t descriptors_allow(size_t wanted);

/*
 * Gives up root, when we have it, for server.user or "hither". Refuses to go
 * on as root unless server.allow-root says so. After the sockets are bound,
 * before any thread exists.
 */
enum err privileges_drop(
    const struct conf *c, char *why, size_t size) MUST_USE;

/* "READY=1"; nothing happens when nobody asked. */
void supervisor_tell(const char *state);
/* Half the watchdog's period, or 0: no watchdog. */
uint64_t supervisor_watchdog_us(void);

#endif
