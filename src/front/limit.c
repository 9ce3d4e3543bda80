/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limit.c - who asks too much.
 *
 * What comes by UDP may come from anybody: it is charged to the network it
 * claims to be from, and so is, when wanted, each question that this network
 * repeats, for a flood of equal answers is what a reflected attack is made of.
 * Past the bound most get no answer; every slip-th is told to come by TCP, or
 * with a cookie, which a victim will not do and an honest client will.
 *
 * Who shows a cookie of ours, or came by TCP, is who it says: it has a bound
 * of its own, as large, which nobody else can use up, and past it is refused
 * in words.
 *
 * All this is looked at before anything else, so that a flood costs little.
 */
#include "inside.h"

#include <string.h>

#define LOG_EVERY_US (60u * UINT64_C(1000000))

static const char too_many[] = "too many questions from your network";

/* What a key is made of: kinds do not share a bound. */
enum kind { KIND_CLAIMED, KIND_PROVEN };

static bool
is_exempt(const struct front_limits *l, const struct addr *from)
{
	for (size_t i = 0; i < l->exempt_count; i++)
		if (prefix_covers(&l->exempt[i], from))
			return true;
	return false;
}

static unsigned
net_bits(const struct front_limits *l, const struct addr *from)
{
	return from->family == 6 ? l->bits_v6 : l->bits_v4;
}

static uint64_t
network_key(const struct front_limits *l, const struct addr *from,
    enum kind kind)
{
	uint8_t key[18] = { 0 };
	unsigned bits = net_bits(l, from), whole = bits / 8;

	memcpy(key, from->ip, whole);
	if (bits % 8 != 0)
		key[whole] = (uint8_t)(from->ip[whole] & (0xff00u >> bits % 8));
	key[16] = from->family;
	key[17] = (uint8_t)kind;
	return throttle_key(l->throttle, key, sizeof(key));
}

static bool
network_passes(const struct front *f, const struct addr *from, enum kind kind)
{
	const struct front_limits *l = f->rules->limits;

	return throttle_take(l->throttle, &l->questions,
	    network_key(l, from, kind), loop_now_us(f->opts.loop));
}

/* The same question from the same network, in whatever letter case. */
static bool
question_passes(const struct front *f, const struct datagram *d)
{
	const struct front_limits *l = f->rules->limits;
	const uint8_t *p = d->bytes + HEADER_BYTES;
	size_t len = d->len > HEADER_BYTES ? d->len - HEADER_BYTES : 0;
	size_t name = l->same.per_second != 0 ? flat_name(p, len) : 0;
	uint64_t key;

	if (name == 0 || len < name + 2)
		return true;
	key = name_hash_sized(throttle_hash_key(l->throttle), p, name) +
	      ((uint64_t)p[name] << 8 | p[name + 1]) +
	      network_key(l, &d->from, KIND_CLAIMED);
	key = throttle_key(l->throttle, &key, sizeof(key));
	return throttle_take(l->throttle, &l->same, key,
	    loop_now_us(f->opts.loop));
}

bool
limit_passes(struct front *f, const struct datagram *d)
{
	const struct front_limits *l = f->rules->limits;

	return is_exempt(l, &d->from) ||
	       (network_passes(f, &d->from, KIND_CLAIMED) &&
		   question_passes(f, d));
}

bool
limit_proven(const struct front *f, const struct visit *v)
{
	if (v->route.udp != NULL && !v->asked.cookie_known)
		return false;
	return is_exempt(f->rules->limits, &v->route.from) ||
	       network_passes(f, &v->route.from, KIND_PROVEN);
}

static void
note(struct front *f, const struct addr *from)
{
	uint64_t now_us = loop_now_us(f->opts.loop);
	char text[ADDR_TEXT_MAX];

	count_up(&f->counts.limited);
	if (f->limit_logged_us != 0 &&
	    now_us - f->limit_logged_us < LOG_EVERY_US)
		return;
	log_warn("rate-limited", "client=%s prefix=%u since-last=%llu",
	    addr_ip_text(from, text), net_bits(f->rules->limits, from),
	    (unsigned long long)(f->counts.limited - f->limit_logged));
	f->limit_logged_us = now_us;
	f->limit_logged = f->counts.limited;
}

enum fate
limit_answer(struct front *f, struct visit *v)
{
	const struct front_limits *l = f->rules->limits;
	struct remark m = front_remark(f, EDE_OTHER, too_many);

	note(f, &v->route.from);
	if (v->route.udp != NULL && !v->asked.cookie_known &&
	    (l->slip == 0 || ++f->slip_turn % l->slip != 0))
		return FATE_SILENCE;
	count_up(&f->counts.limited_told);
	if (v->route.udp == NULL || v->asked.cookie_known)
		return visit_error(v, RCODE_REFUSED, &m);
	m = front_remark(f, EDE_NONE, NULL);
	if (v->asked.cookie_len > 0)
		return visit_error(v, RCODE_BADCOOKIE, &m);
	v->len = reply_truncated(&v->asked, &m, v->out);
	return FATE_REPLY;
}
