/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as JSON. The schemas are promises (docs/): `list` is an array of {id, requirement, level,
 * class, says, mutant}; `run` an object {schema, version, device, lab, seed, cases}, each case {id,
 * verdict, reason, seconds, laws, figures, artifacts}; `mutants` {pairs: [{mutant, case, killed,
 * verdict}]}. What verdict.json holds beyond that stays there.
 */
#include <errno.h>
#include <string.h>

#include "harness/report/report.h"
#include "harness/trace/place.h"

#define SCHEMA "baton-run/1"

static const char *
text(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

static json_t *
needs_of(const struct case_def *d)
{
	json_t *a = json_array();

	for (unsigned bit = 1; bit < CASE_NEEDS; bit <<= 1)
		if (d->needs & bit)
			json_array_append_new(a, json_string(case_need_name(bit)));
	return a;
}

json_t *
report_list_json(const struct run_selection *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->cnt; i++) {
		const struct case_def *d = s->cases[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", d->id, "requirement",
				d->requirement, "level", case_level_name(d->level), "class",
				case_class_name(d->class_), "says", d->says, "mutant",
				d->mutant ? d->mutant : "", "needs", needs_of(d)));
	}
	return list;
}

static json_t *
run_laws(const json_t *r)
{
	json_t *laws = json_array(), *l;
	size_t i;

	json_array_foreach(json_object_get(r, "laws"), i, l)
		json_array_append_new(laws,
			json_pack("{s:O, s:O, s:O}", "law", json_object_get(l, "law"), "judged",
				json_object_get(l, "judged"), "verdict",
				json_object_get(l, "verdict")));
	return laws;
}

static json_t *
run_case(const json_t *r)
{
	json_t *c = json_pack("{s:s, s:s, s:s, s:f, s:o, s:O, s:O}", "id", text(r, "id"), "verdict",
		verdict_name(run_verdict(r)), "reason", text(r, "reason"), "seconds",
		json_number_value(json_object_get(r, "seconds")), "laws", run_laws(r), "figures",
		json_object_get(r, "figures"), "artifacts", json_object_get(r, "artifacts"));

	if (json_object_get(r, "round"))
		json_object_set(c, "round", json_object_get(r, "round"));
	return c;
}

json_t *
report_run_json(const json_t *results, const struct report_meta *m)
{
	json_t *cases = json_array(), *r;
	size_t i;

	json_array_foreach(results, i, r)
		json_array_append_new(cases, run_case(r));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "schema", SCHEMA, "version", m->version,
		"device", m->device, "lab", m->lab, "seed", (json_int_t)m->seed, "cases", cases);
}

json_t *
report_mutants_json(const json_t *results)
{
	json_t *pairs = json_array(), *r;
	size_t i;

	json_array_foreach(results, i, r) {
		enum verdict v = run_verdict(r);
		bool killed = verdict_kills(v, verdict_by_from_name(text(r, "by")));

		json_array_append_new(pairs,
			json_pack("{s:s, s:s, s:b, s:s}", "mutant", text(r, "mutant"), "case",
				text(r, "id"), "killed", killed, "verdict", verdict_name(v)));
	}
	return json_pack("{s:o}", "pairs", pairs);
}

bool
report_put_json(const json_t *j, const char *path, char *err)
{
	struct place to;

	if (!place_open(&to, path, err))
		return false;
	if (json_dumpf(j, to.f, JSON_INDENT(2)) != 0 || fputc('\n', to.f) == EOF)
		to.error = errno;
	return place_close(&to, err);
}
