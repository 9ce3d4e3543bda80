/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * learn.c - what one address's round trips say about its path.
 *
 * The path of an anycast address is piecewise constant with jumps. So an
 * address has a *regime*: the samples since the last jump. A sample outside
 * the regime's band is a candidate for a new one; a second that agrees with
 * it (more, when the address is known to spike) starts it. A changed NSID
 * starts it at once. Too many jumps mean that packets are spread over
 * several sites: then the plain mean of all samples is the truth. An address
 * that is seen back at a site where it has been needs no second sample.
 *
 * A sample:
 *  1. it lives: no unanswered tries, loss falls;
 *  2. other site, or candidate confirmed: new regime;
 *  3. outside the band: candidate; a fast one is held back, a slow one kept;
 *  4. estimate, deviation, hedge point from the sorted samples.
 */
#include "inner.h"

#include <string.h>

#define RTT_MAX      (60u * SECOND)
#define UNSTABLE_FOR 64u
#define REGIME_SURE  5u
#define NAME_SILENT  (10u * (uint64_t)SECOND)

static double
max_of(double a, double b)
{
	return a > b ? a : b;
}

static double
min_of(double a, double b)
{
	return a < b ? a : b;
}

static uint32_t
to_us(double x)
{
	if (x < 1)
		return 1;
	return x > (double)RTT_MAX ? RTT_MAX : (uint32_t)x;
}

void
peer_start(struct peer *p, const struct addr *a)
{
	p->addr = *a;
	p->loss = p->tardy = 0.01;
	p->hedge_tokens = 4;
	p->explore_tokens = 1;
	p->dead_tokens = 3;
	p->probe_every = SECOND;
	p->gap = (double)(60 * SECOND);
	p->rto = SERVERS_UNKNOWN_RTO_US;
	p->site_turn = 15; /* the first question asks where we are */
}

/* --- from samples to figures ------------------------------------------ */

static uint64_t
sum_of(const uint32_t *v, size_t from, size_t to)
{
	uint64_t sum = 0;

	for (size_t i = from; i < to; i++)
		sum += v[i];
	return sum;
}

/*
 * When a reply is later than nearly all were: a high quantile, but below the
 * spikes an address is known for, since those are what a hedge overtakes.
 */
static double
hedge_point(const struct peer *p, const uint32_t *v, size_t n)
{
	double spikes = min_of(0.4, 1.3 * p->oob) + 0.03;
	double high = v[n - 1];
	double est = p->est, h;

	if (n >= 8)
		high = v[(size_t)((double)(n - 1) * (1 - spikes))];
	h = max_of(high * 1.03 + 500, est + max_of(2 * MS, est / 10));
	h = min_of(h, est * 1.6 + 12 * MS + 2.0 * p->dev);
	return n < 4 ? max_of(h, est * 1.25 + 4 * MS) : h;
}

uint32_t
rtt_rto(double est, double dev)
{
	double rto = max_of(4 * dev, max_of(0.35 * est, 12 * MS));

	return to_us(min_of(est + rto, SERVERS_RTO_MAX_US));
}

static void
sort(const uint32_t *v, size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k > 0 && out[k - 1] > v[i]; k--)
			out[k] = out[k - 1];
		out[k] = v[i];
	}
}

/*
 * Sorted samples need no comparing: their sums below the median, from there
 * up to those left out, and of these tell the means and the mean distance
 * from the median. (In doubles, one figure after the other: 450 instructions
 * more a reply.)
 */
static void
recompute(struct peer *p)
{
	bool all = p->unstable > 0;
	bool is_sure = !all && p->regime_len >= REGIME_SURE;
	UNCLEARED uint32_t history[HISTORY_MAX]; /* filled when it counts */
	size_t n = all ? p->history_len : p->regime_len;
	const uint32_t *v = all ? history : p->regime_sorted;
	uint64_t below, above, longest, apart;
	double average;
	size_t kept = n >= 8 && !all ? n - n / 8 : n, middle = n / 2;

	if (!is_sure)
		sort(p->history, p->history_len, history);
	/* Well established: what came before is over. */
	p->best = is_sure ? v[n / 4] : history[p->history_len / 4];
	below = sum_of(v, 0, middle);
	above = sum_of(v, middle, kept);
	longest = sum_of(v, kept, n);
	average = (double)(below + above + longest) / (double)n;
	apart = middle * v[middle] - below;
	p->est = to_us((double)(below + above) / (double)kept);
	apart += above - (kept - middle) * v[middle];
	p->dev = (uint32_t)(apart / kept);
	p->hedge = to_us(hedge_point(p, v, n));
	p->rto = rtt_rto(p->est, p->dev);
	if (p->rto < p->hedge + MS)
		p->rto = to_us(min_of(p->hedge + MS, SERVERS_RTO_MAX_US));
	p->most = v[n - 1];
	p->tail = v[(n - 1) * 95 / 100] > average
		      ? (uint32_t)(v[(n - 1) * 95 / 100] - average)
		      : 0;
}

