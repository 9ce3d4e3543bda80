/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hall.h - errands between workers.
 */
#ifndef HITHER_FRONT_HALL_H
#define HITHER_FRONT_HALL_H

#include <hither/front.h>

#define HALL_QUESTIONS_MAX 8192u /* not yet taken, per worker */

/* The name that was asked for, when a local alias leads to another one. */
struct alias {
	struct name qname;
	struct addr client; /* of some view, perhaps */
};

/*
 * A question on its way to the worker that owns it, and back with its
 * answer. One heap object for both ways, so that an answer never fails for
 * want of room. Whoever holds it writes it; it is handed over whole.
 */
struct errand {
	struct errand *next;           /* in an inbox */
	struct errand *before, *after; /* among a front's errands under way */
	struct front *front;           /* where it is under way */
	uint8_t *bytes;                /* the packed answer; NULL: SERVFAIL */
	size_t len;
	struct resolver *resolver; /* that was asked */
	uint64_t ask_id;
	size_t asker;              /* worker that has the client */
	uint32_t slot, generation; /* the client there */
	uint64_t name_hash;        /* cache_name_hash() of qname, or 0 */
	uint16_t qtype;
	bool dnssec_ok, checking_disabled, cache_only;
	bool answered;
	enum ede ede;
	struct alias *alias; /* owned; mostly NULL */
	/* Not cleared when it is made, but for why[0]. */
	char why[120];
	struct name qname; /* to be resolved */
};

void errand_free(struct errand *e); /* NULL is fine */

/* From now on this worker takes errands; its loop is woken for them. */
void hall_enter(struct exchange_hall *h, size_t worker, struct loop *l);
/* Nothing arrives afterwards; what lay there is freed. */
void hall_leave(struct exchange_hall *h, size_t worker);
/*
 * Hands e over to a worker. False (e stays the caller's): that worker is not
 * there, or e is a question and too many wait already. Any thread.
 */
bool hall_give(struct exchange_hall *h, size_t worker,
    struct errand *e) MUST_USE;
/* Everything that arrived, oldest first, linked by next. Own thread. */
struct errand *hall_take(struct exchange_hall *h, size_t worker);
size_t hall_workers(const struct exchange_hall *h);

#endif
