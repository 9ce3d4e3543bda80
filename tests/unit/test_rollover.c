/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rollover.c - RFC 5011 on a scripted clock: a zone shows its keys day
 * by day, signed by ldns, and who is believed follows from that.
 */
#include "rollover_world.h"

static void
what_is_configured_is_believed_at_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) }),
	    ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, OLD), KEY_VALID);
	assert_true(is_used(w, OLD));
	assert_int_equal(look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) }),
	    ROLLOVER_NOTHING);
}

static void
a_new_key_is_believed_after_thirty_days(void **state)
{
	struct world *w = *state;
	const struct shows both = { BIT(OLD) | BIT(NEW), 0, BIT(OLD) };

	look(w, both);
	assert_int_equal(state_of(w, NEW), KEY_PENDING);
	assert_false(is_used(w, NEW));
	w->now_s += 30 * DAY - 1;
	assert_int_equal(look(w, both), ROLLOVER_NOTHING);
	assert_int_equal(state_of(w, NEW), KEY_PENDING);
	w->now_s += 1;
	assert_int_equal(look(w, both), ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, NEW), KEY_VALID);
	assert_true(is_used(w, NEW));
}

static void
a_long_ttl_makes_the_wait_longer(void **state)
{
	struct world *w = *state;
	const struct shows both = { BIT(OLD) | BIT(NEW), 0, BIT(OLD) };

	w->ttl = 40 * DAY;
	look(w, both);
	w->now_s += 39 * DAY;
	look(w, both);
	assert_int_equal(state_of(w, NEW), KEY_PENDING);
	w->now_s += DAY;
	look(w, both);
	assert_int_equal(state_of(w, NEW), KEY_VALID);
}

static void
a_key_that_goes_away_while_it_waits_begins_anew(void **state)
{
	struct world *w = *state;
	const struct shows both = { BIT(OLD) | BIT(NEW), 0, BIT(OLD) };

	look(w, both);
	w->now_s += 29 * DAY;
	look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	assert_int_equal(state_of(w, NEW), -1);
	w->now_s += 2 * DAY;
	look(w, both);
	assert_int_equal(state_of(w, NEW), KEY_PENDING);
}

static void
what_nobody_believed_signed_changes_nothing(void **state)
{
	struct world *w = *state;
	struct rollover before;

	look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	before = w->ro;
	w->now_s += DAY;
	assert_int_equal(look(w, (struct shows){ BIT(EVIL), 0, BIT(EVIL) }),
	    ROLLOVER_UNPROVEN);
	assert_int_equal(look(w, (struct shows){ BIT(OLD) | BIT(EVIL), 0,
				     BIT(EVIL) }),
	    ROLLOVER_UNPROVEN);
	assert_int_equal(w->ro.count, before.count);
	assert_memory_equal(w->ro.keys, before.keys, sizeof(before.keys));
	assert_int_equal(w->ro.next_s, w->now_s + 3600);
}

static void
a_key_that_waits_vouches_for_nobody(void **state)
{
	struct world *w = *state;

	look(w, (struct shows){ BIT(OLD) | BIT(NEW), 0, BIT(OLD) });
	w->now_s += DAY;
	assert_int_equal(look(w, (struct shows){ BIT(NEW), 0, BIT(NEW) }),
	    ROLLOVER_UNPROVEN);
	assert_int_equal(state_of(w, OLD), KEY_VALID);
}

static void
a_missing_key_is_still_believed(void **state)
{
	struct world *w = *state;

	roll_in(w);
	w->now_s += DAY;
	assert_int_equal(look(w, (struct shows){ BIT(NEW), 0, BIT(NEW) }),
	    ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, OLD), KEY_MISSING);
	assert_true(is_used(w, OLD));
	w->now_s += 400 * DAY;
	look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	assert_int_equal(state_of(w, OLD), KEY_VALID);
	assert_int_equal(state_of(w, NEW), KEY_MISSING);
}

