/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udp.c - questions that come by UDP, and their answers.
 *
 * 1. One event a socket; up to BATCHES_A_TURN batches follow it, so that a
 *    flood of questions cannot keep upstream's answers waiting.
 * 2. A batch is read by one recvmmsg(), handed over whole, and what was
 *    answered at once leaves by one sendmmsg() from the buffers it came in,
 *    rows for one client as one packet (outbox.c).
 * 3. Answers found later are copied, gathered, and leave at the end of the
 *    turn (or when a batch of them is waiting).
 *
 * On a wildcard address an answer leaves from the address that was asked.
 * Questions sent to a broadcast or multicast address, or from port 0, are
 * dropped: an answer would go where it was not asked for. A full socket
 * buffer drops answers; clients ask again.
 *
 * Where more comes than can be answered, the system drops what finds the queue
 * full, and backlog.c what has grown old in it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <hither/base.h>
#include <hither/net.h>

#include "backlog.h"
#include "outbox.h"
#include "sock.h"
#include "turn.h"

#define QUESTION_MAX   2048u
#define BATCHES_A_TURN 16u  /* that are answered */
#define MANY_BATCHES   4u   /* more than a good day brings in a turn */
#define READS_A_TURN   256u /* with those that are dropped */
#define SEND_BYTES     (2 * 1024 * 1024)

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

struct control {
	_Alignas(struct cmsghdr)
	    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* One kernel call's worth of messages. */
struct batch {
	struct mmsghdr heads[DATAGRAM_BATCH];
	struct iovec pieces[DATAGRAM_BATCH];
	union name names[DATAGRAM_BATCH];
	struct control controls[DATAGRAM_BATCH];
};

struct udp_listener {
	struct batch in;
	uint8_t questions[DATAGRAM_BATCH][QUESTION_MAX];
	/* the questions that are handed over, and the slot each lies in */
	struct datagram taken[DATAGRAM_BATCH];
	size_t slots[DATAGRAM_BATCH];
	struct outbox ready; /* answers to the batch at hand, in its room */
	/* answers found later */
	struct outbox late;
	union name late_names[DATAGRAM_BATCH];
	struct control late_controls[DATAGRAM_BATCH];
	uint8_t late_bytes[DATAGRAM_BATCH][DATAGRAM_MAX];

	struct udp_listener_opts opts;
	struct addr local;
	struct loop *loop;
	struct event *readable;
	struct turn_hook hook;
	struct backlog backlog;
	int fd;
	bool is_wildcard;
	bool is_behind; /* the last turn left questions unread */
};

static bool
is_link_local(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xfe && (a->s6_addr[1] & 0xc0) == 0x80;
}

/* Makes slots [0, n) of in ready to be read into. */
static void
prime(struct udp_listener *ul, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct msghdr *m = &ul->in.heads[i].msg_hdr;

		m->msg_namelen = sizeof(ul->in.names[i]);
		m->msg_control = ul->is_wildcard ? &ul->in.controls[i] : NULL;
		m->msg_controllen =
		    ul->is_wildcard ? sizeof(ul->in.controls[i]) : 0;
		m->msg_flags = 0;
	}
}

static void
lay_out(struct udp_listener *ul)
{
	for (size_t i = 0; i < DATAGRAM_BATCH; i++) {
		struct msghdr *m = &ul->in.heads[i].msg_hdr;

		ul->in.pieces[i].iov_base = ul->questions[i];
		ul->in.pieces[i].iov_len = QUESTION_MAX;
		m->msg_iov = &ul->in.pieces[i];
		m->msg_iovlen = 1;
		m->msg_name = &ul->in.names[i];
	}
	prime(ul, DATAGRAM_BATCH);
}

/*
 * Reads the address asked, and turns the note about it into one that makes
 * the answer leave from there, by whatever interface the route says.
 */
