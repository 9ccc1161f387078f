/* SPDX-License-Identifier: BSD-2-Clause */
#include "ref/base/err.h"

static const char *const names[ERR_CNT] = {
	[ERR_OK] = "ok",
	[ERR_SHORT] = "short",
	[ERR_LENGTH] = "length",
	[ERR_VALUE] = "value",
	[ERR_CHECKSUM] = "checksum",
	[ERR_AUTH] = "auth",
	[ERR_REPLAY] = "replay",
	[ERR_INOPPORTUNE] = "inopportune",
	[ERR_UNKNOWN] = "unknown",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_FULL] = "full",
};

const char *
err_name(enum err e)
{
	return (unsigned)e < ERR_CNT ? names[e] : "?";
}

enum err
err_set(struct why *why, enum err e, const char *field, size_t offset, const char *clause)
{
	if (why) {
		why->field = field;
		why->offset = offset;
		why->clause = clause;
	}
	return e;
}
