/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * save.c - knowledge that survives a restart.
 *
 * The file, all numbers big-endian:
 *
 *   8  "hither\0" and the version, 1
 *   8  wall clock, seconds
 *   4  how many addresses
 *      an address: family (4 or 6), port (2), IP (4 or 16), estimate (4),
 *      deviation (4), loss in thousandths (2), seconds since the last reply
 *      (4), length of the site's name (1), the name
 *   8  checksum of all before it
 *
 * Written beside its place, synced, and moved there. What is wrong anywhere
 * makes all of it worthless: nothing is taken from such a file. Who was dead
 * is not in it; whoever comes from it is asked again by a copy soon.
 */
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_BYTES 8u
#define HEAD_BYTES  (MAGIC_BYTES + 8 + 4)
#define SUM_BYTES   8u
#define ENTRY_MAX   (1 + 2 + 16 + 4 + 4 + 2 + 4 + 1 + SITE_TEXT)
#define AGE_MAX_S   (30u * 86400u) /* older is not worth keeping */
#define EST_MAX     (60u * SECOND)

static const uint8_t magic[MAGIC_BYTES] = { 'h', 'i', 't', 'h', 'e', 'r', 0,
	1 };

/* Not against forgers, who could write the file: against damage. */
static uint64_t
checksum(const uint8_t *bytes, size_t len)
{
	static const struct hash_key fixed = { "hither servers 1" };

	return hash_bytes(&fixed, bytes, len);
}

/* --- writing ---------------------------------------------------------- */

struct image {
	uint8_t *bytes;
	size_t at, size;
	uint64_t now_us;
	uint32_t count;
};

static void
put(struct image *m, uint64_t value, unsigned octets)
{
	(void)octets_put(m->bytes + m->at, value, octets);
	m->at += octets;
}

static void
put_bytes(struct image *m, const void *p, size_t n)
{
	memcpy(m->bytes + m->at, p, n);
	m->at += n;
}

static void
put_peer(struct image *m, const struct peer *p)
{
	uint64_t age = m->now_us > p->answered_us
			   ? (m->now_us - p->answered_us) / SECOND
			   : 0;
	size_t site = strlen(p->site_text);

	/* A link's address means another machine on another day. */
	if (p->samples == 0 || p->addr.scope != 0 || age > AGE_MAX_S)
		return;
	put(m, p->addr.family, 1);
	put(m, p->addr.port, 2);
	put_bytes(m, p->addr.ip, p->addr.family == 4 ? 4 : 16);
	put(m, p->est, 4);
	put(m, p->dev, 4);
	put(m, (uint64_t)(p->loss * 1000), 2);
	put(m, age, 4);
	put(m, site, 1);
	put_bytes(m, p->site_text, site);
	m->count++;
}

/* Room for all of them as they are now; more may come meanwhile. */
static bool
image_make(struct image *m, struct servers *sv, uint64_t now_s)
{
	m->size = HEAD_BYTES + SUM_BYTES + servers_known(sv) * ENTRY_MAX;
	m->bytes = memory_new(m->size);
	if (m->bytes == NULL)
		return false;
	put_bytes(m, magic, sizeof(magic));
	put(m, now_s, 8);
	m->at = HEAD_BYTES;
	for (size_t i = 0; i < sv->shard_count; i++) {
		struct shard *sh = &sv->shards[i];

		pthread_mutex_lock(&sh->lock);
		for (size_t k = 0; k < sh->count; k++) {
			if (m->size - m->at < SUM_BYTES + ENTRY_MAX)
				break;
			put_peer(m, sh->slots[k]);
		}
		pthread_mutex_unlock(&sh->lock);
	}
	for (unsigned k = 0; k < 4; k++)
		m->bytes[HEAD_BYTES - 4 + k] =
		    (uint8_t)(m->count >> (8 * (3 - k)));
	put(m, checksum(m->bytes, m->at), 8);
	return true;
}

static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* The name in its folder is only safe once the folder is. */
static void
sync_folder(const char *path)
{
	char folder[4200];
	const char *slash = strrchr(path, '/');
	int fd;

	(void)snprintf(folder, sizeof(folder), "%.*s",
	    slash == NULL ? 1 : (int)(slash - path) + (slash == path),
	    slash == NULL ? "." : path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static enum err
write_file(const char *path, const struct image *m)
{
	char beside[4200];
	bool done;
	int fd;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >=
	    sizeof(beside))
		return ERR_SPACE;
	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0640);
	if (fd == -1)
		return ERR_SYSTEM;
	done = write_all(fd, m->bytes, m->at) && fsync(fd) == 0;
	done = close(fd) == 0 && done;
	if (done && rename(beside, path) == 0) {
		sync_folder(path);
		return ERR_OK;
	}
	(void)unlink(beside);
	return ERR_SYSTEM;
}

enum err
servers_save(struct servers *sv, const char *path, uint64_t now_us,
    uint64_t now_s)
{
	struct image m = { .now_us = now_us };
	enum err e;

	if (!image_make(&m, sv, now_s))
		return ERR_MEMORY;
	e = write_file(path, &m);
	memory_free(m.bytes);
	return e;
}

