/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.h - who may ask, and what is answered without asking anybody.
 *
 * A policy is built from options, then never changed: workers read it without
 * locks. Special-use names (RFC 6761, 6303, 7686, 8375, 9476, 9665) are
 * answered locally unless local data or a configured zone says otherwise.
 */
#ifndef HITHER_POLICY_H
#define HITHER_POLICY_H

#include <hither/dns.h>

enum access { ACCESS_DROP, ACCESS_REFUSE, ACCESS_ALLOW, ACCESS_SNOOP };
struct access_rule {
	struct prefix net;
	enum access access;
};

/* "data": the records at that very name. */
enum local_kind {
	LOCAL_STATIC,	      /* data, else NXDOMAIN or NODATA */
	LOCAL_REFUSE,	      /* data, else REFUSED */
	LOCAL_NXDOMAIN,	      /* NXDOMAIN whatever is asked */
	LOCAL_TRANSPARENT,    /* data, NODATA for its other types, or resolve */
	LOCAL_TYPETRANSPARENT, /* data of the type asked for, or resolve */
	LOCAL_REDIRECT,	      /* every name has the data of the zone's own */
	LOCAL_NODATA,	      /* NODATA whatever is asked */
	LOCAL_DROP,	      /* data, else no answer at all */
	LOCAL_INFORM,	      /* as transparent; who asks is logged */
	LOCAL_ALWAYS_REFUSE,  /* REFUSED whatever is asked */
	LOCAL_ALWAYS_NULL,    /* 0.0.0.0 and ::, NODATA for other types */
	LOCAL_INFORM_DROP,    /* as drop; who asks is logged */
};
struct local_zone {
	const uint8_t *name;
	enum local_kind kind;
	uint8_t view; /* 0: for everybody; else the number of a view */
};

/*
 * Clients with local names of their own: views[i] has the number i + 1. A
 * client is of the view whose prefix around its address is the longest.
 */
#define POLICY_VIEWS_MAX 255u
struct policy_view {
	const struct prefix *clients;
	size_t client_count;
	const char *const *data; /* records in zone-file form */
	size_t data_count;
};

struct policy_opts {
	const struct access_rule *access; /* longest prefix wins */
	size_t access_count;		  /* 0: everybody is refused */
	const struct local_zone *zones;
	size_t zone_count;
	const char *const *data; /* records in zone-file form */
	size_t data_count;
	const struct policy_view *views;
	size_t view_count;	 /* <= POLICY_VIEWS_MAX */
	const char *hosts;	 /* text of a hosts(5) file; NULL: none */
	size_t hosts_len;
	/* Others' answers must not lead there, but for names within these. */
	const struct prefix *private_nets;
	size_t private_count;
	const uint8_t *const *private_names; /* wire form */
	size_t private_name_count;
	const char *identity;	 /* id.server, hostname.bind; "": hidden */
	const char *version;	 /* version.server, version.bind; "": hidden */
};

struct policy;
/*
 * All copied. NULL: *bad is the record that does not parse or that an alias
 * forbids, or NULL when memory is out.
 */
struct policy *policy_new(
    const struct policy_opts *o, const char **bad) MUST_USE;
void policy_free(struct policy *p);

enum access policy_access(const struct policy *p, const struct addr *client);
/* The number of the client's view; 0: none. */
uint8_t policy_view_of(const struct policy *p, const struct addr *client);

/*
 * Does nothing but what holds for everybody, quietly, hold for this client?
 * Then what was answered to others may be answered to it.
 */
bool policy_is_common(const struct policy *p, const struct addr *client);

struct policy_question {
	const struct addr *client; /* NULL: of no view */
	const uint8_t *qname;
	uint16_t qtype;
	bool inform; /* out: this should be logged */
	const uint8_t *target; /* out, borrowed: see POLICY_FOLLOW */
};
enum policy_verdict {
	POLICY_RESOLVE,
	POLICY_ANSWER,
	POLICY_SILENCE,
	/*
	 * There is an alias in the answer, and where it leads is for the
	 * resolver to find out: the target.
	 */
	POLICY_FOLLOW,
};
/*
 * A local answer, in the arena? It is authoritative as RFC 6303 section 3 has
 * it. Where the client's view has a zone or a record for the name, what holds
 * for everybody is not looked at.
 */
enum policy_verdict policy_answer(const struct policy *p,
    struct policy_question *q, struct arena *a, struct answer *out);
/*
 * What others answered, as it may be told: without addresses in private
 * networks, unless the name asked for may lead there. The answer itself, or
 * one in the arena that is neither secure nor without an EDE.
 */
const struct answer *policy_screen(const struct policy *p,
    const uint8_t *qname, struct arena *arena, const struct answer *a);
/* CH TXT id.server and kin; rcode REFUSED when hidden or unknown. */
void policy_chaos(const struct policy *p, const uint8_t *qname,
    uint16_t qtype, struct arena *a, struct answer *out);

#endif
