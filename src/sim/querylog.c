/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * querylog.c - one line a question:
 *
 *   TIME ADDRESS TRANSPORT PORT ID QNAME QTYPE EDNS-SIZE DO -> RCODE
 *
 * TIME in seconds with six places; PORT and ID are the client's; EDNS-SIZE
 * is "-" without EDNS; DO is 0 or 1; in place of RCODE stands "lost" or
 * "silent" when nothing was sent.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "sim.h"

enum err
querylog_open(struct sim *s, const char *path, uint64_t now_s)
{
	struct timespec ts;

	if (path != NULL) {
		s->log = strcmp(path, "-") == 0 ? stdout : fopen(path, "ae");
		if (s->log == NULL)
			return ERR_SYSTEM;
	}
	s->log_on = s->log != NULL;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (now_s != 0)
		s->log_shift_us =
		    ((int64_t)now_s - ts.tv_sec) * 1000000 - ts.tv_nsec / 1000;
	return ERR_OK;
}

void
querylog_write(const struct packet *p, const struct answer_out *out,
    const char *fate)
{
	struct sim *s = p->door->sim;
	const struct query *q = &out->query;
	char name[NAME_TEXT_MAX] = "-", type[16] = "-", size[8] = "-";
	struct timespec ts;
	int64_t us;

	if (!s->log_on)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	us = ts.tv_sec * 1000000 + ts.tv_nsec / 1000 + s->log_shift_us;
	if (q->question_end != 0) {
		name_text(q->qname.wire, name);
		type_text(q->qtype, type);
	}
	if (q->edns.present)
		snprintf(size, sizeof(size), "%u", q->edns.udp_size);
	fprintf(s->log,
	    "%" PRId64 ".%06" PRId64 " %s %s %u %u %s %s %s %d -> %s\n",
	    us / 1000000, us % 1000000, p->door->address->text,
	    p->by_tcp ? "tcp" : "udp", p->peer_port, q->id, name, type, size,
	    q->edns.dnssec_ok, fate != NULL ? fate : rcode_text(out->rcode));
	s->log_dirty = true;
}

/* Once a batch, so that readers of the file see what was answered. */
void
querylog_flush(struct sim *s)
{
	if (s->log_dirty)
		fflush(s->log);
	s->log_dirty = false;
}

void
querylog_close(struct sim *s)
{
	if (s->log != NULL && s->log != stdout)
		fclose(s->log);
	else if (s->log != NULL)
		fflush(s->log);
	s->log = NULL;
	s->log_on = false;
}
