/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * player.h - a replayed scenario: what the network says, what a client asks,
 * what must come out.
 *
 * text.c reads lines, config.c the configuration part and trust.c what of it
 * concerns validation, scenario.c the rest, records.c records, reply.c writes replies; network.c is the scripted
 * network and clock (struct wire_ops), play.c walks the steps against the
 * real resolver, compare.c judges answers, main.c runs files in children. All
 * of a scenario lies in one arena, which dies with the child.
 */
#ifndef HITHER_TESTS_PLAYER_H
#define HITHER_TESTS_PLAYER_H

#include <hither/policy.h>
#include <hither/resolve.h>

#define TEXT_MAX 300u

/* --- text.c ----------------------------------------------------------- */

#define TOKENS_MAX 64u

struct text {
	struct arena *arena;
	char *at;   /* what is unread */
	char *line; /* the present one: comments and ends cut off */
	unsigned number;
	/* the present line's words, quotes removed */
	char *tokens[TOKENS_MAX];
	size_t count;
};
enum err text_open(struct text *t, struct arena *a, const char *path);
bool text_next(struct text *t); /* the next line that is not empty */
bool token_is(const struct text *t, size_t i, const char *word);

/* --- records.c -------------------------------------------------------- */

struct record_line {
	const uint8_t *owner;
	const uint8_t *rdata; /* uncompressed */
	uint32_t ttl;
	uint16_t type, class, len;
};
struct record_list {
	struct record_line *items;
	size_t count, room;
};
bool record_add(struct arena *a, struct record_list *l,
    const struct record_line *r);
/* One line in zone-file form. */
bool record_parse(struct arena *a, const char *line, const char *origin,
    struct record_list *out);
bool question_parse(const char *line, const char *origin, struct name *name,
    uint16_t *type, uint16_t *class);
/* Same owner, class, type and RDATA, names without regard to case. */
bool record_same(const struct record_line *x, const struct record_line *y);
const char *record_print(struct arena *a, const struct record_line *r);
/* Hex digits of a line, appended. */
bool hex_add(const char *line, uint8_t *buf, size_t size, size_t *len);

/* --- trust.c ---------------------------------------------------------- */

#define TRUST_OFF_MAX 8u

/* What validation stands on. */
struct trust_setup {
	struct record_list anchors;	  /* DS and DNSKEY */
	struct name insecure[TRUST_OFF_MAX]; /* not validated, nor below */
	size_t insecure_count;
	uint64_t real_s; /* the wall clock at the start */
	uint16_t iterations_max; /* of NSEC3 */
	bool sentinel;	 /* RFC 8509 */
	bool any_date;	 /* signatures are good at any time */
	bool aggressive; /* RFC 8198 */
	bool sha1;	 /* RSASHA1 and SHA-1 digests count */
};
void trust_default(struct trust_setup *t);
/* Each sets what its key says; false: the value is not understood. */
bool trust_anchor(struct arena *a, struct trust_setup *t, const char *v);
bool trust_insecure(struct trust_setup *t, const char *v);
/* What stands up to AUTOTRUST_END. */
bool trust_states(struct text *t, struct trust_setup *out);
bool trust_iterations(struct trust_setup *t, const char *v);
bool trust_date(struct trust_setup *t, const char *v);
/* DSA is not built: why this scenario needs it, or NULL. */
struct scenario;
const char *trust_needs_dsa(const struct scenario *sc);

/* --- front.c ---------------------------------------------------------- */

#define LOCAL_MAX 256u

/* What is answered, or taken out of answers, beside the resolver. */
struct local_setup {
	struct local_zone zones[LOCAL_MAX];
	const char *data[LOCAL_MAX];
	struct prefix nets[LOCAL_MAX];
	const uint8_t *names[LOCAL_MAX]; /* may lead into nets */
	size_t zone_count, data_count, net_count, name_count;
	const char *identity, *version;
	bool hides_identity, hides_version;
	bool wanted; /* for names of class IN */
	struct policy *policy;
};
struct entry;
/* Sets what its key says; false: the value is not understood. */
bool front_set(struct arena *a, struct local_setup *l, const char *key,
    const char *v);
/* NULL: it stands. Else the record at fault, or why not. */
const char *front_open(struct local_setup *l);
/* False: the resolver is to be asked. */
bool front_answer(const struct local_setup *l, const struct entry *e,
    struct arena *a, struct answer *out);

/* --- config.c --------------------------------------------------------- */

#define ZONES_MAX  32u
#define ZONE_ADDRS 16u
#define HINTS_MAX  32u

struct zone_setup {
	struct name name;
	struct addr servers[ZONE_ADDRS];
	size_t count;
	bool forward, named, first, tcp;
};
struct setup {
	struct zone_setup zones[ZONES_MAX];
	struct addr hints[HINTS_MAX];
	size_t zone_count, hint_count;
	struct trust_setup trust;
	struct local_setup local;
	const char *skip; /* why this cannot be played; NULL: it can */
	uint32_t ttl_min_s, ttl_max_s, negative_ttl_max_s, aliases_max;
	uint32_t messages_max, prefetch_percent;
	uint32_t stale_max_s, stale_client_ms, stale_ttl_s;
	enum qmin qmin;
	bool mix_case, ip4, ip6, snoop, ask_localhost, prime, serve_stale;
	bool full_answers; /* expects more than a minimal answer */
};
/* Reads until CONFIG_END. False: why says what is wrong with the file. */
bool config_read(struct text *t, struct setup *out, char *why);

