/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.c - questions as they come in, and the answers that are at hand.
 *
 * For every question, in this order:
 *
 *  1. read it in place; what is no question gets no answer;
 *  2. the access list: drop, refuse, or go on; who asks too much (limit.c);
 *  3. malformed, another opcode, a later EDNS: told so;
 *  4. another class, a type that is no data: refused or told so;
 *  5. names answered locally;
 *  6. ANY, when it is refused (RFC 8482);
 *  7. RD=0 reads the cache only, for those who may snoop;
 *  8. a packed answer: copied into the room of the question and patched;
 *  9. a miss: miss.c.
 *
 * Most questions never come here: quick.c answers them where they lie.
 *
 * Up to 8 nothing is allocated: local answers use an arena that keeps its
 * block, and the packed answer goes straight into the datagram.
 */
#include "inside.h"

#include <string.h>

#define KEEPALIVE_US 100000u /* what RFC 7828 counts in */

enum { TYPE_RESERVED = 0, TYPE_META_FIRST = 128, TYPE_META_LAST = 254 };

enum fate
visit_error(struct visit *v, unsigned rcode, const struct remark *m)
{
	v->rcode = rcode;
	v->len = reply_error(&v->asked, m, rcode, v->out);
	return FATE_REPLY;
}

static enum fate
told_error(struct front *f, struct visit *v, unsigned rcode, enum ede ede,
    const char *why)
{
	struct remark m = front_remark(f, ede, why);

	return visit_error(v, rcode, &m);
}

static enum fate
plain_error(struct front *f, struct visit *v, unsigned rcode)
{
	return told_error(f, v, rcode, EDE_NONE, NULL);
}

static enum fate
refuse(struct front *f, struct visit *v, enum ede ede, const char *why)
{
	struct remark m = front_remark(f, ede, why);

	count_up(&f->counts.refused);
	return visit_error(v, RCODE_REFUSED, &m);
}

/* Writes an answer made here. */
static enum fate
answer_here(struct front *f, struct visit *v, const struct answer *a)
{
	struct remark m = front_remark(f, a->ede, a->why);
	struct pack_opts o = {
		.qname = v->asked.qname,
		.qtype = v->asked.qtype,
		.qclass = v->asked.qclass,
		.first = f->rules->rotate ? (uint16_t)(f->turn++) : 0,
		.dnssec_ok = v->asked.dnssec_ok,
		.minimal = f->rules->minimal,
	};
	struct packed p;

	if (!pack_answer(a, &o, f->scratch, PACK_MAX, &p))
		return visit_error(v, RCODE_SERVFAIL, &m);
	v->len = reply_write(&v->asked, &m, f->scratch, p.len, v->out);
	return FATE_REPLY;
}

static enum fate
chaos(struct front *f, struct visit *v)
{
	struct answer a;

	arena_reset(f->arena);
	policy_chaos(f->rules->policy, v->asked.qname, v->asked.qtype, f->arena,
	    &a);
	if (a.rcode == RCODE_REFUSED)
		return refuse(f, v, EDE_NONE, NULL);
	count_up(&f->counts.local);
	return answer_here(f, v, &a);
}

/* Types that no record can have. True when the visit is over. */
static bool
is_odd_type(struct front *f, struct visit *v, enum fate *fate)
{
	uint16_t t = v->asked.qtype;

	if (t == TYPE_RESERVED || t == TYPE_NXNAME) {
		count_up(&f->counts.formerr);
		*fate = told_error(f, v, RCODE_FORMERR, EDE_INVALID_TYPE,
		    "no record has this type");
	} else if (t == TYPE_AXFR || t == TYPE_IXFR) {
		*fate = refuse(f, v, EDE_NOT_SUPPORTED,
		    "zones are not transferred");
	} else if (t == TYPE_OPT ||
		   (t >= TYPE_META_FIRST && t <= TYPE_META_LAST)) {
		count_up(&f->counts.notimp);
		*fate = told_error(f, v, RCODE_NOTIMP, EDE_NOT_SUPPORTED,
		    "nothing can be asked by this type");
	} else {
		return false;
	}
	return true;
}

