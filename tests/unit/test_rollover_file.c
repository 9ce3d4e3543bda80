/* SPDX-License-Identifier: BSD-3-Clause */
/* test_rollover_file.c - what is kept of rollovers between two starts. */
#include "rollover_world.h"

#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/hither-rollover-XXXXXX";
static char path[64];

static struct rollovers *
saved(struct world *w)
{
	struct rollovers *all = calloc(1, sizeof(*all));

	if (path[0] == '\0') {
		assert_non_null(mkdtemp(folder));
		snprintf(path, sizeof(path), "%s/anchors", folder);
	}
	roll_in(w);
	*rollovers_zone(all, name_root) = w->ro;
	assert_int_equal(rollovers_save(all, path), ERR_OK);
	return all;
}

static void
what_was_saved_is_there_again(void **state)
{
	struct world *w = *state;
	struct rollovers *all = saved(w), *back = calloc(1, sizeof(*back));

	assert_int_equal(rollovers_load(back, path), ERR_OK);
	assert_int_equal(back->count, 1);
	assert_int_equal(back->zones[0].count, all->zones[0].count);
	assert_int_equal(back->zones[0].checked_s, all->zones[0].checked_s);
	assert_int_equal(back->zones[0].next_s, all->zones[0].next_s);
	for (size_t i = 0; i < back->zones[0].count; i++)
		assert_memory_equal(&back->zones[0].keys[i],
		    &all->zones[0].keys[i], sizeof(back->zones[0].keys[i]));
	free(back);
	free(all);
}

static char *
slurp(size_t *len)
{
	char *text = calloc(1, 65536);
	FILE *f = fopen(path, "r");

	*len = fread(text, 1, 65535, f);
	fclose(f);
	return text;
}

static void
spill(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Any octet changed and any length cut: kept aside, nothing is believed. */
static void
a_damaged_file_is_kept_aside(void **state)
{
	struct rollovers *all = saved(*state);
	char bad[80];
	size_t len;
	char *text = slurp(&len);

	snprintf(bad, sizeof(bad), "%s.bad", path);
	for (size_t i = 0; i < len; i += 7) {
		text[i] ^= 4;
		spill(text, len);
		assert_int_equal(rollovers_load(all, path), ERR_FORMAT);
		assert_int_equal(all->count, 0);
		assert_int_not_equal(access(path, F_OK), 0);
		assert_int_equal(access(bad, F_OK), 0);
		text[i] ^= 4;
		spill(text, i);
		assert_int_equal(rollovers_load(all, path), ERR_FORMAT);
	}
	spill(text, len);
	assert_int_equal(rollovers_load(all, path), ERR_OK);
	unlink(bad);
	free(text);
	free(all);
}

static void
a_file_that_is_not_there_is_no_fault(void **state)
{
	struct rollovers *all = saved(*state);

	unlink(path);
	assert_int_equal(rollovers_load(all, path), ERR_NOT_FOUND);
	assert_int_equal(rollovers_save(all, "/nonexistent/x"), ERR_SYSTEM);
	rmdir(folder);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(what_was_saved_is_there_again),
		CLAIM(a_damaged_file_is_kept_aside),
		CLAIM(a_file_that_is_not_there_is_no_fault),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
