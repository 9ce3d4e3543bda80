/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf.h - the configuration: read whole, checked whole, then never changed.
 *
 * One option table makes the parser, the checks, the JSON schema, the manual
 * page, the sample file and the listing. Later sources win: built-in values,
 * the main file, its includes, the environment, --set. Lists append, the tag
 * !override replaces; the built-in value of a list goes with its first use.
 */
#ifndef HITHER_CONF_H
#define HITHER_CONF_H

#include <stdio.h>

#include <hither/base.h>

/* Where something was said. */
struct conf_mark {
	const char *file;   /* NULL: built in */
	const char *source; /* text of the file while it is being read */
	uint32_t line;      /* from 1; 0: the source has no lines */
	uint32_t column;    /* from 1 */
	uint32_t width;     /* columns worth underlining */
};

enum conf_clock { CONF_CLOCK_MONOTONIC, CONF_CLOCK_REALTIME };
enum conf_action { CONF_ALLOW, CONF_ALLOW_SNOOP, CONF_REFUSE, CONF_DROP };
enum conf_qmin { CONF_QMIN_OFF, CONF_QMIN_RELAXED, CONF_QMIN_STRICT };
enum conf_selection { CONF_NEAR, CONF_RANDOM };
enum conf_zone_type { CONF_STUB, CONF_FORWARD };
enum conf_transport { CONF_BY_UDP, CONF_BY_TCP };
enum conf_local_type {
	CONF_LOCAL_STATIC,
	CONF_LOCAL_REFUSE,
	CONF_LOCAL_NXDOMAIN,
	CONF_LOCAL_TRANSPARENT,
	CONF_LOCAL_TYPETRANSPARENT,
	CONF_LOCAL_REDIRECT,
	CONF_LOCAL_NODATA,
	CONF_LOCAL_DROP,
	CONF_LOCAL_INFORM,
	CONF_LOCAL_ALWAYS_REFUSE,
	CONF_LOCAL_ALWAYS_NULL,
	CONF_LOCAL_INFORM_DROP
};
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

/* Bits of conf_listen.transports. */
#define CONF_UDP BIT(0)
#define CONF_TCP BIT(1)

struct conf_listen {
	struct conf_mark at;
	struct addr address; /* port 0; see port */
	uint32_t port;
	uint32_t transports; /* CONF_UDP | CONF_TCP */
};
struct conf_access {
	struct conf_mark at;
	struct prefix net;
	enum conf_action action;
};
struct conf_addrs {
	const struct addr *items;
	size_t count;
};
struct conf_prefixes {
	const struct prefix *items;
	size_t count;
};
struct conf_names {
	const uint8_t *const *items; /* wire form */
	size_t count;
};
struct conf_texts {
	const char *const *items;
	size_t count;
};
struct conf_zone {
	struct conf_mark at;
	const uint8_t *name; /* wire form */
	enum conf_zone_type type;
	struct conf_addrs servers; /* with their ports */
	bool fallback;
	enum conf_transport transport;
	bool dnssec;		   /* false: not validated */
};
struct conf_local_zone {
	struct conf_mark at;
	const uint8_t *name; /* wire form */
	enum conf_local_type type;
	const char *view; /* "": for everybody */
};
struct conf_view {
	struct conf_mark at;
	const char *name;
	struct conf_prefixes clients;
	struct conf_texts local_data;
};
/* A name that is not validated for a while, RFC 7646. */
struct conf_negative {
	struct conf_mark at;
	const uint8_t *zone; /* wire form */
	uint64_t until_s;    /* wall clock */
	const char *reason;
};
struct conf_ports {
	uint16_t first, last; /* first <= last */
};
struct conf_target {
	enum log_target to;
	const char *path; /* LOG_TO_FILE only, else NULL */
};

