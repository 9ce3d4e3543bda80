/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_web.h - figures by HTTP for those who watch: rows of the table in
 * options.c, which includes this file in its place.
 */
	{ .path = "web.address",
	    .type = OPTION_ADDRESS,
	    .is_list = true,
	    .needs_restart = true,
	    .offset = AT(web.address),
	    .initial = "[]",
	    .help = "Where GET /metrics (for Prometheus) and GET /v1/health "
		    "are answered by HTTP over TCP, and nothing else; none: "
		    "only the control socket answers them." },
	{ .path = "web.port",
	    .type = OPTION_NUMBER,
	    .needs_restart = true,
	    .offset = AT(web.port),
	    .initial = "8953",
	    .least = 1,
	    .most = 65535,
	    .help = "TCP port of these." },
	{ .path = "web.allow",
	    .type = OPTION_PREFIX,
	    .is_list = true,
	    .offset = AT(web.allow),
	    .initial = "[127.0.0.0/8, \"::1/128\"]",
	    .help = "Who may ask there; from others connections are closed." },
