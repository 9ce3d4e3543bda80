/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * miss.c - questions that have to be resolved.
 *
 *  1. The client takes a slot and waits. A question sent once more while it
 *     waits is dropped: one answer will do.
 *  2. The worker that owns hash(name) + type gets an errand: ourselves, or
 *     another one through the hall.
 *  3. The owner asks its resolver; the outcome is packed, kept among the
 *     answers when it may be, and goes back as it came.
 *  4. The client, if it still waits, gets its reply.
 *
 * Whatever fails on the way is a SERVFAIL that says why, never a client that
 * waits for ever.
 */
#include "inside.h"

#include <stddef.h>
#include <string.h>

/* With ASan none is kept, so that use after an errand's end is seen. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_ERRANDS 0u
#else
#define SPARE_ERRANDS 256u
#endif

static const char busy[] = "too many questions are waiting";

/* --- errands ---------------------------------------------------------- */

/* Some are kept for the next: the heap took 500 instructions more a miss. */
static struct errand *
errand_memory(struct front *f)
{
	struct errand *e = f->spare_errands;

	if (e == NULL)
		return memory_new(sizeof(*e));
	f->spare_errands = e->next;
	f->spare_errand_count--;
	memset(e, 0, offsetof(struct errand, why));
	e->why[0] = '\0';
	return e;
}

static void
errand_drop(struct front *f, struct errand *e)
{
	if (e == NULL || e->bytes != NULL || e->alias != NULL ||
	    f->spare_errand_count == SPARE_ERRANDS) {
		errand_free(e);
		return;
	}
	e->next = f->spare_errands;
	f->spare_errands = e;
	f->spare_errand_count++;
}

void
miss_drop_spares(struct front *f)
{
	while (f->spare_errands != NULL) {
		struct errand *e = f->spare_errands;

		f->spare_errands = e->next;
		errand_free(e);
	}
}

static void
errand_explain(struct errand *e, const char *why)
{
	size_t len = strnlen(why, sizeof(e->why) - 1);

	memcpy(e->why, why, len);
	e->why[len] = '\0';
}

/* --- 4: the client ---------------------------------------------------- */

/* The reply is in the scratch. */
static void
send_off(struct front *f, struct client *c, size_t len)
{
	front_count_reply(f, f->scratch, 0);
	if (c->route.udp != NULL)
		udp_listener_reply(c->route.udp, &c->route.from,
		    &c->route.local, f->scratch, len);
	else
		tcp_listener_reply(c->route.tcp, c->route.connection,
		    f->scratch, len);
	clients_remove(f->clients, c);
}

/* packed is NULL for a failure; it may be the scratch itself. */
static void
reply_late(struct front *f, const struct errand *e, const uint8_t *packed,
    size_t len)
{
	struct client *c = clients_find(f->clients, e->slot, e->generation);
	struct remark m;

	if (c == NULL)
		return;
	m = front_remark(f, e->ede, e->why);
	histogram_note(&f->counts.latency,
	    loop_now_us(f->opts.loop) - c->started_us);
	if (packed != NULL)
		len = reply_write(&c->asked, &m, packed, len, f->scratch);
	else
		len = reply_error(&c->asked, &m, RCODE_SERVFAIL, f->scratch);
	send_off(f, c, len);
}

void
miss_dismiss(struct front *f)
{
	struct client *c;
	struct remark m;
	uint32_t slot = CLIENT_NONE;

	while ((c = clients_next(f->clients, &slot)) != NULL) {
		m = front_remark(f, EDE_NOT_READY, "the server shuts down");
		send_off(f, c,
		    reply_error(&c->asked, &m, RCODE_SERVFAIL, f->scratch));
	}
}

/* --- 3: the owner ----------------------------------------------------- */

static void
errand_begin(struct front *f, struct errand *e)
{
	e->front = f;
	e->before = NULL;
	e->after = f->errands;
	if (f->errands != NULL)
		f->errands->before = e;
	f->errands = e;
}

static void
errand_end(struct errand *e)
{
	if (e->before != NULL)
		e->before->after = e->after;
	else
		e->front->errands = e->after;
	if (e->after != NULL)
		e->after->before = e->before;
}

