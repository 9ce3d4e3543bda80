/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts.c - the addresses of a zone's servers that came without any.
 *
 * What is known of their names joins the delegation at once. What is not is
 * looked up when nobody else is left (pick.c), or, once a server of the zone
 * has answered, in the background: no client waits for it, and the next
 * question has more servers to choose from.
 *
 * A delegation may name hundreds of hosts in somebody else's zone (NXNSAttack,
 * 2020). So a question fetches FETCHES_A_QUESTION at most, with a small
 * budget of their own; what does not exist counts as looked up, and nothing is
 * fetched while the resolver is busy.
 */
#include "task.h"

#define FETCHES_A_QUESTION 2u
#define FETCHES_AT_ONCE    32u
#define FETCH_MESSAGES     8u
/* So many addresses are choice enough. */
#define ADDRESSES_ENOUGH 8u

static bool
wants_addresses(const struct delegation *d, size_t i)
{
	return !d->names[i].has_glue &&
	       !name_is_within(d->names[i].name, d->zone);
}

static enum lookup
recall(struct task *t, size_t i, uint16_t type)
{
	const struct delegation_rules rules = resolver_rules(t->rs);
	struct delegation *d = t->zone;
	struct record r;

	if (!known_host(t, d->names[i].name, type, &r))
		return LOOKUP_NONE;
	if (r.kind == RECORD_SET)
		return delegation_add(d, i, r.sets[0], &rules) > 0
			   ? LOOKUP_DONE
			   : LOOKUP_FAILED;
	return r.kind == RECORD_NODATA ? LOOKUP_EMPTY : LOOKUP_FAILED;
}

/* Of a new delegation: what memory says of names without glue. */
void
hosts_recall(struct task *t)
{
	const struct resolver_opts *o = &t->rs->o;
	struct delegation *d = t->zone;

	if (t->cold || d == NULL || d->ns == NULL)
		return;
	for (size_t i = 0; i < d->name_count; i++) {
		struct server_name *n = &d->names[i];

		if (!wants_addresses(d, i))
			continue;
		if (o->ip4)
			n->v4 = recall(t, i, TYPE_A);
		if (o->ip6 && n->v4 != LOOKUP_FAILED)
			n->v6 = recall(t, i, TYPE_AAAA);
		/* An attacker's names are not free the second time either. */
		d->lookups += n->v4 == LOOKUP_FAILED || n->v6 == LOOKUP_FAILED;
	}
}

/* The family that its other servers have is worth asking for, too. */
static bool
has_family_6(const struct delegation *d)
{
	for (size_t i = 0; i < d->address_count; i++) {
		if (d->addresses[i].family == 6)
			return true;
	}
	return false;
}

/* The type to fetch of name i; 0: none. */
static uint16_t
missing_type(const struct task *t, size_t i, bool with_6)
{
	const struct resolver_opts *o = &t->rs->o;
	const struct server_name *n = &t->zone->names[i];

	if (!wants_addresses(t->zone, i))
		return 0;
	if (o->ip4 && n->v4 == LOOKUP_NONE)
		return TYPE_A;
	if (!o->ip6 || n->v6 != LOOKUP_NONE)
		return 0;
	return !o->ip4 || n->v4 == LOOKUP_EMPTY ||
		       (with_6 && n->v4 == LOOKUP_DONE)
		   ? TYPE_AAAA
		   : 0;
}

/* True: a fetch was begun, and is paid for. */
static bool
fetch(struct task *t, const struct task_key *k)
{
	struct resolver *rs = t->rs;
	struct task *x;

	if (task_find(rs, k) != NULL ||
	    host_failed_lately(t, k->qname, k->qtype))
		return false;
	x = task_find_or_begin(rs, k, 1);
	if (x == NULL)
		return false;
	task_give_budget(x);
	if (rs->o.messages_max > FETCH_MESSAGES)
		x->budget.messages = rs->o.messages_max - FETCH_MESSAGES;
	x->in_background = true;
	rs->background++;
	rs->counts.fetched++;
	return true;
}

/* A server of the zone has answered a question that a client pays for. */
void
hosts_fetch(struct task *t)
{
	struct resolver *rs = t->rs;
	struct delegation *d = t->zone;
	bool with_6 = has_family_6(d);
	unsigned left = FETCHES_A_QUESTION;

	if (t->cold || t->depth > 0 || d->ns == NULL || d->fetched ||
	    d->address_count >= ADDRESSES_ENOUGH ||
	    rs->background >= FETCHES_AT_ONCE ||
	    rs->counts.tasks > rs->o.tasks_max / 2)
		return;
	d->fetched = true;
	for (size_t i = 0; i < d->name_count && left > 0; i++) {
		const struct task_key k = { .qname = d->names[i].name,
			.qtype = missing_type(t, i, with_6),
			.for_server = true };

		if (k.qtype != 0 && fetch(t, &k))
			left--;
	}
}
