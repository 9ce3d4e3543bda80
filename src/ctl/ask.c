/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask.c - trace: what only a resolver can tell, on its thread.
 */
#include "inside.h"

#include <string.h>

static double
us_to_ms(uint64_t us)
{
	return (double)us / 1000;
}

static json_t *
steps_json(const struct outcome *o)
{
	json_t *all = json_array();

	for (size_t i = 0; i < o->step_count; i++) {
		const struct step *s = &o->steps[i];

		(void)json_array_append_new(all,
		    json_pack("{s:f, s:s, s:s, s:i, s:I}", "at_ms",
			us_to_ms(s->at_us), "stage", s->stage, "why",
			s->why != NULL ? s->why : "", "depth", (int)s->depth,
			"task", (json_int_t)s->task));
	}
	return all;
}

/* The answer section as lines of a zone file. */
static json_t *
answer_json(const struct answer *a)
{
	struct arena *arena = arena_new((size_t)1 << 20);
	json_t *all = json_array();
	char owner[NAME_TEXT_MAX], type[16];

	for (size_t i = 0; arena != NULL && i < a->counts[SECTION_ANSWER];
	     i++) {
		const struct rrset *s = a->sets[SECTION_ANSWER][i];

		for (uint16_t j = 0; j < s->count; j++) {
			const char *rdata = rdata_text(arena, s, j);

			if (rdata == NULL)
				continue;
			(void)json_array_append_new(all,
			    json_sprintf("%s %u IN %s %s",
				name_text(s->owner, owner), s->ttl,
				type_text(s->type, type), rdata));
		}
	}
	arena_free(arena);
	return all;
}

static void
trace_done(void *user, const struct outcome *o)
{
	struct request *r = user;
	char name[NAME_TEXT_MAX], type[16];

	r->result = json_pack("{s:s, s:s, s:o, s:s, s:o, s:f, s:i, s:i, s:b}",
	    "name", name_text(r->name.wire, name), "type",
	    type_text(r->type, type), "steps", steps_json(o), "rcode",
	    rcode_text(o->answer->rcode), "answer", answer_json(o->answer),
	    "took_ms", us_to_ms(o->took_us), "messages", (int)o->messages,
	    "signature_checks", (int)o->checks, "from_cache", o->from_cache);
	if (r->result != NULL && o->answer->ede != EDE_NONE)
		(void)json_object_update_new(r->result,
		    json_pack("{s:i, s:s, s:s}", "ede", (int)o->answer->ede,
			"ede_title", ede_title(o->answer->ede), "ede_text",
			o->answer->why));
	request_return(r);
}

static void
trace_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	struct resolver_question q = { .qname = r->name.wire,
		.qtype = r->type,
		.cold = r->cold,
		.trace = true };

	if (resolver_ask(worker->resolver, &q, trace_done, r) != 0)
		return;
	r->code = HTTP_BUSY;
	r->result = json_pack("{s:s}", "error", "too many questions");
	request_return(r);
}

void
command_trace(struct request *r)
{
	const char *type = request_argument(r, "type");

	if (type == NULL)
		type = "A";
	if (!request_name(r, "name"))
		return;
	if (type_parse(type, &r->type) != ERR_OK) {
		request_fail(r, HTTP_BAD, "\"%.40s\" is not a type", type);
		return;
	}
	r->cold = request_flag(r, "cold");
	request_to_worker(r, 0, trace_visit);
}
