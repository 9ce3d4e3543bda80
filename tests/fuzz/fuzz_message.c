/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_message.c - what was read, written and read again is the same.
 *
 * Any octets go through message_read(); what it accepts is written, read back
 * and compared set by set, record by record.
 */
#include <stdlib.h>
#include <string.h>

#include <hither/dns.h>

#define ARENA_BYTES (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(bool truth)
{
	if (!truth)
		abort();
}

static void
records_agree(const struct rdata *a, const struct rdata *b, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		check(a[i].len == b[i].len);
		check(a[i].len == 0 ||
		      memcmp(a[i].bytes, b[i].bytes, a[i].len) == 0);
	}
}

static void
sets_agree(const struct rrset *a, const struct rrset *b)
{
	check(a->type == b->type && a->ttl == b->ttl);
	check(a->count == b->count && a->sig_count == b->sig_count);
	check(name_equal(a->owner, b->owner));
	check(name_bytes(a->owner) <= NAME_MAX_BYTES);
	check(rrset_equal(a, b));
	records_agree(a->rdata, b->rdata, a->count);
	records_agree(a->sigs, b->sigs, a->sig_count);
}

static void
messages_agree(const struct message *a, const struct message *b)
{
	size_t s, i;

	check(a->id == b->id && a->flags == b->flags && a->rcode == b->rcode);
	check(a->has_question == b->has_question);
	check(!a->has_question || name_same_case(a->qname, b->qname));
	check(a->qtype == b->qtype && a->qclass == b->qclass);
	check(a->edns.present == b->edns.present);
	for (s = 0; s < SECTION_COUNT; s++) {
		check(a->counts[s] == b->counts[s]);
		for (i = 0; i < a->counts[s]; i++)
			sets_agree(a->sets[s][i], b->sets[s][i]);
	}
}

/* 0 when it does not fit: expanded names may take more than came in. */
static size_t
message_write(const struct message *m, uint8_t *buf)
{
	struct opt_out opt = { .ede = EDE_NONE,
		.udp_size = EDNS_UDP_SIZE,
		.rcode = m->rcode };
	struct writer w;
	size_t s, i;

	writer_start(&w, buf, MESSAGE_MAX, m->id, m->flags);
	if (m->has_question)
		writer_question(&w, m->qname, m->qtype, m->qclass);
	writer_reserve(&w, opt_bytes(&opt));
	for (s = 0; s < SECTION_COUNT; s++)
		for (i = 0; i < m->counts[s]; i++) {
			const struct rrset *set = m->sets[s][i];

			if (!writer_rrset(&w, (enum section)s, set, set->ttl,
				true, 0))
				return 0;
		}
	if (m->edns.present)
		check(writer_opt(&w, &opt));
	return writer_finish(&w);
}

/* No compression pointer may stay where others will look for a name. */
static void
names_are_flat(const struct message *m)
{
	size_t s, i, k;

	for (s = 0; s < SECTION_COUNT; s++)
		for (i = 0; i < m->counts[s]; i++) {
			const struct rrset *set = m->sets[s][i];
			bool soa = set->type == TYPE_SOA;

			if (set->type != TYPE_NS && set->type != TYPE_CNAME &&
			    !soa)
				continue;
			for (k = 0; k < set->count; k++) {
				const uint8_t *n =
				    rdata_name(&set->rdata[k], 0);

				check(n != NULL);
				check(!soa || rdata_name(&set->rdata[k],
						  name_bytes(n)) != NULL);
			}
		}
}

static void
ttls_are_inside(const uint8_t *bytes, size_t len, size_t records)
{
	static uint16_t offsets[8192];
	size_t found =
	    message_ttl_offsets(bytes, len, offsets, ARRAY_LEN(offsets));
	size_t i;

	check(found == records);
	for (i = 0; i < found; i++)
		check(offsets[i] + 6u <= len);
}

static size_t
records_of(const struct message *m)
{
	size_t s, i, n = 0;

	for (s = 0; s < SECTION_COUNT; s++)
		for (i = 0; i < m->counts[s]; i++)
			n += (size_t)m->sets[s][i]->count +
			     m->sets[s][i]->sig_count;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct message first, second;
	uint8_t *buf = malloc(MESSAGE_MAX);

	check(a != NULL && buf != NULL);
	if (message_read(a, bytes, len, &first) == ERR_OK) {
		size_t made = message_write(&first, buf);

		names_are_flat(&first);
		if (made > 0) {
			check(message_read(a, buf, made, &second) == ERR_OK);
			messages_agree(&first, &second);
			ttls_are_inside(buf, made, records_of(&first));
		}
	}
	check(!arena_over(a));
	free(buf);
	arena_free(a);
	return 0;
}
