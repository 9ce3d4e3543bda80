/* SPDX-License-Identifier: BSD-3-Clause */
/* test_conf.c - reading one text, and refusing it. */
#include "conf_support.h"

#include <hither/dns.h>

static void
nothing_said_serves_the_machine_itself(void **state)
{
	struct conf_source src = { 0 };
	struct conf *c = conf_load(&src, report);
	char ip[ADDR_TEXT_MAX];

	(void)state;
	assert_non_null(c);
	assert_int_equal(report->errors + report->warnings, 0);
	assert_int_equal(c->listen.count, 2);
	assert_string_equal(addr_ip_text(&c->listen.items[0].address, ip),
	    "127.0.0.1");
	assert_int_equal(c->listen.items[1].port, 53);
	assert_int_equal(c->listen.items[1].transports, CONF_UDP | CONF_TCP);
	assert_int_equal(c->access.count, 2);
	assert_int_equal(c->cache.records_bytes, 256u << 20);
	assert_int_equal(c->cache.max_ttl_ms, 86400000);
	assert_int_equal(c->resolver.query_timeout_ms, 6000);
	assert_int_equal(c->resolver.qname_minimization, CONF_QMIN_RELAXED);
	assert_int_equal(c->outgoing.do_not_query.count, 4);
	assert_int_equal(c->outgoing.source_ports.first, 1024);
	assert_int_equal(c->control.mode, 0660);
	assert_int_equal(c->server.threads, 0);
	assert_string_equal(c->server.identity, "");
	conf_free(c);
}

static void
a_file_sets_every_kind_of_option(void **state)
{
	struct conf *c = load(
	    "server: {threads: 4, nsid: ns-1, allow-root: yes}\n"
	    "listen:\n  - 192.0.2.1\n"
	    "  - {address: \"2001:db8::1\", port: 5353, transports: [tcp]}\n"
	    "cache:\n  records: 2G\n  failure-ttl: {first: 2s, max: 1m}\n"
	    "server-selection: {budget: 0.5, v4-bias: -20ms}\n"
	    "outgoing: {source-ports: 2000-9000}\n"
	    "zones:\n  - {name: corp.example, type: forward,\n"
	    "     servers: [192.0.2.9, 192.0.2.8@5300]}\n"
	    "local-data: ['a.test. 5 IN A 192.0.2.1']\n"
	    "local-zones: [{name: test, type: static}]\n"
	    "logging: {target: 'file:/x/y', level: debug, format: json}\n"
	    "control: {socket: \"\", mode: 0600}\n");

	(void)state;
	if (c == NULL)
		fail_msg("%s", tell());
	assert_int_equal(c->server.threads, 4);
	assert_string_equal(c->server.nsid, "ns-1");
	assert_true(c->server.allow_root);
	assert_int_equal(c->listen.items[1].port, 5353);
	assert_int_equal(c->listen.items[1].transports, CONF_TCP);
	assert_int_equal(c->cache.records_bytes, 2ull << 30);
	assert_int_equal(c->cache.failure_max_ms, 60000);
	assert_true(c->selection.budget > 0.49 && c->selection.budget < 0.51);
	assert_int_equal(c->selection.v4_bias_ms, -20);
	assert_int_equal(c->outgoing.source_ports.last, 9000);
	assert_int_equal(c->zones.items[0].type, CONF_FORWARD);
	assert_int_equal(name_labels(c->zones.items[0].name), 2);
	assert_int_equal(c->zones.items[0].servers.items[0].port, 53);
	assert_int_equal(c->zones.items[0].servers.items[1].port, 5300);
	assert_string_equal(c->local_data.items[0], "a.test. 5 IN A 192.0.2.1");
	assert_int_equal(c->local_zones.items[0].type, CONF_LOCAL_STATIC);
	assert_int_equal(c->logging.target.to, LOG_TO_FILE);
	assert_string_equal(c->logging.target.path, "/x/y");
	assert_int_equal(c->logging.level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->control.mode, 0600);
	conf_free(c);
}

static void
a_share_may_be_said_with_its_sign(void **state)
{
	static const char *const texts[] = {
		"cache: {prefetch: {remaining: 20%}}\n",
		"cache: {prefetch: {remaining: 20}}\n",
		"cache: {prefetch: {remaining: '20%'}}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct conf *c = load(texts[i]);

		assert_non_null(c);
		assert_int_equal(c->cache.prefetch.remaining, 20);
		conf_free(c);
	}
}

