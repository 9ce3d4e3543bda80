/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts.c - names from a hosts(5) file: an address and its names on a line,
 * comments from '#' on. Each name has that address, and the address points
 * back to the first name that claimed it. A line with a bad address or a name
 * that is none is passed over, as the C library does, and so is a name that
 * local data made an alias.
 */
#include "inside.h"

#include <stdio.h>
#include <string.h>

#define HOSTS_TTL   3600u
#define LINE_BYTES  1024u
#define NAMES_MAX   64u /* of one line */
#define RECORD_ROOM (2 * NAME_TEXT_MAX + 64)

/*
 * Octets of one line, without its comment, NUL-terminated. Of a line that is
 * too long the word at the cut goes too: half a name is another name.
 */
static size_t
take_line(const char *text, size_t len, char *line)
{
	const char *end = memchr(text, '\n', len);
	size_t all = end != NULL ? (size_t)(end - text) : len;
	size_t kept = all < LINE_BYTES - 1 ? all : LINE_BYTES - 1;

	memcpy(line, text, kept);
	while (kept < all && kept > 0 && line[kept - 1] != ' ' &&
	       line[kept - 1] != '\t')
		kept--;
	line[kept] = '\0';
	line[strcspn(line, "#\r")] = '\0';
	return end != NULL ? all + 1 : all;
}

static enum err
add(struct tree *t, struct arena *a, const char *record)
{
	enum err e = local_record_add(t, a, record);

	return e == ERR_MEMORY ? e : ERR_OK;
}

/* "1.2.0.192.in-addr.arpa." */
static void
reverse_name(const struct addr *ip, char *out, size_t size)
{
	size_t at = 0, i;

	if (ip->family == 4) {
		(void)snprintf(out, size, "%u.%u.%u.%u.in-addr.arpa.",
		    ip->ip[3], ip->ip[2], ip->ip[1], ip->ip[0]);
		return;
	}
	for (i = 16; i-- > 0;)
		at += (size_t)snprintf(out + at, size - at, "%x.%x.",
		    ip->ip[i] & 15u, ip->ip[i] >> 4);
	(void)snprintf(out + at, size - at, "ip6.arpa.");
}

static bool
has_records(const struct tree *t, const char *name)
{
	struct tree_place place;
	struct name n;

	return name_parse(name, &n) == ERR_OK &&
	       name_tree_find(t, n.wire, &place) && place.node != NULL &&
	       place.node->sets != NULL;
}

static enum err
add_host(struct tree *t, struct arena *a, const struct addr *ip,
    const char *host, bool *pointed)
{
	char record[RECORD_ROOM], text[ADDR_TEXT_MAX], name[NAME_TEXT_MAX];
	char reverse[80];
	struct name n;
	enum err e;

	if (name_parse(host, &n) != ERR_OK || n.wire[0] == 0)
		return ERR_OK;
	name_text(n.wire, name);
	(void)snprintf(record, sizeof(record), "%s %u IN %s %s", name,
	    HOSTS_TTL, ip->family == 4 ? "A" : "AAAA", addr_ip_text(ip, text));
	e = add(t, a, record);
	if (e != ERR_OK || *pointed)
		return e;
	*pointed = true;
	reverse_name(ip, reverse, sizeof(reverse));
	if (has_records(t, reverse))
		return ERR_OK;
	(void)snprintf(record, sizeof(record), "%s %u IN PTR %s", reverse,
	    HOSTS_TTL, name);
	return add(t, a, record);
}

static enum err
add_line(struct tree *t, struct arena *a, char *line)
{
	char *rest = line, *word = strtok_r(line, " \t", &rest);
	struct addr ip;
	bool pointed = false;
	enum err e = ERR_OK;

	if (word == NULL || addr_parse(word, 0, &ip) != ERR_OK)
		return ERR_OK;
	for (unsigned i = 0; i < NAMES_MAX && e == ERR_OK; i++) {
		word = strtok_r(NULL, " \t", &rest);
		if (word == NULL)
			break;
		e = add_host(t, a, &ip, word, &pointed);
	}
	return e;
}

enum err
hosts_add(struct tree *t, struct arena *a, const char *text, size_t len)
{
	char line[LINE_BYTES];
	enum err e = ERR_OK;

	while (len > 0 && e == ERR_OK) {
		size_t took = take_line(text, len, line);

		text += took;
		len -= took;
		e = add_line(t, a, line);
	}
	return e;
}
