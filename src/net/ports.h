/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports.h - where questions leave from.
 *
 * A port is leased for one question: a socket connected to the one address
 * that may answer. How ports are come by, one for each question or some of
 * them kept for a few, is settled in ports.c and seen nowhere else.
 */
#ifndef HITHER_NET_PORTS_H
#define HITHER_NET_PORTS_H

#include <sys/types.h>

#include <hither/base.h>
#include <hither/net.h>

/* Questions that one port may serve, at most. */
#define PORT_USES_MAX 4u

struct ports;

/* A socket; leased while flow is not 0. */
struct port {
	struct addr to; /* the one that gets through */
	struct port *older, *newer; /* of those that may be kept */
	uint64_t opened_us;
	uint32_t flow;
	uint32_t at; /* free: the next free one; idle: where in the list */
	int fd;      /* -1: closed */
	uint16_t ids[PORT_USES_MAX]; /* of the messages sent from it */
	uint8_t uses;
	bool may_stay;
};

/*
 * Copies what it needs of o; rng, timers and the epoll set are borrowed.
 * NULL: memory, bad range.
 */
struct ports *ports_new(struct rng *rng, struct timers *timers, int epoll_fd,
    const struct outgoing_opts *o) MUST_USE;
/* Closes those that are idle; those leased are returned before. */
void ports_free(struct ports *ps);

struct port_wish {
	const struct addr *to;
	uint64_t now_us;
	uint32_t flow; /* not 0 */
	bool fresh;    /* none that served before */
};
/*
 * A non-blocking UDP socket connected to `to`, in the epoll set with its
 * number as data. Nobody else has its port while it is leased. ERR_LIMIT: no
 * port, descriptor or buffer free. ERR_UNREACHABLE: no route, or our
 * addresses cannot go there.
 */
enum err port_take(struct ports *ps, const struct port_wish *w,
    struct port **out) MUST_USE;
/*
 * answered: its one question was, in time, and nothing else was read. (What
 * came together with the answer is found by the next lease.) Otherwise
 * what still comes to that port is refused by the system from now on.
 */
void port_return(struct ports *ps, struct port *p, bool answered);
/* The DNS message of this lease. */
enum err port_send(struct port *p, const uint8_t *bytes, size_t len) MUST_USE;
/*
 * A datagram from the server asked: its length, not past room. -1: none (*why
 * is ERR_OK), or an error to tell. What answers an earlier lease is no
 * datagram.
 */
ssize_t port_receive(struct port *p, uint8_t *bytes, size_t room,
    enum err *why);

/*
 * The epoll set reports a port once for all that has come: after a datagram
 * that was not the awaited one, has it report what is left.
 */
void port_listen_on(struct ports *ps, const struct port *p);

/* That of an epoll event; NULL: closed meanwhile. */
struct port *port_numbered(struct ports *ps, uint32_t number);
/* Something came to one that is idle: nobody asks from it again. */
void port_disturbed(struct ports *ps, struct port *p);

/* One of our own addresses to reach `to` from; port 0. False: any will do. */
bool ports_source(struct ports *ps, const struct addr *to, struct addr *from);
/* Can a question be sent there at all? */
bool ports_reaches(const struct addr *to);

#endif
