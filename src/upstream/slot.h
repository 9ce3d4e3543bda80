/* SPDX-License-Identifier: BSD-3-Clause */
/* slot.h - an exchange from the inside, and the table they lie in. */
#ifndef HITHER_UPSTREAM_SLOT_H
#define HITHER_UPSTREAM_SLOT_H

#include <hither/upstream.h>

#include "manners.h"
#include "match.h"

#define SLOTS_MAX 65535u

/* With ASan none is kept, so that use after an exchange's end is seen. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_SLOTS 0u
#else
#define SPARE_SLOTS 256u
#endif

struct slot {
	struct exchange x;
	struct timer timer;
	struct upstream *up;
	uint8_t *reply; /* what x.bytes points to */
	uint16_t reply_room, names_room;
	uint64_t owner;
	uint64_t to_key; /* servers_key() of x.to */
	uint64_t sent_us;
	uint32_t id;
	uint32_t flow; /* 0: closed */
	uint32_t rto_us, listen_us;
	uint16_t dns_id;
	uint16_t qtype;
	uint16_t qname_at; /* in names */
	uint8_t qname_bytes;
	bool left;         /* nobody waits */
	bool landed;       /* servers know that it is over */
	bool exact_case;
	bool mixed_case;
	bool wants_cookie; /* the server gave one the last time */
	uint8_t cookie[COOKIE_BYTES_MAX]; /* that was sent */
	uint8_t cookie_len;               /* 0: none */
	bool silence_told; /* servers know that the RTO passed */
	bool was_away;     /* we were: what it took is not the server's */
	uint8_t names[];   /* the zone, then the name as it was sent */
};

struct upstream {
	struct upstream_opts o;
	struct upstream_counts counts;
	struct manners *manners;
	struct slot **slots;   /* capacity of them; NULL is free */
	uint16_t *generations; /* of each slot; never 0 */
	uint16_t *unused;      /* a ring of free slots */
	size_t capacity, unused_at, unused_count;
	/* Ended ones with their memory: four calls of the heap less a miss. */
	struct slot *spare[SPARE_SLOTS + 1];
	size_t spare_count;
};

bool slots_make(struct upstream *up);
void slots_free(struct upstream *up); /* none is open any more */
struct slot *slot_find(struct upstream *up, uint32_t id);
/* With its names copied. NULL: no memory. There is one unused. */
struct slot *slot_new(struct upstream *up, const struct ask *a);
void slot_free(struct slot *s);
/* Keeps a copy of the reply; false: no memory. */
bool slot_keep_reply(struct slot *s, const uint8_t *bytes, size_t len);

/* guard.c: what a forger would have to guess besides id and port */
void guard_choose(struct slot *s, const struct ask *a);
/* Of a reply that fits in all else. */
enum match guard_match(struct slot *s, const struct opt_seen *opt);
void guard_learn(struct slot *s, const uint8_t *bytes, size_t len);

#endif
