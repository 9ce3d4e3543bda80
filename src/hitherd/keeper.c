/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keeper.c - keeps the anchors as they should be.
 *
 * One question at a time travels to the first worker: the keys of an anchor's
 * zone when it is time to look at them again, or the name that tells the zone
 * about us. What comes back is judged here, by the state machine of dnssec/;
 * only here are states changed, saved and put to use.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENTRY_BYTES   ((size_t)256 << 10)
#define SCRATCH_BYTES ((size_t)256 << 10)
#define REPLY_BYTES   ((size_t)128 << 10)
#define STORE_KEYS    64u
#define PATH_BYTES    4096u
#define DAY_S         86400u
#define FIRST_RETRY_S 60u
#define PAUSE_US      2000000u /* between two questions */
#define ENDED_MAX     16u
#define MINUTE_US     60000000u /* negative anchors end, the wall clock may jump */

struct errand {
	struct ctl_job job;
	struct keeper *keeper;
	struct name qname;
	uint16_t qtype;
	size_t zone;
	struct arena *arena; /* of the reply */
	struct rrset *keys;  /* NULL: nothing came */
	bool travels;
};

/* A zone with configured anchors. */
struct believed {
	struct name zone;
	const struct rrset *entry[2]; /* DS, DNSKEY; in the keeper's arena */
	uint64_t signal_s;            /* when to tell it about us */
};

struct keeper {
	struct keeper_opts opts;
	struct snapshot *snapshot;
	struct believed zones[ROLLOVER_ZONES_MAX];
	size_t zone_count;
	struct arena *entries, *scratch;
	struct key_store *store;
	struct rollovers rollovers;
	struct rollover before; /* to tell what changed */
	struct dnssec_policy policy;
	struct errand errand;
	struct timer timer;
	char path[PATH_BYTES]; /* "": nothing is kept */
	bool loaded, runs;
};

static void look_around(void *user);

/* --- time -------------------------------------------------------------- */

static void
arm(struct keeper *k, uint64_t in_us)
{
	if (!k->runs || k->errand.travels)
		return;
	k->timer.fire = look_around;
	k->timer.user = k;
	if (timer_arm(loop_timers(k->opts.loop), &k->timer,
		clock_mono_us() + in_us) != ERR_OK)
		log_error("anchors-unwatched", "reason=memory");
}

/* --- states ------------------------------------------------------------- */

static void
save(struct keeper *k)
{
	if (k->path[0] != '\0' &&
	    rollovers_save(&k->rollovers, k->path) != ERR_OK)
		log_warn("anchors-not-saved", "path=%s reason=\"%s\"", k->path,
		    strerror(errno));
}

static void
use(struct keeper *k, const struct believed *b)
{
	const struct rollover fresh = { .zone = b->zone }, *ro = &fresh;
	char name[NAME_TEXT_MAX];
	enum err e;

	if (k->snapshot->conf->dnssec.auto_trust_anchor) {
		struct rollover *known =
		    rollovers_zone(&k->rollovers, b->zone.wire);

		ro = known != NULL ? known : ro;
	}
	e = rollover_use(ro, b->entry, k->opts.anchors);
	if (e == ERR_NOT_FOUND)
		log_error("no-anchor-left",
		    "zone=%s reason=\"all its keys were revoked\"",
		    name_text(b->zone.wire, name));
	else if (e != ERR_OK)
		log_error("anchors-not-used", "reason=\"%s\"", err_text(e));
}

/* Logs each key whose state is new; true when one is believed no more. */
static bool
tell_changes(const struct rollover *before, const struct rollover *now)
{
	char name[NAME_TEXT_MAX];
	bool lost = false;

	for (size_t i = 0; i < now->count; i++) {
		const struct rollover_key *k = &now->keys[i];
		const struct rdata r = { .bytes = k->rdata, .len = k->len };
		bool same = false;

		for (size_t j = 0; j < before->count && !same; j++)
			same = before->keys[j].state == k->state &&
			       before->keys[j].len == k->len &&
			       memcmp(before->keys[j].rdata, k->rdata,
				   k->len) == 0;
		if (same)
			continue;
		lost = lost || k->state == KEY_REVOKED;
		log_info("anchor", "zone=%s tag=%u state=%s",
		    name_text(now->zone.wire, name), dnskey_tag(&r),
		    key_state_text(k->state));
	}
	return lost;
}

