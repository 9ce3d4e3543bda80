/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * suggest.c - what somebody probably meant.
 *
 * Edit distance with neighbours swapped counting one (optimal string
 * alignment), over short words only; near is one letter, and one more for each
 * four typed. A word that begins with the candidate counts as near too.
 */
#include "table.h"

#include <string.h>

#define LETTERS_MAX   64u
#define SHORTENED_MIN 4u

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][LETTERS_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *prev = rows[(i - 1) % 3];
		const unsigned *older = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned other = a[i - 1] != b[j - 1];

			now[j] = least(prev[j - 1] + other,
			    least(prev[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], older[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

void
suggest_consider(struct suggestion *s, const char *candidate)
{
	size_t n = strlen(s->typed);
	unsigned far;

	if (n == 0 || n > LETTERS_MAX || strlen(candidate) > LETTERS_MAX)
		return;
	far = distance(s->typed, candidate);
	if (strlen(candidate) >= SHORTENED_MIN &&
	    strncmp(s->typed, candidate, strlen(candidate)) == 0)
		far = 1; /* "warning" for "warn" */
	if (far > 1 + n / 4)
		return;
	if (s->best == NULL || far < s->distance) {
		s->best = candidate;
		s->distance = far;
	}
}
