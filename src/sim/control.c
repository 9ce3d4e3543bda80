/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c - the control socket: a Unix stream on which each line is a
 * command and gets one line back, "ok ...", "error ..." or JSON. Only the
 * user who started the program may connect. A socket left behind by one that
 * died is taken over; one that answers is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "sim.h"

#define CLIENTS_MAX    64u
#define LINE_MAX_BYTES 8192u

struct client {
	struct client *next, *before;
	struct sim *sim;
	struct bufferevent *be;
	bool has_ended;
};

static void
client_close(struct client *c)
{
	struct sim *s = c->sim;

	bufferevent_free(c->be);
	if (c->before != NULL)
		c->before->next = c->next;
	else
		s->clients = c->next;
	if (c->next != NULL)
		c->next->before = c->before;
	s->client_count--;
	memory_free(c);
}

static void
on_read(struct bufferevent *be, void *user)
{
	struct client *c = user;
	struct evbuffer *in = bufferevent_get_input(be);
	struct evbuffer *out = bufferevent_get_output(be);
	char *line;

	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF)) != NULL) {
		control_run(c->sim, line, out);
		free(line);
	}
	if (evbuffer_get_length(in) >= LINE_MAX_BYTES) {
		evbuffer_add_printf(out, "error the line is too long\n");
		evbuffer_drain(in, evbuffer_get_length(in));
	}
}

static void
on_written(struct bufferevent *be, void *user)
{
	struct client *c = user;

	(void)be;
	if (c->has_ended)
		client_close(c);
}

static void
on_event(struct bufferevent *be, short what, void *user)
{
	struct client *c = user;

	if ((what & BEV_EVENT_EOF) == 0 ||
	    evbuffer_get_length(bufferevent_get_output(be)) == 0) {
		client_close(c);
		return;
	}
	c->has_ended = true; /* the last reply still has to leave */
	bufferevent_disable(be, EV_READ);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
    int from_len, void *user)
{
	struct sim *s = user;
	struct client *c = NULL;

	(void)l;
	(void)from;
	(void)from_len;
	if (s->client_count < CLIENTS_MAX)
		c = memory_new(sizeof(*c));
	if (c != NULL)
		c->be =
		    bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->be == NULL) {
		memory_free(c);
		evutil_closesocket(fd);
		return;
	}
	c->sim = s;
	c->next = s->clients;
	if (c->next != NULL)
		c->next->before = c;
	s->clients = c;
	s->client_count++;
	bufferevent_setcb(c->be, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->be, EV_READ, 0, LINE_MAX_BYTES);
	bufferevent_enable(c->be, EV_READ | EV_WRITE);
}

/* --- the socket ------------------------------------------------------- */

/* Removes what a dead process left; ERR_EXISTS when it is something else. */
static enum err
clear_path(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, refused;

	if (lstat(sun->sun_path, &st) != 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode))
		return ERR_EXISTS;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYSTEM;
	refused =
	    connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	if (!refused)
		return ERR_EXISTS;
	return unlink(sun->sun_path) == 0 ? ERR_OK : ERR_SYSTEM;
}

enum err
control_open(struct sim *s, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old_mask;
	enum err e;

	if (strlen(path) >= sizeof(sun.sun_path))
		return ERR_SPACE;
	memcpy(sun.sun_path, path, strlen(path));
	e = clear_path(&sun);
	if (e != ERR_OK)
		return e;
	old_mask = umask(0177);
	s->control = evconnlistener_new_bind(s->base, on_accept, s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
	    (struct sockaddr *)&sun, sizeof(sun));
	umask(old_mask);
	if (s->control == NULL)
		return ERR_SYSTEM;
	s->control_path = path;
	return ERR_OK;
}

void
control_close(struct sim *s)
{
	while (s->clients != NULL)
		client_close(s->clients);
	if (s->control == NULL)
		return;
	evconnlistener_free(s->control);
	(void)unlink(s->control_path);
}
