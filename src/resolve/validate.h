/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * validate.h - one reply being judged: what was found out so far. Private to
 * the room. It hangs on the reply, so that a new reply begins afresh and a
 * rerun of the stage goes on where the last one stopped.
 */
#ifndef HITHER_RESOLVE_VALIDATE_H
#define HITHER_RESOLVE_VALIDATE_H

#include <hither/dnssec.h>

struct task;

#define PROOFS_MAX 12u /* NSEC and NSEC3 sets of one reply that are looked at */

/* A record set of the reply. */
struct item {
	struct rrset *set;
	const uint8_t *zone; /* whose keys vouched for it; SECURE only */
	const uint8_t *wildcard_parent; /* it was expanded; else NULL */
	struct sig_walk walk;
	enum verdict verdict;
	bool judged, is_proof;
};

struct finding {
	enum verdict verdict;
	enum ede ede;
	const char *why; /* in the task's arena, or static */
	bool from_above; /* other servers of the zone cannot help */
};

struct validation {
	struct item *items; /* the path, then the proofs */
	size_t path_items, count;
	struct finding found; /* the worst; when done */
	enum denial denial;   /* what the proofs came to */
	bool done;
};

/* zones.c: what is known of a zone, or MUST_WAIT for a helper. */
enum known {
	KNOWN_WAIT,
	KNOWN_SECURE,	/* keys */
	KNOWN_SIGNED,	/* entry: DS or anchors */
	KNOWN_INSECURE,
	KNOWN_NO_CUT,
	KNOWN_NO_ANCHOR,
	KNOWN_BROKEN,
};
struct zone_known {
	const struct rrset *keys;
	const struct rrset *entry[2]; /* DS set, DNSKEY set of an anchor */
	const char *why;
	enum ede ede;
	enum known known;
};
/* Its keys. */
struct zone_known zone_keys(struct task *t, const uint8_t *zone);
/* What its keys must fit. */
struct zone_known zone_entry(struct task *t, const uint8_t *zone);
/*
 * May this name lack signatures? False: wait. Else *out is INSECURE,
 * INDETERMINATE, or BOGUS with a reason.
 */
bool zone_may_be_unsigned(struct task *t, const uint8_t *name, uint16_t type,
    struct finding *out);
/* Is the anchor that counts for a name below this zone? */
bool zone_anchor_between(
    struct task *t, const uint8_t *zone, const uint8_t *name);
void zone_learn(struct task *t, const struct validation *v);
void zone_learn_keys(struct task *t, const struct rrset *keys, uint32_t ttl);

/* remember.c: what was proven may serve again */
void remember_span(struct task *t, const struct item *it);
void remember_wildcard(struct task *t, const struct item *it);

/* judge.c: sets and proofs. False: wait. */
bool judge_item(struct task *t, struct item *it, struct finding *out);
bool judge_denial(struct task *t, struct validation *v);
enum verdict verdict_worse(enum verdict a, enum verdict b);

#endif
