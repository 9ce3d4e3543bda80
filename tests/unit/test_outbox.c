/* SPDX-License-Identifier: BSD-3-Clause */
/* test_outbox.c - datagrams that leave together arrive as they were put in. */
#include "net_support.h"

#include <sys/syscall.h>

#include "../../src/net/outbox.h"

static bool cuts_nothing;

/* As the system would, or one that cannot cut packets up. */
int
sendmmsg(int fd, struct mmsghdr *heads, unsigned count, int flags)
{
	if (cuts_nothing && heads[0].msg_hdr.msg_iovlen > 1) {
		errno = EIO;
		return -1;
	}
	/* One at a time: the caller has to go on by itself. */
	return (
	    int)syscall(SYS_sendmmsg, fd, heads, count > 0 ? 1u : 0u, flags);
}

struct client {
	struct sockaddr_in name;
	struct msghdr way;
	int fd;
};

static void
client_open(struct client *c)
{
	const struct addr any = address("127.0.0.1", 0);
	socklen_t len = sizeof(c->name);

	c->fd = peer_socket(&any, SOCK_DGRAM, true);
	assert_int_equal(getsockname(c->fd, (struct sockaddr *)&c->name, &len),
	    0);
	c->way = (struct msghdr){ .msg_name = &c->name,
		.msg_namelen = sizeof(c->name) };
}

static void
expect(const struct client *c, const char *text)
{
	char got[64];
	const ssize_t n = recv(c->fd, got, sizeof(got), 0);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
add(struct outbox *ob, const struct client *c, char *text)
{
	outbox_add(ob, &c->way, text, strlen(text));
}

static int
sender(void)
{
	const struct addr any = address("127.0.0.1", 0);

	return peer_socket(&any, SOCK_DGRAM, true);
}

static void
a_row_to_one_client_is_one_packet(void **state)
{
	struct outbox ob = { .packet_count = 0 };
	struct client c;
	const int fd = sender();
	char a[] = "aaaa", b[] = "bbbb", last[] = "ccc", next[] = "dddd";

	(void)state;
	client_open(&c);
	add(&ob, &c, a);
	add(&ob, &c, b);
	add(&ob, &c, last);
	assert_int_equal(ob.packet_count, 1);
	add(&ob, &c, next); /* a shorter one is the last */
	assert_int_equal(ob.packet_count, 2);
	outbox_send(&ob, fd);
	expect(&c, "aaaa");
	expect(&c, "bbbb");
	expect(&c, "ccc");
	expect(&c, "dddd");
	assert_int_equal(ob.unsent, 0);
	assert_int_equal(ob.packet_count + ob.piece_count, 0);
	assert_false(ob.whole);
	(void)close(c.fd);
	(void)close(fd);
}

/* As on a wildcard address: each says whence it is to leave. */
static void
way_from(struct msghdr *way, struct outbox_notes *room, const char *where)
{
	const struct addr a = address(where, 0);
	struct in_pktinfo from = { .ipi_ifindex = 0 };
	struct cmsghdr head = { .cmsg_level = IPPROTO_IP,
		.cmsg_type = IP_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof(from)) };

	memset(room, 0, sizeof(*room));
	memcpy(&from.ipi_spec_dst, a.ip, 4);
	memcpy(room->bytes, &head, sizeof(head));
	memcpy(room->bytes + CMSG_LEN(0), &from, sizeof(from));
	way->msg_control = room;
	way->msg_controllen = CMSG_SPACE(sizeof(from));
}

static void
expect_from(const struct client *c, const char *text, const char *where)
{
	const struct addr expected = address(where, 0);
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct addr from;
	char got[64];

	assert_int_equal(recvfrom(c->fd, got, sizeof(got), 0,
			     (struct sockaddr *)&name, &len),
	    strlen(text));
	assert_memory_equal(got, text, strlen(text));
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name, len,
			     &from),
	    ERR_OK);
	assert_true(addr_same_ip(&from, &expected));
}

