/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chaos.c - who are you and which version: the CHAOS class (RFC 4892).
 *
 * id.server and hostname.bind tell the identity, version.server and
 * version.bind the version, each only when it is configured. Everything else
 * in this class is refused. The sets made here are of class IN like all sets;
 * whoever writes them puts the question's class in its place.
 */
#include "inside.h"

#include <string.h>

struct chaos_name {
	const uint8_t wire[16];
	bool version;
};

static const struct chaos_name chaos_names[] = {
	{ "\002id\006server", false },
	{ "\010hostname\004bind", false },
	{ "\007version\006server", true },
	{ "\007version\004bind", true },
};

/* TXT RDATA: strings of at most 255 octets each. */
static struct rdata *
text_rdata(struct arena *a, const char *text)
{
	struct rdata *r = arena_take(a, sizeof(*r));
	size_t len = strlen(text), at = 0, part;
	uint8_t *bytes, *p;

	if (len > 1024)
		len = 1024;
	bytes = p = arena_take(a, len + len / 255 + 1);
	if (r == NULL || bytes == NULL)
		return NULL;
	do {
		part = len - at > 255 ? 255 : len - at;
		*p++ = (uint8_t)part;
		memcpy(p, text + at, part);
		p += part;
		at += part;
	} while (at < len);
	r->bytes = bytes;
	r->len = (uint16_t)(p - bytes);
	return r;
}

static const char *
chaos_text(const struct policy *p, const uint8_t *qname)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(chaos_names); i++)
		if (name_equal(qname, chaos_names[i].wire))
			return chaos_names[i].version ? p->version
						      : p->identity;
	return NULL;
}

void
policy_chaos(const struct policy *p, const uint8_t *qname, uint16_t qtype,
    struct arena *a, struct answer *out)
{
	const char *text = chaos_text(p, qname);
	struct rrset *set;

	*out = (struct answer){ .ede = EDE_NONE, .rcode = RCODE_REFUSED };
	if (text == NULL)
		return;
	out->rcode = RCODE_NOERROR;
	out->authoritative = true;
	if (qtype != TYPE_TXT && qtype != TYPE_ANY)
		return;
	set = arena_take(a, sizeof(*set));
	if (set == NULL)
		return;
	set->owner = name_copy_in(a, qname);
	set->rdata = text_rdata(a, text);
	set->type = TYPE_TXT;
	set->count = 1;
	if (set->owner == NULL || set->rdata == NULL ||
	    !answer_add(a, out, SECTION_ANSWER, set))
		out->rcode = RCODE_SERVFAIL;
}
