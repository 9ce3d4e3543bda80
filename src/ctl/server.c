/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - HTTP on the control socket.
 *
 * 1. A client connects (at most CTL_CLIENTS_MAX at once: past that nobody is
 *    accepted until one leaves) and sends a request of at most 64 KiB within
 *    5 s.
 * 2. The path names the command; its function answers at once, or sends the
 *    request's job to a worker and answers when it is back.
 * 3. A client that leaves early leaves the request behind: it is freed when
 *    its job comes home.
 */
#include "inside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http_struct.h>

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
	memory_free(r);
}

static void
send_json(struct evhttp_request *http, int code, const json_t *body)
{
	struct evbuffer *out = evbuffer_new();
	char *text = json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(http);

	if (out == NULL || text == NULL ||
	    evbuffer_add_printf(out, "%s\n", text) < 0)
		code = HTTP_INTERNAL;
	(void)evhttp_add_header(headers, "Content-Type", "application/json");
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_send_reply(http, code, NULL, out);
	free(text);
	if (out != NULL)
		evbuffer_free(out);
}

/* The reply to whoever still waits for it. */
static void
request_reply(struct request *r, int code, const json_t *body)
{
	struct evhttp_request *http = r->http;

	if (http == NULL)
		return;
	r->http = NULL;
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(http), NULL, NULL);
	send_json(http, code, body);
}

void
request_answer(struct request *r, int code, json_t *body)
{
	if (body == NULL) {
		request_fail(r, HTTP_INTERNAL, "no memory");
		return;
	}
	request_reply(r, code, body);
	json_decref(body);
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
	r->travels = true;
	if (offer->on_worker(offer->user, worker, &r->job))
		return;
	r->travels = false;
	request_fail(r, HTTP_SERVUNAVAIL, "too many jobs, or stopping");
}

void
request_return(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	r->job.run = come_home;
	offer->on_main(offer->user, &r->job);
}

void
request_onward(struct request *r, void (*last)(struct ctl_job *job,
    const struct ctl_worker *worker))
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;

	if (++r->worker < offer->workers &&
	    offer->on_worker(offer->user, r->worker, &r->job))
		return;
	r->job.run = last;
	offer->on_main(offer->user, &r->job);
}

/* --- dispatch ---------------------------------------------------------- */

static void
client_left(struct evhttp_connection *connection, void *user)
{
	struct request *r = user;

	(void)connection;
	r->http = NULL;
}

static struct request *
request_new(struct ctl *c, struct evhttp_request *http)
{
	struct request *r;
	const char *query;

	if (c->request_count >= CTL_REQUESTS_MAX)
		return NULL;
	r = memory_new(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->ctl = c;
	r->http = http;
	r->code = HTTP_OK;
	r->after = c->requests;
	if (c->requests != NULL)
		c->requests->before = r;
	c->requests = r;
	c->request_count++;
	query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http));
	if (query != NULL && evhttp_parse_query_str(query, &r->args) == 0)
		r->has_args = true;
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(http), client_left, r);
	return r;
}

static void
refuse(struct evhttp_request *http, int code, const char *why)
{
	json_t *body = json_pack("{s:s}", "error", why);

	send_json(http, code, body != NULL ? body : json_null());
	json_decref(body);
}

static void
on_request(struct evhttp_request *http, void *user)
{
	struct ctl *c = user;
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
	enum evhttp_cmd_type method = evhttp_request_get_command(http);
	void (*run)(struct request *r);
	struct request *r;
	bool changes = false;

	if (path == NULL || strncmp(path, "/v1/", 4) != 0) {
		refuse(http, HTTP_NOTFOUND, "commands are at /v1/");
		return;
	}
	run = command_function(path + 4, &changes);
	if (run == NULL) {
		refuse(http, HTTP_NOTFOUND, "no such command");
		return;
	}
	if (changes ? method != EVHTTP_REQ_POST
		    : method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		refuse(http, HTTP_BADMETHOD,
		    changes ? "ask by POST" : "ask by GET");
		return;
	}
	r = request_new(c, http);
	if (r == NULL)
		refuse(http, HTTP_SERVUNAVAIL, "too many requests");
	else
		run(r);
}

/* --- the server -------------------------------------------------------- */

static enum err
start_http(struct ctl *c, int fd)
{

	c->http = evhttp_new(loop_base(c->opts.loop));
	if (c->http == NULL)
		return ERR_MEMORY;
	evhttp_set_max_body_size(c->http, CTL_REQUEST_MAX);
	evhttp_set_max_headers_size(c->http, CTL_REQUEST_MAX);
	evhttp_set_timeout(c->http, CTL_TIMEOUT_S);
	evhttp_set_allowed_methods(
	    c->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_gencb(c->http, on_request, c);
	return evhttp_accept_socket(c->http, fd) == 0 ? ERR_OK : ERR_MEMORY;
}

struct ctl *
ctl_new(const struct ctl_opts *o, char *why, size_t size)
{
	struct ctl *c = memory_new(sizeof(*c));
	int fd;

	if (c == NULL) {
		(void)snprintf(why, size, "no memory");
		return NULL;
	}
	c->opts = *o;
	c->path = strdup(o->socket);
	fd = c->path != NULL ? socket_listen(o, why, size) : -1;
	if (fd == -1) {
		free(c->path);
		memory_free(c);
		return NULL;
	}
	if (start_http(c, fd) != ERR_OK) {
		(void)snprintf(why, size, "no memory");
		(void)close(fd);
		ctl_free(c);
		return NULL;
	}
	c->second.fire = second_passed;
	c->second.user = c;
	second_passed(c);
	return c;
}

void
ctl_free(struct ctl *c)
{
	if (c == NULL)
		return;
	timer_cancel(loop_timers(c->opts.loop), &c->second);
	if (c->http != NULL)
		evhttp_free(c->http);
	while (c->requests != NULL)
		request_free(c->requests);
	if (c->path != NULL)
		(void)unlink(c->path);
	free(c->path);
	memory_free(c);
}