static void
a_row_leaves_from_the_address_asked(void **state)
{
	const struct addr any = address("0.0.0.0", 0);
	const int fd = peer_socket(&any, SOCK_DGRAM, true);
	struct outbox ob = { .packet_count = 0 };
	struct outbox_notes rooms[4];
	struct client c;
	char a[] = "aaaa", b[] = "bbbb", d[] = "dddd", e[] = "eeee";

	(void)state;
	client_open(&c);
	way_from(&c.way, &rooms[0], "127.0.0.5");
	add(&ob, &c, a);
	way_from(&c.way, &rooms[1], "127.0.0.5");
	add(&ob, &c, b);
	assert_int_equal(ob.packet_count, 1);
	way_from(&c.way, &rooms[2], "127.0.0.6");
	add(&ob, &c, d);
	way_from(&c.way, &rooms[3], "127.0.0.6");
	add(&ob, &c, e);
	assert_int_equal(ob.packet_count, 2);
	outbox_send(&ob, fd);
	expect_from(&c, "aaaa", "127.0.0.5");
	expect_from(&c, "bbbb", "127.0.0.5");
	expect_from(&c, "dddd", "127.0.0.6");
	expect_from(&c, "eeee", "127.0.0.6");
	assert_false(ob.whole);
	(void)close(c.fd);
	(void)close(fd);
}

static void
a_longer_one_and_another_client_begin_anew(void **state)
{
	struct outbox ob = { .packet_count = 0 };
	struct client c, other;
	const int fd = sender();
	char a[] = "aaaa", b[] = "bbbbb", d[] = "ddddd";

	(void)state;
	client_open(&c);
	client_open(&other);
	add(&ob, &c, a);
	add(&ob, &c, b);
	add(&ob, &other, d);
	add(&ob, &other, d);
	assert_int_equal(ob.packet_count, 3);
	outbox_send(&ob, fd);
	expect(&c, "aaaa");
	expect(&c, "bbbbb");
	expect(&other, "ddddd");
	expect(&other, "ddddd");
	(void)close(c.fd);
	(void)close(other.fd);
	(void)close(fd);
}

static void
a_full_batch_of_the_longest_leaves_whole(void **state)
{
	static uint8_t bytes[DATAGRAM_BATCH][DATAGRAM_MAX], got[DATAGRAM_MAX];
	struct outbox ob = { .packet_count = 0 };
	struct client c;
	const int fd = sender();

	(void)state;
	client_open(&c);
	for (unsigned i = 0; i < DATAGRAM_BATCH; i++) {
		assert_false(outbox_is_full(&ob));
		memset(bytes[i], (int)i + 1, sizeof(bytes[i]));
		outbox_add(&ob, &c.way, bytes[i], sizeof(bytes[i]));
	}
	assert_true(outbox_is_full(&ob));
	assert_int_equal(ob.packet_count, 2); /* 64 KiB are too many */
	outbox_send(&ob, fd);
	for (unsigned i = 0; i < DATAGRAM_BATCH; i++) {
		assert_int_equal(recv(c.fd, got, sizeof(got), 0), sizeof(got));
		assert_memory_equal(got, bytes[i], sizeof(got));
	}
	(void)close(c.fd);
	(void)close(fd);
}

static void
a_system_that_cuts_nothing_gets_them_one_by_one(void **state)
{
	struct outbox ob = { .packet_count = 0 };
	struct client c;
	const int fd = sender();
	char a[] = "aaaa", b[] = "bbbb";

	(void)state;
	client_open(&c);
	cuts_nothing = true;
	for (unsigned i = 0; i < 2; i++) {
		add(&ob, &c, a);
		add(&ob, &c, b);
		assert_int_equal(ob.packet_count, i + 1); /* learnt by then */
		outbox_send(&ob, fd);
		expect(&c, "aaaa");
		expect(&c, "bbbb");
		assert_true(ob.whole);
		assert_int_equal(ob.unsent, 0);
	}
	cuts_nothing = false;
	(void)close(c.fd);
	(void)close(fd);
}

static void
what_has_no_way_out_is_counted_and_the_rest_leaves(void **state)
{
	struct outbox ob = { .packet_count = 0 };
	struct client c, nowhere;
	const int fd = sender();
	char a[] = "aaaa";

	(void)state;
	client_open(&c);
	client_open(&nowhere);
	nowhere.name.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	add(&ob, &nowhere, a);
	add(&ob, &nowhere, a);
	add(&ob, &c, a);
	outbox_send(&ob, fd);
	expect(&c, "aaaa");
	assert_int_equal(ob.unsent, 2);
	(void)close(c.fd);
	(void)close(nowhere.fd);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_to_one_client_is_one_packet),
		cmocka_unit_test(a_row_leaves_from_the_address_asked),
		cmocka_unit_test(a_longer_one_and_another_client_begin_anew),
		cmocka_unit_test(a_full_batch_of_the_longest_leaves_whole),
		cmocka_unit_test(
		    a_system_that_cuts_nothing_gets_them_one_by_one),
		cmocka_unit_test(
		    what_has_no_way_out_is_counted_and_the_rest_leaves),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
