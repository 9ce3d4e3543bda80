/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hints.c - where the root servers are, from a file or from this table.
 *
 * Hints are only for the first question: priming replaces them by what the
 * root itself says (RFC 9609). A hints file holds NS of the root and A and
 * AAAA of the names, nothing else, and must lead to at least one address.
 */
#include <hither/dns.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gather.h"
#include "text.h"

#define HINTS_MAX   512u
#define HINTS_BYTES 10000 /* less than a line buffer of ldns; IANA's: 3.3 k */
#define HINTS_TTL_S 3600000u

struct root_server {
	const char *name, *ip4, *ip6;
};

static const struct root_server roots[] = {
	{ "a.root-servers.net.", "198.41.0.4", "2001:503:ba3e::2:30" },
	{ "b.root-servers.net.", "170.247.170.2", "2801:1b8:10::b" },
	{ "c.root-servers.net.", "192.33.4.12", "2001:500:2::c" },
	{ "d.root-servers.net.", "199.7.91.13", "2001:500:2d::d" },
	{ "e.root-servers.net.", "192.203.230.10", "2001:500:a8::e" },
	{ "f.root-servers.net.", "192.5.5.241", "2001:500:2f::f" },
	{ "g.root-servers.net.", "192.112.36.4", "2001:500:12::d0d" },
	{ "h.root-servers.net.", "198.97.190.53", "2001:500:1::53" },
	{ "i.root-servers.net.", "192.36.148.17", "2001:7fe::53" },
	{ "j.root-servers.net.", "192.58.128.30", "2001:503:c27::2:30" },
	{ "k.root-servers.net.", "193.0.14.129", "2001:7fd::1" },
	{ "l.root-servers.net.", "199.7.83.42", "2001:500:9f::42" },
	{ "m.root-servers.net.", "202.12.27.33", "2001:dc3::35" },
};

static enum err
hint_add(void *user, const struct rrset *s)
{
	struct gather *g = user;
	struct gather_record r = { .owner = s->owner,
		.owner_bytes = name_bytes(s->owner),
		.rdata = s->rdata[0],
		.ttl = s->ttl,
		.type = s->type,
		.section = SECTION_ANSWER };
	bool is_ns = s->type == TYPE_NS && s->owner[0] == 0;

	if (!is_ns && s->type != TYPE_A && s->type != TYPE_AAAA)
		return ERR_FORMAT;
	return gather_add(g, &r);
}

static bool
is_root_server(struct rrset *const *sets, size_t count, const uint8_t *name)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; sets[i]->type == TYPE_NS && k < sets[i]->count; k++)
			if (name_equal(rdata_name(&sets[i]->rdata[k], 0), name))
				return true;
	return false;
}

/* Does any server named have an address? */
static bool
hints_lead_somewhere(struct rrset *const *sets, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sets[i]->type != TYPE_NS &&
		    is_root_server(sets, count, sets[i]->owner))
			return true;
	return false;
}

static enum err
hints_sets(struct gather *g, struct rrset ***sets, size_t *count)
{
	struct rrset **all[SECTION_COUNT];
	size_t counts[SECTION_COUNT];
	enum err e = gather_sets(g, all, counts);

	if (e != ERR_OK)
		return e;
	*sets = all[SECTION_ANSWER];
	*count = counts[SECTION_ANSWER];
	return ERR_OK;
}

/* Opens a regular file of a modest size. */
static enum err
hints_open(const char *path, FILE **out)
{
	struct stat st;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return ERR_SYSTEM;
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > HINTS_BYTES) {
		(void)fclose(f);
		return ERR_LIMIT;
	}
	*out = f;
	return ERR_OK;
}

enum err
hints_read(struct arena *a, const char *path, struct rrset ***sets,
    size_t *count, int *bad_line)
{
	struct gather *g = gather_new(a, HINTS_MAX);
	FILE *f = NULL;
	enum err e;

	*bad_line = 0;
	*sets = NULL;
	*count = 0;
	if (g == NULL)
		return ERR_MEMORY;
	e = hints_open(path, &f);
	if (e != ERR_OK)
		return e;
	e = text_zone_each(f, a, hint_add, g, bad_line);
	(void)fclose(f);
	if (e != ERR_OK)
		return e;
	*bad_line = 0;
	e = hints_sets(g, sets, count);
	if (e == ERR_OK && !hints_lead_somewhere(*sets, *count))
		e = ERR_FORMAT;
	return e;
}

static enum err
address_add(struct arena *a, struct gather *g, const struct name *owner,
    const char *text)
{
	struct gather_record r = { .owner = owner->wire,
		.owner_bytes = name_bytes(owner->wire),
		.ttl = HINTS_TTL_S,
		.section = SECTION_ANSWER };
	struct addr ip;
	enum err e = addr_parse(text, 0, &ip);

	if (e != ERR_OK)
		return e;
	r.type = ip.family == 4 ? TYPE_A : TYPE_AAAA;
	r.rdata.len = ip.family == 4 ? 4 : 16;
	r.rdata.bytes = arena_copy(a, ip.ip, r.rdata.len);
	return r.rdata.bytes == NULL ? ERR_MEMORY : gather_add(g, &r);
}

static enum err
root_server_add(struct arena *a, struct gather *g,
    const struct root_server *root)
{
	struct gather_record r = { .owner = name_root,
		.owner_bytes = sizeof(name_root),
		.ttl = HINTS_TTL_S,
		.type = TYPE_NS,
		.section = SECTION_ANSWER };
	struct name n;
	enum err e = name_parse(root->name, &n);

	if (e != ERR_OK)
		return e;
	r.rdata.len = (uint16_t)name_bytes(n.wire);
	r.rdata.bytes = name_copy_in(a, n.wire);
	if (r.rdata.bytes == NULL)
		return ERR_MEMORY;
	e = gather_add(g, &r);
	if (e == ERR_OK)
		e = address_add(a, g, &n, root->ip4);
	if (e == ERR_OK)
		e = address_add(a, g, &n, root->ip6);
	return e;
}

enum err
hints_builtin(struct arena *a, struct rrset ***sets, size_t *count)
{
	struct gather *g = gather_new(a, 3 * ARRAY_LEN(roots));
	enum err e = g == NULL ? ERR_MEMORY : ERR_OK;
	size_t i;

	*sets = NULL;
	*count = 0;
	for (i = 0; i < ARRAY_LEN(roots) && e == ERR_OK; i++)
		e = root_server_add(a, g, &roots[i]);
	return e == ERR_OK ? hints_sets(g, sets, count) : e;
}
