/* SPDX-License-Identifier: BSD-3-Clause */
/* tool.h - what the files of hitherctl share. */
#ifndef HITHER_HITHERCTL_TOOL_H
#define HITHER_HITHERCTL_TOOL_H

#include <stdio.h>

#include <jansson.h>

#include <hither/ctl.h>

enum exit_code { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHED };

struct invocation {
	const char *socket;
	const char *conf; /* NULL: the usual file, if it is there */
	bool json;
};

/* http.c: sends one request; the reply's body is the caller's to free. */
struct reply {
	char *body;
	size_t len;
	int code;
};
bool http_ask(const char *socket_path, const char *method, const char *path,
    struct reply *out);

/* local.c: commands that need no daemon. -1: it is none of them. */
int local_run(const struct invocation *how, int argc, char **argv);
/* control.socket of the configuration, in `buf`, or the built-in one. */
const char *local_socket(const struct invocation *how, char *buf, size_t size);
void local_help(FILE *out);

/* render.c: a reply for people. */
void render(const char *command, const json_t *reply, FILE *out);

/* story.c */
void render_trace(const json_t *r, FILE *out);

/* believe.c */
void render_anchors(const json_t *r, FILE *out);
void render_nta(const json_t *r, FILE *out);
void render_nta_change(const json_t *r, FILE *out);

#endif
