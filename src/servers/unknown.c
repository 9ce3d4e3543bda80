/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unknown.c - which of the addresses never heard from goes first.
 *
 * Those that kept silent once come last. A prior (its network, its operator)
 * beats none and a low one a high one; whoever is as promising is drawn by
 * chance, preferring a family and then a network that was not tried yet: what
 * makes one silent should not make the other.
 */
#include "inner.h"

uint32_t
prior_of(struct field *f, size_t i)
{
	struct priors *x = f->sv->priors;
	uint32_t est = priors_median(x, addr_network(&f->set->addresses[i]));
	const uint8_t *name = f->set->names == NULL ? NULL : f->set->names[i];

	if (est != 0 || name == NULL || name_labels(name) < 3)
		return est;
	return priors_median(x, name_hash(&f->sv->hash_key, name_parent(name)));
}

/* How much of it was tried already: 2 the network, 1 the family, 0 nothing. */
static unsigned
kinship(const struct field *f, size_t i)
{
	const struct addr *a = &f->set->addresses[i];
	unsigned kin = 0;

	for (size_t k = 0; k < f->set->count; k++) {
		const struct addr *b = &f->set->addresses[k];

		if (!f->c[k].tried || k == i || a->family != b->family)
			continue;
		if (addr_network(a) == addr_network(b))
			return 2;
		kin = 1;
	}
	return kin;
}

/* Only the other family answers here. */
static bool
is_of_silent_family(const struct field *f, size_t i)
{
	bool own = false, other = false;

	for (size_t k = 0; k < f->set->count; k++) {
		bool same =
		    f->set->addresses[k].family == f->set->addresses[i].family;

		own = own || (same && cand_live(&f->c[k]));
		other = other || (!same && cand_live(&f->c[k]));
	}
	return other && !own;
}

static double
rank_of(struct field *f, size_t i)
{
	const struct cand *c = &f->c[i];
	double rank = prior_of(f, i);

	if (rank <= 0)
		rank = SERVERS_UNKNOWN_RTO_US;
	rank += kinship(f, i);
	rank += is_of_silent_family(f, i) ? 1.0 * SECOND : 0;
	return rank + c->unanswered * 10.0 * SECOND;
}

size_t
unknown_pick(struct field *f, const bool *wanted, struct rng *rng)
{
	size_t best = f->set->count;
	double least = 0;
	uint32_t ties = 0;

	for (size_t i = 0; i < f->set->count; i++) {
		double rank;

		if (!wanted[i])
			continue;
		rank = rank_of(f, i);
		if (best == f->set->count || rank < least) {
			least = rank;
			best = i;
			ties = 1;
		} else if (rank <= least && rng != NULL &&
			   rng_below(rng, ++ties) == 0) {
			best = i;
		}
	}
	return best;
}
