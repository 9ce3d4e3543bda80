/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value_net.c - scalars of the configuration that speak of networks: ports,
 * addresses, prefixes, names, records, and where the log goes.
 *
 * Names and records are read by the same code that reads packets' names and
 * zone files, so what passes here is what the server can serve.
 */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#include <hither/dns.h>

#define RECORD_ARENA_BYTES (256u * 1024)

enum err
scalar_store(const struct scalar *s, const char *text, void *out)
{
	const char *copy = arena_copy(s->arena, text, strlen(text) + 1);

	if (copy == NULL)
		return ERR_MEMORY;
	memcpy(out, &copy, sizeof(copy));
	return ERR_OK;
}

enum err
scalar_parse_ports(const struct scalar *s, void *out)
{
	struct conf_ports ports;
	const char *end = "";
	int64_t first, last;

	if (scalar_integer(s->text, &first, &end) != ERR_OK || first < 0)
		return scalar_refuse(s,
		    "is not a range of ports like 1024-65535");
	last = first;
	if (*end == '-' && scalar_integer(end + 1, &last, &end) != ERR_OK)
		return scalar_refuse(s,
		    "is not a range of ports like 1024-65535");
	if (*end != '\0')
		return scalar_refuse(s,
		    "is not a range of ports like 1024-65535");
	if (first < 1 || last > 65535 || last < first)
		return scalar_refuse(s, "is no range within 1-65535");
	ports.first = (uint16_t)first;
	ports.last = (uint16_t)last;
	memcpy(out, &ports, sizeof(ports));
	return ERR_OK;
}

enum err
scalar_parse_target(const struct scalar *s, void *out)
{
	static const char *const words[] = { [LOG_TO_STDERR] = "stderr",
		[LOG_TO_SYSLOG] = "syslog",
		[LOG_TO_JOURNAL] = "journal" };
	struct conf_target target = { .to = LOG_TO_FILE };

	if (strncmp(s->text, "file:/", 6) == 0 && s->text[6] != '\0') {
		enum err e = scalar_store(s, s->text + 5, &target.path);

		memcpy(out, &target, sizeof(target));
		return e;
	}
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(s->text, words[i]) != 0)
			continue;
		target.to = (enum log_target)i;
		memcpy(out, &target, sizeof(target));
		return ERR_OK;
	}
	return scalar_refuse(s, "is not stderr, syslog, journal or file:/path");
}

enum err
scalar_parse_address(const struct scalar *s, void *out)
{
	bool is_server = s->option->type == OPTION_SERVER;
	struct addr a;
	enum err e = addr_parse(s->text, is_server ? 53 : 0, &a);

	if (e == ERR_NOT_FOUND)
		return scalar_refuse(s, "names an interface that is not there");
	if (e == ERR_OK && !is_server && a.port != 0)
		return scalar_refuse(s,
		    "has a port; the address alone is wanted");
	if (e == ERR_RANGE)
		return scalar_refuse(s,
		    "has a port that is out of range (1-65535)");
	if (e != ERR_OK)
		return scalar_refuse(s, "is not an IP address%s",
		    is_server ? ", nor one with @port" : "");
	memcpy(out, &a, sizeof(a));
	return ERR_OK;
}

enum err
scalar_parse_prefix(const struct scalar *s, void *out)
{
	bool is_v6 = strchr(s->text, ':') != NULL;
	const char *slash = strchr(s->text, '/');
	struct prefix p;
	enum err e = prefix_parse(s->text, &p);

	if (e == ERR_OK) {
		memcpy(out, &p, sizeof(p));
		return ERR_OK;
	}
	if (e == ERR_RANGE && slash != NULL &&
	    atoi(slash + 1) > (is_v6 ? 128 : 32))
		return scalar_refuse(s, "is not a prefix (%s)",
		    is_v6 ? "IPv6 length is 0-128" : "IPv4 length is 0-32");
	if (e == ERR_RANGE)
		return scalar_refuse(s, "has bits set beyond its length");
	return scalar_refuse(s, "is not a prefix like %s",
	    is_v6 ? "2001:db8::/32" : "192.0.2.0/24");
}

enum err
scalar_parse_name(const struct scalar *s, void *out)
{
	const uint8_t *copy;
	struct name name;

	if (s->text[0] == '\0' || name_parse(s->text, &name) != ERR_OK)
		return scalar_refuse(s, "is not a domain name");
	copy = name_copy_in(s->arena, name.wire);
	if (copy == NULL)
		return ERR_MEMORY;
	memcpy(out, &copy, sizeof(copy));
	return ERR_OK;
}

enum err
scalar_parse_record(const struct scalar *s, void *out)
{
	struct arena *scratch;
	bool is_good;

	if (strlen(s->text) > RECORD_ARENA_BYTES / 2 ||
	    strpbrk(s->text, "\r\n") != NULL)
		return scalar_refuse(s, "is not one line");
	scratch = arena_new(RECORD_ARENA_BYTES);
	if (scratch == NULL)
		return ERR_MEMORY;
	is_good = rrset_parse(scratch, s->text) != NULL;
	arena_free(scratch);
	if (!is_good)
		return scalar_refuse(s, "is not a record like "
					"\"host.example. 300 IN A 192.0.2.1\"");
	return scalar_store(s, s->text, out);
}
