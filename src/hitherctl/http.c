/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.c - one HTTP/1.0 request over a Unix socket. The server closes the
 * connection behind its reply, so the body is all there is until then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

#define WAIT_S 30
#define STEP   16384u

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		/* EAGAIN: it listens, and has not looked for WAIT_S. */
		int number = errno == EAGAIN ? ETIMEDOUT : errno;

		(void)close(fd);
		errno = number;
		return -1;
	}
	return fd;
}

static bool
send_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return true;
}

/* Everything until the end of the stream, with a final NUL; NULL: errno. */
static char *
read_all(int fd, size_t *len)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	*len = 0;
	for (;;) {
		if (size - *len < STEP) {
			char *more;

			size += STEP;
			more = size <= CTL_REPLY_MAX ? realloc(text, size + 1)
						     : NULL;
			errno = size <= CTL_REPLY_MAX ? ENOMEM : EFBIG;
			if (more == NULL)
				break;
			text = more;
		}
		n = recv(fd, text + *len, size - *len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0) {
			text[*len] = '\0';
			return text;
		}
		if (n < 0)
			break;
		*len += (size_t)n;
	}
	free(text);
	return NULL;
}

static bool
split_reply(char *text, size_t len, struct reply *out)
{
	const char *body;

	if (sscanf(text, "HTTP/1.%*c %d", &out->code) != 1)
		return false;
	body = strstr(text, "\r\n\r\n");
	if (body == NULL)
		return false;
	body += 4;
	out->len = len - (size_t)(body - text);
	memmove(text, body, out->len + 1);
	out->body = text;
	return true;
}

bool
http_ask(const char *socket_path, const char *method, const char *path,
    struct reply *out)
{
	char *head = NULL, *text = NULL;
	size_t len = 0;
	int fd = connect_to(socket_path), number;
	bool answered = false;

	memset(out, 0, sizeof(*out));
	if (fd == -1)
		return false;
	if (asprintf(&head,
		"%s %s HTTP/1.0\r\nHost: hither\r\nContent-Length: 0\r\n"
		"Connection: close\r\n\r\n",
		method, path) < 0)
		head = NULL;
	if (head != NULL && send_all(fd, head))
		text = read_all(fd, &len);
	number = errno == EAGAIN ? ETIMEDOUT : errno;
	if (text != NULL) {
		answered = split_reply(text, len, out);
		number = EPROTO;
	}
	if (!answered)
		free(text);
	free(head);
	(void)close(fd);
	errno = number;
	return answered;
}
