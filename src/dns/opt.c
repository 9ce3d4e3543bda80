/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * opt.c - EDNS(0): the OPT record in and out (RFC 6891).
 *
 * Reading looks at the first 32 options and no further; of equal options the
 * first counts. An option that runs past the record, a COOKIE that is not 8
 * or 16 to 40 octets (RFC 7873 section 4) or an EDE shorter than its code
 * (RFC 8914) makes the message malformed.
 */
#include "opt.h"

#include <string.h>

#define OPTIONS_MAX   32u
#define OPT_FIXED     11u /* root, TYPE, CLASS, TTL, RDLENGTH */
#define OPTION_HEAD   4u
#define UDP_SIZE_MIN  512u
#define EDE_TEXT_MAX  200u
#define COOKIE_CLIENT 8u
#define COOKIE_MAX    40u

enum {
	OPTION_NSID = 3,
	OPTION_COOKIE = 10,
	OPTION_KEEPALIVE = 11,
	OPTION_EDE = 15
};
enum { OPT_DNSSEC_OK = 0x8000 };

static bool
cookie_read(struct edns *out, const uint8_t *p, uint16_t len)
{
	if (len != COOKIE_CLIENT &&
	    (len < 2 * COOKIE_CLIENT || len > COOKIE_MAX))
		return false;
	if (out->cookie == NULL) {
		out->cookie = p;
		out->cookie_len = len;
	}
	return true;
}

static bool
option_read(struct edns *out, uint16_t code, const uint8_t *p, uint16_t len)
{
	switch (code) {
	case OPTION_NSID:
		if (!out->wants_nsid && len > 0) {
			out->nsid = p;
			out->nsid_len = len;
		}
		out->wants_nsid = true;
		return true;
	case OPTION_COOKIE:
		return cookie_read(out, p, len);
	case OPTION_KEEPALIVE:
		out->wants_keepalive = true;
		return true;
	case OPTION_EDE:
		if (len < 2)
			return false;
		if (!out->has_ede)
			out->ede = (uint16_t)(p[0] << 8 | p[1]);
		out->has_ede = true;
		return true;
	default:
		return true;
	}
}

static bool
options_read(struct edns *out, const uint8_t *p, size_t len)
{
	struct reader r;
	unsigned i;

	reader_start_plain(&r, p, len);
	for (i = 0; i < OPTIONS_MAX && r.at < r.len; i++) {
		uint16_t code = reader_u16(&r);
		uint16_t bytes = reader_u16(&r);
		const uint8_t *option = reader_take(&r, bytes);

		if (option == NULL || !option_read(out, code, option, bytes))
			return false;
	}
	return true;
}

bool
opt_read(struct reader *r, struct edns *out)
{
	uint16_t len, flags;
	const uint8_t *p;

	*out = (struct edns){ .present = true };
	out->udp_size = reader_u16(r);
	if (out->udp_size < UDP_SIZE_MIN)
		out->udp_size = UDP_SIZE_MIN;
	out->rcode_high = reader_u8(r);
	out->version = reader_u8(r);
	flags = reader_u16(r);
	out->dnssec_ok = (flags & OPT_DNSSEC_OK) != 0;
	len = reader_u16(r);
	p = reader_take(r, len);
	if (p == NULL)
		return false;
	return len == 0 || out->version > 0 || options_read(out, p, len);
}

/* The octets of the EXTRA-TEXT that are sent: whole UTF-8 characters. */
static size_t
ede_text_bytes(const struct opt_out *o)
{
	size_t n = o->ede_text == NULL ? 0 : strlen(o->ede_text);

	if (n <= EDE_TEXT_MAX)
		return n;
	n = EDE_TEXT_MAX;
	while (n > 0 && ((uint8_t)o->ede_text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

size_t
opt_bytes(const struct opt_out *o)
{
	size_t n = OPT_FIXED;

	if (o->ede != EDE_NONE)
		n += OPTION_HEAD + 2 + ede_text_bytes(o);
	if (o->nsid != NULL || o->ask_nsid)
		n += OPTION_HEAD + (o->nsid != NULL ? o->nsid_len : 0);
	if (o->cookie != NULL)
		n += OPTION_HEAD + o->cookie_len;
	return n;
}

static uint8_t *
put_u16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *
put_option(uint8_t *p, uint16_t code, const uint8_t *bytes, size_t len)
{
	p = put_u16(p, code);
	p = put_u16(p, len);
	if (len > 0)
		memcpy(p, bytes, len);
	return p + len;
}

static uint8_t *
put_ede(uint8_t *p, const struct opt_out *o)
{
	size_t text = ede_text_bytes(o);

	p = put_u16(p, OPTION_EDE);
	p = put_u16(p, 2 + text);
	p = put_u16(p, (uint16_t)o->ede);
	if (text > 0)
		memcpy(p, o->ede_text, text);
	return p + text;
}

bool
writer_opt(struct writer *w, const struct opt_out *o)
{
	size_t bytes = opt_bytes(o);
	uint8_t *p = w->buf + w->at;

	if (bytes - OPT_FIXED > UINT16_MAX || bytes > w->size - w->at ||
	    w->counts[3] == UINT16_MAX)
		return false;
	*p++ = 0;
	p = put_u16(p, TYPE_OPT);
	p = put_u16(p, o->udp_size);
	*p++ = (uint8_t)(o->rcode >> 4);
	*p++ = 0; /* version */
	p = put_u16(p, o->dnssec_ok ? OPT_DNSSEC_OK : 0);
	p = put_u16(p, bytes - OPT_FIXED);
	if (o->nsid != NULL || o->ask_nsid)
		p = put_option(p, OPTION_NSID, o->nsid,
		    o->nsid != NULL ? o->nsid_len : 0);
	if (o->cookie != NULL)
		p = put_option(p, OPTION_COOKIE, o->cookie, o->cookie_len);
	if (o->ede != EDE_NONE)
		(void)put_ede(p, o);
	w->at += bytes;
	w->reserved = 0;
	w->counts[3]++;
	return true;
}
