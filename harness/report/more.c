/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told on demand: the slowest cases, and all that is known of one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/report.h"

static const char *
text(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

static double
seconds(const json_t *r)
{
	return json_number_value(json_object_get(r, "seconds"));
}

static int
slower(const void *a, const void *b)
{
	double x = seconds(*(json_t *const *)a), y = seconds(*(json_t *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

void
report_durations(FILE *to, const json_t *results, size_t cnt)
{
	size_t all = json_array_size(results);
	json_t **by_time = calloc(all + 1, sizeof(json_t *));

	if (!by_time)
		abort();
	for (size_t i = 0; i < all; i++)
		by_time[i] = json_array_get(results, i);
	qsort(by_time, all, sizeof(json_t *), slower);
	if (cnt == 0 || cnt > all)
		cnt = all;
	fprintf(to, "slowest %zu of %zu:\n", cnt, all);
	for (size_t i = 0; i < cnt; i++)
		fprintf(to, "%8.2f s  %s\n", seconds(by_time[i]), text(by_time[i], "id"));
	free(by_time);
}

static void
put_last(FILE *to, const json_t *last, const struct report_meta *m, const char *id)
{
	char dir[512];
	size_t i;
	json_t *f;

	if (!last) {
		fprintf(to, "last run     never, in %s\n", m->out);
		return;
	}
	fprintf(to, "last run     %s in %.1f s%s%s\n", text(last, "verdict"), seconds(last),
		*text(last, "reason") ? ": " : "", text(last, "reason"));
	json_array_foreach(json_object_get(last, "figures"), i, f)
		fprintf(to, "             %s %.6g %s\n", text(f, "name"),
			json_number_value(json_object_get(f, "value")), text(f, "unit"));
	json_array_foreach(json_object_get(last, "laws"), i, f)
		fprintf(to, "             law %" JSON_INTEGER_FORMAT " %s: %s, %" JSON_INTEGER_FORMAT
			    " judged\n",
			json_integer_value(json_object_get(f, "law")), text(f, "name"),
			text(f, "verdict"), json_integer_value(json_object_get(f, "judged")));
	if (run_dir(m->out, id, 0, dir, sizeof(dir)))
		fprintf(to, "             %s/trace.pcapng\n", dir);
}

void
report_explain(FILE *to, const struct case_def *d, const char *file, const char *mutant_says,
	const json_t *last, const struct report_meta *m)
{
	fprintf(to, "%s\n\n", d->id);
	fprintf(to, "says         %s\n", d->says);
	fprintf(to, "requirement  %s (%s), %s\n", d->requirement, case_level_name(d->level),
		case_class_name(d->class_));
	fprintf(to, "kills        %s%s%s\n", d->mutant ? d->mutant : "no mutant",
		mutant_says ? ": " : "", mutant_says ? mutant_says : "");
	fprintf(to, "limit        %u s\n", d->limit_s ? d->limit_s : 60);
	for (unsigned law = 1; law < 32; law++)
		if ((d->needs_laws | d->skips_laws) & 1u << law)
			fprintf(to, "law %-2u       %s\n", law,
				d->skips_laws & 1u << law ? "does not apply: the case breaks it itself"
							  : "must have judged something");
	fprintf(to, "source       %s\n", file);
	put_last(to, last, m, d->id);
	fprintf(to, "run it       baton run -v %s\n", d->id);
	fprintf(to, "prove it     baton mutants %s\n", d->id);
}
