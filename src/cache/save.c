/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * save.c - what was learned survives a restart.
 *
 * The file, numbers big-endian:
 *
 *	8	"hither" 0 and the version, 'c' and 1
 *	8	wall clock, seconds
 *	chunks:	length (4), octets, checksum of them and their place (8)
 *	0 (4)	the end: a file without it is a damaged one
 *
 * In a chunk: length (4) and an entry (entry.c), again and again. Written
 * beside its place, synced, and moved there. All checksums are looked at
 * before anything is taken from it; a damaged file is set aside for whoever
 * wants to know, and the cache begins empty.
 */
#include "save.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_BYTES 9u
#define HEAD_BYTES  (MAGIC_BYTES + 8u)
#define CHUNK_MAX   (256u * 1024u)
#define ARENA_MAX   ((size_t)4 << 20)

static const uint8_t magic[MAGIC_BYTES] = { 'h', 'i', 't', 'h', 'e', 'r', 0,
	'c', 1 };

struct chunk {
	uint8_t bytes[CHUNK_MAX];
	size_t len;
	uint64_t number;
};

/* Not against forgers, who could write the file: against damage. */
static uint64_t
checksum(const struct chunk *k)
{
	struct hash_key fixed = { "hither cache" };

	(void)octets_put((uint8_t *)&fixed + sizeof(fixed) - 4, k->number, 4);
	return hash_bytes(&fixed, k->bytes, k->len);
}

/* --- writing ---------------------------------------------------------- */

struct saving {
	FILE *to;
	struct arena *arena;
	struct chunk *chunk;
	uint8_t *entry; /* SAVED_ENTRY_MAX */
	uint64_t now_ms, stop_us, count;
	bool failed;
};

static void
chunk_out(struct saving *s)
{
	struct chunk *k = s->chunk;
	uint8_t head[4], sum[8];

	(void)octets_put(head, k->len, 4);
	(void)octets_put(sum, checksum(k), 8);
	s->failed = s->failed || fwrite(head, 4, 1, s->to) != 1 ||
		    fwrite(k->bytes, k->len, 1, s->to) != 1 ||
		    fwrite(sum, 8, 1, s->to) != 1;
	k->len = 0;
	k->number++;
}

static bool
save_entry(const struct entry *e, void *user)
{
	struct saving *s = user;
	struct chunk *k = s->chunk;
	size_t len;

	if (s->failed || (s->stop_us != 0 && clock_mono_us() >= s->stop_us))
		return false;
	arena_reset(s->arena);
	len = saved_write((const struct record_entry *)(const void *)e,
	    s->now_ms, s->arena, s->entry);
	if (len == 0)
		return true;
	if (k->len + 4 + len > CHUNK_MAX)
		chunk_out(s);
	(void)octets_put(k->bytes + k->len, len, 4);
	memcpy(k->bytes + k->len + 4, s->entry, len);
	k->len += 4 + len;
	s->count++;
	return true;
}

static enum err
save_to(struct cache *c, FILE *to, const struct cache_moment *now,
    uint64_t *count)
{
	struct saving s = { .to = to,
		.arena = arena_new(ARENA_MAX),
		.chunk = memory_new(sizeof(*s.chunk)),
		.entry = memory_new(SAVED_ENTRY_MAX),
		.now_ms = now->now_ms };
	uint8_t head[HEAD_BYTES], end[4] = { 0 };

	if (now->budget_us != 0)
		s.stop_us = clock_mono_us() + now->budget_us;
	s.failed = s.arena == NULL || s.chunk == NULL || s.entry == NULL;
	memcpy(head, magic, MAGIC_BYTES);
	(void)octets_put(head + MAGIC_BYTES, now->wall_s, 8);
	if (!s.failed && fwrite(head, sizeof(head), 1, to) == 1) {
		table_walk(c->records, save_entry, &s);
		if (s.chunk->len > 0)
			chunk_out(&s);
		s.failed = s.failed || fwrite(end, 4, 1, to) != 1;
	} else {
		s.failed = true;
	}
	arena_free(s.arena);
	memory_free(s.chunk);
	memory_free(s.entry);
	*count = s.count;
	return s.failed ? ERR_SYSTEM : ERR_OK;
}

