/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.h - zones as hither-sim holds them: the records as written (a source),
 * and the index built from them, from which questions are answered.
 */
#ifndef HITHER_SIM_ZONE_H
#define HITHER_SIM_ZONE_H

#include <stdio.h>

#include <hither/dns.h>

/* Where faults in files go: printed to `out` (or not, when NULL), counted. */
struct complaints {
	FILE *out;
	size_t count;
	char first[256]; /* for those who have room for one only */
};
/* line or column 0: not known, not printed. */
struct place {
	const char *path;
	size_t line, column;
};
void complain(struct complaints *c, const struct place *at, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

/* --- what was written ------------------------------------------------- */

struct record {
	const uint8_t *owner;
	struct rdata rdata;
	uint32_t ttl;
	uint16_t type;
	size_t line; /* 0: added while running */
};

struct source {
	struct name origin;
	struct arena *arena; /* owners and RDATA */
	struct record *records;
	size_t count, room;
	const char *path;
};

/*
 * Reads a zone file. Every fault is complained about; NULL when there was
 * one. The origin is what the file's SOA must own.
 */
struct source *source_read(const char *path, const uint8_t *origin,
    struct complaints *c) MUST_USE;
struct source *source_new(const char *path, const uint8_t *origin) MUST_USE;
void source_free(struct source *s); /* NULL is fine */
/* Owner and RDATA are borrowed: let them lie in the source's arena. */
enum err source_push(struct source *s, const struct record *r) MUST_USE;
/* rr is an ldns_rr; owner and RDATA lie in the arena. */
enum err record_from_ldns(struct arena *a, const void *rr,
    struct record *out) MUST_USE;
/* One record in zone-file form. ERR_FORMAT, ERR_RANGE (not in this zone). */
enum err source_add(struct source *s, const char *line) MUST_USE;
/*
 * Takes away the record given in zone-file form, or with "NAME TYPE" the
 * whole set. ERR_NOT_FOUND when there is none.
 */
enum err source_remove(struct source *s, const char *line) MUST_USE;

/*
 * The records as they are now, to return to when an edit turns out bad.
 * source_return() and source_forget() end the mark.
 */
struct source_mark {
	struct record *records;
	size_t count;
};
enum err source_mark(const struct source *s, struct source_mark *out) MUST_USE;
void source_return(struct source *s, struct source_mark *m);
void source_forget(struct source_mark *m);

/* --- what is asked ---------------------------------------------------- */

/* A record set with the addresses that go with it (NS, MX, SRV). */
struct zone_set {
	struct rrset set;
	const struct rrset **extras; /* A and AAAA of the targets, this zone */
	size_t extra_count;
	size_t extra_needed; /* the first so many lie below the owner: glue */
};

struct node {
	const uint8_t *name;
	struct zone_set *sets;
	struct node *next;  /* in the same chain of the table */
	struct node *wild;  /* the "*" right below, or NULL */
	uint16_t set_count; /* 0: an empty non-terminal */
	bool is_cut;        /* NS here, and not the apex */
	bool has_dname;
};

/* A proof in canonical order: its owner, and what it says. */
struct link {
	const uint8_t *owner;
	const struct rrset *set;
};

struct zone {
	struct name origin;
	struct arena *arena; /* nodes and sets; RDATA stays in the source */
	struct source *owned; /* that source, when it is ours alone */
	struct link *chain;   /* NSEC or NSEC3 of the zone, or NULL */
	size_t chain_count;
	bool has_nsec3;
	struct node **table;
	size_t mask;
	struct hash_key key;
	const struct node *apex;
	const struct zone_set *soa;
	uint32_t negative_ttl; /* RFC 2308 section 5 */
	unsigned labels;
};

/* NULL when the zone is not sound (complained about) or memory is out. */
struct zone *zone_build(const struct source *s, struct complaints *c) MUST_USE;
void zone_free(struct zone *z); /* NULL is fine */
/* s goes with the zone from here on. */
void zone_own(struct zone *z, struct source *s);
const struct node *zone_node(const struct zone *z, const uint8_t *name);
/* extras.c, for zone_build(): once all nodes are there. */
void zone_find_extras(struct zone *z, struct zone_set *s);
const struct zone_set *node_set(const struct node *n, uint16_t type);

#endif
