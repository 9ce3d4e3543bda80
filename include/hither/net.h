/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net.h - sockets, the event loop, and the seam behind which they hide.
 *
 * upstream and resolve know the network only as `struct wire_ops` plus the
 * loop's timers (base.h). The daemon gives them outgoing.c's; the scenario
 * player in the tests gives them a scripted network on a scripted clock.
 */
#ifndef HITHER_NET_H
#define HITHER_NET_H

#include <hither/base.h>

/* --- the seam --------------------------------------------------------- */

/* One message to one address. The port it leaves from is the network's. */
struct wire_send {
	const struct addr *to;
	const uint8_t *bytes; /* a DNS message, without TCP's length */
	size_t len;
	void *user;	      /* comes back with every event of the flow */
	bool tcp;
};

/*
 * send: leases an unpredictable source port, sends by the end of the turn, and
 * opens a flow on which replies arrive until close(). ERR_LIMIT: no port or
 * descriptor free. ERR_UNREACHABLE: the system has no route. What fails only
 * when it leaves is told by broken(). A flow id is never 0.
 * close: answered says that the one message came that was waited for, in
 * time, and none besides was read: its port may then serve again, else never.
 * Events come later, from the loop, never from within send().
 */
struct wire_ops {
	enum err (*send)(
	    void *self, const struct wire_send *s, uint32_t *flow);
	void (*close)(void *self, uint32_t flow, bool answered);
	uint64_t (*now_us)(void *self); /* monotonic */
	uint64_t (*ttl_now_ms)(void *self); /* clock_boot_ms of this world */
	uint64_t (*real_now_s)(void *self); /* wall clock, for signatures */
};

/* What happens on a flow. The receiver may close any flow from in here. */
struct wire_events {
	/* Bytes came from the flow's own address and port. at_us: when. */
	void (*message)(void *user, uint32_t flow, const uint8_t *bytes,
	    size_t len, uint64_t at_us);
	/* ICMP error, refused or closed connection. The flow stays open. */
	void (*broken)(void *user, uint32_t flow, enum err e);
};

/* --- the loop --------------------------------------------------------- */

struct loop;
struct loop *loop_new(void) MUST_USE;
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop() */
void loop_stop(struct loop *l);	/* from any thread */
struct timers *loop_timers(struct loop *l);
struct event_base *loop_base(struct loop *l); /* for ctl's listener */
/*
 * Called after each turn's events and timers, in the order of registering:
 * drain queues, gather answers. What this room gathered leaves after them.
 * At most LOOP_AFTER_MAX callers a loop.
 */
#define LOOP_AFTER_MAX 16u
void loop_after_turn(struct loop *l, void (*fn)(void *user), void *user);
/* Undoes it; unknown pairs are fine. */
void loop_after_turn_end(struct loop *l, void (*fn)(void *user), void *user);
/*
 * The time of this turn, clock_mono_us() and clock_boot_ms(): read when first
 * asked for and after whatever took long, once for a dozen who want to know.
 */
uint64_t loop_now_us(struct loop *l);
uint64_t loop_ttl_now_ms(struct loop *l);
/* From a hook: the next turn does not wait for anything. */
void loop_again(struct loop *l);
/* Makes the loop turn soon, from any thread (eventfd). */
void loop_wake(struct loop *l);

/* --- listening -------------------------------------------------------- */

#define DATAGRAM_BATCH 64u
#define DATAGRAM_MAX   1232u /* longest answer by UDP */

/* A question that came by UDP and, in the same room, its answer. */
struct datagram {
	struct addr from;
	struct addr local;   /* address that was asked: answers leave from it */
	uint8_t *bytes;	     /* room for DATAGRAM_MAX and more */
	size_t len;	     /* of the question; > 2048 were cut off there */
	size_t reply_len;    /* written by the handler: 0 is no answer now */
};

struct udp_listener;
/*
 * on_batch is called with 1..DATAGRAM_BATCH questions read by one
 * recvmmsg(); what has a reply_len afterwards leaves by one sendmmsg(), what
 * is for one client in a row and of one length as one packet.
 */