static void
a_revoked_key_is_never_believed_again(void **state)
{
	struct world *w = *state;

	roll_in(w);
	assert_int_equal(look(w, (struct shows){ BIT(OLD) | BIT(NEW), BIT(OLD),
				     BIT(OLD) | BIT(NEW) }),
	    ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, OLD), KEY_REVOKED);
	assert_false(is_used(w, OLD));
	assert_true(is_used(w, NEW));
	/* As if it had never been revoked, and alone: a thief's set. */
	assert_int_equal(look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) }),
	    ROLLOVER_UNPROVEN);
	look(w, (struct shows){ BIT(OLD) | BIT(NEW), 0, BIT(NEW) });
	assert_int_equal(state_of(w, OLD), KEY_REVOKED);
	w->now_s += 30 * DAY;
	look(w, (struct shows){ BIT(NEW), 0, BIT(NEW) });
	assert_int_equal(state_of(w, OLD), KEY_REMOVED);
	w->now_s += 60 * DAY;
	look(w, (struct shows){ BIT(OLD) | BIT(NEW), 0, BIT(NEW) });
	assert_int_equal(state_of(w, OLD), KEY_REMOVED);
	assert_false(is_used(w, OLD));
}

static void
a_key_revokes_itself_without_help(void **state)
{
	struct world *w = *state;

	roll_in(w);
	assert_int_equal(look(w, (struct shows){ BIT(OLD) | BIT(NEW), BIT(OLD),
				     BIT(OLD) }),
	    ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, OLD), KEY_REVOKED);
}

static void
nobody_else_revokes_a_key(void **state)
{
	struct world *w = *state;

	roll_in(w);
	look(w, (struct shows){ BIT(OLD) | BIT(NEW), BIT(OLD), BIT(NEW) });
	assert_true(
	    state_of(w, OLD) == KEY_VALID || state_of(w, OLD) == KEY_MISSING);
	assert_true(is_used(w, OLD));
}

static void
with_the_last_key_revoked_no_anchor_is_left(void **state)
{
	struct world *w = *state;

	look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	look(w, (struct shows){ BIT(OLD), BIT(OLD), BIT(OLD) });
	assert_int_equal(rollover_use(&w->ro, w->entry, w->as), ERR_NOT_FOUND);
}

static void
a_key_found_revoked_at_first_sight_is_not_believed(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w,
			     (struct shows){ BIT(OLD), BIT(OLD), BIT(OLD) }),
	    ROLLOVER_CHANGED);
	assert_int_equal(state_of(w, OLD), KEY_REVOKED);
	assert_false(is_used(w, OLD));
}

static void
silence_is_looked_at_again_in_an_hour(void **state)
{
	struct world *w = *state;
	const struct rollover_look l = { .entry = { w->entry[0], NULL },
		.policy = &rollover_policy,
		.store = w->store,
		.now_s = w->now_s };

	assert_int_equal(rollover_look(&w->ro, &l, w->scratch),
	    ROLLOVER_UNPROVEN);
	assert_int_equal(w->ro.next_s, w->now_s + 3600);
	look(w, (struct shows){ BIT(OLD), 0, BIT(OLD) });
	assert_int_equal(w->ro.next_s, w->now_s + DAY); /* half the TTL */
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(what_is_configured_is_believed_at_once),
		CLAIM(a_new_key_is_believed_after_thirty_days),
		CLAIM(a_long_ttl_makes_the_wait_longer),
		CLAIM(a_key_that_goes_away_while_it_waits_begins_anew),
		CLAIM(what_nobody_believed_signed_changes_nothing),
		CLAIM(a_key_that_waits_vouches_for_nobody),
		CLAIM(a_missing_key_is_still_believed),
		CLAIM(a_revoked_key_is_never_believed_again),
		CLAIM(a_key_revokes_itself_without_help),
		CLAIM(nobody_else_revokes_a_key),
		CLAIM(with_the_last_key_revoked_no_anchor_is_left),
		CLAIM(a_key_found_revoked_at_first_sight_is_not_believed),
		CLAIM(silence_is_looked_at_again_in_an_hour),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
