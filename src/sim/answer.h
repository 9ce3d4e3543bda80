/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - from a question's bytes to an answer's bytes, as one site of
 * one address gives it.
 */
#ifndef HITHER_SIM_ANSWER_H
#define HITHER_SIM_ANSWER_H

#include "world.h"

/* Most that is ever sent by UDP; with EDNS the client may ask for less. */
#define ANSWER_UDP_MAX EDNS_UDP_SIZE

struct ask {
	const uint8_t *bytes;
	size_t len;
	struct address *address;
	const struct site *site;
	bool by_tcp;
};

struct answer_out {
	uint8_t *buf;
	size_t size;        /* room; at least ANSWER_UDP_MAX */
	size_t len;         /* 0: silence */
	struct query query; /* as read; question_end 0 when there was none */
	unsigned rcode;
	bool is_question; /* worth a line in the log */
};

void answer_make(const struct ask *ask, struct answer_out *out);

#endif
