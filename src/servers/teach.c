/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * teach.c - what happened to a packet becomes knowledge.
 */
#include "inner.h"

#include <string.h>

#define EDNS_REFUSALS 2u
#define WARY_FOR      (60u * (uint64_t)SECOND)
#define SPOOFED_FOR   (60u * (uint64_t)SECOND)

static uint32_t
smoothed(uint32_t old, uint32_t rtt)
{
	uint64_t sum = (uint64_t)old * 7 + rtt;

	return old == 0 ? rtt : (uint32_t)(sum / 8);
}

static void
site_print(char *text, const uint8_t *nsid, size_t len)
{
	size_t n = len < SITE_TEXT - 1 ? len : SITE_TEXT - 1;

	memset(text, 0, SITE_TEXT);
	for (size_t i = 0; i < n; i++) {
		bool plain = nsid[i] >= 0x20 && nsid[i] < 0x7f;

		text[i] = plain ? (char)nsid[i] : '.';
	}
}

/* --- replies ---------------------------------------------------------- */

/* What is told to others once the peer's lock is free again. */
struct lesson {
	struct server_move move; /* when it moved */
	uint64_t groups[2];      /* that its estimate is a prior for, */
	uint64_t who;            /* when it is told */
	uint32_t est;
	bool moved, revived, new_regime, tell_est;
};

/* Neighbours hear of it when it is new, or moved by more than a tenth. */
static void
prepare_prior(struct servers *sv, struct peer *p, struct lesson *l)
{
	uint32_t off =
	    p->est > p->told_est ? p->est - p->told_est : p->told_est - p->est;

	l->tell_est = off > p->told_est / 10;
	if (!l->tell_est)
		return;
	p->told_est = l->est = p->est;
	l->groups[0] = addr_network(&p->addr);
	l->groups[1] = p->operator_id;
	l->who = servers_key(sv, &p->addr);
}

/*
 * A sample that tells its site: known by what is printed of it, so that it is
 * known again later. True: it is another one than before, *move tells.
 */
static bool
learn_site(struct servers *sv, struct peer *p, const struct servers_sample *s,
    uint64_t now_us, struct server_move *move)
{
	const uint32_t moves = p->site_changes;
	uint64_t site;

	site_print(move->to, s->nsid, s->nsid_len);
	site = hash_bytes(&sv->hash_key, move->to, strlen(move->to)) | 1;
	memcpy(move->from, p->site_text, SITE_TEXT);
	move->est_from_us = p->site_est != 0 ? p->site_est : p->est;
	peer_sample(p, s->rtt_us, site, now_us);
	memcpy(p->site_text, move->to, SITE_TEXT);
	p->site_est = p->est;
	move->address = p->addr;
	move->est_to_us = p->est;
	move->at_us = now_us;
	return p->site_changes != moves && p->unstable == 0;
}

static void
learn_udp(struct servers *sv, struct peer *p, const struct servers_sample *s,
    uint64_t now_us, struct lesson *l)
{
	const bool was_dead = p->dead;
	const uint32_t regimes = p->regime_changes;

	l->moved = false;
	if (s->nsid != NULL && s->nsid_len > 0)
		l->moved = learn_site(sv, p, s, now_us, &l->move);
	else
		peer_sample(p, s->rtt_us, 0, now_us);
	l->revived = was_dead;
	l->new_regime = p->regime_changes != regimes;
	p->answered_us = now_us + 1;
	prepare_prior(sv, p, l);
}

