/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udp.c - the doors: a UDP socket and a TCP listener for each address, and
 * datagrams in batches. An IPv6 address this host does not have is skipped
 * with a note; any other failure to bind is an error. A datagram's way begins
 * when the kernel got it: that we were late to look does not lengthen it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define SOCKET_BYTES  4194304
#define BATCHES_A_RUN 4       /* then timers and other doors have their turn */
#define LATE_MAX_US   1000000 /* more is a clock that was set */

/* --- sending ---------------------------------------------------------- */

void
outbox_flush(struct outbox *o)
{
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov[BATCH];
	size_t done = 0;

	for (size_t i = 0; i < o->count; i++) {
		iov[i] = (struct iovec){ .iov_base = o->bytes[i],
			.iov_len = o->lens[i] };
		msgs[i].msg_hdr.msg_name = &o->peers[i];
		msgs[i].msg_hdr.msg_namelen = o->peer_lens[i];
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < o->count) {
		int n = sendmmsg(o->fd, msgs + done,
		    (unsigned)(o->count - done), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		o->unsent += n <= 0; /* the first one failed: leave it out */
		done += n <= 0 ? 1 : (size_t)n;
	}
	o->count = 0;
}

uint8_t *
outbox_room(struct outbox *o)
{
	if (o->count == BATCH)
		outbox_flush(o);
	return o->bytes[o->count];
}

void
outbox_put(struct outbox *o, int fd, const union peer *to, socklen_t len,
    size_t bytes)
{
	size_t i = o->count;

	if (i > 0 && o->fd != fd) {
		outbox_flush(o);
		memcpy(o->bytes[0], o->bytes[i], bytes);
		i = 0;
	}
	o->fd = fd;
	o->peers[i] = *to;
	o->peer_lens[i] = len;
	o->lens[i] = bytes;
	o->count = i + 1;
}

/* --- receiving -------------------------------------------------------- */

static void
send_answer(const struct journey *j, const struct answer_out *out)
{
	if (j->due_us == 0)
		outbox_put(j->door->sim->out, j->door->fd, j->peer, j->peer_len,
		    out->len);
	else if (delay_send(j, out->buf, out->len) != ERR_OK)
		j->door->address->counters.dropped++;
}

static void
take_datagram(struct packet *p, const union peer *from, socklen_t from_len)
{
	struct sim *s = p->door->sim;
	struct answer_out out = { .size = ANSWER_UDP_MAX };
	struct journey j = { .door = p->door,
		.peer = from,
		.peer_len = from_len };
	bool twice = (p->door->address->quirks & QUIRK_TWICE) != 0;
	uint64_t delay_us;

	p->peer_port =
	    ntohs(from->any.sa_family == AF_INET ? from->v4.sin_port
						 : from->v6.sin6_port);
	out.buf = outbox_room(s->out);
	serve(p, &out, &delay_us);
	if (out.len == 0)
		return;
	if (delay_us > 0)
		j.due_us = p->now_us + delay_us;
	send_answer(&j, &out);
	if (!twice)
		return;
	j.due_us = p->now_us + delay_us + 1000;
	send_answer(&j, &out);
}

/* How long ago it arrived, by the kernel's stamp. */
static uint64_t
waited_us(struct msghdr *m, const struct timespec *now)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec at;
	int64_t us;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&at, CMSG_DATA(c), sizeof(at));
	us = (int64_t)(now->tv_sec - at.tv_sec) * 1000000 +
	     (now->tv_nsec - at.tv_nsec) / 1000;
	return us > 0 && us < LATE_MAX_US ? (uint64_t)us : 0;
}

