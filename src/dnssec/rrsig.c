/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rrsig.c - is one of these signatures good? RFC 4035 section 5.3.
 *
 * 1. What can be known without arithmetic is looked at first: type, signer,
 *    labels, algorithm, time (rrsig_precheck).
 * 2. Only then are keys tried: those of the signer's zone that carry the tag
 *    and the algorithm, a few of them, and no more than SET_CHECKS_MAX checks
 *    a set (KeyTrap, CVE-2023-50387), each charged to the question's budget.
 * 3. The first good signature decides. When none is, the fault of the one
 *    that came nearest is told.
 */
#include "inner.h"

#include <string.h>

bool
rrsig_read(const struct rdata *r, struct rrsig *out)
{
	size_t signer_bytes = 0;

	if (r->len < 19)
		return false;
	for (size_t at = 18; at < r->len; at += r->bytes[at] + 1u) {
		if (r->bytes[at] > 63)
			return false;
		if (r->bytes[at] == 0) {
			signer_bytes = at + 1 - 18;
			break;
		}
	}
	if (signer_bytes == 0 || signer_bytes > NAME_MAX_BYTES)
		return false;
	*out = (struct rrsig){ .covered = take_u16(r->bytes),
		.algorithm = r->bytes[2],
		.labels = r->bytes[3],
		.original_ttl = take_u32(r->bytes + 4),
		.expires = take_u32(r->bytes + 8),
		.begins = take_u32(r->bytes + 12),
		.tag = take_u16(r->bytes + 16),
		.signer = r->bytes + 18,
		.signature = r->bytes + 18 + signer_bytes,
		.signature_len = (uint16_t)(r->len - 18 - signer_bytes) };
	return true;
}

/* Labels as RFC 4034 section 3.1.3 counts them: without a leading "*". */
static unsigned
countable_labels(const uint8_t *owner)
{
	return name_labels(owner) - (name_is_wildcard(owner) ? 1 : 0);
}

/* RFC 1982 comparison: is a before b? */
static bool
is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static enum rrsig_fault
check_time(const struct rrsig *sig, uint64_t now_s)
{
	uint32_t now = (uint32_t)now_s;

	if (is_before(sig->expires, now) ||
	    is_before(sig->expires, sig->begins))
		return RRSIG_EXPIRED;
	return is_before(now, sig->begins) ? RRSIG_EARLY : RRSIG_GOOD;
}

enum rrsig_fault
rrsig_precheck(const struct dnssec_policy *p, const struct rrset *set,
    const struct rrsig *sig, uint64_t now_s)
{
	if (sig->covered != set->type)
		return RRSIG_MALFORMED;
	if (!name_is_within(set->owner, sig->signer) ||
	    sig->labels < name_labels(sig->signer) ||
	    sig->labels > countable_labels(set->owner))
		return RRSIG_FOREIGN;
	/* The parent signs the DS: RFC 4035 section 2.4. */
	if (set->type == TYPE_DS && name_equal(set->owner, sig->signer))
		return RRSIG_FOREIGN;
	if (!algorithm_supported(p, sig->algorithm))
		return RRSIG_UNSUPPORTED;
	return p->ignore_dates ? RRSIG_GOOD : check_time(sig, now_s);
}

const uint8_t *
rrsig_wildcard_parent(const struct rrset *set, const struct rrsig *sig)
{
	if (sig->labels >= countable_labels(set->owner))
		return NULL;
	return name_suffix(set->owner, sig->labels);
}

uint32_t
rrsig_life_s(const struct rrset *set, const struct rrsig *sig, uint64_t now_s)
{
	uint32_t life = set->ttl, left = sig->expires - (uint32_t)now_s;

	if (sig->original_ttl < life)
		life = sig->original_ttl;
	return left < life && left < 0x80000000u ? left : life;
}

static void
remember(struct sig_walk *w, const struct rrsig *sig, enum rrsig_fault f)
{
	if (f < w->fault)
		return;
	w->fault = f;
	w->best = *sig;
}

static bool
key_may_fit(const struct sig_judge *j, size_t i, const struct rrsig *sig)
{
	struct dnskey k;

	return dnskey_read(&j->keys->rdata[i], &k) && k.tag == sig->tag &&
	       k.algorithm == sig->algorithm && dnskey_is_zone_key(&k);
}

