/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie.c - DNS cookies for clients: RFC 7873, in the form of RFC 9018.
 *
 * A server cookie is version 1, three zero octets, the time and SipHash-2-4
 * over client cookie, these and the client's address. It is good for an hour,
 * and up to five minutes from the future; after half an hour a new one is
 * told. Nothing is kept about clients: whoever shows a cookie that fits has
 * received an answer of ours at its address.
 */
#include "cookie.h"

#include <string.h>

#define COOKIE_VERSION  1u
#define COOKIE_LIFE_S   3600u
#define COOKIE_FUTURE_S 300u
#define COOKIE_RENEW_S  1800u
#define COOKIE_TIME_AT  (COOKIE_CLIENT + 4)
#define COOKIE_HASH_AT  (COOKIE_CLIENT + 8)

/* The hash over the 16 octets before it and the address, RFC 9018 4.4. */
static void
put_hash(const struct hash_key *k, const uint8_t *cookie,
    const struct addr *from, uint8_t *out)
{
	uint8_t text[COOKIE_HASH_AT + 16];
	size_t ip = from->family == 6 ? 16 : 4;

	memcpy(text, cookie, COOKIE_HASH_AT);
	memcpy(text + COOKIE_HASH_AT, from->ip, ip);
	hash_siphash24(k, text, COOKIE_HASH_AT + ip, out);
}

static bool
is_ours(const struct hash_key *k, const uint8_t *cookie,
    const struct addr *from, uint32_t now_s)
{
	static const uint8_t head[4] = { COOKIE_VERSION, 0, 0, 0 };
	uint32_t age_s =
	    now_s - (uint32_t)octets_get(cookie + COOKIE_TIME_AT, 4);
	uint8_t hash[8], differ = 0;

	/* Serial arithmetic: RFC 9018 section 4.3. */
	if (memcmp(cookie + COOKIE_CLIENT, head, sizeof(head)) != 0 ||
	    (age_s > COOKIE_LIFE_S && age_s < (uint32_t)-COOKIE_FUTURE_S))
		return false;
	put_hash(k, cookie, from, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		differ |= (uint8_t)(hash[i] ^ cookie[COOKIE_HASH_AT + i]);
	return differ == 0;
}

bool
cookie_answer(const struct hash_key *k, const struct cookie_asked *q,
    uint8_t *out)
{
	bool known =
	    q->len == COOKIE_BYTES && is_ours(k, q->bytes, q->from, q->now_s);
	uint32_t age_s;

	if (known) {
		age_s = q->now_s -
			(uint32_t)octets_get(q->bytes + COOKIE_TIME_AT, 4);
		memcpy(out, q->bytes, COOKIE_BYTES);
		if (age_s < COOKIE_RENEW_S)
			return true;
	}
	memcpy(out, q->bytes, COOKIE_CLIENT);
	memset(out + COOKIE_CLIENT, 0, 4);
	out[COOKIE_CLIENT] = COOKIE_VERSION;
	(void)octets_put(out + COOKIE_TIME_AT, q->now_s, 4);
	put_hash(k, out, q->from, out + COOKIE_HASH_AT);
	return known;
}
