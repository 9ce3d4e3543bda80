/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sock.c - making sockets.
 *
 * Workers share an address by SO_REUSEPORT, which would let a second daemon
 * of the same user share it too, and each would get half of the questions.
 * So the first bind is tried on a socket that does not share.
 */
#include "sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

int
sock_family(const struct addr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

bool
sock_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* Options that must be there before the first packet is. */
static bool
set_before_bind(int fd, const struct addr *local, int type)
{
	if (local->family == 6 && !sock_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return false;
	if (type == SOCK_STREAM)
		return sock_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!addr_is_any(local))
		return true;
	if (local->family == 6)
		return sock_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	return sock_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static int
bound(const struct addr *local, int type, bool is_shared)
{
	const int fd =
	    socket(sock_family(local), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage name;
	socklen_t len;
	int saved;

	if (fd == -1)
		return -1;
	len = addr_to_sockaddr(local, &name);
	if (set_before_bind(fd, local, type) &&
	    (!is_shared || sock_set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	    bind(fd, (struct sockaddr *)&name, len) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
sock_listen_at(const struct addr *local, int type, bool first)
{
	int probe;

	if (first && local->port != 0) {
		probe = bound(local, type, false);
		if (probe == -1)
			return -1;
		(void)close(probe);
	}
	return bound(local, type, true);
}

struct addr
sock_local(int fd)
{
	struct addr a = { 0 };
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0 ||
	    addr_from_sockaddr((struct sockaddr *)&name, len, &a) != ERR_OK)
		a.family = 0;
	return a;
}

enum err
sock_error(int number)
{
	switch (number) {
	case ECONNREFUSED:
		return ERR_REFUSED;
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return ERR_CLOSED;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case EAGAIN:
		return ERR_LIMIT;
	case ENOMEM:
		return ERR_MEMORY;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
	case EINVAL:
	case EAFNOSUPPORT:
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EMSGSIZE:
		return ERR_UNREACHABLE;
	default:
		return ERR_SYSTEM;
	}
}
