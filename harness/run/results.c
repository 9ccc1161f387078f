/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the results of a run lie: a folder for each case in the folder of the run, and in it
 * verdict.json. Earlier ones are known by that file: it says which case it is of, and the folder is
 * named after it. Whatever else lies there is somebody's.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/run/case_in.h"
#include "harness/run/run.h"

bool
run_make_dir(const char *path)
{
	char part[CASE_PATH];
	size_t len = strlen(path);
	struct stat st;

	errno = ENAMETOOLONG;
	if (len >= sizeof(part))
		return false;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return false;
	}
	if (stat(path, &st) != 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

bool
run_dir(const char *out, const char *id, size_t round, char *dst, size_t cap)
{
	char behind[24] = "";
	int len;

	if (round)
		snprintf(behind, sizeof(behind), ".%zu", round + 1);
	len = snprintf(dst, cap, "%s/%s%s", out, id, behind);
	if (len < 0 || (size_t)len >= cap)
		return false;
	for (char *c = dst + strlen(out) + 1; *c; c++)
		if (*c == '/')
			*c = '-';
	return true;
}

enum verdict
run_verdict(const json_t *result)
{
	const char *name = json_string_value(json_object_get(result, "verdict"));
	enum verdict v = name ? verdict_from_name(name) : VERDICT_CNT;

	return v < VERDICT_CNT ? v : VERDICT_ERROR;
}

static json_t *
load(const char *dir)
{
	char path[CASE_PATH + 16];

	snprintf(path, sizeof(path), "%s/verdict.json", dir);
	return json_load_file(path, 0, NULL);
}

enum verdict
run_last_verdict(const char *out, const char *id, size_t round)
{
	enum verdict v = VERDICT_CNT;
	char dir[CASE_PATH];
	json_t *r;

	if (!run_dir(out, id, round, dir, sizeof(dir)))
		return v;
	r = load(dir);
	if (json_object_get(r, "verdict"))
		v = run_verdict(r);
	json_decref(r);
	return v;
}

void
run_remove_dir(const char *dir)
{
	char path[CASE_PATH];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%.250s/%.250s", dir, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d)
		closedir(d);
	(void)rmdir(dir);
}

/* Is the folder of that name what a run left of a case? Behind the case's name: nothing, or .2,
 * .3... */
static bool
is_result(const char *out, const char *name, const char *dir)
{
	char named[CASE_PATH];
	struct stat st;
	json_t *r;
	const char *id, *rest = NULL;

	if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) /* behind a link it is somebody's, too */
		return false;
	r = load(dir);
	id = json_string_value(json_object_get(r, "id"));
	if (id && json_object_get(r, "verdict") && json_object_get(r, "seconds") &&
		run_dir(out, id, 0, named, sizeof(named))) {
		const char *own = named + strlen(out) + 1;

		if (strncmp(name, own, strlen(own)) == 0)
			rest = name + strlen(own);
	}
	json_decref(r);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	return rest && !*rest;
}

size_t
run_clean(const char *out)
{
	char dir[CASE_PATH];
	DIR *d = opendir(out);
	struct dirent *e;
	size_t cnt = 0;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), "%.250s/%.250s", out, e->d_name);
		if (!is_result(out, e->d_name, dir))
			continue;
		run_remove_dir(dir);
		cnt++;
	}
	if (d)
		closedir(d);
	return cnt;
}
