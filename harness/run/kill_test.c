/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGKILL of the runner in mid-run: no process and no namespace stays. A runner with two labs is
 * started, and killed at a moment drawn at random once all four members run; then every process
 * that had the run's folder in its words, and everything that still holds one of its network
 * namespaces (a process, or a mount), is looked for. Skipped, with the reason, where no lab can be.
 */
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/lab/standin.h"
#include "harness/run/run.h"

#define NAMESPACES 64

static void
lives(struct case_run *c)
{
	struct lab *l = case_lab(c, NULL);

	case_start(c, LAB_A);
	case_start(c, LAB_B);
	lab_run(l, 50 * NS_PER_S);
	case_expect(c, true, "it lived");
}

static const struct case_def cases[] = {
	{.id = "zz/lives/1", .requirement = "", .says = "", .run = lives},
	{.id = "zz/lives/2", .requirement = "", .says = "", .run = lives},
};
CASE_SUITE(cases)

static char out[] = "/tmp/baton-kill-test-XXXXXX";

/* The network namespaces that our processes were seen in. */
static char spaces[NAMESPACES][64];
static size_t space_cnt;

static bool
read_file(const char *pid, const char *name, char *dst, size_t cap, size_t *len)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.200s/%s", pid, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	*len = fread(dst, 1, cap - 1, f);
	dst[*len] = '\0';
	fclose(f);
	return true;
}

static bool
net_of(const char *pid, char space[64])
{
	char path[300];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%.200s/ns/net", pid);
	len = readlink(path, space, 63);
	space[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static void
note_space(const char *space)
{
	for (size_t i = 0; i < space_cnt; i++)
		if (strcmp(spaces[i], space) == 0)
			return;
	if (space_cnt < NAMESPACES)
		snprintf(spaces[space_cnt++], sizeof(spaces[0]), "%s", space);
}

/* Has it the run's folder among its words? Only members do. */
static bool
is_member(const char *pid)
{
	char words[4096];
	size_t len;

	if (!read_file(pid, "cmdline", words, sizeof(words), &len))
		return false;
	return memmem(words, len, out, strlen(out)) != NULL;
}

static bool
holds_space(const char *pid)
{
	static char mounts[262144];
	char space[64];
	size_t len;

	if (net_of(pid, space))
		for (size_t i = 0; i < space_cnt; i++)
			if (strcmp(space, spaces[i]) == 0)
				return true;
	if (!read_file(pid, "mountinfo", mounts, sizeof(mounts), &len))
		return false;
	for (size_t i = 0; i < space_cnt; i++)
		if (strstr(mounts, spaces[i]))
			return true;
	return false;
}

static size_t
count(bool (*is)(const char *pid))
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t cnt = 0;

	while ((e = readdir(d)))
		cnt += isdigit((unsigned char)e->d_name[0]) && is(e->d_name);
	closedir(d);
	return cnt;
}

/* Note the namespaces of members and of their ancestors in this run. */
static bool
note_member(const char *pid)
{
	char space[64], words[512], *parent;
	size_t len;

	if (!is_member(pid) || !net_of(pid, space))
		return false;
	note_space(space);
	if (read_file(pid, "status", words, sizeof(words), &len)) {
		parent = strstr(words, "PPid:\t");
		if (parent) {
			parent += 6;
			parent[strcspn(parent, "\n")] = '\0';
			if (net_of(parent, space))
				note_space(space);
		}
	}
	return true;
}

static bool
four_members(void)
{
	return count(is_member) == 4;
}

static bool
all_gone(void)
{
	return count(is_member) == 0 && count(holds_space) == 0;
}

static bool
await(bool (*pred)(void), int limit_ms)
{
	for (int waited = 0; waited < limit_ms; waited += 10) {
		if (pred())
			return true;
		poll(NULL, 0, 10);
	}
	return pred();
}

static _Noreturn void
be_the_runner(void)
{
	struct run_selection s;
	const char *word;
	char err[LAB_ERR];

	if (run_select(NULL, 0, &s, &word) != RUN_SELECTED)
		_exit(9);
	run_all(&s,
		&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 2, .seed = 1},
		err);
	_exit(0);
}

START_TEST(sigkill_leaves_nothing)
{
	uint8_t moment = 0;
	pid_t pid;

	ck_assert(count(is_member) == 0);
	pid = fork();
	ck_assert(pid >= 0);
	if (pid == 0)
		be_the_runner();
	ck_assert_msg(await(four_members, 10000), "%zu members run, not 4", count(is_member));
	ck_assert_uint_eq(count(note_member), 4);
	/* Each member's, and each lab's own. */
	ck_assert_uint_eq(space_cnt, 6);
	ck_assert_uint_ge(count(holds_space), 6);
	ck_assert(getrandom(&moment, 1, 0) == 1);
	poll(NULL, 0, moment);
	ck_assert(kill(pid, SIGKILL) == 0);
	ck_assert(waitpid(pid, NULL, 0) == pid);
	ck_assert_msg(await(all_gone, 5000), "%zu members and %zu holders of namespaces are left",
		count(is_member), count(holds_space));
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("kill");
	TCase *t = tcase_create("runner");
	const char *why;
	SRunner *r;
	int failed;

	if (argc > 2)
		return stand_in(argc, argv);
	if (lab_can(&why) == LAB_CAN_NOT) {
		printf("kill test skipped: %s\n", why);
		return 0;
	}
	if (!mkdtemp(out))
		return 1;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, sigkill_leaves_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	/* What was killed had no chance to write a verdict; its folders are removed as they are. */
	for (int i = 1; i <= 2; i++) {
		static const char *const names[] = {"A.conf", "B.conf", "A.stderr", "B.stderr",
			"baton.log"};
		char path[128];

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			snprintf(path, sizeof(path), "%s/zz-lives-%d/%s", out, i, names[n]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "%s/zz-lives-%d", out, i);
		rmdir(path);
	}
	rmdir(out);
	return failed != 0;
}