static void
log_asked(const struct visit *v)
{
	char name[NAME_TEXT_MAX], type[16], from[ADDR_TEXT_MAX];

	log_info("asked", "client=%s name=%s type=%s",
	    addr_ip_text(&v->route.from, from), name_text(v->asked.qname, name),
	    type_text(v->asked.qtype, type));
}

/* Without RD only who may snoop is shown what others asked for. */
static bool
may_recurse(const struct visit *v, enum access access)
{
	return (v->asked.flags & FLAG_RD) != 0 || access == ACCESS_SNOOP;
}

static bool
is_local(struct front *f, struct visit *v, enum access access, enum fate *fate)
{
	struct policy_question q = { .client = &v->route.from,
		.qname = v->asked.qname,
		.qtype = v->asked.qtype };
	enum policy_verdict verdict;
	UNCLEARED struct answer a; /* written when it is one */

	arena_reset(f->arena);
	verdict = policy_answer(f->rules->policy, &q, f->arena, &a);
	if (q.inform)
		log_asked(v);
	if (verdict == POLICY_RESOLVE)
		return false;
	if (verdict == POLICY_FOLLOW && may_recurse(v, access)) {
		count_up(&f->counts.local);
		v->target = q.target;
		*fate = miss_take(f, v);
		return true;
	}
	count_up(
	    verdict == POLICY_SILENCE ? &f->counts.dropped : &f->counts.local);
	*fate =
	    verdict == POLICY_SILENCE ? FATE_SILENCE : answer_here(f, v, &a);
	return true;
}

/* RFC 8482 section 4.2. */
static enum fate
answer_any(struct front *f, struct visit *v)
{
	static const struct rdata hinfo = {
		.bytes = (const uint8_t *)"\007RFC8482",
		.len = 9,
	};
	struct rrset set = { .owner = v->asked.qname,
		.rdata = &hinfo,
		.ttl = 3600,
		.type = TYPE_HINFO,
		.count = 1 };
	struct rrset *const sets[1] = { &set };
	struct answer a = { .sets[SECTION_ANSWER] = sets,
		.counts[SECTION_ANSWER] = 1,
		.ede = EDE_NONE };

	count_up(&f->counts.local);
	return answer_here(f, v, &a);
}

static bool
is_hit(struct front *f, struct visit *v)
{
	struct answer_key k = { .qname = v->asked.qname,
		.name_hash = v->name_hash,
		.qtype = v->asked.qtype };
	struct answer_copy c = { .buf = v->out,
		.size = v->out_size,
		.now_ms = v->now_ms,
		.turn = f->rules->rotate ? f->turn++ : 0,
		.ede = EDE_NONE };
	struct remark m;
	size_t len;

	if (v->asked.dnssec_ok)
		k.flags |= ANSWER_KEY_DO;
	if ((v->asked.flags & FLAG_CD) != 0)
		k.flags |= ANSWER_KEY_CD;
	len = answers_copy(f->opts.cache, &k, &c);
	if (c.too_long && c.size < PACK_MAX) {
		c.buf = f->scratch;
		c.size = PACK_MAX;
		len = answers_copy(f->opts.cache, &k, &c);
	}
	if (len == 0)
		return false;
	count_up(&f->counts.hits);
	m = front_remark(f, c.ede, NULL);
	v->len = reply_write(&v->asked, &m, c.buf, len, v->out);
	return true;
}

/* Steps 4 to 9. */
static enum fate
visit_question(struct front *f, struct visit *v, enum access access)
{
	enum fate fate;

	if (v->asked.qclass == CLASS_CH)
		return chaos(f, v);
	if (v->asked.qclass != CLASS_IN)
		return refuse(f, v, EDE_NOT_SUPPORTED,
		    "only classes IN and CH");
	if (v->name_hash == 0)
		v->name_hash = cache_name_hash(f->opts.cache, v->asked.qname);
	if (is_odd_type(f, v, &fate) || is_local(f, v, access, &fate))
		return fate;
	if (v->asked.qtype == TYPE_ANY && f->rules->refuse_any)
		return answer_any(f, v);
	if (!may_recurse(v, access))
		return refuse(f, v, EDE_NOT_AUTHORITATIVE,
		    "recursion is not desired, and memory is not shown");
	if (!v->absent && is_hit(f, v))
		return FATE_REPLY;
	return miss_take(f, v);
}

