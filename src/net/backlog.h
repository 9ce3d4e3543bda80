/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backlog.h - when more questions come than can be answered.
 *
 * The system keeps the oldest questions of a full queue and throws away the
 * new ones. A client that has waited for long has asked again, or asked
 * somebody else; so once a queue has run over, what is too old in it is read
 * and dropped unseen, which costs an eighth of an answer, and the time goes to
 * those who still wait. A queue that did not run over is served in order,
 * however old: all in it will be answered.
 *
 * That is what a long queue is for: it holds what comes while we are kept from
 * it. Once it has run over, its length only makes everyone wait, and makes the
 * processor fetch from memory what a short queue would leave in its cache; so
 * it is a short one then, for a while. (Of twice the hits a quota allows, 60 of
 * 100 ms without a processor: 0.96 of what can be answered is, not 0.87; 6 of
 * 10 ms: 1.01, not 0.83, and the slowest in a hundred wait for 7 ms, not 36.)
 */
#ifndef HITHER_NET_BACKLOG_H
#define HITHER_NET_BACKLOG_H

#include <hither/base.h>

/*
 * What a question may have waited in a queue that ran over. The batch at hand
 * and a pause of the processor come on top, and 50 ms is to hold in the end.
 */
#define BACKLOG_PATIENCE_US 40000u

struct backlog {
	uint64_t overdue;  /* questions that were dropped */
	uint32_t drops;    /* the system's count when last read */
	bool watched;      /* it ran over once: from then on ages are known */
	bool spilling;     /* it ran over since it was last empty */
	uint64_t short_ms; /* when it was made short; 0: it is long */
};

/* Asks for a long queue. It is what the system allows, if that is less. */
void backlog_make_room(int fd);
/* What the system threw away since fd was bound; it wraps. */
uint32_t backlog_drops(int fd);
/*
 * Many questions came in one turn: is it more than we can do? Then the queue is
 * made short. Nothing else is done while all is well, and this not often.
 */
void backlog_grows(struct backlog *b, int fd);
/*
 * After n questions were read and n was all there was room for: have these
 * waited too long? Then they are counted, and for the caller to drop.
 */
bool backlog_is_overdue(struct backlog *b, int fd, size_t n);
/* The queue is empty. It may be time to make it long again. */
void backlog_ends(struct backlog *b, int fd);

#endif
