/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * play.c - walks the steps of a scenario with the real resolver.
 *
 * After each step what is on its way is delivered. A step that needs an
 * answer or a query which is not there yet lets virtual time run from timer
 * to timer, at most PATIENCE_US. Nothing random: the generator is seeded,
 * and no shadow probe, hedge or race is sent (budget 0).
 */
#include "player.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_US 60000000u
#define START_US    1000000000u

struct play {
	struct scenario *sc;
	struct timers *timers;
	struct rng *rng;
	struct cache *cache;
	struct servers *servers;
	struct resolver *resolver;
	struct network *network;
	struct anchors *anchors;      /* NULL: nothing is validated */
	struct client_query *queries; /* in order */
	struct resolver_zone zones[ZONES_MAX];
	struct prefix not_asked[2];
};

static bool
fail(struct play *p, const struct moment *m, const char *what)
{
	snprintf(p->sc->why, TEXT_MAX, "step %u, line %u: %s", m->number,
	    m->entry != NULL ? m->entry->line : m->line, what);
	return false;
}

/* --- the resolver ----------------------------------------------------- */

/* NS . h<i>.hints.invalid. and its address, for each address given. */
static struct rrset *
make_hints(struct play *p, struct rrset **sets, size_t *count)
{
	struct setup *s = &p->sc->setup;
	struct arena *a = p->sc->arena;
	struct rdata *names = arena_take(a, s->hint_count * sizeof(*names));
	struct rrset *ns = NULL;
	char ip[ADDR_TEXT_MAX];

	for (size_t i = 0; i < s->hint_count && names != NULL; i++) {
		struct rrset *one = rrset_parse(a,
		    arena_print(a, ". 518400 IN NS h%zu.hints.invalid.", i));
		struct rrset *at = rrset_parse(a,
		    arena_print(a, "h%zu.hints.invalid. 518400 IN %s %s", i,
			s->hints[i].family == 4 ? "A" : "AAAA",
			addr_ip_text(&s->hints[i], ip)));

		if (one == NULL || at == NULL)
			return NULL;
		names[i] = one->rdata[0];
		sets[(*count)++] = at;
		ns = one;
	}
	if (ns == NULL)
		return NULL;
	ns->rdata = names;
	ns->count = (uint16_t)s->hint_count;
	sets[(*count)++] = ns;
	return ns;
}

static bool
set_hints(struct play *p, struct resolver_opts *o)
{
	struct arena *a = p->sc->arena;
	struct rrset **sets;
	size_t count = 0;

	if (p->sc->setup.hint_count == 0) {
		if (hints_builtin(a, &sets, &count) != ERR_OK)
			return false;
	} else {
		sets = arena_take(a, (HINTS_MAX + 1) * sizeof(struct rrset *));
		if (sets == NULL || make_hints(p, sets, &count) == NULL)
			return false;
	}
	o->hints = sets;
	o->hint_count = count;
	return true;
}

static void
set_zones(struct play *p, struct resolver_opts *o)
{
	struct setup *s = &p->sc->setup;

	for (size_t i = 0; i < s->zone_count; i++)
		p->zones[i] = (struct resolver_zone){
			.name = s->zones[i].name.wire,
			.servers = s->zones[i].servers,
			.server_count = s->zones[i].count,
			.forward = s->zones[i].forward,
			.first = s->zones[i].first,
			.tcp = s->zones[i].tcp,
		};
	o->zones = p->zones;
	o->zone_count = s->zone_count;
	if (s->ask_localhost)
		return;
	if (prefix_parse("127.0.0.0/8", &p->not_asked[0]) != ERR_OK ||
	    prefix_parse("::1/128", &p->not_asked[1]) != ERR_OK)
		return;
	o->do_not_query = p->not_asked;
	o->do_not_query_count = 2;
}

static bool
set_anchors(struct play *p)
{
	const struct trust_setup *t = &p->sc->setup.trust;

	if (t->anchors.count == 0)
		return true;
	p->anchors = anchors_new();
	if (p->anchors == NULL)
		return false;
	for (size_t i = 0; i < t->anchors.count; i++) {
		const struct record_line *l = &t->anchors.items[i];
		const struct rdata r = { l->rdata, l->len };

		if (anchors_add(p->anchors, l->owner, l->type, &r) != ERR_OK)
			return false;
	}
	for (size_t i = 0; i < t->insecure_count; i++) {
		if (anchors_add_negative(p->anchors, t->insecure[i].wire, 0) !=
		    ERR_OK)
			return false;
	}
	return true;
}