static void
judge_keys(struct keeper *k, const struct errand *e)
{
	const struct believed *b = &k->zones[e->zone];
	struct rollover *ro = rollovers_zone(&k->rollovers, b->zone.wire);
	const struct rollover_look look = { .keys = e->keys,
		.entry = { b->entry[0], b->entry[1] },
		.policy = &k->policy,
		.store = k->store,
		.now_s = clock_real_s() };
	char name[NAME_TEXT_MAX];
	enum rollover_news news;

	if (ro == NULL)
		return;
	k->before = *ro;
	news = rollover_look(ro, &look, k->scratch);
	/* At boot the network is often not there yet. */
	if (e->keys == NULL && ro->checked_s == 0)
		ro->next_s = look.now_s + FIRST_RETRY_S;
	if (news == ROLLOVER_UNPROVEN)
		log_warn("anchor-unproven", "zone=%s reason=\"%s\"",
		    name_text(b->zone.wire, name),
		    e->keys == NULL ? "its keys did not come"
				    : "no key that is believed has signed");
	if (news != ROLLOVER_UNPROVEN)
		save(k);
	if (news != ROLLOVER_CHANGED)
		return;
	if (tell_changes(&k->before, ro))
		(void)cache_flush(k->opts.cache, FLUSH_ZONE, b->zone.wire, 0);
	use(k, b);
}

/* --- questions ------------------------------------------------------------ */

static void
come_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct errand *e = (struct errand *)job;
	struct keeper *k = e->keeper;

	(void)worker;
	e->travels = false;
	/* A reload may have come in between. */
	if (e->qtype == TYPE_DNSKEY && e->zone < k->zone_count &&
	    name_equal(k->zones[e->zone].zone.wire, e->qname.wire))
		judge_keys(k, e);
	arm(k, PAUSE_US);
}

static void
keep_reply(void *user, const struct outcome *o)
{
	struct errand *e = user;
	const struct answer *a = o->answer;

	for (size_t i = 0; i < a->counts[SECTION_ANSWER]; i++) {
		const struct rrset *s = a->sets[SECTION_ANSWER][i];

		if (s->type == TYPE_DNSKEY &&
		    name_equal(s->owner, e->qname.wire))
			e->keys = rrset_copy(e->arena, s);
	}
	e->job.run = come_home;
	e->keeper->opts.on_main(e->keeper->opts.user, &e->job);
}

static void
ask_there(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct errand *e = (struct errand *)job;
	const struct resolver_question q = { .qname = e->qname.wire,
		.qtype = e->qtype,
		.dnssec_ok = true,
		.checking_disabled = true,
		.cold = true };

	if (resolver_ask(worker->resolver, &q, keep_reply, e) != 0)
		return;
	e->job.run = come_home;
	e->keeper->opts.on_main(e->keeper->opts.user, &e->job);
}

static void
send_out(struct keeper *k, size_t zone, uint16_t qtype)
{
	struct errand *e = &k->errand;

	e->job.run = ask_there;
	e->keeper = k;
	e->qtype = qtype;
	e->zone = zone;
	e->keys = NULL;
	arena_reset(e->arena);
	e->travels = k->opts.on_worker(k->opts.user, 0, &e->job);
}

static bool
is_due(struct keeper *k, size_t zone, uint64_t now_s)
{
	const struct rollover *ro;

	if (!k->snapshot->conf->dnssec.auto_trust_anchor)
		return false;
	ro = rollovers_zone(&k->rollovers, k->zones[zone].zone.wire);
	return ro != NULL && ro->next_s <= now_s;
}

/* Negative anchors whose time is over. */
struct ended {
	struct name names[ENDED_MAX];
	size_t count;
	uint64_t now_s;
};

static void
note_ended(void *user, const struct anchor_view *v)
{
	struct ended *e = user;

	if (v->rdata == NULL && v->until_s != 0 && v->until_s <= e->now_s &&
	    e->count < ENDED_MAX)
		name_copy(&e->names[e->count++], v->zone);
}

/* What was let pass must not outlive them in the cache. */
static void
end_negative(struct keeper *k, uint64_t now_s)
{
	struct ended e = { .now_s = now_s };
	char name[NAME_TEXT_MAX];

	anchors_each(k->opts.anchors, note_ended, &e);
	for (size_t i = 0; i < e.count; i++) {
		(void)anchors_remove_negative(k->opts.anchors, e.names[i].wire);
		(void)cache_flush(k->opts.cache, FLUSH_ZONE, e.names[i].wire,
		    0);
		log_info("negative-anchor-ended", "zone=%s",
		    name_text(e.names[i].wire, name));
	}
}

static void
look_around(void *user)
{
	struct keeper *k = user;
	bool signals = k->snapshot->conf->dnssec.trust_anchor_signaling;
	uint64_t now_s = clock_real_s();

	end_negative(k, now_s);
	for (size_t i = 0; i < k->zone_count && !k->errand.travels; i++) {
		struct believed *b = &k->zones[i];

		if (is_due(k, i, now_s)) {
			name_copy(&k->errand.qname, b->zone.wire);
			send_out(k, i, TYPE_DNSKEY);
		} else if (signals && b->signal_s <= now_s) {
			b->signal_s = now_s + DAY_S;
			if (signal_name(k->opts.anchors, b->zone.wire,
				&k->errand.qname))
				send_out(k, i, SIGNAL_TYPE);
		}
	}
	arm(k, MINUTE_US);
}