static void
an_error_names_place_line_and_what_was_meant(void **state)
{
	(void)state;
	assert_null(load("cache:\n  recrds: 1G\n"));
	assert_string_equal(tell(),
	    "a.yaml:2:3: error: cache.recrds: unknown option; did you mean "
	    "\"records\"?\n"
	    "    2 |   recrds: 1G\n"
	    "      |   ^~~~~~\n"
	    "1 error\n");
}

static void
all_errors_come_at_once(void **state)
{
	(void)state;
	assert_null(load("server: {threads: 0}\ncache: {records: 5}\n"
			 "access-control: [{net: 10.0.0.0/33, action: no}]\n"
			 "nonsense: 1\n"));
	assert_int_equal(report->errors, 5);
	assert_non_null(strstr(tell(), "(IPv4 length is 0-32)"));
}

static const struct {
	const char *text, *words;
} refused_values[] = {
	{ "cache: {records: 256}", "needs a unit" },
	{ "cache: {prefetch: {remaining: 60%}}", "out of range (1 to 50)" },
	{ "cache: {prefetch: {remaining: 10s}}", "not a whole number" },
	{ "server: {threads: 4%}", "not a whole number" },
	{ "cache: {records: 256MB}", "unknown unit" },
	{ "cache: {records: -1M}", "out of range (1M to 1T)" },
	{ "cache: {records: 99999999999999T}", "too large" },
	{ "cache: {min-ttl: 99999999999999999999s}", "too large" },
	{ "cache: {min-ttl: ten}", "is not a duration" },
	{ "cache: {min-ttl: 1h, max-ttl: 1m}", "is more than" },
	{ "cache: {min-ttl: }", "has no value" },
	{ "cache: {min-ttl: [1s]}", "is a list" },
	{ "cache: 5", "a section with options" },
	{ "server: {threads: 1.5}", "not a whole number or auto" },
	{ "server: {nsid: }", "write \"\" for none" },
	{ "server: {nsid: \"a\\0b\"}", "contains a NUL" },
	{ "server: {nsid: \"a\\nb\"}", "control character" },
	{ "resolver: {do-ip4: nein}", "neither true nor false" },
	{ "resolver: {do-ip4: no, do-ip6: no}", "both off" },
	{ "server-selection: {budget: nan}", "like 0.5" },
	{ "server-selection: {budget: 1e5}", "like 0.5" },
	{ "server-selection: {policy: nera}", "mean \"near\"?" },
	{ "logging: {level: warning}", "mean \"warn\"?" },
	{ "logging: {target: 'file:x'}", "file:/path" },
	{ "control: {mode: 4755}", "more than permission bits" },
	{ "control: {mode: 0x1}", "octal" },
	{ "outgoing: {source-ports: 0-5}", "within 1-65535" },
	{ "outgoing: {source-ports: 9-5}", "within 1-65535" },
	{ "outgoing: {source-ports: a}", "range of ports" },
	{ "outgoing: {interfaces-v4: ['::1']}", "not an IPv4" },
	{ "outgoing: {do-not-query: [10.0.0.1/8]}", "bits set" },
	{ "listen: []", "nobody could ask" },
	{ "listen: [127.0.0.1, 127.0.0.1]", "there twice" },
	{ "listen: [127.0.0.1@53]", "has a port" },
	{ "listen: [{port: 5}]", "lacks \"address\"" },
	{ "listen: [{address: 127.0.0.1, prot: 5}]", "\"port\"?" },
	{ "listen: [{address: 127.0.0.1, transports: []}]", "is empty" },
	{ "access-control: [10.0.0.0/8]", "{net: ..., action: ...}" },
	{ "access-control: [{net: ::1/128, action: allow}]", "quote IPv6" },
	{ "access-control: [{net: 10.0.0.0/8, action: allow}, "
	  "{net: 10.0.0.0/8, action: drop}]",
	    "different actions" },
	{ "zones: [{name: a..b, type: stub, servers: [192.0.2.1]}]",
	    "not a domain name" },
	{ "zones: [{name: a, type: stub, servers: []}]", "no servers" },
	{ "zones: [{name: a, type: stub, servers: [127.0.0.1]}]",
	    "listen on 127.0.0.1:53 ourselves" },
	{ "listen: [{address: \"::\", port: 54}]\n"
	  "zones: [{name: a, type: stub, servers: [\"::1@54\"]}]",
	    "listen on [::1]:54 ourselves" },
	{ "zones: [{name: a, type: stub, servers: [192.0.2.1@0]}]",
	    "port that is out of range" },
	{ "zones: [{name: a, type: stub, servers: [192.0.2.1]}, "
	  "{name: A., type: stub, servers: [192.0.2.1]}]",
	    "is there twice" },
	{ "local-data: ['a IN A 1.2.3']", "is not a record" },
	{ "local-zones: [{name: a, type: static}, "
	  "{name: a, type: refuse}]",
	    "there twice" },
	{ "views: [{name: v, clients: [10.0.0.0/8]}]\n"
	  "local-zones: [{name: a, type: static, view: v}, "
	  "{name: A, type: refuse, view: v}]",
	    "there twice" },
	{ "views: [{name: v, clients: [10.0.0.0/8, 192.0.2.0/24]}, "
	  "{name: w, clients: [192.0.2.0/24]}]",
	    "192.0.2.0/24 is in another view too" },
	{ "records: 1M", "mean \"cache.records\"?" },
	{ "sever: {}", "mean \"server\"?" },
	{ "include: x.yaml", "only files can include" },
};

