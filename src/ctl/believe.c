/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * believe.c - anchors, nta add, nta del, nta list, and their line in status:
 * what is believed, and what is let pass for a while (RFC 7646).
 */
#include "inside.h"

#include <string.h>

#define NTA_DEFAULT_S 3600u
#define NTA_MOST_S    (7u * 86400u) /* RFC 7646 section 2 */

/* --- anchors ------------------------------------------------------------- */

static json_t *
key_facts(const uint8_t *zone, const struct rdata *r, uint16_t type)
{
	char name[NAME_TEXT_MAX], text[24];
	struct dnskey k = { .tag = 0 };
	struct ds ds = { .tag = 0 };
	bool is_ds = type == TYPE_DS;

	if (is_ds ? !ds_read(r, &ds) : !dnskey_read(r, &k))
		return NULL;
	return json_pack("{s:s, s:s, s:i, s:s}", "zone", name_text(zone, name),
	    "type", is_ds ? "DS" : "DNSKEY", "tag", is_ds ? ds.tag : k.tag,
	    "algorithm",
	    algorithm_text(is_ds ? ds.algorithm : k.algorithm, text));
}

static void
add_anchor(void *user, const struct anchor_view *v)
{
	json_t *list = user;

	if (v->rdata != NULL)
		(void)json_array_append_new(list,
		    key_facts(v->zone, v->rdata, v->type));
}

static json_t *
rollover_json(const struct rollover *ro)
{
	char name[NAME_TEXT_MAX];
	json_t *keys = json_array();

	for (size_t i = 0; i < ro->count; i++) {
		const struct rollover_key *k = &ro->keys[i];
		const struct rdata r = { .bytes = k->rdata, .len = k->len };
		json_t *o = key_facts(ro->zone.wire, &r, TYPE_DNSKEY);

		if (o == NULL)
			continue;
		(void)json_object_update_new(o,
		    json_pack("{s:s, s:I}", "state", key_state_text(k->state),
			"since_s", (json_int_t)k->since_s));
		(void)json_array_append_new(keys, o);
	}
	return json_pack("{s:s, s:I, s:I, s:o}", "zone",
	    name_text(ro->zone.wire, name), "checked_s",
	    (json_int_t)ro->checked_s, "next_s", (json_int_t)ro->next_s, "keys",
	    keys);
}

void
command_anchors(struct request *r)
{
	const struct ctl_offer *offer = &r->ctl->opts.offer;
	json_t *list = json_array(), *rollovers = json_array();

	anchors_each(offer->anchors, add_anchor, list);
	for (size_t i = 0; i < offer->rollovers->count; i++)
		(void)json_array_append_new(rollovers,
		    rollover_json(&offer->rollovers->zones[i]));
	request_answer(r, HTTP_DONE,
	    json_pack("{s:o, s:o}", "anchors", list, "rollovers", rollovers));
}

/* --- negative anchors ----------------------------------------------------- */

/* "90", "90s", "15m", "2h", "1d". */
static bool
read_duration(const char *text, uint64_t *out_s)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = { 1, 60, 3600, 86400 };
	const char *unit;
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || n > NTA_MOST_S)
		return false;
	*out_s = n;
	if (*end == '\0')
		return true;
	unit = strchr(units, *end);
	if (unit == NULL || end[1] != '\0')
		return false;
	*out_s = n * seconds[unit - units];
	return true;
}

/* What was judged by the old anchors is of no use. */
static size_t
forget_below(struct request *r)
{
	return cache_flush(r->ctl->opts.offer.cache, FLUSH_ZONE, r->name.wire,
	    0);
}

