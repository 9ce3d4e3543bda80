/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache_support.h"

struct fixture {
	struct cache *c;
	struct name qname;
	uint8_t message[512];
	struct answer_key key;
	struct packed packed;
};

static int
start(void **state)
{
	static struct fixture f;
	struct cache_opts o = { 1 << 16, 1 << 20 };

	memset(&f, 0, sizeof(f));
	cache_thread_start();
	f.c = cache_new(&o);
	if (f.c == NULL || name_parse("www.example.net", &f.qname) != ERR_OK)
		return 1;
	f.packed = (struct packed){
		.bytes = f.message,
		.len =
		    pack_answer(f.message, sizeof(f.message), f.qname.wire, 3),
		.expires_ms = NOW + 300000,
		.generation = answers_generation(f.c),
		.ede = EDE_NONE,
	};
	f.key = (struct answer_key){ .qname = f.qname.wire, .qtype = TYPE_A };
	*state = &f;
	return 0;
}

static int
stop(void **state)
{
	struct fixture *f = *state;

	cache_check(f->c);
	cache_free(f->c);
	cache_thread_stop();
	return 0;
}

static enum err
put(struct fixture *f)
{
	return answers_put(f->c, &f->key, &f->packed, NOW);
}

static size_t
get(struct fixture *f, uint64_t now, uint8_t *buf)
{
	struct answer_copy out = { .buf = buf, .size = 512, .now_ms = now };

	return answers_copy(f->c, &f->key, &out);
}

/* The question lies in buf, and the answer comes to lie around it. */
static size_t
place(struct fixture *f, uint8_t *buf)
{
	const void *ahead;
	bool absent;
	struct answer_spot s = { .message = buf,
		.size = 512,
		.now_ms = NOW,
		.qtype = f->key.qtype,
		.name_bytes = (uint8_t)name_bytes(f->key.qname),
		.absent = &absent };
	size_t len;

	memcpy(buf, f->packed.bytes, HEADER_BYTES + s.name_bytes + 4u);
	s.hash = answers_expect(f->c, f->key.qname, s.name_bytes, &ahead);
	cache_read_start();
	answers_expect_entry(ahead);
	len = answers_place(f->c, &s);
	cache_read_end(f->c);
	return len;
}

static void
an_answer_stays_from_the_second_time(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct cache_counts n;

	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(get(f, NOW, buf), 0);
	cache_count(f->c, &n);
	assert_int_equal(n.answers, 0);
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(get(f, NOW, buf), f->packed.len);
	assert_memory_equal(buf, f->message, f->packed.len);
}

static void
one_question_near_the_end_is_left_to_refresh(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];

	f->packed.now_hot = true;
	f->packed.refresh_ms = NOW + 270000;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(get(f, NOW + 269999, buf), f->packed.len);
	assert_int_equal(get(f, NOW + 270000, buf), 0);
	assert_int_equal(get(f, NOW + 270000, buf), f->packed.len);
	assert_int_equal(get(f, NOW + 299000, buf), f->packed.len);
}

static void
the_second_time_is_forgotten_after_a_while(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];

	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(answers_put(f->c, &f->key, &f->packed, NOW + 130000),
	    ERR_OK);
	assert_int_equal(get(f, NOW + 130000, buf), 0);
}

static void
a_hot_answer_stays_at_once(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];

	f->packed.now_hot = true;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(get(f, NOW, buf), f->packed.len);
}

static void
ttls_age_and_end(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct arena *a = arena_new(1 << 16);
	struct message m;

	f->packed.now_hot = true;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(get(f, NOW + 100500, buf), f->packed.len);
	assert_int_equal(message_read(a, buf, f->packed.len, &m), ERR_OK);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->ttl, 200);
	assert_int_not_equal(get(f, NOW + 299999, buf), 0);
	assert_int_equal(message_read(a, buf, f->packed.len, &m), ERR_OK);
	assert_int_equal(m.sets[SECTION_ANSWER][0]->ttl, 1);
	assert_int_equal(get(f, NOW + 300000, buf), 0);
	arena_free(a);
}

static void
the_key_is_more_than_the_name(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct name upper;

	f->packed.now_hot = true;
	assert_int_equal(put(f), ERR_OK);
	f->key.flags = ANSWER_KEY_DO;
	assert_int_equal(get(f, NOW, buf), 0);
	f->key.flags = 0;
	f->key.view = 1;
	assert_int_equal(get(f, NOW, buf), 0);
	f->key.view = 0;
	assert_int_equal(name_parse("WWW.EXAMPLE.net", &upper), ERR_OK);
	f->key.qname = upper.wire;
	assert_int_not_equal(get(f, NOW, buf), 0);
	f->key.qtype = TYPE_AAAA;
	assert_int_equal(get(f, NOW, buf), 0);
	assert_int_equal(put(f), ERR_FORMAT);
}

