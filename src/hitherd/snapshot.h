/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.h - one configuration and all that is built from it. Never
 * changed: a reload builds another. Each resolver holds the snapshot it was
 * made from; the last to let go of it frees it.
 */
#ifndef HITHER_HITHERD_SNAPSHOT_H
#define HITHER_HITHERD_SNAPSHOT_H

#include <stdatomic.h>

#include <hither/ctl.h>
#include <hither/front.h>
#include <hither/policy.h>
#include <hither/resolve.h>

struct snapshot {
	struct conf *conf;
	struct policy *policy;
	struct arena *arena; /* of the hints and the zones */
	struct hints hints;
	struct resolver_zone *zones;
	struct anchors *anchors; /* as configured; never changed */
	struct prefix *never; /* where nothing is asked */
	size_t never_count;
	struct throttle *throttle; /* NULL: nothing is limited */
	struct throttle *zone_throttle; /* NULL: zones are not limited */
	struct front_limits limits;
	struct cookie_secrets cookies; /* as told; none: our own */
	struct front_rules rules;
	uint32_t generation;
	atomic_uint holders;
	/*
	 * Called by whoever lets go of it last, on that thread; NULL: nothing.
	 * Set while the caller holds it and nobody else can be the last.
	 */
	void (*ended)(const struct snapshot *s, void *user);
	void *user;
};

/*
 * Takes the conf, which is freed on failure too; held once by the caller.
 * NULL: why says so.
 */
struct snapshot *snapshot_new(struct conf *conf, uint32_t generation,
    char *why, size_t size) MUST_USE;
/* never.c: fills s->never. */
enum err snapshot_never(struct snapshot *s) MUST_USE;
struct snapshot *snapshot_hold(struct snapshot *s);
void snapshot_drop(struct snapshot *s); /* NULL is fine */

struct dnssec_policy snapshot_dnssec_policy(const struct snapshot *s);
/*
 * What the configuration says of a resolver of one of so many workers. Anchors
 * given are taken away when nothing is to be validated.
 */
void snapshot_resolver_opts(
    const struct snapshot *s, size_t workers, struct resolver_opts *out);

#endif
