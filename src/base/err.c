/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * err.c - words for error values, and the end of the process.
 *
 * require_failed() is reached only when state shared by threads is corrupt;
 * going on would spread it. Nothing read from outside leads here.
 */
#include <hither/base.h>

#include <stdlib.h>

static const char *const err_words[] = {
	[ERR_OK] = "no error",
	[ERR_MEMORY] = "out of memory",
	[ERR_FORMAT] = "malformed",
	[ERR_SPACE] = "does not fit",
	[ERR_RANGE] = "out of range",
	[ERR_LIMIT] = "limit reached",
	[ERR_NOT_FOUND] = "not found",
	[ERR_EXISTS] = "exists already",
	[ERR_REFUSED] = "refused",
	[ERR_UNREACHABLE] = "unreachable",
	[ERR_TIMEOUT] = "timed out",
	[ERR_CLOSED] = "closed by the peer",
	[ERR_SYSTEM] = "system error",
};

const char *
err_text(enum err e)
{
	size_t i = (size_t)e;

	return i < ARRAY_LEN(err_words) ? err_words[i] : "unknown error";
}

void
require_failed(const char *what, const char *file, int line)
{
	log_error("impossible", "claim=\"%s\" file=%s line=%d", what, file,
	    line);
	abort();
}
