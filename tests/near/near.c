/* SPDX-License-Identifier: BSD-3-Clause */
/* near.c - setting up zones, loading them, looking at what came of it. */
#include "near.h"

const double usual[4] = { 10, 40, 80, 160 };

void
set_up(struct world *w, const struct setting *s, size_t (*at)[ZONE_SERVERS])
{
	for (size_t z = 0; z < s->zones; z++) {
		size_t zone = world_zone(w);

		/* Which name has which distance differs from zone to zone. */
		for (size_t i = 0; i < s->count; i++) {
			size_t k = (i + z) % s->count;

			at[z][k] = world_server(w, s->rtt_ms[k], 4);
			world_serves(w, zone, at[z][k]);
		}
	}
}

void
load_all(struct world *w, size_t zones, double per_s, double from_s,
    double until_s)
{
	for (size_t z = 0; z < zones; z++)
		world_load(w, z, per_s, AT(from_s), AT(until_s));
}

struct figures
between(struct world *w, const char *what, double from_s, double until_s)
{
	struct figures f = world_figures(w, AT(from_s), AT(until_s));

	figures_print(what, &f);
	return f;
}

int
near_main(const struct CMUnitTest *tests, size_t count)
{
	int failed;

	log_set_level(LOG_LEVEL_WARN);
	cache_thread_start();
	failed = _cmocka_run_group_tests("near", tests, count, NULL, NULL);
	cache_thread_stop();
	return failed;
}
