/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports.c - leased source ports (RFC 5452 sections 4.5 and 9.2).
 *
 * What an observer may learn from one question must be of little help with
 * the next:
 * - as long as few questions are asked each has a port of its own, drawn
 *   uniformly from the whole range and closed with its answer;
 * - a worker that asks `enough` questions a second keeps sockets: a question
 *   leaves from one of those that are idle, by chance, once there are
 *   `enough` of them. One serves uses_max questions at most, lives for a
 *   second, and is closed when its question ended in any other way than by
 *   its own answer.
 * That saves opening, tuning, binding, watching and closing for three
 * questions of four: 5 us of system time each.
 */
#include "ports.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "port.h"

#define ENOUGH_MIN 1024u
#define LIFE_US    1000000u
#define SWEEP_US   500000u
#define SECOND_US  1000000u
#define NONE       UINT32_MAX

struct family {
	struct origin origin;
	uint32_t *idle; /* numbers of ports */
	size_t idle_count;
	struct port *oldest, *newest; /* that may be kept, leased or idle */
	uint64_t second_us;           /* when this second began */
	size_t taken;                 /* in it */
	bool is_busy;
};

struct ports {
	struct rng *rng;
	struct timers *timers;
	struct timer sweep;
	uint64_t now_us; /* of the last lease */
	struct port *ports;
	uint32_t ports_max, ports_used, first_free;
	size_t idle_max; /* of both families */
	size_t enough;
	uint8_t uses_max;
	int epoll_fd;
	struct family families[2]; /* IPv4, IPv6 */
};

static struct family *
family_of(struct ports *ps, const struct addr *a)
{
	return &ps->families[a->family == 6];
}

/* --- our own addresses -------------------------------------------------- */

static bool
copy_addresses(struct family *fm, const struct addr *from, size_t count)
{
	if (count == 0)
		return true;
	fm->origin.from = memory_new(count * sizeof(*from));
	if (fm->origin.from == NULL)
		return false;
	memcpy(fm->origin.from, from, count * sizeof(*from));
	fm->origin.from_count = count;
	return true;
}

bool
ports_source(struct ports *ps, const struct addr *to, struct addr *from)
{
	return origin_address(&family_of(ps, to)->origin, ps->rng, to, from);
}

/* An IPv6 socket would take ::ffff:192.0.2.1 for IPv4, past all policy. */
bool
ports_reaches(const struct addr *to)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (to->port == 0 || addr_is_any(to))
		return false;
	if (to->family == 6)
		return memcmp(to->ip, mapped, sizeof(mapped)) != 0;
	return to->family == 4;
}

/* --- opening and closing ------------------------------------------------ */

static struct port *
port_new(struct ports *ps)
{
	uint32_t i = ps->first_free;
	struct port *p;

	if (i == NONE && ps->ports_used == ps->ports_max)
		return NULL;
	/* Those used before first: what was never needed is never touched. */
	if (i == NONE)
		i = ps->ports_used++;
	else
		ps->first_free = ps->ports[i].at;
	p = &ps->ports[i];
	memset(p, 0, sizeof(*p));
	p->fd = -1;
	return p;
}

static void
age_unlink(struct family *fm, struct port *p)
{
	if (!p->may_stay)
		return;
	p->may_stay = false;
	*(p->older != NULL ? &p->older->newer : &fm->oldest) = p->newer;
	*(p->newer != NULL ? &p->newer->older : &fm->newest) = p->older;
}

static void
age_link(struct family *fm, struct port *p)
{
	p->may_stay = true;
	p->newer = NULL;
	p->older = fm->newest;
	*(p->older != NULL ? &p->older->newer : &fm->oldest) = p;
	fm->newest = p;
}

/* Leaves the epoll set by itself. */
static void
port_close(struct ports *ps, struct port *p)
{
	age_unlink(family_of(ps, &p->to), p);
	if (p->fd != -1)
		(void)close(p->fd);
	p->fd = -1;
	p->flow = 0;
	p->at = ps->first_free;
	ps->first_free = (uint32_t)(p - ps->ports);
}

