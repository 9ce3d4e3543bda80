/* SPDX-License-Identifier: BSD-3-Clause */
/* test_save.c - the cache from one start to the next, and damaged files. */
#include "cache_support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct cache *c;
	struct arena *a;
	char dir[64], path[128];
};

static struct cache *
make_cache(void)
{
	struct cache_opts o = { 1 << 20, 1 << 20 };
	struct cache *c = cache_new(&o);

	assert_non_null(c);
	return c;
}

static int
start(void **state)
{
	static struct fixture f;

	cache_thread_start();
	f.c = make_cache();
	f.a = arena_new(1 << 22);
	strcpy(f.dir, "/tmp/hither-save-XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return 1;
	snprintf(f.path, sizeof(f.path), "%s/cache", f.dir);
	*state = &f;
	return f.a == NULL;
}

static int
stop(void **state)
{
	struct fixture *f = *state;
	char aside[160];

	snprintf(aside, sizeof(aside), "%s.damaged", f->path);
	(void)unlink(aside);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	cache_check(f->c);
	cache_free(f->c);
	arena_free(f->a);
	cache_thread_stop();
	return 0;
}

static const struct cache_moment then = { .now_ms = NOW, .wall_s = 5000 };

static void
put_a(struct fixture *f, const char *text, uint32_t ttl)
{
	struct one_a o;
	struct record r;

	one_a(&o, text, 1, ttl);
	r = record_of(&o, NOW);
	r.cost_ms = 77;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
}

static bool
get_a(struct fixture *f, const char *text, uint64_t now, struct record *out)
{
	struct name n;

	assert_int_equal(name_parse(text, &n), ERR_OK);
	return records_get(f->c, n.wire, TYPE_A, now, f->a, out);
}

static void
save(struct fixture *f, uint64_t want)
{
	uint64_t count;

	assert_int_equal(cache_save(f->c, f->path, &then, &count), ERR_OK);
	assert_int_equal(count, want);
}

/* As after a restart, on a machine whose clock began anew. */
static enum err
load(struct fixture *f, uint64_t later_s, uint64_t *count)
{
	struct cache_moment now = { .now_ms = 500,
		.wall_s = then.wall_s + later_s };

	cache_free(f->c);
	f->c = make_cache();
	return cache_load(f->c, f->path, &now, count);
}

static void
what_was_learned_is_there_again_with_what_is_left_of_its_ttl(void **state)
{
	struct fixture *f = *state;
	struct one_a o, soa;
	struct record r, got;
	uint64_t count;

	put_a(f, "long.test", 300);
	put_a(f, "short.test", 20);
	one_a(&o, "gone.test", 0, 60);
	r = record_of(&o, NOW);
	r.kind = RECORD_NXDOMAIN;
	r.type = 0;
	r.set_count = 0;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	r.kind = RECORD_FAILURE;
	r.type = TYPE_A;
	one_a(&soa, "failed.test", 0, 60);
	r.owner = soa.owner.wire;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	save(f, 3);
	assert_int_equal(load(f, 50, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(get_a(f, "long.test", 500, &got));
	assert_int_equal(record_ttl(&got, 500), 250);
	assert_int_equal(got.sets[0]->rdata[0].bytes[0], 1);
	assert_int_equal(got.rank, RANK_AUTH_ANSWER);
	assert_int_equal(got.cost_ms, 77);
	assert_false(get_a(f, "short.test", 500, &got));
	assert_false(get_a(f, "failed.test", 500, &got));
	assert_true(get_a(f, "gone.test", 500, &got));
	assert_int_equal(got.kind, RECORD_NXDOMAIN);
}

static void
what_was_proven_is_to_be_proven_anew(void **state)
{
	struct fixture *f = *state;
	struct one_a o;
	struct record r, got;
	uint64_t count;

	one_a(&o, "signed.test", 1, 300);
	r = record_of(&o, NOW);
	r.security = SECURITY_SECURE;
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	save(f, 1);
	assert_int_equal(load(f, 0, &count), ERR_OK);
	assert_true(get_a(f, "signed.test", 500, &got));
	assert_int_equal(got.security, SECURITY_UNCHECKED);
}

static void
a_delegation_is_saved_with_its_glue(void **state)
{
	struct fixture *f = *state;
	struct arena *a = f->a;
	struct rrset *sets[2] = {
		rrset_parse(a, "moss.test. 300 IN NS ns.moss.test."),
		rrset_parse(a, "ns.moss.test. 300 IN A 192.0.2.1"),
	};
	struct record got, r = { .owner = sets[0]->owner,
		.sets = sets,
		.set_count = 2,
		.stored_ms = NOW,
		.expires_ms = NOW + 300000,
		.kind = RECORD_DELEGATION,
		.rank = RANK_AUTHORITY,
		.ede = EDE_NONE,
		.type = TYPE_NS };
	struct name zone;
	uint64_t count;

	assert_int_equal(name_parse("moss.test", &zone), ERR_OK);
	assert_int_equal(records_put(f->c, &r, NOW), ERR_OK);
	save(f, 1);
	assert_int_equal(load(f, 10, &count), ERR_OK);
	assert_true(records_get_delegation(f->c, zone.wire, 500, f->a, &got));
	assert_int_equal(got.set_count, 2);
	assert_int_equal(got.sets[0]->type, TYPE_NS);
	assert_int_equal(got.sets[1]->type, TYPE_A);
	assert_int_equal(record_ttl(&got, 500), 290);
}

static size_t
read_file(const char *path, uint8_t *buf, size_t size)
{
	FILE *in = fopen(path, "rb");
	size_t n;

	assert_non_null(in);
	n = fread(buf, 1, size, in);
	fclose(in);
	return n;
}

static void
write_file(const char *path, const uint8_t *buf, size_t len)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(buf, 1, len, out), len);
	fclose(out);
}

static void
a_damaged_file_is_set_aside_and_nothing_of_it_is_taken(void **state)
{
	struct fixture *f = *state;
	uint8_t whole[4096];
	char aside[160];
	uint64_t count;
	size_t len;
	struct stat st;

	put_a(f, "a.test", 300);
	put_a(f, "b.test", 300);
	save(f, 2);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	len = read_file(f->path, whole, sizeof(whole));
	snprintf(aside, sizeof(aside), "%s.damaged", f->path);
	/* The clock's octets tell a time: any value of them is sound. */
	for (size_t i = 0; i < len; i++) {
		if (i >= 9 && i < 17)
			continue;
		whole[i] ^= 0x10;
		write_file(f->path, whole, len);
		whole[i] ^= 0x10;
		assert_int_equal(load(f, 0, &count), ERR_FORMAT);
		assert_int_equal(count, 0);
		assert_int_equal(access(f->path, F_OK), -1);
		assert_int_equal(access(aside, F_OK), 0);
	}
	for (size_t i = 0; i < len; i++) {
		write_file(f->path, whole, i);
		assert_int_equal(load(f, 0, &count), ERR_FORMAT);
	}
	assert_int_equal(load(f, 0, &count), ERR_NOT_FOUND);
	write_file(f->path, whole, len);
	assert_int_equal(load(f, 0, &count), ERR_OK);
	assert_int_equal(count, 2);
}

static void
a_file_of_a_time_to_come_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct cache_moment before = { .now_ms = 500, .wall_s = 4999 };
	uint64_t count;

	put_a(f, "a.test", 300);
	save(f, 1);
	assert_int_equal(cache_load(f->c, f->path, &before, &count), ERR_RANGE);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void
a_folder_that_is_not_there_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	uint64_t count;

	assert_int_equal(cache_save(f->c, "/nowhere/at/all", &then, &count),
	    ERR_SYSTEM);
	assert_int_equal(cache_load(f->c, "/nowhere/at/all", &then, &count),
	    ERR_NOT_FOUND);
}

