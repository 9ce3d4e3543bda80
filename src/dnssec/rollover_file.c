/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rollover_file.c - what is known of key rollovers, from one start to the
 * next. A text file:
 *
 *	hither-anchors 1
 *	zone . CHECKED NEXT
 *	key STATE SINCE . IN DNSKEY 257 3 8 AwEAAa...
 *	end SHA-256 OF ALL LINES ABOVE, IN HEX
 *
 * Times are seconds since 1970. Keys are written without the revoke bit. A
 * file that is not whole is worth nothing and is kept aside: rather no
 * memory than half of one.
 */
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#define HEAD           "hither-anchors 1\n"
#define FILE_BYTES_MAX (1u << 20)
#define LINE_BYTES_MAX 4096u
#define SUM_HEX        64u

struct rollover *
rollovers_zone(struct rollovers *all, const uint8_t *zone)
{
	struct rollover *ro;

	for (size_t i = 0; i < all->count; i++)
		if (name_equal(all->zones[i].zone.wire, zone))
			return &all->zones[i];
	if (all->count == ROLLOVER_ZONES_MAX)
		return NULL;
	ro = &all->zones[all->count++];
	memset(ro, 0, sizeof(*ro));
	name_lower(&ro->zone, zone);
	return ro;
}

static bool
checksum(const char *text, size_t len, char hex[SUM_HEX + 1])
{
	uint8_t sum[32];

	if (EVP_Digest(text, len, sum, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return true;
}

/* --- reading ------------------------------------------------------------------ */

static bool
read_state(const char *word, enum key_state *out)
{
	for (int s = KEY_PENDING; s <= KEY_REMOVED; s++)
		if (strcmp(word, key_state_text((enum key_state)s)) == 0) {
			*out = (enum key_state)s;
			return true;
		}
	return false;
}

static bool
read_zone(struct rollovers *all, const char *line, struct rollover **out)
{
	char text[NAME_TEXT_MAX];
	uint64_t checked, next;
	struct name n;

	if (sscanf(line, "zone %1015s %" SCNu64 " %" SCNu64, text, &checked,
		&next) != 3 ||
	    name_parse(text, &n) != ERR_OK)
		return false;
	*out = rollovers_zone(all, n.wire);
	if (*out == NULL)
		return false;
	(*out)->checked_s = checked;
	(*out)->next_s = next;
	return true;
}

static bool
read_key(struct rollover *ro, const char *line, struct arena *a)
{
	struct rollover_key *k;
	struct rrset *set;
	char state[16];
	uint64_t since;
	int at = 0;

	if (ro == NULL || ro->count == ROLLOVER_KEYS_MAX ||
	    sscanf(line, "key %15s %" SCNu64 " %n", state, &since, &at) != 2 ||
	    at == 0)
		return false;
	k = &ro->keys[ro->count];
	arena_reset(a);
	set = rrset_parse(a, line + at);
	if (set == NULL || set->type != TYPE_DNSKEY ||
	    !name_equal(set->owner, ro->zone.wire) ||
	    set->rdata[0].len > ROLLOVER_KEY_BYTES ||
	    !read_state(state, &k->state))
		return false;
	memcpy(k->rdata, set->rdata[0].bytes, set->rdata[0].len);
	k->len = set->rdata[0].len;
	k->since_s = since;
	ro->count++;
	return true;
}

/* The text without its last line, when that agrees with it. */
static bool
check_sum(char *text, size_t len)
{
	char hex[SUM_HEX + 1];
	const size_t tail = 4 + SUM_HEX + 1; /* "end ", sum, newline */

	if (len < tail || strncmp(text, HEAD, strlen(HEAD)) != 0 ||
	    strncmp(text + len - tail, "end ", 4) != 0 ||
	    !checksum(text, len - tail, hex) ||
	    strncmp(text + len - tail + 4, hex, SUM_HEX) != 0)
		return false;
	text[len - tail] = '\0';
	return true;
}

static bool
read_lines(struct rollovers *all, char *text, struct arena *a)
{
	struct rollover *ro = NULL;
	char *rest = text + strlen(HEAD), *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		bool ok = strncmp(line, "zone ", 5) == 0
			      ? read_zone(all, line, &ro)
			      : read_key(ro, line, a);

		if (!ok)
			return false;
	}
	return true;
}

static enum err
read_text(struct rollovers *all, char *text, size_t len)
{
	struct arena *a = arena_new(64u << 10);
	bool ok = a != NULL && memchr(text, '\0', len) == NULL &&
		  check_sum(text, len) && read_lines(all, text, a);

	arena_free(a);
	if (!ok)
		*all = (struct rollovers){ .count = 0 };
	return ok ? ERR_OK : ERR_FORMAT;
}

static void
keep_aside(const char *path)
{
	char aside[4096];
	int n = snprintf(aside, sizeof(aside), "%s.bad", path);

	if (n > 0 && (size_t)n < sizeof(aside))
		(void)rename(path, aside);
}

enum err
rollovers_load(struct rollovers *all, const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t len;
	enum err e;

	*all = (struct rollovers){ .count = 0 };
	if (f == NULL)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	text = memory_new(FILE_BYTES_MAX + 1);
	if (text == NULL) {
		(void)fclose(f);
		return ERR_MEMORY;
	}
	len = fread(text, 1, FILE_BYTES_MAX, f);
	e = ferror(f) != 0 ? ERR_SYSTEM : read_text(all, text, len);
	(void)fclose(f);
	memory_free(text);
	if (e == ERR_FORMAT)
		keep_aside(path);
	return e;
}

/* --- writing -------------------------------------------------------------------- */

static bool
print_key(FILE *out, const struct rollover *ro, const struct rollover_key *k,
    struct arena *a)
{
	const struct rdata r = { .bytes = k->rdata, .len = k->len };
	const struct rrset set = { .owner = ro->zone.wire,
		.rdata = &r,
		.type = TYPE_DNSKEY,
		.count = 1 };
	char zone[NAME_TEXT_MAX];
	const char *text;

	arena_reset(a);
	text = rdata_text(a, &set, 0);
	return text != NULL &&
	       fprintf(out, "key %s %" PRIu64 " %s IN DNSKEY %s\n",
		   key_state_text(k->state), k->since_s,
		   name_text(ro->zone.wire, zone), text) > 0;
}

/* The whole file in memory, for free(); NULL: no memory. */
static char *
print_all(const struct rollovers *all, size_t *len)
{
	struct arena *a = arena_new(64u << 10);
	char *text = NULL, hex[SUM_HEX + 1], zone[NAME_TEXT_MAX];
	FILE *out = a != NULL ? open_memstream(&text, len) : NULL;
	bool ok = out != NULL && fputs(HEAD, out) >= 0;

	for (size_t i = 0; ok && i < all->count; i++) {
		const struct rollover *ro = &all->zones[i];

		ok = fprintf(out, "zone %s %" PRIu64 " %" PRIu64 "\n",
			 name_text(ro->zone.wire, zone), ro->checked_s,
			 ro->next_s) > 0;
		for (size_t k = 0; ok && k < ro->count; k++)
			ok = print_key(out, ro, &ro->keys[k], a);
	}
	if (out != NULL)
		ok = ok && fflush(out) == 0 && checksum(text, *len, hex) &&
		     fprintf(out, "end %s\n", hex) > 0;
	if (out != NULL && fclose(out) != 0)
		ok = false;
	arena_free(a);
	if (!ok) {
		free(text);
		return NULL;
	}
	return text;
}

static bool
write_whole(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* So that the new name outlives a crash, too. */
static bool
sync_folder(const char *path)
{
	char copy[4096];
	int fd;
	bool ok;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

enum err
rollovers_save(const struct rollovers *all, const char *path)
{
	size_t len = 0;
	char *text = print_all(all, &len), temp[4096];
	int fd = -1, n = snprintf(temp, sizeof(temp), "%s.new", path);
	bool ok = false;

	if (text == NULL || n < 0 || (size_t)n >= sizeof(temp)) {
		free(text);
		return ERR_MEMORY;
	}
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0640);
	if (fd >= 0) {
		ok = write_whole(fd, text, len);
		ok = close(fd) == 0 && ok;
	}
	ok = ok && rename(temp, path) == 0 && sync_folder(path);
	if (!ok && fd >= 0) {
		int why = errno;

		(void)unlink(temp);
		errno = why;
	}
	free(text);
	return ok ? ERR_OK : ERR_SYSTEM;
}