static struct resolver *
make_resolver(struct play *p)
{
	struct setup *s = &p->sc->setup;
	struct resolver_opts o = { .wire = network_ops(),
		.wire_self = p->network,
		.timers = p->timers,
		.rng = p->rng,
		.cache = p->cache,
		.servers = p->servers,
		.messages_max = s->messages_max,
		.bytes_max = 128 << 10,
		.time_max_ms = 6000,
		.aliases_max = s->aliases_max,
		.depth_max = 6,
		.checks_max = 16,
		.good_checks_max = 48,
		.checks_us_max = 3520,
		.good_checks_us_max = 20000,
		.hashes_max = 64,
		.anchors = p->anchors,
		.aggressive = s->trust.aggressive,
		.dnssec = { .iterations_max = s->trust.iterations_max,
		    .sha1 = true,
		    .obsolete = true,
		    .ignore_dates = s->trust.any_date },
		.steps_max = 2000,
		.arena_max = 512 << 10,
		.tasks_max = 20000,
		.ttl_min_s = s->ttl_min_s,
		.ttl_max_s = s->ttl_max_s,
		.negative_ttl_max_s = s->negative_ttl_max_s,
		.failure_first_s = 5,
		.failure_max_s = 300,
		.stale_max_s = s->serve_stale ? s->stale_max_s : 0,
		.stale_client_ms = s->stale_client_ms,
		.stale_ttl_s = s->stale_ttl_s,
		.prefetch_percent = s->prefetch_percent,
		.port = 53,
		.qmin = s->qmin,
		.mix_case = s->mix_case,
		.prime = s->prime,
		.sentinel = s->trust.sentinel,
		.ip4 = s->ip4,
		.ip6 = s->ip6 };

	if (!set_hints(p, &o))
		return NULL;
	set_zones(p, &o);
	return resolver_new(&o);
}

static bool
set_up(struct play *p)
{
	struct cache_opts co = { .records_max_bytes = 16 << 20,
		.answers_max_bytes = 1 << 20 };
	struct servers_opts so = { .max_entries = 1000 };

	p->timers = timers_new();
	p->rng = rng_new_seeded(1);
	p->cache = cache_new(&co);
	p->servers = servers_new(&so);
	if (p->timers == NULL || p->rng == NULL || p->cache == NULL ||
	    p->servers == NULL)
		return false;
	p->network = network_new(p->sc, p->timers, START_US);
	if (p->network == NULL)
		return false;
	cache_thread_start();
	if (front_open(&p->sc->setup.local) != NULL || !set_anchors(p))
		return false;
	p->resolver = make_resolver(p);
	return p->resolver != NULL;
}

static void
tear_down(struct play *p)
{
	resolver_free(p->resolver);
	anchors_free(p->anchors);
	policy_free(p->sc->setup.local.policy);
	if (p->network != NULL)
		cache_thread_stop();
	servers_free(p->servers);
	if (p->cache != NULL)
		cache_free(p->cache);
	rng_free(p->rng);
	timers_free(p->timers);
}

/* --- steps ------------------------------------------------------------ */

struct pending {
	struct play *play;
	struct client_query *query;
};

static void
print_steps(const struct outcome *o)
{
	for (size_t i = 0; i < o->step_count; i++)
		fprintf(stderr, "%*s%s: %s\n", 12 + 2 * (int)o->steps[i].depth,
		    "", o->steps[i].stage, o->steps[i].why);
}

static void
print_answer(struct scenario *sc, const struct client_answer *c)
{
	for (int s = 0; s < SECTION_COUNT; s++)
		for (size_t i = 0; i < c->sections[s].count; i++)
			fprintf(stderr, "%12s%d: %s\n", "section ", s + 1,
			    record_print(sc->arena, &c->sections[s].items[i]));
}

static void
on_done(void *user, const struct outcome *o)
{
	struct pending *pend = user;
	struct scenario *sc = pend->play->sc;
	struct outcome screened = *o;

	if (sc->setup.local.wanted)
		screened.answer = policy_screen(sc->setup.local.policy,
		    pend->query->entry->qname.wire, sc->arena, o->answer);
	pend->query->answer =
	    answer_copy(pend->play->sc, pend->query->entry, &screened);
	if (!pend->play->sc->verbose)
		return;
	print_steps(o);
	if (pend->query->answer != NULL)
		print_answer(pend->play->sc, pend->query->answer);
}

static struct client_query *
add_query(struct play *p, const struct entry *e)
{
	struct client_query *q = arena_take(p->sc->arena, sizeof(*q));
	struct client_query **end = &p->queries;

	if (q == NULL)
		return NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = q;
	q->entry = e;
	return q;
}

static bool
answer_locally(struct play *p, struct client_query *q)
{
	struct scenario *sc = p->sc;
	struct answer a = { .ede = EDE_NONE };
	const struct outcome o = { .answer = &a };

	if (!front_answer(&sc->setup.local, q->entry, sc->arena, &a))
		return false;
	q->answer = answer_copy(sc, q->entry, &o);
	return true;
}

