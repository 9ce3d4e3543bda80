/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * anchors.c - trust anchors, and names that are not to be validated (RFC
 * 7646). A short list behind a lock that readers share: it is read once a
 * validated question, and written when an operator or a key rollover says so.
 */
#include "inner.h"

#include <pthread.h>
#include <string.h>

#define ANCHORS_MAX 4096u

struct item {
	struct name zone;
	uint8_t *rdata; /* NULL: a negative anchor */
	uint64_t until_s;
	uint16_t type, len;
	char reason[REASON_MAX];
};

struct anchors {
	pthread_rwlock_t lock;
	struct item *items;
	size_t count, room;
	uint32_t generation;
};

struct anchors *
anchors_new(void)
{
	struct anchors *as = memory_new(sizeof(*as));

	if (as != NULL && pthread_rwlock_init(&as->lock, NULL) != 0) {
		memory_free(as);
		return NULL;
	}
	return as;
}

void
anchors_free(struct anchors *as)
{
	if (as == NULL)
		return;
	for (size_t i = 0; i < as->count; i++)
		memory_free(as->items[i].rdata);
	memory_free(as->items);
	pthread_rwlock_destroy(&as->lock);
	memory_free(as);
}

static void
changed(struct anchors *as)
{
	__atomic_add_fetch(&as->generation, 1, __ATOMIC_RELEASE);
}

uint32_t
anchors_generation(const struct anchors *as)
{
	return __atomic_load_n(&as->generation, __ATOMIC_ACQUIRE);
}

static enum err
make_room(struct anchors *as, size_t more)
{
	size_t room = as->room * 2 + 8;
	struct item *grown;

	if (as->count + more > ANCHORS_MAX)
		return ERR_LIMIT;
	if (as->count + more <= as->room)
		return ERR_OK;
	if (room < as->count + more)
		room = as->count + more;
	grown = memory_grow(as->items, room * sizeof(*grown));
	if (grown == NULL)
		return ERR_MEMORY;
	as->items = grown;
	as->room = room;
	return ERR_OK;
}

static enum err
add(struct anchors *as, const struct item *item)
{
	enum err e = make_room(as, 1);

	if (e != ERR_OK)
		return e;
	as->items[as->count++] = *item;
	changed(as);
	return ERR_OK;
}

static enum err
add_locked(struct anchors *as, const struct item *item)
{
	enum err e;

	pthread_rwlock_wrlock(&as->lock);
	e = add(as, item);
	pthread_rwlock_unlock(&as->lock);
	return e;
}

enum err
anchors_add(struct anchors *as, const uint8_t *zone, uint16_t type,
    const struct rdata *rdata)
{
	struct item item = { .type = type, .len = rdata->len };
	enum err e;

	if (rdata->len < 5 || (type != TYPE_DS && type != TYPE_DNSKEY))
		return ERR_FORMAT;
	name_lower(&item.zone, zone);
	item.rdata = memory_new(rdata->len);
	if (item.rdata == NULL)
		return ERR_MEMORY;
	memcpy(item.rdata, rdata->bytes, rdata->len);
	e = add_locked(as, &item);
	if (e != ERR_OK)
		memory_free(item.rdata);
	return e;
}

static struct item *
find_negative(struct anchors *as, const uint8_t *name)
{
	for (size_t i = 0; i < as->count; i++)
		if (as->items[i].rdata == NULL &&
		    name_equal(as->items[i].zone.wire, name))
			return &as->items[i];
	return NULL;
}

enum err
anchors_add_negative(struct anchors *as, const uint8_t *name, uint64_t until_s)
{
	struct item item = { .until_s = until_s }, *old;
	enum err e = ERR_OK;

	name_lower(&item.zone, name);
	pthread_rwlock_wrlock(&as->lock);
	old = find_negative(as, name);
	if (old != NULL) {
		*old = item;
		changed(as);
	} else {
		e = add(as, &item);
	}
	pthread_rwlock_unlock(&as->lock);
	return e;
}

void
anchors_explain(struct anchors *as, const uint8_t *name, const char *reason)
{
	size_t n = strnlen(reason, REASON_MAX - 1);
	struct item *it;

	pthread_rwlock_wrlock(&as->lock);
	it = find_negative(as, name);
	if (it != NULL) {
		memset(it->reason, 0, REASON_MAX);
		memcpy(it->reason, reason, n);
	}
	pthread_rwlock_unlock(&as->lock);
}

/* The lock is held. */
static bool
drop(struct anchors *as, const uint8_t *zone, bool negative)
{
	size_t kept = 0;
	bool any;

	for (size_t i = 0; i < as->count; i++) {
		struct item *it = &as->items[i];

		if ((it->rdata == NULL) == negative &&
		    name_equal(it->zone.wire, zone)) {
			memory_free(it->rdata);
			continue;
		}
		as->items[kept++] = *it;
	}
	any = kept < as->count;
	as->count = kept;
	if (any)
		changed(as);
	return any;
}

