/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.h - datagrams that leave together, by as few calls and packets as
 * may be.
 *
 * Datagrams in a row to one port of one host, of one length but for the last
 * which may be shorter, leave as one packet that is cut up as late as can be:
 * by the network card or just before it (UDP_SEGMENT). Whoever forwards the
 * questions of many, as a load balancer does from a few sockets, gets most of
 * his answers so; for everybody else nothing changes.
 */
#ifndef HITHER_NET_OUTBOX_H
#define HITHER_NET_OUTBOX_H

#include <sys/socket.h>
#include <sys/uio.h>

#include <netinet/in.h>

#include <hither/net.h>

/* Notes to the system: the address to leave from, and the length of a piece. */
struct outbox_notes {
	_Alignas(struct cmsghdr)
	    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		CMSG_SPACE(sizeof(uint16_t))];
};

/* Cleared memory is an empty one. */
struct outbox {
	struct mmsghdr packets[DATAGRAM_BATCH];
	struct iovec pieces[DATAGRAM_BATCH]; /* each packet's in a row */
	struct outbox_notes notes[DATAGRAM_BATCH]; /* of those of several */
	size_t packet_count, piece_count;
	/* The last packet: what its pieces are to have, has, and its way. */
	size_t piece_len; /* 0: it takes no more */
	size_t octets;
	const void *control;
	size_t control_len;
	uint64_t unsent; /* pieces the system did not take */
	bool whole;	 /* the system cuts nothing up for us */
};

/* Can this socket cut packets up? Linux can from 4.18 on. */
void outbox_start(struct outbox *ob, int fd);
bool outbox_is_full(const struct outbox *ob);
/*
 * One more; the outbox is not full. Where it goes and leaves from is in `way`,
 * whose name and control are borrowed, as bytes are, until it is sent.
 */
void outbox_add(struct outbox *ob, const struct msghdr *way, void *bytes,
    size_t len);
/* Sends what can be sent now and forgets all. */
void outbox_send(struct outbox *ob, int fd);

#endif
