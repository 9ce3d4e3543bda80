/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * upstream.h - exchanges: one question sent to one address, and what came
 * back.
 *
 * An exchange is owned here and outlives the task that began it: it keeps its
 * own copy of question, zone and address, goes on listening past its RTO, and
 * a late reply still teaches `servers` (Karn's ambiguity does not
 * arise, each transmission has its own id and port). Whatever does not match
 * (address and port: the flow; id, QR, opcode, question, letter case) is
 * counted and ignored (RFC 5452 section 9.1).
 */
#ifndef HITHER_UPSTREAM_H
#define HITHER_UPSTREAM_H

#include <hither/dns.h>
#include <hither/net.h>
#include <hither/servers.h>

/* This many mismatches make a UDP exchange EXCHANGE_SUSPECT. */
#define EXCHANGE_MISMATCHES_MAX 20u
/* One may have strayed here; so many for one question are no accident. */
#define EXCHANGE_MISMATCHES_WARY 3u

struct upstream;

enum exchange_state {
	EXCHANGE_WAITING,
	EXCHANGE_LATE,	   /* past its RTO, still listening */
	EXCHANGE_ANSWERED, /* bytes hold the matching reply */
	EXCHANGE_SILENT,   /* listening is over: nothing came */
	EXCHANGE_BROKEN,   /* unreachable, refused, closed: `why` */
	EXCHANGE_SUSPECT,  /* forgeries, a wrong letter case, or no cookie
			      where there was one: ask by TCP */
};

struct ask {
	const struct addr *to;
	uint64_t to_key;    /* servers_key() of it; 0: not at hand */
	const uint8_t *zone;
	const uint8_t *qname;
	uint64_t owner;	    /* handed to on_change; 0: its reply only teaches */
	uint32_t rto_us;    /* then LATE, and servers_silent() */
	uint32_t listen_us; /* then SILENT; >= rto_us */
	uint16_t qtype;
	bool tcp;
	bool edns;	    /* with an OPT */
	bool dnssec_ok;	    /* only with edns */
	bool recurse;	    /* RD, for forwarders */
	bool mix_case;	    /* 0x20 */
	bool ask_nsid;	    /* only with edns */
	bool shadow;	    /* a copy of what was asked of another address */
};

struct exchange {
	const uint8_t *bytes; /* ANSWERED: the reply, owned by the exchange */
	size_t len;
	struct addr to;
	uint32_t rtt_us;      /* ANSWERED */
	uint32_t mismatches;
	enum exchange_state state;
	enum err why;	      /* BROKEN */
	bool tcp, edns, shadow;
};

struct upstream_opts {
	const struct wire_ops *wire;
	void *wire_self;
	struct timers *timers;
	struct servers *servers;
	struct rng *rng;
	size_t exchanges_max;
	uint16_t udp_size; /* told in the OPT; 0: EDNS_UDP_SIZE */
	bool cookies;	   /* RFC 7873, in each OPT */
	/* An exchange changed state. Only marks its owner as ready. */
	void (*on_change)(void *user, uint64_t owner, uint32_t exchange);
	void *user;
	/*
	 * Judges a reply that nobody waits for, so that it can teach: a fault
	 * of that address for that zone, or -1. Pure.
	 */
	int (*judge)(const uint8_t *zone, const uint8_t *qname,
	    uint16_t qtype, const uint8_t *bytes, size_t len);
};

struct upstream *upstream_new(const struct upstream_opts *o) MUST_USE;
void upstream_free(struct upstream *up);
/* The events to give to the network that `wire` stands for. */
const struct wire_events *upstream_events(void);

/*
 * Sends. Returns the exchange's id, or 0 with *why: ERR_LIMIT, ERR_MEMORY,
 * ERR_UNREACHABLE. RTT samples, NSID and silence go to servers by itself.
 */
uint32_t upstream_ask(
    struct upstream *up, const struct ask *a, enum err *why);
/* Borrowed until the next call in here; NULL when there is none such. */
const struct exchange *upstream_look(struct upstream *up, uint32_t id);
/*
 * The owner has read what it wants, or is no longer interested. One that is
 * still waiting goes on in the background and teaches.
 */
void upstream_leave(struct upstream *up, uint32_t id);

struct upstream_counts {
	uint64_t sent_udp, sent_tcp, sent_shadow, answered, late_answers,
	    silent, broken, mismatches, bytes_in;
	uint64_t sent6_udp, sent6_tcp; /* of these, to IPv6 */
	uint64_t timeouts;	       /* past their RTO; some answered late */
	uint64_t rcodes[16];	       /* of replies */
	struct histogram rtt;	       /* of replies by UDP */
	size_t open;
};
void upstream_count(const struct upstream *up, struct upstream_counts *out);

#endif
