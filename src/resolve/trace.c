/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c - the story of a task, for whoever asked for it. Each task keeps at
 * most STEPS_KEPT lines; a helper's lines are taken over by its parent. A helper
 * that several wait for is told of once, and referred to after that.
 */
#include "task.h"

#include <limits.h>
#include <stdio.h>

static struct step *
next_step(struct task *t)
{
	struct step *s;

	if (!t->trace)
		return NULL;
	if (t->steps == NULL)
		t->steps = arena_take(t->arena, STEPS_KEPT * sizeof(*t->steps));
	if (t->steps == NULL || t->step_count == STEPS_KEPT)
		return NULL;
	s = &t->steps[t->step_count++];
	if (t->step_count < STEPS_KEPT)
		return s;
	*s = (struct step){ .at_us = s[-1].at_us,
		.stage = "more",
		.why = "steps were taken than are kept",
		.task = t->number };
	return NULL;
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
	now_us = t->rs->now_us;
	s->at_us = now_us - t->began_us;
	s->stage = t->ended ? "result" : stage_word(t);
	s->task = t->number;
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

/* Among the first `count` steps of t: is a step of that task there? */
static bool
was_told(const struct task *t, size_t count, uint32_t task)
{
	for (size_t i = 0; i < count; i++) {
		if (t->steps[i].task == task)
			return true;
	}
	return false;
}

/* False: there is no room for more. */
static bool
adopt(struct task *parent, const struct step *from, const char *more)
{
	struct step *s = next_step(parent);

	if (s == NULL)
		return false;
	*s = *from;
	s->why = arena_print(parent->arena, "%s%s", from->why, more);
	if (s->why == NULL)
		s->why = "";
	return true;
}

static const char as_above[] = ", as above";

/* The head of a helper's story: what it was to find. */
static bool
adopt_head(struct task *parent, const struct task *child, bool told)
{
	char name[NAME_TEXT_MAX], type[16];
	char text[NAME_TEXT_MAX + sizeof(type)];
	const struct step head = { .at_us =
				       child->began_us > parent->began_us
					   ? child->began_us - parent->began_us
					   : 0,
		.stage = "help",
		.why = text,
		.depth = 1,
		.task = child->number };

	snprintf(text, sizeof(text), "%s %s",
	    name_text(child->question.wire, name),
	    type_text(child->qtype, type));
	return adopt(parent, &head, told ? as_above : "");
}

void
task_adopt_steps(struct task *parent, const struct task *child)
{
	size_t before = parent->step_count;
	unsigned hidden = UINT_MAX; /* steps of this depth and deeper */

	if (!parent->trace)
		return;
	if (was_told(parent, before, child->number)) {
		(void)adopt_head(parent, child, true);
		return;
	}
	if (!adopt_head(parent, child, false))
		return;
	for (size_t i = 0; i < child->step_count; i++) {
		struct step s = child->steps[i];
		bool told = was_told(parent, before, s.task);

		if (told && s.depth >= hidden)
			continue;
		hidden = told ? s.depth : UINT_MAX;
		s.at_us += parent->steps[before].at_us;
		s.depth++;
		if (!adopt(parent, &s, told ? as_above : ""))
			return;
	}
}
