/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as text. A case is one line; a case that did not pass is followed by what its reader
 * needs: the requirement in words, what was expected and seen, field by field, the frames that
 * decided, the capture, and the command that runs it again. Figures are shown for every case that
 * has them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/report/report.h"

static const char *
text(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

void
report_tally(const json_t *results, struct verdict_tally *t)
{
	size_t i;
	json_t *r;

	*t = (struct verdict_tally){0};
	json_array_foreach(results, i, r) verdict_count(t, run_verdict(r));
}

static void
put_figures(FILE *to, const json_t *r)
{
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get(r, "figures"), i, f)
		fprintf(to, "%s%s %.6g %s", i ? ", " : "        ", text(f, "name"),
			json_number_value(json_object_get(f, "value")), text(f, "unit"));
	if (json_array_size(json_object_get(r, "figures")))
		fputc('\n', to);
}

static void
put_laws(FILE *to, const json_t *r, bool verbose)
{
	size_t i;
	json_t *l;

	json_array_foreach(json_object_get(r, "laws"), i, l)
	{
		bool broken = strcmp(text(l, "verdict"), "fail") == 0;

		if (!verbose && !broken)
			continue;
		fprintf(to,
			"        law %" JSON_INTEGER_FORMAT " %s: %s, %" JSON_INTEGER_FORMAT
			" judged%s%s\n",
			json_integer_value(json_object_get(l, "law")), text(l, "name"),
			text(l, "verdict"), json_integer_value(json_object_get(l, "judged")),
			*text(l, "text") ? ": " : "", text(l, "text"));
	}
}

static void
put_details(FILE *to, const json_t *r)
{
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get(r, "fields"), i, f)
		fprintf(to, "        field %s: expected %s, saw %s\n", text(f, "field"),
			text(f, "expected"), text(f, "seen"));
	json_array_foreach(json_object_get(r, "frames"), i, f)
		fprintf(to, "        frame %" JSON_INTEGER_FORMAT ": %s\n",
			json_integer_value(json_object_get(f, "number")), text(f, "comment"));
	json_array_foreach(json_object_get(r, "notes"), i, f)
		fprintf(to, "        note: %s\n", json_string_value(f));
}

