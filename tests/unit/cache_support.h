/* SPDX-License-Identifier: BSD-3-Clause */
/* cache_support.h - names, sets and packed answers for the cache's tests. */
#ifndef HITHER_TESTS_CACHE_SUPPORT_H
#define HITHER_TESTS_CACHE_SUPPORT_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hither/cache.h>

#include "support.h"

#define NOW UINT64_C(1000000)

struct one_a {
	struct name owner;
	uint8_t ip[4];
	struct rdata rdata;
	struct rrset set;
	struct rrset *list[1];
};

static inline void
one_a(struct one_a *o, const char *text, uint32_t ip, uint32_t ttl)
{
	assert_int_equal(name_parse(text, &o->owner), ERR_OK);
	memcpy(o->ip, &ip, 4);
	o->rdata = (struct rdata){ .bytes = o->ip, .len = 4 };
	o->set = (struct rrset){
		.owner = o->owner.wire,
		.rdata = &o->rdata,
		.count = 1,
		.type = TYPE_A,
		.ttl = ttl,
	};
	o->list[0] = &o->set;
}

static inline struct record
record_of(struct one_a *o, uint64_t now)
{
	return (struct record){
		.owner = o->owner.wire,
		.sets = o->list,
		.set_count = 1,
		.stored_ms = now,
		.expires_ms = now + o->set.ttl * UINT64_C(1000),
		.kind = RECORD_SET,
		.rank = RANK_AUTH_ANSWER,
		.ede = EDE_NONE,
		.type = TYPE_A,
	};
}

static inline void
sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = 0, .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

/* A packed answer with count A records 192.0.2.1.. */
static inline size_t
pack_answer(uint8_t *buf, size_t size, const uint8_t *qname, uint16_t count)
{
	uint8_t ips[16][4];
	struct rdata rdata[16];
	struct rrset set = {
		.owner = qname,
		.rdata = rdata,
		.count = count,
		.type = TYPE_A,
		.ttl = 300,
	};
	struct writer w;

	for (uint16_t i = 0; i < count && i < 16; i++) {
		ips[i][0] = 192;
		ips[i][1] = 0;
		ips[i][2] = 2;
		ips[i][3] = (uint8_t)(i + 1);
		rdata[i] = (struct rdata){ .bytes = ips[i], .len = 4 };
	}
	writer_start(&w, buf, size, 0, FLAG_QR | FLAG_RA);
	writer_question(&w, qname, TYPE_A, CLASS_IN);
	assert_true(writer_rrset(&w, SECTION_ANSWER, &set, 300, false, 0));
	return writer_finish(&w);
}

#endif
