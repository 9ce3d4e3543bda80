/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * classify.c - which kind of reply is it? RFC 1034 section 5.3.3 step 4,
 * RFC 2308 section 2, RFC 6672 section 3.
 *
 * 1. Codes that speak of the server, not of the name, are sorted out.
 * 2. The answer section holds the set, or one alias, for the question's name.
 * 3. When it holds neither, the authority section tells a denial from a
 *    referral from a lame server.
 */
#include "reply.h"

#include <hither/servers.h>

static struct rrset *
find_set(const struct message *m, enum section s, const uint8_t *owner,
    uint16_t type)
{
	for (size_t i = 0; i < m->counts[s]; i++) {
		struct rrset *set = m->sets[s][i];

		if (set->type == type && name_equal(set->owner, owner))
			return set;
	}
	return NULL;
}

static struct rrset *
find_dname(const struct message *m, const uint8_t *below)
{
	for (size_t i = 0; i < m->counts[SECTION_ANSWER]; i++) {
		struct rrset *set = m->sets[SECTION_ANSWER][i];

		if (set->type == TYPE_DNAME &&
		    name_is_within(below, set->owner) &&
		    !name_equal(below, set->owner))
			return set;
	}
	return NULL;
}

static bool
path_add(struct reply *r, struct rrset *set)
{
	if (r->path_count == REPLY_PATH_MAX)
		return false;
	r->path[r->path_count++] = set;
	return true;
}

/* The CNAME that RFC 6672 section 3.1 has us make from a DNAME. */
static struct rrset *
synthesise(struct arena *a, const uint8_t *owner, const struct rrset *dname,
    const struct name *target)
{
	struct rrset *set = arena_take(a, sizeof(*set));
	struct rdata *rd = arena_take(a, sizeof(*rd));

	if (set == NULL || rd == NULL)
		return NULL;
	rd->bytes = name_copy_in(a, target->wire);
	rd->len = (uint16_t)name_bytes(target->wire);
	set->owner = name_copy_in(a, owner);
	set->type = TYPE_CNAME;
	set->ttl = dname->ttl;
	set->rdata = rd;
	set->count = 1;
	return set->owner == NULL || rd->bytes == NULL ? NULL : set;
}

enum hop { HOP_NONE, HOP_MOVED, HOP_FULL, HOP_TOO_LONG, HOP_LIES };

/* One alias further along the path. */
static enum hop
path_hop(struct reply *r, struct arena *a)
{
	struct rrset *alias = find_dname(&r->m, r->end.wire), *given;
	struct name target;

	if (alias != NULL) {
		if (!path_add(r, alias))
			return HOP_FULL;
		if (name_replace_suffix(&target, r->end.wire, alias->owner,
			rdata_name(&alias->rdata[0], 0)) != ERR_OK)
			return HOP_TOO_LONG;
		given =
		    find_set(&r->m, SECTION_ANSWER, r->end.wire, TYPE_CNAME);
		/* RFC 6672 section 3.4: it must be the one we would make. */
		if (given != NULL &&
		    !name_equal(target.wire, rdata_name(&given->rdata[0], 0)))
			return HOP_LIES;
		alias = synthesise(a, r->end.wire, alias, &target);
		if (alias == NULL)
			return HOP_FULL;
	} else {
		alias =
		    find_set(&r->m, SECTION_ANSWER, r->end.wire, TYPE_CNAME);
		if (alias == NULL)
			return HOP_NONE;
		name_copy(&target, rdata_name(&alias->rdata[0], 0));
	}
	if (!path_add(r, alias))
		return HOP_FULL;
	r->end = target;
	return HOP_MOVED;
}

static bool
path_takes_any(struct reply *r)
{
	size_t before = r->path_count;

	for (size_t i = 0; i < r->m.counts[SECTION_ANSWER]; i++) {
		struct rrset *set = r->m.sets[SECTION_ANSWER][i];

		if (name_equal(set->owner, r->end.wire) && !path_add(r, set))
			break;
	}
	return r->path_count > before;
}

static bool
path_takes_answer(struct reply *r, const struct asked *q)
{
	struct rrset *set;

	if (q->qtype == TYPE_ANY)
		return path_takes_any(r);
	/* A CNAME made of a DNAME is unsigned: the DNAME comes first. */
	if (q->qtype == TYPE_CNAME && find_dname(&r->m, r->end.wire) != NULL)
		return false;
	set = find_set(&r->m, SECTION_ANSWER, r->end.wire, q->qtype);
	return set != NULL && path_add(r, set);
}

static struct rrset *
find_soa(const struct reply *r, const uint8_t *zone)
{
	for (size_t i = 0; i < r->m.counts[SECTION_AUTHORITY]; i++) {
		struct rrset *set = r->m.sets[SECTION_AUTHORITY][i];

		if (set->type == TYPE_SOA &&
		    name_is_within(r->end.wire, set->owner) &&
		    name_is_within(set->owner, zone))
			return set;
	}
	return NULL;
}