bool
report_colors(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(to)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static const char *
color(enum verdict v)
{
	static const char *const colors[VERDICT_CNT] = {
		[VERDICT_PASS] = "\033[32m",
		[VERDICT_FAIL] = "\033[1;31m",
		[VERDICT_INCONCLUSIVE] = "\033[33m",
		[VERDICT_ERROR] = "\033[1;35m",
		[VERDICT_SKIP] = "\033[36m",
		[VERDICT_UNSUPPORTED] = "\033[36m",
		[VERDICT_XFAIL] = "\033[33m",
		[VERDICT_XPASS] = "\033[1;31m",
	};

	return colors[v];
}

const char *
report_name(const json_t *r, char *dst, size_t cap)
{
	json_int_t round = json_integer_value(json_object_get(r, "round"));

	if (round > 1)
		snprintf(dst, cap, "%s #%d", text(r, "id"), (int)round);
	else
		snprintf(dst, cap, "%s", text(r, "id"));
	return dst;
}

/* Where to look, and how to have it again. */
static void
put_again(FILE *to, const json_t *r, const struct report_meta *m)
{
	json_int_t round = json_integer_value(json_object_get(r, "round"));
	size_t before = round > 1 ? (size_t)round - 1 : 0;
	char dir[512];

	if (!run_dir(m->out, text(r, "id"), before, dir, sizeof(dir)))
		return;
	fprintf(to, "        capture: %s/trace.pcapng\n        again:   baton run %s%s --seed %" PRIu64 "\n",
		dir, text(r, "id"), m->more ? m->more : "", m->seed + before);
}

void
report_case(
	FILE *to, const json_t *r, size_t nth, size_t of, bool verbose, const struct report_meta *m)
{
	enum verdict v = run_verdict(r);
	char id[256];

	fprintf(to, "[%3zu/%zu] %s%-12s%s %-32s %6.1f s\n", nth, of, m->color ? color(v) : "",
		verdict_name(v), m->color ? "\033[0m" : "", report_name(r, id, sizeof(id)),
		json_number_value(json_object_get(r, "seconds")));
	if (*text(r, "first"))
		fprintf(to, "        run again, alone; at first it was inconclusive: %s\n", text(r, "first"));
	if (verbose || v != VERDICT_PASS)
		fprintf(to, "        %s (%s): %s\n", text(r, "requirement"), text(r, "level"),
			text(r, "says"));
	if (*text(r, "reason"))
		fprintf(to, "        %s\n", text(r, "reason"));
	put_figures(to, r);
	put_laws(to, r, verbose);
	if (verbose || v != VERDICT_PASS)
		put_details(to, r);
	if (v != VERDICT_PASS && v != VERDICT_SKIP)
		put_again(to, r, m);
	fflush(to);
}

static void
put_verdict(FILE *to, const json_t *results, enum verdict v)
{
	size_t i;
	json_t *r;
	char id[256];

	json_array_foreach(results, i, r) if (run_verdict(r) == v) fprintf(to, "%s: %s%s%s\n",
		verdict_name(v), report_name(r, id, sizeof(id)), *text(r, "reason") ? ": " : "",
		text(r, "reason"));
}

void
report_end(FILE *to, const json_t *results)
{
	struct verdict_tally t;
	struct verdict_line l;

	report_tally(results, &t);
	if (json_array_size(results) > 1)
		for (int v = VERDICT_PASS + 1; v < VERDICT_CNT; v++)
			if (v != VERDICT_SKIP)
				put_verdict(to, results, (enum verdict)v);
	l = verdict_last_line(&t);
	fprintf(to, "%u passed, %u failed, %u skipped\n", l.passed, l.failed, l.skipped);
}

void
report_list(FILE *to, const struct run_selection *s)
{
	for (size_t i = 0; i < s->cnt; i++) {
		const struct case_def *d = s->cases[i];

		fprintf(to, "%-32s %-6s %-11s %s\n", d->id, case_level_name(d->level),
			case_class_name(d->class_), d->says);
	}
}

static bool
killed(const json_t *r)
{
	return verdict_kills(run_verdict(r), verdict_by_from_name(text(r, "by")));
}

void
report_mutant(FILE *to, const json_t *r, size_t nth, size_t of)
{
	const char *by = text(r, "by");
	const char *what = killed(r) ? "killed" : run_verdict(r) == VERDICT_SKIP ? "skip" : "ALIVE";

	fprintf(to, "[%3zu/%zu] %-8s %-32s by %-32s (%s%s%s)\n", nth, of,
		what, text(r, "mutant"), text(r, "id"), text(r, "verdict"), *by ? " by " : "", by);
	if (*text(r, "first"))
		fprintf(to, "        run again, alone; at first it was inconclusive: %s\n", text(r, "first"));
	if (*text(r, "reason"))
		fprintf(to, "        %s\n", text(r, "reason"));
	fflush(to);
}

bool
report_mutants_end(FILE *to, const json_t *results)
{
	size_t i, alive = 0, skipped = 0, cnt = json_array_size(results);
	json_t *r;

	json_array_foreach(results, i, r)
	{
		skipped += run_verdict(r) == VERDICT_SKIP;
		if (killed(r) || run_verdict(r) == VERDICT_SKIP)
			continue;
		alive++;
		fprintf(to, "alive: %s under %s: %s\n", text(r, "mutant"), text(r, "id"),
			*text(r, "reason") ? text(r, "reason") : text(r, "verdict"));
	}
	fprintf(to, "%zu killed, %zu alive, %zu skipped\n", cnt - alive - skipped, alive, skipped);
	return cnt > skipped && alive == 0;
}
