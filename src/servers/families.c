/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * families.c - when a whole address family leads nowhere.
 *
 * Three addresses of a family, in three networks, died and none of it has
 * answered since, while the other family answers: then an address of it
 * never heard from is not worth a client's time. Any reply ends it.
 */
#include "inner.h"

#define NETWORKS_DEAD 3u
#define RETEST_US     (30u * (uint64_t)SECOND)

struct family {
	uint64_t dead[NETWORKS_DEAD];
	size_t dead_count;
	uint64_t retest_us;
	bool has_answered;
	atomic_bool is_well; /* it has, and nobody died since */
};

struct families {
	pthread_mutex_t lock;
	struct family f[2]; /* 4, 6 */
};

struct families *
families_new(void)
{
	struct families *f = memory_new(sizeof(*f));

	if (f != NULL)
		pthread_mutex_init(&f->lock, NULL);
	return f;
}

void
families_free(struct families *f)
{
	if (f != NULL)
		pthread_mutex_destroy(&f->lock);
	memory_free(f);
}

void
families_forget(struct families *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < ARRAY_LEN(f->f); i++) {
		f->f[i].dead_count = 0;
		f->f[i].retest_us = 0;
		f->f[i].has_answered = false;
		atomic_store(&f->f[i].is_well, false);
	}
	pthread_mutex_unlock(&f->lock);
}

static struct family *
family_of(struct families *f, uint8_t family)
{
	return &f->f[family == 6];
}

uint64_t
addr_network(const struct addr *a)
{
	uint64_t n = a->family;
	size_t bytes = a->family == 6 ? 6 : 3;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | a->ip[i];
	return n;
}

void
families_answered(struct families *f, const struct addr *a)
{
	struct family *x = family_of(f, a->family);

	/* As it mostly is: then there is nothing to be told. */
	if (atomic_load_explicit(&x->is_well, memory_order_relaxed))
		return;
	pthread_mutex_lock(&f->lock);
	x->dead_count = 0;
	x->has_answered = true;
	atomic_store(&x->is_well, true);
	pthread_mutex_unlock(&f->lock);
}

void
families_died(struct families *f, const struct addr *a)
{
	struct family *x = family_of(f, a->family);
	uint64_t network = addr_network(a);
	bool there = false;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < x->dead_count; i++)
		there = there || x->dead[i] == network;
	if (!there && x->dead_count < NETWORKS_DEAD)
		x->dead[x->dead_count++] = network;
	atomic_store(&x->is_well, false);
	pthread_mutex_unlock(&f->lock);
}

static bool
guarded(struct families *f, uint8_t family)
{
	const struct family *own = family_of(f, family);
	const struct family *other = family_of(f, family == 6 ? 4 : 6);

	return own->dead_count >= NETWORKS_DEAD &&
	       other->dead_count < NETWORKS_DEAD && other->has_answered;
}

bool
families_guarded(struct families *f, uint8_t family)
{
	bool yes;

	pthread_mutex_lock(&f->lock);
	yes = guarded(f, family);
	pthread_mutex_unlock(&f->lock);
	return yes;
}

bool
families_retest(struct families *f, uint8_t family, uint64_t now_us)
{
	struct family *x = family_of(f, family);
	bool yes;

	pthread_mutex_lock(&f->lock);
	yes = x->retest_us <= now_us;
	if (yes)
		x->retest_us = now_us + RETEST_US;
	pthread_mutex_unlock(&f->lock);
	return yes;
}
