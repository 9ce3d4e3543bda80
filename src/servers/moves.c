/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moves.c - the latest changes of catchment, for people to look at.
 */
#include "inner.h"

struct moves {
	pthread_mutex_t lock;
	struct server_move ring[SERVERS_MOVES_MAX];
	uint64_t count; /* ever; the newest lies before it */
};

struct moves *
moves_new(void)
{
	struct moves *m = memory_new(sizeof(*m));

	if (m != NULL)
		pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
moves_free(struct moves *m)
{
	if (m != NULL)
		pthread_mutex_destroy(&m->lock);
	memory_free(m);
}

void
moves_note(struct moves *m, const struct server_move *move)
{
	pthread_mutex_lock(&m->lock);
	m->ring[m->count++ % SERVERS_MOVES_MAX] = *move;
	pthread_mutex_unlock(&m->lock);
}

size_t
servers_moves(struct servers *sv, struct server_move *out, size_t max)
{
	struct moves *m = sv->moves;
	size_t n = 0;

	pthread_mutex_lock(&m->lock);
	while (n < max && n < m->count && n < SERVERS_MOVES_MAX) {
		out[n] = m->ring[(m->count - 1 - n) % SERVERS_MOVES_MAX];
		n++;
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}
