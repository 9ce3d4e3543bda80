/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * supervisor.c - telling whoever started us how we are.
 *
 * The protocol of sd_notify(3), which is one datagram to a named socket.
 * libsystemd would do it too, and bring six more libraries with it: a
 * millisecond of every start and code we have no other use for.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "/path", or "@name" for one in the abstract namespace. 0: neither. */
static socklen_t
supervisor_address(struct sockaddr_un *sun)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name != NULL ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(sun->sun_path) ||
	    (name[0] != '/' && name[0] != '@'))
		return 0;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, name, len);
	if (name[0] == '@')
		sun->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void
supervisor_tell(const char *state)
{
	struct sockaddr_un sun;
	const socklen_t len = supervisor_address(&sun);
	int fd;

	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&sun, len);
	(void)close(fd);
}

/* A number above 0 in the environment, or 0. */
static uint64_t
number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long n;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	n = strtoull(text, &end, 10);
	return *end == '\0' ? n : 0;
}

uint64_t
supervisor_watchdog_us(void)
{
	const uint64_t us = number_of("WATCHDOG_USEC");
	const bool is_ours = getenv("WATCHDOG_PID") == NULL ||
			     number_of("WATCHDOG_PID") == (uint64_t)getpid();

	/* Beyond a month it is no watchdog, and a clock must not wrap. */
	return is_ours && us <= UINT64_C(2592000000000) ? us / 2 : 0;
}
