/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rdata.h - the shape of RDATA, one row a type.
 *
 * A shape is a row of letters, each one field:
 *   1 2 4 8  so many octets; g: sixteen
 *   n        a name that may be compressed both ways (RFC 3597 section 4)
 *   N        a name that is decompressed when read, never compressed
 *   u        a name that must not be compressed
 *   s S      one character string; one or more, up to the end
 *   h H      octets behind their length; H: at least one
 *   b        a type bitmap (RFC 4034 section 4.1.2), up to the end
 *   x X      whatever is left; X: at least one octet
 * Types without a row are octets of any kind (RFC 3597).
 */
#ifndef HITHER_DNS_RDATA_H
#define HITHER_DNS_RDATA_H

#include <hither/dns.h>

#include "reader.h"

/* The shape of a type; NULL when it is opaque. */
const char *rdata_shape(uint16_t type);
/*
 * Reads `len` octets of RDATA at the reader. out borrows from the message
 * when nothing was compressed, else it lies in the arena. False: malformed,
 * or the arena is over.
 */
bool rdata_read(struct reader *r, struct arena *a, uint16_t type, uint16_t len,
    struct rdata *out);
/* Is this well-formed, uncompressed RDATA of the type? */
bool rdata_check(uint16_t type, const uint8_t *bytes, size_t len);

#endif
