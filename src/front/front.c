/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front.c - one worker's front: its listeners, its clients, its counters.
 *
 * After each turn of the loop the inbox of this worker is emptied and then
 * the resolver runs whatever is ready, so that an answer leaves in the turn
 * in which it was found. All calls but front_count() come from the worker's
 * own thread (or before it begins and after it ended).
 */
#include "inside.h"

#include <errno.h>
#include <string.h>

#define TASKS_A_TURN 64u
#define TASKS_BEHIND 16u

struct remark
front_remark(struct front *f, enum ede ede, const char *why)
{
	if (ede != EDE_NONE)
		count_up(&f->counts.edes[(unsigned)ede < FRONT_EDES
					     ? (unsigned)ede
					     : FRONT_EDES - 1]);
	return (struct remark){ .nsid = f->rules->nsid,
		.nsid_len = f->rules->nsid_len,
		.why = why,
		.ede = ede };
}

void
front_count_reply(struct front *f, const uint8_t *reply, unsigned rcode)
{
	size_t i = rcode != 0 ? rcode : reply[3] & 15u;

	if (i >= ARRAY_LEN(f->counts.rcodes))
		i = ARRAY_LEN(f->counts.rcodes) - 1;
	count_up(&f->counts.rcodes[i]);
	if ((reply[2] & (FLAG_TC >> 8)) != 0)
		count_up(&f->counts.truncated);
}

static void
update_gauges(struct front *f)
{
	uint64_t overdue = f->overdue_before, unsent = f->unsent_before;
	size_t i, streams = 0;

	for (i = 0; i < f->listeners_end; i++) {
		const struct listener *li = &f->listeners[i];

		if (li->tcp != NULL)
			streams += tcp_listener_clients(li->tcp);
		if (li->udp == NULL)
			continue;
		overdue += udp_listener_overdue(li->udp);
		unsent += udp_listener_unsent(li->udp);
	}
	__atomic_store_n(&f->counts.overdue, overdue, __ATOMIC_RELAXED);
	__atomic_store_n(&f->counts.tcp_clients, streams, __ATOMIC_RELAXED);
	__atomic_store_n(&f->counts.unsent, unsent, __ATOMIC_RELAXED);
	__atomic_store_n(&f->counts.waiting, clients_waiting(f->clients),
	    __ATOMIC_RELAXED);
}

/*
 * When misses are more than we can do, hits must not wait for them: after a
 * millisecond's worth the sockets have their turn again, and sooner as long as
 * questions lie there unread, for nobody knows yet which of them are hits. (Of
 * those that came with twice the misses a quota allows 999 in 1,000 were
 * answered then, and 740 before.)
 */
static size_t
tasks_of_turn(const struct front *f)
{
	for (size_t i = 0; i < f->listeners_end; i++) {
		const struct listener *li = &f->listeners[i];

		if (li->udp != NULL && udp_listener_is_behind(li->udp))
			return TASKS_BEHIND;
	}
	return TASKS_A_TURN;
}

static void
after_turn(void *user)
{
	struct front *f = user;

	miss_inbox(f);
	if (!resolver_turn_some(f->opts.resolver, tasks_of_turn(f)))
		loop_again(f->opts.loop);
	update_gauges(f);
	crowd_look(&f->crowd, loop_now_us(f->opts.loop),
	    f->counts.udp_queries + f->counts.tcp_queries);
}

void
front_renew_cookies(struct front *f, uint64_t now_s)
{
	const struct front_rules *r = f->rules;
	uint64_t period = now_s / COOKIE_PERIOD_S;

	if (r->cookies_told.count > 0) {
		f->cookies = r->cookies_told;
		f->cookie_period = 0;
	} else if (f->cookie_period != period || f->cookies.count == 0) {
		/* From the key all workers share, which is told to nobody. */
		cookie_derive(&f->opts.cookie_key, period, &f->cookies);
		f->cookie_period = period;
	}
}

struct front *
front_new(const struct front_opts *o)
{
	struct front *f = memory_new(sizeof(*f));

	if (f == NULL)
		return NULL;
	f->opts = *o;
	f->rules = o->rules;
	front_renew_cookies(f, clock_real_s());
	f->clients = clients_new(o->clients_max, o->clients_per_address_max);
	f->arena = arena_new(FRONT_ARENA_BYTES);
	f->scratch = memory_new(FRONT_SCRATCH_BYTES);
	if (f->clients == NULL || f->arena == NULL || f->scratch == NULL) {
		clients_free(f->clients);
		arena_free(f->arena);
		memory_free(f->scratch);
		memory_free(f);
		return NULL;
	}
	hall_enter(o->hall, o->worker, o->loop);
	loop_after_turn(o->loop, after_turn, f);
	return f;
}

