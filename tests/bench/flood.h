/* SPDX-License-Identifier: BSD-3-Clause */
/* flood.h - what the generator's files share: the command line, questions. */
#ifndef HITHER_BENCH_FLOOD_H
#define HITHER_BENCH_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUESTION_MAX = 12 + 255 + 4 + 11,
	LATENCY_MAX_US = 1 << 21,
	DOORS_MAX = 256,
	STREAM_WINDOW_MAX = 256 /* questions outstanding on a connection */
};

/* Where a question's name comes from. */
enum source { FROM_LIST, FROM_PATTERN, SOURCES };

struct question {
	uint16_t bytes;
	uint8_t wire[QUESTION_MAX];
};

struct plan {
	unsigned port, seconds, outstanding, doors, rate, percent;
	uint64_t count; /* of questions; 0: no end but time's */
	unsigned base;	/* first number of the pattern */
	const char *names, *pattern;
	bool with_edns, dnssec_ok, wants_records, wants_proof, tcp;
};
extern struct plan plan;

/* What came of the questions of one source. */
struct tally {
	uint64_t asked, answered, wrong;
	uint32_t latency[LATENCY_MAX_US / 16]; /* in steps of 16 us */
};
extern struct tally tallies[SOURCES];

void fail(const char *what) __attribute__((noreturn));
uint64_t clock_us(void);

/* questions.c */
void questions_read(void);
/* The next question, borrowed until the next call. */
const struct question *questions_draw(enum source *from);
/* Of all questions, or 0: they differ. */
uint16_t questions_one_length(void);
void tally_answer(enum source from, const uint8_t *wire, size_t bytes,
    uint64_t took_us);
void tally_print(uint64_t in_time, uint64_t took_us);

/* stream.c: the same load over TCP. Returns answers within the time. */
uint64_t stream_run(uint64_t *took_us);

#endif
