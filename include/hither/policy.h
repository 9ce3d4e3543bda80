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

enum local_kind {
	LOCAL_STATIC,	 /* data, else NXDOMAIN or NODATA */
	LOCAL_REFUSE,	 /* REFUSED */
	LOCAL_NXDOMAIN,	 /* NXDOMAIN whatever is asked */
	LOCAL_TRANSPARENT, /* not ours: special-use handling is switched off */
};
struct local_zone {
	const uint8_t *name;
	enum local_kind kind;
};

struct policy_opts {
	const struct access_rule *access; /* longest prefix wins */
	size_t access_count;		  /* 0: everybody is refused */
	const struct local_zone *zones;
	size_t zone_count;
	const char *const *data; /* records in zone-file form */
	size_t data_count;
	const char *identity;	 /* id.server, hostname.bind; "": hidden */
	const char *version;	 /* version.server, version.bind; "": hidden */
};

struct policy;
/* All copied. NULL: *bad names the record that does not parse, or memory. */
struct policy *policy_new(
    const struct policy_opts *o, const char **bad) MUST_USE;
void policy_free(struct policy *p);

enum access policy_access(const struct policy *p, const struct addr *client);
/*
 * A local answer, in the arena? False: resolve it. The `answer` is
 * authoritative as RFC 6303 section 3 has it.
 */
bool policy_answer(const struct policy *p, const uint8_t *qname,
    uint16_t qtype, struct arena *a, struct answer *out);
/* CH TXT id.server and kin; rcode REFUSED when hidden or unknown. */
void policy_chaos(const struct policy *p, const uint8_t *qname,
    uint16_t qtype, struct arena *a, struct answer *out);

#endif
