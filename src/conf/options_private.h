/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_private.h - what public names may not lead to: rows of the table in
 * options.c, which includes this file in its place.
 */
	{ .path = "private-addresses",
	    .type = OPTION_PREFIX,
	    .is_list = true,
	    .offset = AT(private_addresses),
	    .initial = "[]",
	    .help = "Networks that answers of others must not lead into, such "
		    "as your own (DNS rebinding): such addresses are taken "
		    "out, also where IPv6 carries them and where SVCB and "
		    "HTTPS records hint at them. What local-data says is not "
		    "looked at." },
	{ .path = "private-domains",
	    .type = OPTION_NAME,
	    .is_list = true,
	    .offset = AT(private_domains),
	    .initial = "[]",
	    .help = "Names, with all below them, that may lead there. The "
		    "name asked for counts, not those its aliases lead to." },
