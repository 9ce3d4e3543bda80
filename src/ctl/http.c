/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.c - as much HTTP/1.1 as a control socket needs: one request, one
 * reply, then the connection is closed (RFC 9112 section 9.6).
 *
 * libevent's own server tells nobody when a connection ends, so its clients
 * cannot be counted; here at most CTL_CLIENTS_MAX are served at once, and past
 * that nobody is accepted until one leaves. A request has CTL_TIMEOUT_S to
 * arrive whole and CTL_REQUEST_MAX octets of head, and as many of body, which
 * is read and ignored.
 */
#include "inside.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#define SECOND_US ((uint64_t)1000000)

/* --- clients ----------------------------------------------------------- */

struct client {
	struct http *http;
	struct client *before, *after;
	struct bufferevent *stream;
	struct request *request; /* being worked on, or NULL */
	struct timer deadline;   /* armed until the request is here */
	size_t body_left;
	bool has_head, replied;
	char method[8], target[CTL_TARGET_MAX];
};

struct http {
	struct evconnlistener *listener;
	struct client *clients;
	size_t count;
	int fd;
	bool by_tcp;
	struct ctl *ctl;
};

static void
client_free(struct client *c)
{
	struct http *h = c->http;

	timer_cancel(loop_timers(h->ctl->opts.loop), &c->deadline);
	if (c->request != NULL)
		request_forsaken(c->request);
	if (c->before != NULL)
		c->before->after = c->after;
	else
		h->clients = c->after;
	if (c->after != NULL)
		c->after->before = c->before;
	bufferevent_free(c->stream);
	memory_free(c);
	if (h->count-- == CTL_CLIENTS_MAX)
		(void)evconnlistener_enable(h->listener);
}

/* --- replies ----------------------------------------------------------- */

static const char *
reason(int code)
{
	switch (code) {
	case HTTP_DONE:
		return "OK";
	case HTTP_BAD:
		return "Bad Request";
	case HTTP_UNKNOWN:
		return "Not Found";
	case HTTP_METHOD:
		return "Method Not Allowed";
	case HTTP_TOO_LARGE:
		return "Content Too Large";
	case HTTP_BUSY:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

void
client_reply(struct client *c, int code, const char *type, const char *body)
{
	struct evbuffer *out = bufferevent_get_output(c->stream);
	size_t len = strlen(body);
	bool has_body = strcmp(c->method, "HEAD") != 0;

	c->request = NULL;
	c->replied = true;
	if (evbuffer_add_printf(out,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\nCache-Control: no-store\r\n"
		"Connection: close\r\n\r\n",
		code, reason(code), type, len) < 0 ||
	    (has_body && evbuffer_add(out, body, len) != 0) ||
	    bufferevent_disable(c->stream, EV_READ) != 0 ||
	    bufferevent_enable(c->stream, EV_WRITE) != 0)
		client_free(c);
}

static void
client_refuse(struct client *c, int code, const char *why)
{
	char body[160];

	(void)snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", why);
	client_reply(c, code, TYPE_JSON, body);
}

/* --- requests ---------------------------------------------------------- */

/* The value of a header line if it is this header, else NULL. */
static const char *
header_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	line += n + 1;
	return line + strspn(line, " \t");
}

/* 0, or the code to refuse with. */
static int
read_header(struct client *c, const char *line)
{
	const char *value = header_value(line, "Content-Length");
	char *end;
	unsigned long n;

	if (header_value(line, "Transfer-Encoding") != NULL)
		return HTTP_BAD;
	if (value == NULL)
		return 0;
	if (*value < '0' || *value > '9')
		return HTTP_BAD;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (*end != '\0')
		return HTTP_BAD;
	if (errno != 0 || n > CTL_REQUEST_MAX)
		return HTTP_TOO_LARGE;
	c->body_left = n;
	return 0;
}

/* "GET /v1/status HTTP/1.1". Widths as the buffers are. */
static bool
read_request_line(struct client *c, const char *line)
{
	char minor;

	_Static_assert(CTL_TARGET_MAX == 8192, "the width below");
	return sscanf(line, "%7[A-Z] %8191[!-~] HTTP/1.%c", c->method,
		   c->target, &minor) == 3;
}

/* Takes the head out of the buffer, line by line. 0, or a code. */
static int
read_head(struct client *c, struct evbuffer *in)
{
	int code = 0;
	bool is_first = true;
	char *line;
	size_t len;

	while ((line = evbuffer_readln(in, &len, EVBUFFER_EOL_CRLF)) != NULL) {
		bool is_end = len == 0;

		if (is_first && !read_request_line(c, line))
			code = HTTP_BAD;
		else if (!is_first && code == 0)
			code = read_header(c, line);
		is_first = false;
		free(line);
		if (is_end)
			break;
	}
	return code;
}

static void
on_read(struct bufferevent *stream, void *user)
{
	struct client *c = user;
	struct evbuffer *in = bufferevent_get_input(stream);
	size_t len = evbuffer_get_length(in);
	int code;

	if (!c->has_head) {
		if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos == -1) {
			if (len >= CTL_REQUEST_MAX)
				client_refuse(c, HTTP_TOO_LARGE,
				    "the request is too long");
			return;
		}
		c->has_head = true;
		code = read_head(c, in);
		if (code != 0) {
			client_refuse(c, code, "not a request");
			return;
		}
		len = evbuffer_get_length(in);
	}
	if (len < c->body_left)
		return;
	/* The body means nothing, but left unread it would cut the reply. */
	(void)evbuffer_drain(in, len);
	(void)bufferevent_disable(stream, EV_READ);
	timer_cancel(loop_timers(c->http->ctl->opts.loop), &c->deadline);
	c->request = request_begin(c->http->ctl, c);
	if (c->request == NULL) {
		client_refuse(c, HTTP_BUSY, "too many requests");
		return;
	}
	c->request->only_figures = c->http->by_tcp;
	request_run(c->request, c->method, c->target);
}

