/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own lateness. All namespaces of a machine share one lock over links, addresses and
 * routes; while other labs come and go it can be held for a second, and a member's route, or the
 * news that its cable is out, comes that much later. A thread asks for that lock ten times a second
 * (a link of the lab's own is told to be up, as it is), and keeps the longest time that it took. It
 * touches nothing else of the lab.
 */
#include "harness/lab/lab_in.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PULSE_MS 100

static void *
run(void *ctx)
{
	struct pulse *p = ctx;
	struct pollfd stop = {.fd = p->stop, .events = POLLIN};
	char err[LAB_ERR];

	while (poll(&stop, 1, PULSE_MS) == 0) {
		ns_t took;

		atomic_store(&p->since, lab_clock());
		(void)net_up("lo", true, err);
		took = lab_clock() - atomic_load(&p->since);
		atomic_store(&p->since, 0);
		if (took > atomic_load(&p->longest))
			atomic_store(&p->longest, took);
	}
	return NULL;
}

bool
pulse_start(struct pulse *p)
{
	p->stop = eventfd(0, EFD_CLOEXEC);
	p->on = p->stop >= 0 && pthread_create(&p->thread, NULL, run, p) == 0;
	return p->on;
}

void
pulse_stop(struct pulse *p)
{
	const uint64_t one = 1;

	if (!p->on)
		return;
	if (write(p->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
		(void)pthread_join(p->thread, NULL);
	(void)close(p->stop);
	p->on = false;
}

/* The longest wait so far, one that still lasts included. */
ns_t
pulse_late(const struct pulse *p)
{
	ns_t since = atomic_load(&p->since), longest = atomic_load(&p->longest);
	ns_t now = since ? lab_clock() - since : 0;

	return now > longest ? now : longest;
}

void
pulse_reset(struct pulse *p)
{
	atomic_store(&p->longest, 0);
}
