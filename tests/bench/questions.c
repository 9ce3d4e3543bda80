/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * questions.c - what is asked, and what is made of the answers.
 *
 * Names come from a list, at random, from a pattern with a number in it, one
 * after the other so that each is asked once, or from both in a proportion.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flood.h"

enum { HEADER = 12, STEP_US = 16 };

static struct question *list, from_pattern;
static size_t list_count;
static uint64_t drawn;
static uint64_t state = 0x9e3779b97f4a7c15u;

/* Returns what follows the name, or NULL: not a name. */
static uint8_t *
put_name(uint8_t *at, const char *text)
{
	const uint8_t *end = at + 254;

	while (*text != '\0') {
		size_t label = strcspn(text, ".");

		if (label == 0 || label > 63 || at + label + 1 > end)
			return NULL;
		*at++ = (uint8_t)label;
		memcpy(at, text, label);
		at += label;
		text += label + (text[label] == '.');
	}
	*at++ = 0;
	return at;
}

static bool
put_question(struct question *q, const char *name)
{
	static const uint8_t tail[] = { 0, 1, 0, 1 };
	static const uint8_t opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0 };
	uint8_t *at;

	memset(q->wire, 0, HEADER);
	q->wire[2] = 1; /* RD */
	q->wire[5] = 1;
	at = put_name(q->wire + HEADER, name);
	if (at == NULL)
		return false;
	memcpy(at, tail, sizeof(tail));
	at += sizeof(tail);
	if (plan.with_edns) {
		q->wire[11] = 1;
		memcpy(at, opt, sizeof(opt));
		at[7] = plan.dnssec_ok ? 0x80 : 0;
		at += sizeof(opt);
	}
	q->bytes = (uint16_t)(at - q->wire);
	return true;
}

static void
add_question(const char *name)
{
	/* A power of two: time to double. */
	if ((list_count & (list_count - 1)) == 0) {
		size_t room = list_count == 0 ? 1 : 2 * list_count;

		list = reallocarray(list, room, sizeof(*list));
		if (list == NULL)
			fail("questions");
	}
	errno = EINVAL;
	if (!put_question(&list[list_count++], name))
		fail(name);
}

static void
put_pattern(unsigned number)
{
	char name[512];

	(void)snprintf(name, sizeof(name), plan.pattern, number);
	errno = EINVAL;
	if (!put_question(&from_pattern, name))
		fail(name);
}

void
questions_read(void)
{
	char line[1024];
	FILE *file;

	if (plan.pattern != NULL)
		put_pattern(plan.base);
	if (plan.names == NULL)
		return;
	file = fopen(plan.names, "r");
	if (file == NULL)
		fail(plan.names);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, " \t\r\n")] = '\0';
		if (line[0] != '\0')
			add_question(line);
	}
	fclose(file);
	errno = ENODATA;
	if (list_count == 0)
		fail(plan.names);
}

uint16_t
questions_one_length(void)
{
	uint16_t bytes =
	    plan.pattern != NULL ? from_pattern.bytes : list[0].bytes;

	for (size_t i = 0; i < list_count; i++)
		if (list[i].bytes != bytes)
			return 0;
	return bytes;
}

/* xorshift64*: the order must not cost anything, nor follow the list. */
static uint64_t
chance(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1du) >> 32;
}

const struct question *
questions_draw(enum source *from)
{
	bool listed = plan.pattern == NULL;

	if (!listed && plan.names != NULL)
		listed = chance() % 100 >= plan.percent;
	*from = listed ? FROM_LIST : FROM_PATTERN;
	if (listed)
		return &list[chance() % list_count];
	put_pattern(plan.base + (unsigned)drawn++);
	return &from_pattern;
}

/* --- answers ----------------------------------------------------------- */

static bool
is_good(const uint8_t *wire, size_t bytes)
{
	if (bytes < HEADER || (wire[2] & 0x80) == 0 || (wire[3] & 0x0f) != 0)
		return false;
	if (plan.wants_proof && (wire[3] & 0x20) == 0)
		return false;
	return !plan.wants_records || (wire[6] | wire[7]) != 0;
}

void
tally_answer(enum source from, const uint8_t *wire, size_t bytes,
    uint64_t took_us)
{
	struct tally *t = &tallies[from];

	if (!is_good(wire, bytes)) {
		t->wrong++;
		return;
	}
	if (took_us >= LATENCY_MAX_US)
		took_us = LATENCY_MAX_US - 1;
	t->answered++;
	t->latency[took_us / STEP_US]++;
}

static uint64_t
percentile(const struct tally *t, unsigned percent)
{
	uint64_t seen = 0;
	unsigned at = 0;

	while (at < LATENCY_MAX_US / STEP_US - 1 &&
	       (seen += t->latency[at]) * 100u < t->answered * percent)
		at++;
	return (uint64_t)(at + 1) * STEP_US;
}

static void
print_source(const char *prefix, const struct tally *t)
{
	uint64_t lost = t->asked - t->answered - t->wrong;

	printf(" %sasked=%llu %sanswered=%llu %slost=%llu %swrong=%llu "
	       "%sp50_us=%llu %sp99_us=%llu",
	    prefix, (unsigned long long)t->asked, prefix,
	    (unsigned long long)t->answered, prefix, (unsigned long long)lost,
	    prefix, (unsigned long long)t->wrong, prefix,
	    (unsigned long long)percentile(t, 50), prefix,
	    (unsigned long long)percentile(t, 99));
}

void
tally_print(uint64_t in_time, uint64_t took_us)
{
	static struct tally all;
	double seconds = (double)took_us / 1e6;

	for (size_t i = 0; i < SOURCES; i++) {
		all.asked += tallies[i].asked;
		all.answered += tallies[i].answered;
		all.wrong += tallies[i].wrong;
		for (size_t j = 0; j < LATENCY_MAX_US / STEP_US; j++)
			all.latency[j] += tallies[i].latency[j];
	}
	printf("seconds=%.3f rate=%.0f", seconds, (double)in_time / seconds);
	print_source("", &all);
	if (plan.names != NULL)
		print_source("listed_", &tallies[FROM_LIST]);
	if (plan.pattern != NULL)
		print_source("fresh_", &tallies[FROM_PATTERN]);
	putchar('\n');
}
