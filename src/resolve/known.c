/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * known.c - what memory says before anybody is asked: an answer, an alias
 * above the name, a denial, a recent failure, the closest delegation.
 */
#include "task.h"

/* What is read is what had not ended by then. */
static uint64_t
not_ended_by(const struct task *t)
{
	uint64_t now = t->rs->ttl_ms;
	uint64_t back = (uint64_t)t->rs->o.stale_max_s * 1000;

	if (!t->reading_stale)
		return now;
	return now > back ? now - back : 0;
}

static bool
look_up(struct task *t, const struct records_seen *s, uint16_t type,
    struct record *r)
{
	return records_may_have(s, type) &&
	       records_get_seen(s, type, not_ended_by(t), t->arena, r) &&
	       r->kind != RECORD_FAILURE;
}

/* As a client is told it: RFC 8767 section 4 for what is past its time. */
static uint32_t
ttl_to_tell(const struct task *t, const struct record *r)
{
	uint32_t left = record_ttl(r, t->rs->ttl_ms);
	uint64_t life = (r->expires_ms - r->stored_ms) / 1000;

	if (left > 0 || !t->reading_stale)
		return left;
	return life < t->rs->o.stale_ttl_s ? (uint32_t)life
					   : t->rs->o.stale_ttl_s;
}

/*
 * Something about (sname, type) that may be told to a client: glue may not
 * (RFC 2181 section 5.4.1).
 */
static bool
known_answer(struct task *t, const struct records_seen *s, uint16_t type,
    struct record *r)
{
	if (!look_up(t, s, type, r))
		return false;
	/* What a referral says of the DS is enough for the chain of trust. */
	return r->rank >= RANK_ANSWER || (t->for_trust && t->qtype == TYPE_DS &&
					     r->rank == RANK_AUTHORITY);
}

/*
 * Nothing stands below a name that does not exist: RFC 8020. Only what a
 * server of the zone said of the whole name, with its SOA, counts here: a few
 * still deny names under which others stand, and some say so without one.
 */
static bool
known_denial_above(struct task *t, const struct seen *s, struct record *r)
{
	if (!records_may_have(&s->above, 0))
		return false;
	for (unsigned n = s->labels; n > 1; n--) {
		if (look_up(t, &s->at[n - 1], 0, r) &&
		    r->kind == RECORD_NXDOMAIN && r->set_count > 0 &&
		    r->rank == RANK_AUTH_AUTHORITY)
			return true;
	}
	return false;
}

/* Does a span that was proven empty hold the name? RFC 8198. */
static bool
known_span(struct task *t, struct record *r)
{
	const struct resolver_opts *o = &t->rs->o;
	struct span_question q = { .qname = t->sname.wire,
		.policy = &o->dnssec,
		.arena = t->arena,
		.now_ms = t->rs->ttl_ms,
		.qtype = t->qtype,
		.without_soa = t->for_trust,
		.wildcards = o->aggressive && !t->for_trust };
	struct span_answer *a;

	if (o->anchors == NULL || t->checking_disabled || t->for_server ||
	    t->qtype == TYPE_ANY || t->qtype == TYPE_RRSIG ||
	    !(o->aggressive || t->for_trust))
		return false;
	q.work = &task_budget(t)->work;
	q.generation = trust_generation(t);
	a = arena_take(t->arena, sizeof(*a));
	if (a == NULL || !spans_ask(t->rs->spans, &q, a))
		return false;
	t->rs->counts.spans_used++;
	*r = (struct record){ .owner = t->sname.wire,
		.sets = a->sets,
		.set_count = a->count,
		.stored_ms = q.now_ms,
		.expires_ms = a->expires_ms,
		.kind = a->no_such_name ? RECORD_NXDOMAIN : RECORD_NODATA,
		.rank = RANK_AUTH_AUTHORITY,
		.security = SECURITY_SECURE,
		.ede = EDE_NONE,
		.type = a->no_such_name ? 0 : t->qtype };
	if (a->positive) {
		r->kind = RECORD_SET;
		r->rank = RANK_AUTH_ANSWER;
		r->type = a->sets[0]->type;
	}
	return true;
}

/*
 * Did a server of the zone say lately what it would say again to the name as
 * it was shortened? Then the zone goes on there, and asking would only make
 * the client wait: the next longer name is asked at once.
 */