static bool
asked_v4(struct cmsghdr *c, struct addr *local)
{
	struct in_pktinfo where;

	memcpy(&where, CMSG_DATA(c), sizeof(where));
	if (where.ipi_spec_dst.s_addr == 0)
		where.ipi_spec_dst = where.ipi_addr;
	if (where.ipi_spec_dst.s_addr != where.ipi_addr.s_addr)
		return false; /* broadcast or multicast */
	memcpy(local->ip, &where.ipi_addr, 4);
	where.ipi_ifindex = 0;
	memcpy(CMSG_DATA(c), &where, sizeof(where));
	return true;
}

static bool
asked_v6(struct cmsghdr *c, struct addr *local)
{
	struct in6_pktinfo where;

	memcpy(&where, CMSG_DATA(c), sizeof(where));
	if (where.ipi6_addr.s6_addr[0] == 0xff)
		return false; /* multicast */
	memcpy(local->ip, &where.ipi6_addr, 16);
	if (is_link_local(&where.ipi6_addr))
		local->scope = where.ipi6_ifindex;
	else
		where.ipi6_ifindex = 0;
	memcpy(CMSG_DATA(c), &where, sizeof(where));
	return true;
}

static bool
asked_address(struct msghdr *m, struct addr *local)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (c == NULL)
		return false;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
	    c->cmsg_len >= CMSG_LEN(sizeof(struct in_pktinfo)))
		return asked_v4(c, local);
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
	    c->cmsg_len >= CMSG_LEN(sizeof(struct in6_pktinfo)))
		return asked_v6(c, local);
	return false;
}

/* Fills taken[k] from slot i; false when it is to be dropped. */
static bool
take(struct udp_listener *ul, size_t i, size_t k)
{
	struct msghdr *m = &ul->in.heads[i].msg_hdr;
	struct datagram *d = &ul->taken[k];

	if (addr_from_sockaddr(&ul->in.names[i].any, m->msg_namelen,
		&d->from) != ERR_OK ||
	    d->from.port == 0)
		return false;
	d->local = ul->local;
	if (ul->is_wildcard && !asked_address(m, &d->local))
		return false;
	d->bytes = ul->questions[i];
	d->len = ul->in.heads[i].msg_len;
	d->reply_len = 0;
	ul->slots[k] = i;
	return true;
}

static void
send_ready(struct udp_listener *ul, size_t taken)
{
	for (size_t k = 0; k < taken; k++) {
		const struct datagram *d = &ul->taken[k];

		if (d->reply_len > 0 && d->reply_len <= QUESTION_MAX)
			outbox_add(&ul->ready,
			    &ul->in.heads[ul->slots[k]].msg_hdr, d->bytes,
			    d->reply_len);
	}
	outbox_send(&ul->ready, ul->fd);
}

/* False when the socket is dry. Batches that are answered are counted. */
static bool
one_batch(struct udp_listener *ul, size_t *served)
{
	const int n =
	    recvmmsg(ul->fd, ul->in.heads, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
	size_t taken = 0;

	if (n <= 0)
		return false;
	if (n == DATAGRAM_BATCH &&
	    backlog_is_overdue(&ul->backlog, ul->fd, DATAGRAM_BATCH)) {
		prime(ul, DATAGRAM_BATCH);
		return true;
	}
	++*served;
	for (size_t i = 0; i < (size_t)n; i++)
		if (take(ul, i, taken))
			taken++;
	if (taken > 0) {
		ul->opts.on_batch(ul->opts.user, ul, ul->taken, taken);
		send_ready(ul, taken);
	}
	prime(ul, (size_t)n);
	return (size_t)n == DATAGRAM_BATCH;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	struct udp_listener *ul = user;
	size_t served = 0, reads = 0;
	bool has_more = true;

	(void)fd;
	(void)what;
	while (has_more && served < BATCHES_A_TURN && reads++ < READS_A_TURN)
		has_more = one_batch(ul, &served);
	ul->is_behind = has_more;
	if (served >= MANY_BATCHES)
		backlog_grows(&ul->backlog, ul->fd);
	if (!has_more)
		backlog_ends(&ul->backlog, ul->fd);
}

static void
send_late(void *user)
{
	struct udp_listener *ul = user;

	if (ul->late.packet_count > 0)
		outbox_send(&ul->late, ul->fd);
}

/* The note that makes the answer leave from local. */
static void
leave_from(struct msghdr *m, struct control *room, const struct addr *local)
{
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };
	const bool is_v6 = local->family == 6;
	const size_t len = is_v6 ? sizeof(v6) : sizeof(v4);
	struct cmsghdr *c;

	memset(room, 0, sizeof(*room));
	memcpy(&v4.ipi_spec_dst, local->ip, 4);
	memcpy(&v6.ipi6_addr, local->ip, 16);
	v6.ipi6_ifindex = local->scope;
	m->msg_control = room;
	m->msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	if (is_v6)
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
	else
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
}