static void
read_cookie(struct front *f, struct visit *v)
{
	const uint64_t now_s = clock_real_s();
	const struct cookie_asked q = { .bytes = v->query.edns.cookie,
		.len = v->query.edns.cookie_len,
		.from = &v->route.from,
		.now_s = (uint32_t)now_s };

	front_renew_cookies(f, now_s);
	v->asked.cookie_known = cookie_answer(&f->cookies, &q, v->asked.cookie);
	v->asked.cookie_len = COOKIE_BYTES;
}

/* Steps 1 to 3. The bytes may lie in v->out: nothing borrows from them. */
static enum fate
visit(struct front *f, struct visit *v, const uint8_t *bytes, size_t len)
{
	enum query_verdict verdict = query_read(bytes, len, &v->query);
	enum access access = policy_access(f->rules->policy, &v->route.from);

	v->rcode = RCODE_NOERROR;
	v->target = NULL;
	v->name_hash = 0;
	v->absent = false;
	if (verdict == QUERY_SILENCE || access == ACCESS_DROP) {
		count_up(&f->counts.dropped);
		return FATE_SILENCE;
	}
	asked_from_query(&v->asked, &v->query, v->route.udp != NULL);
	if (v->query.edns.cookie != NULL && f->rules->cookies)
		read_cookie(f, v);
	if (v->asked.wants_keepalive)
		v->asked.keepalive =
		    (uint16_t)(tcp_listener_idle_us(v->route.tcp) /
			       KEEPALIVE_US);
	if (v->over && !limit_proven(f, v)) {
		if (verdict == QUERY_OK)
			return limit_answer(f, v);
		count_up(&f->counts.dropped);
		return FATE_SILENCE;
	}
	/* In no more words than were asked: it may be a forged address. */
	if (access == ACCESS_REFUSE)
		return refuse(f, v, EDE_PROHIBITED, NULL);
	switch (verdict) {
	case QUERY_FORMERR:
		count_up(&f->counts.formerr);
		return plain_error(f, v, RCODE_FORMERR);
	case QUERY_NOTIMP:
		count_up(&f->counts.notimp);
		return plain_error(f, v, RCODE_NOTIMP);
	case QUERY_BADVERS:
		count_up(&f->counts.badvers);
		return plain_error(f, v, RCODE_BADVERS);
	case QUERY_SILENCE:
	case QUERY_OK:
	default:
		return visit_question(f, v, access);
	}
}

/*
 * One of the common form, from somebody who may ask: quick_look() has read it
 * already. 500 instructions less a miss.
 */
static enum fate
visit_common(struct front *f, struct visit *v, const uint8_t *bytes,
    const struct glance *g)
{
	uint8_t *qname = v->query.qname.wire;

	memcpy(qname, bytes + HEADER_BYTES, g->name_bytes);
	v->rcode = RCODE_NOERROR;
	v->target = NULL;
	v->name_hash = g->hash;
	v->absent = g->absent;
	quick_asked(bytes, g, &v->asked);
	v->asked.qname = qname;
	return visit_question(f, v, ACCESS_ALLOW);
}

static void
count_quick(struct front *f, const uint8_t *reply)
{
	count_up(&f->counts.hits);
	count_up(&f->counts.rcodes[reply[3] & 15u]);
}

static void
take_one(struct front *f, struct visit *v, struct datagram *d,
    const struct glance *g)
{
	enum fate fate;

	v->route.from = d->from;
	v->route.local = d->local;
	v->out = d->bytes;
	v->out_size = DATAGRAM_MAX;
	if (g != NULL && g->name_bytes != 0)
		fate = visit_common(f, v, d->bytes, g);
	else
		fate = visit(f, v, d->bytes, d->len);
	if (fate != FATE_REPLY)
		return;
	d->reply_len = v->len;
	front_count_reply(f, d->bytes, v->rcode);
}

