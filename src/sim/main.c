/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - hither-sim: reads the options and the world, opens the doors and
 * waits for the end. Exit codes: 0 ended by a signal (or --check found no
 * fault), 1 faults in net.yaml or a zone, 2 wrong options, 3 the system
 * refused (an address in use, no memory).
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unversioned"
#endif
#ifndef HITHER_DATA_DIR
#define HITHER_DATA_DIR "/usr/share/hither"
#endif

enum { EXIT_FAULTS = 1, EXIT_USAGE = 2, EXIT_SYSTEM = 3 };

struct options {
	const char *zones, *control, *log;
	uint64_t seed, now_s;
	uint16_t port;
	bool has_seed, check_only, anchors_only;
};

static const char usage[] =
    "usage: hither-sim [options]\n"
    "A miniature Internet on loopback: authoritative servers from zone files.\n"
    "\n"
    "  -z, --zones DIR       net.yaml and *.zone (default: ./zones, else\n"
    "                        " HITHER_DATA_DIR "/zones)\n"
    "  -p, --port N          port of every address (default: 5301)\n"
    "  -c, --control SOCKET  take commands on this Unix socket\n"
    "  -l, --log FILE        a line for each question; - is standard output\n"
    "  -s, --seed N          make loss and delays repeatable\n"
    "  -n, --now T           begin at T, seconds since 1970, not at present\n"
    "      --anchors         print the trust anchors of this world, and end\n"
    "      --check           read everything, report faults, and end\n"
    "  -h, --help            this text\n"
    "  -V, --version         the version\n";

/* --- options ---------------------------------------------------------- */

static bool
number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
	       *out <= max;
}

static bool
take_number(int c, const char *text, struct options *o)
{
	uint64_t v;

	switch (c) {
	case 'p':
		if (!number(text, 65535, &v) || v == 0)
			break;
		o->port = (uint16_t)v;
		return true;
	case 's':
		if (!number(text, UINT64_MAX, &o->seed))
			break;
		o->has_seed = true;
		return true;
	default:
		if (!number(text, INT32_MAX * 4ull, &o->now_s))
			break;
		return true;
	}
	fprintf(stderr, "hither-sim: -%c: %s is no valid number\n", c, text);
	return false;
}

static const char *
default_zones(void)
{
	return access("zones/net.yaml", R_OK) == 0 ? "zones"
						   : HITHER_DATA_DIR "/zones";
}

static bool
take_option(int c, struct options *o)
{
	switch (c) {
	case 'z':
		o->zones = optarg;
		return true;
	case 'c':
		o->control = optarg;
		return true;
	case 'l':
		o->log = optarg;
		return true;
	case 'A':
		o->anchors_only = true;
		return true;
	case 'C':
		o->check_only = true;
		return true;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("hither-sim " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	case '?':
		return false;
	default:
		return take_number(c, optarg, o);
	}
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "zones", required_argument, NULL, 'z' },
		{ "port", required_argument, NULL, 'p' },
		{ "control", required_argument, NULL, 'c' },
		{ "log", required_argument, NULL, 'l' },
		{ "seed", required_argument, NULL, 's' },
		{ "now", required_argument, NULL, 'n' },
		{ "anchors", no_argument, NULL, 'A' },
		{ "check", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .port = 5301 };
	while ((c = getopt_long(argc, argv, "z:p:c:l:s:n:hV", longs, NULL)) !=
	       -1) {
		if (!take_option(c, o))
			return false;
	}
	if (optind < argc) {
		fprintf(stderr, "hither-sim: %s: not an option\n",
		    argv[optind]);
		return false;
	}
	if (o->zones == NULL)
		o->zones = default_zones();
	return true;
}

/* --- running ---------------------------------------------------------- */

static void
on_end(evutil_socket_t sig, short what, void *user)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(((struct sim *)user)->base);
}

static void
on_hangup(evutil_socket_t sig, short what, void *user)
{
	struct complaints c = { .out = stderr };

	(void)sig;
	(void)what;
	if (world_reload(((struct sim *)user)->world, &c) != ERR_OK)
		fprintf(stderr, "hither-sim: the old zones stay\n");
}

