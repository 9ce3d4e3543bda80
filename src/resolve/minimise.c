/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * minimise.c - RFC 9156 section 2.3: one label more than the zone at first,
 * larger steps later, never more than MINIMISE_COUNT_MAX questions, so that a
 * name of a hundred labels does not cost a hundred questions.
 *
 * A label that begins with an underscore is hardly ever where a zone begins,
 * and some servers deny what stands only on the way to others: it is shown
 * with the first label behind it that has none (RFC 8552).
 */
#include "minimise.h"

#define MINIMISE_COUNT_MAX 10u
#define MINIMISE_ONE_LABEL 4u

/* Of what does not divide evenly the last questions take one label more. */
static unsigned
labels_to_show(const struct minimise *m, unsigned from, unsigned total)
{
	unsigned left = total - from;
	unsigned turns = MINIMISE_COUNT_MAX - m->asked;

	if (m->asked < MINIMISE_ONE_LABEL || left < turns)
		return from + 1;
	return from + left / turns;
}

static bool
begins_with_underscore(const uint8_t *name)
{
	return name[0] > 0 && name[1] == '_';
}

bool
minimise_next(struct minimise *m, const uint8_t *qname, uint16_t qtype,
    const uint8_t *zone, const uint8_t **ask_name, uint16_t *ask_type)
{
	unsigned total = name_labels(qname), from = name_labels(zone);

	if (m->shown > from)
		from = m->shown;
	if (!m->off && m->asked < MINIMISE_COUNT_MAX && from < total) {
		unsigned show = labels_to_show(m, from, total);

		while (show < total &&
		       begins_with_underscore(name_suffix(qname, show)))
			show++;
		if (show < total) {
			m->shown = show;
			m->asked++;
			*ask_name = name_suffix(qname, show);
			*ask_type = TYPE_A;
			return true;
		}
	}
	m->off = true;
	m->shown = total;
	*ask_name = qname;
	*ask_type = qtype;
	return false;
}