static void
the_answer_set_turns(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	size_t at = f->packed.len - 3 * 16, n = f->packed.len;

	f->packed.now_hot = true;
	f->packed.rotate_at = (uint16_t)at;
	f->packed.rotate_count = 3;
	f->packed.rotate_size = 16;
	assert_int_equal(put(f), ERR_OK);
	for (uint32_t turn = 0; turn < 7; turn++) {
		struct answer_copy out = { .buf = buf,
			.size = n,
			.now_ms = NOW,
			.turn = turn };

		assert_int_equal(answers_copy(f->c, &f->key, &out), n);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(buf[at + i * 16 + 15],
			    (turn + i) % 3 + 1);
	}
	f->packed.rotate_count = 4;
	assert_int_equal(put(f), ERR_FORMAT);
}

static void
too_small_a_buffer_is_a_miss(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct answer_copy out = { .buf = buf,
		.size = f->packed.len - 1,
		.now_ms = NOW };

	f->packed.now_hot = true;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(answers_copy(f->c, &f->key, &out), 0);
	assert_true(out.too_long);
}

static void
an_ede_is_not_lost(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct answer_copy out = { .buf = buf, .size = 512, .now_ms = NOW };

	f->packed.now_hot = true;
	f->packed.ede = EDE_STALE_ANSWER;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(place(f, buf), 0); /* nor could it be handed over */
	assert_int_equal(answers_copy(f->c, &f->key, &out), f->packed.len);
	assert_int_equal(out.ede, EDE_STALE_ANSWER);
	f->packed.ede = EDE_NONE;
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(place(f, buf), f->packed.len);
	assert_memory_equal(buf, f->packed.bytes, f->packed.len);
}

static void
a_flush_in_between_wins(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[512];
	struct cache_counts n;

	f->packed.now_hot = true;
	assert_int_equal(put(f), ERR_OK);
	(void)cache_flush(f->c, FLUSH_NAME, name_root, 0);
	assert_int_equal(get(f, NOW, buf), 0);
	cache_count(f->c, &n);
	assert_int_equal(n.answers, 0);
	assert_int_equal(put(f), ERR_REFUSED);
	f->packed.generation = answers_generation(f->c);
	assert_int_equal(put(f), ERR_OK);
	assert_int_not_equal(get(f, NOW, buf), 0);
}

static void
an_answer_of_one_address_takes_at_most_128_octets(void **state)
{
	struct fixture *f = *state;
	struct cache_counts n;
	uint8_t buf[512];

	assert_int_equal(name_parse("n0000001.w6.bench", &f->qname), ERR_OK);
	f->packed.len =
	    pack_answer(f->message, sizeof(f->message), f->qname.wire, 1);
	f->packed.now_hot = true;
	f->packed.expires_ms = NOW + UINT32_MAX * UINT64_C(2);
	f->packed.refresh_ms = f->packed.expires_ms - 1;
	assert_int_equal(put(f), ERR_OK);
	cache_count(f->c, &n);
	assert_int_equal(n.answers, 1);
	assert_true(n.answer_bytes <= 128);
	/* Nor is it kept for longer than its block can say. */
	assert_int_not_equal(get(f, NOW + UINT32_MAX - 1, buf), 0);
	assert_int_equal(get(f, NOW + UINT32_MAX, buf), 0);
}

static void
the_bound_holds(void **state)
{
	struct fixture *f = *state;
	struct cache_counts n;

	f->packed.now_hot = true;
	for (unsigned i = 0; i < 20000; i++) {
		char text[64];
		enum err err;

		snprintf(text, sizeof(text), "n%u.example.net", i);
		assert_int_equal(name_parse(text, &f->qname), ERR_OK);
		f->packed.len = pack_answer(f->message, sizeof(f->message),
		    f->qname.wire, 3);
		err = put(f);
		assert_true(err == ERR_OK || err == ERR_LIMIT);
		cache_count(f->c, &n);
		assert_true(n.answer_bytes <= n.answer_bytes_max);
	}
	assert_true(n.answers > 3000);
	assert_true(n.evictions > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_stays_from_the_second_time),
		TEST(the_second_time_is_forgotten_after_a_while),
		TEST(a_hot_answer_stays_at_once),
		TEST(one_question_near_the_end_is_left_to_refresh),
		TEST(ttls_age_and_end),
		TEST(the_key_is_more_than_the_name),
		TEST(the_answer_set_turns),
		TEST(too_small_a_buffer_is_a_miss),
		TEST(an_ede_is_not_lost),
		TEST(a_flush_in_between_wins),
		TEST(an_answer_of_one_address_takes_at_most_128_octets),
		TEST(the_bound_holds),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
