/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports.c - leased source ports (RFC 5452 sections 4.5 and 9.2).
 *
 * What an observer may learn from one question must not help with the next:
 * - every lease draws its port anew, uniformly from the whole range;
 * - the socket lives as long as the lease, so that a port seen or probed once
 *   is worth nothing afterwards;
 * - it is connected: only the server asked gets through, for everyone else
 *   the port looks closed, and ICMP errors find their way to us;
 * - it is bound without sharing, so that two open leases never have one port.
 *
 * Keeping sockets for several questions would save three system calls of
 * seven, but draws that repeat are not uniform: 20,000 of them would show it.
 */
#include "ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "sock.h"

#define TRIES     20u
#define WIDE_SPAN 1024u

/* Filters on the way drop these as services that reflect attacks. */
static const uint16_t shunned[] = { 1900, 4791, 11211 };

struct ports {
	struct rng *rng;
	struct addr *from_v4;
	struct addr *from_v6;
	size_t from_v4_count, from_v6_count;
	uint16_t low;
	uint32_t span; /* low .. low + span - 1 */
};

static bool
copy_addresses(struct addr **out, const struct addr *from, size_t count)
{
	if (count == 0)
		return true;
	*out = memory_new(count * sizeof(**out));
	if (*out == NULL)
		return false;
	memcpy(*out, from, count * sizeof(**out));
	return true;
}

struct ports *
ports_new(struct rng *rng, const struct outgoing_opts *o)
{
	struct ports *ps;

	if (o->port_low == 0 || o->port_low > o->port_high ||
	    o->from_v4_count > UINT16_MAX || o->from_v6_count > UINT16_MAX)
		return NULL;
	ps = memory_new(sizeof(*ps));
	if (ps == NULL)
		return NULL;
	ps->rng = rng;
	ps->low = o->port_low;
	ps->span = (uint32_t)o->port_high - o->port_low + 1u;
	ps->from_v4_count = o->from_v4_count;
	ps->from_v6_count = o->from_v6_count;
	if (copy_addresses(&ps->from_v4, o->from_v4, o->from_v4_count) &&
	    copy_addresses(&ps->from_v6, o->from_v6, o->from_v6_count))
		return ps;
	ports_free(ps);
	return NULL;
}

void
ports_free(struct ports *ps)
{
	if (ps == NULL)
		return;
	memory_free(ps->from_v4);
	memory_free(ps->from_v6);
	memory_free(ps);
}

bool
ports_source(struct ports *ps, const struct addr *to, struct addr *from)
{
	const bool is_v6 = to->family == 6;
	const size_t count = is_v6 ? ps->from_v6_count : ps->from_v4_count;
	const struct addr *list = is_v6 ? ps->from_v6 : ps->from_v4;

	memset(from, 0, sizeof(*from));
	from->family = to->family;
	if (count == 0)
		return false;
	*from = list[rng_below(ps->rng, (uint32_t)count)];
	from->port = 0;
	return true;
}

/* An IPv6 socket would take ::ffff:192.0.2.1 for IPv4, past all policy. */
bool
ports_reaches(const struct addr *to)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (to->port == 0 || addr_is_any(to))
		return false;
	if (to->family == 6)
		return memcmp(to->ip, mapped, sizeof(mapped)) != 0;
	return to->family == 4;
}

static uint16_t
draw_port(struct ports *ps)
{
	uint16_t port;
	bool is_shunned;

	do {
		port = (uint16_t)(ps->low + rng_below(ps->rng, ps->span));
		is_shunned = false;
		for (size_t i = 0; i < ARRAY_LEN(shunned); i++)
			is_shunned = is_shunned || port == shunned[i];
	} while (is_shunned && ps->span > WIDE_SPAN);
	return port;
}

static enum err
bind_somewhere(struct ports *ps, int fd, const struct addr *to)
{
	struct sockaddr_storage name;
	struct addr from;
	socklen_t len;

	(void)ports_source(ps, to, &from);
	for (size_t i = 0; i < TRIES; i++) {
		from.port = draw_port(ps);
		len = addr_to_sockaddr(&from, &name);
		if (bind(fd, (struct sockaddr *)&name, len) == 0)
			return ERR_OK;
		/* EACCES: the system keeps that port for somebody */
		if (errno != EADDRINUSE && errno != EACCES)
			return sock_error(errno);
	}
	return ERR_LIMIT;
}

/*
 * Errors that ICMP reports about hosts and nets, not ports, are told only to
 * those who ask. What a forged ICMP message says of the path's MTU does not
 * matter: a question is shorter than the least that Linux believes (552; for
 * IPv6 1280), and saying so to the kernel is a system call for each.
 */
static void
tune(int fd, uint8_t family)
{
	if (family == 6)
		(void)sock_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	else
		(void)sock_set(fd, IPPROTO_IP, IP_RECVERR, 1);
}

enum err
port_take(struct ports *ps, const struct addr *to, int *fd)
{
	struct sockaddr_storage name;
	socklen_t len;
	enum err e;
	int s;

	if (!ports_reaches(to))
		return ERR_UNREACHABLE;
	s = socket(sock_family(to), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (s == -1)
		return sock_error(errno);
	tune(s, to->family);
	e = bind_somewhere(ps, s, to);
	len = addr_to_sockaddr(to, &name);
	if (e == ERR_OK && connect(s, (struct sockaddr *)&name, len) != 0)
		e = sock_error(errno);
	if (e != ERR_OK) {
		(void)close(s);
		return e;
	}
	*fd = s;
	return ERR_OK;
}

void
port_return(struct ports *ps, int fd)
{
	(void)ps;
	(void)close(fd);
}
