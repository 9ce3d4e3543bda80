/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c - where log lines go.
 *
 * One mutex guards the target and the memory of recent lines. A line that
 * its target refuses is written to stderr: a full disk must not hide why
 * things go wrong. Equal lines are written five times in 10 s; the rest is
 * counted and told in one line when the 10 s are over, when room for other
 * lines is needed, or when the log is opened anew.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define JOURNAL_SOCKET  "/run/systemd/journal/socket"
#define RECENT_LINES    64u
#define REPEATS_WRITTEN 5u
#define WINDOW_US       10000000u
#define PATH_BYTES      1024u

struct recent {
	struct log_line line;
	uint64_t since_us;
	uint64_t count; /* 0: free */
};

static struct {
	pthread_mutex_t lock;
	enum log_target target;
	int fd; /* file or journal socket, else -1 */
	bool json;
	bool stderr_is_journal;
	char path[PATH_BYTES];
	char program[64];
	struct recent recent[RECENT_LINES];
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.target = LOG_TO_STDERR,
	.fd = -1,
	.program = "hither",
};

static atomic_int wanted_level = LOG_LEVEL_INFO;

/* --- targets ------------------------------------------------------------ */

static int
syslog_priority(enum log_level l)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
		LOG_DEBUG };

	return (size_t)l < ARRAY_LEN(priorities) ? priorities[l] : LOG_ERR;
}

static bool
write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, text, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		n -= (size_t)written;
	}
	return true;
}

/* systemd passes the device and inode of the stream it reads. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char *end;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	device = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	inode = strtoull(end + 1, NULL, 10);
	return device == st.st_dev && inode == st.st_ino;
}

static void
to_stderr(const struct log_line *l)
{
	char line[LOG_LINE_MAX];
	size_t n = 0;

	if (state.json) {
		n = log_as_json(l, line, sizeof(line));
	} else if (state.stderr_is_journal) {
		n = (size_t)snprintf(line, sizeof(line), "<%d>",
		    syslog_priority(l->level));
		n += log_as_text(l, false, line + n, sizeof(line) - n);
	} else {
		n = log_as_text(l, true, line, sizeof(line));
	}
	(void)write_all(STDERR_FILENO, line, n);
}

static bool
to_file(const struct log_line *l)
{
	char line[LOG_LINE_MAX];
	size_t n = state.json ? log_as_json(l, line, sizeof(line))
			      : log_as_text(l, true, line, sizeof(line));

	return write_all(state.fd, line, n);
}

static void
to_syslog(const struct log_line *l)
{
	char line[LOG_LINE_MAX];
	size_t n = state.json ? log_as_json(l, line, sizeof(line))
			      : log_as_text(l, false, line, sizeof(line));

	syslog(syslog_priority(l->level), "%.*s", (int)(n - 1), line);
}

static bool
to_journal(const struct log_line *l)
{
	char body[LOG_LINE_MAX], entry[LOG_LINE_MAX + 256];
	ssize_t sent;
	int n;

	if (state.json)
		(void)log_as_json(l, body, sizeof(body));
	else
		(void)snprintf(body, sizeof(body), "%s %s\n", l->event,
		    l->text);
	n = snprintf(entry, sizeof(entry),
	    "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nHITHER_EVENT=%s\nMESSAGE=%s",
	    syslog_priority(l->level), state.program, l->event, body);
	if (n < 0 || (size_t)n >= sizeof(entry))
		return false;
	do {
		sent = send(state.fd, entry, (size_t)n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

static void
write_line(const struct log_line *l)
{
	bool written = false;

	switch (state.target) {
	case LOG_TO_FILE:
		written = to_file(l);
		break;
	case LOG_TO_JOURNAL:
		written = to_journal(l);
		break;
	case LOG_TO_SYSLOG:
		to_syslog(l);
		written = true;
		break;
	case LOG_TO_STDERR:
		break;
	}
	if (!written)
		to_stderr(l);
}

/* --- repeats ------------------------------------------------------------ */

static void
tell_repeats(struct recent *r)
{
	uint64_t held =
	    r->count > REPEATS_WRITTEN ? r->count - REPEATS_WRITTEN : 0;
	size_t n = strlen(r->line.text);

	r->count = 0;
	if (held == 0)
		return;
	if (n > LOG_TEXT_MAX - 40)
		n = LOG_TEXT_MAX - 40;
	(void)snprintf(r->line.text + n, LOG_TEXT_MAX - n, "%srepeated=%llu",
	    n > 0 ? " " : "", (unsigned long long)held);
	write_line(&r->line);
}

static bool
same_line(const struct log_line *a, const struct log_line *b)
{
	return a->level == b->level && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->event, b->event) == 0;
}

/* The slot of this line, or the one it may have; windows that ended close. */
static struct recent *
find_recent(const struct log_line *l, uint64_t now_us)
{
	struct recent *oldest = &state.recent[0];

	for (size_t i = 0; i < RECENT_LINES; i++) {
		struct recent *r = &state.recent[i];

		if (r->count > 0 && now_us - r->since_us >= WINDOW_US)
			tell_repeats(r);
		if (r->count > 0 && same_line(&r->line, l))
			return r;
		if (oldest->count > 0 &&
		    (r->count == 0 || r->since_us < oldest->since_us))
			oldest = r;
	}
	tell_repeats(oldest);
	oldest->line = *l;
	oldest->since_us = now_us;
	return oldest;
}

