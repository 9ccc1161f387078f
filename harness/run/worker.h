/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_WORKER_H
#define BATON_RUN_WORKER_H

/* The process of one case: see worker.c. Used by run.c alone. */
#include "harness/run/case_in.h"

struct worker_job {
	const struct case_def *def;
	struct case_env env;
	int pipe; /* where the result goes, as JSON text */
};

/* To be run by lab_enclose, as process 1 of the case's namespaces; in sim by a process of its own,
 * which ends with what is returned (exit: a sanitizer has its say then). */
int worker_main(void *job);

/* Wall-clock seconds after which the case's process is killed: its own limit, and room to report. */
unsigned worker_limit_s(const struct case_def *def, const struct case_env *env);

#endif