static void
tally_one(atomic_uint_fast64_t *n, bool happened)
{
	if (happened)
		atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void
pass_on(struct servers *sv, const struct lesson *l, uint64_t now_us)
{
	char text[ADDR_TEXT_MAX];

	tally_one(&sv->revivals, l->revived);
	if (l->revived)
		atomic_store(&sv->revived_us, now_us);
	tally_one(&sv->regimes, l->new_regime);
	tally_one(&sv->site_moves, l->moved);
	for (size_t i = 0; l->tell_est && i < ARRAY_LEN(l->groups); i++) {
		if (l->groups[i] != 0)
			priors_note(sv->priors, l->groups[i], l->who, l->est);
	}
	if (!l->moved)
		return;
	moves_note(sv->moves, &l->move);
	log_info("catchment-moved",
	    "server=%s from=%s to=%s rtt_us_from=%u rtt_us_to=%u",
	    addr_text(&l->move.address, text), l->move.from, l->move.to,
	    l->move.est_from_us, l->move.est_to_us);
}

void
servers_answered(struct servers *sv, const struct servers_sample *s,
    uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new_hashed(sv, s->address, s->key, &sh);
	UNCLEARED struct lesson l; /* little of it is ever used */

	if (p == NULL)
		return;
	if (s->landed && p->flying > 0)
		p->flying--;
	if (s->edns_seen)
		p->edns_refusals = 0;
	if (s->tcp)
		p->tcp_est = smoothed(p->tcp_est, s->rtt_us);
	else
		learn_udp(sv, p, s, now_us, &l);
	if (!s->tcp)
		p->truncated += ((s->truncated ? 1 : 0) - p->truncated) / 8;
	servers_release(sh);
	if (s->tcp)
		return;
	families_answered(sv->families, s->address);
	pass_on(sv, &l, now_us);
}

/* --- silence ---------------------------------------------------------- */

void
servers_silent(struct servers *sv, const struct addr *a, const uint8_t *qname,
    uint64_t now_us)
{
	uint32_t name = (uint32_t)name_hash(&sv->hash_key, qname);
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, a, &sh);
	bool died;

	if (p == NULL)
		return;
	died = peer_silence(p, name, now_us);
	servers_release(sh);
	tally_one(&sv->deaths, died);
	if (died)
		families_died(sv->families, a);
}

/* --- packets ---------------------------------------------------------- */

void
servers_sent(struct servers *sv, const struct addr *a, uint64_t key,
    uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new_hashed(sv, a, key, &sh);

	if (p == NULL)
		return;
	p->queries++;
	p->asked_us = now_us + 1;
	if (p->flying < UINT16_MAX)
		p->flying++;
	servers_release(sh);
}

/* It may have been forgotten meanwhile: then there is nothing to take off. */
void
servers_landed(struct servers *sv, const struct addr *a, uint64_t key)
{
	struct shard *sh;
	struct peer *p = servers_hold_hashed(sv, a, key, &sh);

	if (p == NULL)
		return;
	if (p->flying > 0)
		p->flying--;
	servers_release(sh);
}

void
servers_spoofed(struct servers *sv, const struct addr *a, enum server_doubt why,
    uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, a, &sh);

	if (p == NULL)
		return;
	p->spoofed_us = now_us + SPOOFED_FOR;
	p->cookie_failed = why == DOUBT_COOKIE;
	servers_release(sh);
}

/* --- what it says ----------------------------------------------------- */

void
servers_fault(struct servers *sv, const struct addr *a, const uint8_t *zone,
    enum server_fault f, uint64_t now_us)
{
	uint64_t zone_hash = name_hash(&sv->hash_key, zone);
	struct shard *sh;
	struct peer *p;

	faults_note(sv->faults, fault_id(servers_key(sv, a), zone_hash), f,
	    now_us);
	if (f != FAULT_REFUSED)
		return;
	/* Perhaps it limits its rate: fewer copies for a while. */
	p = servers_hold(sv, a, &sh);
	if (p == NULL)
		return;
	p->wary_us = now_us + WARY_FOR;
	servers_release(sh);
}

void
servers_fault_over(struct servers *sv, const struct addr *a,
    const uint8_t *zone)
{
	faults_over(sv->faults,
	    fault_id(servers_key(sv, a), name_hash(&sv->hash_key, zone)));
}

void
servers_edns_refused(struct servers *sv, const struct addr *a, uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, a, &sh);

	if (p == NULL)
		return;
	if (p->edns_refusals < EDNS_REFUSALS)
		p->edns_refusals++;
	if (p->edns_refusals >= EDNS_REFUSALS) {
		p->edns_off_until = now_us + EDNS_OFF_US;
		p->edns_refusals = 0;
	}
	servers_release(sh);
}

bool
servers_speaks_edns(struct servers *sv, const struct addr *a, uint64_t now_us)
{
	struct shard *sh;
	const struct peer *p = servers_hold(sv, a, &sh);
	bool speaks;

	if (p == NULL)
		return true;
	speaks = p->edns_off_until <= now_us;
	servers_release(sh);
	return speaks;
}
