/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * private.c - public names do not lead into private networks.
 *
 * A page of an attacker whose name suddenly has the address of a printer may
 * talk to the printer (DNS rebinding). So addresses in the networks told are
 * taken out of what others answered: of A and AAAA records, and whole SVCB and
 * HTTPS records that hint at one. An IPv4 network also holds for the forms in
 * which IPv6 carries its addresses: mapped, compatible, 6to4 (RFC 3056) and
 * the well-known prefix of NAT64 (RFC 6052).
 *
 * It is the name that was asked for which decides whether they may be told:
 * that is what a browser goes by, wherever aliases lead. What is left proves
 * nothing any more, so its signatures and the AD bit go.
 */
#include "inside.h"

#include <stdio.h>
#include <string.h>

#define KEY_IPV4HINT 4u /* RFC 9460 section 14.3.2 */
#define KEY_IPV6HINT 6u

static bool
lies_inside(const struct policy *p, const struct addr *a)
{
	for (size_t i = 0; i < p->private_count; i++)
		if (prefix_covers(&p->private_nets[i], a))
			return true;
	return false;
}

static bool
is_private_v4(const struct policy *p, const uint8_t *ip)
{
	struct addr a = { .family = 4 };

	memcpy(a.ip, ip, 4);
	return lies_inside(p, &a);
}

/* Where the IPv4 address lies in an IPv6 one; NULL: there is none. */
static const uint8_t *
carried_v4(const uint8_t *ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t zero[12];

	if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0 ||
	    memcmp(ip, zero, 12) == 0)
		return ip + 12;
	return ip[0] == 0x20 && ip[1] == 0x02 ? ip + 2 : NULL;
}

static bool
is_private_v6(const struct policy *p, const uint8_t *ip)
{
	const uint8_t *v4 = carried_v4(ip);
	struct addr a = { .family = 6 };

	memcpy(a.ip, ip, 16);
	return lies_inside(p, &a) || (v4 != NULL && is_private_v4(p, v4));
}

static bool
hints_inside(const struct policy *p, unsigned key, const uint8_t *at,
    size_t len)
{
	size_t size = key == KEY_IPV4HINT ? 4 : 16;

	if (key != KEY_IPV4HINT && key != KEY_IPV6HINT)
		return false;
	for (; len >= size; at += size, len -= size)
		if (size == 4 ? is_private_v4(p, at) : is_private_v6(p, at))
			return true;
	return false;
}

/* RFC 9460 section 2.2. What does not parse is nobody's hint. */
static bool
service_leads_inside(const struct policy *p, const struct rdata *r)
{
	const uint8_t *target = rdata_name(r, 2);
	size_t at;

	if (target == NULL)
		return false;
	for (at = 2 + name_bytes(target); at + 4 <= r->len;) {
		unsigned key = (unsigned)octets_get(r->bytes + at, 2);
		size_t len = (size_t)octets_get(r->bytes + at + 2, 2);

		at += 4;
		if (len > r->len - at)
			return false;
		if (hints_inside(p, key, r->bytes + at, len))
			return true;
		at += len;
	}
	return false;
}

static bool
leads_inside(const struct policy *p, uint16_t type, const struct rdata *r)
{
	switch (type) {
	case TYPE_A:
		return r->len == 4 && is_private_v4(p, r->bytes);
	case TYPE_AAAA:
		return r->len == 16 && is_private_v6(p, r->bytes);
	case TYPE_SVCB:
	case TYPE_HTTPS:
		return service_leads_inside(p, r);
	default:
		return false;
	}
}

/* The set without those records: itself, a copy, NULL when none is left. */
static struct rrset *
without_private(const struct policy *p, struct arena *arena, struct rrset *set)
{
	struct rrset *copy = NULL;
	struct rdata *kept = NULL;
	uint16_t n = 0;

	for (uint16_t i = 0; i < set->count; i++) {
		if (!leads_inside(p, set->type, &set->rdata[i])) {
			if (kept != NULL)
				kept[n] = set->rdata[i];
			n++;
			continue;
		}
		if (kept != NULL)
			continue;
		copy = arena_copy(arena, set, sizeof(*set));
		kept =
		    arena_copy(arena, set->rdata, set->count * sizeof(*kept));
		if (copy == NULL || kept == NULL)
			return NULL;
	}
	if (kept == NULL)
		return set;
	copy->rdata = kept;
	copy->count = n;
	copy->sigs = NULL;
	copy->sig_count = 0;
	return n > 0 ? copy : NULL;
}

/* True: something is gone. */
static bool
clean_section(const struct policy *p, struct arena *arena, struct answer *a,
    enum section s)
{
	struct rrset **left = NULL;
	size_t n = 0;

	for (size_t i = 0; i < a->counts[s]; i++) {
		struct rrset *now = without_private(p, arena, a->sets[s][i]);

		if (now != a->sets[s][i] && left == NULL) {
			left = arena_copy(arena, a->sets[s],
			    a->counts[s] * sizeof(*left));
			if (left == NULL)
				return true;
		}
		if (now != NULL && left != NULL)
			left[n] = now;
		n += now != NULL;
	}
	if (left == NULL)
		return false;
	a->sets[s] = left;
	a->counts[s] = n;
	return true;
}

static bool
may_lead_inside(const struct policy *p, const uint8_t *qname)
{
	for (size_t i = 0; i < p->private_name_count; i++)
		if (name_is_within(qname, p->private_names[i]))
			return true;
	return false;
}

const struct answer *
policy_screen(const struct policy *p, const uint8_t *qname, struct arena *arena,
    const struct answer *a)
{
	static const struct answer failed = { .ede = EDE_OTHER,
		.rcode = RCODE_SERVFAIL,
		.why = "no memory" };
	struct answer *out;
	bool hidden;

	if (p->private_count == 0)
		return a;
	out = arena_copy(arena, a, sizeof(*a));
	if (out == NULL)
		return &failed;
	hidden = clean_section(p, arena, out, SECTION_ANSWER);
	hidden |= clean_section(p, arena, out, SECTION_ADDITIONAL);
	if (!hidden || may_lead_inside(p, qname))
		return a;
	if (arena_over(arena))
		return &failed;
	out->secure = false;
	out->ede = EDE_BLOCKED;
	(void)snprintf(out->why, sizeof(out->why),
	    "an address in a private network was taken out");
	return out;
}
