/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.h - what tcp.c (the listener and its connections as a set) and
 * tcp_conn.c (one connection) know of each other.
 */
#ifndef HITHER_NET_TCP_H
#define HITHER_NET_TCP_H

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include <hither/base.h>
#include <hither/net.h>

#include "turn.h"

#define TCP_MESSAGE_MAX 65535u
#define TCP_READ_MAX    65536u

struct tcp_conn {
	TAILQ_ENTRY(tcp_conn) idle_link;   /* is_idle */
	TAILQ_ENTRY(tcp_conn) flush_link;  /* wants_flush */
	TAILQ_ENTRY(tcp_conn) resume_link; /* wants_resume */
	struct tcp_listener *tl;
	struct event readable;
	struct event writable;
	struct addr from;
	uint64_t id;
	int fd;

	/* questions read and not handed over yet: in[in_at..in_len) */
	uint8_t *in;
	size_t in_at, in_len, in_room;
	/* answers not taken yet: out[out_at..out_len) */
	uint8_t *out;
	size_t out_at, out_len, out_room;
	/* bytes of answers ever queued and sent; what was queued at mark_us */
	uint64_t queued, sent, mark;

	uint64_t mark_us;    /* the bytes up to mark must go from then on */
	uint64_t since_us;   /* last message, or answer to the last one */
	uint64_t listed_us;  /* since_us when it was put into the idle list */
	uint64_t partial_us; /* first octet of an unfinished message; 0: none */
	size_t unanswered;

	bool is_reading, is_writing; /* the events are added */
	bool is_idle, wants_flush, wants_resume;
	bool has_ended; /* the client has sent all it will */
	bool is_doomed; /* to be closed by conn_settle() */
	bool is_stuck;  /* closes by reset: nobody takes what is left */
};

TAILQ_HEAD(conn_list, tcp_conn);

struct tcp_listener {
	struct tcp_listener_opts opts;
	struct addr local;
	struct loop *loop;
	struct event *acceptable;
	struct turn_hook hook;
	struct timer resume_accept; /* after descriptors ran out */
	struct timer sweep;
	struct timer resume_conns;
	int fd;

	struct tcp_conn **slots; /* limits.clients_max of them */
	uint32_t *free_slots;    /* a stack of those that are free */
	size_t clients;
	uint64_t serial;

	struct conn_list idle; /* longest idle first */
	struct conn_list flush;
	struct conn_list resume;
	uint8_t scratch[TCP_READ_MAX];
};

/* tcp.c */
void conn_close(struct tcp_conn *c); /* and free */

/* tcp_conn.c */
enum err conn_start(struct tcp_conn *c) MUST_USE; /* fd, tl and from set */
void conn_pump(struct tcp_conn *c);               /* may close and free c */
void conn_settle(struct tcp_conn *c);             /* may close and free c */
void conn_flush(struct tcp_conn *c);              /* may doom c */
void conn_answer(struct tcp_conn *c, const uint8_t *bytes, size_t len);
bool conn_has_output(const struct tcp_conn *c);

#endif