/* Whose questions are too many: a bit for each, they are done with. */
static uint64_t
take_excess(struct front *f, struct visit *v, struct datagram *batch, size_t n)
{
	uint64_t done = 0;

	_Static_assert(DATAGRAM_BATCH <= 64, "a bit for each of a batch");
	v->over = true;
	for (size_t i = 0; i < n; i++) {
		if (limit_passes(f, &batch[i]))
			continue;
		take_one(f, v, &batch[i], NULL);
		batch[i].len = 0; /* no question for quick.c any more */
		done |= UINT64_C(1) << i;
	}
	v->over = false;
	return done;
}

/*
 * All are looked at before the first is answered: what memory has to fetch for
 * each (the cache is larger than the processor's) is on its way meanwhile.
 * Then all that is answered where it lies, within one read section: nothing
 * in there takes long. Then the rest, one by one.
 */
void
batch_take(void *user, struct udp_listener *ul, struct datagram *batch,
    size_t n)
{
	struct listener *li = user;
	struct front *f = li->front;
	UNCLEARED struct visit v;
	uint64_t done = 0;
	UNCLEARED struct glance glances[DATAGRAM_BATCH];
	size_t i;

	v.over = false;
	v.now_ms = loop_ttl_now_ms(f->opts.loop);
	v.route.udp = ul;
	v.route.tcp = NULL;
	v.route.connection = 0;
	count_more(&f->counts.udp_queries, n);
	if (li->local.family == 6)
		count_more(&f->counts.udp6_queries, n);
	if (f->rules->limits != NULL)
		done = take_excess(f, &v, batch, n);
	for (i = 0; i < n; i++)
		quick_look(f, &batch[i], &glances[i]);
	cache_read_start();
	for (i = 0; i < n; i++)
		if (glances[i].name_bytes != 0)
			answers_expect_entry(glances[i].ahead);
	for (i = 0; i < n; i++)
		if (quick_reply(f, &batch[i], &glances[i], v.now_ms))
			count_quick(f, batch[i].bytes);
	cache_read_end(f->opts.cache);
	for (i = 0; i < n; i++) {
		if (batch[i].reply_len != 0 || (done >> i & 1) != 0)
			continue;
		take_one(f, &v, &batch[i], &glances[i]);
	}
}

/*
 * The common question, as batch_take() answers it: 850 of 2,080
 * instructions less. Returns the reply's length, in f->scratch.
 */
static size_t
stream_quick(struct front *f, const struct addr *from, const uint8_t *bytes,
    size_t len)
{
	struct datagram d = { .from = *from, .bytes = f->scratch, .len = len };
	UNCLEARED struct glance g;

	if (len > QUICK_MAX || f->rules->limits != NULL)
		return 0;
	memcpy(f->scratch, bytes, len);
	quick_look(f, &d, &g);
	g.limit = PACK_MAX;
	cache_read_start();
	if (quick_reply(f, &d, &g, loop_ttl_now_ms(f->opts.loop)))
		count_quick(f, d.bytes);
	cache_read_end(f->opts.cache);
	return d.reply_len;
}

void
stream_take(void *user, struct tcp_listener *tl, uint64_t connection,
    const struct addr *from, const uint8_t *bytes, size_t len)
{
	struct listener *li = user;
	struct front *f = li->front;
	UNCLEARED struct visit v;
	enum fate fate = FATE_REPLY;

	count_up(&f->counts.tcp_queries);
	if (li->local.family == 6)
		count_up(&f->counts.tcp6_queries);
	v.len = stream_quick(f, from, bytes, len);
	if (v.len == 0) {
		v.over = f->rules->limits != NULL;
		v.now_ms = loop_ttl_now_ms(f->opts.loop);
		v.route = (struct route){ .tcp = tl,
			.connection = connection,
			.from = *from,
			.local = li->local };
		v.out = f->scratch;
		v.out_size = PACK_MAX;
		fate = visit(f, &v, bytes, len);
		if (fate == FATE_WAIT)
			return;
		if (fate == FATE_REPLY)
			front_count_reply(f, f->scratch, v.rcode);
	}
	tcp_listener_reply(tl, connection, f->scratch,
	    fate == FATE_REPLY ? v.len : 0);
}

bool
stream_admit(void *user, const struct addr *from)
{
	const struct listener *li = user;

	return policy_access(li->front->rules->policy, from) != ACCESS_DROP;
}
