/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.c - one socket to ask from: how it is opened, turned to another server,
 * sent from and read.
 *
 * It is connected: only the server asked gets through, for everyone else the
 * port looks closed, and ICMP errors find their way to us. It is bound without
 * sharing, so that no two have one port.
 */
#include "port.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sock.h"

#define TRIES 20u

bool
origin_address(const struct origin *o, struct rng *rng, const struct addr *to,
    struct addr *from)
{
	memset(from, 0, sizeof(*from));
	from->family = to->family;
	if (o->from_count == 0)
		return false;
	*from = o->from[rng_below(rng, (uint32_t)o->from_count)];
	from->port = 0;
	return true;
}

/* --- opening ------------------------------------------------------------ */

static enum err
bind_somewhere(const struct port *p, struct origin *o, struct rng *rng,
    bool even)
{
	struct sockaddr_storage name;
	struct addr from;
	socklen_t len;

	(void)origin_address(o, rng, &p->to, &from);
	for (size_t i = 0; i < TRIES; i++) {
		from.port = even ? spread_draw_even(&o->spread, rng)
				 : spread_draw(&o->spread, rng);
		len = addr_to_sockaddr(&from, &name);
		if (bind(p->fd, (struct sockaddr *)&name, len) == 0) {
			if (even)
				spread_count(&o->spread, from.port);
			return ERR_OK;
		}
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
tune(const struct port *p)
{
	if (p->to.family == 6)
		(void)sock_set(p->fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	else
		(void)sock_set(p->fd, IPPROTO_IP, IP_RECVERR, 1);
}

static enum err
connect_to(const struct port *p)
{
	struct sockaddr_storage name;
	const socklen_t len = addr_to_sockaddr(&p->to, &name);

	return connect(p->fd, (struct sockaddr *)&name, len) == 0
		   ? ERR_OK
		   : sock_error(errno);
}

enum err
port_open(struct port *p, struct origin *o, struct rng *rng, bool even)
{
	enum err e;

	p->fd = socket(sock_family(&p->to),
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd == -1)
		return sock_error(errno);
	tune(p);
	e = bind_somewhere(p, o, rng, even);
	return e == ERR_OK ? connect_to(p) : e;
}

/*
 * Its own address was chosen by the system for the server asked before, and
 * would stay: it is let go first. What that server may still send is told
 * apart by its source.
 */
enum err
port_turn(struct port *p, const struct origin *o, const struct addr *to)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	/* Who always asks the same, as a forwarder, saves this too. */
	if (addr_equal(&p->to, to))
		return ERR_OK;
	p->to = *to;
	if (o->from_count == 0 && connect(p->fd, &nobody, sizeof(nobody)) != 0)
		return sock_error(errno);
	return connect_to(p);
}

/* --- datagrams ---------------------------------------------------------- */

static uint16_t
id_of(const uint8_t *bytes, size_t len)
{
	return len < 2 ? 0 : (uint16_t)((unsigned)bytes[0] << 8 | bytes[1]);
}

enum err
port_send(struct port *p, const uint8_t *bytes, size_t len)
{
	const ssize_t n = send(p->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	p->ids[p->uses - 1] = id_of(bytes, len);
	return n < 0 ? sock_error(errno) : ERR_OK;
}

/*
 * Of this lease? The server asked before may have sent more before we turned
 * away from it, and the same server may send its answer twice: neither is a
 * forgery, and neither is an answer.
 */
static bool
is_of_this_lease(const struct port *p, const struct addr *from, uint16_t id)
{
	if (from->port != p->to.port || !addr_same_ip(from, &p->to))
		return false;
	for (size_t i = 0; i + 1 < p->uses; i++)
		if (id == p->ids[i] && id != p->ids[p->uses - 1])
			return false;
	return true;
}

ssize_t
port_receive(struct port *p, uint8_t *bytes, size_t room, enum err *why)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct addr from;
	const ssize_t n = recvfrom(p->fd, bytes, room, MSG_DONTWAIT,
	    (struct sockaddr *)&name, &len);

	*why = ERR_OK;
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EMSGSIZE)
		*why = sock_error(errno);
	if (n < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&name, len, &from) !=
		ERR_OK ||
	    !is_of_this_lease(p, &from, id_of(bytes, (size_t)n)))
		return -1;
	return n;
}
