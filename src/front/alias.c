/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alias.c - local aliases that lead to names of others.
 *
 * The target is resolved as a question of its own and kept as such. The client
 * asked for another name, though, so what was found goes behind the aliases;
 * that whole is of this client's view, proves nothing and is never packed for
 * others. The aliases are looked up once more rather than carried along: the
 * names found then must still lead to the target.
 */
#include "inside.h"

#include <string.h>

struct alias *
alias_new(const struct visit *v)
{
	struct alias *al = memory_new(sizeof(*al));

	if (al == NULL)
		return NULL;
	name_copy(&al->qname, v->asked.qname);
	al->client = v->route.from;
	return al;
}

/* The sets of the one before those of the other. */
static bool
join(struct arena *a, const struct answer *first, struct answer *then)
{
	size_t n = first->counts[SECTION_ANSWER];
	size_t more = then->counts[SECTION_ANSWER];
	struct rrset **sets = arena_take(a, (n + more + 1) * sizeof(*sets));

	if (sets == NULL)
		return false;
	if (n > 0)
		memcpy(sets, first->sets[SECTION_ANSWER], n * sizeof(*sets));
	if (more > 0)
		memcpy(sets + n, then->sets[SECTION_ANSWER],
		    more * sizeof(*sets));
	then->sets[SECTION_ANSWER] = sets;
	then->counts[SECTION_ANSWER] = n + more;
	return true;
}

const struct answer *
alias_put_before(struct front *f, const struct errand *e,
    const struct answer *a)
{
	static const struct answer changed = { .rcode = RCODE_SERVFAIL,
		.ede = EDE_OTHER,
		.why = "the local alias has changed meanwhile" };
	struct policy_question q = { .qtype = e->qtype };
	struct answer local, *whole;

	if (e->alias == NULL)
		return a;
	q.qname = e->alias->qname.wire;
	q.client = &e->alias->client;
	whole = arena_copy(f->arena, a, sizeof(*a));
	if (whole == NULL ||
	    policy_answer(f->rules->policy, &q, f->arena, &local) !=
		POLICY_FOLLOW ||
	    !name_equal(q.target, e->qname.wire) ||
	    !join(f->arena, &local, whole))
		return &changed;
	whole->secure = false;
	return whole;
}
