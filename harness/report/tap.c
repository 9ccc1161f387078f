/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as TAP 14 (testanything.org/tap-version-14-specification.html). What is inconclusive or
 * in error is "not ok", as in the exit code; skipped and unsupported carry the directive SKIP, an
 * expected failure TODO. Details go into the YAML block.
 */
#include <string.h>

#include "harness/report/report.h"

static const char *
text(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

/* A description may hold no '#' and no line end that is not escaped. */
static void
put_plain(FILE *to, const char *s)
{
	for (; *s; s++) {
		if (*s == '#' || *s == '\\')
			fputc('\\', to);
		fputc((unsigned char)*s < ' ' ? ' ' : *s, to);
	}
}

/* A YAML string in double quotes. */
static void
put_quoted(FILE *to, const char *key, const char *s)
{
	fprintf(to, "  %s: \"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', to);
		fputc((unsigned char)*s < ' ' ? ' ' : *s, to);
	}
	fputs("\"\n", to);
}

static void
put_point(FILE *to, const json_t *r, size_t number)
{
	enum verdict v = run_verdict(r);
	bool ok = v == VERDICT_PASS || v == VERDICT_SKIP || v == VERDICT_UNSUPPORTED;
	char id[256];

	fprintf(to, "%s %zu - ", ok ? "ok" : "not ok", number);
	put_plain(to, report_name(r, id, sizeof(id)));
	if (v == VERDICT_SKIP || v == VERDICT_UNSUPPORTED) {
		fputs(" # SKIP ", to);
		put_plain(to, text(r, "reason"));
	} else if (v == VERDICT_XFAIL) {
		fputs(" # TODO the device description expects it", to);
	}
	fputs("\n  ---\n", to);
	put_quoted(to, "verdict", verdict_name(v));
	put_quoted(to, "says", text(r, "says"));
	put_quoted(to, "reason", text(r, "reason"));
	fprintf(to, "  seconds: %.3f\n  ...\n",
		json_number_value(json_object_get(r, "seconds")));
}

void
report_tap(FILE *to, const json_t *results)
{
	struct verdict_tally t;
	struct verdict_line l;
	size_t i;
	json_t *r;

	fprintf(to, "TAP version 14\n1..%zu\n", json_array_size(results));
	json_array_foreach(results, i, r)
		put_point(to, r, i + 1);
	report_tally(results, &t);
	l = verdict_last_line(&t);
	fprintf(to, "# %u passed, %u failed, %u skipped\n", l.passed, l.failed, l.skipped);
}
