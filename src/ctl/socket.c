/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * socket.c - the Unix socket: who may connect is what its mode and group say;
 * and TCP sockets for figures.
 *
 * A path at which nobody answers is left over from a process that died and is
 * replaced. A path that is no socket, or at which somebody answers, is left
 * alone. The socket is never reachable with wider rights than it ends with:
 * it is made under a mask that lets nobody else in.
 */
#include "inside.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

static bool
address_of(const char *path, struct sockaddr_un *out)
{
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(out->sun_path))
		return false;
	memcpy(out->sun_path, path, strlen(path) + 1);
	return true;
}

static bool
somebody_answers(const struct sockaddr_un *sun)
{
	/* Who has not looked for long has a full queue, and is there. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered;

	if (fd == -1)
		return true;
	answered = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0;
	/* Only a refusal proves that nobody listens. */
	if (!answered && errno != ECONNREFUSED && errno != ENOENT)
		answered = true;
	(void)close(fd);
	return answered;
}

/* Makes room at the path. */
static bool
clear_path(const struct sockaddr_un *sun, char *why, size_t size)
{
	const char *path = sun->sun_path;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return true;
		(void)snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		(void)snprintf(why, size, "%s exists and is no socket", path);
		return false;
	}
	if (somebody_answers(sun)) {
		(void)snprintf(why, size, "%s: another hitherd answers there",
		    path);
		return false;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		(void)snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static bool
give_rights(const struct ctl_opts *o, char *why, size_t size)
{
	struct group *g;

	if (o->group[0] != '\0') {
		g = getgrnam(o->group);
		if (g == NULL) {
			(void)snprintf(why, size,
			    "control.group: there is no group \"%s\"",
			    o->group);
			return false;
		}
		if (chown(o->socket, (uid_t)-1, g->gr_gid) != 0) {
			(void)snprintf(why, size,
			    "%s: cannot give it to %s: "
			    "%s",
			    o->socket, o->group, strerror(errno));
			return false;
		}
	}
	if (chmod(o->socket, (mode_t)o->mode) != 0) {
		(void)snprintf(why, size, "%s: %s", o->socket, strerror(errno));
		return false;
	}
	return true;
}

int
socket_listen(const struct ctl_opts *o, char *why, size_t size)
{
	struct sockaddr_un sun;
	mode_t mask;
	int fd, bound;

	if (!address_of(o->socket, &sun)) {
		(void)snprintf(why, size, "%s: the path is too long",
		    o->socket);
		return -1;
	}
	if (!clear_path(&sun, why, size))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		(void)snprintf(why, size, "socket: %s", strerror(errno));
		return -1;
	}
	mask = umask(0177);
	bound = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask);
	if (bound != 0 || listen(fd, BACKLOG) != 0) {
		(void)snprintf(why, size, "%s: %s", o->socket, strerror(errno));
		(void)close(fd);
		return -1;
	}
	if (!give_rights(o, why, size)) {
		(void)unlink(o->socket);
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
socket_listen_tcp(const struct addr *a, char *why, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	char text[ADDR_TEXT_MAX];
	int one = 1, fd;

	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Not the IPv4 world through an IPv6 socket: web.allow tells apart. */
	if (fd != -1 && a->family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	if (fd != -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
		    sizeof(one));
	if (fd == -1 || bind(fd, (const struct sockaddr *)&ss, len) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		(void)snprintf(why, size, "web.address %s: %s",
		    addr_text(a, text), strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	return fd;
}