/* --- regimes ---------------------------------------------------------- */

/* Of n sorted ones, x takes the place of old; old may be what lies last. */
static void
sorted_put(uint32_t *v, size_t n, uint32_t old, uint32_t x)
{
	size_t i = 0;

	while (i + 1 < n && v[i] != old)
		i++;
	for (; i + 1 < n && v[i + 1] < x; i++)
		v[i] = v[i + 1];
	for (; i > 0 && v[i - 1] > x; i--)
		v[i] = v[i - 1];
	v[i] = x;
}

/* v keeps the newest as they came; returns how many there are then. */
static uint8_t
push(uint32_t *v, uint8_t len, size_t max, uint32_t x)
{
	if (len == max) {
		memmove(v, v + 1, (max - 1) * sizeof(v[0]));
		len--;
	}
	v[len] = x;
	return (uint8_t)(len + 1);
}

/* Sorted as they come: to sort them for each reply was 1,800 instructions. */
static void
regime_push(struct peer *p, uint32_t rtt)
{
	uint32_t *sorted = p->regime_sorted;
	size_t n = p->regime_len;

	if (n == REGIME_MAX) {
		sorted_put(sorted, n, p->regime[0], rtt);
	} else {
		sorted[n] = UINT32_MAX;
		sorted_put(sorted, n + 1, UINT32_MAX, rtt);
	}
	p->regime_len = push(p->regime, p->regime_len, REGIME_MAX, rtt);
}

static void
history_push(struct peer *p, uint32_t rtt)
{
	p->history_len = push(p->history, p->history_len, HISTORY_MAX, rtt);
}

static void
regime_new(struct peer *p, uint64_t now_us)
{
	p->regime_len = 0;
	p->pending_run = 0;
	p->shifts += 1;
	p->regime_changes++;
	p->event_us = now_us;
	p->want_site = true;
}

/* --- where a sample belongs ------------------------------------------- */

static bool
agrees(const struct peer *p, uint32_t rtt)
{
	double apart = rtt > p->pending ? rtt - p->pending : p->pending - rtt;
	double larger = rtt > p->pending ? rtt : p->pending;

	return p->pending_run > 0 && (p->pending > p->est) == (rtt > p->est) &&
	       apart < max_of(6 * MS, 0.35 * larger);
}

/* An address known to spike needs more evidence to become slower. */
static unsigned
evidence_needed(const struct peer *p, uint32_t rtt)
{
	if (rtt < p->est || p->oob < 0.05)
		return 2;
	return p->oob < 0.25 ? 3 : 4;
}

/* A sample outside the band; true when it is to be left out of the regime. */
static bool
outside(struct peer *p, uint32_t rtt, uint64_t now_us)
{
	bool slower = rtt > p->est;
	unsigned needed = evidence_needed(p, rtt);
	const struct place *guess = place_guessed(p, rtt);

	p->pending_run = agrees(p, rtt) ? (uint8_t)(p->pending_run + 1) : 1;
	p->oob += (1 - p->oob) / 32;
	p->want_site = true;
	if (guess != NULL) {
		const struct place back = *guess;

		place_keep(p);
		regime_new(p, now_us);
		place_resume(p, &back);
		p->confirm = 2;
		return false;
	}
	if (p->pending_run >= needed) {
		uint32_t first = p->pending;

		place_keep(p);
		regime_new(p, now_us);
		regime_push(p, first);
		p->confirm = slower ? 3 : 0;
		return false;
	}
	p->pending = rtt;
	p->confirm = slower ? 0 : 2;
	return !slower;
}

static bool
is_outside(const struct peer *p, uint32_t rtt)
{
	double est = p->est;
	double band = max_of(4 * MS, max_of(0.25 * est, 4.0 * p->dev));
	double off = rtt > est ? rtt - est : est - rtt;

	return off > band;
}

/* The NSID says that we have come to another site. */
static void
moved_to(struct peer *p, uint32_t rtt, uint64_t site, uint64_t now_us)
{
	const struct place *known = place_of(p, site);
	const struct place back = known != NULL ? *known : (struct place){ 0 };
	/* A path that changed before its name did is at its new site now. */
	bool settled = p->regime_len > 0 && !is_outside(p, rtt);

	p->site_changes++;
	if (p->unstable > 0 || settled)
		return;
	place_keep(p);
	regime_new(p, now_us);
	if (back.site != 0 && place_fits(&back, rtt))
		place_resume(p, &back);
}

/* Where the sample belongs; true when it is to be left out of the regime. */
static bool
judge(struct peer *p, uint32_t rtt, uint64_t site, uint64_t now_us)
{
	bool moved = site != 0 && p->site != 0 && site != p->site;

	if (moved)
		moved_to(p, rtt, site, now_us);
	if (site != 0) {
		p->site = site;
		p->want_site = false;
	}
	if (moved || p->unstable > 0 || p->regime_len < 2)
		return false;
	if (is_outside(p, rtt))
		return outside(p, rtt, now_us);
	p->pending_run = 0;
	p->oob -= p->oob / 32;
	return false;
}

