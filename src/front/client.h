/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - clients that wait for an answer.
 */
#ifndef HITHER_FRONT_CLIENT_H
#define HITHER_FRONT_CLIENT_H

#include <hither/net.h>

#include "reply.h"

#define CLIENT_NONE 0u /* slot numbers begin at 1 */

/* By which way a question came and its reply leaves. */
struct route {
	struct udp_listener *udp; /* one of the two */
	struct tcp_listener *tcp;
	uint64_t connection;
	struct addr from, local;
};

struct client {
	struct name qname;
	struct asked asked; /* its qname is the one above */
	struct route route;
	uint64_t hash, started_us;
	uint32_t generation; /* odd while in use */
	uint32_t next;       /* in its chain, or among the free */
	uint32_t crowd;      /* which address counter it is in */
};

/*
 * A table of fixed size, made once. Slots carry a generation, so that an
 * answer for a client that has left finds nobody.
 */
struct clients;
struct clients *clients_new(size_t max, size_t per_address_max) MUST_USE;
void clients_free(struct clients *cs); /* NULL is fine */

enum client_verdict {
	CLIENT_ADDED,
	CLIENT_REPEATED, /* the same question waits already (UDP) */
	CLIENT_TOO_MANY,
};
/* Who asks. */
struct newcomer {
	const struct route *route;
	const struct asked *asked;
	uint64_t name_hash; /* of the name asked, keyed: cache_name_hash() */
	uint64_t now_us;
};
enum client_verdict clients_add(
    struct clients *cs, const struct newcomer *n, uint32_t *slot);
/* NULL when it has left. */
struct client *clients_find(struct clients *cs, uint32_t slot,
    uint32_t generation);
void clients_remove(struct clients *cs, struct client *c);
uint32_t clients_generation(const struct clients *cs, uint32_t slot);
/* Forgets whoever came by one of these listeners (NULL: none). */
void clients_remove_listener(struct clients *cs, const struct udp_listener *udp,
    const struct tcp_listener *tcp);
/* Who waits in a slot behind *slot, which begins with CLIENT_NONE; or NULL. */
struct client *clients_next(struct clients *cs, uint32_t *slot);
size_t clients_waiting(const struct clients *cs);

#endif
