/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie.c - DNS cookies for clients: RFC 7873, in the form of RFC 9018.
 *
 * A server cookie is version 1, three zero octets, the time and SipHash-2-4
 * over client cookie, these and the client's address. It is good for an hour,
 * and up to five minutes from the future; after half an hour a new one is
 * told, and at once to who shows one of the secret before. Nothing is kept
 * about clients: whoever shows a cookie that fits has received an answer of
 * ours at its address.
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

/* Which secret made it; count: none of them. */
static size_t
secret_of(const struct cookie_secrets *s, const struct cookie_asked *q)
{
	size_t i = 0;

	if (q->len != COOKIE_BYTES)
		return s->count;
	while (
	    i < s->count && !is_ours(&s->keys[i], q->bytes, q->from, q->now_s))
		i++;
	return i;
}

void
cookie_derive(const struct hash_key *root, uint64_t period,
    struct cookie_secrets *out)
{
	out->count = COOKIE_SECRETS_MAX;
	for (size_t i = 0; i < out->count; i++) {
		const uint64_t text[2] = { period - i, 1 };
		const uint64_t more[2] = { period - i, 2 };
		const uint64_t half[2] = {
			hash_bytes(root, text, sizeof(text)),
			hash_bytes(root, more, sizeof(more)),
		};

		_Static_assert(sizeof(half) == sizeof(out->keys[i].bytes),
		    "two hashes make a key");
		memcpy(out->keys[i].bytes, half, sizeof(half));
	}
}

bool
cookie_answer(const struct cookie_secrets *s, const struct cookie_asked *q,
    uint8_t *out)
{
	size_t secret = secret_of(s, q);
	bool known = secret < s->count;
	uint32_t age_s;

	if (secret == 0) {
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
	put_hash(&s->keys[0], out, q->from, out + COOKIE_HASH_AT);
	return known;
}