static bool
shed_idle(struct ports *ps)
{
	for (size_t i = 0; i < ARRAY_LEN(ps->families); i++) {
		struct family *fm = &ps->families[i];

		if (fm->idle_count == 0)
			continue;
		port_close(ps, &ps->ports[fm->idle[--fm->idle_count]]);
		return true;
	}
	return false;
}

/* Reported once for what has come: being asked again costs 0.2 us a miss. */
static enum err
watch(const struct ports *ps, const struct port *p, int how)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
		.data.u32 = (uint32_t)(p - ps->ports) };

	return epoll_ctl(ps->epoll_fd, how, p->fd, &ev) == 0 ? ERR_OK
							     : ERR_LIMIT;
}

static enum err
open_one(struct ports *ps, struct family *fm, const struct port_wish *w,
    struct port **out)
{
	struct port *p = port_new(ps);
	enum err e;

	if (p == NULL)
		return ERR_LIMIT;
	p->to = *w->to;
	e = port_open(p, &fm->origin, ps->rng, fm->is_busy);
	if (p->fd == -1 && e == ERR_LIMIT && shed_idle(ps))
		e = port_open(p, &fm->origin, ps->rng, fm->is_busy);
	if (e == ERR_OK)
		e = watch(ps, p, EPOLL_CTL_ADD);
	if (e != ERR_OK) {
		port_close(ps, p);
		return e;
	}
	p->opened_us = w->now_us;
	if (fm->is_busy)
		age_link(fm, p);
	*out = p;
	return ERR_OK;
}

/* --- keeping ------------------------------------------------------------ */

static size_t
idle_of_both(const struct ports *ps)
{
	return ps->families[0].idle_count + ps->families[1].idle_count;
}

static void
idle_remove(struct ports *ps, struct family *fm, const struct port *p)
{
	const uint32_t last = fm->idle[--fm->idle_count];

	fm->idle[p->at] = last;
	ps->ports[last].at = p->at;
}

static void
idle_add(struct ports *ps, struct family *fm, struct port *p)
{
	p->flow = 0;
	p->at = (uint32_t)fm->idle_count;
	fm->idle[fm->idle_count++] = (uint32_t)(p - ps->ports);
}

/* Those that are too old are closed, or will be when they come back. */
static void
expire(struct ports *ps, struct family *fm, uint64_t now_us)
{
	struct port *p;

	while ((p = fm->oldest) != NULL && now_us > p->opened_us + LIFE_US) {
		age_unlink(fm, p);
		if (p->flow != 0)
			continue;
		idle_remove(ps, fm, p);
		port_close(ps, p);
	}
}

static bool
sweep_at(struct ports *ps, uint64_t at_us)
{
	return ps->sweep.slot != 0 ||
	       timer_arm(ps->timers, &ps->sweep, at_us) == ERR_OK;
}

/* When nothing is asked any more; while something is, port_take() does it. */
static void
on_sweep(void *user)
{
	struct ports *ps = user;
	const uint64_t now_us = ps->sweep.at_us;

	for (size_t i = 0; i < ARRAY_LEN(ps->families); i++)
		expire(ps, &ps->families[i], now_us);
	if (idle_of_both(ps) > 0 && !sweep_at(ps, now_us + SWEEP_US))
		while (shed_idle(ps))
			continue;
}

static void
count_taken(struct ports *ps, struct family *fm, uint64_t now_us)
{
	if (now_us - fm->second_us >= SECOND_US) {
		fm->is_busy = fm->taken >= ps->enough &&
			      now_us - fm->second_us < 2 * SECOND_US;
		fm->taken = 0;
		fm->second_us = now_us;
	}
	if (++fm->taken >= ps->enough)
		fm->is_busy = true;
	ps->now_us = now_us;
}

/* One of those that are idle, each as likely as any other. */
static struct port *
idle_take(struct ports *ps, struct family *fm)
{
	struct port *p;

	if (!fm->is_busy || fm->idle_count < ps->enough)
		return NULL;
	p = &ps->ports[fm->idle[rng_below(ps->rng, (uint32_t)fm->idle_count)]];
	idle_remove(ps, fm, p);
	return p;
}

