/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inside.h - what the files of front/ share.
 */
#ifndef HITHER_FRONT_INSIDE_H
#define HITHER_FRONT_INSIDE_H

#include <hither/front.h>

#include "client.h"
#include "crowd.h"
#include "hall.h"
#include "pack.h"
#include "reply.h"

#define FRONT_SCRATCH_BYTES   ((size_t)MESSAGE_MAX + 1)
#define FRONT_LISTENERS_MAX   64u
#define FRONT_ARENA_BYTES     ((size_t)1 << 20)

struct listener {
	struct front *front;
	struct addr local;
	struct udp_listener *udp; /* one of the two; NULL both: free */
	struct tcp_listener *tcp;
};

/* What the rules in force say of the source last seen; void with new rules. */
struct last_source {
	bool known;
	bool quick; /* may ask, and sees the names everybody sees */
	struct addr from;
};

/* Everything belongs to the worker's own thread; counts are read by others. */
struct front {
	struct front_opts opts;
	const struct front_rules *rules;
	struct clients *clients;
	struct errand *errands; /* under way in our resolver */
	struct errand *spare_errands;
	size_t spare_errand_count;
	struct arena *arena;    /* of local answers; reset for each */
	uint8_t *scratch;       /* one message, FRONT_SCRATCH_BYTES */
	struct front_counts counts;
	uint64_t overdue_before; /* of listeners that are no more */
	struct listener listeners[FRONT_LISTENERS_MAX];
	size_t listeners_end; /* none was ever made from here on */
	struct last_source last_source;
	struct crowd crowd;
	uint64_t unsent_before; /* by listeners that are closed */
	uint32_t turn; /* of rotating sets */
	uint32_t slip_turn; /* of those who ask too much */
	uint64_t limit_logged_us, limit_logged; /* the last line about it */
	struct cookie_secrets cookies; /* equal in all workers */
	uint64_t cookie_period;	       /* they are of; 0: told */
};

/* One question while it is looked at. */
struct visit {
	struct route route;
	struct query query;
	struct asked asked;
	uint8_t *out; /* room for the reply */
	size_t out_size;
	size_t len;     /* of the reply */
	unsigned rcode; /* of an error; else what the reply says */
	uint64_t now_ms;
	const uint8_t *target; /* of a local alias: to be resolved; or NULL */
	uint64_t name_hash; /* cache_name_hash() of the name asked, or 0 */
	bool over; /* asks too much, unless it can show who it is */
	bool absent; /* no answer is kept: it was looked for */
};
enum fate { FATE_REPLY, FATE_WAIT, FATE_SILENCE };

/* --- front.c ---------------------------------------------------------- */

static inline void
count_more(uint64_t *n, uint64_t more)
{
	__atomic_store_n(n, __atomic_load_n(n, __ATOMIC_RELAXED) + more,
	    __ATOMIC_RELAXED);
}
static inline void
count_up(uint64_t *n)
{
	count_more(n, 1);
}
/* The NSID and this explanation, which is counted. */
struct remark front_remark(struct front *f, enum ede ede, const char *why);
/* The secrets of this moment. */
void front_renew_cookies(struct front *f, uint64_t now_s);
/* Counts a finished reply; an extended RCODE is not in its header. */
void front_count_reply(struct front *f, const uint8_t *reply, unsigned rcode);

/* --- batch.c ---------------------------------------------------------- */

void batch_take(void *user, struct udp_listener *ul, struct datagram *batch,
    size_t n);
void stream_take(void *user, struct tcp_listener *tl, uint64_t connection,
    const struct addr *from, const uint8_t *bytes, size_t len);
bool stream_admit(void *user, const struct addr *from);
enum fate visit_error(struct visit *v, unsigned rcode, const struct remark *m);

/* --- limit.c ---------------------------------------------------------- */

/* Only when rules->limits is there. */
bool limit_passes(struct front *f, const struct datagram *d);
/* Has it shown who it is, and does it ask little enough? */
bool limit_proven(const struct front *f, const struct visit *v);
/* What it is told instead of an answer, if anything. */
enum fate limit_answer(struct front *f, struct visit *v);

/* --- quick.c ---------------------------------------------------------- */

/* What is read off a question of the common form. */
struct glance {
	const void *ahead;  /* for answers_expect_entry() */
	uint64_t hash;	    /* of the name: answers_expect(); 0: not made */
	uint16_t limit;	    /* octets the reply may have, without its OPT */
	uint16_t qtype;
	uint8_t name_bytes; /* 0: not of the common form, or may not ask */
	bool edns, dnssec_ok;
	bool absent; /* it is known that no answer is kept */
};

/* No question of the common form is longer: a name, type and class, an OPT. */
#define QUICK_MAX (HEADER_BYTES + NAME_MAX_BYTES + 4u + 11u)

/* A few questions before quick_reply(): reads it, and warns the cache. */
void quick_look(struct front *f, const struct datagram *d, struct glance *g);
/*
 * Within a read section of the cache. False: the datagram is as it was; else
 * reply_len says how long the reply in it is.
 */
bool quick_reply(struct front *f, struct datagram *d, struct glance *g,
    uint64_t now_ms);
/* The same question for reply.c, but for the name. */
void quick_asked(
    const uint8_t *bytes, const struct glance *g, struct asked *out);

/* --- alias.c ---------------------------------------------------------- */

struct alias *alias_new(const struct visit *v) MUST_USE;
/* The aliases that led to the errand's name, if any, and then this answer. */
const struct answer *alias_put_before(struct front *f, const struct errand *e,
    const struct answer *a);

/* --- miss.c ----------------------------------------------------------- */

enum fate miss_take(struct front *f, struct visit *v);
/* What arrived from other workers: their questions, our answers. */
void miss_inbox(struct front *f);
/* Whoever waits is told that nothing will come. */
void miss_dismiss(struct front *f);
/* Nobody waits any more. */
void miss_forget(struct front *f);
void miss_drop_spares(struct front *f); /* memory kept for errands */

/* Octets of the uncompressed name at p, of which len follow; 0: it is none. */
static inline size_t
flat_name(const uint8_t *p, size_t len)
{
	size_t at = 0, most = len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES;

	while (at < most && p[at] != 0) {
		if (p[at] > 63)
			return 0;
		at += 1u + p[at];
	}
	return at < most ? at + 1 : 0;
}

#endif