enum err
cache_save(struct cache *c, const char *path, const struct cache_moment *now,
    uint64_t *count)
{
	char beside[4096];
	enum err e;
	FILE *f;

	*count = 0;
	if (snprintf(beside, sizeof(beside), "%s.new", path) >=
	    (int)sizeof(beside))
		return ERR_SPACE;
	f = fopen(beside, "we");
	if (f == NULL)
		return ERR_SYSTEM;
	(void)fchmod(fileno(f), 0600);
	e = save_to(c, f, now, count);
	if (e == ERR_OK && (fflush(f) != 0 || fsync(fileno(f)) != 0))
		e = ERR_SYSTEM;
	if (fclose(f) != 0 && e == ERR_OK)
		e = ERR_SYSTEM;
	if (e == ERR_OK && rename(beside, path) != 0)
		e = ERR_SYSTEM;
	if (e != ERR_OK)
		(void)unlink(beside);
	return e;
}

/* --- reading ---------------------------------------------------------- */

enum next { NEXT_CHUNK, NEXT_END, NEXT_DAMAGED };

static enum next
chunk_in(FILE *from, struct chunk *k)
{
	uint8_t head[4], sum[8];

	if (fread(head, 4, 1, from) != 1)
		return NEXT_DAMAGED;
	k->len = (size_t)octets_get(head, 4);
	if (k->len == 0)
		return fgetc(from) == EOF ? NEXT_END : NEXT_DAMAGED;
	if (k->len > CHUNK_MAX || fread(k->bytes, k->len, 1, from) != 1 ||
	    fread(sum, 8, 1, from) != 1 || octets_get(sum, 8) != checksum(k))
		return NEXT_DAMAGED;
	k->number++;
	return NEXT_CHUNK;
}

static bool
is_whole(FILE *from, struct chunk *k)
{
	enum next n;

	k->number = 0;
	while ((n = chunk_in(from, k)) == NEXT_CHUNK)
		continue;
	k->number = 0;
	return n == NEXT_END && fseek(from, (long)HEAD_BYTES, SEEK_SET) == 0;
}

/* Returns how many of the chunk's entries are in the cache now. */
static uint64_t
take_chunk(struct cache *c, const struct chunk *k, const struct saved_at *at,
    struct arena *a)
{
	uint64_t count = 0;
	size_t i = 0;

	while (k->len - i >= 4) {
		size_t len = (size_t)octets_get(k->bytes + i, 4);
		struct record r;

		if (len > k->len - i - 4)
			break;
		arena_reset(a);
		if (saved_read(k->bytes + i + 4, len, at, a, &r) &&
		    records_put(c, &r, at->now_ms) == ERR_OK)
			count++;
		i += 4 + len;
	}
	return count;
}

enum err
cache_read(struct cache *c, FILE *from, const struct cache_moment *now,
    uint64_t *count)
{
	struct chunk *k = memory_new(sizeof(*k));
	struct arena *a = arena_new(ARENA_MAX);
	struct saved_at at = { .now_ms = now->now_ms };
	uint8_t head[HEAD_BYTES];
	uint64_t saved_s;
	enum err e = ERR_FORMAT;

	*count = 0;
	if (k == NULL || a == NULL) {
		e = ERR_MEMORY;
	} else if (fread(head, sizeof(head), 1, from) == 1 &&
		   memcmp(head, magic, MAGIC_BYTES) == 0 && is_whole(from, k)) {
		saved_s = octets_get(head + MAGIC_BYTES, 8);
		/* A clock that went back tells nothing about their age. */
		e = saved_s <= now->wall_s ? ERR_OK : ERR_RANGE;
		at.elapsed_ms = (now->wall_s - saved_s) * 1000;
	}
	while (e == ERR_OK && chunk_in(from, k) == NEXT_CHUNK)
		*count += take_chunk(c, k, &at, a);
	arena_free(a);
	memory_free(k);
	return e;
}

enum err
cache_load(struct cache *c, const char *path, const struct cache_moment *now,
    uint64_t *count)
{
	char aside[4096];
	FILE *f = fopen(path, "re");
	enum err e;

	*count = 0;
	if (f == NULL)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	e = cache_read(c, f, now, count);
	(void)fclose(f);
	if (e == ERR_FORMAT && snprintf(aside, sizeof(aside), "%s.damaged",
				   path) < (int)sizeof(aside))
		(void)rename(path, aside);
	return e;
}