enum err
port_take(struct ports *ps, const struct port_wish *w, struct port **out)
{
	struct family *fm;
	struct port *p = NULL;
	enum err e;

	if (!ports_reaches(w->to))
		return ERR_UNREACHABLE;
	fm = family_of(ps, w->to);
	count_taken(ps, fm, w->now_us);
	expire(ps, fm, w->now_us);
	if (!w->fresh)
		p = idle_take(ps, fm);
	if (p == NULL) {
		e = open_one(ps, fm, w, &p);
	} else {
		e = port_turn(p, &fm->origin, w->to);
		if (e != ERR_OK)
			port_close(ps, p);
	}
	if (e != ERR_OK)
		return e;
	p->flow = w->flow;
	p->uses++;
	*out = p;
	return ERR_OK;
}

void
port_return(struct ports *ps, struct port *p, bool answered)
{
	struct family *fm = family_of(ps, &p->to);

	if (!answered || !p->may_stay || p->uses >= ps->uses_max ||
	    !fm->is_busy || idle_of_both(ps) >= ps->idle_max ||
	    !sweep_at(ps, ps->now_us + SWEEP_US))
		port_close(ps, p);
	else
		idle_add(ps, fm, p);
}

void
port_listen_on(struct ports *ps, const struct port *p)
{
	(void)watch(ps, p, EPOLL_CTL_MOD);
}

struct port *
port_numbered(struct ports *ps, uint32_t number)
{
	if (number >= ps->ports_used || ps->ports[number].fd == -1)
		return NULL;
	return &ps->ports[number];
}

void
port_disturbed(struct ports *ps, struct port *p)
{
	idle_remove(ps, family_of(ps, &p->to), p);
	port_close(ps, p);
}

/* --- making and unmaking ------------------------------------------------ */

static bool
make_room(struct ports *ps, const struct outgoing_opts *o)
{
	size_t span = (size_t)o->port_high - o->port_low + 1;

	ps->idle_max = o->kept_max < span ? o->kept_max : span;
	ps->enough = ps->idle_max / 2;
	ps->uses_max = (uint8_t)(o->port_uses < PORT_USES_MAX ? o->port_uses
							      : PORT_USES_MAX);
	if (ps->enough < ENOUGH_MIN || ps->uses_max < 2) {
		ps->idle_max = 0;
		ps->enough = SIZE_MAX;
	}
	ps->ports_max = (uint32_t)(o->sockets_max + ps->idle_max);
	ps->ports = memory_new((ps->ports_max + 1) * sizeof(*ps->ports));
	for (size_t i = 0; i < ARRAY_LEN(ps->families); i++) {
		struct family *fm = &ps->families[i];

		spread_start(&fm->origin.spread, o->port_low, o->port_high);
		fm->idle = memory_new((ps->idle_max + 1) * sizeof(*fm->idle));
		if (fm->idle == NULL)
			return false;
	}
	return ps->ports != NULL;
}

struct ports *
ports_new(struct rng *rng, struct timers *timers, int epoll_fd,
    const struct outgoing_opts *o)
{
	struct ports *ps;

	if (o->port_low == 0 || o->port_low > o->port_high ||
	    o->from_v4_count > UINT16_MAX || o->from_v6_count > UINT16_MAX)
		return NULL;
	ps = memory_new(sizeof(*ps));
	if (ps == NULL)
		return NULL;
	ps->rng = rng;
	ps->timers = timers;
	ps->epoll_fd = epoll_fd;
	ps->first_free = NONE;
	ps->sweep = (struct timer){ .fire = on_sweep, .user = ps };
	if (make_room(ps, o) &&
	    copy_addresses(&ps->families[0], o->from_v4, o->from_v4_count) &&
	    copy_addresses(&ps->families[1], o->from_v6, o->from_v6_count))
		return ps;
	ports_free(ps);
	return NULL;
}

void
ports_free(struct ports *ps)
{
	if (ps == NULL)
		return;
	timer_cancel(ps->timers, &ps->sweep);
	while (shed_idle(ps))
		continue;
	for (size_t i = 0; i < ARRAY_LEN(ps->families); i++) {
		memory_free(ps->families[i].idle);
		memory_free(ps->families[i].origin.from);
	}
	memory_free(ps->ports);
	memory_free(ps);
}
