/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * priors.c - an address never asked is probably as far as its neighbours.
 *
 * Estimates of up to eight addresses of a network (/24, /48) or of an
 * operator (the parent of the server's name), in a bounded, set-associative
 * table. Their median ranks an address that is not known yet; it never
 * stands for a measurement.
 */
#include "inner.h"

#include <string.h>

#define WAYS    4u
#define SETS    4096u
#define LOCKS   16u
#define MEMBERS 8u

struct group {
	uint64_t id; /* 0: free */
	uint32_t who[MEMBERS], est[MEMBERS];
	uint8_t count, next, heat;
};

struct priors {
	pthread_mutex_t locks[LOCKS]; /* lock i: rows with number % LOCKS */
	struct group rows[SETS][WAYS];
};

struct priors *
priors_new(void)
{
	struct priors *x = memory_new(sizeof(*x));

	if (x == NULL)
		return NULL;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&x->locks[i], NULL);
	return x;
}

void
priors_free(struct priors *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&x->locks[i]);
	memory_free(x);
}

void
priors_forget(struct priors *x)
{
	for (size_t i = 0; i < SETS; i++) {
		pthread_mutex_lock(&x->locks[i % LOCKS]);
		memset(x->rows[i], 0, sizeof(x->rows[i]));
		pthread_mutex_unlock(&x->locks[i % LOCKS]);
	}
}

static struct group *
group_find(struct group *row, uint64_t id)
{
	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].id == id)
			return &row[i];
	}
	return NULL;
}

/* The coldest makes room; all cool a little for it. */
static struct group *
group_make(struct group *row, uint64_t id)
{
	struct group *coldest = &row[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].id == 0 || row[i].heat < coldest->heat)
			coldest = &row[i];
	}
	for (size_t i = 0; i < WAYS; i++)
		row[i].heat /= 2;
	*coldest = (struct group){ .id = id };
	return coldest;
}

void
priors_note(struct priors *x, uint64_t group, uint64_t who, uint32_t est)
{
	size_t row = group % SETS, i;
	struct group *g;

	group = group == 0 ? 1 : group;
	pthread_mutex_lock(&x->locks[row % LOCKS]);
	g = group_find(x->rows[row], group);
	if (g == NULL)
		g = group_make(x->rows[row], group);
	for (i = 0; i < g->count && g->who[i] != (uint32_t)who; i++)
		;
	if (i == g->count && i < MEMBERS) {
		g->count++;
	} else if (i == g->count) {
		i = g->next;
		g->next = (uint8_t)((g->next + 1) % MEMBERS);
	}
	g->who[i] = (uint32_t)who;
	g->est[i] = est;
	g->heat = g->heat < 250 ? (uint8_t)(g->heat + 4) : g->heat;
	pthread_mutex_unlock(&x->locks[row % LOCKS]);
}

static uint32_t
median(const struct group *g)
{
	uint32_t v[MEMBERS] = { 0 };

	for (size_t i = 0; i < g->count; i++) {
		size_t k = i;

		for (; k > 0 && v[k - 1] > g->est[i]; k--)
			v[k] = v[k - 1];
		v[k] = g->est[i];
	}
	return v[g->count / 2];
}

uint32_t
priors_median(struct priors *x, uint64_t group)
{
	size_t row = group % SETS;
	const struct group *g;
	uint32_t est = 0;

	group = group == 0 ? 1 : group;
	pthread_mutex_lock(&x->locks[row % LOCKS]);
	g = group_find(x->rows[row], group);
	if (g != NULL && g->count >= 2)
		est = median(g);
	pthread_mutex_unlock(&x->locks[row % LOCKS]);
	return est;
}
