/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_limit.h - how much is too much: rows of the table in options.c,
 * which includes this file in its place.
 */
	{ .path = "rate-limit.clients.qps",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.clients.qps),
	    .initial = "off",
	    .least = 1,
	    .most = 100000,
	    .zero_word = "off",
	    .help = "Questions a second that one network may ask by UDP; past "
		    "it most get no answer. Those who show a cookie of ours "
		    "or come by TCP have as many of their own, which nobody "
		    "can use up in their name, and are then refused.",
	    .rfc = "RFC 5358" },
	{ .path = "rate-limit.clients.burst",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.clients.burst),
	    .initial = "auto",
	    .least = 1,
	    .most = 1000000,
	    .zero_word = "auto",
	    .help = "So many at once after a rest; auto is what two seconds "
		    "allow." },
	{ .path = "rate-limit.clients.prefix-v4",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.clients.prefix_v4),
	    .initial = "32",
	    .least = 8,
	    .most = 32,
	    .help = "Leading bits of an IPv4 address that make one network." },
	{ .path = "rate-limit.clients.prefix-v6",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.clients.prefix_v6),
	    .initial = "56",
	    .least = 16,
	    .most = 128,
	    .help = "The same for IPv6." },
	{ .path = "rate-limit.clients.slip",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.clients.slip),
	    .initial = "2",
	    .least = 1,
	    .most = 100,
	    .zero_word = "off",
	    .help = "Of the questions past the bound, every how many-th is "
		    "answered after all: that TCP, or a cookie, is needed. 1 "
		    "is each, off none." },
	{ .path = "rate-limit.clients.exempt",
	    .type = OPTION_PREFIX,
	    .is_list = true,
	    .offset = AT(rate_limit.clients.exempt),
	    .initial = "[]",
	    .help = "Networks without such bounds." },
	{ .path = "rate-limit.responses.qps",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.responses.qps),
	    .initial = "off",
	    .least = 1,
	    .most = 100000,
	    .zero_word = "off",
	    .help = "Equal questions a second that one network may ask by "
		    "UDP, against floods reflected at somebody else; burst, "
		    "prefix, slip and exempt are those of "
		    "rate-limit.clients." },
	{ .path = "rate-limit.zones.qps",
	    .type = OPTION_NUMBER,
	    .offset = AT(rate_limit.zones.qps),
	    .initial = "off",
	    .least = 1,
	    .most = 100000,
	    .zero_word = "off",
	    .help = "Questions a second to the servers of one zone, twice as "
		    "many at once, against floods of random names below it; "
		    "past it clients get SERVFAIL. Answers from memory are "
		    "not counted. The root, names of one label and configured "
		    "zones have no such bound." },
	{ .path = "rate-limit.zones.exempt",
	    .type = OPTION_NAME,
	    .is_list = true,
	    .offset = AT(rate_limit.zones.exempt),
	    .initial = "[]",
	    .help = "Zones, with all below them, without such a bound." },
