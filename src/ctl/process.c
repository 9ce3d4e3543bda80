/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c - what the kernel says of this process, under the names that
 * Prometheus' own clients give it. What /proc does not tell is left out.
 */
#include "inside.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
gauge(FILE *out, const char *name, const char *help, double value)
{
	fprintf(out,
	    "# HELP process_%s %s\n# TYPE process_%s gauge\n"
	    "process_%s %.15g\n",
	    name, help, name, name, value);
}

static void
write_cpu(FILE *out)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return;
	fprintf(out,
	    "# HELP process_cpu_seconds_total CPU time spent.\n"
	    "# TYPE process_cpu_seconds_total counter\n"
	    "process_cpu_seconds_total %.6f\n",
	    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

/* Pages: all of it, and what is in memory. */
static void
write_memory(FILE *out)
{
	unsigned long long all, resident;
	FILE *f = fopen("/proc/self/statm", "re");
	double page = (double)sysconf(_SC_PAGESIZE);

	if (f == NULL)
		return;
	if (fscanf(f, "%llu %llu", &all, &resident) == 2) {
		gauge(out, "virtual_memory_bytes", "Address space in use.",
		    (double)all * page);
		gauge(out, "resident_memory_bytes", "Memory in use.",
		    (double)resident * page);
	}
	(void)fclose(f);
}

static void
write_descriptors(FILE *out)
{
	DIR *d = opendir("/proc/self/fd");
	struct rlimit most;
	size_t n = 0;

	if (d == NULL)
		return;
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	/* One of them is the folder that was read. */
	gauge(out, "open_fds", "Open descriptors.", (double)(n - 1));
	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		gauge(out, "max_fds", "So many may be open.",
		    (double)most.rlim_cur);
}

void
process_metrics(FILE *out)
{
	write_cpu(out);
	write_memory(out);
	write_descriptors(out);
}
