/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_control.c - any octets on the control socket: an answer that is HTTP
 * with JSON, or the end of the connection; never a hang, never a crash.
 *
 * What commands ask of the daemon is refused here, so that everything up to
 * that point is reached: the head, the target, the arguments of each command.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include <hither/ctl.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define TURNS_MAX 200

struct house {
	struct loop *loop;
	struct ctl *ctl;
	struct conf *conf;
	struct conf_report *report;
	struct cache *cache;
	struct servers *servers;
	struct sockaddr_un path;
};

static bool
refuse_work(void *user, size_t worker, struct ctl_job *job)
{
	(void)user;
	(void)worker;
	(void)job;
	return false;
}

static void
refuse_home(void *user, struct ctl_job *job)
{
	(void)user;
	(void)job;
}

static const struct conf *
conf_of(void *user)
{
	return ((struct house *)user)->conf;
}

static uint32_t
first_generation(void *user)
{
	(void)user;
	return 1;
}

static enum err
refuse_reload(void *user, struct ctl_reload *r)
{
	(void)user;
	(void)snprintf(r->why, sizeof(r->why), "not here");
	return ERR_REFUSED;
}

static void
do_not_stop(void *user)
{
	(void)user;
}

static struct house house;

static void
tidy_up(void)
{
	(void)unlink(house.path.sun_path);
}

static void
build(struct house *h)
{
	struct conf_source nothing = { .path = NULL };
	struct ctl_opts o = { .group = "", .mode = 0600 };
	char why[256];

	cache_thread_start();
	h->loop = loop_new();
	h->report = conf_report_new();
	h->conf = conf_load(&nothing, h->report);
	h->cache = cache_new(&(struct cache_opts){ 1u << 20, 1u << 20 });
	h->servers = servers_new(&(struct servers_opts){ .max_entries = 100 });
	h->path.sun_family = AF_UNIX;
	(void)snprintf(h->path.sun_path, sizeof(h->path.sun_path),
	    "/tmp/hither-fuzz-%ld.sock", (long)getpid());
	o.loop = h->loop;
	o.socket = h->path.sun_path;
	o.offer = (struct ctl_offer){ .user = h,
		.workers = 1,
		.cache = h->cache,
		.servers = h->servers,
		.on_worker = refuse_work,
		.on_main = refuse_home,
		.conf = conf_of,
		.generation = first_generation,
		.reload = refuse_reload,
		.stop = do_not_stop };
	h->ctl = ctl_new(&o, why, sizeof(why));
	if (h->ctl == NULL)
		abort();
	(void)atexit(tidy_up);
}

/* A reply is a head and one JSON value, as long as the head says. */
static void
judge(const char *reply, size_t len)
{
	const char *body = strstr(reply, "\r\n\r\n");
	const char *length = strstr(reply, "Content-Length: ");
	json_t *value;

	if (strncmp(reply, "HTTP/1.1 ", 9) != 0 || body == NULL ||
	    length == NULL || length > body)
		abort();
	body += 4;
	if (body == reply + len)
		return; /* to HEAD */
	if (strtoul(length + 16, NULL, 10) != len - (size_t)(body - reply))
		abort();
	value = json_loads(body, JSON_DECODE_ANY, NULL);
	if (value == NULL)
		abort();
	json_decref(value);
}

static void
converse(struct house *h, const uint8_t *bytes, size_t len)
{
	static char reply[1u << 20];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	size_t at = 0, sent = 0;
	ssize_t n = -1;

	if (fd == -1 || connect(fd, (const struct sockaddr *)&h->path,
			    sizeof(h->path)) != 0)
		abort();
	for (int turn = 0; turn < TURNS_MAX && n != 0; turn++) {
		if (sent < len) {
			n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
			sent = n > 0 ? sent + (size_t)n : sent;
		}
		if (sent == len)
			(void)shutdown(fd, SHUT_WR);
		(void)event_base_loop(loop_base(h->loop), EVLOOP_NONBLOCK);
		n = recv(fd, reply + at, sizeof(reply) - 1 - at, 0);
		if (n > 0)
			at += (size_t)n;
		else if (n == -1 && errno != EAGAIN)
			n = 0;
	}
	if (n != 0)
		abort(); /* it hangs */
	(void)close(fd);
	reply[at] = '\0';
	if (at > 0)
		judge(reply, at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (house.loop == NULL)
		build(&house);
	converse(&house, bytes, len);
	return 0;
}
