/* SPDX-License-Identifier: BSD-3-Clause */
/* opt.h - reading the OPT record (RFC 6891). */
#ifndef HITHER_DNS_OPT_H
#define HITHER_DNS_OPT_H

#include <hither/dns.h>

#include "reader.h"

/*
 * Reads an OPT from its CLASS on (owner and type are read already). Options
 * of a version above 0 are stepped over. Borrows from the message. False:
 * malformed.
 */
bool opt_read(struct reader *r, struct edns *out);

#endif
