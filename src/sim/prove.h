/* SPDX-License-Identifier: BSD-3-Clause */
/* prove.h - what a signed zone sends along to be believed. */
#ifndef HITHER_SIM_PROVE_H
#define HITHER_SIM_PROVE_H

#include "lookup.h"

#define PROOFS_MAX 24u

struct proofs {
	const struct rrset *sets[PROOFS_MAX];
	size_t count;
};
/*
 * The NSEC or NSEC3 sets for every claim of the reply, each once. None when
 * the zone has no such records.
 */
void prove(const struct zone *z, const struct reply *r, struct proofs *out);

#endif
