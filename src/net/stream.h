/* SPDX-License-Identifier: BSD-3-Clause */
/* stream.h - questions that go out by TCP (RFC 7766). */
#ifndef HITHER_NET_STREAM_H
#define HITHER_NET_STREAM_H

#include <sys/queue.h>

#include <hither/base.h>
#include <hither/net.h>

#include "ports.h"

struct stream;
struct streams;

struct streams_opts {
	struct ports *ports;
	uint64_t idle_us; /* how long a connection is kept; 0: not at all */
	/* The receiver may close the flow's stream from in here. */
	void (*message)(void *user, uint32_t flow, const uint8_t *bytes,
	    size_t len, uint64_t at_us);
	void (*broken)(void *user, uint32_t flow, enum err e);
	void *user;
};

struct streams *streams_new(struct loop *l,
    const struct streams_opts *o) MUST_USE;
/* All streams of flows must have been closed. */
void streams_free(struct streams *ss);
/*
 * Sends s on an open connection or a new one. Events come from the loop,
 * never from in here. ERR_LIMIT, ERR_UNREACHABLE, ERR_MEMORY as in wire_ops.
 */
enum err stream_open(struct streams *ss, const struct wire_send *s,
    uint32_t flow, struct stream **out) MUST_USE;
/* The flow is over; what can be used again is kept. */
void stream_close(struct stream *st);
/* Gives up one kept connection, for its descriptor. False: there is none. */
bool streams_shed(struct streams *ss);

/* --- conn.c: the octets of one connection ----------------------------- */

struct conn;

struct conn_events {
	struct loop *loop;
	struct ports *ports;
	/*
	 * A whole message, then, at most once, a break, after which the
	 * connection is dead. Neither comes from within a conn_ call, and
	 * conn_free() from within them takes effect when they return.
	 */
	void (*message)(void *user, const uint8_t *bytes, size_t len,
	    uint64_t at_us);
	void (*broken)(void *user, enum err e);
	void *user;
};

/* Begins to connect. NULL with *why. */
struct conn *conn_new(const struct addr *to, const struct conn_events *ev,
    enum err *why) MUST_USE;
void conn_free(struct conn *c); /* NULL is fine */
/* Queues a message with its length in front. */
enum err conn_send(struct conn *c, const uint8_t *bytes, size_t len) MUST_USE;
/* Nothing half-sent, nothing half-read. */
bool conn_is_clean(const struct conn *c);

#endif