/* packed: NULL, or a message in the owner's scratch. Consumes the errand. */
static void
errand_return(struct front *f, struct errand *e, const uint8_t *packed,
    size_t len)
{
	if (e->asker == f->opts.worker) {
		reply_late(f, e, packed, len);
		errand_drop(f, e);
		return;
	}
	if (packed != NULL)
		e->bytes = memory_new(len);
	if (e->bytes != NULL) {
		memcpy(e->bytes, packed, len);
		e->len = len;
	}
	e->answered = true;
	if (!hall_give(f->opts.hall, e->asker, e))
		errand_free(e);
}

static bool
may_be_kept(const struct errand *e, const struct outcome *o,
    const struct answer *a)
{
	return o->expires_ms != 0 && !a->authoritative && !a->bogus &&
	       !e->cache_only && e->alias == NULL &&
	       (a->rcode == RCODE_NOERROR || a->rcode == RCODE_NXDOMAIN);
}

static void
keep_answer(struct front *f, const struct errand *e, const struct outcome *o,
    struct packed *p)
{
	struct answer_key k = { .qname = e->qname.wire,
		.name_hash = e->name_hash,
		.qtype = e->qtype };

	if (e->dnssec_ok)
		k.flags |= ANSWER_KEY_DO;
	if (e->checking_disabled)
		k.flags |= ANSWER_KEY_CD;
	p->expires_ms = o->expires_ms;
	p->refresh_ms = o->refresh_ms;
	p->generation = o->generation;
	/* A cache without room is slower, not wrong. */
	(void)!answers_put(f->opts.cache, &k, p, loop_ttl_now_ms(f->opts.loop));
}

static void
log_failure(const struct errand *e, const struct answer *a)
{
	char name[NAME_TEXT_MAX], type[16];

	log_warn("servfail", "name=%s type=%s ede=%d reason=\"%s\"",
	    name_text(e->qname.wire, name), type_text(e->qtype, type),
	    (int)a->ede, a->why);
}

/* What of it may be told to clients; in f->arena when something may not. */
static const struct answer *
screen(struct front *f, const struct errand *e, const struct outcome *o)
{
	const struct answer *a;

	arena_reset(f->arena);
	a = policy_screen(f->rules->policy, e->qname.wire, f->arena, o->answer);
	if (a != o->answer)
		count_up(&f->counts.screened);
	return a;
}

/* resolver_done */
static void
errand_resolved(void *user, const struct outcome *o)
{
	struct errand *e = user;
	struct front *f = e->front;
	struct pack_opts po = {
		.qname =
		    e->alias == NULL ? e->qname.wire : e->alias->qname.wire,
		.qtype = e->qtype,
		.qclass = CLASS_IN,
		.first = f->rules->rotate ? (uint16_t)(f->turn++) : 0,
		.ttl_max_s = f->rules->ttl_max_s,
		.dnssec_ok = e->dnssec_ok,
		.minimal = f->rules->minimal,
	};
	const struct answer *a = alias_put_before(f, e, screen(f, e, o));
	struct packed p;

	errand_end(e);
	if (f->rules->log_servfail && a->rcode == RCODE_SERVFAIL)
		log_failure(e, a);
	e->ede = a->ede;
	errand_explain(e, a->why);
	if (!pack_answer(a, &po, f->scratch, PACK_MAX, &p)) {
		e->ede = EDE_OTHER;
		errand_explain(e, "the answer is longer than a message");
		errand_return(f, e, NULL, 0);
		return;
	}
	p.ede = a->ede;
	if (may_be_kept(e, o, a))
		keep_answer(f, e, o, &p);
	errand_return(f, e, f->scratch, p.len);
}

/* False: the resolver takes no more; the errand stays the caller's. */
static bool
errand_ask(struct front *f, struct errand *e)
{
	struct resolver_question q = {
		.qname = e->qname.wire,
		.name_hash = e->name_hash,
		.qtype = e->qtype,
		.dnssec_ok = e->dnssec_ok,
		.checking_disabled = e->checking_disabled,
		.cache_only = e->cache_only,
	};

	errand_begin(f, e);
	e->resolver = f->opts.resolver;
	e->ask_id = resolver_ask(f->opts.resolver, &q, errand_resolved, e);
	if (e->ask_id != 0)
		return true;
	errand_end(e);
	e->ede = EDE_OTHER;
	errand_explain(e, busy);
	return false;
}

