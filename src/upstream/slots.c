/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slots.c - the table of exchanges.
 *
 * Ids are (generation, slot): slots are reused in the order they became
 * free, so that an old id stays unknown for as long as possible. The memory
 * of those that ended is kept for the next: 900 instructions less a miss than
 * four calls of the heap.
 */
#include "slot.h"

#include <string.h>

#define SPARE_REPLY_MAX 1024u

bool
slots_make(struct upstream *up)
{
	up->slots = memory_new(up->capacity * sizeof(*up->slots));
	up->generations = memory_new(up->capacity * sizeof(uint16_t));
	up->unused = memory_new(up->capacity * sizeof(uint16_t));
	if (up->slots == NULL || up->generations == NULL || up->unused == NULL)
		return false;
	for (size_t i = 0; i < up->capacity; i++) {
		up->generations[i] = 1;
		up->unused[i] = (uint16_t)i;
	}
	up->unused_count = up->capacity;
	return true;
}

struct slot *
slot_find(struct upstream *up, uint32_t id)
{
	size_t i = id & 0xffffu;
	struct slot *s = i < up->capacity ? up->slots[i] : NULL;

	return s != NULL && s->id == id ? s : NULL;
}

static size_t
ring_at(const struct upstream *up, size_t i)
{
	return (up->unused_at + i) % up->capacity;
}

/* A slot with room for its names, cleared but for them. */
static struct slot *
slot_memory(struct upstream *up, size_t names)
{
	size_t room = (names + 63) & ~(size_t)63;
	struct slot *s;

	if (up->spare_count > 0 &&
	    up->spare[up->spare_count - 1]->names_room >= names) {
		struct slot old = *(s = up->spare[--up->spare_count]);

		memset(s, 0, sizeof(*s));
		s->reply = old.reply;
		s->reply_room = old.reply_room;
		s->names_room = old.names_room;
		return s;
	}
	s = memory_new(sizeof(*s) + room);
	if (s != NULL)
		s->names_room = (uint16_t)room;
	return s;
}

struct slot *
slot_new(struct upstream *up, const struct ask *a)
{
	size_t zone_len = name_bytes(a->zone);
	size_t qname_len = name_bytes(a->qname);
	struct slot *s = slot_memory(up, zone_len + qname_len);
	uint16_t i;

	if (s == NULL)
		return NULL;
	i = up->unused[up->unused_at];
	up->unused_at = ring_at(up, 1);
	up->unused_count--;
	s->up = up;
	s->id = (uint32_t)up->generations[i] << 16 | i;
	memcpy(s->names, a->zone, zone_len);
	memcpy(s->names + zone_len, a->qname, qname_len);
	s->qname_at = (uint16_t)zone_len;
	s->qname_bytes = (uint8_t)qname_len;
	up->slots[i] = s;
	up->counts.open++;
	return s;
}

static void
slot_drop(struct slot *s)
{
	memory_free(s->reply);
	memory_free(s);
}

void
slot_free(struct slot *s)
{
	struct upstream *up = s->up;
	uint16_t i = (uint16_t)(s->id & 0xffffu);

	up->slots[i] = NULL;
	if (++up->generations[i] == 0)
		up->generations[i] = 1;
	up->unused[ring_at(up, up->unused_count)] = i;
	up->unused_count++;
	up->counts.open--;
	if (up->spare_count == SPARE_SLOTS || s->reply_room > SPARE_REPLY_MAX)
		slot_drop(s);
	else
		up->spare[up->spare_count++] = s;
}

void
slots_free(struct upstream *up)
{
	while (up->spare_count > 0)
		slot_drop(up->spare[--up->spare_count]);
	memory_free(up->slots);
	memory_free(up->generations);
	memory_free(up->unused);
}

bool
slot_keep_reply(struct slot *s, const uint8_t *bytes, size_t len)
{
	if (s->reply_room < len) {
		memory_free(s->reply);
		s->reply = memory_new(len);
		s->reply_room = s->reply == NULL ? 0 : (uint16_t)len;
	}
	if (s->reply == NULL)
		return false;
	memcpy(s->reply, bytes, len);
	s->x.bytes = s->reply;
	s->x.len = len;
	return true;
}
