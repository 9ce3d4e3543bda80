/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.h - hither-sim while it runs: one thread, one event loop, a door per
 * address, parcels on their way, and whoever listens on the control socket.
 */
#ifndef HITHER_SIM_SIM_H
#define HITHER_SIM_SIM_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "answer.h"

#define BATCH            64u
#define QUESTION_UDP_MAX 4096u
#define PARCELS_MAX      200000u
#define STAMP_BYTES      CMSG_SPACE(sizeof(struct timespec))

struct sim;

/* An address that is listened on. */
struct door {
	struct sim *sim;
	struct address *address;
	struct event *udp;               /* NULL: could not be bound */
	struct evconnlistener *listener; /* NULL: TCP is refused */
	int fd;
};

union peer {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Answers by UDP that leave together. */
struct outbox {
	int fd;
	size_t count;
	uint64_t unsent;
	union peer peers[BATCH];
	socklen_t peer_lens[BATCH];
	size_t lens[BATCH];
	uint8_t bytes[BATCH][ANSWER_UDP_MAX];
};

/* Questions by UDP that arrive together. */
struct inbox {
	union peer peers[BATCH];
	_Alignas(struct cmsghdr) uint8_t stamps[BATCH][STAMP_BYTES];
	uint8_t bytes[BATCH][QUESTION_UDP_MAX];
};

struct conn;
struct client;

struct sim {
	struct world *world;
	struct event_base *base;
	struct rng *rng;
	struct door *doors; /* one an address of the world */
	uint64_t start_us; /* the schedule's second 0; may be to come */
	/* udp.c */
	struct inbox *in;
	struct outbox *out;
	/* delay.c */
	struct timers *timers;
	struct event *tick;
	uint64_t tick_at_us; /* UINT64_MAX: not armed */
	size_t parcel_count;
	int timer_fd;
	/* tcp.c */
	struct conn *conns;
	size_t conn_count;
	uint8_t *tcp_answer; /* 2 + MESSAGE_MAX octets */
	/* control.c */
	struct evconnlistener *control;
	struct client *clients;
	size_t client_count;
	const char *control_path;
	/* querylog.c */
	FILE *log;
	int64_t log_shift_us; /* from the wall clock to --now */
	bool log_on, log_dirty;
};

/* --- serve.c: one question, whatever way it came ----------------------- */

struct packet {
	struct door *door;
	const uint8_t *bytes;
	size_t len;
	uint64_t now_us;
	uint16_t peer_port;
	bool by_tcp;
};
/* out->len 0: nothing is to be sent. Counts and logs. */
void serve(const struct packet *p, struct answer_out *out, uint64_t *delay_us);

/* --- delay.c: answers that take their time ----------------------------- */

enum err delay_open(struct sim *s) MUST_USE;
void delay_close(struct sim *s);
/* Sends a copy at due_us: by UDP to `peer`, or on `conn` when not NULL. */
struct journey {
	struct door *door;
	struct conn *conn;
	const union peer *peer;
	socklen_t peer_len;
	uint64_t due_us;
};
enum err delay_send(const struct journey *j, const uint8_t *bytes,
    size_t len) MUST_USE;

/* --- udp.c ------------------------------------------------------------- */

/* Binds UDP and TCP of every address; complains to stderr. */
enum err doors_open(struct sim *s) MUST_USE;
void doors_close(struct sim *s);
size_t doors_count(const struct sim *s);
/* Queues octets that lie in outbox_room() already, or copies them there. */
uint8_t *outbox_room(struct outbox *o);
void outbox_put(struct outbox *o, int fd, const union peer *to, socklen_t len,
    size_t bytes);
void outbox_flush(struct outbox *o);

/* --- tcp.c ------------------------------------------------------------- */

/* Opens or closes the listener as the quirks of the address say. */
enum err tcp_follow_quirks(struct door *d) MUST_USE;
void tcp_close_all(struct sim *s);
/* A delayed answer is due. */
void tcp_deliver(struct conn *c, const uint8_t *bytes, size_t len);

/* --- control.c --------------------------------------------------------- */

enum err control_open(struct sim *s, const char *path) MUST_USE;
void control_close(struct sim *s);
/* One command line; the reply, one line, goes to `out`. */
struct evbuffer;
void control_run(struct sim *s, char *line, struct evbuffer *out);

/* --- querylog.c -------------------------------------------------------- */

/* "-" is stdout. now_s 0: the wall clock as it is. */
enum err querylog_open(struct sim *s, const char *path,
    uint64_t now_s) MUST_USE;
void querylog_write(const struct packet *p, const struct answer_out *out,
    const char *fate);
void querylog_flush(struct sim *s);
void querylog_close(struct sim *s);

#endif
