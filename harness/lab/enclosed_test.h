/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_ENCLOSED_TEST_H
#define BATON_LAB_ENCLOSED_TEST_H

/* Check's tests inside an enclosure of their own, for test programs that need a lab. */
#include <check.h>
#include <stdio.h>
#include <sys/wait.h>

#include "harness/lab/lab.h"

struct enclosed_tests {
	Suite *(*suite)(void); /* made inside: the runner there frees it */
};

static int
enclosed_run(void *ctx)
{
	SRunner *r = srunner_create(((const struct enclosed_tests *)ctx)->suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

/* The exit code of main; where no lab can be, it says that they are skipped, and why. */
static int
enclosed_main(Suite *(*suite)(void), const char *name)
{
	struct enclosed_tests tests = {suite};
	char err[LAB_ERR];
	const char *why;
	int status;
	pid_t pid;

	if (lab_can(&why) == LAB_CAN_NOT) {
		printf("%s tests skipped: %s\n", name, why);
		return 0;
	}
	pid = lab_enclose(enclosed_run, &tests, err);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return status != 0;
}

#endif
