/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c - the configuration part. Every key is in one of three lists: it
 * sets something, it may be ignored, or it asks for what the player cannot
 * give, and then the scenario is skipped with the key as the reason.
 */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum clause { CLAUSE_SERVER, CLAUSE_ZONE };

struct reader {
	struct setup *out;
	struct arena *arena;
	struct zone_setup *zone;
	enum clause clause;
};

static bool
yes(const char *v)
{
	return strcmp(v, "yes") == 0 || strcmp(v, "on") == 0 ||
	       strcmp(v, "true") == 0;
}

static void
skip(struct reader *r, const char *key, const char *v)
{
	if (r->out->skip == NULL)
		r->out->skip = *v != '\0' && strlen(v) < 30
				   ? arena_print(r->arena, "%s: %s", key, v)
				   : key;
}

static void
add_hint(struct reader *r, const char *v)
{
	struct setup *s = r->out;

	if (s->hint_count < HINTS_MAX &&
	    addr_parse(v, 53, &s->hints[s->hint_count]) == ERR_OK)
		s->hint_count++;
	else
		skip(r, "stub-addr", v);
	/* Deckard's own form: its networks may lie on the loopback. */
	if (strncmp(v, "127.", 4) == 0)
		s->ask_localhost = true;
}

static void
set_qmin(struct reader *r, const char *key, const char *v)
{
	if (strcmp(key, "qname-minimisation-strict") == 0) {
		if (yes(v))
			r->out->qmin = QMIN_STRICT;
		return;
	}
	r->out->qmin = yes(v) ? QMIN_RELAXED : QMIN_OFF;
}

static void
set_number(struct reader *r, const char *key, const char *v)
{
	uint32_t n = (uint32_t)strtoul(v, NULL, 10);

	if (strcmp(key, "cache-max-ttl") == 0)
		r->out->ttl_max_s = n;
	else if (strcmp(key, "cache-min-ttl") == 0)
		r->out->ttl_min_s = n;
	else if (strcmp(key, "serve-expired-ttl") == 0)
		r->out->stale_max_s = n;
	else if (strcmp(key, "serve-expired-client-timeout") == 0)
		r->out->stale_client_ms = n;
	else if (strcmp(key, "serve-expired-reply-ttl") == 0)
		r->out->stale_ttl_s = n;
	else if (strcmp(key, "cache-max-negative-ttl") == 0)
		r->out->negative_ttl_max_s = n;
	else
		r->out->aliases_max = n;
}

static void
set_stale(struct reader *r, const char *key, const char *v)
{
	(void)key;
	r->out->serve_stale = yes(v);
}

static void
set_prefetch(struct reader *r, const char *key, const char *v)
{
	(void)key;
	r->out->prefetch_percent = yes(v) ? 10 : 0;
}

static void
set_bool(struct reader *r, const char *key, const char *v)
{
	struct setup *s = r->out;

	if (strcmp(key, "do-ip4") == 0)
		s->ip4 = yes(v);
	else if (strcmp(key, "do-ip6") == 0)
		s->ip6 = yes(v);
	else if (strcmp(key, "use-caps-for-id") == 0)
		s->mix_case = yes(v);
	else if (strcmp(key, "do-not-query-localhost") == 0)
		s->ask_localhost = !yes(v);
	else
		s->full_answers = !yes(v);
}

/* Deckard's "features: name = value". */
static void
set_feature(struct reader *r, const char *key, const char *v)
{
	unsigned n;

	if (sscanf(v, "min_ttl = %u", &n) == 1)
		r->out->ttl_min_s = n;
	else if (sscanf(v, "max_ttl = %u", &n) == 1)
		r->out->ttl_max_s = n;
	else
		skip(r, key, "");
}

static void
set_access(struct reader *r, const char *key, const char *v)
{
	const char *action = strrchr(v, ' ');

	action = action != NULL ? action + 1 : v;
	if (strcmp(action, "allow_snoop") == 0)
		r->out->snoop = true;
	else if (strcmp(action, "allow") != 0)
		skip(r, key, action);
}

static void
set_modules(struct reader *r, const char *key, const char *v)
{
	if (strcmp(v, "iterator") != 0 && strcmp(v, "validator iterator") != 0)
		skip(r, key, v);
}

static void
set_local(struct reader *r, const char *key, const char *v)
{
	if (!front_set(r->arena, &r->out->local, key, v))
		skip(r, key, v);
}

static void
begin_zone(struct reader *r, const char *key, const char *v)
{
	struct setup *s = r->out;

	(void)v;
	if (s->zone_count == ZONES_MAX) {
		skip(r, key, "too many");
		return;
	}
	r->zone = &s->zones[s->zone_count++];
	r->zone->forward = strcmp(key, "forward-zone") == 0;
	r->clause = CLAUSE_ZONE;
}

