/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fields.c - what the items of the listed groups are made of, and the
 * sections the options stand in. Rows are read as those of options.c.
 */
#include "table.h"

#define IN(kind, member) offsetof(struct kind, member)

/* Words are stored as their index: they follow their enum. */
static const char *const action_words[] = { "allow", "allow-snoop", "refuse",
	"drop", NULL };
static const char *const zone_words[] = { "stub", "forward", NULL };
static const char *const local_words[] = { "static", "refuse",
	"always-nxdomain", "transparent", "typetransparent", "redirect",
	"always-nodata", "drop", "inform", "always-refuse", "always-null",
	"inform-drop", NULL };
static const char *const transport_words[] = { "udp", "tcp", NULL };
static const char *const zone_transport_words[] = { "udp", "tcp", NULL };

_Static_assert(sizeof(enum conf_action) == sizeof(uint32_t),
    "words are written as 32-bit numbers");

const struct option listen_fields[] = {
	{ .path = "address",
	    .type = OPTION_ADDRESS,
	    .is_required = true,
	    .offset = IN(conf_listen, address),
	    .help = "Address to listen on." },
	{ .path = "port",
	    .type = OPTION_NUMBER,
	    .offset = IN(conf_listen, port),
	    .initial = "53",
	    .least = 1,
	    .most = 65535,
	    .help = "Port to listen on." },
	{ .path = "transports",
	    .type = OPTION_WORDS,
	    .offset = IN(conf_listen, transports),
	    .initial = "[udp, tcp]",
	    .words = transport_words,
	    .help = "What to serve there." },
	{ 0 },
};

const struct option access_fields[] = {
	{ .path = "net",
	    .type = OPTION_PREFIX,
	    .is_required = true,
	    .offset = IN(conf_access, net),
	    .help = "Clients' network." },
	{ .path = "action",
	    .type = OPTION_WORD,
	    .is_required = true,
	    .offset = IN(conf_access, action),
	    .words = action_words,
	    .help = "allow answers; allow-snoop also answers questions that "
		    "do not ask for recursion, from the cache; refuse answers "
		    "REFUSED; drop does not answer." },
	{ 0 },
};

const struct option zone_fields[] = {
	{ .path = "name",
	    .type = OPTION_NAME,
	    .is_required = true,
	    .offset = IN(conf_zone, name),
	    .help = "Name of the zone; \".\" is everything." },
	{ .path = "type",
	    .type = OPTION_WORD,
	    .is_required = true,
	    .offset = IN(conf_zone, type),
	    .words = zone_words,
	    .help = "stub asks authoritative servers and follows their "
		    "referrals; forward leaves the work to other resolvers." },
	{ .path = "servers",
	    .type = OPTION_SERVER,
	    .is_list = true,
	    .is_required = true,
	    .offset = IN(conf_zone, servers),
	    .help = "Addresses to ask, each with @port if it is not 53. The "
		    "nearest is preferred, as everywhere." },
	{ .path = "fallback",
	    .type = OPTION_BOOL,
	    .offset = IN(conf_zone, fallback),
	    .initial = "false",
	    .help = "When none of the servers helps, find the zone's own "
		    "servers and ask those." },
	{ .path = "transport",
	    .type = OPTION_WORD,
	    .offset = IN(conf_zone, transport),
	    .initial = "udp",
	    .words = zone_transport_words,
	    .help = "udp falls back to TCP for long answers; tcp uses nothing "
		    "else." },
	{ .path = "dnssec",
	    .type = OPTION_BOOL,
	    .offset = IN(conf_zone, dnssec),
	    .initial = "true",
	    .help = "false does not validate what is in the zone." },
	{ 0 },
};

const struct option local_fields[] = {
	{ .path = "name",
	    .type = OPTION_NAME,
	    .is_required = true,
	    .offset = IN(conf_local_zone, name),
	    .help = "Name of the zone." },
	{ .path = "type",
	    .type = OPTION_WORD,
	    .is_required = true,
	    .offset = IN(conf_local_zone, type),
	    .words = local_words,
	    .help = "What becomes of names without local-data: static says "
		    "that there is nothing, refuse answers REFUSED, drop does "
		    "not answer, transparent resolves them (and turns off the "
		    "built-in handling of a special-use name), inform does "
		    "so and logs who asks. typetransparent also resolves "
		    "the types a name with local-data lacks. redirect answers "
		    "every name with the data of the zone's own name. "
		    "always-nxdomain and always-nodata deny everything, "
		    "always-refuse refuses it, always-null answers 0.0.0.0 "
		    "and ::, inform-drop is drop and logs who asks. "
		    "An alias in local-data is followed wherever "
		    "it leads." },
	{ .path = "view",
	    .type = OPTION_TEXT,
	    .offset = IN(conf_local_zone, view),
	    .initial = "",
	    .most = 63,
	    .help = "Only for the clients of this view." },
	{ 0 },
};

const struct option view_fields[] = {
	{ .path = "name",
	    .type = OPTION_TEXT,
	    .is_required = true,
	    .offset = IN(conf_view, name),
	    .most = 63,
	    .help = "What local-zones call it." },
	{ .path = "clients",
	    .type = OPTION_PREFIX,
	    .is_list = true,
	    .is_required = true,
	    .offset = IN(conf_view, clients),
	    .help = "Networks whose clients see it. The longest prefix "
		    "decides between views." },
	{ .path = "local-data",
	    .type = OPTION_RECORD,
	    .is_list = true,
	    .offset = IN(conf_view, local_data),
	    .initial = "[]",
	    .help = "Records for these clients, each one line as in a zone "
		    "file." },
	{ 0 },
};

const struct option negative_fields[] = {
	{ .path = "zone",
	    .type = OPTION_NAME,
	    .is_required = true,
	    .offset = IN(conf_negative, zone),
	    .help = "The name, with all below it." },
	{ .path = "until",
	    .type = OPTION_DATE,
	    .is_required = true,
	    .offset = IN(conf_negative, until_s),
	    .help = "The end of it, as 2027-01-31 or 2027-01-31T12:00:00Z." },
	{ .path = "reason",
	    .type = OPTION_TEXT,
	    .offset = IN(conf_negative, reason),
	    .initial = "",
	    .most = 127,
	    .help = "Why, for whoever finds it here later." },
	{ 0 },
};

const struct option_section sections[] = {
	{ "server", "The process." },
	{ "resolver", "How questions are resolved." },
	{ "server-selection", "Which of a zone's servers is asked." },
	{ "outgoing", "How servers are asked." },
	{ "cache", "What is remembered, and for how long." },
	{ "dnssec", "What is proven, and how." },
	{ "tcp", "Clients that connect." },
	{ "rate-limit", "How much is too much." },
	{ "logging", "What is written where." },
	{ "control", "How hitherctl reaches the server." },
	{ "web", "Figures for those who watch." },
};
const size_t sections_count = ARRAY_LEN(sections);
