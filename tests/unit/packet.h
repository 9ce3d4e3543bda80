/* SPDX-License-Identifier: BSD-3-Clause */
/* packet.h - replies put together octet by octet, for the message tests. */
#ifndef HITHER_TESTS_PACKET_H
#define HITHER_TESTS_PACKET_H

#include "support.h"

#include <string.h>

#include <hither/dns.h>

#define QNAME_AT 12u

struct packet {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
};

/* Too big for a stack shared with others; each test starts it anew. */
static struct packet packet;

static inline void
add(const void *bytes, size_t len)
{
	assert_true(len <= sizeof(packet.bytes) - packet.len);
	memcpy(packet.bytes + packet.len, bytes, len);
	packet.len += len;
}

static inline void
add_u16(unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(b, 2);
}

/* A reply to "example.com" A with so many records a section. */
static inline void
start(unsigned answers, unsigned authorities, unsigned additional)
{
	packet.len = 0;
	add_u16(0x4242);
	add_u16(FLAG_QR | FLAG_AA);
	add_u16(1);
	add_u16(answers);
	add_u16(authorities);
	add_u16(additional);
	add("\7example\3com", 13);
	add_u16(TYPE_A);
	add_u16(CLASS_IN);
}

static inline void
add_fixed(unsigned type, uint32_t ttl, unsigned len)
{
	add_u16(type);
	add_u16(CLASS_IN);
	add_u16(ttl >> 16);
	add_u16(ttl & 0xffff);
	add_u16(len);
}

/* A record owned by the question's name. */
static inline void
add_record(unsigned type, uint32_t ttl, const void *rdata, unsigned len)
{
	add_u16(0xc000 | QNAME_AT);
	add_fixed(type, ttl, len);
	add(rdata, len);
}

static inline enum err
read_it(struct arena **a, struct message *m)
{
	arena_free(*a);
	*a = arena_new(4u << 20);
	assert_non_null(*a);
	return message_read(*a, packet.bytes, packet.len, m);
}

static inline void
assert_refused(void)
{
	struct arena *a = NULL;
	struct message m;

	assert_int_equal(read_it(&a, &m), ERR_FORMAT);
	arena_free(a);
}

/* An RRSIG by "com" over `covered`; 18 + 5 + 1 octets. */
static inline void
add_rrsig(unsigned covered)
{
	uint8_t rdata[24] = { (uint8_t)(covered >> 8), (uint8_t)covered };

	memcpy(rdata + 18, "\3com", 5);
	rdata[23] = 's';
	add_record(TYPE_RRSIG, 100, rdata, sizeof(rdata));
}

#endif
