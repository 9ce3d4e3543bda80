/* SPDX-License-Identifier: BSD-3-Clause */
/* question.h - the message that asks. */
#ifndef HITHER_UPSTREAM_QUESTION_H
#define HITHER_UPSTREAM_QUESTION_H

#include <hither/upstream.h>

#include "manners.h"

#define QUERY_MAX 512u

/* Letter case by chance: bits that a forger must guess too. */
void question_mix_case(struct rng *rng, uint8_t *name, size_t len);

struct question {
	const struct ask *ask;
	const uint8_t *qname; /* letter for letter */
	const uint8_t *cookie; /* NULL: none */
	uint16_t cookie_len;
	uint16_t id;
	uint16_t udp_size;
};
/* Into buf of QUERY_MAX octets; returns the length, 0: it does not fit. */
size_t question_write(const struct question *q, uint8_t *buf);

#endif