bool
known_shortened(struct task *t)
{
	struct record r;

	if (t->cold || !records_get(t->rs->o.cache, t->ask_name, t->ask_type,
			   t->rs->ttl_ms, t->arena, &r))
		return false;
	return r.kind == RECORD_NODATA ||
	       (r.kind == RECORD_SET && r.rank >= RANK_ANSWER);
}

/* What a server of the zone said of a host's addresses; glue is not that. */
bool
known_host(struct task *t, const uint8_t *host, uint16_t type, struct record *r)
{
	struct records_seen s;

	records_name(t->rs->o.cache, host, &s);
	records_look(&s, 1);
	if (look_up(t, &s, type, r) && r->rank >= RANK_ANSWER)
		return r->kind == RECORD_SET || r->kind == RECORD_NODATA;
	return look_up(t, &s, 0, r) && r->kind == RECORD_NXDOMAIN;
}

/* A cached alias above the name: RFC 6672 section 3.4. */
static bool
known_dname(struct task *t, const struct seen *s, struct record *r)
{
	if (!records_may_have(&s->above, TYPE_DNAME))
		return false;
	for (unsigned n = s->labels; n > 1; n--) {
		if (look_up(t, &s->at[n - 1], TYPE_DNAME, r) &&
		    r->kind == RECORD_SET && r->rank >= RANK_ANSWER)
			return true;
	}
	return false;
}

/* The first set lives as long as the record; a proof may live longer. */
static uint32_t
aged_ttl(const struct task *t, const struct record *r, size_t i)
{
	uint32_t least = record_ttl(r, t->rs->ttl_ms);
	uint64_t age_s = (t->rs->ttl_ms - r->stored_ms) / 1000;
	uint32_t ttl = r->sets[i]->ttl;

	if (i == 0 || ttl <= age_s || ttl - age_s < least)
		return least;
	return (uint32_t)(ttl - age_s);
}

static void
known_set(struct task *t, const struct record *r, struct rrset **sets,
    const struct asked *q)
{
	struct message *m = &t->reply.m;

	m->sets[SECTION_ANSWER] = sets;
	m->counts[SECTION_ANSWER] = 1;
	m->sets[SECTION_AUTHORITY] = sets + 1;
	m->counts[SECTION_AUTHORITY] = r->set_count - 1;
	reply_classify(&t->reply, q, t->arena);
}

static void
known_denial(struct task *t, const struct record *r, struct rrset **sets)
{
	struct message *m = &t->reply.m;

	t->reply.kind =
	    r->kind == RECORD_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	t->reply.end = t->sname;
	m->sets[SECTION_AUTHORITY] = sets;
	m->counts[SECTION_AUTHORITY] = r->set_count;
	if (r->set_count > 0 && sets[0]->type == TYPE_SOA)
		t->reply.soa = sets[0];
}

/* For most names that are asked for the first time there is nothing. */
static bool
is_unheard_of(const struct task *t, const struct seen *s)
{
	const uint32_t here =
	    records_kinds(t->qtype) | records_kinds(TYPE_CNAME);

	return (s->at[s->labels].kinds & here) == 0 &&
	       (s->above.kinds & records_kinds(TYPE_DNAME)) == 0;
}

/* The answer, an alias, or a denial for (sname, qtype). */
bool
known_fact(struct task *t, struct record *r)
{
	const struct seen *s = glance(t, t->sname.wire);

	if (s == NULL)
		return false;
	if (is_unheard_of(t, s))
		return !t->reading_stale && known_span(t, r);
	if (known_answer(t, &s->at[s->labels], t->qtype, r))
		return true;
	if (t->qtype != TYPE_CNAME && t->qtype != TYPE_ANY &&
	    known_answer(t, &s->at[s->labels], TYPE_CNAME, r) &&
	    r->kind == RECORD_SET)
		return true;
	if (known_dname(t, s, r) || known_denial_above(t, s, r))
		return true;
	return !t->reading_stale && known_span(t, r);
}

/* Is the question of this task answered from memory as it stands? */
bool
known_alive(struct task *t)
{
	struct name at = t->sname;
	struct record r;
	bool alive;

	t->sname = t->question;
	glance_over(t);
	alive = known_fact(t, &r);
	t->sname = at;
	return alive;
}

