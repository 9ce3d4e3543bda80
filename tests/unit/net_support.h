/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_support.h - what the tests of net share: a loop that gives up, and
 * plain sockets for the other side.
 */
#ifndef HITHER_TESTS_NET_SUPPORT_H
#define HITHER_TESTS_NET_SUPPORT_H

#include "support.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hither/base.h>
#include <hither/net.h>

#define PATIENCE_US 3000000u

/* Runs a loop until stopped; patience ends it, which `late` tells. */
struct ride {
	struct loop *loop;
	struct timer patience;
	struct timer nap;
	bool late;
};

static inline void
ride_over(void *user)
{
	struct ride *r = user;

	r->late = true;
	loop_stop(r->loop);
}

static inline void
ride_nap_over(void *user)
{
	struct ride *r = user;

	loop_stop(r->loop);
}

static inline void
ride_begin(struct ride *r)
{
	memset(r, 0, sizeof(*r));
	r->loop = loop_new();
	assert_non_null(r->loop);
	r->patience = (struct timer){ .fire = ride_over, .user = r };
	r->nap = (struct timer){ .fire = ride_nap_over, .user = r };
}

static inline void
ride_end(struct ride *r)
{
	timer_cancel(loop_timers(r->loop), &r->patience);
	timer_cancel(loop_timers(r->loop), &r->nap);
	loop_free(r->loop);
}

/* Until somebody stops the loop; failing when nobody does. */
static inline void
ride_on(struct ride *r)
{
	r->late = false;
	assert_int_equal(timer_arm(loop_timers(r->loop), &r->patience,
			     clock_mono_us() + PATIENCE_US),
	    ERR_OK);
	loop_run(r->loop);
	timer_cancel(loop_timers(r->loop), &r->patience);
	assert_false(r->late);
}

/* Turns for a while. */
static inline void
ride_for(struct ride *r, uint64_t us)
{
	assert_int_equal(timer_arm(loop_timers(r->loop), &r->nap,
			     clock_mono_us() + us),
	    ERR_OK);
	loop_run(r->loop);
	timer_cancel(loop_timers(r->loop), &r->nap);
}

static inline struct addr
address(const char *text, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse(text, port, &a), ERR_OK);
	return a;
}

static inline int
peer_socket(const struct addr *a, int type, bool listens)
{
	struct sockaddr_storage name;
	const socklen_t len = addr_to_sockaddr(a, &name);
	const int fd = socket(name.ss_family, type | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = 2 };

	assert_int_not_equal(fd, -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	if (!listens) {
		assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
		return fd;
	}
	assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static inline struct addr
peer_address(int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct addr a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name, len, &a),
	    ERR_OK);
	return a;
}

#endif
