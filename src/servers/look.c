/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look.c - what is known, for people: one address, a set as the next choice
 * would see it, and the sites that lie behind all addresses.
 */
#include "inner.h"

#include <stdlib.h>
#include <string.h>

/* --- one address ------------------------------------------------------ */

static uint64_t
age_of(const struct peer *p, uint64_t now_us)
{
	if (p->answered_us == 0)
		return UINT64_MAX;
	return now_us > p->answered_us ? now_us - p->answered_us : 0;
}

static enum server_state
state_of(const struct peer *p)
{
	if (p->dead)
		return SERVER_DEAD;
	return p->samples > 0 ? SERVER_GOOD : SERVER_UNKNOWN;
}

static void
view_fill(const struct peer *p, uint64_t now_us, struct server_view *out)
{
	*out = (struct server_view){
		.address = p->addr,
		.queries = p->queries,
		.silences = p->silences,
		.chosen = p->chosen,
		.age_us = age_of(p, now_us),
		.est_us = p->est,
		.dev_us = p->dev,
		.rto_us = p->rto,
		.loss_permille = (uint32_t)(p->loss * 1000 + 0.5),
		.regime_changes = p->regime_changes,
		.site_changes = p->site_changes,
		.state = state_of(p),
		.speaks_edns = p->edns_off_until <= now_us,
	};
	memcpy(out->site, p->site_text, sizeof(out->site));
	if (p->dead)
		out->probe_in_us =
		    p->probe_at_us > now_us ? p->probe_at_us - now_us : 0;
}

bool
servers_look(struct servers *sv, const struct addr *a, const uint8_t *zone,
    uint64_t now_us, struct server_view *out)
{
	uint64_t hash = servers_key(sv, a), id, marked;
	struct shard *sh;
	const struct peer *p = servers_hold_hashed(sv, a, hash, &sh);
	enum fault_state state;

	if (p == NULL)
		return false;
	view_fill(p, now_us, out);
	servers_release(sh);
	if (zone != NULL) {
		id = fault_id(hash, name_hash(&sv->hash_key, zone));
		state = faults_look(sv->faults, id, now_us, &marked);
		out->lame = state == FAULT_MARKED;
		out->probation = state == FAULT_PROBATION;
	}
	return true;
}

/* --- a set ------------------------------------------------------------ */

static struct server_outlook
outlook_unwell(const struct cand *c)
{
	if (c->probation)
		return (struct server_outlook){ -1, "probation",
			"was faulty for this zone: a copy will tell" };
	if (c->lame)
		return (struct server_outlook){ -1, "faulty",
			"answered badly for this zone" };
	if (c->dead)
		return (struct server_outlook){ -1, "dead",
			"silent; asked by copies until it answers" };
	if (c->guarded)
		return (struct server_outlook){ -1, "guarded",
			"its address family leads nowhere" };
	return (struct server_outlook){ -1, "unknown",
		"never heard from; a copy will tell" };
}

static struct server_outlook
outlook_live(const struct cand *c, double best)
{
	struct server_outlook o = { .cost_us = c->cost };

	if (c->full) {
		o.state = "full";
		o.why = "too much is under way to it";
	} else if (c->cost <= best) {
		o.state = "best";
		o.why = c->unstable ? "least expected wait, over all its sites"
				    : "least expected wait";
	} else if (c->cost <= tie_limit(best)) {
		o.state = "tied";
		o.why = "as good within 1 ms or 5 %";
	} else {
		o.state = "far";
		o.why = c->racing ? "farther, and silent of late"
				  : "farther than the best";
	}
	return o;
}

size_t
servers_foresee(struct servers *sv, const struct servers_set *set,
    uint64_t now_us, struct server_outlook *out)
{
	UNCLEARED struct field f;
	double best;

	if (set->count == 0 || set->count > SERVERS_SET_MAX)
		return set->count;
	field_read(&f, sv, set, now_us);
	field_rank(&f);
	best = f.live > 0 ? f.c[f.order[0]].cost : 0;
	for (size_t i = 0; i < set->count; i++)
		out[i] = cand_live(&f.c[i]) ? outlook_live(&f.c[i], best)
					    : outlook_unwell(&f.c[i]);
	return f.live > 0 ? f.order[0] : set->count;
}

