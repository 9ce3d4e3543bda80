/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - the names that are answered locally, as a tree of labels.
 *
 * The children of all nodes share one hash table, keyed by parent and label.
 * A walk begins at the last label and ends at the first one that is unknown,
 * so that the questions of ordinary names stop after one step, most of them
 * at a bit mask. Built once, then only read.
 */
#include "inside.h"

#include <string.h>

#define TREE_NODES_FIRST 256u
#define TREE_NODES_MAX   (1u << 24)
#define LABELS_MAX       128u

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Where each label of a name begins; returns how many there are. */
static unsigned
label_starts(const uint8_t *n, uint8_t *starts)
{
	unsigned at = 0, count = 0;

	while (n[at] != 0 && count < LABELS_MAX) {
		starts[count++] = (uint8_t)at;
		at += n[at] + 1u;
	}
	return count;
}

static uint64_t
label_bit(const uint8_t *label)
{
	unsigned sum =
	    label[0] + 7u * lower(label[1]) + 13u * lower(label[label[0]]);

	return (uint64_t)1 << (sum % 64);
}

static size_t
child_hash(const struct tree *t, uint32_t parent, const uint8_t *label)
{
	uint8_t key[4 + 64];
	size_t i, len = label[0] + 1u;

	memcpy(key, &parent, sizeof(parent));
	for (i = 0; i < len; i++)
		key[4 + i] = i == 0 ? label[0] : lower(label[i]);
	return (size_t)hash_bytes(&t->key, key, 4 + len);
}

static bool
label_equal(const uint8_t *a, const uint8_t *b)
{
	unsigned i;

	if (a[0] != b[0])
		return false;
	for (i = 1; i <= a[0]; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* The slot that holds this child, or the free one it would go to. */
static uint32_t *
child_slot(const struct tree *t, uint32_t parent, const uint8_t *label)
{
	size_t i = child_hash(t, parent, label) & (t->slot_room - 1);

	while (t->slots[i] != 0) {
		const struct tree_node *n = &t->nodes[t->slots[i]];

		if (n->parent == parent && label_equal(n->label, label))
			break;
		i = (i + 1) & (t->slot_room - 1);
	}
	return &t->slots[i];
}

/* Twice the nodes; the slots stay at least half free. */
static enum err
name_tree_grow(struct tree *t)
{
	size_t room = t->node_room * 2, i;
	struct tree_node *nodes;
	uint32_t *slots;

	if (room > TREE_NODES_MAX)
		return ERR_LIMIT;
	nodes = memory_grow(t->nodes, room * sizeof(*nodes));
	if (nodes == NULL)
		return ERR_MEMORY;
	t->nodes = nodes;
	slots = memory_new(room * 2 * sizeof(*slots));
	if (slots == NULL)
		return ERR_MEMORY;
	memory_free(t->slots);
	t->slots = slots;
	t->slot_room = room * 2;
	t->node_room = room;
	for (i = 1; i < t->node_count; i++)
		*child_slot(t, nodes[i].parent, nodes[i].label) = (uint32_t)i;
	return ERR_OK;
}

enum err
name_tree_start(struct tree *t)
{
	t->nodes = memory_new(TREE_NODES_FIRST * sizeof(*t->nodes));
	t->slots = memory_new(TREE_NODES_FIRST * 2 * sizeof(*t->slots));
	t->node_room = TREE_NODES_FIRST;
	t->slot_room = TREE_NODES_FIRST * 2;
	t->node_count = 1;
	hash_key_random(&t->key);
	if (t->nodes == NULL || t->slots == NULL)
		return ERR_MEMORY;
	t->nodes[0].label = name_root;
	return ERR_OK;
}

void
name_tree_free(struct tree *t)
{
	memory_free(t->nodes);
	memory_free(t->slots);
	t->nodes = NULL;
	t->slots = NULL;
}

static uint32_t
child_add(struct tree *t, struct arena *a, uint32_t parent,
    const uint8_t *label)
{
	uint8_t low[64];
	uint32_t *slot;
	unsigned i;

	if (t->node_count == t->node_room && name_tree_grow(t) != ERR_OK)
		return 0;
	low[0] = label[0];
	for (i = 1; i <= label[0]; i++)
		low[i] = lower(label[i]);
	slot = child_slot(t, parent, low);
	t->nodes[t->node_count] = (struct tree_node){
		.label = arena_copy(a, low, low[0] + 1u),
		.parent = parent,
	};
	if (t->nodes[t->node_count].label == NULL)
		return 0;
	*slot = (uint32_t)t->node_count++;
	return *slot;
}

struct tree_node *
name_tree_add(struct tree *t, struct arena *a, const uint8_t *n)
{
	UNCLEARED uint8_t starts[LABELS_MAX];
	unsigned i = label_starts(n, starts);
	uint32_t at = 0;

	if (i > 0)
		t->top_labels |= label_bit(n + starts[i - 1]);
	while (i-- > 0) {
		uint32_t next = *child_slot(t, at, n + starts[i]);

		if (next == 0)
			next = child_add(t, a, at, n + starts[i]);
		if (next == 0)
			return NULL;
		at = next;
	}
	return &t->nodes[at];
}

bool
name_tree_find(const struct tree *t, const uint8_t *n, struct tree_place *out)
{
	UNCLEARED uint8_t starts[LABELS_MAX];
	unsigned i, labels = label_starts(n, starts);
	uint32_t at = 0;

	*out =
	    (struct tree_place){ .zone = t->nodes[0].zone, .labels = labels };
	if (labels == 0)
		out->node = &t->nodes[0];
	else if ((t->top_labels & label_bit(n + starts[labels - 1])) == 0)
		return out->zone != ZONE_NONE;
	for (i = labels; i-- > 0;) {
		at = *child_slot(t, at, n + starts[i]);
		if (at == 0)
			break;
		if (t->nodes[at].zone != ZONE_NONE) {
			out->zone = t->nodes[at].zone;
			out->zone_labels = labels - i;
		}
		if (i == 0)
			out->node = &t->nodes[at];
	}
	return out->zone != ZONE_NONE || out->node != NULL;
}
