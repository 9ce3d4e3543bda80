/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.c - datagrams that leave together; see outbox.h.
 *
 * Most of what an answer costs is its way down to the card. A row of them
 * takes it once: 64 answers to one client cost a third.
 */
#include "outbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define PACKET_MAX 65000u /* octets; IPv4 and UDP take 28 of 65,535 */

static bool
same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* May it be the next piece of the last packet? */
static bool
is_next_piece(const struct outbox *ob, const struct msghdr *way, size_t len)
{
	const struct msghdr *m;

	if (len > ob->piece_len || ob->octets + len > PACKET_MAX)
		return false;
	m = &ob->packets[ob->packet_count - 1].msg_hdr;
	return same_bytes(m->msg_name, m->msg_namelen, way->msg_name,
		   way->msg_namelen) &&
	       same_bytes(ob->control, ob->control_len, way->msg_control,
		   way->msg_controllen);
}

/* The packet will be of several: says how long each is. */
static void
note_piece_size(struct msghdr *m, struct outbox_notes *notes)
{
	const uint16_t size = (uint16_t)m->msg_iov[0].iov_len;
	const struct cmsghdr head = { .cmsg_level = IPPROTO_UDP,
		.cmsg_type = UDP_SEGMENT,
		.cmsg_len = CMSG_LEN(sizeof(size)) };
	uint8_t *at = notes->bytes + m->msg_controllen;

	if (m->msg_controllen > 0)
		memcpy(notes->bytes, m->msg_control, m->msg_controllen);
	memcpy(at, &head, sizeof(head));
	memcpy(at + CMSG_LEN(0), &size, sizeof(size));
	m->msg_control = notes->bytes;
	m->msg_controllen += CMSG_SPACE(sizeof(size));
}

void
outbox_start(struct outbox *ob, int fd)
{
	int size;
	socklen_t len = sizeof(size);

	ob->whole = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) != 0;
}

bool
outbox_is_full(const struct outbox *ob)
{
	return ob->piece_count == DATAGRAM_BATCH;
}

static void
begin_packet(struct outbox *ob, const struct msghdr *way, struct iovec *piece)
{
	struct msghdr *m = &ob->packets[ob->packet_count++].msg_hdr;

	*m = *way;
	m->msg_iov = piece;
	m->msg_iovlen = 1;
	m->msg_flags = 0;
	ob->control = way->msg_control;
	ob->control_len = way->msg_controllen;
	ob->octets = piece->iov_len;
	ob->piece_len = ob->whole ? 0 : piece->iov_len;
}

void
outbox_add(struct outbox *ob, const struct msghdr *way, void *bytes, size_t len)
{
	struct iovec *piece = &ob->pieces[ob->piece_count++];
	struct msghdr *m;

	*piece = (struct iovec){ .iov_base = bytes, .iov_len = len };
	if (!is_next_piece(ob, way, len)) {
		begin_packet(ob, way, piece);
		return;
	}
	m = &ob->packets[ob->packet_count - 1].msg_hdr;
	if (m->msg_iovlen++ == 1)
		note_piece_size(m, &ob->notes[ob->packet_count - 1]);
	ob->octets += len;
	if (len < ob->piece_len)
		ob->piece_len = 0; /* only the last may be shorter */
}

/*
 * EIO: the card computes no checksums, and the system does not do it instead.
 * The others: a piece is too long for the way to this client.
 */
static bool
is_cut_refused(int error, const struct msghdr *m)
{
	return m->msg_iovlen > 1 &&
	       (error == EIO || error == EINVAL || error == EMSGSIZE);
}

/* Each piece on its own, without the note of their size. */
static void
send_pieces(struct outbox *ob, int fd, const struct msghdr *m)
{
	struct msghdr one = *m;

	one.msg_iovlen = 1;
	one.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		one.msg_iov = &m->msg_iov[i];
		if (sendmsg(fd, &one, MSG_DONTWAIT) < 0)
			ob->unsent++;
	}
}

/* What is to become of the packet that failed. False: nothing goes now. */
static bool
send_failed(struct outbox *ob, int fd, const struct msghdr *m, int error)
{
	if (error == EAGAIN)
		return false;
	if (is_cut_refused(error, m)) {
		ob->whole = error == EIO;
		send_pieces(ob, fd, m);
	} else {
		ob->unsent += m->msg_iovlen; /* no way out; the next may */
	}
	return true;
}

void
outbox_send(struct outbox *ob, int fd)
{
	size_t at = 0;

	while (at < ob->packet_count) {
		int n = sendmmsg(fd, ob->packets + at,
		    (unsigned)(ob->packet_count - at), MSG_DONTWAIT);

		if (n > 0)
			at += (size_t)n;
		else if (errno == EINTR)
			continue;
		else if (send_failed(ob, fd, &ob->packets[at].msg_hdr, errno))
			at++;
		else
			break;
	}
	for (; at < ob->packet_count; at++)
		ob->unsent += ob->packets[at].msg_hdr.msg_iovlen;
	ob->packet_count = ob->piece_count = ob->piece_len = 0;
}