static void emit(enum log_level level, const char *event, const char *fmt,
    va_list args) PRINTF_LIKE(3, 0);

static void
emit(enum log_level level, const char *event, const char *fmt, va_list args)
{
	struct log_line line = { .level = level };
	char raw[LOG_TEXT_MAX];
	struct recent *r;

	if (vsnprintf(raw, sizeof(raw), fmt, args) < 0)
		raw[0] = '\0';
	log_escape(line.event, sizeof(line.event), event);
	log_escape(line.text, sizeof(line.text), raw);
	(void)pthread_mutex_lock(&state.lock);
	r = find_recent(&line, clock_mono_us());
	r->count++;
	if (r->count <= REPEATS_WRITTEN)
		write_line(&line);
	(void)pthread_mutex_unlock(&state.lock);
}

/* --- opening ------------------------------------------------------------ */

static enum err
open_file(const char *path, int *out)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
		    O_NOCTTY | O_NONBLOCK;
	struct stat st;
	int fd = open(path, flags, 0640);

	if (fd < 0)
		return ERR_SYSTEM;
	if (fstat(fd, &st) != 0 ||
	    !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
		(void)close(fd);
		errno = EINVAL;
		return ERR_SYSTEM;
	}
	*out = fd;
	return ERR_OK;
}

static enum err
open_journal(int *out)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
		.sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return ERR_SYSTEM;
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return ERR_SYSTEM;
	}
	*out = fd;
	return ERR_OK;
}

static enum err
open_target(enum log_target target, const char *path, int *fd)
{
	*fd = -1;
	if (target == LOG_TO_FILE)
		return open_file(path, fd);
	if (target == LOG_TO_JOURNAL)
		return open_journal(fd);
	return ERR_OK;
}

static void
flush_recent(void)
{
	for (size_t i = 0; i < RECENT_LINES; i++)
		tell_repeats(&state.recent[i]);
}

static void
replace_fd(int fd)
{
	if (state.fd >= 0)
		(void)close(state.fd);
	state.fd = fd;
}

enum err
log_open(const struct log_opts *o)
{
	int fd;
	enum err e;

	if (o->target == LOG_TO_FILE &&
	    (o->path == NULL || strlen(o->path) >= PATH_BYTES))
		return ERR_RANGE;
	e = open_target(o->target, o->path, &fd);
	if (e != ERR_OK)
		return e;
	(void)pthread_mutex_lock(&state.lock);
	flush_recent();
	replace_fd(fd);
	if (state.target == LOG_TO_SYSLOG)
		closelog();
	state.target = o->target;
	state.json = o->json;
	state.stderr_is_journal = stderr_is_journal();
	if (o->target == LOG_TO_FILE)
		memmove(state.path, o->path, strlen(o->path) + 1);
	if (o->program != NULL)
		log_escape(state.program, sizeof(state.program), o->program);
	if (o->target == LOG_TO_SYSLOG)
		openlog(state.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	(void)pthread_mutex_unlock(&state.lock);
	log_set_level(o->level);
	return ERR_OK;
}

enum err
log_reopen(void)
{
	enum err e;
	int fd;

	(void)pthread_mutex_lock(&state.lock);
	flush_recent();
	e = open_target(state.target, state.path, &fd);
	if (e == ERR_OK)
		replace_fd(fd);
	(void)pthread_mutex_unlock(&state.lock);
	return e;
}

enum err
log_give_to(uid_t user, gid_t group)
{
	enum err e = ERR_OK;

	(void)pthread_mutex_lock(&state.lock);
	if (state.target == LOG_TO_FILE && fchown(state.fd, user, group) != 0)
		e = ERR_SYSTEM;
	(void)pthread_mutex_unlock(&state.lock);
	return e;
}

void
log_set_level(enum log_level l)
{
	atomic_store_explicit(&wanted_level, (int)l, memory_order_relaxed);
}

bool
log_wants(enum log_level l)
{
	return (int)l <=
	       atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

void
log_error(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(LOG_LEVEL_ERROR, event, fmt, args);
	va_end(args);
}

void
log_warn(const char *event, const char *fmt, ...)
{
	va_list args;

	if (!log_wants(LOG_LEVEL_WARN))
		return;
	va_start(args, fmt);
	emit(LOG_LEVEL_WARN, event, fmt, args);
	va_end(args);
}

void
log_info(const char *event, const char *fmt, ...)
{
	va_list args;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	va_start(args, fmt);
	emit(LOG_LEVEL_INFO, event, fmt, args);
	va_end(args);
}

void
log_debug(const char *event, const char *fmt, ...)
{
	va_list args;

	if (!log_wants(LOG_LEVEL_DEBUG))
		return;
	va_start(args, fmt);
	emit(LOG_LEVEL_DEBUG, event, fmt, args);
	va_end(args);
}