static int
receive_batch(struct door *d, struct mmsghdr *msgs)
{
	struct inbox *in = d->sim->in;
	struct iovec iov[BATCH];

	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ .iov_base = in->bytes[i],
			.iov_len = QUESTION_UDP_MAX };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_name = &in->peers[i],
			.msg_namelen = sizeof(in->peers[i]),
			.msg_control = in->stamps[i],
			.msg_controllen = STAMP_BYTES };
	}
	return recvmmsg(d->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
	struct door *d = user;
	struct mmsghdr msgs[BATCH];
	int n = BATCH;

	(void)fd;
	(void)what;
	for (int k = 0; k < BATCHES_A_RUN && n == BATCH; k++) {
		struct timespec wall;
		uint64_t now_us;

		n = receive_batch(d, msgs);
		now_us = clock_mono_us();
		clock_gettime(CLOCK_REALTIME, &wall);
		for (int i = 0; i < n; i++) {
			struct packet p = { .door = d,
				.now_us =
				    now_us - waited_us(&msgs[i].msg_hdr, &wall),
				.bytes = d->sim->in->bytes[i],
				.len = msgs[i].msg_len };

			if ((msgs[i].msg_hdr.msg_flags & MSG_TRUNC) == 0)
				take_datagram(&p, &d->sim->in->peers[i],
				    msgs[i].msg_hdr.msg_namelen);
		}
		outbox_flush(d->sim->out);
	}
	querylog_flush(d->sim);
}

/* --- doors ------------------------------------------------------------ */

static int
bind_udp(const struct address *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a->addr, &sa);
	int size = SOCKET_BYTES, on = 1, saved;
	int fd =
	    socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* as much as the host allows; less is slower, not wrong */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (sa.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* ERR_NOT_FOUND: no such address here, and that is all right. */
static enum err
door_open(struct door *d)
{
	char text[ADDR_TEXT_MAX];

	d->fd = bind_udp(d->address);
	if (d->fd < 0 && d->address->addr.family == 6 &&
	    (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
		fprintf(stderr, "hither-sim: note: %s is left out: %s\n",
		    d->address->text, strerror(errno));
		return ERR_OK;
	}
	if (d->fd < 0) {
		fprintf(stderr, "hither-sim: cannot bind UDP %s: %s\n",
		    addr_text(&d->address->addr, text), strerror(errno));
		return ERR_SYSTEM;
	}
	d->udp = event_new(d->sim->base, d->fd, EV_READ | EV_PERSIST,
	    on_readable, d);
	if (d->udp == NULL || event_add(d->udp, NULL) != 0)
		return ERR_MEMORY;
	if (tcp_follow_quirks(d) != ERR_OK) {
		fprintf(stderr, "hither-sim: cannot bind TCP %s: %s\n",
		    addr_text(&d->address->addr, text), strerror(errno));
		return ERR_SYSTEM;
	}
	return ERR_OK;
}

enum err
doors_open(struct sim *s)
{
	size_t count = s->world->address_count;

	s->in = memory_new(sizeof(*s->in));
	s->out = memory_new(sizeof(*s->out));
	s->doors = memory_new(count * sizeof(*s->doors));
	if (s->in == NULL || s->out == NULL || s->doors == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		s->doors[i] = (struct door){ .sim = s,
			.fd = -1,
			.address = &s->world->addresses[i] };
	for (size_t i = 0; i < count; i++) {
		enum err e = door_open(&s->doors[i]);

		if (e != ERR_OK)
			return e;
	}
	return doors_count(s) > 0 ? ERR_OK : ERR_UNREACHABLE;
}

size_t
doors_count(const struct sim *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->world->address_count; i++)
		n += s->doors[i].udp != NULL;
	return n;
}

void
doors_close(struct sim *s)
{
	for (size_t i = 0; s->doors != NULL && i < s->world->address_count;
	     i++) {
		struct door *d = &s->doors[i];

		if (d->udp != NULL)
			event_free(d->udp);
		if (d->listener != NULL)
			evconnlistener_free(d->listener);
		if (d->fd >= 0)
			close(d->fd);
	}
	memory_free(s->doors);
	memory_free(s->in);
	memory_free(s->out);
}
