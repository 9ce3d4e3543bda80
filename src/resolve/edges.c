/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edges.c - who waits for whom. A parent waits for children that look up the
 * addresses of its zone's servers; a child is shared by all who want the
 * same. An edge that would close a circle is refused, so that two zones whose
 * servers lie in each other fail at once (TsuNAME).
 */
#include "task.h"

#define ANCESTORS_MAX 64u /* looked at before we rather refuse */

/* Is `who` the task t itself, or one that waits for it? */
static bool
is_ancestor(const struct task *t, const struct task *who, unsigned *looked)
{
	const struct task *todo[ANCESTORS_MAX];
	unsigned n = 0;

	todo[n++] = t;
	while (n > 0) {
		const struct task *at = todo[--n];

		if (at == who || ++*looked > ANCESTORS_MAX)
			return true;
		for (const struct edge *e = at->waiters; e != NULL;
		     e = e->next_waiter) {
			if (e->parent == who || n == ANCESTORS_MAX)
				return true;
			/* Nobody waits for it: the way ends there. */
			if (e->parent->waiters != NULL)
				todo[n++] = e->parent;
		}
	}
	return false;
}

static bool
waits_for(const struct task *parent, const struct task *child)
{
	const struct edge *e = parent->children;

	while (e != NULL && e->child != child)
		e = e->next_child;
	return e != NULL;
}

static enum err
add_edge(struct task *parent, struct task *child, size_t server_name)
{
	struct edge *e = memory_new(sizeof(*e)), **at = &child->waiters;

	if (e == NULL)
		return ERR_MEMORY;
	e->parent = parent;
	e->child = child;
	e->into = parent->zone;
	e->server_name = server_name;
	while (*at != NULL)
		at = &(*at)->next_waiter;
	*at = e;
	e->next_child = parent->children;
	parent->children = e;
	return ERR_OK;
}

enum err
task_depend(struct task *parent, const struct task_key *k, size_t server_name)
{
	struct resolver *rs = parent->rs;
	struct task *child;
	unsigned looked = 0;

	/* The chain of trust only ever leads upwards: it costs no depth. */
	if (parent->depth + !k->for_trust > rs->o.depth_max) {
		rs->counts.limit_depth++;
		return ERR_LIMIT;
	}
	child = task_find_or_begin(rs, k, parent->depth + !k->for_trust);
	if (child == NULL)
		return ERR_LIMIT;
	/* A stage that runs again asks again: it waits already. */
	if (k->for_trust && waits_for(parent, child))
		return ERR_EXISTS;
	if (is_ancestor(parent, child, &looked))
		return ERR_REFUSED;
	return add_edge(parent, child, server_name);
}

static void
unlink_child(struct edge *e)
{
	struct edge **at = &e->parent->children;

	while (*at != e)
		at = &(*at)->next_child;
	*at = e->next_child;
}

static void
unlink_waiter(struct edge *e)
{
	struct edge **at = &e->child->waiters;

	while (*at != e)
		at = &(*at)->next_waiter;
	*at = e->next_waiter;
}

/* Why a name server has no address is why its zone cannot be asked. */
static void
take_trouble(struct task *parent, const struct task *child)
{
	const char *why = arena_print(parent->arena, "%s", child->answer.why);

	if (why == NULL || child->answer.ede == EDE_CACHED_ERROR)
		return;
	parent->last_trouble = why;
	parent->last_ede = child->answer.ede;
}

/*
 * What the child found goes straight into the delegation it was asked for,
 * which the parent may have left behind by now.
 */
static void
deliver_addresses(struct edge *e)
{
	struct delegation *d = e->into;
	struct task *child = e->child;
	struct delegation_rules rules = resolver_rules(child->rs);
	struct server_name *n = &d->names[e->server_name];
	enum lookup result = LOOKUP_FAILED;

	for (size_t i = 0; i < child->chain_count; i++) {
		if (child->answer.rcode != RCODE_NOERROR)
			break;
		if (child->chain[i]->type == child->qtype &&
		    delegation_add(d, e->server_name, child->chain[i], &rules) >
			0)
			result = LOOKUP_DONE;
	}
	if (result == LOOKUP_FAILED && child->answer.rcode == RCODE_NOERROR)
		result = LOOKUP_EMPTY;
	if (child->answer.rcode == RCODE_SERVFAIL && e->parent->zone == d)
		take_trouble(e->parent, child);
	*(child->qtype == TYPE_A ? &n->v4 : &n->v6) = result;
}

/*
 * What it found stands in the trust table. When nothing stands there its
 * waiter must not ask again, but say why.
 */
static void
deliver_trust(struct edge *e)
{
	struct task *parent = e->parent, *child = e->child;
	struct broken *b;
	bool failed = child->answer.rcode == RCODE_SERVFAIL;

	if (parent->broken == NULL)
		parent->broken = arena_take(parent->arena,
		    BROKEN_MAX * sizeof(*parent->broken));
	if (parent->broken == NULL)
		return; /* out of memory: the driver sees it and fails */
	b = &parent->broken[parent->broken_count++ % BROKEN_MAX];
	b->zone = child->question;
	b->type = child->qtype;
	b->ede = failed ? child->answer.ede : EDE_DNSSEC_BOGUS;
	b->why = arena_print(parent->arena, "%s",
	    failed ? child->answer.why : "nothing was learnt of a zone");
	if (b->why == NULL)
		b->why = "";
}

void
edges_deliver(struct task *child)
{
	while (child->waiters != NULL) {
		struct edge *e = child->waiters;

		child->waiters = e->next_waiter;
		unlink_child(e);
		if (child->for_trust)
			deliver_trust(e);
		else
			deliver_addresses(e);
		task_adopt_steps(e->parent, child);
		task_ready(e->parent);
		memory_free(e);
	}
}

void
edges_drop_children(struct task *parent)
{
	while (parent->children != NULL) {
		struct edge *e = parent->children;

		parent->children = e->next_child;
		unlink_waiter(e);
		/* Nobody waits any more: the driver lets it end. */
		task_ready(e->child);
		memory_free(e);
	}
}