static bool
remove_all(struct anchors *as, const uint8_t *zone, bool negative)
{
	bool any;

	pthread_rwlock_wrlock(&as->lock);
	any = drop(as, zone, negative);
	pthread_rwlock_unlock(&as->lock);
	return any;
}

static bool
same_anchors(const struct anchors *as, const uint8_t *zone,
    const struct anchors *other)
{
	size_t same = 0, here = 0;

	for (size_t i = 0; i < as->count; i++) {
		const struct item *a = &as->items[i];

		if (a->rdata == NULL || !name_equal(a->zone.wire, zone))
			continue;
		here++;
		for (size_t k = 0; k < other->count; k++) {
			const struct item *b = &other->items[k];

			same += a->type == b->type && a->len == b->len &&
				memcmp(a->rdata, b->rdata, a->len) == 0;
		}
	}
	return same == here && here == other->count;
}

enum err
anchors_take(struct anchors *as, const uint8_t *zone, struct anchors *from)
{
	enum err e = ERR_OK;

	pthread_rwlock_wrlock(&as->lock);
	if (!same_anchors(as, zone, from)) {
		e = make_room(as, from->count);
		if (e == ERR_OK) {
			(void)drop(as, zone, false);
			if (from->count > 0)
				memcpy(&as->items[as->count], from->items,
				    from->count * sizeof(*from->items));
			as->count += from->count;
			from->count = 0;
			changed(as);
		}
	}
	pthread_rwlock_unlock(&as->lock);
	return e;
}

void
anchors_remove(struct anchors *as, const uint8_t *zone)
{
	(void)remove_all(as, zone, false);
}

bool
anchors_remove_negative(struct anchors *as, const uint8_t *name)
{
	return remove_all(as, name, true);
}

/* The deepest that counts; at the same name a negative one wins. */
static const struct item *
closest(const struct anchors *as, const uint8_t *name, uint64_t now_s)
{
	const struct item *best = NULL;

	for (size_t i = 0; i < as->count; i++) {
		const struct item *it = &as->items[i];
		unsigned labels = name_labels(it->zone.wire);

		if (!name_is_within(name, it->zone.wire) ||
		    (it->rdata == NULL && it->until_s != 0 &&
			it->until_s <= now_s))
			continue;
		if (best == NULL || labels > name_labels(best->zone.wire) ||
		    (it->rdata == NULL &&
			labels == name_labels(best->zone.wire)))
			best = it;
	}
	return best;
}

static struct rrset *
copy_set(const struct anchors *as, const struct name *zone, uint16_t type,
    struct arena *a)
{
	struct rrset *set = arena_take(a, sizeof(*set));
	struct rdata *list = arena_take(a, (as->count + 1) * sizeof(*list));

	if (set == NULL || list == NULL)
		return NULL;
	set->owner = name_copy_in(a, zone->wire);
	set->type = type;
	set->rdata = list;
	for (size_t i = 0; i < as->count; i++) {
		const struct item *it = &as->items[i];

		if (it->rdata == NULL || it->type != type ||
		    !name_equal(it->zone.wire, zone->wire))
			continue;
		list[set->count].bytes = arena_copy(a, it->rdata, it->len);
		list[set->count].len = it->len;
		if (list[set->count++].bytes == NULL)
			return NULL;
	}
	return set->count == 0 ? NULL : set;
}

bool
anchors_find(const struct anchors *as, const uint8_t *name, uint64_t now_s,
    struct arena *a, struct anchor *out)
{
	struct anchors *shared = (struct anchors *)(uintptr_t)as;
	const struct item *best;

	pthread_rwlock_rdlock(&shared->lock);
	best = closest(as, name, now_s);
	if (best != NULL) {
		*out = (struct anchor){ .zone = best->zone,
			.negative = best->rdata == NULL };
		out->entry[0] = copy_set(as, &best->zone, TYPE_DS, a);
		out->entry[1] = copy_set(as, &best->zone, TYPE_DNSKEY, a);
	}
	pthread_rwlock_unlock(&shared->lock);
	return best != NULL;
}

void
anchors_each(const struct anchors *as,
    void (*seen)(void *user, const struct anchor_view *view), void *user)
{
	struct anchors *shared = (struct anchors *)(uintptr_t)as;

	pthread_rwlock_rdlock(&shared->lock);
	for (size_t i = 0; i < as->count; i++) {
		const struct item *it = &as->items[i];
		const struct rdata rdata = { .bytes = it->rdata,
			.len = it->len };

		seen(user, &(struct anchor_view){ .zone = it->zone.wire,
			       .rdata = it->rdata == NULL ? NULL : &rdata,
			       .reason = it->reason,
			       .until_s = it->until_s,
			       .type = it->type });
	}
	pthread_rwlock_unlock(&shared->lock);
}