/* Fills t->reply as if a server had just said what the record says. */
void
known_follow(struct task *t, const struct record *r)
{
	struct asked q = { .zone = name_root,
		.qname = t->sname.wire,
		.qtype = t->qtype };
	struct rrset **sets =
	    arena_copy(t->arena, r->sets, r->set_count * sizeof(r->sets[0]));

	reply_begin(&t->reply);
	t->reply.m.flags = FLAG_AA;
	t->reply.why = "";
	t->reply.known = r->security;
	t->reply.rank = r->rank;
	t->reply.from_memory = true;
	for (size_t i = 0; i < r->set_count && sets != NULL; i++)
		sets[i]->ttl =
		    t->reading_stale ? ttl_to_tell(t, r) : aged_ttl(t, r, i);
	if (sets == NULL)
		t->reply.kind = REPLY_NODATA;
	else if (r->kind == RECORD_SET)
		known_set(t, r, sets, &q);
	else
		known_denial(t, r, sets);
	if (r->kind == RECORD_NXDOMAIN && !name_equal(r->owner, t->sname.wire))
		task_note(t, "nothing stands below a name that is denied");
	task_note(t, "%s from memory", reply_kind_text(t->reply.kind));
}

/* The longest configured zone around the name, or NULL. */
static const struct resolver_zone *
configured_zone(const struct task *t, const uint8_t *name)
{
	const struct resolver_zone *best = NULL;

	for (size_t i = 0; i < t->rs->o.zone_count; i++) {
		const struct resolver_zone *z = &t->rs->o.zones[i];

		if (name_is_within(name, z->name) &&
		    (best == NULL ||
			name_labels(z->name) > name_labels(best->name)))
			best = z;
	}
	return best;
}

/* Glue that is past its own TTL is left out. */
static struct delegation *
delegation_of(struct task *t, const struct records_seen *zone,
    const struct record *r)
{
	const struct delegation_rules rules = resolver_rules(t->rs);
	UNCLEARED struct rrset *sets[RECORD_SETS_MAX];
	struct delegation *d;
	uint64_t now = t->rs->ttl_ms;
	size_t n = 0;

	for (size_t i = 0; i < r->set_count; i++) {
		if (i == 0 ||
		    r->stored_ms + (uint64_t)r->sets[i]->ttl * 1000 > now)
			sets[n++] = r->sets[i];
	}
	d = delegation_build(t->arena, r->owner, sets, n, &rules);
	if (d == NULL)
		return NULL;
	d->zone_hash = zone->hash;
	d->expires_ms = r->expires_ms;
	return d;
}

/* The deepest cached delegation around name, not above `above` labels. */
static struct delegation *
cached_delegation(struct task *t, const uint8_t *name, unsigned above)
{
	/* A part of where we are has been seen with it. */
	const bool is_part = name >= t->sname.wire &&
			     name < t->sname.wire + sizeof(t->sname.wire);
	const struct seen *s = glance(t, is_part ? t->sname.wire : name);
	struct record r;

	if (s == NULL)
		return NULL;
	for (unsigned n = name_labels(name) + 1; n-- > above;) {
		if (records_get_seen_delegation(&s->at[n], t->rs->ttl_ms,
			t->arena, &r))
			return delegation_of(t, &s->at[n], &r);
	}
	return NULL;
}

/* RFC 9609: the hints only say whom to ask for the root's servers. */
void
known_prime_root(struct task *t)
{
	const struct task_key k = { .qname = name_root,
		.qtype = TYPE_NS,
		.priming = true };
	struct resolver *rs = t->rs;
	uint64_t now_us = rs->now_us;
	struct task *primer;

	if (!rs->o.prime || t->priming || t->cold ||
	    now_us < rs->prime_again_us)
		return;
	rs->prime_again_us = now_us + 5000000;
	primer = task_find_or_begin(rs, &k, 0);
	if (primer != NULL)
		task_give_budget(primer);
}

/*
 * The closest enclosing zone we know the servers of; NULL: no memory. Within
 * a forward zone only a deeper configured one counts: what the public tree
 * says about the names below it is not asked for.
 */
struct delegation *
known_zone(struct task *t, const uint8_t *name)
{
	const struct resolver_zone *z =
	    t->on_our_own ? NULL : configured_zone(t, name);
	const struct delegation_rules rules = resolver_rules(t->rs);
	unsigned above = z == NULL ? 0 : name_labels(z->name) + 1;
	struct delegation *d = NULL;

	if (z != NULL && z->forward)
		return delegation_configured(t->arena, z, &rules);
	if (!t->cold && !t->priming)
		d = cached_delegation(t, name, above);
	if (d != NULL)
		return d;
	if (z != NULL)
		return delegation_configured(t->arena, z, &rules);
	known_prime_root(t);
	return delegation_copy(t->arena, t->rs->root);
}