/* --- sites ------------------------------------------------------------ */

/* Adds the address to its site; a site beyond max is left out. */
static size_t
site_add(struct server_site *out, size_t n, size_t max, const struct peer *p,
    uint64_t now_us)
{
	size_t i = 0;

	while (i < n && strcmp(out[i].site, p->site_text) != 0)
		i++;
	if (i == max)
		return n;
	if (i == n) {
		memset(&out[i], 0, sizeof(out[i]));
		memcpy(out[i].site, p->site_text, SITE_TEXT);
		out[i].est_us = UINT32_MAX;
		n++;
	}
	out[i].addresses++;
	if (p->est < out[i].est_us) {
		out[i].est_us = p->est;
		out[i].address = p->addr;
		out[i].age_us = age_of(p, now_us);
	}
	return n;
}

static int
compare_sites(const void *a, const void *b)
{
	const struct server_site *x = a, *y = b;

	return x->est_us < y->est_us ? -1 : x->est_us > y->est_us;
}

size_t
servers_sites(struct servers *sv, uint64_t now_us, struct server_site *out,
    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < sv->shard_count; i++) {
		struct shard *sh = &sv->shards[i];

		pthread_mutex_lock(&sh->lock);
		for (size_t k = 0; k < sh->count; k++) {
			const struct peer *p = sh->slots[k];

			if (p->site_text[0] != '\0' && !p->dead)
				n = site_add(out, n, max, p, now_us);
		}
		pthread_mutex_unlock(&sh->lock);
	}
	qsort(out, n, sizeof(out[0]), compare_sites);
	return n;
}

const char *
servers_policy(const struct servers *sv)
{
	return sv->opts.random_policy ? "random" : "near";
}

/* --- counts ----------------------------------------------------------- */

void
servers_count(const struct servers *sv, struct servers_counts *out)
{
	for (size_t i = 0; i < DECISIONS; i++)
		out->decisions[i] = atomic_load(&sv->decisions[i]);
	out->deaths = atomic_load(&sv->deaths);
	out->revivals = atomic_load(&sv->revivals);
	out->regimes = atomic_load(&sv->regimes);
	out->moves = atomic_load(&sv->site_moves);
}

void
servers_states(struct servers *sv, size_t out[SERVER_STATES])
{
	memset(out, 0, SERVER_STATES * sizeof(out[0]));
	for (size_t i = 0; i < sv->shard_count; i++) {
		struct shard *sh = &sv->shards[i];

		pthread_mutex_lock(&sh->lock);
		for (size_t k = 0; k < sh->count; k++)
			out[state_of(sh->slots[k])]++;
		pthread_mutex_unlock(&sh->lock);
	}
}

const char *
server_decision_text(enum server_decision d)
{
	static const char *const words[DECISIONS] = {
		[CHOSE_NEAREST] = "nearest",
		[CHOSE_TIED] = "tied",
		[CHOSE_NEXT] = "next",
		[CHOSE_UNKNOWN] = "unknown",
		[CHOSE_DEAD] = "dead",
		[CHOSE_FAULTY] = "faulty",
		[CHOSE_AT_RANDOM] = "random",
		[CHOSE_NOBODY] = "nobody",
		[RACED_COLD] = "raced_cold",
		[RACED_DOUBTED] = "raced_doubted",
		[HEDGED] = "hedged",
		[OVERTOOK] = "overtook",
		[COPIED_UNKNOWN] = "copied_unknown",
		[COPIED_CONFIRM] = "copied_confirm",
		[COPIED_DEAD] = "copied_dead",
		[COPIED_PROBATION] = "copied_probation",
		[COPIED_EVENT] = "copied_event",
		[COPIED_OLD] = "copied_old",
		[HELD_SPOOFED] = "held_spoofed",
		[HELD_COOKIE] = "held_cookie",
		[HELD_RATE] = "held_rate",
	};

	return d < DECISIONS ? words[d] : "?";
}
