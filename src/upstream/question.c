/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * question.c - the message that asks: header, question, OPT (RFC 6891) with
 * what is asked of the server, and nothing about who asked us.
 */
#include "question.h"

void
question_mix_case(struct rng *rng, uint8_t *name, size_t len)
{
	for (size_t at = 0; at < len; at += 64)
		name_turn_case(name + at, len - at < 64 ? len - at : 64,
		    rng_u64(rng));
}

size_t
question_write(const struct question *q, uint8_t *buf)
{
	const struct ask *a = q->ask;
	UNCLEARED struct writer w;
	struct opt_out opt = { .ede = EDE_NONE,
		.udp_size = q->udp_size,
		.cookie = q->cookie,
		.cookie_len = q->cookie_len,
		.dnssec_ok = a->dnssec_ok,
		.ask_nsid = a->ask_nsid };

	writer_start(&w, buf, QUERY_MAX, q->id, a->recurse ? FLAG_RD : 0);
	writer_question(&w, q->qname, a->qtype, CLASS_IN);
	if (a->edns && !writer_opt(&w, &opt))
		return 0;
	return writer_finish(&w);
}