static void
values_are_refused_for_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused_values); i++)
		refused(refused_values[i].text, refused_values[i].words);
}

static void
yaml_errors_say_what_to_do(void **state)
{
	(void)state;
	refused("listen: [::1]\n", "quote IPv6 addresses");
	refused("listen:\n\t- a\n", "YAML allows no tabs");
	refused("local-zones: [{name: *.x, type: static}]\n", "\"*.example\"");
	refused("server: {nsid: @x}\n", "begin with % @");
	refused("server: \"\xff\"\n", "not UTF-8");
	refused("server:\n---\nlisten:\n", "second YAML document");
	refused("- a\n", "not a list");
	refused("listen: !new [192.0.2.1]\n", "the only one is !override");
	refused("cache: !override {records: 1G}\n", "!override is for lists");
	refused("[]: 1\n", "a name was expected");
}

static void
one_name_twice_is_an_error(void **state)
{
	(void)state;
	refused("cache:\n  records: 1G\n  records: 2G\n",
	    "a.yaml:3:3: error: \"records\" is there twice, first in line 2");
	refused("cache: {}\ncache: {}\n", "there twice");
}

static void
merge_keys_fill_what_is_not_said(void **state)
{
	struct conf *c = load("cache: &c\n"
			      "  <<: [{records: 1G}, {records: 2G, "
			      "answers: 3M}]\n  answers: 4M\n");

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->cache.records_bytes, 1u << 30);
	assert_int_equal(c->cache.answers_bytes, 4u << 20);
	conf_free(c);
}

static void
aliases_cannot_blow_up_or_go_round(void **state)
{
	char bomb[4096] = "cache:\n  <<: &a0 {min-ttl: 1s}\nlisten:\n"
			  "  - &b0 [x]\n";
	char line[128];

	(void)state;
	refused("listen: &l [*l]\n", "error");
	refused("cache: &c {<<: *c}\n", "nested too deep");
	for (int i = 1; i < 12; i++) {
		(void)snprintf(line, sizeof(line),
		    "  - &b%d [*b%d, *b%d, *b%d, *b%d, *b%d, *b%d]\n", i, i - 1,
		    i - 1, i - 1, i - 1, i - 1, i - 1);
		strcat(bomb, line);
	}
	refused(bomb, "a mapping is wanted");
}

static void
warnings_do_not_stop_anything(void **state)
{
	struct conf *c =
	    load("access-control: [{net: 0.0.0.0/0, action: allow}]\n");

	(void)state;
	assert_non_null(c);
	assert_int_equal(report->warnings, 1);
	assert_non_null(strstr(tell(), "this is an open resolver"));
	assert_non_null(strstr(told, "1 warning\n"));
	conf_free(c);
	c = load("access-control: [{net: 0.0.0.0/0, action: allow}]\n"
		 "open-resolver: yes\n");
	assert_non_null(c);
	assert_int_equal(report->warnings, 1);
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REPORTED(nothing_said_serves_the_machine_itself),
		REPORTED(a_file_sets_every_kind_of_option),
		REPORTED(a_share_may_be_said_with_its_sign),
		REPORTED(an_error_names_place_line_and_what_was_meant),
		REPORTED(all_errors_come_at_once),
		REPORTED(values_are_refused_for_a_reason),
		REPORTED(yaml_errors_say_what_to_do),
		REPORTED(one_name_twice_is_an_error),
		REPORTED(merge_keys_fill_what_is_not_said),
		REPORTED(aliases_cannot_blow_up_or_go_round),
		REPORTED(warnings_do_not_stop_anything),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
