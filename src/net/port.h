/* SPDX-License-Identifier: BSD-3-Clause */
/* port.h - one socket to ask from; ports.h is for those who only ask. */
#ifndef HITHER_NET_PORT_H
#define HITHER_NET_PORT_H

#include "ports.h"
#include "spread.h"

/* What the sockets of one address family come from. */
struct origin {
	struct spread spread;
	struct addr *from; /* our own addresses; none: the system's choice */
	size_t from_count;
};

/* One of our own addresses; port 0. False: any will do. */
bool origin_address(const struct origin *o, struct rng *rng,
    const struct addr *to, struct addr *from);
/*
 * Opens p->fd, connected to p->to, on a port drawn for one question or
 * (even) for several. After an error there may be a socket to close.
 */
enum err port_open(struct port *p, struct origin *o, struct rng *rng,
    bool even) MUST_USE;
/* Connects it to another server of the same family. */
enum err port_turn(struct port *p, const struct origin *o,
    const struct addr *to) MUST_USE;

#endif