static bool
count_one(void *user, const struct record *r)
{
	size_t *n = user;

	assert_non_null(r->owner);
	return ++*n < 3;
}

static void
records_are_listed_below_a_name_until_it_is_enough(void **state)
{
	struct fixture *f = *state;
	struct name top;
	size_t n = 0;

	put_a(f, "a.one.test", 300);
	put_a(f, "one.test", 300);
	put_a(f, "two.test", 300);
	put_a(f, "over.one.test", 1);
	assert_int_equal(name_parse("one.test", &top), ERR_OK);
	records_list(f->c, top.wire, NOW + 2000, count_one, &n);
	assert_int_equal(n, 2);
	put_a(f, "b.one.test", 300);
	put_a(f, "c.one.test", 300);
	n = 0;
	records_list(f->c, top.wire, NOW + 2000, count_one, &n);
	assert_int_equal(n, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(
		    what_was_learned_is_there_again_with_what_is_left_of_its_ttl),
		TEST(what_was_proven_is_to_be_proven_anew),
		TEST(a_delegation_is_saved_with_its_glue),
		TEST(a_damaged_file_is_set_aside_and_nothing_of_it_is_taken),
		TEST(a_file_of_a_time_to_come_is_not_used),
		TEST(a_folder_that_is_not_there_leaves_no_trace),
		TEST(records_are_listed_below_a_name_until_it_is_enough),
	};

	return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
