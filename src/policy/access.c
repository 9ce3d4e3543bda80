/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * access.c - which of the networks an address lies in.
 *
 * The longest prefix wins; of two equal prefixes the one written last. Rules
 * lie grouped by family and length, the longest group first, each group in
 * order of its addresses: a look-up is one binary search for every length in
 * use. Whom no rule covers is refused.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

static int
rule_order(const void *x, const void *y)
{
	const struct net_rule *a = x, *b = y;

	if (a->net.bits != b->net.bits)
		return a->net.bits > b->net.bits ? -1 : 1;
	return memcmp(a->net.net.ip, b->net.net.ip, sizeof(a->net.net.ip));
}

/* A rule and its place in the list, so that the last written one wins. */
struct ranked_rule {
	struct net_rule rule;
	size_t place;
};

static int
ranked_order(const void *x, const void *y)
{
	const struct ranked_rule *a = x, *b = y;
	int order = rule_order(&a->rule, &b->rule);

	if (order != 0)
		return order;
	return a->place > b->place ? -1 : a->place < b->place;
}

/* The rules of one family into `out`, sorted, without doubles. */
static size_t
family_rules(struct net_rule *out, struct ranked_rule *ranked,
    const struct net_rule *rules, size_t count, uint8_t family)
{
	size_t i, n = 0, kept = 0;

	for (i = 0; i < count; i++)
		if (rules[i].net.net.family == family)
			ranked[n++] = (struct ranked_rule){ rules[i], i };
	if (n > 0)
		qsort(ranked, n, sizeof(*ranked), ranked_order);
	for (i = 0; i < n; i++)
		if (kept == 0 ||
		    rule_order(&out[kept - 1], &ranked[i].rule) != 0)
			out[kept++] = ranked[i].rule;
	return kept;
}

/* Cuts sorted rules into groups of one length. */
static size_t
group_rules(struct net_group *groups, struct net_rule *rules, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++) {
		if (count == 0 || groups[count - 1].bits != rules[i].net.bits)
			groups[count++] = (struct net_group){
				.rules = &rules[i],
				.bits = rules[i].net.bits,
			};
		groups[count - 1].count++;
	}
	return count;
}

enum err
net_table_build(struct net_table *t, struct arena *a,
    const struct net_rule *rules, size_t count)
{
	static const uint8_t families[2] = { 4, 6 };
	struct ranked_rule *ranked;
	size_t f;

	if (count == 0)
		return ERR_OK;
	ranked = memory_new(count * sizeof(*ranked));
	if (ranked == NULL)
		return ERR_MEMORY;
	for (f = 0; f < 2; f++) {
		struct net_rule *own = arena_take(a, count * sizeof(*own));

		t->groups[f] = arena_take(a, 129 * sizeof(*t->groups[f]));
		if (own == NULL || t->groups[f] == NULL)
			break;
		t->group_counts[f] = group_rules(t->groups[f], own,
		    family_rules(own, ranked, rules, count, families[f]));
	}
	memory_free(ranked);
	return f == 2 ? ERR_OK : ERR_MEMORY;
}

/* The first `bits` bits of an address, the rest zero. */
static void
mask_ip(uint8_t *out, const uint8_t *ip, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	memset(out, 0, 16);
	memcpy(out, ip, whole);
	if (rest != 0)
		out[whole] = (uint8_t)(ip[whole] & (0xff00u >> rest));
}

static const struct net_rule *
group_find(const struct net_group *g, const uint8_t *ip)
{
	size_t low = 0, high = g->count;
	uint8_t key[16];

	mask_ip(key, ip, g->bits);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = memcmp(key, g->rules[mid].net.net.ip, 16);

		if (order == 0)
			return &g->rules[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

uint32_t
net_table_find(const struct net_table *t, const struct addr *who, uint32_t none)
{
	size_t f = who->family == 6 ? 1 : 0, i;

	for (i = 0; i < t->group_counts[f]; i++) {
		const struct net_rule *r =
		    group_find(&t->groups[f][i], who->ip);

		if (r != NULL)
			return r->value;
	}
	return none;
}