void
command_nta_add(struct request *r)
{
	const char *duration = request_argument(r, "for");
	const char *reason = request_argument(r, "reason");
	struct anchors *as = r->ctl->opts.offer.anchors;
	uint64_t for_s = NTA_DEFAULT_S, until_s;
	char name[NAME_TEXT_MAX];

	if (!request_name(r, "zone"))
		return;
	if (duration != NULL && (!read_duration(duration, &for_s) ||
				    for_s == 0 || for_s > NTA_MOST_S)) {
		request_fail(r, HTTP_BAD,
		    "for how long? like 30m, 12h or 1d, at most 7d");
		return;
	}
	until_s = clock_real_s() + for_s;
	if (anchors_add_negative(as, r->name.wire, until_s) != ERR_OK) {
		request_fail(r, HTTP_FAILED, "there are too many anchors");
		return;
	}
	anchors_explain(as, r->name.wire, reason != NULL ? reason : "");
	log_warn("negative-anchor", "zone=%s for-s=%llu reason=\"%s\"",
	    name_text(r->name.wire, name), (unsigned long long)for_s,
	    reason != NULL ? reason : "");
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:I, s:I}", "zone", name, "until_s",
		(json_int_t)until_s, "forgotten", (json_int_t)forget_below(r)));
}

void
command_nta_del(struct request *r)
{
	char name[NAME_TEXT_MAX];

	if (!request_name(r, "zone"))
		return;
	if (!anchors_remove_negative(r->ctl->opts.offer.anchors,
		r->name.wire)) {
		request_fail(r, HTTP_UNKNOWN, "there is none at %s",
		    name_text(r->name.wire, name));
		return;
	}
	log_info("negative-anchor-gone", "zone=%s",
	    name_text(r->name.wire, name));
	request_answer(r, HTTP_DONE,
	    json_pack("{s:s, s:I}", "zone", name, "forgotten",
		(json_int_t)forget_below(r)));
}

static void
add_negative(void *user, const struct anchor_view *v)
{
	json_t *list = user;
	char name[NAME_TEXT_MAX];

	if (v->rdata != NULL ||
	    (v->until_s != 0 && v->until_s <= clock_real_s()))
		return;
	(void)json_array_append_new(list,
	    json_pack("{s:s, s:I, s:s}", "zone", name_text(v->zone, name),
		"until_s", (json_int_t)v->until_s, "reason", v->reason));
}

/* --- for status ------------------------------------------------------------ */

struct summary {
	const struct rollovers *rollovers;
	json_t *anchors;
	unsigned negative;
};

/* What RFC 5011 makes of a key; one that is not followed is "configured". */
static const char *
state_of(const struct rollovers *all, const uint8_t *zone, json_int_t tag)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct rollover *ro = &all->zones[i];

		for (size_t j = 0; j < ro->count; j++) {
			const struct rollover_key *k = &ro->keys[j];
			const struct rdata r = { k->rdata, k->len };

			if (dnskey_tag(&r) == tag &&
			    name_equal(ro->zone.wire, zone))
				return key_state_text(k->state);
		}
	}
	return "configured";
}

/* A key may be there twice: as the DS it began with, and as itself. */
static bool
is_told(const json_t *list, const char *zone, json_int_t tag)
{
	const json_t *at;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, at)
	{
		if (json_integer_value(json_object_get(at, "tag")) == tag &&
		    strcmp(json_string_value(json_object_get(at, "zone")),
			zone) == 0)
			return true;
	}
	return false;
}

static void
sum_up(void *user, const struct anchor_view *v)
{
	struct summary *s = user;
	char name[NAME_TEXT_MAX];
	uint16_t tag;

	if (v->rdata == NULL)
		s->negative += v->until_s == 0 || v->until_s > clock_real_s();
	if (!anchor_tag(v, &tag) ||
	    is_told(s->anchors, name_text(v->zone, name), tag))
		return;
	(void)json_array_append_new(s->anchors,
	    json_pack("{s:s, s:I, s:s}", "zone", name, "tag", (json_int_t)tag,
		"state", state_of(s->rollovers, v->zone, tag)));
}

json_t *
beliefs_json(const struct ctl_offer *offer)
{
	struct summary s = { .rollovers = offer->rollovers,
		.anchors = json_array() };
	bool on = offer->conf(offer->user)->dnssec.validation;

	if (on)
		anchors_each(offer->anchors, sum_up, &s);
	return json_pack("{s:b, s:o, s:i}", "validation", on, "anchors",
	    s.anchors, "negative", (int)s.negative);
}

/* --- nta list --------------------------------------------------------------- */

void
command_nta_list(struct request *r)
{
	json_t *list = json_array();

	anchors_each(r->ctl->opts.offer.anchors, add_negative, list);
	request_answer(r, HTTP_DONE, json_pack("{s:o}", "negative", list));
}