void
miss_inbox(struct front *f)
{
	struct errand *e = hall_take(f->opts.hall, f->opts.worker);

	while (e != NULL) {
		struct errand *next = e->next;

		if (e->answered) {
			reply_late(f, e, e->bytes, e->len);
			errand_drop(f, e);
		} else if (!errand_ask(f, e)) {
			errand_return(f, e, NULL, 0);
		}
		e = next;
	}
}

void
miss_forget(struct front *f)
{
	while (f->errands != NULL) {
		struct errand *e = f->errands;

		resolver_cancel(e->resolver, e->ask_id);
		errand_end(e);
		errand_free(e);
	}
}

/* --- 1 and 2: the question -------------------------------------------- */

static struct errand *
errand_new(struct front *f, const struct visit *v, uint32_t slot)
{
	struct errand *e = errand_memory(f);

	if (e == NULL)
		return NULL;
	e->asker = f->opts.worker;
	e->slot = slot;
	e->generation = clients_generation(f->clients, slot);
	e->qtype = v->asked.qtype;
	e->dnssec_ok = v->asked.dnssec_ok;
	e->checking_disabled = (v->asked.flags & FLAG_CD) != 0;
	e->cache_only = (v->asked.flags & FLAG_RD) == 0;
	e->ede = EDE_NONE;
	name_lower(&e->qname, v->target != NULL ? v->target : v->asked.qname);
	e->name_hash = v->target != NULL
			   ? cache_name_hash(f->opts.cache, v->target)
			   : v->name_hash;
	if (v->target != NULL && (e->alias = alias_new(v)) == NULL) {
		errand_drop(f, e);
		return NULL;
	}
	return e;
}

static size_t
owner_of(const struct front *f, const struct errand *e)
{
	return (size_t)((e->name_hash + e->qtype) % hall_workers(f->opts.hall));
}

static bool
errand_send(struct front *f, struct errand *e)
{
	size_t owner = owner_of(f, e);

	if (owner == f->opts.worker)
		return errand_ask(f, e);
	if (!hall_give(f->opts.hall, owner, e)) {
		count_up(&f->counts.hall_full);
		return false;
	}
	count_up(&f->counts.handed_over);
	return true;
}

static enum fate
too_busy(struct front *f, struct visit *v)
{
	struct remark m = front_remark(f, EDE_OTHER, busy);

	return visit_error(v, RCODE_SERVFAIL, &m);
}

/*
 * When half the room for clients is taken, whoever speaks of cookies has to
 * show a good one, by which we know that the address is its own: RFC 7873
 * section 5.2.3. The cookie to come back with is in the reply.
 */
static bool
must_show_cookie(const struct front *f, const struct visit *v)
{
	return v->route.udp != NULL && v->asked.cookie_len > 0 &&
	       !v->asked.cookie_known &&
	       clients_waiting(f->clients) > f->opts.clients_max / 2;
}

enum fate
miss_take(struct front *f, struct visit *v)
{
	uint32_t slot = CLIENT_NONE;
	struct errand *e;

	if (must_show_cookie(f, v)) {
		struct remark m = front_remark(f, EDE_NONE, NULL);

		return visit_error(v, RCODE_BADCOOKIE, &m);
	}
	switch (clients_add(f->clients,
	    &(struct newcomer){ .route = &v->route,
		.asked = &v->asked,
		.name_hash = v->name_hash,
		.now_us = loop_now_us(f->opts.loop) },
	    &slot)) {
	case CLIENT_REPEATED:
		count_up(&f->counts.repeated);
		return FATE_WAIT;
	case CLIENT_TOO_MANY:
		return too_busy(f, v);
	case CLIENT_ADDED:
	default:
		break;
	}
	count_up(&f->counts.misses);
	e = errand_new(f, v, slot);
	if (e != NULL && errand_send(f, e))
		return FATE_WAIT;
	errand_drop(f, e);
	clients_remove(f->clients, clients_find(f->clients, slot,
				       clients_generation(f->clients, slot)));
	return too_busy(f, v);
}