/* Does the message say that there is nothing at the path's end? */
static bool
is_denied(const struct reply *r, const struct asked *q)
{
	return r->m.rcode == RCODE_NXDOMAIN || find_soa(r, q->zone) != NULL;
}

/*
 * How many aliases the message itself puts behind the path, up to a bound: a
 * chain without end is seen in its first message instead of in its last.
 */
static unsigned
count_run(const struct reply *r)
{
	const uint8_t *at = r->end.wire;
	unsigned n = 0;

	while (n < REPLY_PATH_MAX) {
		const struct rrset *alias =
		    find_set(&r->m, SECTION_ANSWER, at, TYPE_CNAME);

		if (alias == NULL)
			break;
		at = rdata_name(&alias->rdata[0], 0);
		n++;
	}
	return n;
}

/*
 * True when the path ends in the set that was asked for. Only one alias is
 * taken from a message: what lies behind it is asked for by its own name, so
 * that a server is believed about nothing but what it was asked. A resolver
 * we forward to has followed the aliases already: as far as they stay in the
 * zone it was configured for, it would be the one to be asked again.
 */
static bool
walk_path(struct reply *r, const struct asked *q, struct arena *a)
{
	enum hop hop;

	do {
		if (path_takes_answer(r, q))
			return true;
		hop = path_hop(r, a);
		/* RFC 6672 section 3.2: the CNAME made of a DNAME is one. */
		if (hop == HOP_MOVED && q->qtype == TYPE_CNAME)
			return true;
	} while (hop == HOP_MOVED && q->forward &&
		 name_is_within(r->end.wire, q->zone));
	if (hop == HOP_LIES) {
		r->kind = REPLY_BAD;
		r->why = "a CNAME that its DNAME does not make";
		return false;
	}
	if (hop == HOP_TOO_LONG)
		r->kind = REPLY_YXDOMAIN;
	if (hop == HOP_TOO_LONG || (hop == HOP_NONE && r->path_count == 0))
		return false;
	if (q->forward && hop == HOP_NONE && is_denied(r, q))
		return false;
	r->kind = REPLY_ALIAS;
	r->run = count_run(r);
	if (name_equal(r->end.wire, q->qname)) {
		r->kind = REPLY_BAD;
		r->why = "an alias of itself";
	}
	return false;
}

/* Codes that speak of the server. True: r->kind is decided. */
static bool
judge_rcode(struct reply *r, const struct asked *q)
{
	bool opt_back = r->m.edns.present;

	switch (r->m.rcode) {
	case RCODE_NOERROR:
	case RCODE_NXDOMAIN:
	case RCODE_YXDOMAIN:
		return false;
	case RCODE_FORMERR:
	case RCODE_NOTIMP:
	case RCODE_BADVERS:
		r->kind = q->edns && (!opt_back || r->m.rcode == RCODE_BADVERS)
			      ? REPLY_NO_EDNS
			      : REPLY_BAD;
		r->why = "the server does not take the question";
		return true;
	case RCODE_BADCOOKIE:
		r->kind = q->edns ? REPLY_BADCOOKIE : REPLY_BAD;
		r->why = "the server does not take our cookie";
		return true;
	case RCODE_REFUSED:
	case RCODE_NOTAUTH:
		r->kind = REPLY_REFUSED;
		r->why = "refused";
		return true;
	default:
		r->kind = REPLY_SERVFAIL;
		r->why = "the server failed";
		return true;
	}
}

/* Deeper than the zone asked, and on the way to the name. */
static bool
delegates(const struct rrset *set, const struct reply *r, const struct asked *q)
{
	return set->type == TYPE_NS &&
	       !(q->qtype == TYPE_DS && name_equal(set->owner, r->end.wire)) &&
	       name_is_within(r->end.wire, set->owner) &&
	       name_labels(set->owner) > name_labels(q->zone) &&
	       name_is_within(set->owner, q->zone);
}

static void
judge_authority(struct reply *r, const struct asked *q)
{
	bool upward = false, own = false;

	for (size_t i = 0; i < r->m.counts[SECTION_AUTHORITY]; i++) {
		struct rrset *set = r->m.sets[SECTION_AUTHORITY][i];

		if (delegates(set, r, q) && r->ns == NULL)
			r->ns = set;
		r->has_proof = r->has_proof || set->type == TYPE_NSEC ||
			       set->type == TYPE_NSEC3;
		if (set->type != TYPE_NS)
			continue;
		/* Asked for a DS some refer to the zone: they have none. */
		r->self_referral =
		    r->self_referral || name_equal(set->owner, r->end.wire);
		own = own || name_equal(set->owner, q->zone);
		upward = upward || !name_is_within(set->owner, q->zone);
	}
	if (r->ns != NULL) {
		/* Some set AA here, wrongly: the names below decide. */
		r->kind = REPLY_REFERRAL;
		return;
	}
	if (r->has_proof || (q->qtype == TYPE_DS && r->self_referral)) {
		struct rrset *ds =
		    find_set(&r->m, SECTION_AUTHORITY, r->end.wire, TYPE_DS);

		r->kind = REPLY_NODATA;
		if (q->qtype == TYPE_DS && ds != NULL && path_add(r, ds))
			r->kind = REPLY_ANSWER;
		return;
	}
	if ((r->m.flags & FLAG_AA) || r->m.counts[SECTION_AUTHORITY] == 0) {
		r->kind = REPLY_EMPTY;
		r->why = "neither answer, SOA nor referral";
		return;
	}
	r->kind = REPLY_LAME;
	r->why = upward ? "upward referral"
		 : own  ? "refers to itself"
			: "not authoritative";
}

