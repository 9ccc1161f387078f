/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suites from elsewhere: a shared object whose constructors make its tables known (CASE_SUITE).
 * What does not fit these headers is taken back and refused before any of it is read.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/case_in.h"
#include "harness/run/run.h"

#define SUITES_MAX 32

static char opened[SUITES_MAX][PATH_MAX];
static size_t opened_cnt;

static bool
fits(const struct case_suite *s)
{
	return s->interface == CASE_INTERFACE && s->def_size == sizeof(struct case_def);
}

/* Those that came since `before` are good; otherwise they are taken back. */
static bool
look_over(const char *path, const struct case_suite *before, char *err)
{
	const struct case_suite *s = case_suites();
	size_t cnt = 0;

	for (; s != before; s = s->next) {
		if (!fits(s)) {
			snprintf(err, LAB_ERR,
				"%.120s was built against another Baton: its interface is %u, this "
				"one's is %u",
				path, s->interface, CASE_INTERFACE);
			case_suites_back(before);
			return false;
		}
		cnt += s->cnt;
	}
	if (cnt)
		return true;
	snprintf(err, LAB_ERR, "%.150s holds no case (CASE_SUITE)", path);
	case_suites_back(before);
	return false;
}

bool
run_load_suite(const char *path, char *err)
{
	const struct case_suite *before = case_suites();
	char whole[PATH_MAX];

	if (!realpath(path, whole)) {
		snprintf(err, LAB_ERR, "%.200s: there is no such file", path);
		return false;
	}
	for (size_t i = 0; i < opened_cnt; i++)
		if (strcmp(opened[i], whole) == 0)
			return true; /* named twice */
	if (opened_cnt == SUITES_MAX) {
		snprintf(err, LAB_ERR, "%.120s: at most %d of them", path, SUITES_MAX);
		return false;
	}
	if (!dlopen(whole, RTLD_NOW | RTLD_LOCAL)) {
		snprintf(err, LAB_ERR, "%.240s", dlerror());
		case_suites_back(before);
		return false;
	}
	if (!look_over(path, before, err))
		return false;
	snprintf(opened[opened_cnt++], sizeof(opened[0]), "%s", whole);
	return true;
}
