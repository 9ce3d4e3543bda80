/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addr.c - addresses and prefixes: text, sockets, comparison.
 *
 * Unused bytes of struct addr are always zero, so that two equal addresses
 * are equal byte by byte wherever they came from. An IPv4-mapped IPv6
 * address stays IPv6: it is answered on the socket it came in by.
 */
#include <hither/base.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Digits only, no sign, no blanks, at most max. */
static enum err
parse_number(const char *text, unsigned long max, unsigned long *out)
{
	unsigned long n = 0;

	if (*text == '\0' || strlen(text) > 10)
		return ERR_FORMAT;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return ERR_FORMAT;
		n = n * 10 + (unsigned long)(*text - '0');
	}
	if (n > max)
		return ERR_RANGE;
	*out = n;
	return ERR_OK;
}

static bool
is_link_local(const struct addr *a)
{
	bool unicast = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
	bool multicast = a->ip[0] == 0xff && (a->ip[1] & 0x0f) == 0x02;

	return a->family == 6 && (unicast || multicast);
}

static enum err
parse_ip(const char *text, struct addr *out)
{
	if (inet_pton(AF_INET, text, out->ip) == 1) {
		out->family = 4;
		return ERR_OK;
	}
	if (inet_pton(AF_INET6, text, out->ip) == 1) {
		out->family = 6;
		return ERR_OK;
	}
	return ERR_FORMAT;
}

static enum err
parse_scope(const char *text, struct addr *out)
{
	unsigned long index;

	if (!is_link_local(out))
		return ERR_FORMAT;
	if (parse_number(text, UINT32_MAX, &index) != ERR_OK)
		index = if_nametoindex(text);
	if (index == 0)
		return ERR_NOT_FOUND;
	out->scope = (uint32_t)index;
	return ERR_OK;
}

/* Ends text at the first c and returns what follows it, or NULL. */
static char *
cut(char *text, int c)
{
	char *at = strchr(text, c);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

enum err
addr_parse(const char *text, uint16_t default_port, struct addr *out)
{
	char copy[ADDR_TEXT_MAX];
	struct addr a = { .port = default_port };
	unsigned long port;
	char *port_text, *scope_text;
	enum err e;

	if (strlen(text) >= sizeof(copy))
		return ERR_FORMAT;
	memcpy(copy, text, strlen(text) + 1);
	port_text = cut(copy, '@');
	scope_text = cut(copy, '%');
	e = parse_ip(copy, &a);
	if (e == ERR_OK && scope_text != NULL)
		e = parse_scope(scope_text, &a);
	if (e == ERR_OK && port_text != NULL) {
		e = parse_number(port_text, UINT16_MAX, &port);
		if (e == ERR_OK && port == 0)
			e = ERR_RANGE;
		if (e == ERR_OK)
			a.port = (uint16_t)port;
	}
	if (e == ERR_OK)
		*out = a;
	return e;
}

const char *
addr_ip_text(const struct addr *a, char *buf)
{
	int family = a->family == 4 ? AF_INET : AF_INET6;
	size_t n;

	if ((a->family != 4 && a->family != 6) ||
	    inet_ntop(family, a->ip, buf, ADDR_TEXT_MAX) == NULL) {
		(void)snprintf(buf, ADDR_TEXT_MAX, "none");
		return buf;
	}
	n = strlen(buf);
	if (a->scope != 0)
		(void)snprintf(buf + n, ADDR_TEXT_MAX - n, "%%%u",
		    (unsigned)a->scope);
	return buf;
}

const char *
addr_text(const struct addr *a, char *buf)
{
	char ip[ADDR_TEXT_MAX];

	(void)snprintf(buf, ADDR_TEXT_MAX,
	    a->family == 6 ? "[%.60s]:%u" : "%.60s:%u", addr_ip_text(a, ip),
	    (unsigned)a->port);
	return buf;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[sizeof(a->ip)];

	return a->family != 0 && memcmp(a->ip, zero, sizeof(zero)) == 0;
}

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		v4.sin_port = htons(a->port);
		memcpy(&v4.sin_addr, a->ip, sizeof(v4.sin_addr));
		memcpy(out, &v4, sizeof(v4));
		return (socklen_t)sizeof(v4);
	}
	if (a->family == 6) {
		v6.sin6_port = htons(a->port);
		v6.sin6_scope_id = a->scope;
		memcpy(&v6.sin6_addr, a->ip, sizeof(v6.sin6_addr));
		memcpy(out, &v6, sizeof(v6));
		return (socklen_t)sizeof(v6);
	}
	return 0;
}

enum err
addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *out)
{
	struct addr a = { 0 };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if ((size_t)len >= sizeof(v4) && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		a.family = 4;
		a.port = ntohs(v4.sin_port);
		memcpy(a.ip, &v4.sin_addr, sizeof(v4.sin_addr));
	} else if ((size_t)len >= sizeof(v6) && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		a.family = 6;
		a.port = ntohs(v6.sin6_port);
		memcpy(a.ip, &v6.sin6_addr, sizeof(v6.sin6_addr));
		if (is_link_local(&a))
			a.scope = v6.sin6_scope_id;
	} else {
		return ERR_FORMAT;
	}
	*out = a;
	return ERR_OK;
}

/* The bits of byte i that belong to a prefix of that length. */
static uint8_t
mask_byte(unsigned bits, size_t i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	if (bits <= 8 * i)
		return 0;
	return (uint8_t)(0xffu << (8 - (bits - 8 * i)));
}

enum err
prefix_parse(const char *text, struct prefix *out)
{
	char copy[ADDR_TEXT_MAX];
	struct prefix p = { .bits = 0 };
	unsigned long bits, most;
	char *length;
	enum err e;

	if (strlen(text) >= sizeof(copy))
		return ERR_FORMAT;
	memcpy(copy, text, strlen(text) + 1);
	length = cut(copy, '/');
	e = parse_ip(copy, &p.net);
	if (e != ERR_OK)
		return e;
	most = p.net.family == 4 ? 32 : 128;
	bits = most;
	if (length != NULL)
		e = parse_number(length, most, &bits);
	if (e != ERR_OK)
		return e;
	p.bits = (uint8_t)bits;
	for (size_t i = 0; i < sizeof(p.net.ip); i++) {
		if ((p.net.ip[i] & ~mask_byte(p.bits, i) & 0xff) != 0)
			return ERR_RANGE;
	}
	*out = p;
	return ERR_OK;
}

bool
prefix_holds(const struct prefix *p, const struct addr *a)
{
	if (p->net.family != a->family || a->family == 0)
		return false;
	for (size_t i = 0; i < sizeof(a->ip) && 8 * i < p->bits; i++) {
		if (((p->net.ip[i] ^ a->ip[i]) & mask_byte(p->bits, i)) != 0)
			return false;
	}
	return true;
}