/* --- scenario.c ------------------------------------------------------- */

enum part {
	PART_OPCODE = 1,
	PART_QTYPE = 2,
	PART_QNAME = 4,
	PART_SUBDOMAIN = 8,
	PART_ALL = 0x10,
	PART_UDP = 0x20,
	PART_TCP = 0x40,
	PART_DO = 0x80,
	PART_NOEDNS = 0x100,
	PART_FLAGS = 0x200,
	PART_RCODE = 0x400,
	PART_QUESTION = 0x800,
	PART_ANSWER = 0x1000,
	PART_AUTHORITY = 0x2000,
	PART_ADDITIONAL = 0x4000,
	PART_TTL = 0x8000,
	PART_QCASE = 0x10000,
};
enum adjust { COPY_ID = 1, COPY_QUERY = 2, DO_BIT = 4, RAW_ID = 8 };

#define EDE_ANY_CODE (-2)

struct entry {
	struct entry *next;
	unsigned match, adjust;
	uint16_t flags; /* header, host order */
	uint16_t rcode, qtype, qclass;
	uint8_t opcode;
	bool dnssec_ok, has_question;
	int ede; /* EDE_NONE: not asked for */
	struct name qname;
	struct record_list sections[SECTION_COUNT];
	const uint8_t *raw;     /* HEX_ANSWER */
	const uint8_t *options; /* HEX_EDNSDATA */
	size_t raw_len, options_len;
	bool *asked; /* MANDATORY: has it been? NULL: does not matter */
	unsigned line;
};
struct range {
	struct range *next;
	struct entry *entries;
	struct addr *addresses; /* none: anybody */
	size_t address_count;
	unsigned from, to;
};
enum step_kind {
	STEP_QUERY,
	STEP_CHECK_ANSWER,
	STEP_TIME_PASSES,
	STEP_REPLY,
	STEP_TIMEOUT,
	STEP_CHECK_OUT_QUERY,
	STEP_TRAFFIC,
	STEP_NOTHING,
};
struct moment {
	struct moment *next;
	struct entry *entry;
	uint64_t elapse_us;
	enum step_kind kind;
	unsigned number, line;
};
struct scenario {
	struct arena *arena;
	struct setup setup;
	struct range *ranges;
	struct moment *moments;
	const char *skip; /* why it cannot be played; NULL: it can */
	char why[TEXT_MAX];
	bool relaxed, verbose;
};
/* False: the file is at fault, and why says where. */
bool scenario_read(struct scenario *sc, const char *path);

/* --- reply.c ---------------------------------------------------------- */

/* e's reply to a query, into buf of MESSAGE_MAX; returns its length. */
size_t reply_write(uint8_t *buf, const struct entry *e, const uint8_t *query,
    const struct query *q);

/* --- network.c -------------------------------------------------------- */

#define FLOWS_MAX 4096u

struct network;
struct network *network_new(struct scenario *sc, struct timers *timers,
    uint64_t start_us);
const struct wire_ops *network_ops(void);
/* Ranges of step `now` and later decide from here on. */
/* What is asked at one step may be answered at the next. */
void network_step(struct network *n, const struct moment *asking,
    const struct moment *now);
/* Delivers what is on its way, and what that causes; no timer is awaited. */
void network_settle(struct network *n, struct resolver *rs);
/* To the next event, at most to until_us. False: there is none. */
bool network_advance(struct network *n, struct resolver *rs, uint64_t until_us);
uint64_t network_now(const struct network *n);
/* The oldest query without a reply that e matches: STEP REPLY and its like. */
bool network_reply(struct network *n, const struct entry *e);
bool network_has_query(struct network *n, const struct entry *e);
/* Was such a query sent? Each answers one CHECK_OUT_QUERY. */
bool network_check_query(struct network *n, const struct entry *e);
bool network_drop_oldest(struct network *n);

/* --- compare.c -------------------------------------------------------- */

struct client_query {
	const struct entry *entry;
	struct client_query *next;
	struct client_answer *answer;
	uint64_t id;
};
struct client_answer {
	struct record_list sections[SECTION_COUNT];
	uint16_t flags, rcode;
	int ede;
	char why[120];
};
struct client_answer *answer_copy(struct scenario *sc,
    const struct entry *query, const struct outcome *o);
struct client_answer *answer_refused(struct scenario *sc,
    const struct entry *query);
/* NULL: as expected. Else what differs, in the arena. */
const char *answer_differs(struct scenario *sc, const struct entry *expect,
    const struct client_query *got);

/* --- play.c ----------------------------------------------------------- */

/* True when all steps went as written; else sc->why says what did not. */
bool scenario_play(struct scenario *sc);

#endif
