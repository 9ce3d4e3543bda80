/* SPDX-License-Identifier: BSD-3-Clause */
/* minimise.h - which part of the name to show: RFC 9156. Pure. */
#ifndef HITHER_RESOLVE_MINIMISE_H
#define HITHER_RESOLVE_MINIMISE_H

#include <hither/resolve.h>

struct minimise {
	unsigned shown;	 /* labels of the last question; 0: none yet */
	unsigned asked;	 /* minimised questions for this name so far */
	bool off;	 /* the full name from now on */
};

/*
 * The next question on the way to (qname, qtype) from zone. Returns true when
 * it is a minimised one, false when it is the full one. *ask_name is borrowed
 * from qname.
 */
bool minimise_next(struct minimise *m, const uint8_t *qname, uint16_t qtype,
    const uint8_t *zone, const uint8_t **ask_name, uint16_t *ask_type);

#endif
