/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keeper.h - what is believed while the daemon runs: the configured anchors,
 * their rollover (RFC 5011), and telling zones which of their keys we have
 * (RFC 8145). Lives on the main thread; a worker's resolver asks for it.
 */
#ifndef HITHER_HITHERD_KEEPER_H
#define HITHER_HITHERD_KEEPER_H

#include <hither/ctl.h>

#include "snapshot.h"

struct keeper;
struct keeper_opts {
	struct loop *loop;
	struct anchors *anchors; /* shared with all resolvers */
	struct cache *cache;
	void *user;
	/* As those of struct ctl_offer. */
	bool (*on_worker)(void *user, size_t worker, struct ctl_job *job);
	void (*on_main)(void *user, struct ctl_job *job);
};
struct keeper *keeper_new(const struct keeper_opts *o) MUST_USE;
/* No worker may run any more. NULL is fine. */
void keeper_free(struct keeper *k);
/*
 * From now on what this snapshot says is believed, with what was learned of
 * rollovers; the first call reads that from its server.directory.
 */
void keeper_adopt(struct keeper *k, struct snapshot *s);
/* Begins to ask: the workers run. */
void keeper_start(struct keeper *k);
const struct rollovers *keeper_rollovers(const struct keeper *k);

#endif
