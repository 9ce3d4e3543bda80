/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * near.c - servers and sites: whom the next question would go to and why,
 * and where the known addresses answer from.
 */
#include "inside.h"

#include <string.h>

#define SITES_MAX 256u

bool
request_name(struct request *r, const char *argument)
{
	const char *text = request_argument(r, argument);

	if (text == NULL) {
		request_fail(r, HTTP_BAD, "%s is missing", argument);
		return false;
	}
	if (name_parse(text, &r->name) != ERR_OK) {
		request_fail(r, HTTP_BAD, "%s is not a domain name", argument);
		return false;
	}
	return true;
}

static double
us_to_ms(uint64_t us)
{
	return (double)us / 1000;
}

static double
us_to_s(uint64_t us)
{
	return (double)us / 1e6;
}

/* --- servers ----------------------------------------------------------- */

static void
add_measured(json_t *o, const struct server_view *v, double chosen)
{
	if (v->site[0] != '\0')
		(void)json_object_set_new(o, "site", json_string(v->site));
	if (v->est_us != 0)
		(void)json_object_update_new(o,
		    json_pack("{s:f, s:f, s:f}", "rtt_ms", us_to_ms(v->est_us),
			"dev_ms", us_to_ms(v->dev_us), "timeout_ms",
			us_to_ms(v->rto_us)));
	(void)json_object_update_new(o,
	    json_pack("{s:I, s:I, s:f, s:f, s:f, s:b, s:i, s:i}", "queries",
		(json_int_t)v->queries, "silences", (json_int_t)v->silences,
		"share", chosen > 0 ? v->chosen / chosen : 0.0, "ok_ratio",
		1 - (double)v->loss_permille / 1000, "loss",
		(double)v->loss_permille / 1000, "edns", v->speaks_edns,
		"regime_changes", (int)v->regime_changes, "site_changes",
		(int)v->site_changes));
	if (v->age_us != UINT64_MAX)
		(void)json_object_set_new(o, "age_s",
		    json_real(us_to_s(v->age_us)));
	if (v->state == SERVER_DEAD)
		(void)json_object_set_new(o, "probe_in_s",
		    json_real(us_to_s(v->probe_in_us)));
}

static json_t *
server_json(const struct resolver_server *s, const struct server_outlook *o)
{
	char address[ADDR_TEXT_MAX], name[NAME_TEXT_MAX];
	json_t *all = json_pack("{s:s, s:s, s:s, s:s}", "address",
	    addr_ip_text(&s->address, address), "name",
	    name_text(s->server.wire, name), "state", o->state, "why", o->why);

	if (all != NULL && o->cost_us >= 0)
		(void)json_object_set_new(all, "cost_ms",
		    json_real(o->cost_us / 1000));
	return all;
}

/* A zone's addresses, what is expected of each, and what is known. */
struct panorama {
	struct resolver_server found[SERVERS_SET_MAX];
	struct server_view views[SERVERS_SET_MAX];
	struct server_outlook outlooks[SERVERS_SET_MAX];
	struct addr addresses[SERVERS_SET_MAX];
	const uint8_t *names[SERVERS_SET_MAX];
	bool known[SERVERS_SET_MAX];
	struct name closest;
	size_t count, best;
	double chosen; /* sum over all of them */
};

static void
panorama_fill(struct panorama *p, struct servers *sv, uint64_t now_us)
{
	struct servers_set set = { .addresses = p->addresses,
		.count = p->count,
		.zone = p->closest.wire,
		.names = p->names };

	for (size_t i = 0; i < p->count; i++) {
		p->addresses[i] = p->found[i].address;
		p->names[i] = p->found[i].server.wire;
		p->known[i] = servers_look(sv, &p->addresses[i],
		    p->closest.wire, now_us, &p->views[i]);
		p->chosen += p->known[i] ? p->views[i].chosen : 0;
	}
	p->best = servers_foresee(sv, &set, now_us, p->outlooks);
}

