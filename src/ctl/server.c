/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - from a request to its reply.
 *
 * The path names the command; its function answers at once, or sends the
 * request's job to a worker and answers when it is back. A client that leaves
 * early leaves the request behind: it is freed when its job comes home.
 */
#include "inside.h"

#include <string.h>
#include <unistd.h>

/* --- one request ------------------------------------------------------- */

const char *
request_argument(struct request *r, const char *name)
{
	return r->has_args ? evhttp_find_header(&r->args, name) : NULL;
}

bool
request_flag(struct request *r, const char *name)
{
	const char *value = request_argument(r, name);

	return value != NULL && strcmp(value, "0") != 0 &&
	       strcmp(value, "false") != 0;
}

static void
request_free(struct request *r)
{
	struct ctl *c = r->ctl;

	timer_cancel(loop_timers(c->opts.loop), &r->timer);
	if (r->before != NULL)
		r->before->after = r->after;
	else
		c->requests = r->after;
	if (r->after != NULL)
		r->after->before = r->before;
	c->request_count--;
	if (r->has_args)
		evhttp_clear_headers(&r->args);
	json_decref(r->result);
	memory_free(r->lags_us);
	memory_free(r);
}

/* The reply to whoever still waits for it. */
void
request_reply(struct request *r, int code, const json_t *body)
{
	struct client *client = r->client;
	char *line = NULL;
	char *text = json_dumps(body,
	    JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));

	r->client = NULL;
	if (client != NULL && text != NULL && asprintf(&line, "%s\n", text) > 0)
		client_reply(client, code, TYPE_JSON, line);
	else if (client != NULL)
		client_reply(client, HTTP_FAILED, TYPE_JSON,
		    "{\"error\":\"no memory\"}\n");
	free(line);
	free(text);
}

void
request_forsaken(struct request *r)
{
	r->client = NULL;
}

void
request_answer(struct request *r, int code, json_t *body)
{
	if (body == NULL) {
		request_fail(r, HTTP_FAILED, "no memory");
		return;
	}
	request_reply(r, code, body);
	json_decref(body);
	request_free(r);
}

void
request_answer_text(struct request *r, int code, const char *type,
    const char *text)
{
	struct client *client = r->client;

	r->client = NULL;
	if (client != NULL)
		client_reply(client, code, type, text);
	request_free(r);
}

void
request_fail(struct request *r, int code, const char *fmt, ...)
{
	char text[512];
	json_t *body;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	body = json_pack("{s:s}", "error", text);
	request_reply(r, code, body != NULL ? body : json_null());
	json_decref(body);
	request_free(r);
}

/* --- its travels ------------------------------------------------------- */

static void
come_home(struct ctl_job *job, const struct ctl_worker *worker)
{
	struct request *r = (struct request *)job;
	json_t *body = r->result;

	(void)worker;
	r->travels = false;
	r->result = NULL;
	request_answer(r, r->code, body);
}

void
request_to_worker(struct request *r, size_t worker,
    void (*run)(struct ctl_job *job, const struct ctl_worker *worker))
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	r->job.run = run;
	r->worker = worker;
	r->sent_us = clock_mono_us();
	r->travels = true;
	if (offer->on_worker(offer->user, worker, &r->job))
		return;
	r->travels = false;
	request_fail(r, HTTP_BUSY, "too many jobs, or stopping");
}

void
request_return(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	r->job.run = come_home;
	offer->on_main(offer->user, &r->job);
}

void
request_onward(struct request *r,
    void (*last)(struct ctl_job *job, const struct ctl_worker *worker))
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	r->sent_us = clock_mono_us();
	if (++r->worker < offer->workers &&
	    offer->on_worker(offer->user, r->worker, &r->job))
		return;
	r->job.run = last;
	offer->on_main(offer->user, &r->job);
}

/* --- dispatch ---------------------------------------------------------- */