/* Nothing on the path: a denial, a referral or a lame server. */
static void
judge_nothing(struct reply *r, const struct asked *q)
{
	r->soa = find_soa(r, q->zone);
	if (r->m.rcode == RCODE_NXDOMAIN) {
		r->kind = REPLY_NXDOMAIN;
		return;
	}
	if (r->soa != NULL || q->forward) {
		r->kind = REPLY_NODATA;
		return;
	}
	judge_authority(r, q);
}

static bool
is_lame_recursion(const struct reply *r, const struct asked *q)
{
	return !q->forward && !q->recursive && !(r->m.flags & FLAG_AA) &&
	       (r->m.flags & FLAG_RA);
}

void
reply_classify(struct reply *r, const struct asked *q, struct arena *a)
{
	name_copy(&r->end, q->qname);
	r->kind = REPLY_KINDS;
	r->why = "";
	if (r->m.flags & FLAG_TC) {
		/* Never taken for complete: RFC 2181 section 9. */
		r->kind = q->tcp ? REPLY_BAD : REPLY_TRUNCATED;
		r->why = q->tcp ? "truncated even by TCP" : "";
		return;
	}
	if (judge_rcode(r, q))
		return;
	if (r->m.rcode == RCODE_YXDOMAIN &&
	    find_dname(&r->m, q->qname) == NULL) {
		/* Only a DNAME makes a name too long: RFC 6672 2.2. */
		r->kind = REPLY_BAD;
		r->why = "a name too long without a DNAME";
		return;
	}
	if (walk_path(r, q, a))
		r->kind = REPLY_ANSWER;
	else if (r->kind == REPLY_KINDS)
		judge_nothing(r, q);
	if (r->kind != REPLY_REFERRAL && r->kind != REPLY_LAME &&
	    is_lame_recursion(r, q)) {
		r->kind = REPLY_RECURSIVE;
		r->why = "a resolver, not a server of the zone";
	}
}

const char *
reply_kind_text(enum reply_kind k)
{
	static const char *const names[REPLY_KINDS] = {
		[REPLY_ANSWER] = "answer",
		[REPLY_ALIAS] = "alias",
		[REPLY_NODATA] = "no data",
		[REPLY_NXDOMAIN] = "no such name",
		[REPLY_YXDOMAIN] = "name too long",
		[REPLY_REFERRAL] = "referral",
		[REPLY_TRUNCATED] = "truncated",
		[REPLY_NO_EDNS] = "no EDNS",
		[REPLY_BADCOOKIE] = "bad cookie",
		[REPLY_SERVFAIL] = "server failure",
		[REPLY_REFUSED] = "refused",
		[REPLY_LAME] = "lame",
		[REPLY_RECURSIVE] = "a resolver's",
		[REPLY_EMPTY] = "empty",
		[REPLY_BAD] = "bad",
	};

	return k < REPLY_KINDS ? names[k] : "?";
}

int
reply_judge(const uint8_t *zone, const uint8_t *qname, uint16_t qtype,
    const uint8_t *bytes, size_t len)
{
	static const int faults[REPLY_KINDS] = {
		[REPLY_SERVFAIL] = FAULT_SERVFAIL + 1,
		[REPLY_REFUSED] = FAULT_REFUSED + 1,
		[REPLY_LAME] = FAULT_LAME + 1,
		[REPLY_RECURSIVE] = FAULT_LAME + 1,
		[REPLY_BAD] = FAULT_BAD + 1,
	};
	struct asked q = { .zone = zone, .qname = qname, .qtype = qtype };
	const struct ttl_limits any = { 0, UINT32_MAX, UINT32_MAX };
	struct arena *a = arena_new(256 * 1024);
	struct reply *r = a == NULL ? NULL : arena_take(a, sizeof(*r));
	int fault = -1;

	if (r != NULL && message_read(a, bytes, len, &r->m) == ERR_OK) {
		reply_scrub(&r->m, &q, &any);
		reply_classify(r, &q, a);
		fault = faults[r->kind] - 1;
	}
	arena_free(a);
	return fault;
}
