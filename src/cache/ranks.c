/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ranks.c - who may replace whom: RFC 2181 section 5.4.1 as pure functions.
 *
 * 1. A failure replaces a failure; it meets nothing else, its keys are its
 *    own.
 * 2. Lower trust never replaces live higher trust. That something does not
 *    exist is as trustworthy, said by the zone's own server, as an answer:
 *    the SOA stands in the authority section only because there is no
 *    other place for it.
 * 3. Of equal trust the newer one wins, except that what was proven gives
 *    way only to what was judged and not found false.
 */
#include "room.h"

static bool
is_denial(enum record_kind k)
{
	return k == RECORD_NODATA || k == RECORD_NXDOMAIN;
}

static enum rank
trust(const struct standing *s)
{
	if (is_denial(s->kind) && s->rank == RANK_AUTH_AUTHORITY)
		return RANK_AUTH_ANSWER;
	return s->rank;
}

bool
standing_yields(const struct standing *old, const struct standing *fresh)
{
	if (old->kind == RECORD_FAILURE || fresh->kind == RECORD_FAILURE)
		return true;
	if (trust(fresh) != trust(old))
		return trust(fresh) > trust(old);
	return old->security != SECURITY_SECURE ||
	       fresh->security == SECURITY_SECURE ||
	       fresh->security == SECURITY_INSECURE;
}

/*
 * Glue must not bring to life a name that its zone denies; between two
 * statements of the zone itself the later one counts.
 */
bool
standing_denies(const struct standing *set, uint64_t set_stored_ms,
    const struct standing *nxdomain, uint64_t nxdomain_stored_ms)
{
	bool set_own = trust(set) >= RANK_AUTH_AUTHORITY;
	bool nxdomain_own = trust(nxdomain) >= RANK_AUTH_AUTHORITY;

	if (set_own != nxdomain_own)
		return nxdomain_own;
	return nxdomain_stored_ms > set_stored_ms;
}
