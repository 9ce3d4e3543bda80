/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c - the story of a task, for whoever asked for it. Each task keeps at
 * most STEPS_KEPT lines; a helper's lines are taken over by its parent.
 */
#include "task.h"

#include <stdio.h>

static struct step *
next_step(struct task *t)
{
	if (!t->trace)
		return NULL;
	if (t->steps == NULL)
		t->steps = arena_take(t->arena, STEPS_KEPT * sizeof(*t->steps));
	if (t->steps == NULL || t->step_count == STEPS_KEPT)
		return NULL;
	return &t->steps[t->step_count++];
}

static const char *
stage_word(const struct task *t)
{
	static const char *const words[] = {
		[FROM_CACHE] = "cache",
		[FIND_ZONE] = "zone",
		[PICK_SERVER] = "pick",
		[ASK] = "ask",
		[READ_REPLY] = "reply",
		[VALIDATE] = "validate",
		[STORE] = "store",
		[FOLLOW] = "follow",
		[DONE] = "result",
		[WAIT] = "wait",
	};

	return words[t->stage];
}

void
task_note_down(struct task *t, const char *fmt, ...)
{
	struct step *s = next_step(t);
	uint64_t now_us;
	char text[1400];
	va_list ap;

	if (s == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	now_us = t->rs->o.wire->now_us(t->rs->o.wire_self);
	s->at_us = now_us - t->began_us;
	s->stage = t->ended ? "result" : stage_word(t);
	s->why = arena_print(t->arena, "%s", text);
	if (s->why == NULL)
		s->why = "";
}

void
task_note_reply(struct task *t, const struct exchange *x)
{
	char ip[ADDR_TEXT_MAX];

	if (t->trace)
		task_note(t, "%s%s%s from %s after %.1f ms",
		    reply_kind_text(t->reply.kind),
		    t->reply.why[0] == '\0' ? "" : ": ", t->reply.why,
		    addr_ip_text(&x->to, ip), (double)x->rtt_us / 1000);
}

void
task_adopt_steps(struct task *parent, const struct task *child)
{
	uint64_t later_us = child->began_us > parent->began_us
				? child->began_us - parent->began_us
				: 0;

	for (size_t i = 0; i < child->step_count; i++) {
		struct step *s = next_step(parent);

		if (s == NULL)
			return;
		*s = child->steps[i];
		s->at_us += later_us;
		s->depth++;
		s->why = arena_print(parent->arena, "%s", s->why);
		if (s->why == NULL)
			s->why = "";
	}
}
