/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sign_yaml.c - the `signing` part of net.yaml: which zones are signed, how,
 * and with which mistake. What is not said is 13 (ECDSA P-256), NSEC, sound.
 */
#include <stdlib.h>
#include <string.h>

#include "yaml_walk.h"

#define ALGORITHM_DEFAULT 13

/* In the order of enum sign_fault. */
static const char *const fault_names[] = { "none", "expired", "not-yet-valid",
	"wrong-key", "bad-signature", "missing-dnskey", "ds-mismatch",
	"stripped", "missing-denial", "wrong-labels", "wrong-signer",
	"unknown-algorithm", "unknown-digest", "unsigned" };
/* In the order of enum denial. */
static const char *const denial_names[] = { "nsec", "nsec3", "nsec3-opt-out" };

/* The word's place in the list; n when it is not there. */
static size_t
find_word(struct walk *p, const yaml_node_t *v, const char *const *words,
    size_t n)
{
	const char *text = walk_scalar(v);
	size_t i = 0;

	while (i < n && (text == NULL || strcmp(text, words[i]) != 0))
		i++;
	if (i == n)
		walk_fault(p, v, "unknown word", text);
	return i;
}

static void
read_algorithm(struct walk *p, const yaml_node_t *v, void *into)
{
	static const char *const words[] = { "8", "10", "13", "14", "15",
		"16" };
	struct signing *s = into;
	size_t i = find_word(p, v, words, ARRAY_LEN(words));

	if (i < ARRAY_LEN(words))
		s->algorithm = (uint8_t)strtoul(words[i], NULL, 10);
}

static void
read_denial(struct walk *p, const yaml_node_t *v, void *into)
{
	struct signing *s = into;
	size_t i = find_word(p, v, denial_names, ARRAY_LEN(denial_names));

	if (i < ARRAY_LEN(denial_names))
		s->denial = (enum denial)i;
}

static void
read_fault(struct walk *p, const yaml_node_t *v, void *into)
{
	struct signing *s = into;
	size_t i = find_word(p, v, fault_names, ARRAY_LEN(fault_names));

	if (i < ARRAY_LEN(fault_names))
		s->fault = (enum sign_fault)i;
}

static void
read_iterations(struct walk *p, const yaml_node_t *v, void *into)
{
	struct signing *s = into;
	double n = 0;

	if (walk_scalar(v) == NULL ||
	    number_parse(walk_scalar(v), 0, 2500, &n) != ERR_OK)
		walk_fault(p, v, "expected a number, 0 to 2500",
		    walk_scalar(v));
	s->iterations = (uint16_t)n;
}

static bool
hex_byte(const char *text, uint8_t *out)
{
	char pair[3] = { text[0], text[1], '\0' };
	char *end;

	*out = (uint8_t)strtoul(pair, &end, 16);
	return end == pair + 2;
}

static void
read_salt(struct walk *p, const yaml_node_t *v, void *into)
{
	struct signing *s = into;
	const char *text = walk_scalar(v);
	size_t len = text == NULL ? 1 : strlen(text);

	if (len % 2 == 0 && len <= 2u * SALT_MAX &&
	    strspn(text, "0123456789abcdefABCDEF") == len) {
		s->salt_len = (uint8_t)(len / 2);
		for (size_t i = 0; i < s->salt_len; i++)
			(void)hex_byte(text + 2 * i, &s->salt[i]);
		return;
	}
	walk_fault(p, v, "expected pairs of hexadecimal digits", text);
}

static void
read_zone(struct walk *p, const yaml_node_t *k, const yaml_node_t *v)
{
	static const struct walk_key keys[] = { { "algorithm", read_algorithm },
		{ "denial", read_denial }, { "fault", read_fault },
		{ "iterations", read_iterations }, { "salt", read_salt },
		{ NULL, NULL } };
	struct world *w = p->world;
	struct signing *s = arena_take(w->arena, sizeof(*s));
	const char *name = walk_scalar(k);

	if (s == NULL)
		return;
	s->algorithm = ALGORITHM_DEFAULT;
	if (name == NULL || name_parse(strcmp(name, "root") == 0 ? "." : name,
				&s->origin) != ERR_OK) {
		walk_fault(p, k, "not a zone's name", name);
		return;
	}
	if (signing_find(w->signing, s->origin.wire) != NULL)
		walk_fault(p, k, "given twice", name);
	walk_mapping(p, v, keys, s);
	s->next = w->signing;
	w->signing = s;
}

void
signing_read(struct walk *p, const yaml_node_t *n, void *into)
{
	const yaml_node_pair_t *pair;

	(void)into;
	if (n->type != YAML_MAPPING_NODE) {
		walk_fault(p, n, "expected a mapping of zones", NULL);
		return;
	}
	for (pair = n->data.mapping.pairs.start;
	     pair < n->data.mapping.pairs.top; pair++)
		read_zone(p, yaml_document_get_node(&p->doc, pair->key),
		    yaml_document_get_node(&p->doc, pair->value));
}

const struct signing *
signing_find(const struct signing *all, const uint8_t *zone)
{
	while (all != NULL && !name_equal(all->origin.wire, zone))
		all = all->next;
	return all;
}