static enum err
open_all(struct sim *s, const struct options *o)
{
	enum err e;

	s->rng = o->has_seed ? rng_new_seeded(o->seed) : rng_new();
	s->tcp_answer = memory_new(MESSAGE_MAX);
	s->base = event_base_new();
	if (s->rng == NULL || s->tcp_answer == NULL || s->base == NULL ||
	    delay_open(s) != ERR_OK) {
		fprintf(stderr, "hither-sim: %s\n", err_text(ERR_MEMORY));
		return ERR_MEMORY;
	}
	if (querylog_open(s, o->log, o->now_s) != ERR_OK) {
		fprintf(stderr, "hither-sim: cannot write %s: %s\n", o->log,
		    strerror(errno));
		return ERR_SYSTEM;
	}
	e = doors_open(s);
	if (e == ERR_UNREACHABLE)
		fprintf(stderr, "hither-sim: no address could be bound\n");
	if (e != ERR_OK || o->control == NULL)
		return e;
	e = control_open(s, o->control);
	if (e != ERR_OK)
		fprintf(stderr, "hither-sim: control socket %s: %s\n",
		    o->control,
		    e == ERR_SYSTEM ? strerror(errno) : err_text(e));
	return e;
}

/* Signatures end: long before that all are made anew. */
static void
on_week(evutil_socket_t fd, short what, void *user)
{
	struct complaints c = { .out = stderr };

	(void)fd;
	(void)what;
	if (world_sign_again(((struct sim *)user)->world, &c) != ERR_OK)
		fprintf(stderr, "hither-sim: old signatures stay\n");
}

static enum err
run(struct sim *s)
{
	static const struct timeval week = { .tv_sec = SIGN_AGAIN_S };

	struct event *events[4] = {
		evsignal_new(s->base, SIGTERM, on_end, s),
		evsignal_new(s->base, SIGINT, on_end, s),
		evsignal_new(s->base, SIGHUP, on_hangup, s),
		event_new(s->base, -1, EV_PERSIST, on_week, s),
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] == NULL ||
		    event_add(events[i], i == 3 ? &week : NULL) != 0)
			e = ERR_MEMORY;
	}
	if (e == ERR_OK) {
		printf("ready: %zu addresses, %zu zones\n", doors_count(s),
		    s->world->slot_count);
		fflush(stdout);
		s->start_us = clock_mono_us();
		if (event_base_dispatch(s->base) < 0)
			e = ERR_SYSTEM;
	}
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	return e;
}

static void
close_all(struct sim *s)
{
	control_close(s);
	tcp_close_all(s);
	delay_close(s);
	doors_close(s);
	querylog_close(s);
	if (s->base != NULL)
		event_base_free(s->base);
	rng_free(s->rng);
	memory_free(s->tcp_answer);
}

/* Two descriptors an address, and connections. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
simulate(struct world *w, const struct options *o)
{
	struct sim s = { .world = w, .timer_fd = -1 };
	enum err e;

	raise_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	e = open_all(&s, o);
	if (e == ERR_OK)
		e = run(&s);
	close_all(&s);
	return e == ERR_OK ? EXIT_SUCCESS : EXIT_SYSTEM;
}

int
main(int argc, char **argv)
{
	struct complaints c = { .out = stderr };
	struct options o;
	struct world *w;
	int status = EXIT_SUCCESS;

	if (!read_options(argc, argv, &o)) {
		fputs("try: hither-sim --help\n", stderr);
		return EXIT_USAGE;
	}
	w = world_read(o.zones, o.port, o.now_s, &c);
	if (w == NULL) {
		fprintf(stderr, "hither-sim: %zu fault%s in %s\n", c.count,
		    c.count == 1 ? "" : "s", o.zones);
		return EXIT_FAULTS;
	}
	if (o.anchors_only) {
		world_print_anchors(w, stdout);
	} else if (o.check_only) {
		world_note_unused(w, stderr);
		printf("%zu addresses and %zu zones: no faults\n",
		    w->address_count, w->slot_count);
	} else {
		status = simulate(w, &o);
	}
	world_free(w);
	return status;
}
