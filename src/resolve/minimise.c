/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * minimise.c - RFC 9156 section 2.3: one label more than the zone at first,
 * larger steps later, never more than MINIMISE_COUNT_MAX questions, so that a
 * name of a hundred labels does not cost a hundred questions.
 */
#include "minimise.h"

#define MINIMISE_COUNT_MAX 10u
#define MINIMISE_ONE_LABEL 4u

static unsigned
labels_to_show(const struct minimise *m, unsigned from, unsigned total)
{
	unsigned left = total - from;
	unsigned turns = MINIMISE_COUNT_MAX - m->asked;

	if (m->asked < MINIMISE_ONE_LABEL)
		return from + 1;
	return from + (left + turns - 1) / turns;
}

bool
minimise_next(struct minimise *m, const uint8_t *qname, uint16_t qtype,
    const uint8_t *zone, struct name *ask_name, uint16_t *ask_type)
{
	unsigned total = name_labels(qname), from = name_labels(zone);

	if (m->shown > from)
		from = m->shown;
	if (!m->off && m->asked < MINIMISE_COUNT_MAX && from < total) {
		unsigned show = labels_to_show(m, from, total);

		if (show < total) {
			m->shown = show;
			m->asked++;
			name_copy(ask_name, name_suffix(qname, show));
			*ask_type = TYPE_A;
			return true;
		}
	}
	m->off = true;
	m->shown = total;
	name_copy(ask_name, qname);
	*ask_type = qtype;
	return false;
}
