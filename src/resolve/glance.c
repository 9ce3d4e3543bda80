/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glance.c - the name a task is at and the names above it, as memory sees
 * them: hashed once for each name, and what there is of each looked at once a
 * stage. FROM_CACHE asks after a dozen records of them, FIND_ZONE after one
 * for each; hardly any is there.
 */
#include "task.h"

#include <string.h>

/* Of one name: at[n] is its last n labels. */
struct glance {
	unsigned labels;
	unsigned step; /* when it was looked at */
	struct seen seen;
	struct records_seen at[];
};

static struct glance *
glance_new(struct task *t, const uint8_t *name)
{
	const unsigned labels = name_labels(name);
	struct glance *g =
	    arena_take(t->arena, sizeof(*g) + (labels + 1) * sizeof(g->at[0]));
	const uint8_t *copy = name_copy_in(t->arena, name);

	if (g == NULL || copy == NULL)
		return NULL;
	g->labels = labels;
	g->seen = (struct seen){ .at = g->at, .labels = labels };
	records_names(t->rs->o.cache, copy, g->at);
	return g;
}

/* Letters of another case make another name: that costs a look. */
static bool
is_of(const struct glance *g, const uint8_t *name)
{
	const struct records_seen *s = &g->at[g->labels];

	return name_bytes(name) == s->name_bytes &&
	       memcmp(name, s->name, s->name_bytes) == 0;
}

/*
 * What was seen in this stage or the one before it holds: nobody else runs
 * between two stages of a task. NULL: no memory.
 */
const struct seen *
glance(struct task *t, const uint8_t *name)
{
	struct glance *g = t->glance;

	if (g == NULL || !is_of(g, name)) {
		g = t->glance = glance_new(t, name);
		if (g == NULL)
			return NULL;
		glance_over(t);
	}
	if (t->steps_run - g->step > 1) {
		/* Nothing but the root itself is told by what it has. */
		g->at[0].kinds = UINT32_MAX;
		records_look(g->labels > 0 ? g->at + 1 : g->at,
		    g->labels > 0 ? g->labels : 1);
		g->step = t->steps_run;
		g->seen.above.kinds = 0;
		for (unsigned n = 1; n < g->labels; n++)
			g->seen.above.kinds |= g->at[n].kinds;
	}
	return &g->seen;
}

const uint8_t *
glance_name(struct task *t)
{
	const struct glance *g = t->glance;
	const uint8_t *copy;

	if (g != NULL && is_of(g, t->sname.wire))
		return g->at[g->labels].name;
	copy = name_copy_in(t->arena, t->sname.wire);
	/* An arena that is over ends the task before it moves on. */
	return copy != NULL ? copy : t->sname.wire;
}

uint64_t
glance_hash(const struct task *t, const uint8_t *name)
{
	const struct glance *g = t->glance;
	const size_t bytes = name_bytes(name);

	for (unsigned n = g == NULL ? 0 : g->labels + 1; n-- > 0;) {
		const struct records_seen *s = &g->at[n];

		if (s->name_bytes <= bytes)
			return s->name_bytes == bytes &&
				       name_equal_sized(s->name, name, bytes)
				   ? s->hash
				   : 0;
	}
	return 0;
}

void
glance_over(struct task *t)
{
	if (t->glance != NULL)
		t->glance->step = t->steps_run - 2;
}
