/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard.c - what a forger would have to guess besides id and port: the letter
 * case of the name (draft-vixie-dnsext-dns0x20) and a cookie (RFC 7873). What
 * is not as expected is asked for again by TCP, never simply believed.
 */
#include "slot.h"

#include <string.h>

void
guard_choose(struct slot *s, const struct ask *a)
{
	struct upstream *up = s->up;
	struct manner m;

	manners_look(up->manners, &s->x.to, s->to_key, s->sent_us, &m);
	s->mixed_case = a->mix_case && (a->tcp || !m.folds_case);
	s->exact_case = s->mixed_case && !a->tcp;
	if (!a->edns || !up->o.cookies)
		return;
	s->wants_cookie = m.gives_cookies;
	s->cookie_len = m.cookie_len;
	memcpy(s->cookie, m.cookie, m.cookie_len);
}

static void
doubt_cookie(struct slot *s)
{
	const struct upstream_opts *o = &s->up->o;

	servers_spoofed(o->servers, &s->x.to, DOUBT_COOKIE,
	    o->wire->now_us(o->wire_self));
}

/*
 * A forger who knows all else does not know our cookie: RFC 7873 section 5.3.
 * What comes without one from a server that gives them is asked for by TCP.
 */
enum match
guard_match(struct slot *s, const struct opt_seen *opt)
{
	struct upstream *up = s->up;

	if (s->cookie_len == 0)
		return MATCH_YES;
	if (opt->cookie == NULL && s->x.tcp)
		manners_gave_none(up->manners, &s->x.to, s->to_key);
	if (opt->cookie == NULL && (!s->wants_cookie || s->x.tcp))
		return MATCH_YES;
	if (opt->cookie == NULL) {
		doubt_cookie(s);
		return MATCH_CASE;
	}
	if (opt->cookie_len < COOKIE_CLIENT_BYTES ||
	    memcmp(opt->cookie, s->cookie, COOKIE_CLIENT_BYTES) != 0) {
		doubt_cookie(s);
		return MATCH_NO;
	}
	manners_gave_cookie(up->manners, &s->x.to, s->to_key, opt->cookie,
	    opt->cookie_len);
	return MATCH_YES;
}

/* By TCP nobody forges: a name in other letters is the server's own habit. */
void
guard_learn(struct slot *s, const uint8_t *bytes, size_t len)
{
	const uint8_t *qname = s->names + s->qname_at;

	if (s->x.tcp && s->mixed_case &&
	    len >= HEADER_BYTES + (size_t)s->qname_bytes && bytes[5] == 1 &&
	    memcmp(bytes + HEADER_BYTES, qname, s->qname_bytes) != 0)
		manners_folded_case(s->up->manners, &s->x.to, s->to_key,
		    s->up->o.wire->now_us(s->up->o.wire_self));
}