static void
on_written(struct bufferevent *stream, void *user)
{
	(void)stream;
	if (((struct client *)user)->replied)
		client_free(user);
}

static void
on_deadline(void *user)
{
	client_free(user);
}

/* An error, the end of the stream, or a reply that is not taken. */
static void
on_event(struct bufferevent *stream, short what, void *user)
{
	(void)stream;
	(void)what;
	client_free(user);
}

static bool
may_ask(const struct http *h, const struct sockaddr *from, int from_len)
{
	const struct ctl_offer *offer = &h->ctl->opts.offer;
	const struct conf_prefixes *allow =
	    &offer->conf(offer->user)->web.allow;
	struct addr a;

	if (!h->by_tcp)
		return true;
	if (addr_from_sockaddr(from, (socklen_t)from_len, &a) != ERR_OK)
		return false;
	for (size_t i = 0; i < allow->count; i++)
		if (prefix_covers(&allow->items[i], &a))
			return true;
	return false;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *from, int from_len, void *user)
{
	static const struct timeval patience = { .tv_sec = CTL_TIMEOUT_S };
	struct http *h = user;
	struct client *c =
	    may_ask(h, from, from_len) ? memory_new(sizeof(*c)) : NULL;

	if (c != NULL)
		c->stream =
		    bufferevent_socket_new(evconnlistener_get_base(listener),
			fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->stream == NULL) {
		memory_free(c);
		(void)evutil_closesocket(fd);
		return;
	}
	c->http = h;
	c->after = h->clients;
	if (h->clients != NULL)
		h->clients->before = c;
	h->clients = c;
	if (++h->count == CTL_CLIENTS_MAX)
		(void)evconnlistener_disable(listener);
	bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
	c->deadline = (struct timer){ .fire = on_deadline, .user = c };
	if (bufferevent_set_timeouts(c->stream, NULL, &patience) != 0 ||
	    timer_arm(loop_timers(h->ctl->opts.loop), &c->deadline,
		clock_mono_us() + CTL_TIMEOUT_S * SECOND_US) != ERR_OK ||
	    bufferevent_enable(c->stream, EV_READ) != 0)
		client_free(c);
}

/* --- the server -------------------------------------------------------- */

struct http *
http_new(struct ctl *ctl, int fd, bool by_tcp)
{
	struct http *h = memory_new(sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ctl = ctl;
	h->by_tcp = by_tcp;
	/* One that is enabled by new does not tell when that fails. */
	h->listener = evconnlistener_new(loop_base(ctl->opts.loop), on_accept,
	    h, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0, fd);
	if (h->listener == NULL || evconnlistener_enable(h->listener) != 0) {
		if (h->listener != NULL)
			evconnlistener_free(h->listener);
		memory_free(h);
		return NULL;
	}
	h->fd = fd;
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	while (h->clients != NULL)
		client_free(h->clients);
	evconnlistener_free(h->listener);
	(void)close(h->fd);
	memory_free(h);
}