/* Durations are int64_t milliseconds, sizes uint64_t bytes; "" is "none". */
struct conf {
	struct {
		const char *identity, *version_text, *nsid;
		uint32_t threads;       /* 0: one a processor */
		const char *user;       /* "": stay who we are */
		const char *root_hints; /* "": built in */
		const char *directory;	/* "": nothing is kept */
		uint32_t max_concurrent_queries;
		enum conf_clock test_clock;
		bool allow_root;
	} server;
	struct {
		const struct conf_listen *items;
		size_t count;
	} listen;
	struct {
		const struct conf_access *items;
		size_t count;
	} access;
	bool open_resolver;
	struct {
		enum conf_qmin qname_minimization;
		bool query_case_randomization, answer_rotation, refuse_any;
		bool minimal_responses, do_ip4, do_ip6, dns_cookies;
		const char *cookie_secret_file; /* "": our own */
		uint32_t max_cname_chain, max_upstream_queries;
		uint64_t max_upstream_bytes;
		int64_t query_timeout_ms;
	} resolver;
	struct {
		enum conf_selection policy;
		double budget, tail_weight;
		int64_t v4_bias_ms; /* may be negative */
		bool learn_site, save_on_exit;
	} selection;
	struct {
		struct conf_addrs interfaces_v4, interfaces_v6; /* port 0 */
		uint32_t port;
		struct conf_ports source_ports;
		uint32_t port_uses;
		uint32_t edns_buffer_size;
		int64_t tcp_idle_timeout_ms;
		struct conf_prefixes do_not_query;
	} outgoing;
	struct {
		uint64_t records_bytes, answers_bytes;
		uint32_t infra_entries;
		int64_t min_ttl_ms, max_ttl_ms, max_negative_ttl_ms;
		int64_t failure_first_ms, failure_max_ms;
		bool save_on_exit;
		struct {
			bool enable;
			uint32_t remaining; /* percent */
		} prefetch;
		struct {
			bool enable;
			int64_t max_stale_ms, client_timeout_ms, answer_ttl_ms;
		} stale;
	} cache;
	struct {
		bool validation;
		const char *trust_anchor_file;	/* "": built in */
		struct conf_texts trust_anchors; /* records, checked */
		bool auto_trust_anchor, trust_anchor_signaling;
		bool root_key_sentinel, aggressive_nsec, sha1;
		struct {
			const struct conf_negative *items;
			size_t count;
		} negative_trust_anchors;
		uint32_t nsec3_max_iterations, max_validations;
	} dnssec;
	struct {
		uint32_t max_clients, max_pipelined;
		int64_t idle_timeout_ms;
		uint64_t max_buffer_bytes;
	} tcp;
	struct {
		struct {
			uint32_t qps;   /* 0: no bound */
			uint32_t burst; /* 0: twice qps */
			uint32_t prefix_v4, prefix_v6; /* bits */
			uint32_t slip;  /* 0: none is told */
			struct conf_prefixes exempt;
		} clients;
		struct {
			uint32_t qps; /* 0: no bound */
		} responses;
		struct {
			uint32_t qps; /* 0: no bound */
			struct conf_names exempt;
		} zones;
	} rate_limit;
	struct {
		const struct conf_zone *items;
		size_t count;
	} zones;
	struct conf_texts local_data; /* records in zone-file form, checked */
	struct {
		const struct conf_local_zone *items;
		size_t count;
	} local_zones;
	struct {
		const struct conf_view *items;
		size_t count;
	} views;
	const char *hosts_file; /* "": none */
	struct conf_prefixes private_addresses;
	struct conf_names private_domains;
	struct {
		struct conf_target target;
		enum log_level level;
		enum conf_log_format format;
		bool servfail;
	} logging;
	struct {
		const char *socket; /* "": off */
		const char *group;  /* "": the group of the process */
		uint32_t mode;
	} control;
	struct {
		struct conf_addrs address; /* port 0; none: off */
		uint32_t port;
		struct conf_prefixes allow;
	} web;

	/* conf's own */
	struct arena *arena;
	const struct conf_mark *origins; /* one an option, in table order */
};

/* --- what is wrong ------------------------------------------------------ */

struct conf_problem {
	struct conf_problem *next;
	bool is_warning;
	struct conf_mark at;     /* .source is NULL */
	const char *source_line; /* NULL: nothing to show */
	const char *text;        /* "cache.records: 5 needs a unit" */
};
/* Errors past CONF_PROBLEMS_MAX are counted, not kept. */
#define CONF_PROBLEMS_MAX 200u
struct conf_report {
	struct conf_problem *first, *last; /* in the order found */
	unsigned errors, warnings;
	struct arena *arena;
};
struct conf_report *conf_report_new(void) MUST_USE;
void conf_report_free(struct conf_report *r); /* NULL is fine */
/* Adds an error that only shows when the configuration is put to use. */
void conf_report_add(struct conf_report *r, const char *text);
/* file:line:column, source line with caret, and a last line of counts. */
void conf_report_print(const struct conf_report *r, FILE *out);
void conf_report_json(const struct conf_report *r, FILE *out);

/* --- reading ------------------------------------------------------------ */

struct conf_source {
	const char *path;           /* main file, or NULL: none */
	const char *text;           /* used in its place when not NULL */
	size_t text_bytes;          /* of text; "include" is refused in it */
	const char *const *environ; /* "HITHER_A__B=c" count; or NULL */
	const char *const *sets;    /* "a.b=c", set_count of them */
	size_t set_count;
};

/*
 * NULL when the report holds an error (always so when memory is out). The
 * files' owner, the user and the sockets are not looked at here.
 */
struct conf *conf_load(const struct conf_source *src,
    struct conf_report *report) MUST_USE;
void conf_free(struct conf *c); /* NULL is fine */

/* --- telling ------------------------------------------------------------ */

enum conf_show_mode {
	CONF_SHOW_ALL,     /* every option and its value, as YAML */
	CONF_SHOW_CHANGED, /* only what differs from the built-in value */
	CONF_SHOW_ORIGIN,  /* all, with "# file:line" behind each */
};
void conf_show(const struct conf *c, enum conf_show_mode mode, FILE *out);

struct conf_change {
	const char *option;         /* "server.threads"; static */
	bool reloadable;            /* false: needs a restart */
	const char *before, *after; /* as YAML; only during the call */
};
/* Calls seen() once for each option that differs; ERR_MEMORY is possible. */
enum err conf_diff(const struct conf *before, const struct conf *after,
    void (*seen)(void *user, const struct conf_change *change),
    void *user) MUST_USE;

void conf_schema(FILE *out); /* JSON Schema, draft 7 */
void conf_man(FILE *out);    /* hither.conf(5), as scdoc(5) source */
void conf_sample(FILE *out); /* every option, commented out, with its help */

#endif
