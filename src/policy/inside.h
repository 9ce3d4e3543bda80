/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inside.h - what the files of policy/ share: the access table and the tree
 * of local names.
 */
#ifndef HITHER_POLICY_INSIDE_H
#define HITHER_POLICY_INSIDE_H

#include <hither/policy.h>

/* --- access.c --------------------------------------------------------- */

/* A network and what it stands for: an enum access, or a view's number. */
struct net_rule {
	struct prefix net;
	uint32_t value;
};
/* Rules of one family and one prefix length, in order of their address. */
struct net_group {
	struct net_rule *rules;
	size_t count;
	uint8_t bits;
};
struct net_table {
	struct net_group *groups[2]; /* IPv4, IPv6; longest first */
	size_t group_counts[2];
};
enum err net_table_build(struct net_table *t, struct arena *a,
    const struct net_rule *rules, size_t count) MUST_USE;
/* The value of the longest prefix around it, or what is given for none. */
uint32_t net_table_find(
    const struct net_table *t, const struct addr *who, uint32_t none);

/* --- tree.c ----------------------------------------------------------- */

/* What a name and everything below it is, unless a deeper zone says more. */
enum zone_kind {
	ZONE_NONE,
	ZONE_STATIC,      /* data, else NXDOMAIN or NODATA */
	ZONE_REFUSE,      /* data, else REFUSED */
	ZONE_NXDOMAIN,    /* NXDOMAIN whatever is asked */
	ZONE_TRANSPARENT, /* data, else resolve */
	ZONE_TYPETRANSPARENT, /* data of the type, else resolve */
	ZONE_REDIRECT,    /* every name has the data of the zone's own name */
	ZONE_NODATA,      /* NODATA whatever is asked */
	ZONE_DROP,        /* data, else silence */
	ZONE_INFORM,      /* as transparent, and logged */
	ZONE_ALWAYS_REFUSE,
	ZONE_ALWAYS_NULL, /* the address that leads nowhere */
	ZONE_INFORM_DROP,
	ZONE_LOOPBACK,    /* every name has the loopback addresses */
	ZONE_EMPTY,       /* every name exists and has nothing: NODATA */
};

struct local_set {
	struct local_set *next;
	struct rdata *rdata; /* what set.rdata points to */
	struct rrset set;
	uint16_t room;
};

struct tree_node {
	const uint8_t *label; /* with its length octet, lower case */
	struct local_set *sets;
	uint32_t parent;
	enum zone_kind zone;
};

/*
 * Names label by label from the right, so that a name we know nothing about
 * costs one look at its last label. Node 0 is the root.
 */
struct tree {
	struct tree_node *nodes;
	uint32_t *slots; /* open addressing: node number, 0 is free */
	size_t node_count, node_room, slot_room;
	struct hash_key key;
	uint64_t top_labels; /* a bit for the last label of each name */
};
/* Where a name led to. */
struct tree_place {
	const struct tree_node *node; /* exactly this name, else NULL */
	enum zone_kind zone;          /* the deepest zone above or at it */
	unsigned zone_labels;         /* labels of that zone's name */
	unsigned labels;              /* labels of the name itself */
};
enum err name_tree_start(struct tree *t) MUST_USE;
void name_tree_free(struct tree *t);
/* The node of a name, made with all nodes above it. NULL: no memory. */
struct tree_node *name_tree_add(struct tree *t, struct arena *a, const uint8_t *n);
/* False: there is neither a zone nor a node for it. */
bool name_tree_find(const struct tree *t, const uint8_t *n, struct tree_place *out);

/* --- special.c -------------------------------------------------------- */

enum err special_add(struct tree *t, struct arena *a) MUST_USE;

/* --- data.c ----------------------------------------------------------- */

enum err local_zone_add(struct tree *t, struct arena *a,
    const struct local_zone *z) MUST_USE;
/* One record in zone-file form. */
enum err local_record_add(struct tree *t, struct arena *a,
    const char *line) MUST_USE;
/* The set of that type at a name; NULL: none. */
struct local_set *local_set_of(const struct tree_node *n, uint16_t type);

/* --- local.c ---------------------------------------------------------- */

/* False: the tree has neither a zone nor a record for the name. */
bool local_answer(const struct tree *t, struct policy_question *q,
    struct arena *a, struct answer *out, enum policy_verdict *verdict);
/* What another tree said FOLLOW about is perhaps for this one to answer. */
enum policy_verdict local_go_on(const struct tree *t,
    struct policy_question *q, struct arena *a, struct answer *out);

/* --- hosts.c ---------------------------------------------------------- */

/* hosts(5): lines that say nothing useful are passed over. */
enum err hosts_add(struct tree *t, struct arena *a, const char *text,
    size_t len) MUST_USE;

/* --- policy.c --------------------------------------------------------- */

struct policy {
	struct net_table access, views;
	struct tree *trees; /* [0]: for everybody; [n]: of view n */
	size_t view_count;
	bool informs; /* some zone wants to be told of in the log */
	struct arena *arena;
	const struct prefix *private_nets;
	size_t private_count;
	const uint8_t **private_names; /* may lead there all the same */
	size_t private_name_count;
	const char *identity; /* NULL: hidden */
	const char *version;
};

/* Adds one set to a section of an answer; false when the arena is over. */
bool answer_add(struct arena *a, struct answer *out, enum section s,
    struct rrset *set);

#endif
