/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sentinel.c - telling others which anchors of a zone are here: the root key
 * sentinel (RFC 8509) and the name of trust anchor signalling (RFC 8145).
 */
#include "inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAGS_MAX 12u /* "_ta" and four digits each fill a label of 63 */
#define TAG_LEN  5u

struct tags {
	const uint8_t *zone;
	uint16_t *out;
	size_t count, max;
};

bool
anchor_tag(const struct anchor_view *v, uint16_t *tag)
{
	struct ds ds;

	if (v->rdata == NULL)
		return false;
	if (v->type == TYPE_DNSKEY) {
		*tag = dnskey_tag(v->rdata);
		return true;
	}
	if (!ds_read(v->rdata, &ds))
		return false;
	*tag = ds.tag;
	return true;
}

static void
gather_tag(void *user, const struct anchor_view *v)
{
	struct tags *t = user;
	uint16_t tag;

	if (!name_equal(v->zone, t->zone) || !anchor_tag(v, &tag))
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->out[i] == tag)
			return;
	if (t->count < t->max)
		t->out[t->count++] = tag;
}

static int
compare_tags(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

size_t
anchors_tags(const struct anchors *as, const uint8_t *zone, uint16_t *out,
    size_t max)
{
	struct tags t = { .zone = zone, .out = out, .max = max };

	anchors_each(as, gather_tag, &t);
	qsort(out, t.count, sizeof(*out), compare_tags);
	return t.count;
}

/* Five decimal digits behind the prefix, and nothing else. */
static bool
read_tag(const uint8_t *label, const char *prefix, uint16_t *tag)
{
	size_t n = strlen(prefix);
	unsigned long v = 0;

	if (label[0] != n + TAG_LEN ||
	    strncasecmp((const char *)label + 1, prefix, n) != 0)
		return false;
	for (size_t i = 0; i < TAG_LEN; i++) {
		uint8_t c = label[1 + n + i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*tag = (uint16_t)v;
	return v <= UINT16_MAX;
}

bool
sentinel_withholds(const struct anchors *as, const uint8_t *qname,
    uint16_t qtype)
{
	uint16_t tag, tags[64];
	bool is_ta, there = false;
	size_t n;

	if (qtype != TYPE_A && qtype != TYPE_AAAA)
		return false;
	is_ta = read_tag(qname, "root-key-sentinel-is-ta-", &tag);
	if (!is_ta && !read_tag(qname, "root-key-sentinel-not-ta-", &tag))
		return false;
	n = anchors_tags(as, name_root, tags, ARRAY_LEN(tags));
	for (size_t i = 0; i < n; i++)
		there = there || tags[i] == tag;
	return there != is_ta;
}

bool
signal_name(const struct anchors *as, const uint8_t *zone, struct name *out)
{
	uint16_t tags[TAGS_MAX];
	size_t n = anchors_tags(as, zone, tags, ARRAY_LEN(tags));
	char label[64] = "_ta";
	size_t at = 3;

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(label + at, sizeof(label) - at, "-%04x",
		    tags[i]);
	return n > 0 &&
	       name_prepend(out, (const uint8_t *)label, at, zone) == ERR_OK;
}