/* --- reading ---------------------------------------------------------- */

struct saved {
	struct addr addr;
	uint32_t est, dev, loss, age_s;
	char site[SITE_TEXT];
};

struct cursor {
	const uint8_t *bytes;
	size_t at, end;
	bool bad; /* read past the end */
};

static uint64_t
get(struct cursor *c, unsigned octets)
{
	if (c->end - c->at < octets) {
		c->bad = true;
		return 0;
	}
	c->at += octets;
	return octets_get(c->bytes + c->at - octets, octets);
}

static void
get_bytes(struct cursor *c, void *out, size_t n)
{
	if (c->end - c->at < n) {
		c->bad = true;
		return;
	}
	memcpy(out, c->bytes + c->at, n);
	c->at += n;
}

static bool
get_entry(struct cursor *c, struct saved *s)
{
	size_t site;

	memset(s, 0, sizeof(*s));
	s->addr.family = (uint8_t)get(c, 1);
	s->addr.port = (uint16_t)get(c, 2);
	if (s->addr.family != 4 && s->addr.family != 6)
		return false;
	get_bytes(c, s->addr.ip, s->addr.family == 4 ? 4 : 16);
	s->est = (uint32_t)get(c, 4);
	s->dev = (uint32_t)get(c, 4);
	s->loss = (uint32_t)get(c, 2);
	s->age_s = (uint32_t)get(c, 4);
	site = (size_t)get(c, 1);
	if (site >= SITE_TEXT)
		return false;
	get_bytes(c, s->site, site);
	for (size_t i = 0; i < site; i++) {
		if (s->site[i] < 0x20 || s->site[i] > 0x7e)
			return false;
	}
	return !c->bad && s->est > 0 && s->est <= EST_MAX &&
	       s->dev <= EST_MAX && s->loss <= 1000 && s->addr.port != 0;
}

static void
take(struct servers *sv, const struct saved *s, uint64_t now_us,
    uint64_t away_s)
{
	uint64_t age_us = (s->age_s + away_s) * SECOND;
	struct shard *sh;
	struct peer *p = servers_hold_new(sv, &s->addr, &sh);

	if (p == NULL)
		return;
	if (p->samples == 0) {
		peer_suppose(p, s->est, s->dev, s->loss / 1000.0);
		p->answered_us = now_us > age_us ? now_us - age_us : 1;
		memcpy(p->site_text, s->site, SITE_TEXT);
		if (s->site[0] != '\0')
			p->site = hash_bytes(&sv->hash_key, s->site,
				      strlen(s->site)) |
				  1;
		p->site_est = s->est;
	}
	servers_release(sh);
}

/* All of it is looked at before any of it is taken. */
static enum err
read_image(struct servers *sv, const uint8_t *bytes, size_t len,
    uint64_t now_us, uint64_t now_s)
{
	struct cursor c = { .bytes = bytes, .at = MAGIC_BYTES };
	struct saved s;
	uint64_t then_s, sum;
	uint32_t count;

	if (len < HEAD_BYTES + SUM_BYTES ||
	    memcmp(bytes, magic, sizeof(magic)) != 0)
		return ERR_FORMAT;
	c.end = len;
	c.at = len - SUM_BYTES;
	sum = get(&c, 8);
	c.end = len - SUM_BYTES;
	c.at = MAGIC_BYTES;
	then_s = get(&c, 8);
	count = (uint32_t)get(&c, 4);
	if (sum != checksum(bytes, c.end))
		return ERR_FORMAT;
	for (uint32_t i = 0; i < count; i++) {
		if (!get_entry(&c, &s))
			return ERR_FORMAT;
	}
	if (c.at != c.end)
		return ERR_FORMAT;
	c.at = HEAD_BYTES;
	for (uint32_t i = 0; i < count && get_entry(&c, &s); i++)
		take(sv, &s, now_us, now_s > then_s ? now_s - then_s : 0);
	return ERR_OK;
}

static enum err
read_file(int fd, size_t most, uint8_t **bytes, size_t *len)
{
	struct stat st;
	size_t at = 0;

	if (fstat(fd, &st) != 0)
		return ERR_SYSTEM;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > most)
		return ERR_FORMAT;
	*len = (size_t)st.st_size;
	*bytes = memory_new(*len);
	if (*bytes == NULL)
		return ERR_MEMORY;
	while (at < *len) {
		ssize_t n = read(fd, *bytes + at, *len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ERR_FORMAT : ERR_SYSTEM;
		at += (size_t)n;
	}
	return ERR_OK;
}

enum err
servers_load(struct servers *sv, const char *path, uint64_t now_us,
    uint64_t now_s)
{
	size_t most = HEAD_BYTES + SUM_BYTES + sv->opts.max_entries * ENTRY_MAX;
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum err e;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	e = read_file(fd, most, &bytes, &len);
	(void)close(fd);
	if (e == ERR_OK)
		e = read_image(sv, bytes, len, now_us, now_s);
	memory_free(bytes);
	return e;
}
