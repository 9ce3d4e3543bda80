/* SPDX-License-Identifier: BSD-3-Clause */
/* table.h - the option table and how its types behave; private to conf. */
#ifndef HITHER_CONF_TABLE_H
#define HITHER_CONF_TABLE_H

#include <hither/conf.h>

enum option_type {
	OPTION_BOOL,     /* bool */
	OPTION_NUMBER,   /* uint32_t */
	OPTION_REAL,     /* double */
	OPTION_DURATION, /* int64_t milliseconds */
	OPTION_SIZE,     /* uint64_t bytes */
	OPTION_WORD,     /* an enum, in the order of .words */
	OPTION_WORDS,    /* uint32_t, BIT(index) for each word */
	OPTION_TEXT,     /* const char *, never NULL */
	OPTION_MODE,     /* uint32_t, octal digits */
	OPTION_PORTS,    /* struct conf_ports */
	OPTION_TARGET,   /* struct conf_target */
	OPTION_ADDRESS,  /* struct addr without port */
	OPTION_SERVER,   /* struct addr, port 53 unless said */
	OPTION_PREFIX,   /* struct prefix */
	OPTION_NAME,     /* const uint8_t *, wire form */
	OPTION_RECORD,   /* const char *, one record in zone-file form */
	OPTION_DATE,     /* uint64_t, seconds since 1970 */
	OPTION_GROUP,    /* a struct described by .fields; lists only */
	OPTION_TYPES,
};

struct option {
	const char *path; /* "cache.records"; in a group just the field */
	enum option_type type;
	bool is_list; /* at offset: pointer to items, then their count */
	bool needs_restart;
	bool is_required;    /* fields of groups only */
	size_t offset;       /* in struct conf, in a group in its struct */
	const char *initial; /* as YAML */
	int64_t least, most; /* numbers, sizes, durations; reals in 1/1000 */
	const char *const *words;    /* NULL-terminated */
	const char *zero_word;       /* numbers: the word that means 0 */
	const char *unit;            /* numbers: "%", may stand behind it */
	const struct option *fields; /* groups; ends with .path NULL */
	size_t item_bytes;           /* groups */
	const char *help;            /* sentences, without final blank */
	const char *rfc;             /* "RFC 9156", or NULL */
};

/* Ends with .path NULL. */
extern const struct option options[];
extern const size_t options_count;

/* fields.c: the same for the items of groups. */
extern const struct option listen_fields[], access_fields[];
extern const struct option zone_fields[], local_fields[], view_fields[];
extern const struct option negative_fields[];

/* One-line description of each section, for the manual and the sample. */
struct option_section {
	const char *name;
	const char *help;
};
extern const struct option_section sections[];
extern const size_t sections_count;

/* "duration", "size", ... for people. */
const char *option_type_word(enum option_type type);
/* Bytes of one value of the option (of one item when it is a list). */
size_t option_bytes(const struct option *o);

/* --- value.c: text to value --------------------------------------------- */

#define WHY_MAX 256u

/*
 * Parses one scalar into out (option_bytes() of room). On failure `why` says
 * in WHY_MAX bytes what is wrong, worded to follow "option: ".
 */
enum err value_parse(const struct option *o, const char *text, struct arena *a,
    void *out, char *why) MUST_USE;

#define VALUE_QUANTITY_MAX 32u
/* "10s", "256M": a duration or size in its largest whole unit, into `to`. */
const char *value_quantity(const struct option *o, int64_t value, char *to);

/* --- render.c: value to text -------------------------------------------- */

/* The value as YAML on one line, for memory_free(); NULL: memory is out. */
char *render_option(const struct option *o, const void *base) MUST_USE;

/* --- suggest.c ---------------------------------------------------------- */

/* The candidate nearest to what was typed, or NULL when none is near. */
struct suggestion {
	const char *typed;
	const char *best;
	unsigned distance;
};
void suggest_consider(struct suggestion *s, const char *candidate);

#endif
