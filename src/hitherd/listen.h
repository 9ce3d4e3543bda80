/* SPDX-License-Identifier: BSD-3-Clause */
/* listen.h - listeners as the configuration names them. */
#ifndef HITHER_HITHERD_LISTEN_H
#define HITHER_HITHERD_LISTEN_H

#include <hither/conf.h>
#include <hither/front.h>

/* Whose listeners, and under which configuration. */
struct listen_try {
	struct front *front;
	const struct conf *conf;
	size_t workers;
	bool first; /* look for a rival on the port */
};
/* Does another item of c want the port of l, at an address that covers it? */
bool listen_is_shared(const struct conf *c, const struct conf_listen *l);
/* Opens UDP and TCP of one item. False: why names address and reason. */
bool listen_open(const struct listen_try *t, const struct conf_listen *l,
    char *why, size_t size);

/* Could all that `after` adds be listened on now? */
bool listen_possible(const struct conf *before, const struct conf *after,
    char *why, size_t size);
/* Closes what is no longer there and opens what is new; logs failures. */
void listen_change(struct front *f, const struct conf *before,
    const struct conf *after, size_t workers);

#endif
