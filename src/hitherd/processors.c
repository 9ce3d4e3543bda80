/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processors.c - how many threads are worth having.
 *
 * The least of: processors we may be scheduled on, and the time our control
 * group and each one above it may use. A container with half a processor has
 * no use for a thread on each of the host's sixty-four.
 */
#include "process.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 4096

/* "150000 100000" is one and a half, "max 100000" no limit. */
unsigned long
quota_parse(const char *line)
{
	unsigned long quota, period;

	if (sscanf(line, "%lu %lu", &quota, &period) != 2 || period == 0)
		return 0;
	quota = quota / (period / 100 > 0 ? period / 100 : 1);
	return quota > 0 ? quota : 1;
}

/* Hundredths of a processor, 0 when nothing is said. */
static unsigned long
group_quota(const char *group)
{
	char path[GROUP_MAX + 64], line[64];
	unsigned long quota = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		quota = quota_parse(line);
	(void)fclose(f);
	return quota;
}

/* Our group in the unified hierarchy: the line "0::/path". */
static bool
own_group(char *out, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[GROUP_MAX];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		found = strlen(line + 3) < size;
		if (found)
			memcpy(out, line + 3, strlen(line + 3) + 1);
	}
	(void)fclose(f);
	return found;
}

unsigned
processors_allowed(void)
{
	char group[GROUP_MAX] = "";
	unsigned n = 1;
	cpu_set_t set;
	char *slash = NULL;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (!own_group(group, sizeof(group)))
		group[0] = '\0';
	do {
		unsigned long hundredths;

		if (slash != NULL)
			*slash = '\0';
		hundredths = group_quota(group);
		if (hundredths != 0 && (hundredths + 99) / 100 < n)
			n = (unsigned)((hundredths + 99) / 100);
		slash = strrchr(group, '/');
	} while (slash != NULL);
	return n > 0 ? n : 1;
}
