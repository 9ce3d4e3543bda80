/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store_signed.c - what signed zones add to the gate into the cache: proofs
 * stand behind the set or the SOA they belong to, data from memory is kept
 * again as what it was judged to be, and what a referral says of the DS is
 * kept unchecked until the chain of trust asks for it.
 */
#include "task.h"

/* The set or the SOA, then the proofs that go with it; returns how many. */
size_t
store_with_proofs(const struct task *t, struct rrset *first, struct rrset **out,
    uint32_t *ttl)
{
	size_t n = 0;

	if (first != NULL)
		out[n++] = first;
	for (size_t i = 0; t->reply.proofs_needed && i < t->reply.proof_count;
	     i++) {
		out[n++] = t->reply.proofs[i];
		if (t->reply.proofs[i]->ttl < *ttl)
			*ttl = t->reply.proofs[i]->ttl;
	}
	return n;
}

/*
 * What memory held unchecked was judged: it is kept as that, for no longer
 * than before. Proven data is as good as the zone's own word.
 */
void
store_judged(struct task *t)
{
	struct reply *rp = &t->reply;
	struct rrset *sets[1 + PROOFS_MAX];
	bool positive = rp->path_count > 0;
	bool nxdomain = rp->kind == REPLY_NXDOMAIN;
	struct rrset *first = positive ? rp->path[0] : rp->soa;
	uint32_t ttl = first == NULL ? UINT32_MAX : first->ttl;
	struct record r = { .owner = rp->end.wire,
		.sets = sets,
		.kind = nxdomain ? RECORD_NXDOMAIN : RECORD_NODATA,
		.rank = rp->rank,
		.ede = EDE_NONE,
		.type = nxdomain ? 0 : t->qtype };

	if (rp->security == rp->known)
		return;
	if (positive) {
		r.owner = first->owner;
		r.kind = RECORD_SET;
		r.type = first->type;
		if (rp->security == SECURITY_SECURE)
			r.rank = RANK_AUTH_ANSWER;
	}
	r.set_count = store_with_proofs(t, first, sets, &ttl);
	store_put(t, &r, ttl);
}

/* RFC 4035 section 3.1.4: the DS of the zone, or the proof of none. */
void
store_ds(struct task *t, const uint8_t *zone)
{
	struct message *m = &t->reply.m;
	struct rrset *sets[PROOFS_MAX];
	struct record r = { .owner = zone,
		.sets = sets,
		.kind = RECORD_NODATA,
		.rank = RANK_AUTHORITY,
		.ede = EDE_NONE,
		.type = TYPE_DS };
	uint32_t ttl = UINT32_MAX;

	if (t->rs->o.anchors == NULL)
		return;
	for (size_t i = 0; i < m->counts[SECTION_AUTHORITY]; i++) {
		struct rrset *s = m->sets[SECTION_AUTHORITY][i];

		if (s->type == TYPE_DS && name_equal(s->owner, zone)) {
			sets[0] = s;
			r.kind = RECORD_SET;
			r.set_count = 1;
			ttl = s->ttl;
			break;
		}
		if (r.set_count == PROOFS_MAX ||
		    (s->type != TYPE_NSEC && s->type != TYPE_NSEC3))
			continue;
		sets[r.set_count++] = s;
		if (s->ttl < ttl)
			ttl = s->ttl;
	}
	if (r.set_count > 0)
		store_put(t, &r, ttl);
}