static void
begin_server(struct reader *r, const char *key, const char *v)
{
	(void)key;
	(void)v;
	r->clause = CLAUSE_SERVER;
	r->zone = NULL;
}

static void
set_name(struct reader *r, const char *key, const char *v)
{
	if (r->zone == NULL || name_parse(v, &r->zone->name) != ERR_OK)
		skip(r, key, v);
	else
		r->zone->named = true;
}

static void
set_server(struct reader *r, const char *key, const char *v)
{
	struct zone_setup *z = r->zone;

	if (z == NULL) {
		add_hint(r, v);
		return;
	}
	if (z->count == ZONE_ADDRS ||
	    addr_parse(v, 53, &z->servers[z->count]) != ERR_OK)
		skip(r, key, v);
	else
		z->count++;
}

static void
set_way(struct reader *r, const char *key, const char *v)
{
	if (r->zone == NULL)
		skip(r, key, v);
	else if (strstr(key, "-first") != NULL)
		r->zone->first = yes(v);
	else
		r->zone->tcp = yes(v);
}

/* Wanted only when it is off: that is how it is here. */
static void
only_off(struct reader *r, const char *key, const char *v)
{
	if (yes(v))
		skip(r, key, "");
}

/* Limits that are constants here: only a lower one would be noticed. */
static void
not_below_20(struct reader *r, const char *key, const char *v)
{
	if (strtoul(v, NULL, 10) < 20)
		skip(r, key, v);
}

static void
not_below_11(struct reader *r, const char *key, const char *v)
{
	if (strtoul(v, NULL, 10) < 11)
		skip(r, key, v);
}

static void
set_messages(struct reader *r, const char *key, const char *v)
{
	(void)key;
	r->out->messages_max = (uint32_t)strtoul(v, NULL, 10);
}

static void
ignore(struct reader *r, const char *key, const char *v)
{
	(void)r;
	(void)key;
	(void)v;
}

/* What cannot be switched off here. */
static void
must_be_on(struct reader *r, const char *key, const char *v)
{
	if (!yes(v))
		skip(r, key, v);
}

static void
set_trust(struct reader *r, const char *key, const char *v)
{
	struct trust_setup *t = &r->out->trust;
	bool ok = true;

	if (strcmp(key, "trust-anchor") == 0)
		ok = trust_anchor(r->arena, t, v);
	else if (strcmp(key, "domain-insecure") == 0)
		ok = trust_insecure(t, v);
	else if (strcmp(key, "aggressive-nsec") == 0)
		t->aggressive = yes(v);
	else if (strcmp(key, "root-key-sentinel") == 0)
		t->sentinel = yes(v);
	else if (strcmp(key, "fake-sha1") == 0)
		t->sha1 = yes(v);
	else if (strcmp(key, "val-nsec3-keysize-iterations") == 0)
		ok = trust_iterations(t, v);
	else
		ok = trust_date(t, v);
	if (!ok)
		skip(r, key, v);
}

