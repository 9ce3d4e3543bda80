/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl.h - the control socket: HTTP and JSON on a Unix socket.
 *
 * It lives on the main thread's loop. What only a worker's thread may touch
 * (a resolver) is asked by a job that travels to that thread and back; the
 * HTTP reply waits meanwhile. The daemon offers what commands need through
 * struct ctl_offer; commands hold no logic of their own.
 *
 * The protocol: GET (what only looks) or POST (what changes something)
 * /v1/COMMAND?argument=value. The reply is one JSON object; a failure has
 * the member "error". GET /metrics has all figures as text for Prometheus.
 * Over TCP, where the configuration asks for that, only these and
 * /v1/health are answered.
 */
#ifndef HITHER_CTL_H
#define HITHER_CTL_H

#include <hither/conf.h>
#include <hither/dnssec.h>
#include <hither/front.h>
#include <hither/net.h>
#include <hither/policy.h>

/* --- work for other threads ------------------------------------------- */

/* What a worker lends to a job that runs on its thread. */
struct ctl_worker {
	struct resolver *resolver;
	struct front *front;
	/* Sums of the resolvers before this one. */
	const struct resolver_counts *retired;
	size_t index;
};
/* Lies in whatever it is work on; `worker` is NULL on the main thread. */
struct ctl_job {
	struct ctl_job *next;
	void (*run)(struct ctl_job *job, const struct ctl_worker *worker);
};

/* --- what the daemon offers ------------------------------------------- */

struct ctl_reload {
	bool dry_run;
	struct conf_report *report; /* filled; the caller's */
	void (*seen)(void *user, const struct conf_change *change);
	void *user;
	/* written by the daemon */
	uint32_t generation;
	uint64_t took_us;
	char why[256]; /* failed without an error in the report; or "" */
};
struct ctl_offer {
	void *user;
	size_t workers;
	struct cache *cache;
	struct servers *servers;
	struct anchors *anchors;
	const struct rollovers *rollovers; /* the main thread's */
	uint64_t started_s; /* wall clock */
	/* False: that worker takes no more work. */
	bool (*on_worker)(void *user, size_t worker, struct ctl_job *job);
	/* From any thread. */
	void (*on_main)(void *user, struct ctl_job *job);
	/* The present configuration; borrowed until the next reload. */
	const struct conf *(*conf)(void *user);
	uint32_t (*generation)(void *user);
	enum err (*reload)(void *user, struct ctl_reload *r);
	void (*stop)(void *user);
};

struct ctl;
struct ctl_opts {
	struct loop *loop;
	const char *socket; /* path; "": none */
	const char *group;  /* "": left as it is */
	uint32_t mode;
	/* where /metrics and /v1/health are answered over TCP as well */
	const struct addr *web;
	size_t web_count;
	uint16_t web_port;
	struct ctl_offer offer;
};
#define CTL_WEB_MAX 16u
/*
 * Binds and serves. A socket that a dead process left is replaced, one that
 * somebody answers on is not. NULL: *why (static or in a buffer of `size`).
 */
struct ctl *ctl_new(const struct ctl_opts *o, char *why, size_t size) MUST_USE;
/* No job may be on another thread any more: the workers have ended. */
void ctl_free(struct ctl *c); /* NULL is fine; removes the socket */

void ctl_add_counts(
    struct resolver_counts *sum, const struct resolver_counts *more);

/* --- the commands, for the server, the tool and its help --------------- */

enum ctl_argument_kind {
	CTL_NO_ARGUMENT, /* ends the list */
	CTL_REQUIRED,
	CTL_OPTIONAL,
	CTL_FLAG, /* --name */
};
struct ctl_argument {
	const char *name;
	enum ctl_argument_kind kind;
};
#define CTL_ARGUMENTS_MAX 4u
struct ctl_command {
	const char *name; /* "config show": words by a blank, by '/' in a URL */
	struct ctl_argument arguments[CTL_ARGUMENTS_MAX];
	const char *help;
	bool changes; /* POST */
};
/* Ends with .name NULL. */
const struct ctl_command *ctl_commands(void);

/* Would the daemon start with it? Files are opened, records are built. */
enum err ctl_check_conf(
    const struct conf *c, char *why, size_t size) MUST_USE;

/*
 * The anchors that a configuration names, positive and negative; none when
 * it does not validate. ERR_FORMAT: why names file, line and column.
 */
enum err ctl_build_anchors(const struct conf *c, struct anchors *out,
    char *why, size_t size) MUST_USE;

/* Where the root servers are; in the arena. why says what is wrong. */
struct hints {
	struct rrset **sets;
	size_t count;
};
enum err ctl_build_hints(const struct conf *c, struct arena *a,
    struct hints *out, char *why, size_t size) MUST_USE;

/*
 * Who may ask, and what is answered here; *out is the caller's to free.
 * ERR_FORMAT and ERR_NOT_FOUND: why says which record or file.
 */
enum err ctl_build_policy(const struct conf *c, struct policy **out,
    char *why, size_t size) MUST_USE;

/* The secrets a configuration names, if it does; why as above. */
enum err ctl_read_secrets(const struct conf *c, struct cookie_secrets *out,
    char *why, size_t size) MUST_USE;

#define CTL_REPLY_MAX ((size_t)16 << 20)

#endif
