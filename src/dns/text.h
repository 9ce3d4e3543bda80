/* SPDX-License-Identifier: BSD-3-Clause */
/* text.h - zone files for the rest of the room, without ldns showing. */
#ifndef HITHER_DNS_TEXT_H
#define HITHER_DNS_TEXT_H

#include <stdio.h>

#include <hither/dns.h>

/*
 * Calls `each` for every record of a zone file: a set of one, in the arena.
 * Stops at the first error, its own or that of `each`, and leaves the line in
 * *line. ERR_FORMAT for syntax, $INCLUDE, and classes other than IN.
 */
enum err text_zone_each(FILE *f, struct arena *a,
    enum err (*each)(void *user, const struct rrset *record), void *user,
    int *line) MUST_USE;

#endif