static json_t *
panorama_json(const struct panorama *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->count; i++) {
		json_t *o = server_json(&p->found[i], &p->outlooks[i]);

		if (o != NULL && p->known[i])
			add_measured(o, &p->views[i], p->chosen);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static void
servers_visit(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	struct panorama *p = memory_new(sizeof(*p));
	char zone[NAME_TEXT_MAX], next[ADDR_TEXT_MAX];

	if (p == NULL) {
		r->code = HTTP_BUSY;
		r->result = json_pack("{s:s}", "error", "no memory");
		request_return(r);
		return;
	}
	p->count = resolver_zone_servers(worker->resolver, r->name.wire,
	    &p->closest, p->found, SERVERS_SET_MAX);
	panorama_fill(p, r->ctl->opts.offer.servers, clock_mono_us());
	r->result = json_pack("{s:s, s:s, s:o}", "zone",
	    name_text(p->closest.wire, zone), "policy",
	    servers_policy(r->ctl->opts.offer.servers), "servers",
	    panorama_json(p));
	if (r->result != NULL && p->best < p->count)
		(void)json_object_set_new(r->result, "next",
		    json_string(addr_ip_text(&p->addresses[p->best], next)));
	memory_free(p);
	request_return(r);
}

void
command_servers(struct request *r)
{
	if (request_name(r, "zone"))
		request_to_worker(r, 0, servers_visit);
}

/* --- sites ------------------------------------------------------------- */

static json_t *
sites_json(struct servers *sv, uint64_t now_us)
{
	struct server_site *all = memory_new(SITES_MAX * sizeof(*all));
	json_t *list = json_array();
	char address[ADDR_TEXT_MAX];
	size_t n = 0;

	if (all != NULL)
		n = servers_sites(sv, now_us, all, SITES_MAX);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list,
		    json_pack("{s:s, s:f, s:i, s:s, s:f}", "site", all[i].site,
			"rtt_ms", us_to_ms(all[i].est_us), "addresses",
			(int)all[i].addresses, "nearest",
			addr_ip_text(&all[i].address, address), "age_s",
			us_to_s(
			    all[i].age_us == UINT64_MAX ? 0 : all[i].age_us)));
	memory_free(all);
	return list;
}

static json_t *
moves_json(struct servers *sv, uint64_t now_us)
{
	struct server_move *all = memory_new(SERVERS_MOVES_MAX * sizeof(*all));
	json_t *list = json_array();
	char address[ADDR_TEXT_MAX];
	size_t n = 0;

	if (all != NULL)
		n = servers_moves(sv, all, SERVERS_MOVES_MAX);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "address",
			addr_ip_text(&all[i].address, address), "from",
			all[i].from, "to", all[i].to, "rtt_from_ms",
			us_to_ms(all[i].est_from_us), "rtt_to_ms",
			us_to_ms(all[i].est_to_us), "age_s",
			now_us > all[i].at_us ? us_to_s(now_us - all[i].at_us)
					      : 0.0));
	memory_free(all);
	return list;
}

/* Needs no worker: what is known of servers belongs to all of them. */
void
command_sites(struct request *r)
{
	struct servers *sv = r->ctl->opts.offer.servers;
	uint64_t now_us = clock_mono_us();

	request_answer(r, HTTP_DONE,
	    json_pack("{s:o, s:o}", "sites", sites_json(sv, now_us), "moves",
		moves_json(sv, now_us)));
}

/* --- counters ---------------------------------------------------------- */

json_t *
selection_json(struct servers *sv)
{
	size_t states[SERVER_STATES];
	struct servers_counts c;
	json_t *all;

	servers_count(sv, &c);
	servers_states(sv, states);
	all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "deaths",
	    (json_int_t)c.deaths, "revivals", (json_int_t)c.revivals,
	    "regime_changes", (json_int_t)c.regimes, "catchment_changes",
	    (json_int_t)c.moves, "servers_live",
	    (json_int_t)states[SERVER_GOOD], "servers_dead",
	    (json_int_t)states[SERVER_DEAD], "servers_unknown",
	    (json_int_t)states[SERVER_UNKNOWN]);
	for (unsigned i = 0; all != NULL && i < DECISIONS; i++)
		(void)json_object_set_new(all,
		    server_decision_text((enum server_decision)i),
		    json_integer((json_int_t)c.decisions[i]));
	return all;
}