void
udp_listener_reply(struct udp_listener *ul, const struct addr *to,
    const struct addr *local, const uint8_t *bytes, size_t len)
{
	struct msghdr way = { .msg_name = NULL };
	size_t i;

	if (len == 0 || len > DATAGRAM_MAX || to->family != ul->local.family)
		return;
	if (outbox_is_full(&ul->late))
		send_late(ul);
	i = ul->late.piece_count;
	memcpy(ul->late_bytes[i], bytes, len);
	way.msg_name = &ul->late_names[i];
	way.msg_namelen = addr_to_sockaddr(to, &ul->late_names[i].storage);
	if (ul->is_wildcard && local->family == to->family &&
	    !addr_is_any(local))
		leave_from(&way, &ul->late_controls[i], local);
	outbox_add(&ul->late, &way, ul->late_bytes[i], len);
}

/*
 * A path MTU that an ICMP message claims is not believed: answers are short
 * enough for every path, and fragments would let a forger replace one half.
 */
static void
tune(int fd, uint8_t family)
{
	backlog_make_room(fd);
	if (!sock_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BYTES))
		(void)sock_set(fd, SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
	if (family == 6)
		(void)sock_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
		    IPV6_PMTUDISC_OMIT);
	else
		(void)sock_set(fd, IPPROTO_IP, IP_MTU_DISCOVER,
		    IP_PMTUDISC_OMIT);
}

struct udp_listener *
udp_listener_new(struct loop *l, const struct udp_listener_opts *o)
{
	struct udp_listener *ul = memory_new(sizeof(*ul));
	int saved;

	if (ul == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	ul->opts = *o;
	ul->loop = l;
	ul->is_wildcard = addr_is_any(&o->local);
	ul->hook = (struct turn_hook){ .fn = send_late, .user = ul };
	ul->fd = sock_listen_at(&o->local, SOCK_DGRAM, o->first);
	if (ul->fd == -1)
		goto fail;
	tune(ul->fd, o->local.family);
	ul->local = sock_local(ul->fd);
	outbox_start(&ul->ready, ul->fd);
	outbox_start(&ul->late, ul->fd);
	lay_out(ul);
	ul->readable = event_new(loop_base(l), ul->fd, EV_READ | EV_PERSIST,
	    on_readable, ul);
	if (ul->readable == NULL || event_add(ul->readable, NULL) != 0) {
		errno = ENOMEM;
		goto fail;
	}
	loop_hook_add(l, TURN_DATAGRAMS, &ul->hook);
	return ul;
fail:
	saved = errno;
	udp_listener_free(ul);
	errno = saved;
	return NULL;
}

void
udp_listener_free(struct udp_listener *ul)
{
	if (ul == NULL)
		return;
	send_late(ul);
	loop_hook_remove(ul->loop, TURN_DATAGRAMS, &ul->hook);
	if (ul->readable != NULL)
		event_free(ul->readable);
	if (ul->fd != -1)
		(void)close(ul->fd);
	memory_free(ul);
}

struct addr
udp_listener_local(const struct udp_listener *ul)
{
	return ul->local;
}

uint64_t
udp_listener_drops(const struct udp_listener *ul)
{
	return backlog_drops(ul->fd);
}

bool
udp_listener_is_behind(const struct udp_listener *ul)
{
	return ul->is_behind;
}

uint64_t
udp_listener_overdue(const struct udp_listener *ul)
{
	return ul->backlog.overdue;
}

uint64_t
udp_listener_unsent(const struct udp_listener *ul)
{
	return ul->ready.unsent + ul->late.unsent;
}
