/* SPDX-License-Identifier: BSD-3-Clause */
/* net_world.h - the seam over real sockets, and one server on loopback. */
#ifndef HITHER_TESTS_NET_WORLD_H
#define HITHER_TESTS_NET_WORLD_H

#include "net_support.h"

#define PORT_LOW  1024u
#define PORT_HIGH 65535u

struct world {
	struct ride ride;
	struct rng *rng;
	struct outgoing *og;
	const struct wire_ops *ops;
	int server; /* plain socket, UDP or TCP */
	struct addr to;
	size_t messages, breaks;
	size_t stop_at; /* events */
	uint32_t last_flow;
	enum err last_error;
	uint8_t got[64];
	size_t got_len;
	uint64_t sent_us;
	bool closes; /* the flow, from within the event */
};

static inline void
count(struct world *w, uint32_t flow)
{
	w->last_flow = flow;
	if (w->closes)
		w->ops->close(w->og, flow, false);
	if (w->messages + w->breaks == w->stop_at)
		loop_stop(w->ride.loop);
}

static inline void
on_message(void *user, uint32_t flow, const uint8_t *bytes, size_t len,
    uint64_t at_us)
{
	struct world *w = user;

	assert_true(at_us >= w->sent_us && at_us <= clock_mono_us());
	w->messages++;
	w->got_len = len < sizeof(w->got) ? len : sizeof(w->got);
	memcpy(w->got, bytes, w->got_len);
	count(w, flow);
}

static inline void
on_broken(void *user, uint32_t flow, enum err e)
{
	struct world *w = user;

	w->breaks++;
	w->last_error = e;
	count(w, flow);
}

static inline void
open_world(struct world *w, int type, struct outgoing_opts o)
{
	struct addr at = address("127.0.0.1", 0);

	memset(w, 0, sizeof(*w));
	o.events.message = on_message;
	o.events.broken = on_broken;
	if (o.port_low == 0) {
		o.port_low = PORT_LOW;
		o.port_high = PORT_HIGH;
	}
	if (o.sockets_max == 0)
		o.sockets_max = 100;
	ride_begin(&w->ride);
	w->rng = rng_new();
	assert_non_null(w->rng);
	w->og = outgoing_new(w->ride.loop, w->rng, &o);
	assert_non_null(w->og);
	w->ops = outgoing_ops();
	w->server = peer_socket(&at, type, true);
	w->to = peer_address(w->server);
	w->stop_at = 1;
	w->closes = true;
}

static inline void
close_world(struct world *w)
{
	outgoing_free(w->og);
	rng_free(w->rng);
	if (w->server != -1)
		(void)close(w->server);
	ride_end(&w->ride);
}

static inline enum err
ask(struct world *w, bool tcp, uint32_t *flow)
{
	const struct wire_send s = {
		.to = &w->to,
		.bytes = (const uint8_t *)"hello",
		.len = 5,
		.user = w,
		.tcp = tcp,
	};
	const size_t events = w->messages + w->breaks;
	enum err e;

	w->sent_us = w->ops->now_us(w->og);
	e = w->ops->send(w->og, &s, flow);
	assert_int_equal(w->messages + w->breaks, events);
	return e;
}

static uint32_t
must_ask(struct world *w, bool tcp)
{
	uint32_t flow;

	assert_int_equal(ask(w, tcp, &flow), ERR_OK);
	assert_int_not_equal(flow, 0);
	return flow;
}

#endif
