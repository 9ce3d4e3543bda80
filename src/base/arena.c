/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena.c - memory that lives and dies together.
 *
 * Blocks are chained; the first is 4 KiB, each further one twice the last up
 * to 64 KiB, and a request too big for that gets a block of its own. What
 * the blocks hold together never exceeds max_bytes. After the first refusal
 * every later one is refused too, so that a caller may check once, at the
 * end, and half-built objects cannot pass for whole ones.
 */
#include <hither/base.h>

#include <stdio.h>
#include <string.h>

#define FIRST_BLOCK 4096u
#define LAST_BLOCK  65536u

struct arena_block {
	struct arena_block *older;
	size_t size; /* bytes of room */
	_Alignas(ARENA_ALIGN) uint8_t room[];
};

struct arena *
arena_new(size_t max_bytes)
{
	struct arena *a = memory_new(sizeof(*a));

	if (a == NULL)
		return NULL;
	a->max_bytes = max_bytes;
	a->next = FIRST_BLOCK;
	return a;
}

static void
free_chain(struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *older = b->older;

		memory_free(b);
		b = older;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	free_chain(a->newest);
	memory_free(a);
}

static void
use_block(struct arena *a, struct arena_block *b)
{
	a->newest = b;
	a->at = b->room;
	a->end = b->room + (b->size & ~(size_t)(ARENA_ALIGN - 1));
}

void
arena_reset(struct arena *a)
{
	struct arena_block *keep = a->newest;

	while (keep != NULL && keep->size > LAST_BLOCK) {
		struct arena_block *older = keep->older;

		memory_free(keep);
		keep = older;
	}
	a->held = 0;
	a->next = FIRST_BLOCK;
	a->over = false;
	a->newest = NULL;
	a->at = a->end = NULL;
	if (keep == NULL)
		return;
	free_chain(keep->older);
	keep->older = NULL;
	use_block(a, keep);
	a->held = keep->size;
	if (keep->size + sizeof(*keep) < LAST_BLOCK)
		a->next = 2 * (keep->size + sizeof(*keep));
	else
		a->next = LAST_BLOCK;
}

/* A block with room for bytes, or NULL; the cap may shrink it. */
static struct arena_block *
add_block(struct arena *a, size_t bytes)
{
	size_t left = a->max_bytes - a->held;
	size_t size = a->next - sizeof(struct arena_block);
	struct arena_block *b;

	if (bytes > left || bytes > SIZE_MAX - sizeof(*b))
		return NULL;
	if (size > left)
		size = left;
	if (size < bytes)
		size = bytes;
	b = memory_grow(NULL, sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	b->older = a->newest;
	use_block(a, b);
	a->held += size;
	if (a->next < LAST_BLOCK)
		a->next *= 2;
	return b;
}

void *
arena_more(struct arena *a, size_t bytes)
{
	size_t rounded = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	uint8_t *p;

	if (rounded < bytes)
		a->over = true;
	if (rounded == 0)
		rounded = ARENA_ALIGN;
	if (!a->over && (size_t)(a->end - a->at) < rounded)
		a->over = add_block(a, rounded) == NULL;
	if (a->over) {
		a->at = a->end = NULL; /* nobody gets any more */
		return NULL;
	}
	p = a->at;
	a->at += rounded;
	return p;
}

void *
arena_copy(struct arena *a, const void *p, size_t bytes)
{
	void *to = arena_room(a, bytes);

	if (to != NULL && bytes > 0)
		memcpy(to, p, bytes);
	return to;
}

char *
arena_print(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		a->over = true;
		a->at = a->end = NULL;
		return NULL;
	}
	text = arena_take(a, (size_t)n + 1);
	if (text == NULL)
		return NULL;
	va_start(args, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return text;
}

size_t
arena_bytes(const struct arena *a)
{
	return a->held;
}
