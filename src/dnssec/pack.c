/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.c - a record set and all it points to in one block of memory, so that
 * one memory_free() ends it.
 */
#include "inner.h"

#include <string.h>

static size_t
rdata_bytes(const struct rdata *r, uint16_t count)
{
	size_t n = 0;

	for (uint16_t i = 0; i < count; i++)
		n += sizeof(*r) + r[i].len;
	return n;
}

static uint8_t *
copy_rdata(struct rdata *out, const struct rdata *in, uint16_t count,
    uint8_t *octets)
{
	for (uint16_t i = 0; i < count; i++) {
		out[i].bytes = octets;
		out[i].len = in[i].len;
		if (in[i].len > 0)
			memcpy(octets, in[i].bytes, in[i].len);
		octets += in[i].len;
	}
	return octets;
}

struct rrset *
set_pack(const struct rrset *s)
{
	size_t owner = name_bytes(s->owner);
	struct rrset *out =
	    memory_new(sizeof(*out) + owner + rdata_bytes(s->rdata, s->count) +
		       rdata_bytes(s->sigs, s->sig_count));
	struct rdata *list;
	uint8_t *at;

	if (out == NULL)
		return NULL;
	list = (struct rdata *)(void *)(out + 1);
	at = (uint8_t *)(list + s->count + s->sig_count);
	*out = *s;
	at = copy_rdata(list, s->rdata, s->count, at);
	at = copy_rdata(list + s->count, s->sigs, s->sig_count, at);
	out->rdata = list;
	out->sigs = list + s->count;
	out->owner = memcpy(at, s->owner, owner);
	return out;
}
