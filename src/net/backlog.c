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
#include <unistd.h>

#include "sock.h"

/*
 * The system doubles it and counts 768 octets for a short question: 6,800 of
 * them. Enough for what comes while a quota keeps us waiting for 60 ms, also
 * when it is twice the misses we can do.
 */
#define LONG_BYTES (2560 * 1024)
/* 430 questions: what comes in a millisecond when too many come. */
#define SHORT_BYTES (LONG_BYTES / 16)
/* Then it is tried again whether a long one holds all that comes. */
#define SHORT_FOR_MS 2000u

static void
set_room(int fd, int bytes)
{
	if (!sock_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		(void)sock_set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

void
backlog_make_room(int fd)
{
	set_room(fd, LONG_BYTES);
}

static int
room_of(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len);
	return bytes;
}

/* Not by who was root when it was made long, and has given that up. */
static bool
could_be_made_again(int fd)
{
	const int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool could;

	if (probe == -1)
		return false;
	backlog_make_room(probe);
	could = room_of(probe) >= room_of(fd);
	(void)close(probe);
	return could;
}

static void
shorten(struct backlog *b, int fd)
{
	if (b->short_ms != 0 || !could_be_made_again(fd))
		return;
	set_room(fd, SHORT_BYTES);
	b->short_ms = clock_boot_ms();
}

static void
lengthen(struct backlog *b, int fd)
{
	if (b->short_ms == 0 || clock_boot_ms() - b->short_ms < SHORT_FOR_MS)
		return;
	backlog_make_room(fd);
	b->short_ms = 0;
}

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

/* Has it run over since it was last empty? */
static bool
is_spilling(struct backlog *b, int fd)
{
	if (!b->spilling && has_lost(b, fd)) {
		b->spilling = true;
		shorten(b, fd);
	}
	return b->spilling;
}

void
backlog_grows(struct backlog *b, int fd)
{
	if (!is_spilling(b, fd) || b->watched)
		return;
	b->watched = true;
	(void)age_us(fd); /* begins the stamping */
}

bool
backlog_is_overdue(struct backlog *b, int fd, size_t n)
{
	if (!b->watched || age_us(fd) <= BACKLOG_PATIENCE_US ||
	    !is_spilling(b, fd))
		return false;
	b->overdue += n;
	return true;
}

void
backlog_ends(struct backlog *b, int fd)
{
	if (b->spilling)
		(void)has_lost(b, fd);
	b->spilling = false;
	lengthen(b, fd);
}
