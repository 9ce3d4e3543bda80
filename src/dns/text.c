/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - names of types, response codes and extended errors.
 *
 * Types come from ldns's table, with the ones it does not know yet; an
 * unknown type is TYPEnnn both ways (RFC 3597 section 5).
 */
#include <hither/dns.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <ldns/rr.h>

#define TYPE_TEXT_MAX 16u

struct type_name {
	uint16_t type;
	const char *name;
};

/* What ldns 1.8.3 has no descriptor for. */
static const struct type_name more_types[] = {
	{ 128, "NXNAME" },
	{ TYPE_IXFR, "IXFR" },
	{ TYPE_AXFR, "AXFR" },
	{ TYPE_MAILB, "MAILB" },
	{ TYPE_MAILA, "MAILA" },
	{ TYPE_ANY, "ANY" },
	{ 261, "RESINFO" },
	{ 262, "WALLET" },
};

static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL",
	"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
	"NOTAUTH", "NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14",
	"RCODE15", "BADVERS", "BADKEY", "BADTIME", "BADMODE", "BADNAME",
	"BADALG", "BADTRUNC", "BADCOOKIE" };

static const char *const ede_titles[] = { "Other Error",
	"Unsupported DNSKEY Algorithm", "Unsupported DS Digest Type",
	"Stale Answer", "Forged Answer", "DNSSEC Indeterminate", "DNSSEC Bogus",
	"Signature Expired", "Signature Not Yet Valid", "DNSKEY Missing",
	"RRSIGs Missing", "No Zone Key Bit Set", "NSEC Missing", "Cached Error",
	"Not Ready", "Blocked", "Censored", "Filtered", "Prohibited",
	"Stale NXDOMAIN Answer", "Not Authoritative", "Not Supported",
	"No Reachable Authority", "Network Error", "Invalid Data",
	"Signature Expired before Valid", "Too Early",
	"Unsupported NSEC3 Iterations Value", "Unable to conform to policy",
	"Synthesized" };

const char *
type_text(uint16_t type, char *buf)
{
	const ldns_rr_descriptor *d = ldns_rr_descript(type);
	const char *name = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(more_types); i++)
		if (more_types[i].type == type)
			name = more_types[i].name;
	if (name == NULL && type != 0 && d != NULL && d->_type == type)
		name = d->_name;
	if (name != NULL && strlen(name) < TYPE_TEXT_MAX)
		(void)snprintf(buf, TYPE_TEXT_MAX, "%s", name);
	else
		(void)snprintf(buf, TYPE_TEXT_MAX, "TYPE%u", (unsigned)type);
	return buf;
}

/* "65280" behind "TYPE": digits only, up to 65535. */
static enum err
type_number_parse(const char *text, uint16_t *out)
{
	uint32_t value = 0;
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5)
			return ERR_FORMAT;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	if (i == 0)
		return ERR_FORMAT;
	if (value > UINT16_MAX)
		return ERR_RANGE;
	*out = (uint16_t)value;
	return ERR_OK;
}

enum err
type_parse(const char *text, uint16_t *out)
{
	ldns_rr_type type;
	char canonical[TYPE_TEXT_MAX];
	size_t i;

	if (strncasecmp(text, "TYPE", 4) == 0)
		return type_number_parse(text + 4, out);
	for (i = 0; i < ARRAY_LEN(more_types); i++)
		if (strcasecmp(text, more_types[i].name) == 0) {
			*out = more_types[i].type;
			return ERR_OK;
		}
	type = ldns_get_rr_type_by_name(text);
	if (type == 0 || (unsigned)type > UINT16_MAX ||
	    strcasecmp(type_text((uint16_t)type, canonical), text) != 0)
		return ERR_FORMAT;
	*out = (uint16_t)type;
	return ERR_OK;
}

const char *
rcode_text(unsigned rcode)
{
	return rcode < ARRAY_LEN(rcodes) ? rcodes[rcode] : "RCODE?";
}

bool
ede_is_dnssec(enum ede e)
{
	return (e >= EDE_UNSUPPORTED_ALGORITHM &&
		   e <= EDE_UNSUPPORTED_DIGEST) ||
	       (e >= EDE_DNSSEC_INDETERMINATE && e <= EDE_NSEC_MISSING);
}

const char *
ede_title(enum ede e)
{
	if (e == EDE_NONE)
		return "";
	return (unsigned)e < ARRAY_LEN(ede_titles) ? ede_titles[(unsigned)e]
						   : "Unknown Error";
}