struct udp_listener_opts {
	struct addr local;
	void (*on_batch)(void *user, struct udp_listener *ul,
	    struct datagram *batch, size_t n);
	void *user;
	bool first; /* bind without SO_REUSEPORT once, to find a rival */
};
/* NULL on failure: errno says why. */
struct udp_listener *udp_listener_new(
    struct loop *l, const struct udp_listener_opts *o) MUST_USE;
void udp_listener_free(struct udp_listener *ul);
/* A late answer; gathered and sent at the end of the turn. */
void udp_listener_reply(struct udp_listener *ul, const struct addr *to,
    const struct addr *local, const uint8_t *bytes, size_t len);
/* How many answers the system has not taken: its buffer was full. */
uint64_t udp_listener_unsent(const struct udp_listener *ul);

/*
 * TCP (RFC 7766): framing, pipelining, limits. A connection is known by a
 * number that is never used again; replying to one that is gone is fine.
 */
struct tcp_listener;
struct tcp_limits {
	size_t clients_max;    /* open connections; full: oldest idle goes */
	size_t pipelined_max;  /* questions unanswered per connection */
	size_t buffer_max;     /* bytes of answers not taken; then no reading */
	uint64_t idle_us;      /* shrinks under pressure, to a tenth at least */
	uint64_t take_us;      /* to take an answer written; 0: 10 s */
};
struct tcp_listener_opts {
	struct addr local;
	struct tcp_limits limits;
	bool (*admit)(void *user, const struct addr *from); /* access list */
	void (*on_message)(void *user, struct tcp_listener *tl,
	    uint64_t connection, const struct addr *from, const uint8_t *bytes,
	    size_t len);
	void *user;
	bool first;
};
struct tcp_listener *tcp_listener_new(
    struct loop *l, const struct tcp_listener_opts *o) MUST_USE;
void tcp_listener_free(struct tcp_listener *tl);
/* One answer to one question of that connection; len 0: none will come. */
void tcp_listener_reply(struct tcp_listener *tl, uint64_t connection,
    const uint8_t *bytes, size_t len);
/* How long a connection may be idle now: the fuller, the shorter. */
uint64_t tcp_listener_idle_us(const struct tcp_listener *tl);
size_t tcp_listener_clients(const struct tcp_listener *tl);
/* Where they listen: with the port the system chose when 0 was asked for. */
struct addr udp_listener_local(const struct udp_listener *ul);
/* Datagrams the kernel dropped since it is bound: its queue was full. */
uint64_t udp_listener_drops(const struct udp_listener *ul);
/* Did the last turn leave questions unread? Then too many come. */
bool udp_listener_is_behind(const struct udp_listener *ul);
/* Questions we dropped: they had waited for too long in a full queue. */
uint64_t udp_listener_overdue(const struct udp_listener *ul);
struct addr tcp_listener_local(const struct tcp_listener *tl);

/*
 * Is somebody else bound to this address (UDP or TCP)? Writes "name (pid n)"
 * when /proc tells, "another process" else, into buf; returns buf.
 */
const char *net_port_holder(
    const struct addr *a, bool tcp, char *buf, size_t size);

/* --- going out -------------------------------------------------------- */

struct outgoing;
struct outgoing_opts {
	const struct addr *from_v4; /* arrays; empty: the system's choice */
	const struct addr *from_v6;
	size_t from_v4_count, from_v6_count;
	uint16_t port_low, port_high; /* source ports, >= 1024 */
	size_t sockets_max;	      /* open flows at once */
	/*
	 * UDP sockets kept idle at once, at most; under 2048 each question
	 * gets a fresh one. Half as many idle ones there are at least when one
	 * of them serves again, so that a forger must guess among these.
	 */
	size_t kept_max;
	unsigned port_uses; /* questions a kept one serves, 1 to 4 */
	uint64_t tcp_idle_us;	      /* 0: one query a connection */
	struct wire_events events;
};
/* rng is borrowed and must live as long. */
struct outgoing *outgoing_new(struct loop *l, struct rng *rng,
    const struct outgoing_opts *o) MUST_USE;
void outgoing_free(struct outgoing *og);
/* The seam over it; self is the outgoing itself. */
const struct wire_ops *outgoing_ops(void);

#endif
