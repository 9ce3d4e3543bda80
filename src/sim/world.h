/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h - the miniature Internet as net.yaml describes it: addresses, the
 * sites behind each, the zones they serve, and their quirks.
 */
#ifndef HITHER_SIM_WORLD_H
#define HITHER_SIM_WORLD_H

#include "sign.h"

#define SILENT_TYPES_MAX 8u
#define SILENT_NAMES_MAX 4u
#define NSID_MAX         64u
#define SITE_AUTO        SIZE_MAX

enum quirk {
	QUIRK_NO_EDNS = BIT(0),
	QUIRK_DROP_EDNS = BIT(1),
	QUIRK_TRUNCATE_ALL = BIT(2),
	QUIRK_NO_TCP = BIT(3),
	QUIRK_TCP_HANG = BIT(4),
	QUIRK_TCP_RESET = BIT(5),
	QUIRK_LAME = BIT(6),
	QUIRK_REFUSED = BIT(7),
	QUIRK_SERVFAIL = BIT(8),
	QUIRK_NOTIMP = BIT(9),
	QUIRK_SILENT = BIT(10),
	QUIRK_SILENT_ON_TYPE = BIT(11),
	QUIRK_SILENT_ON_NAME = BIT(12),
	QUIRK_WRONG_ID = BIT(13),
	QUIRK_WRONG_QUESTION = BIT(14),
	QUIRK_QR0 = BIT(15),
	QUIRK_BADVERS = BIT(16),
	QUIRK_NO_0X20 = BIT(17),
	QUIRK_WRONG_CASE = BIT(18),
	QUIRK_LOOP = BIT(19),
	QUIRK_ROTATE = BIT(20),
	QUIRK_TWICE = BIT(21)
};
/* 0 when there is no quirk of that name. */
unsigned quirk_find(const char *name);
const char *quirk_name(size_t i); /* NULL behind the last */

/*
 * Lognormal round trips; sigma 0 is always the median. Some answers are later
 * than that, by an exponentially distributed time.
 */
struct delay_law {
	uint64_t median_us;
	double sigma;
	uint32_t late; /* of 1,000,000 answers */
	double late_mean_us;
};

/* A zone file, read once however many addresses serve it. */
struct slot {
	struct slot *next;
	const struct world *world;
	const char *label; /* the file's name without ".zone" */
	struct name origin;
	struct source *source;
	struct zone *zone;
};

struct site {
	const char *nsid; /* NULL: does not say */
	struct slot **zones;
	size_t zone_count;
	struct delay_law delay;
	uint32_t loss; /* of 1,000,000 questions */
	bool silent;   /* UDP and TCP are heard, and never answered */
};

struct shift {
	uint64_t at_us; /* since the start */
	size_t site;
};

struct counters {
	uint64_t udp, tcp, answered, lost, silent, dropped;
};

struct address {
	/* from net.yaml; delay, loss and quirks change through control */
	struct addr addr;
	const char *text; /* without port */
	const char *name; /* of the server, for people; "" when not given */
	struct site *sites;
	size_t site_count;
	struct shift *schedule;
	size_t shift_count;
	bool alternates; /* another site for each packet */
	unsigned quirks;
	uint16_t silent_types[SILENT_TYPES_MAX];
	size_t silent_type_count;
	struct name silent_names[SILENT_NAMES_MAX];
	size_t silent_name_count;
	/* while running */
	size_t forced_site; /* SITE_AUTO: by schedule */
	size_t next_site;   /* when it alternates */
	uint16_t rotation;
	struct counters counters;
};

struct world {
	struct arena *arena;
	const char *dir;
	struct address *addresses;
	size_t address_count;
	struct slot *slots;
	size_t slot_count;
	const struct signing *signing; /* zones that are signed */
	int64_t shift_s; /* from the wall clock to this world's */
};

/*
 * Reads DIR/net.yaml and every zone it names, and signs. NULL after
 * complaints. port is that of every address; now_s is the world's time, 0:
 * the wall clock's.
 */
struct world *world_read(const char *dir, uint16_t port, uint64_t now_s,
    struct complaints *c) MUST_USE;
uint64_t world_now_s(const struct world *w);
/* Signs all zones anew, for later; on a fault the old ones stay. */
enum err world_sign_again(struct world *w, struct complaints *c) MUST_USE;
/* The DS records of zones that are signed and have no parent here. */
void world_print_anchors(const struct world *w, FILE *out);
void world_free(struct world *w); /* NULL is fine */
/* Reads all zone files again; on a fault the old zones stay. */
enum err world_reload(struct world *w, struct complaints *c) MUST_USE;
/* Notes (not faults) about files that nothing serves. */
void world_note_unused(const struct world *w, FILE *out);
struct address *world_address(struct world *w, const char *text);
struct slot *world_slot(const struct world *w, const char *label);
/* The slot of that label, made when new; ERR_FORMAT for a bad label. */
enum err world_slot_make(struct world *w, const char *label,
    struct slot **out) MUST_USE;
/* Builds the zone of a changed source; on a fault the old one stays. */
enum err slot_rebuild(struct slot *s, struct complaints *c) MUST_USE;
/* The site that a packet reaches at now_us since the start. */
struct site *address_site(struct address *a, uint64_t now_us);
/* "silent-on-type" and "-name" take an argument, NULL for the others. */
enum err address_quirk_add(struct address *a, unsigned quirk,
    const char *argument) MUST_USE;
void address_quirk_drop(struct address *a, unsigned quirk);
/* Milliseconds "50" or "50.5", or "50/0.3" with a sigma. */
enum err delay_parse(const char *text, struct delay_law *out) MUST_USE;
enum err loss_parse(const char *text, uint32_t *out) MUST_USE; /* percent */
/* A number that fills the text, in low..high. */
enum err number_parse(const char *text, double low, double high,
    double *out) MUST_USE;

#endif
