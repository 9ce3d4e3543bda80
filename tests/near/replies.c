/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replies.c - what the servers of the simulated world say: the root refers
 * to "top", top refers to the zones under test with glue, and a zone's server
 * answers any name with an address that names the server itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"

#define DAY 86400u

static const uint8_t top_name[] = "\3top";

/* A set of one record, good until the reply is written. */
struct one {
	struct rrset set;
	struct rdata rdata;
	struct name owner, target;
};

static const struct rrset *
make_ns(struct one *o, const uint8_t *zone, const struct name *server)
{
	name_copy(&o->owner, zone);
	o->target = *server;
	o->rdata = (struct rdata){ o->target.wire,
		(uint16_t)name_bytes(o->target.wire) };
	o->set = (struct rrset){ .owner = o->owner.wire,
		.rdata = &o->rdata,
		.ttl = DAY,
		.type = TYPE_NS,
		.count = 1 };
	return &o->set;
}

static const struct rrset *
make_address(struct one *o, const struct name *owner, const struct addr *a)
{
	bool v4 = a->family == 4;

	o->owner = *owner;
	o->rdata = (struct rdata){ a->ip, v4 ? 4 : 16 };
	o->set = (struct rrset){ .owner = o->owner.wire,
		.rdata = &o->rdata,
		.ttl = DAY,
		.type = v4 ? TYPE_A : TYPE_AAAA,
		.count = 1 };
	return &o->set;
}

/* "s17.<zone>" */
static struct name
server_name(size_t server, const uint8_t *zone)
{
	char label[16];
	struct name n;

	(void)snprintf(label, sizeof(label), "s%zu", server);
	if (name_prepend(&n, (const uint8_t *)label, strlen(label), zone) !=
	    ERR_OK)
		abort();
	return n;
}

static void
write_one(struct writer *wr, enum section s, const struct rrset *set)
{
	if (!writer_rrset(wr, s, set, set->ttl, false, 0))
		abort();
}

/* --- above the zones -------------------------------------------------- */

void
world_above(struct world *w)
{
	struct name name;
	struct one o;

	w->root = world_server(w, 5, 4);
	w->top = world_server(w, 5, 4);
	w->hints = arena_take(w->arena, 2 * sizeof(struct rrset *));
	name = server_name(w->root, name_root);
	w->hints[0] = rrset_copy(w->arena, make_ns(&o, name_root, &name));
	w->hints[1] = rrset_copy(w->arena,
	    make_address(&o, &name, &w->servers[w->root].addr));
	w->hint_count = 2;
}

static void
refer(struct world *w, struct writer *wr, const uint8_t *zone,
    const size_t *servers, size_t count)
{
	struct one o;

	/* As one set: the writer takes sets whole. */
	struct rdata rdata[ZONE_SERVERS];
	struct name names[ZONE_SERVERS];
	struct rrset ns = { .owner = zone,
		.rdata = rdata,
		.ttl = DAY,
		.type = TYPE_NS,
		.count = (uint16_t)count };

	for (size_t i = 0; i < count; i++) {
		names[i] = server_name(servers[i], zone);
		rdata[i] = (struct rdata){ names[i].wire,
			(uint16_t)name_bytes(names[i].wire) };
	}
	write_one(wr, SECTION_AUTHORITY, &ns);
	for (size_t i = 0; i < count; i++)
		write_one(wr, SECTION_ADDITIONAL,
		    make_address(&o, &names[i], &w->servers[servers[i]].addr));
}

/* --- the zones -------------------------------------------------------- */

static const struct test_zone *
zone_of(const struct world *w, const uint8_t *qname)
{
	for (size_t i = 0; i < w->zone_count; i++) {
		if (name_is_within(qname, w->zones[i].name.wire))
			return &w->zones[i];
	}
	return NULL;
}

static void
answer(struct writer *wr, const struct place_server *from,
    const struct world *w, const struct query *q)
{
	size_t number = (size_t)(from - w->servers);
	uint8_t ip[4] = { 192, 0, (uint8_t)(number >> 8), (uint8_t)number };
	struct rdata rd = { ip, 4 };
	struct rrset set = { .owner = q->qname.wire,
		.rdata = &rd,
		.ttl = 1,
		.type = TYPE_A,
		.count = 1 };

	write_one(wr, SECTION_ANSWER, &set);
}

static unsigned
flags_of(const struct place_server *from, bool above, bool tcp)
{
	static const unsigned flags[] = {
		[WELL] = FLAG_QR | FLAG_AA,
		[REFUSES] = FLAG_QR | RCODE_REFUSED,
		[LAME] = FLAG_QR,
		[SERVFAILS] = FLAG_QR | RCODE_SERVFAIL,
		[TRUNCATES] = FLAG_QR | FLAG_AA | FLAG_TC,
	};

	if (above)
		return FLAG_QR;
	if (tcp && from->conduct == TRUNCATES)
		return flags[WELL];
	return flags[from->conduct];
}

static void
write_body(struct world *w, const struct place_server *from,
    const struct query *q, struct writer *wr, unsigned flags)
{
	const struct test_zone *z = zone_of(w, q->qname.wire);
	size_t number = (size_t)(from - w->servers);

	if (number == w->root)
		refer(w, wr, top_name, &w->top, 1);
	else if (number == w->top && z != NULL)
		refer(w, wr, z->name.wire, z->servers, z->server_count);
	else if (from->conduct == LAME)
		refer(w, wr, name_root, &w->root, 1);
	else if (flags == (FLAG_QR | FLAG_AA))
		answer(wr, from, w, q);
}

size_t
world_reply(struct world *w, struct place_server *from,
    const struct wire_send *question, uint8_t *buf, size_t size)
{
	size_t number = (size_t)(from - w->servers);
	const struct span *at = span_at(from, w->now_us);
	bool above = number == w->root || number == w->top;
	unsigned flags = flags_of(from, above, question->tcp);
	struct opt_out opt = { .ede = EDE_NONE, .udp_size = EDNS_UDP_SIZE };
	struct query q;
	struct writer wr;

	if (query_read(question->bytes, question->len, &q) != QUERY_OK)
		return 0;
	writer_start(&wr, buf, size, q.id, (uint16_t)flags);
	writer_question(&wr, q.qname.wire, q.qtype, CLASS_IN);
	write_body(w, from, &q, &wr, flags);
	if (q.edns.present) {
		if (q.edns.wants_nsid && at->site != NULL) {
			opt.nsid = (const uint8_t *)at->site;
			opt.nsid_len = strlen(at->site);
		}
		if (!writer_opt(&wr, &opt))
			return 0;
	}
	return writer_finish(&wr);
}