struct request *
request_begin(struct ctl *c, struct client *client)
{
	struct request *r;

	if (c->request_count >= CTL_REQUESTS_MAX)
		return NULL;
	r = memory_new(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->ctl = c;
	r->client = client;
	r->code = HTTP_DONE;
	r->after = c->requests;
	if (c->requests != NULL)
		c->requests->before = r;
	c->requests = r;
	c->request_count++;
	return r;
}

static void
dispatch(struct request *r, const char *method, const char *path)
{
	bool changes = false, is_post = strcmp(method, "POST") == 0;
	bool looks = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	void (*run)(struct request *) = NULL;

	if (path != NULL && strncmp(path, "/v1/", 4) == 0)
		run = command_function(path + 4, &changes);
	else if (path != NULL && strcmp(path, "/metrics") == 0)
		run = command_metrics;
	if (r->only_figures && run != command_metrics && run != command_health)
		run = NULL;
	if (run == NULL && r->only_figures)
		request_fail(r, HTTP_UNKNOWN,
		    "here are only /metrics and /v1/health");
	else if (run == NULL)
		request_fail(r, HTTP_UNKNOWN,
		    "no such command: they are at /v1/, and /metrics");
	else if (changes ? !is_post : !looks)
		request_fail(r, HTTP_METHOD, "ask by %s",
		    changes ? "POST" : "GET");
	else
		run(r);
}

void
request_run(struct request *r, const char *method, const char *target)
{
	struct evhttp_uri *uri = evhttp_uri_parse(target);
	const char *query;

	if (uri == NULL) {
		request_fail(r, HTTP_BAD, "not a path");
		return;
	}
	query = evhttp_uri_get_query(uri);
	r->has_args =
	    query != NULL && evhttp_parse_query_str(query, &r->args) == 0;
	dispatch(r, method, evhttp_uri_get_path(uri));
	evhttp_uri_free(uri);
}

/* --- the server -------------------------------------------------------- */

static bool
open_web(struct ctl *c, char *why, size_t size)
{
	const struct ctl_opts *o = &c->opts;

	if (o->web_count > CTL_WEB_MAX) {
		(void)snprintf(why, size, "web.address: %u are the most",
		    CTL_WEB_MAX);
		return false;
	}
	for (size_t i = 0; i < o->web_count; i++) {
		struct addr a = o->web[i];
		int fd;

		a.port = o->web_port;
		fd = socket_listen_tcp(&a, why, size);
		if (fd == -1)
			return false;
		c->web[i] = http_new(c, fd, true);
		if (c->web[i] == NULL) {
			(void)snprintf(why, size, "no memory");
			(void)close(fd);
			return false;
		}
		c->web_count++;
	}
	return true;
}

static bool
open_socket(struct ctl *c, char *why, size_t size)
{
	int fd = socket_listen(&c->opts, why, size);

	if (fd == -1)
		return false;
	c->path = strdup(c->opts.socket);
	c->http = c->path != NULL ? http_new(c, fd, false) : NULL;
	if (c->http != NULL)
		return true;
	(void)snprintf(why, size, "no memory");
	(void)close(fd);
	return false;
}

struct ctl *
ctl_new(const struct ctl_opts *o, char *why, size_t size)
{
	struct ctl *c = memory_new(sizeof(*c));

	if (c == NULL) {
		(void)snprintf(why, size, "no memory");
		return NULL;
	}
	c->opts = *o;
	if ((o->socket[0] != '\0' && !open_socket(c, why, size)) ||
	    !open_web(c, why, size)) {
		ctl_free(c);
		return NULL;
	}
	c->second.fire = second_passed;
	c->second.user = c;
	/* The first sample waits until the workers run. */
	if (timer_arm(loop_timers(o->loop), &c->second,
		clock_mono_us() + 1000000) != ERR_OK)
		log_warn("rate-stopped", "why=memory");
	return c;
}

void
ctl_free(struct ctl *c)
{
	if (c == NULL)
		return;
	timer_cancel(loop_timers(c->opts.loop), &c->second);
	http_free(c->http);
	for (size_t i = 0; i < c->web_count; i++)
		http_free(c->web[i]);
	while (c->requests != NULL)
		request_free(c->requests);
	if (c->path != NULL)
		(void)unlink(c->path);
	free(c->path);
	memory_free(c);
}
