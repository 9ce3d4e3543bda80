/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backlog.c - when more questions come than can be answered.
 *
 * The age of a question is told by the system's time stamp of the last one
 * read. The system begins to stamp when it is first asked, and then stamps
 * everything (25 ns a packet): so it is not asked before a queue has run over
 * for the first time, and what lies in that one may be answered, old as it is.
 */
#include "backlog.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

uint32_t
backlog_drops(int fd)
{
	uint32_t figures[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(figures);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &len) != 0)
		return 0;
	return figures[SK_MEMINFO_DROPS];
}

/* Has the system thrown anything away since this was last called? */
static bool
has_lost(struct backlog *b, int fd)
{
	const uint32_t before = b->drops;

	b->drops = backlog_drops(fd);
	return b->drops != before;
}

/*
 * Of the question read last; 0 when it is not known. Both clocks are the wall
 * clock: after it was set, ages are wrong for as long as a queue lasts.
 */
static uint64_t
age_us(int fd)
{
	struct timespec came, now;
	int64_t ns;

	if (ioctl(fd, SIOCGSTAMPNS, &came) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	ns = (now.tv_sec - came.tv_sec) * INT64_C(1000000000) +
	     (now.tv_nsec - came.tv_nsec);
	return ns > 0 ? (uint64_t)ns / 1000u : 0;
}

void
backlog_grows(struct backlog *b, int fd)
{
	if (b->spilling || !has_lost(b, fd))
		return;
	b->spilling = true;
	if (b->watched)
		return;
	b->watched = true;
	(void)age_us(fd); /* begins the stamping */
}

bool
backlog_is_overdue(struct backlog *b, int fd, size_t n)
{
	if (!b->watched || age_us(fd) <= BACKLOG_PATIENCE_US)
		return false;
	if (!b->spilling)
		b->spilling = has_lost(b, fd);
	if (b->spilling)
		b->overdue += n;
	return b->spilling;
}

void
backlog_ends(struct backlog *b, int fd)
{
	if (!b->spilling)
		return;
	b->spilling = false;
	(void)has_lost(b, fd);
}