static bool
arithmetic(struct sig_judge *j, const struct rrset *set,
    const struct rrsig *sig, const struct rdata *key)
{
	size_t len = 0;
	uint8_t *bytes = rrsig_signed_bytes(set, sig, &len);
	bool good =
	    bytes != NULL && key_store_verify(j->store, key, sig, bytes, len);
	uint32_t us = signature_cost_us(key, len, set->count);

	memory_free(bytes);
	j->turn_us -= us;
	if (j->checks != NULL)
		j->checks[sig->algorithm]++;
	*(good ? &j->work->good : &j->work->failed) += 1;
	*(good ? &j->work->good_us : &j->work->failed_us) += us;
	return good;
}

static bool
reached(uint32_t spent, uint32_t max)
{
	return max > 0 && spent >= max;
}

static bool
over_budget(const struct sig_judge *j, const struct sig_walk *w)
{
	struct dnssec_work *k = j->work;

	k->over = k->over || k->failed >= k->failed_max ||
		  k->good >= k->good_max ||
		  reached(k->failed_us, k->failed_us_max) ||
		  reached(k->good_us, k->good_us_max);
	return k->over || w->tried >= SET_CHECKS_MAX;
}

/* All keys that might have made this signature, from w->key on. */
static enum walk
try_keys(struct sig_judge *j, const struct rrset *set, const struct rrsig *sig,
    struct sig_walk *w)
{
	unsigned fitting = 0;

	for (uint16_t i = 0; i < j->keys->count; i++) {
		if (!key_may_fit(j, i, sig) || ++fitting > KEYS_PER_TAG_MAX ||
		    i < w->key)
			continue;
		if (over_budget(j, w)) {
			remember(w, sig, RRSIG_LIMIT);
			return WALK_FAILED;
		}
		if (j->turn_us <= 0)
			return WALK_MORE;
		w->key = (uint16_t)(i + 1);
		w->tried++;
		if (arithmetic(j, set, sig, &j->keys->rdata[i])) {
			remember(w, sig, RRSIG_GOOD);
			return WALK_GOOD;
		}
		remember(w, sig, RRSIG_FORGED);
	}
	if (fitting == 0)
		remember(w, sig, RRSIG_NO_KEY);
	return WALK_FAILED;
}

enum walk
sig_walk_on(struct sig_judge *j, const struct rrset *set, struct sig_walk *w)
{
	for (; w->sig < set->sig_count; w->sig++, w->key = 0) {
		struct rrsig sig = { 0 };
		enum rrsig_fault f = RRSIG_MALFORMED;
		enum walk result;

		if (rrsig_read(&set->sigs[w->sig], &sig))
			f = rrsig_precheck(j->policy, set, &sig, j->now_s);
		if (f == RRSIG_GOOD && !name_equal(sig.signer, j->zone))
			f = RRSIG_FOREIGN;
		if (f != RRSIG_GOOD) {
			remember(w, &sig, f);
			continue;
		}
		result = try_keys(j, set, &sig, w);
		if (result != WALK_FAILED)
			return result;
		if (w->fault == RRSIG_LIMIT)
			break;
	}
	return WALK_FAILED;
}

const char *
rrsig_fault_text(enum rrsig_fault f)
{
	static const char *const words[] = {
		[RRSIG_NONE] = "no signature",
		[RRSIG_MALFORMED] = "a malformed signature",
		[RRSIG_FOREIGN] = "signer or labels do not fit the name",
		[RRSIG_UNSUPPORTED] = "signature by an unsupported algorithm",
		[RRSIG_NO_KEY] = "no zone key for the signature",
		[RRSIG_FORGED] = "the signature does not verify",
		[RRSIG_EARLY] = "the signature is not yet valid",
		[RRSIG_EXPIRED] = "the signature has expired",
		[RRSIG_LIMIT] = "too many signatures to check",
		[RRSIG_GOOD] = "good",
	};

	return words[f];
}

enum ede
rrsig_fault_ede(enum rrsig_fault f)
{
	static const enum ede codes[] = {
		[RRSIG_NONE] = EDE_RRSIGS_MISSING,
		[RRSIG_MALFORMED] = EDE_DNSSEC_BOGUS,
		[RRSIG_FOREIGN] = EDE_DNSSEC_BOGUS,
		[RRSIG_UNSUPPORTED] = EDE_UNSUPPORTED_ALGORITHM,
		[RRSIG_NO_KEY] = EDE_DNSKEY_MISSING,
		[RRSIG_FORGED] = EDE_DNSSEC_BOGUS,
		[RRSIG_EARLY] = EDE_SIGNATURE_EARLY,
		[RRSIG_EXPIRED] = EDE_SIGNATURE_EXPIRED,
		[RRSIG_LIMIT] = EDE_DNSSEC_BOGUS,
		[RRSIG_GOOD] = EDE_NONE,
	};

	return codes[f];
}