/* --- snapshots ------------------------------------------------------------ */

static struct believed *
find_zone(struct keeper *k, const uint8_t *zone)
{
	for (size_t i = 0; i < k->zone_count; i++)
		if (name_equal(k->zones[i].zone.wire, zone))
			return &k->zones[i];
	return NULL;
}

static void
add_zone(void *user, const struct anchor_view *v)
{
	struct keeper *k = user;
	struct believed *b;

	if (v->rdata == NULL)
		return;
	if (find_zone(k, v->zone) != NULL ||
	    k->zone_count == ROLLOVER_ZONES_MAX)
		return;
	b = &k->zones[k->zone_count++];
	*b = (struct believed){ .signal_s = 0 };
	name_copy(&b->zone, v->zone);
}

/* Zones past ROLLOVER_ZONES_MAX are believed, but not followed. */
static void
add_other(void *user, const struct anchor_view *v)
{
	struct keeper *k = user;
	struct anchors *as = k->opts.anchors;
	enum err e = ERR_OK;

	if (v->rdata == NULL)
		e = anchors_add_negative(as, v->zone, v->until_s);
	else if (find_zone(k, v->zone) == NULL)
		e = anchors_add(as, v->zone, v->type, v->rdata);
	if (e != ERR_OK)
		log_error("anchors-not-used", "reason=\"%s\"", err_text(e));
	else if (v->rdata == NULL)
		anchors_explain(as, v->zone, v->reason);
}

/* What use() does not replace goes. */
static void
drop_other(void *user, const struct anchor_view *v)
{
	struct keeper *k = user;

	if (v->rdata == NULL)
		(void)anchors_remove_negative(k->opts.anchors, v->zone);
	else if (find_zone(k, v->zone) == NULL)
		anchors_remove(k->opts.anchors, v->zone);
}

static void
load(struct keeper *k, const struct conf *c)
{
	enum err e;

	if (k->loaded || !c->dnssec.validation ||
	    c->server.directory[0] == '\0')
		return;
	k->loaded = true;
	(void)snprintf(k->path, sizeof(k->path), "%s/anchors.state",
	    c->server.directory);
	e = rollovers_load(&k->rollovers, k->path);
	if (e == ERR_FORMAT)
		log_warn("anchors-damaged",
		    "path=%s kept=%s.bad reason=\"the configured anchors are "
		    "used\"",
		    k->path, k->path);
	else if (e != ERR_OK && e != ERR_NOT_FOUND)
		log_warn("anchors-not-read", "path=%s reason=\"%s\"", k->path,
		    e == ERR_SYSTEM ? strerror(errno) : err_text(e));
}

void
keeper_adopt(struct keeper *k, struct snapshot *s)
{
	struct snapshot *old = k->snapshot;
	struct anchor found;

	k->snapshot = snapshot_hold(s);
	load(k, s->conf);
	k->policy = snapshot_dnssec_policy(s);
	k->zone_count = 0;
	arena_reset(k->entries);
	anchors_each(s->anchors, add_zone, k);
	if (old != NULL)
		anchors_each(old->anchors, drop_other, k);
	snapshot_drop(old);
	for (size_t i = 0; i < k->zone_count; i++) {
		struct believed *b = &k->zones[i];

		if (!anchors_find(s->anchors, b->zone.wire, UINT64_MAX,
			k->entries, &found) ||
		    found.negative)
			continue;
		b->entry[0] = found.entry[0];
		b->entry[1] = found.entry[1];
		use(k, b);
	}
	anchors_each(s->anchors, add_other, k);
	arm(k, PAUSE_US);
}

/* --- making and ending ---------------------------------------------------- */

struct keeper *
keeper_new(const struct keeper_opts *o)
{
	struct keeper *k = memory_new(sizeof(*k));

	if (k == NULL)
		return NULL;
	k->opts = *o;
	k->entries = arena_new(ENTRY_BYTES);
	k->scratch = arena_new(SCRATCH_BYTES);
	k->errand.arena = arena_new(REPLY_BYTES);
	k->store = key_store_new(STORE_KEYS);
	if (k->entries != NULL && k->scratch != NULL &&
	    k->errand.arena != NULL && k->store != NULL)
		return k;
	keeper_free(k);
	return NULL;
}

void
keeper_start(struct keeper *k)
{
	k->runs = true;
	arm(k, 0);
}

const struct rollovers *
keeper_rollovers(const struct keeper *k)
{
	return &k->rollovers;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	timer_cancel(loop_timers(k->opts.loop), &k->timer);
	snapshot_drop(k->snapshot);
	arena_free(k->entries);
	arena_free(k->scratch);
	arena_free(k->errand.arena);
	key_store_free(k->store);
	memory_free(k);
}
