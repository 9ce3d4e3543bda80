/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extras.c - the addresses that go along with sets that name hosts: first
 * those of hosts below the owner, without which a referral is useless
 * (RFC 9471), then the others.
 */
#include "zone.h"

static size_t
target_offset(uint16_t type)
{
	if (type == TYPE_NS)
		return 0;
	return type == TYPE_MX ? 2 : 6; /* SRV, RFC 2782 */
}

/* One pass: targets below the owner (needed glue), or all the others. */
static void
add_extras(const struct zone *z, struct zone_set *s, bool below)
{
	size_t skip = target_offset(s->set.type);

	for (uint16_t i = 0; i < s->set.count; i++) {
		const uint8_t *target = rdata_name(&s->set.rdata[i], skip);
		const struct zone_set *a = NULL, *aaaa = NULL;
		const struct node *n;

		if (target == NULL || !name_is_within(target, z->origin.wire))
			continue;
		if (name_is_within(target, s->set.owner) != below)
			continue;
		n = zone_node(z, target);
		if (n != NULL) {
			a = node_set(n, TYPE_A);
			aaaa = node_set(n, TYPE_AAAA);
		}
		if (a != NULL)
			s->extras[s->extra_count++] = &a->set;
		if (aaaa != NULL)
			s->extras[s->extra_count++] = &aaaa->set;
	}
}

void
zone_find_extras(struct zone *z, struct zone_set *s)
{
	uint16_t type = s->set.type;

	if (type != TYPE_NS && type != TYPE_MX && type != TYPE_SRV)
		return;
	s->extras =
	    arena_take(z->arena, 2u * s->set.count * sizeof(const void *));
	if (s->extras == NULL)
		return;
	add_extras(z, s, true);
	s->extra_needed = s->extra_count;
	add_extras(z, s, false);
}
