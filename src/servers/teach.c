/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * teach.c - what happened to a packet becomes knowledge, and is shown.
 */
#include "inner.h"

#include <string.h>

#define EDNS_REFUSALS 2u

static uint32_t
smoothed(uint32_t old, uint32_t rtt)
{
	uint64_t sum = (uint64_t)old * 7 + rtt;

	return old == 0 ? rtt : (uint32_t)(sum / 8);
}

static void
site_print(struct peer *p, const uint8_t *nsid, size_t len)
{
	size_t max = sizeof(p->site_text) - 1;
	size_t n = len < max ? len : max;

	for (size_t i = 0; i < n; i++) {
		bool plain = nsid[i] >= 0x20 && nsid[i] < 0x7f;

		p->site_text[i] = plain ? (char)nsid[i] : '.';
	}
	p->site_text[n] = '\0';
}

/* For operators: the address's catchment has moved. */
struct move {
	struct addr addr;
	char from[sizeof(((struct peer *)NULL)->site_text)];
	char to[sizeof(((struct peer *)NULL)->site_text)];
	uint32_t est_from, est_to;
	bool happened;
};

static void
learn_udp(struct servers *sv, struct peer *p, const struct servers_sample *s,
    struct move *m)
{
	bool has_site = s->nsid != NULL && s->nsid_len > 0;
	uint64_t site = 0;
	uint32_t changes = p->site_changes;

	if (has_site) {
		site = hash_bytes(&sv->hash_key, s->nsid, s->nsid_len);
		site = site == 0 ? 1 : site;
	}
	memcpy(m->from, p->site_text, sizeof(m->from));
	m->est_from = p->est;
	peer_sample(p, s->rtt_us, site);
	if (has_site)
		site_print(p, s->nsid, s->nsid_len);
	memcpy(m->to, p->site_text, sizeof(m->to));
	m->addr = p->addr;
	m->est_to = p->est;
	m->happened = p->site_changes != changes && p->unstable == 0;
}

static void
log_move(const struct move *m)
{
	char text[ADDR_TEXT_MAX];

	if (m->happened)
		log_info("catchment-moved",
		    "server=%s from=%s to=%s rtt_us_from=%u rtt_us_to=%u",
		    addr_text(&m->addr, text), m->from, m->to, m->est_from,
		    m->est_to);
}

void
servers_answered(struct servers *sv, const struct servers_sample *s,
    uint64_t now_us)
{
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, s->address, &sh);
	struct move m = { .happened = false };

	if (p == NULL)
		return;
	if (s->edns_seen)
		p->edns_refusals = 0;
	if (s->tcp) {
		p->tcp_est = smoothed(p->tcp_est, s->rtt_us);
	} else {
		learn_udp(sv, p, s, &m);
		p->answered_us = now_us + 1;
	}
	servers_release(sh);
	if (!s->tcp)
		families_answered(sv->families, s->address, now_us);
	log_move(&m);
}

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
	if (died)
		families_died(sv->families, a);
}

void
servers_fault(struct servers *sv, const struct addr *a, const uint8_t *zone,
    enum server_fault f, uint64_t now_us)
{
	uint64_t zone_hash = name_hash(&sv->hash_key, zone);

	faults_note(sv->faults, fault_id(sv, a, zone_hash), f, now_us);
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

static void
view_fill(const struct peer *p, uint64_t now_us, struct server_view *out)
{
	*out = (struct server_view){
		.address = p->addr,
		.queries = p->queries,
		.silences = p->silences,
		.age_us = UINT64_MAX,
		.est_us = p->est,
		.dev_us = p->dev,
		.rto_us = peer_rto(p),
		.loss_permille = (uint32_t)(p->loss * 1000 + 0.5),
		.regime_changes = p->regime_changes,
		.site_changes = p->site_changes,
		.state = p->samples > 0 ? SERVER_GOOD : SERVER_UNKNOWN,
		.speaks_edns = p->edns_off_until <= now_us,
	};
	memcpy(out->site, p->site_text, sizeof(out->site));
	if (p->answered_us != 0)
		out->age_us =
		    now_us > p->answered_us ? now_us - p->answered_us : 0;
	if (p->dead) {
		out->state = SERVER_DEAD;
		out->probe_in_us =
		    p->probe_at_us > now_us ? p->probe_at_us - now_us : 0;
	}
}

bool
servers_look(struct servers *sv, const struct addr *a, const uint8_t *zone,
    uint64_t now_us, struct server_view *out)
{
	struct shard *sh;
	const struct peer *p = servers_hold(sv, a, &sh);
	uint64_t id;

	if (p == NULL)
		return false;
	view_fill(p, now_us, out);
	servers_release(sh);
	if (zone != NULL) {
		id = fault_id(sv, a, name_hash(&sv->hash_key, zone));
		out->lame = faults_marked(sv->faults, id, now_us) != 0;
	}
	return true;
}
