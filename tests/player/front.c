/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front.c - what a client is told without the resolver: local zones and data,
 * names of class CH, and answers without private addresses. The real policy
 * decides; it is there only when the configuration asks for it, so that
 * special-use names of other scenarios come from their networks.
 */
#include "player.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	enum local_kind kind;
} kinds[] = {
	{ "static", LOCAL_STATIC },
	{ "refuse", LOCAL_REFUSE },
	{ "deny", LOCAL_DROP },
	{ "redirect", LOCAL_REDIRECT },
	{ "transparent", LOCAL_TRANSPARENT },
	{ "typetransparent", LOCAL_TYPETRANSPARENT },
	{ "nodefault", LOCAL_TRANSPARENT },
	{ "inform", LOCAL_INFORM },
	{ "always_nxdomain", LOCAL_NXDOMAIN },
	{ "always_nodata", LOCAL_NODATA },
};

/* "name kind" */
static bool
add_zone(struct arena *a, struct local_setup *l, const char *v)
{
	const char *kind = strrchr(v, ' ');
	struct name name;
	char *text;

	if (kind == NULL || l->zone_count == LOCAL_MAX)
		return false;
	text = arena_print(a, "%.*s", (int)(kind - v), v);
	if (text == NULL || name_parse(text, &name) != ERR_OK)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].word, kind + 1) != 0)
			continue;
		l->zones[l->zone_count++] = (struct local_zone){
			.name = name_copy_in(a, name.wire),
			.kind = kinds[i].kind,
		};
		/* Only to take a built-in zone away, which is not there. */
		l->wanted |= strcmp(kind + 1, "nodefault") != 0;
		return true;
	}
	return false;
}

/* An hour, where the record does not say. */
static bool
add_data(struct arena *a, struct local_setup *l, const char *v)
{
	size_t name = strcspn(v, " \t");
	const char *rest = v + name + strspn(v + name, " \t");
	bool has_ttl = *rest >= '0' && *rest <= '9';

	if (l->data_count == LOCAL_MAX || *rest == '\0')
		return false;
	l->data[l->data_count] =
	    has_ttl ? v : arena_print(a, "%.*s 3600 %s", (int)name, v, rest);
	l->wanted = true;
	return l->data[l->data_count++] != NULL;
}

bool
front_set(struct arena *a, struct local_setup *l, const char *key,
    const char *v)
{
	struct name name;

	if (strcmp(key, "local-zone") == 0)
		return add_zone(a, l, v);
	if (strcmp(key, "local-data") == 0)
		return add_data(a, l, v);
	if (strcmp(key, "identity") == 0)
		l->identity = v;
	else if (strcmp(key, "version") == 0)
		l->version = v;
	else if (strcmp(key, "hide-identity") == 0)
		l->hides_identity = strcmp(v, "yes") == 0;
	else if (strcmp(key, "hide-version") == 0)
		l->hides_version = strcmp(v, "yes") == 0;
	else if (strcmp(key, "private-address") == 0)
		return l->net_count < LOCAL_MAX &&
		       prefix_parse(v, &l->nets[l->net_count]) == ERR_OK &&
		       (l->wanted = ++l->net_count > 0);
	else if (l->name_count < LOCAL_MAX && name_parse(v, &name) == ERR_OK)
		l->names[l->name_count++] = name_copy_in(a, name.wire);
	else
		return false;
	return true;
}

const char *
front_open(struct local_setup *l)
{
	const struct policy_opts o = {
		.zones = l->zones,
		.zone_count = l->zone_count,
		.data = l->data,
		.data_count = l->data_count,
		.private_nets = l->nets,
		.private_count = l->net_count,
		.private_names = l->names,
		.private_name_count = l->name_count,
		.identity = l->hides_identity ? NULL : l->identity,
		.version = l->hides_version ? NULL : l->version,
	};
	const char *bad = NULL;

	l->policy = policy_new(&o, &bad);
	if (l->policy != NULL)
		return NULL;
	return bad != NULL ? bad : "the policy cannot be made";
}

bool
front_answer(const struct local_setup *l, const struct entry *e,
    struct arena *a, struct answer *out)
{
	struct policy_question q = { .qname = e->qname.wire,
		.qtype = e->qtype };

	if (e->qclass == CLASS_CH) {
		policy_chaos(l->policy, q.qname, q.qtype, a, out);
		return true;
	}
	return l->wanted &&
	       policy_answer(l->policy, &q, a, out) == POLICY_ANSWER;
}
