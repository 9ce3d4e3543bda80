/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_query.c - a client's packet, as the hit path reads it.
 *
 * Whatever query_read() calls a question must read the same through
 * message_read(), and its name must survive text and back.
 */
#include <stdlib.h>
#include <string.h>

#include <hither/dns.h>

#define ARENA_BYTES (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(bool truth)
{
	if (!truth)
		abort();
}

static void
name_holds(const uint8_t *n)
{
	char text[NAME_TEXT_MAX];
	struct name again, lower;
	struct hash_key key = { { 1 } };

	check(name_bytes(n) <= NAME_MAX_BYTES && name_labels(n) <= 127);
	check(strlen(name_text(n, text)) < NAME_TEXT_MAX);
	check(name_parse(text, &again) == ERR_OK);
	check(name_same_case(n, again.wire));
	name_lower(&lower, n);
	check(name_equal(n, lower.wire) && name_compare(n, lower.wire) == 0);
	check(name_hash(&key, n) == name_hash(&key, lower.wire));
	check(name_is_within(n, name_parent(n)));
	check(name_common_labels(n, lower.wire) == name_labels(n));
}

static void
edns_holds(const struct edns *e, const uint8_t *bytes, size_t len)
{
	if (e->cookie != NULL) {
		check(e->cookie_len == 8 ||
		      (e->cookie_len >= 16 && e->cookie_len <= 40));
		check(e->cookie >= bytes);
		check(e->cookie + e->cookie_len <= bytes + len);
	}
	check(!e->present || e->udp_size >= 512);
}

static void
agrees_with_message(const struct query *q, const uint8_t *bytes, size_t len)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct message m;

	check(a != NULL);
	check(message_read(a, bytes, len, &m) == ERR_OK);
	check(m.has_question && m.id == q->id && m.flags == q->flags);
	check(name_same_case(m.qname, q->qname.wire));
	check(m.qtype == q->qtype && m.qclass == q->qclass);
	check(m.edns.present == q->edns.present);
	check(m.edns.cookie_len == q->edns.cookie_len);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct query q;
	enum query_verdict v;

	memset(&q, 0xaa, sizeof(q));
	v = query_read(bytes, len, &q);
	check(q.question_end <= len);
	name_holds(q.qname.wire);
	edns_holds(&q.edns, bytes, len);
	if (v == QUERY_OK || v == QUERY_BADVERS) {
		check(q.question_end > HEADER_BYTES);
		agrees_with_message(&q, bytes, len);
	}
	return 0;
}
