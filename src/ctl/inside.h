/* SPDX-License-Identifier: BSD-3-Clause */
/* inside.h - what the files of ctl share. */
#ifndef HITHER_CTL_INSIDE_H
#define HITHER_CTL_INSIDE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

#include <hither/ctl.h>

#define CTL_CLIENTS_MAX	  8u
#define CTL_REQUEST_MAX	  65536u
#define CTL_TARGET_MAX	  8192
#define CTL_TIMEOUT_S	  5
#define CTL_HEALTH_MS	  1000u
#define CTL_REQUESTS_MAX  32u

enum {
	HTTP_DONE = 200, HTTP_BAD = 400, HTTP_UNKNOWN = 404, HTTP_METHOD = 405,
	HTTP_TOO_LARGE = 413, HTTP_FAILED = 500, HTTP_BUSY = 503
};

/* Sums over all workers. */
struct totals {
	struct front_counts front;
	struct resolver_counts resolver;
	struct cache_counts cache;
	uint64_t receive_drops;
};

/*
 * One request, from its last byte to the reply. The main thread owns it,
 * except while its job is on its way: then whoever runs the job does.
 */
struct request {
	struct ctl_job job;
	struct ctl *ctl;
	struct request *before, *after; /* in the ctl's list */
	/* main thread only; NULL: the client has gone, or has its reply */
	struct client *client;
	struct evkeyvalq args;
	bool has_args;
	bool only_figures; /* by TCP: /metrics and health, nothing else */
	bool travels; /* the job is on another thread */
	struct timer timer;
	/* what the job needs and finds */
	json_t *result; /* owned */
	int code;	/* of HTTP */
	struct name name;
	uint16_t type;
	bool cold;
	size_t worker;
	uint64_t sent_us; /* when the job set out for that worker */
	struct totals totals;
	uint32_t *lags_us; /* owned; how long each worker took to turn to it */
};

struct ctl {
	struct ctl_opts opts;
	struct http *http;
	struct http *web[CTL_WEB_MAX];
	size_t web_count;
	struct request *requests;
	size_t request_count;
	struct timer second;
	uint64_t queries_then, sampled_us;
	double qps;
	char *path;
};

/* --- http.c ------------------------------------------------------------ */

struct http;
struct client;
/*
 * Takes the listening descriptor, unless it fails. By TCP only figures are
 * told, and only to those whom web.allow names.
 */
struct http *http_new(struct ctl *ctl, int fd, bool by_tcp) MUST_USE;
void http_free(struct http *h); /* NULL is fine */
/* The client's one reply; it goes when that is sent, or cannot be. */
void client_reply(
    struct client *c, int code, const char *type, const char *body);
#define TYPE_JSON "application/json"


/* --- server.c ---------------------------------------------------------- */

/* NULL: there are too many. */
struct request *request_begin(struct ctl *c, struct client *client) MUST_USE;
void request_run(struct request *r, const char *method, const char *target);
/* The client left early: the reply goes nowhere. */
void request_forsaken(struct request *r);
/* The reply leaves now, the request stays until its job is home. */
void request_reply(struct request *r, int code, const json_t *body);

const char *request_argument(struct request *r, const char *name);
bool request_flag(struct request *r, const char *name);
/* Takes the reference to body. Frees the request. Main thread. */
void request_answer(struct request *r, int code, json_t *body);
/* The same with a body of another type. Copies the text. */
void request_answer_text(
    struct request *r, int code, const char *type, const char *text);
/* {"error": text}. Frees the request. Main thread. */
void request_fail(struct request *r, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Sends the job to a worker; the request fails when that cannot be. */
void request_to_worker(struct request *r, size_t worker,
    void (*run)(struct ctl_job *job, const struct ctl_worker *worker));
/* From a worker: result and code are set, answer from the main thread. */
void request_return(struct request *r);
/* From a worker to the next one, or home to `last` when there is none. */
void request_onward(struct request *r, void (*last)(struct ctl_job *job,
    const struct ctl_worker *worker));

/* --- socket.c ---------------------------------------------------------- */

/* A listening descriptor, or -1 and `why`. */
int socket_listen(const struct ctl_opts *o, char *why, size_t size);
/* The same by TCP. */
int socket_listen_tcp(const struct addr *a, char *why, size_t size);

/* --- commands.c -------------------------------------------------------- */

/* NULL: no such command. */
void (*command_function(const char *path, bool *changes))(struct request *r);

/* --- totals.c ---------------------------------------------------------- */

/* On the worker's own thread. */
void totals_add(struct totals *t, const struct ctl_worker *w);

/* --- status.c ---------------------------------------------------------- */

void command_status(struct request *r);
void command_health(struct request *r);
void second_passed(void *user); /* samples the rate of questions */
uint64_t questions(const struct front_counts *f);
double hit_ratio(const struct front_counts *f);
json_t *json_count(uint64_t n);
json_t *latency_json(const struct front_counts *f);
json_t *cache_json(const struct cache_counts *c);

/* --- stats.c ----------------------------------------------------------- */

void command_stats(struct request *r);

/* --- stats_dnssec.c ---------------------------------------------------- */

json_t *dnssec_json(const struct resolver_counts *c);

/* --- ask.c ------------------------------------------------------------- */

void command_trace(struct request *r);

/* --- believe.c --------------------------------------------------------- */

json_t *beliefs_json(const struct ctl_offer *offer);

void command_anchors(struct request *r);
void command_nta_add(struct request *r);
void command_nta_del(struct request *r);
void command_nta_list(struct request *r);

/* --- cached.c ---------------------------------------------------------- */

void command_cache_dump(struct request *r);
void command_cache_lookup(struct request *r);
void command_cache_stats(struct request *r);
void command_cache_save(struct request *r);
void command_cache_load(struct request *r);

/* --- near.c ------------------------------------------------------------ */

/* The argument as a name in r->name; false: the request has failed. */
bool request_name(struct request *r, const char *argument);
void command_servers(struct request *r);
void command_sites(struct request *r);
/* Where questions went and why, counted. */
json_t *selection_json(struct servers *sv);

/* --- metrics.c --------------------------------------------------------- */

void command_metrics(struct request *r);

/* --- process.c --------------------------------------------------------- */

void process_metrics(FILE *out);

/* --- change.c ---------------------------------------------------------- */

void command_flush(struct request *r);
void command_reload(struct request *r);
void command_loglevel(struct request *r);
void command_stop(struct request *r);
void command_config_show(struct request *r);

#endif