static bool
step_query(struct play *p, const struct moment *m)
{
	const struct entry *e = m->entry;
	struct client_query *q = add_query(p, e);
	struct pending *pend = arena_take(p->sc->arena, sizeof(*pend));
	struct resolver_question rq = { .qname = e->qname.wire,
		.qtype = e->qtype,
		.dnssec_ok = e->dnssec_ok,
		.checking_disabled = (e->flags & FLAG_CD) != 0,
		.cache_only = (e->flags & FLAG_RD) == 0,
		.trace = p->sc->verbose };

	if (q == NULL || pend == NULL)
		return fail(p, m, "out of memory");
	if (answer_locally(p, q))
		return true;
	if (rq.cache_only && !p->sc->setup.snoop) {
		q->answer = answer_refused(p->sc, e);
		return true;
	}
	*pend = (struct pending){ .play = p, .query = q };
	q->id = resolver_ask(p->resolver, &rq, on_done, pend);
	return q->id != 0 || fail(p, m, "the resolver takes no question");
}

static bool
is_answered(struct play *p)
{
	for (struct client_query *q = p->queries; q != NULL; q = q->next)
		if (q->answer != NULL)
			return true;
	return false;
}

static bool
time_is_left(struct play *p, uint64_t began)
{
	return network_advance(p->network, p->resolver, began + PATIENCE_US);
}

/* The first answer that fits is taken; if none does, the first's fault. */
static bool
step_check_answer(struct play *p, const struct moment *m)
{
	uint64_t began = network_now(p->network);
	const char *why = NULL;

	while (!is_answered(p))
		if (!time_is_left(p, began))
			return fail(p, m, "no answer");
	for (struct client_query **at = &p->queries; *at != NULL;
	     at = &(*at)->next) {
		const char *differs;

		if ((*at)->answer == NULL)
			continue;
		differs = answer_differs(p->sc, m->entry, *at);
		if (differs == NULL) {
			*at = (*at)->next;
			return true;
		}
		if (why == NULL)
			why = differs;
	}
	return fail(p, m, why);
}

static bool
step_reply(struct play *p, const struct moment *m)
{
	uint64_t began = network_now(p->network);

	while (!network_has_query(p->network, m->entry))
		if (!time_is_left(p, began))
			return fail(p, m, "no such query waits");
	return network_reply(p->network, m->entry);
}

static bool
step_check_out_query(struct play *p, const struct moment *m)
{
	uint64_t began = network_now(p->network);

	while (!network_check_query(p->network, m->entry))
		if (!time_is_left(p, began))
			return fail(p, m, "no such query was sent");
	return true;
}

static bool
step_timeout(struct play *p, const struct moment *m)
{
	uint64_t began = network_now(p->network);

	/* Whoever gave up earlier than the file's author has no more. */
	while (!network_drop_oldest(p->network) && !is_answered(p))
		if (!time_is_left(p, began))
			return fail(p, m, "no query to lose");
	return true;
}

static bool
step_time_passes(struct play *p, const struct moment *m)
{
	uint64_t until = network_now(p->network) + m->elapse_us;

	while (network_advance(p->network, p->resolver, until))
		continue;
	return true;
}

static bool
step_traffic(struct play *p, const struct moment *m)
{
	(void)p;
	(void)m;
	return true;
}

static bool
run_step(struct play *p, const struct moment *m)
{
	static bool (*const run[])(struct play * p, const struct moment *m) = {
		[STEP_QUERY] = step_query,
		[STEP_CHECK_ANSWER] = step_check_answer,
		[STEP_TIME_PASSES] = step_time_passes,
		[STEP_REPLY] = step_reply,
		[STEP_TIMEOUT] = step_timeout,
		[STEP_CHECK_OUT_QUERY] = step_check_out_query,
		[STEP_TRAFFIC] = step_traffic,
		[STEP_NOTHING] = step_traffic,
	};

	return run[m->kind](p, m);
}

/* Was every entry that must be asked for asked for? */
static bool
all_were_asked(struct scenario *sc)
{
	for (const struct range *r = sc->ranges; r != NULL; r = r->next)
		for (const struct entry *e = r->entries; e != NULL; e = e->next)
			if (e->asked != NULL && !*e->asked) {
				snprintf(sc->why, TEXT_MAX,
				    "line %u: was not asked for", e->line);
				return false;
			}
	return true;
}

bool
scenario_play(struct scenario *sc)
{
	struct play p = { .sc = sc };
	bool ok = set_up(&p);

	if (!ok)
		snprintf(sc->why, TEXT_MAX, "the resolver does not start");
	for (struct moment *m = sc->moments; ok && m != NULL; m = m->next) {
		/* What a question causes is answered by what comes next. */
		network_step(p.network, m,
		    m->kind == STEP_QUERY && m->next != NULL ? m->next : m);
		network_settle(p.network, p.resolver);
		ok = run_step(&p, m);
		if (ok)
			network_settle(p.network, p.resolver);
	}
	ok = ok && all_were_asked(sc);
	if (ok && arena_over(sc->arena)) {
		snprintf(sc->why, TEXT_MAX, "the player's memory is over");
		ok = false;
	}
	tear_down(&p);
	return ok;
}
