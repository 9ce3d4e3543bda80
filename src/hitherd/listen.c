/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * listen.c - opening listeners at the start and at a reload.
 *
 * At a reload an address that is in both configurations is not touched: what
 * its clients wait for is not lost. Before anything changes, each new address
 * is tried, so that a reload which cannot be carried out changes nothing.
 */
#include "listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct addr
address_of(const struct conf_listen *l)
{
	struct addr a = l->address;

	a.port = (uint16_t)l->port;
	return a;
}

/*
 * The kernel counts a socket of ours on 0.0.0.0 as in the way of one on
 * 127.0.0.1, and the other way round, unless both share the port.
 */
static bool
stand_in_their_way(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->port == b->port && (a->transports & b->transports) != 0 &&
	       a->address.family == b->address.family &&
	       (addr_is_any(&a->address) || addr_is_any(&b->address) ||
		   addr_same_ip(&a->address, &b->address));
}

bool
listen_is_shared(const struct conf *c, const struct conf_listen *l)
{
	for (size_t i = 0; i < c->listen.count; i++)
		if (&c->listen.items[i] != l &&
		    stand_in_their_way(&c->listen.items[i], l))
			return true;
	return false;
}

/* --- why not ----------------------------------------------------------- */

/* Machines without IPv6 are served all the same. */
static bool
is_missing_loopback(const struct addr *a, int number)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 6 && memcmp(a->ip, one, sizeof(one)) == 0 &&
	       (number == EADDRNOTAVAIL || number == EAFNOSUPPORT);
}

/* The words for a failed bind; true: it does not matter. */
static bool
explain(const struct addr *a, bool tcp, char *why, size_t size)
{
	int number = errno;
	char text[ADDR_TEXT_MAX], holder[128];
	const char *transport = tcp ? "TCP" : "UDP";

	(void)addr_text(a, text);
	if (is_missing_loopback(a, number)) {
		log_warn("not-listening", "address=%s reason=\"%s\"", text,
		    strerror(number));
		return true;
	}
	if (number == EADDRINUSE)
		(void)snprintf(why, size,
		    "cannot listen on %s %s: the address is in use by %s",
		    transport, text,
		    net_port_holder(a, tcp, holder, sizeof(holder)));
	else
		(void)snprintf(why, size, "cannot listen on %s %s: %s%s",
		    transport, text, strerror(number),
		    number == EACCES ? " (ports below 1024 need root or "
				       "CAP_NET_BIND_SERVICE)"
				     : "");
	return false;
}

/* --- opening ----------------------------------------------------------- */

bool
listen_open(const struct listen_try *t, const struct conf_listen *l, char *why,
    size_t size)
{
	const struct conf *c = t->conf;
	size_t clients = c->tcp.max_clients / t->workers;
	struct tcp_limits limits = { .clients_max = clients > 0 ? clients : 1,
		.pipelined_max = c->tcp.max_pipelined,
		.buffer_max = (size_t)c->tcp.max_buffer_bytes,
		.idle_us = (uint64_t)c->tcp.idle_timeout_ms * 1000 };
	struct addr a = address_of(l);

	errno = 0;
	if ((l->transports & CONF_UDP) != 0 &&
	    front_listen_udp(t->front, &a, t->first) != ERR_OK &&
	    !explain(&a, false, why, size))
		return false;
	errno = 0;
	if ((l->transports & CONF_TCP) != 0 &&
	    front_listen_tcp(t->front, &a, &limits, t->first) != ERR_OK &&
	    !explain(&a, true, why, size))
		return false;
	return true;
}

/* --- changing ---------------------------------------------------------- */

static bool
has_item(const struct conf *c, const struct conf_listen *l)
{
	for (size_t i = 0; i < c->listen.count; i++) {
		const struct conf_listen *other = &c->listen.items[i];

		if (other->port == l->port &&
		    other->transports == l->transports &&
		    addr_same_ip(&other->address, &l->address))
			return true;
	}
	return false;
}

/* Was something at l's address closed on the way from before to after? */
static bool
was_closed(const struct conf *before, const struct conf *after,
    const struct conf_listen *l)
{
	for (size_t i = 0; i < before->listen.count; i++) {
		const struct conf_listen *old = &before->listen.items[i];

		if (old->port == l->port &&
		    addr_same_ip(&old->address, &l->address) &&
		    !has_item(after, old))
			return true;
	}
	return false;
}

static bool
can_bind(const struct addr *a, bool tcp, bool shared)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, &sa);
	int fd = socket(sa.ss_family,
	    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	const int on = 1;
	int number;
	bool bound;

	if (fd == -1)
		return false;
	if (tcp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shared)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (a->family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	bound = bind(fd, (const struct sockaddr *)&sa, len) == 0;
	number = errno;
	(void)close(fd);
	errno = number;
	return bound;
}

bool
listen_possible(const struct conf *before, const struct conf *after, char *why,
    size_t size)
{
	for (size_t i = 0; i < after->listen.count; i++) {
		const struct conf_listen *l = &after->listen.items[i];
		struct addr a = address_of(l);
		bool shared = listen_is_shared(before, l);

		if ((l->transports & CONF_UDP) != 0 &&
		    !can_bind(&a, false, shared) &&
		    !explain(&a, false, why, size))
			return false;
		if ((l->transports & CONF_TCP) != 0 &&
		    !can_bind(&a, true, shared) &&
		    !explain(&a, true, why, size))
			return false;
	}
	return true;
}

void
listen_change(struct front *f, const struct conf *before,
    const struct conf *after, size_t workers)
{
	struct listen_try t = { .front = f, .conf = after, .workers = workers };
	char why[512];

	for (size_t i = 0; i < before->listen.count; i++) {
		struct addr a = address_of(&before->listen.items[i]);

		if (!has_item(after, &before->listen.items[i]))
			front_unlisten(f, &a);
	}
	for (size_t i = 0; i < after->listen.count; i++) {
		const struct conf_listen *l = &after->listen.items[i];

		if (has_item(before, l) && !was_closed(before, after, l))
			continue;
		if (!listen_open(&t, l, why, sizeof(why)))
			log_error("reload-incomplete", "reason=\"%s\"", why);
	}
}
