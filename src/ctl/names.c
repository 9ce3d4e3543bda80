/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.c - from the words of the configuration to a policy: who may ask, and
 * which names are answered here, for whom. The daemon and the tool's check
 * call it alike.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hither/ctl.h>

#define HOSTS_BYTES_MAX ((size_t)16 << 20)
#define LISTS_BYTES_MAX ((size_t)32 << 20)

static enum access
access_of(enum conf_action action)
{
	switch (action) {
	case CONF_ALLOW:
		return ACCESS_ALLOW;
	case CONF_ALLOW_SNOOP:
		return ACCESS_SNOOP;
	case CONF_DROP:
		return ACCESS_DROP;
	case CONF_REFUSE:
	default:
		return ACCESS_REFUSE;
	}
}

static enum local_kind
local_of(enum conf_local_type type)
{
	static const enum local_kind kinds[] = {
		[CONF_LOCAL_STATIC] = LOCAL_STATIC,
		[CONF_LOCAL_REFUSE] = LOCAL_REFUSE,
		[CONF_LOCAL_NXDOMAIN] = LOCAL_NXDOMAIN,
		[CONF_LOCAL_TRANSPARENT] = LOCAL_TRANSPARENT,
		[CONF_LOCAL_TYPETRANSPARENT] = LOCAL_TYPETRANSPARENT,
		[CONF_LOCAL_REDIRECT] = LOCAL_REDIRECT,
		[CONF_LOCAL_NODATA] = LOCAL_NODATA,
		[CONF_LOCAL_DROP] = LOCAL_DROP,
		[CONF_LOCAL_INFORM] = LOCAL_INFORM,
		[CONF_LOCAL_ALWAYS_REFUSE] = LOCAL_ALWAYS_REFUSE,
		[CONF_LOCAL_ALWAYS_NULL] = LOCAL_ALWAYS_NULL,
		[CONF_LOCAL_INFORM_DROP] = LOCAL_INFORM_DROP,
	};

	return kinds[type];
}

static enum err
add_access(const struct conf *c, struct arena *a, struct policy_opts *o)
{
	struct access_rule *rules =
	    arena_take(a, (c->access.count + 1) * sizeof(*rules));

	if (rules == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < c->access.count; i++) {
		rules[i].net = c->access.items[i].net;
		rules[i].access = access_of(c->access.items[i].action);
	}
	o->access = rules;
	o->access_count = c->access.count;
	return ERR_OK;
}

static uint8_t
view_number(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->views.count; i++) {
		if (strcmp(c->views.items[i].name, name) == 0)
			return (uint8_t)(i + 1);
	}
	return 0;
}

static enum err
add_zones(const struct conf *c, struct arena *a, struct policy_opts *o)
{
	struct local_zone *zones = arena_take(a,
	    (c->zones.count + c->local_zones.count + 1) * sizeof(*zones));

	if (zones == NULL)
		return ERR_MEMORY;
	o->zones = zones;
	/* Whoever has servers for a special-use name wants them asked. */
	for (size_t i = 0; i < c->zones.count; i++) {
		if (c->zones.items[i].name[0] != 0)
			zones[o->zone_count++] =
			    (struct local_zone){ c->zones.items[i].name,
				    LOCAL_TRANSPARENT, 0 };
	}
	for (size_t i = 0; i < c->local_zones.count; i++) {
		const struct conf_local_zone *z = &c->local_zones.items[i];

		zones[o->zone_count++] = (struct local_zone){ z->name,
			local_of(z->type), view_number(c, z->view) };
	}
	return ERR_OK;
}

static enum err
add_views(const struct conf *c, struct arena *a, struct policy_opts *o)
{
	struct policy_view *views =
	    arena_take(a, (c->views.count + 1) * sizeof(*views));

	if (views == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < c->views.count; i++) {
		const struct conf_view *v = &c->views.items[i];

		views[i] =
		    (struct policy_view){ v->clients.items, v->clients.count,
			    v->local_data.items, v->local_data.count };
	}
	o->views = views;
	o->view_count = c->views.count;
	return ERR_OK;
}

/* The whole file, for memory_free(). */
static enum err
read_hosts(const char *path, struct policy_opts *o, char **text, char *why,
    size_t size)
{
	FILE *f = fopen(path, "re");
	bool bad;

	if (f == NULL) {
		(void)snprintf(why, size, "hosts-file: %s: %s", path,
		    strerror(errno));
		return ERR_NOT_FOUND;
	}
	*text = memory_new(HOSTS_BYTES_MAX);
	if (*text != NULL)
		o->hosts_len = fread(*text, 1, HOSTS_BYTES_MAX, f);
	bad = ferror(f) != 0 || o->hosts_len == HOSTS_BYTES_MAX;
	(void)fclose(f);
	if (*text == NULL)
		return ERR_MEMORY;
	if (bad) {
		(void)snprintf(why, size,
		    "hosts-file: %s cannot be read, or "
		    "is longer than %zu octets",
		    path, HOSTS_BYTES_MAX);
		return ERR_LIMIT;
	}
	o->hosts = *text;
	return ERR_OK;
}

/* What policy_new() made of it; why is written for what is wrong. */
static enum err
build(const struct policy_opts *o, struct policy **out, char *why, size_t size)
{
	const char *bad;

	*out = policy_new(o, &bad);
	if (*out != NULL)
		return ERR_OK;
	if (bad == NULL)
		return ERR_MEMORY;
	/* Every record was read once already. */
	(void)snprintf(why, size,
	    "local-data: \"%s\": an alias stands alone, or there are too "
	    "many records",
	    bad);
	return ERR_FORMAT;
}

enum err
ctl_build_policy(const struct conf *c, struct policy **out, char *why,
    size_t size)
{
	struct policy_opts o = { .data = c->local_data.items,
		.data_count = c->local_data.count,
		.private_nets = c->private_addresses.items,
		.private_count = c->private_addresses.count,
		.private_names = c->private_domains.items,
		.private_name_count = c->private_domains.count,
		.identity = c->server.identity,
		.version = c->server.version_text };
	struct arena *a = arena_new(LISTS_BYTES_MAX);
	char *hosts = NULL;
	enum err e = a == NULL ? ERR_MEMORY : add_access(c, a, &o);

	if (e == ERR_OK)
		e = add_zones(c, a, &o);
	if (e == ERR_OK)
		e = add_views(c, a, &o);
	if (e == ERR_OK && c->hosts_file[0] != '\0')
		e = read_hosts(c->hosts_file, &o, &hosts, why, size);
	if (e == ERR_OK)
		e = build(&o, out, why, size);
	memory_free(hosts);
	arena_free(a);
	return e;
}