/*
 * Silence counts as loss when a reply in time has come since; a reply that
 * is late tells that one of them was not lost. Silence that ends in death
 * says nothing about the path's loss.
 */
static void
settle_doubts(struct peer *p, bool late)
{
	if (late && p->doubted > 0) {
		p->doubted--;
	} else if (late && p->charged > 0) {
		p->loss = max_of(0, (32 * p->loss - 1) / 31);
		p->charged--;
	}
	if (late)
		return;
	for (; p->doubted > 0 && !p->dead; p->doubted--) {
		p->loss += (1 - p->loss) / 32;
		if (p->charged < NAMES_SILENT)
			p->charged++;
	}
	p->doubted = 0;
}

/*
 * A reply to what was asked before it was given up only shows that this was
 * wrong; one to a later question comes over a path that is new to us.
 */
static void
live(struct peer *p, uint32_t rtt, uint64_t now_us)
{
	bool was_wrong = now_us < p->dead_us + rtt;

	/* Silence counts when it is over, and was not that of the dead. */
	for (; p->tardies > 0 && (!p->dead || was_wrong); p->tardies--)
		p->tardy += (1 - p->tardy) / 32;
	p->tardies = 0;
	p->tardy *= 31.0 / 32;
	p->loss *= 31.0 / 32;
	p->unanswered = 0;
	p->probing = false;
	p->probe_every = SECOND;
	if (!p->dead)
		return;
	p->dead = false;
	p->want_site = true;
	if (was_wrong)
		return;
	p->event_us = now_us;
	p->regime_len = 0;
	p->pending_run = 0;
}

void
peer_sample(struct peer *p, uint32_t rtt, uint64_t site, uint64_t now_us)
{
	bool left_out;

	rtt = rtt == 0 ? 1 : rtt > RTT_MAX ? RTT_MAX : rtt;
	settle_doubts(p, p->samples > 0 && rtt > p->rto);
	live(p, rtt, now_us);
	p->samples++;
	p->shifts *= 0.97;
	if (p->unstable > 0)
		p->unstable--;
	history_push(p, rtt);
	left_out = judge(p, rtt, site, now_us);
	if (p->shifts >= 2.6) {
		p->unstable = UNSTABLE_FOR;
		p->shifts = 0;
	}
	if (!left_out || p->regime_len == 0)
		regime_push(p, rtt);
	recompute(p);
}

void
peer_suppose(struct peer *p, uint32_t est, uint32_t dev, double loss)
{
	uint32_t low = dev < est ? est - dev : 1;

	for (size_t i = 0; i < 4; i++) {
		uint32_t x = i % 2 == 0 ? low : est + dev;

		history_push(p, x);
		regime_push(p, x);
	}
	p->loss = loss;
	p->samples = 4;
	recompute(p);
}

/* --- silence ---------------------------------------------------------- */

unsigned
peer_deadly(const struct peer *p)
{
	double usual = min_of(0.5, max_of(0.01, max_of(p->loss, p->tardy)));
	double chance = usual;
	unsigned n = 1;

	/* Until so much silence in a row is a one in a thousand chance. */
	while (chance > 0.001 && n < 6) {
		chance *= usual;
		n++;
	}
	return n < 2 ? 2 : n;
}

/* One name counts once in 10 s: a name that is dropped kills no server. */
static bool
name_counted(struct peer *p, uint32_t name, uint64_t now_us)
{
	size_t oldest = 0;

	for (size_t i = 0; i < NAMES_SILENT; i++) {
		if (p->silent_names[i] == name && p->silent_until[i] > now_us)
			return true;
		if (p->silent_until[i] < p->silent_until[oldest])
			oldest = i;
	}
	p->silent_names[oldest] = name;
	p->silent_until[oldest] = p->silent_last = now_us + NAME_SILENT;
	return false;
}

bool
peer_is_mute(const struct peer *p, uint32_t name, uint64_t now_us)
{
	for (size_t i = 0; i < NAMES_SILENT; i++) {
		if (p->silent_names[i] == name && p->silent_until[i] > now_us)
			return true;
	}
	return false;
}

bool
peer_silence(struct peer *p, uint32_t name, uint64_t now_us)
{
	unsigned deadly = p->samples > 0 ? peer_deadly(p) : 2;

	p->silences++;
	p->probing = false;
	if (name_counted(p, name, now_us) || p->dead)
		return false;
	if (p->tardies < NAMES_SILENT)
		p->tardies++;
	if (p->samples > 0) {
		if (p->doubted < NAMES_SILENT)
			p->doubted++;
		/* It answered something while this one was under way. */
		if (p->answered_us + p->rto > now_us)
			return false;
	}
	if (p->unanswered < UINT8_MAX)
		p->unanswered++;
	if (p->unanswered < deadly)
		return false;
	p->dead = true;
	p->dead_us = p->event_us = now_us;
	p->probe_every = SECOND;
	p->probe_at_us = now_us + SECOND;
	return true;
}
