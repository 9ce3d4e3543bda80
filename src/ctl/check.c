/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - what a configuration promises beyond its own text: that its files
 * can be read. The daemon and the tool call the same function, so that a file
 * which passes the check also starts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hither/ctl.h>

#define HINTS_BYTES_MAX  ((size_t)4 << 20)
#define ANCHOR_BYTES_MAX ((size_t)64 << 10)

/* --- anchors -------------------------------------------------------------- */

static enum err
read_anchor_file(const char *path, struct anchors *out, char *why, size_t size)
{
	struct anchor_fault bad;
	enum err e = anchors_read_file(out, path, &bad);

	if (e == ERR_FORMAT)
		(void)snprintf(why, size, "%s:%u:%u: error: %s", path, bad.line,
		    bad.column, bad.what);
	else if (e == ERR_SYSTEM)
		(void)snprintf(why, size,
		    "dnssec.trust-anchor-file: error: cannot read %s: %s", path,
		    strerror(errno));
	return e;
}

static enum err
add_anchor(const char *line, struct arena *a, struct anchors *out)
{
	struct rrset *set = rrset_parse(a, line);

	if (set == NULL || (set->type != TYPE_DS && set->type != TYPE_DNSKEY))
		return ERR_FORMAT;
	return anchors_add(out, set->owner, set->type, &set->rdata[0]);
}

static enum err
add_listed(const struct conf *c, struct anchors *out, char *why, size_t size)
{
	const struct conf_texts *t = &c->dnssec.trust_anchors;
	struct arena *a = arena_new(ANCHOR_BYTES_MAX);
	enum err e = a == NULL ? ERR_MEMORY : ERR_OK;

	for (size_t i = 0; i < t->count && e == ERR_OK; i++) {
		arena_reset(a);
		e = add_anchor(t->items[i], a, out);
		if (e == ERR_FORMAT)
			(void)snprintf(why, size,
			    "dnssec.trust-anchors[%zu]: error: not a DS or "
			    "DNSKEY record",
			    i);
	}
	arena_free(a);
	return e;
}

static enum err
add_negative(const struct conf *c, struct anchors *out)
{
	enum err e = ERR_OK;

	for (size_t i = 0;
	     i < c->dnssec.negative_trust_anchors.count && e == ERR_OK; i++) {
		const struct conf_negative *n =
		    &c->dnssec.negative_trust_anchors.items[i];

		e = anchors_add_negative(out, n->zone, n->until_s);
		if (e == ERR_OK)
			anchors_explain(out, n->zone, n->reason);
	}
	for (size_t i = 0; i < c->zones.count && e == ERR_OK; i++) {
		const struct conf_zone *z = &c->zones.items[i];

		if (z->dnssec)
			continue;
		e = anchors_add_negative(out, z->name, 0);
		if (e == ERR_OK)
			anchors_explain(out, z->name, "zones: dnssec: false");
	}
	return e;
}

enum err
ctl_build_anchors(const struct conf *c, struct anchors *out, char *why,
    size_t size)
{
	const char *path = c->dnssec.trust_anchor_file;
	enum err e;

	if (!c->dnssec.validation)
		return ERR_OK;
	e = path[0] == '\0' ? anchors_builtin(out)
			    : read_anchor_file(path, out, why, size);
	if (e == ERR_OK)
		e = add_listed(c, out, why, size);
	return e == ERR_OK ? add_negative(c, out) : e;
}

static enum err
check_anchors(const struct conf *c, char *why, size_t size)
{
	struct anchors *as = anchors_new();
	enum err e = ERR_MEMORY;

	if (as != NULL)
		e = ctl_build_anchors(c, as, why, size);
	anchors_free(as);
	return e;
}

static enum err
check_policy(const struct conf *c, char *why, size_t size)
{
	struct policy *p = NULL;
	enum err e = ctl_build_policy(c, &p, why, size);

	policy_free(p);
	return e;
}

/* --- hints, and all of it ------------------------------------------------- */

enum err
ctl_build_hints(const struct conf *c, struct arena *a, struct hints *out,
    char *why, size_t size)
{
	const char *path = c->server.root_hints;
	int line = 0;
	enum err e;

	if (path[0] == '\0')
		return hints_builtin(a, &out->sets, &out->count);
	e = hints_read(a, path, &out->sets, &out->count, &line);
	if (e == ERR_FORMAT && line > 0)
		(void)snprintf(why, size,
		    "%s:%d: error: not a record of root hints", path, line);
	else if (e == ERR_FORMAT)
		(void)snprintf(why, size,
		    "server.root-hints: error: %s names no root server with an "
		    "address",
		    path);
	else if (e != ERR_OK)
		(void)snprintf(why, size,
		    "server.root-hints: error: cannot read %s", path);
	return e;
}

static enum err
check_hints(const struct conf *c, char *why, size_t size)
{
	struct arena *a = arena_new(HINTS_BYTES_MAX);
	struct hints h;
	enum err e =
	    a == NULL ? ERR_MEMORY : ctl_build_hints(c, a, &h, why, size);

	arena_free(a);
	return e;
}

enum err
ctl_check_conf(const struct conf *c, char *why, size_t size)
{
	struct cookie_secrets secrets;
	enum err e = check_policy(c, why, size);

	if (e == ERR_OK)
		e = check_hints(c, why, size);
	if (e == ERR_OK)
		e = ctl_read_secrets(c, &secrets, why, size);
	return e == ERR_OK ? check_anchors(c, why, size) : e;
}