static void
listener_close(struct front *f, struct listener *li)
{
	size_t waited = clients_waiting(f->clients);

	clients_remove_listener(f->clients, li->udp, li->tcp);
	count_more(&f->counts.dropped, waited - clients_waiting(f->clients));
	if (li->udp != NULL) {
		f->overdue_before += udp_listener_overdue(li->udp);
		f->unsent_before += udp_listener_unsent(li->udp);
		udp_listener_free(li->udp);
	}
	if (li->tcp != NULL)
		tcp_listener_free(li->tcp);
	li->udp = NULL;
	li->tcp = NULL;
}

void
front_free(struct front *f)
{
	size_t i;

	if (f == NULL)
		return;
	loop_after_turn_end(f->opts.loop, after_turn, f);
	for (i = 0; i < FRONT_LISTENERS_MAX; i++)
		listener_close(f, &f->listeners[i]);
	hall_leave(f->opts.hall, f->opts.worker);
	miss_forget(f);
	miss_drop_spares(f);
	clients_free(f->clients);
	arena_free(f->arena);
	memory_free(f->scratch);
	memory_free(f);
}

void
front_set_rules(struct front *f, const struct front_rules *r)
{
	f->rules = r;
	f->last_source.known = false;
	front_renew_cookies(f, clock_real_s());
	/* A name may have become a local one: quick.c looks here only. */
	answers_forget(f->opts.cache);
}

void
front_dismiss(struct front *f)
{
	miss_dismiss(f);
}

void
front_set_resolver(struct front *f, struct resolver *rs)
{
	f->opts.resolver = rs;
}

/* --- listeners -------------------------------------------------------- */

static struct listener *
listener_place(struct front *f, const struct addr *a)
{
	size_t i;

	for (i = 0; i < FRONT_LISTENERS_MAX; i++) {
		struct listener *li = &f->listeners[i];

		if (li->udp != NULL || li->tcp != NULL)
			continue;
		if (i == f->listeners_end)
			f->listeners_end++;
		li->front = f;
		li->local = *a;
		return li;
	}
	errno = EMFILE;
	return NULL;
}

enum err
front_listen_udp(struct front *f, const struct addr *a, bool first)
{
	struct listener *li = listener_place(f, a);
	struct udp_listener_opts o = { .local = *a,
		.on_batch = batch_take,
		.user = li,
		.first = first };

	if (li == NULL)
		return ERR_LIMIT;
	li->udp = udp_listener_new(f->opts.loop, &o);
	return li->udp != NULL ? ERR_OK : ERR_SYSTEM;
}

enum err
front_listen_tcp(struct front *f, const struct addr *a,
    const struct tcp_limits *limits, bool first)
{
	struct listener *li = listener_place(f, a);
	struct tcp_listener_opts o = { .local = *a,
		.limits = *limits,
		.admit = stream_admit,
		.on_message = stream_take,
		.user = li,
		.first = first };

	if (li == NULL)
		return ERR_LIMIT;
	li->tcp = tcp_listener_new(f->opts.loop, &o);
	return li->tcp != NULL ? ERR_OK : ERR_SYSTEM;
}

void
front_unlisten(struct front *f, const struct addr *a)
{
	size_t i;

	for (i = 0; i < FRONT_LISTENERS_MAX; i++) {
		struct listener *li = &f->listeners[i];

		if ((li->udp != NULL || li->tcp != NULL) &&
		    addr_equal(&li->local, a))
			listener_close(f, li);
	}
}

/* --- counting --------------------------------------------------------- */

void
front_count(const struct front *f, struct front_counts *out)
{
	const struct front_counts *c = &f->counts;
	size_t i;

#define READ(member) out->member = __atomic_load_n(&c->member, __ATOMIC_RELAXED)
	READ(udp_queries);
	READ(tcp_queries);
	READ(udp6_queries);
	READ(tcp6_queries);
	READ(dropped);
	READ(repeated);
	READ(unsent);
	READ(refused);
	READ(formerr);
	READ(notimp);
	READ(badvers);
	READ(local);
	READ(screened);
	READ(limited);
	READ(limited_told);
	READ(hits);
	READ(misses);
	READ(handed_over);
	READ(hall_full);
	READ(truncated);
	READ(overdue);
	READ(waiting);
	READ(tcp_clients);
	for (i = 0; i < ARRAY_LEN(c->rcodes); i++)
		READ(rcodes[i]);
	for (i = 0; i < ARRAY_LEN(c->edes); i++)
		READ(edes[i]);
	out->latency = (struct histogram){ .sum_us = 0 };
	histogram_add(&out->latency, &c->latency);
#undef READ
}

uint64_t
front_receive_drops(const struct front *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < FRONT_LISTENERS_MAX; i++)
		if (f->listeners[i].udp != NULL)
			n += udp_listener_drops(f->listeners[i].udp);
	return n;
}
