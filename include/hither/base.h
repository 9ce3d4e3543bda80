/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base.h - what every room stands on: errors, memory, time, chance, addresses
 * and the log. Nothing here knows what DNS is.
 */
#ifndef HITHER_BASE_H
#define HITHER_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* --- errors ----------------------------------------------------------- */

enum err {
	ERR_OK = 0,
	ERR_MEMORY,	/* an allocation failed or an arena is over */
	ERR_FORMAT,	/* bytes or text that do not parse */
	ERR_SPACE,	/* does not fit where it should go */
	ERR_RANGE,	/* parses, but is out of its allowed range */
	ERR_LIMIT,	/* a budget or table bound was hit */
	ERR_NOT_FOUND,
	ERR_EXISTS,
	ERR_REFUSED,	/* policy or the peer said no */
	ERR_UNREACHABLE, /* no route, ICMP error, firewall */
	ERR_TIMEOUT,
	ERR_CLOSED,	/* the peer closed the stream */
	ERR_SYSTEM,	/* errno says more */
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
/*
 * The compiler clears every variable of a function; what is large and written
 * before it is read need not be.
 */
#define UNCLEARED __attribute__((uninitialized))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (1u << (n))

/* A few words for people; never NULL. */
const char *err_text(enum err e);

/*
 * For corrupted shared state only: logs and stops the process. Nothing that
 * came from outside may be able to reach a failing require().
 */
#define require(x) \
	((x) ? (void)0 : require_failed(#x, __FILE__, __LINE__))
_Noreturn void require_failed(const char *what, const char *file, int line);

/* --- memory ----------------------------------------------------------- */

/*
 * Allocation for everything outside arenas. NULL when memory is out; tests
 * make the n-th call fail with memory_fail_at(). Zeroed.
 */
void *memory_new(size_t bytes) MUST_USE;
void *memory_grow(void *old, size_t bytes) MUST_USE; /* not zeroed */
void memory_free(void *p);			     /* NULL is fine */
/* Once, before threads begin: large blocks are mapped, and cost when used. */
void memory_set_up(void);
void memory_fail_at(uint64_t n);		     /* 0: never */

/*
 * Memory that is freed whole. Past max_bytes, or when the system has none
 * left, arena_take() returns NULL and the arena stays `over` for ever: check
 * arena_over() once, at the end. Not thread-safe.
 */
struct arena {		    /* arena.c's own but for the inline way */
	uint8_t *at, *end;  /* free of the newest block: whole ARENA_ALIGNs */
	struct arena_block *newest;
	size_t max_bytes;
	size_t held; /* room of all blocks */
	size_t next; /* size of the next block, with its head */
	bool over;
};
#define ARENA_ALIGN 16u
struct arena *arena_new(size_t max_bytes) MUST_USE;
void arena_free(struct arena *a); /* NULL is fine */
void arena_reset(struct arena *a); /* keeps one block for the next use */
/* arena_room() where the newest block does not do. */
void *arena_more(struct arena *a, size_t bytes) MUST_USE;
/* Not zeroed. Inline: two dozen calls a miss are 400 instructions less. */
static inline void *
arena_room(struct arena *a, size_t bytes)
{
	uint8_t *p = a->at;

	if (bytes - 1 >= (size_t)(a->end - p))
		return arena_more(a, bytes);
	a->at += (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	return p;
}
/* Zeroed. */
static inline void *
arena_take(struct arena *a, size_t bytes)
{
	void *p = arena_room(a, bytes);

	return p == NULL ? NULL : __builtin_memset(p, 0, bytes);
}
void *arena_copy(struct arena *a, const void *p, size_t bytes) MUST_USE;
char *arena_print(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline bool
arena_over(const struct arena *a)
{
	return a->over;
}
size_t arena_bytes(const struct arena *a);

/* --- octets ----------------------------------------------------------- */

/* Big-endian, of 1 to 8 octets. Returns where the next one goes. */
static inline uint8_t *
octets_put(uint8_t *p, uint64_t value, unsigned octets)
{
	while (octets-- > 0)
		*p++ = (uint8_t)(value >> (8 * octets));
	return p;
}

static inline uint64_t
octets_get(const uint8_t *p, unsigned octets)
{
	uint64_t value = 0;

	while (octets-- > 0)
		value = value << 8 | *p++;
	return value;
}

/* --- time ------------------------------------------------------------- */

uint64_t clock_mono_us(void); /* timers and round trips */
uint64_t clock_boot_ms(void); /* TTLs: counts suspended time too */
uint64_t clock_real_s(void);  /* signatures, saved state, logs */

/* Makes clock_boot_ms() follow the wall clock, for black-box tests. */
void clock_ttl_follows_wall(void);

/* Timers of one loop: a heap of intrusive nodes. Not thread-safe. */
struct timer {
	uint64_t at_us;
	size_t slot; /* 0: not armed; written by timers_*() only */
	void (*fire)(void *user);
	void *user;
};
struct timers;
struct timers *timers_new(void) MUST_USE;
void timers_free(struct timers *ts); /* NULL is fine; nodes are not ours */
/* (Re)arms t for at_us on the monotonic clock. */
enum err timer_arm(struct timers *ts, struct timer *t, uint64_t at_us) MUST_USE;
void timer_cancel(struct timers *ts, struct timer *t); /* unarmed is fine */
/* Fires, in order of time, whatever is due at now_us; returns how many. */
size_t timers_run(struct timers *ts, uint64_t now_us);
/* When the next one is due; UINT64_MAX when none is armed. */
uint64_t timers_next(const struct timers *ts);

/* --- how long things took ---------------------------------------------- */

/*
 * Counted by how long they took: buckets[i] those of at most 125 us << i and
 * more than half of it, the last one all that took longer. One thread notes,
 * any may read.
 */
#define HISTOGRAM_BUCKETS  16u
#define HISTOGRAM_FIRST_US 125u
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t sum_us;
};
void histogram_note(struct histogram *h, uint64_t took_us);
void histogram_add(struct histogram *sum, const struct histogram *more);
uint64_t histogram_count(const struct histogram *h);
/* The upper bound of a bucket; UINT64_MAX for the last. */
uint64_t histogram_bound_us(size_t bucket);

/* --- chance and hashing ----------------------------------------------- */

/* A ChaCha20 buffer seeded by the kernel; one a thread. Not thread-safe. */
struct rng;
struct rng *rng_new(void) MUST_USE;
struct rng *rng_new_seeded(uint64_t seed) MUST_USE; /* tests: repeatable */
void rng_free(struct rng *r);
uint16_t rng_u16(struct rng *r);
uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* uniform in 0..n-1, n > 0 */

/*
 * SipHash-1-3 under a key of this process: without the key nobody can aim at
 * one bucket. One round a word is half of SipHash-2-4's work.
 */
struct hash_key {
	uint8_t bytes[16];
};
void hash_key_random(struct hash_key *k);
uint64_t hash_bytes(const struct hash_key *k, const void *p, size_t n);
/* SipHash-2-4, where a protocol asks for it (RFC 9018): n > 0 octets. */
void hash_siphash24(
    const struct hash_key *k, const void *p, size_t n, uint8_t out[8]);

/* The same, word by word, for who changes octets on the way (name_hash()). */
struct hash_run {
	uint64_t a, b, c, d;
};
static inline uint64_t
hash_turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}
static inline void
hash_round(struct hash_run *r)
{
	r->a += r->b;
	r->c += r->d;
	r->b = hash_turn(r->b, 13) ^ r->a;
	r->d = hash_turn(r->d, 16) ^ r->c;
	r->a = hash_turn(r->a, 32);
	r->c += r->b;
	r->a += r->d;
	r->b = hash_turn(r->b, 17) ^ r->c;
	r->d = hash_turn(r->d, 21) ^ r->a;
	r->c = hash_turn(r->c, 32);
}
static inline void
hash_start(struct hash_run *r, const struct hash_key *k)
{
	uint64_t key[2];

	__builtin_memcpy(key, k->bytes, sizeof(key));
	r->a = key[0] ^ UINT64_C(0x736f6d6570736575);
	r->b = key[1] ^ UINT64_C(0x646f72616e646f6d);
	r->c = key[0] ^ UINT64_C(0x6c7967656e657261);
	r->d = key[1] ^ UINT64_C(0x7465646279746573);
}
/* Eight octets, the first one lowest. */
static inline void
hash_word(struct hash_run *r, uint64_t w)
{
	r->d ^= w;
	hash_round(r);
	r->a ^= w;
}
/* rest: the last n % 8 octets, the first one lowest; n: of all octets. */
static inline uint64_t
hash_end(struct hash_run *r, uint64_t rest, size_t n)
{
	hash_word(r, rest | (uint64_t)n << 56);
	r->c ^= 0xff;
	hash_round(r);
	hash_round(r);
	hash_round(r);
	return r->a ^ r->b ^ r->c ^ r->d;
}

/* --- rates ------------------------------------------------------------ */

/*
 * How often something may happen for each of any number of keys, in memory
 * that never grows: 8 octets for each of about `keys` that are told apart at
 * a time. Any thread; nobody waits for another.
 */
struct throttle;
struct throttle_rate {
	uint32_t per_second; /* 0: no bound; <= 1000000 */
	uint32_t burst;	     /* so many at once, at least 1 */
};
struct throttle *throttle_new(size_t keys) MUST_USE;
void throttle_free(struct throttle *t); /* NULL is fine */
uint64_t throttle_key(const struct throttle *t, const void *p, size_t n);
/* For who makes keys by a hash of its own (name_hash()). */
const struct hash_key *throttle_hash_key(const struct throttle *t);
/*
 * May it happen now? Then it has. What is too much is not counted, so that
 * per_second of those who never stop still pass.
 */
bool throttle_take(struct throttle *t, const struct throttle_rate *r,
    uint64_t key, uint64_t now_us);

/* --- addresses -------------------------------------------------------- */

#define ADDR_TEXT_MAX 80

/* An IP address and port. IPv4 lies in ip[0..3], the rest is zero. */
struct addr {
	uint8_t ip[16];
	uint32_t scope; /* IPv6 link-local interface index, else 0 */
	uint16_t port;	/* host order */
	uint8_t family; /* 4 or 6; 0: no address */
};

struct prefix {
	struct addr net; /* host bits are zero, port 0 */
	uint8_t bits;	 /* 0..32 or 0..128 */
};

/* "192.0.2.1", "192.0.2.1@5353", "2001:db8::1", "fe80::1%lo". */
enum err addr_parse(
    const char *text, uint16_t default_port, struct addr *out) MUST_USE;
/* "192.0.2.1" or "2001:db8::1"; buf of ADDR_TEXT_MAX bytes is returned. */
const char *addr_ip_text(const struct addr *a, char *buf);
/* "192.0.2.1:53" or "[2001:db8::1]:53". */
const char *addr_text(const struct addr *a, char *buf);
/* The same but for the port. */
static inline bool
addr_same_ip(const struct addr *a, const struct addr *b)
{
	return __builtin_memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 &&
	       a->scope == b->scope && a->family == b->family;
}
static inline bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_ip(a, b);
}
bool addr_is_any(const struct addr *a); /* 0.0.0.0 or :: */
socklen_t addr_to_sockaddr(
    const struct addr *a, struct sockaddr_storage *out);
enum err addr_from_sockaddr(
    const struct sockaddr *sa, socklen_t len, struct addr *out) MUST_USE;
/* "10.0.0.0/8", "::1/128", or a bare address; host bits must be zero. */
enum err prefix_parse(const char *text, struct prefix *out) MUST_USE;
/* prefix_covers() without the glance at the first octet. */
bool prefix_holds(const struct prefix *p, const struct addr *a);
/* Hardly ever true, and mostly told by the first octet. */
static inline bool
prefix_covers(const struct prefix *p, const struct addr *a)
{
	if (p->net.family != a->family ||
	    (p->bits >= 8 && p->net.ip[0] != a->ip[0]))
		return false;
	return prefix_holds(p, a);
}

/* --- log -------------------------------------------------------------- */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_JOURNAL, LOG_TO_FILE };

struct log_opts {
	enum log_target target;
	enum log_level level;
	bool json;
	const char *path;    /* LOG_TO_FILE only */
	const char *program; /* name in syslog and on stderr */
};

/*
 * The one piece of mutable file-scope state in the house. Before log_open()
 * lines go to stderr as text. log_open() on failure keeps the old target.
 */
enum err log_open(const struct log_opts *o) MUST_USE;
enum err log_reopen(void) MUST_USE; /* after logrotate */
/*
 * A log file opened as root goes to the user we are about to become, who
 * could not open it anew otherwise. Other targets are left alone.
 */
enum err log_give_to(uid_t user, gid_t group) MUST_USE;
void log_set_level(enum log_level l);
bool log_wants(enum log_level l);
/*
 * One line: `event key=value key=value`. Control and non-ASCII bytes are
 * escaped; equal lines are written at most 5 times in 10 s and then counted.
 */
void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