static const struct {
	const char *key;
	void (*set)(struct reader *r, const char *key, const char *v);
} keys[] = {
	{ "server", begin_server },
	{ "stub-zone", begin_zone },
	{ "forward-zone", begin_zone },
	{ "name", set_name },
	{ "stub-addr", set_server },
	{ "forward-addr", set_server },
	{ "qname-minimisation", set_qmin },
	{ "query-minimization", set_qmin },
	{ "qname-minimisation-strict", set_qmin },
	{ "cache-max-ttl", set_number },
	{ "cache-min-ttl", set_number },
	{ "cache-max-negative-ttl", set_number },
	{ "max-query-restarts", set_number },
	{ "do-ip4", set_bool },
	{ "do-ip6", set_bool },
	{ "use-caps-for-id", set_bool },
	{ "do-not-query-localhost", set_bool },
	{ "minimal-responses", set_bool },
	{ "features", set_feature },
	{ "access-control", set_access },
	{ "module-config", set_modules },
	{ "local-zone", set_local },
	{ "local-data", set_local },
	{ "private-address", set_local },
	{ "private-domain", set_local },
	{ "identity", set_local },
	{ "version", set_local },
	{ "hide-identity", set_local },
	{ "hide-version", set_local },
	{ "trust-anchor", set_trust },
	{ "domain-insecure", set_trust },
	{ "val-override-timestamp", set_trust },
	{ "val-override-date", set_trust },
	{ "aggressive-nsec", set_trust },
	{ "fake-sha1", set_trust },
	{ "val-nsec3-keysize-iterations", set_trust },
	{ "root-key-sentinel", set_trust },
	{ "prefetch", set_prefetch },
	{ "prefetch-key", only_off },
	{ "serve-expired", set_stale },
	{ "serve-expired-ttl", set_number },
	{ "serve-expired-client-timeout", set_number },
	{ "serve-expired-reply-ttl", set_number },
	{ "serve-expired-ttl-reset", only_off },
	{ "ede-serve-expired", ignore },
	{ "answer-cookie", only_off },
	{ "disable-edns-do", only_off },
	{ "dns-error-reporting", only_off },
	{ "forward-first", set_way },
	{ "forward-tcp-upstream", set_way },
	{ "stub-tcp-upstream", set_way },
	{ "forward-no-cache", only_off },
	{ "stub-first", set_way },
	{ "stub-no-cache", only_off },
	{ "tcp-upstream", only_off },
	{ "nsid", ignore },
	{ "target-fetch-policy", ignore },
	{ "trust-anchor-signaling", ignore },
	{ "fake-dsa", ignore },
	{ "iter-scrub-promiscuous", ignore },
	{ "iter-scrub-ns", not_below_20 },
	{ "iter-scrub-cname", not_below_11 },
	{ "max-global-quota", set_messages },
	{ "msg-cache-size", skip },
	{ "ede", ignore },
	{ "log-servfail", ignore },
	{ "log-time-ascii", ignore },
	{ "val-log-level", ignore },
	{ "rrset-roundrobin", ignore },
	{ "stub-prime", ignore },
	{ "stub-name", ignore },
	{ "verbosity", ignore },
	{ "discard-timeout", ignore },
	{ "msg-cache-slabs", ignore },
	{ "harden-algo-downgrade", only_off },
	{ "harden-below-nxdomain", ignore },
	{ "harden-dnssec-stripped", must_be_on },
	{ "harden-glue", ignore },
	{ "harden-unverified-glue", only_off },
	{ "harden-unknown-additional", ignore },
	{ "harden-referral-path", ignore },
	{ "hide-trustanchor", must_be_on },
	{ "directory", ignore },
	{ "infra-keep-probing", ignore },
	{ "outbound-msg-retry", ignore },
	{ "unwanted-reply-threshold", ignore },
	{ "username", ignore },
	{ "chroot", ignore },
	{ "pidfile", ignore },
	{ "interface", ignore },
	{ "port", ignore },
};

static void
set(struct reader *r, const char *key, const char *v)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].key, key) == 0) {
			keys[i].set(r, key, v);
			return;
		}
	if (r->out->skip == NULL)
		r->out->skip = arena_print(r->arena, "%s", key);
}

/* "word:" of letters, digits and hyphens is a key. */
static bool
is_key(char *token)
{
	size_t n = strspn(token, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n == 0 || token[n] != ':' || token[n + 1] != '\0' || token[0] < 'a')
		return false;
	token[n] = '\0';
	return true;
}

static void
read_line(struct reader *r, struct text *t)
{
	size_t i = 0;

	while (i < t->count) {
		const char *key = t->tokens[i], *v = "";

		if (!is_key(t->tokens[i++])) {
			skip(r, key, "");
			return;
		}
		for (; i < t->count; i++) {
			char *word = t->tokens[i];

			if (is_key(word)) {
				word[strlen(word)] = ':';
				break;
			}
			v = *v == '\0'
				? word
				: arena_print(r->arena, "%s %s", v, word);
		}
		set(r, key, v);
	}
}

/* A stub for the root stands for the hints. */
static void
take_hints(struct setup *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->zone_count; i++) {
		struct zone_setup *z = &s->zones[i];

		if (z->forward || !z->named || z->name.wire[0] != 0) {
			s->zones[kept++] = *z;
			continue;
		}
		for (size_t j = 0; j < z->count && s->hint_count < HINTS_MAX;
		     j++)
			s->hints[s->hint_count++] = z->servers[j];
	}
	s->zone_count = kept;
}

bool
config_read(struct text *t, struct setup *out, char *why)
{
	struct reader r = { .out = out, .arena = t->arena };

	*out = (struct setup){ .ttl_max_s = 86400,
		.negative_ttl_max_s = 3600,
		.aliases_max = 12,
		.messages_max = 50,
		.stale_max_s = 86400,
		.stale_client_ms = 1800,
		.stale_ttl_s = 30,
		.qmin = QMIN_RELAXED,
		.ip4 = true,
		.ip6 = true };
	trust_default(&out->trust);
	while (text_next(t)) {
		if (token_is(t, 0, "CONFIG_END")) {
			take_hints(out);
			for (size_t i = 0; i < out->zone_count; i++)
				if (!out->zones[i].named ||
				    out->zones[i].count == 0)
					skip(&r, "zone without addresses", "");
			return true;
		}
		if (!token_is(t, 0, "AUTOTRUST_FILE"))
			read_line(&r, t);
		else if (!trust_states(t, &out->trust))
			skip(&r, "AUTOTRUST_FILE", "");
	}
	snprintf(why, TEXT_MAX, "no CONFIG_END");
	return false;
}
