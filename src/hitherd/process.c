/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c - limits and privileges.
 */
#include "process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_CAPNG
#include <cap-ng.h>
#endif

#define DEFAULT_USER "hither"

/* --- descriptors ------------------------------------------------------- */

size_t
descriptors_allow(size_t wanted)
{
	struct rlimit now;
	rlim_t goal = (rlim_t)wanted;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return 1024;
	if (now.rlim_cur >= goal)
		return wanted;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < goal &&
	    geteuid() == 0)
		now.rlim_max = goal;
	else if (now.rlim_max != RLIM_INFINITY && now.rlim_max < goal)
		goal = now.rlim_max;
	now.rlim_cur = goal;
	if (setrlimit(RLIMIT_NOFILE, &now) != 0 &&
	    getrlimit(RLIMIT_NOFILE, &now) == 0) {
		now.rlim_cur = now.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &now);
	}
	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return 1024;
	return now.rlim_cur < wanted ? (size_t)now.rlim_cur : wanted;
}

/* --- privileges -------------------------------------------------------- */

#ifdef HAVE_CAPNG
/* Ports below 1024 can be bound again after a drop. */
static enum err
become(const struct passwd *user)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
		CAP_NET_BIND_SERVICE) != 0)
		return ERR_SYSTEM;
	return capng_change_id((int)user->pw_uid, (int)user->pw_gid,
		   CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) == 0
		   ? ERR_OK
		   : ERR_SYSTEM;
}
#else
static enum err
become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return ERR_SYSTEM;
	return ERR_OK;
}
#endif

enum err
privileges_drop(const struct conf *c, char *why, size_t size)
{
	const char *name = c->server.user;
	const struct passwd *user;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		(void)snprintf(why, size, "no_new_privs: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	if (geteuid() != 0 || (c->server.allow_root && name[0] == '\0'))
		return ERR_OK;
	if (name[0] == '\0')
		name = DEFAULT_USER;
	user = getpwnam(name);
	if (user == NULL) {
		(void)snprintf(why, size,
		    "started as root, and there is no user \"%s\" to become: "
		    "name one by server.user, or set server.allow-root",
		    name);
		return ERR_NOT_FOUND;
	}
	if (user->pw_uid == 0) {
		if (c->server.allow_root)
			return ERR_OK;
		(void)snprintf(why, size,
		    "server.user: %s is root; set "
		    "server.allow-root if that is meant",
		    name);
		return ERR_REFUSED;
	}
	if (log_give_to(user->pw_uid, user->pw_gid) != ERR_OK)
		log_warn("log-not-given", "user=%s reason=\"%s\"", name,
		    strerror(errno));
	if (become(user) != ERR_OK || geteuid() == 0) {
		(void)snprintf(why, size, "cannot become %s: %s", name,
		    strerror(errno));
		return ERR_SYSTEM;
	}
	return ERR_OK;
}
