/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports.h - where questions leave from.
 *
 * A port is leased for one question: a socket of its own on a port drawn from
 * the whole range, connected to the one address that may answer.
 */
#ifndef HITHER_NET_PORTS_H
#define HITHER_NET_PORTS_H

#include <hither/base.h>
#include <hither/net.h>

struct ports;
/* Copies what it needs of o; rng is borrowed. NULL: memory, bad range. */
struct ports *ports_new(struct rng *rng,
    const struct outgoing_opts *o) MUST_USE;
void ports_free(struct ports *ps);

/*
 * A non-blocking UDP socket connected to `to`. Nobody else has its port while
 * it is leased. ERR_LIMIT: no port, descriptor or buffer free.
 * ERR_UNREACHABLE: no route, or our addresses cannot go there.
 */
enum err port_take(struct ports *ps, const struct addr *to, int *fd) MUST_USE;
/* What still comes to that port is refused by the system from now on. */
void port_return(struct ports *ps, int fd);

/* One of our own addresses to reach `to` from; port 0. False: any will do. */
bool ports_source(struct ports *ps, const struct addr *to, struct addr *from);
/* Can a question be sent there at all? */
bool ports_reaches(const struct addr *to);

#endif
