/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quota.c - how many may wait for one zone, and for one server.
 *
 * Random names below one zone are all misses. When its servers are slow or
 * silent the questions pile up, and without a bound they would take every
 * task, port and megabyte from the others. So at most a quarter of the tasks
 * may be at one zone, and a handful when all its servers are known to be
 * silent: these few go on probing, the rest is refused at once. The same
 * holds for an address and port, whatever number of zones is said to live
 * there.
 *
 * Counters lie in buckets of a keyed hash. Two zones in one bucket share its
 * bound, which nobody can bring about on purpose.
 */
#include "task.h"

#define SILENT_MAX 8u /* tasks that probe a silent zone or server */
/* The same, where servers bounds what is sent: they wait for their turn. */
#define SILENT_SPARED 192u
#define LIVE_LEAST    64u
#define BUCKET_OF(h)  ((uint32_t)((h) % QUOTA_BUCKETS))

static uint32_t
live_max(const struct resolver *rs)
{
	size_t share = rs->o.tasks_max / 4;

	return share < LIVE_LEAST ? LIVE_LEAST : (uint32_t)share;
}

static uint32_t
silent_max(const struct resolver *rs)
{
	return servers_spare_dead(rs->o.servers) ? SILENT_SPARED : SILENT_MAX;
}

static bool
server_is_silent(const struct task *t, const struct addr *a)
{
	const struct resolver_opts *o = &t->rs->o;
	struct server_view v;

	return servers_look(o->servers, a, NULL, t->rs->now_us, &v) &&
	       v.state == SERVER_DEAD;
}

static bool
zone_is_silent(const struct task *t)
{
	const struct delegation *d = t->zone;

	for (size_t i = 0; i < d->address_count; i++) {
		if (!server_is_silent(t, &d->addresses[i]))
			return false;
	}
	return d->address_count > 0;
}

/*
 * So many questions a second, when that is bounded. Registries have many
 * children, and who names servers knows what they bear: these are spared.
 */
static bool
zone_rate_passes(const struct task *t)
{
	const struct resolver_opts *o = &t->rs->o;
	const uint8_t *zone = t->zone->zone;

	if (o->zone_throttle == NULL || name_labels(zone) < 2 ||
	    t->zone->configured)
		return true;
	for (size_t i = 0; i < o->zones_spared_count; i++)
		if (name_is_within(zone, o->zones_spared[i]))
			return true;
	return throttle_take(o->zone_throttle, &o->zone_rate,
	    name_hash(throttle_hash_key(o->zone_throttle), zone),
	    t->rs->now_us);
}

static uint32_t
zone_bucket(const struct resolver *rs, struct delegation *d)
{
	if (d->zone_hash == 0)
		d->zone_hash = cache_name_hash(rs->o.cache, d->zone);
	return BUCKET_OF(d->zone_hash);
}

bool
quota_enter_zone(struct task *t)
{
	struct resolver *rs = t->rs;
	uint32_t bucket = zone_bucket(rs, t->zone);

	quota_leave_zone(t);
	if (rs->zone_loads[bucket] >= live_max(rs) ||
	    (rs->zone_loads[bucket] >= silent_max(rs) && zone_is_silent(t)) ||
	    !zone_rate_passes(t)) {
		rs->counts.limit_zone++;
		return false;
	}
	rs->zone_loads[bucket]++;
	t->zone_bucket = bucket;
	t->in_zone_quota = true;
	return true;
}

void
quota_leave_zone(struct task *t)
{
	if (!t->in_zone_quota)
		return;
	t->in_zone_quota = false;
	t->rs->zone_loads[t->zone_bucket]--;
}

bool
quota_server_full(struct task *t, size_t server, uint64_t key)
{
	struct resolver *rs = t->rs;
	const struct addr *a = &t->zone->addresses[server];
	uint32_t load = rs->server_loads[BUCKET_OF(key)];

	if (load < live_max(rs) &&
	    (load < 2 * silent_max(rs) || !server_is_silent(t, a)))
		return false;
	rs->counts.limit_server++;
	return true;
}

void
quota_enter_server(struct task *t, const struct flight *f)
{
	t->rs->server_loads[BUCKET_OF(f->key)]++;
}

void
quota_leave_server(struct task *t, const struct flight *f)
{
	t->rs->server_loads[BUCKET_OF(f->key)]--;
}
