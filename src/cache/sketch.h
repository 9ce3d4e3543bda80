/* SPDX-License-Identifier: BSD-3-Clause */
/* sketch.h - was this asked for lately? A small, forgetful memory. */
#ifndef HITHER_CACHE_SKETCH_H
#define HITHER_CACHE_SKETCH_H

#include <hither/base.h>

struct sketch;
struct sketch *sketch_new(size_t max_bytes) MUST_USE;
void sketch_free(struct sketch *s); /* NULL is fine */
size_t sketch_bytes(const struct sketch *s);
/*
 * Notes one more time and says whether there was one before, within the last
 * minute or two. Any thread; may say yes wrongly now and then.
 */
bool sketch_seen(struct sketch *s, uint64_t hash, uint64_t now_ms);
/* Fetches ahead what sketch_seen() will touch. */
void sketch_expect(const struct sketch *s, uint64_t hash);

#endif
