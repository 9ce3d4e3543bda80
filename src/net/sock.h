/* SPDX-License-Identifier: BSD-3-Clause */
/* sock.h - making sockets, as all files of this room want them. */
#ifndef HITHER_NET_SOCK_H
#define HITHER_NET_SOCK_H

#include <sys/socket.h>

#include <hither/base.h>

/* AF_INET or AF_INET6. */
int sock_family(const struct addr *a);
/* False when the system does not know the option: mostly harmless. */
bool sock_set(int fd, int level, int option, int value);
/*
 * A socket bound for listening: close-on-exec, non-blocking, IPv6 only for
 * IPv6, shared with our other workers (SO_REUSEPORT). first: fails with
 * EADDRINUSE when somebody else, sharing or not, has the address. On a
 * wildcard address datagrams come with the address asked. -1: see errno.
 */
int sock_listen_at(const struct addr *local, int type, bool first);
/* Where fd is bound; family 0 when that cannot be told. */
struct addr sock_local(int fd);
/* What an errno of connect, send or receive means to those above. */
enum err sock_error(int number);

#endif
