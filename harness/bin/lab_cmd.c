/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton lab: the standard pair, the peer and the host, held up until Ctrl-C. The parent prints
 * where things are, as seen from outside the enclosure; the enclosure runs the world. When either
 * ends, all of it is gone.
 */
#include "harness/bin/baton.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/world.h"

static const char drawing[] = "\n"
			      "        outside 172.16.31.0/24          inside 10.0.0.0/24\n"
			      "  peer .200 ---+--- A .1 eth0  A  eth1 ---+--- host .50\n"
			      "  (10.2.0.0/24 |               |eth2      |\n"
			      "   behind it)  |               | sync 10.255.0.0/24\n"
			      "               |               |eth2      |\n"
			      "               +--- B .2 eth0  B  eth1 ---+\n"
			      "          virtual .100             virtual .100\n"
			      "\n";

static bool
stopped(void *ctx)
{
	(void)ctx;
	return baton_stopped();
}

static bool
tunnel_up(void *ctx)
{
	return baton_stopped() || peer_is_up(((struct world *)ctx)->peer);
}

static int
bring_up(struct lab *lab)
{
	struct keyring ring;
	struct world w = {0};
	char err[LAB_ERR];

	for (int m = 0; m < LAB_MEMBERS; m++) {
		if (!lab_start(lab, (enum lab_member)m, err)) {
			fprintf(stderr, "%s\n", err);
			return 3;
		}
	}
	keyring_init(&ring);
	if (!world_attach(&w, lab, &ring, NULL, 1))
		return 3;
	lab_until(lab, "the pair to elect", 5 * NS_PER_S, stopped, NULL);
	peer_initiate(w.peer, lab_now(lab));
	printf("\ntunnel: %s\n", lab_until(lab, "the tunnel", 10 * NS_PER_S, tunnel_up, &w) && !baton_stopped()
					 ? "up"
					 : "not up; see the logs");
	fflush(stdout);
	while (!baton_stopped())
		lab_until(lab, "Ctrl-C", 3600 * NS_PER_S, stopped, NULL);
	world_detach(&w);
	keyring_free(&ring);
	return 0;
}

static int
inside(void *ctx)
{
	struct lab_config cfg = {
		.twind = baton_beside("twind"), .out_dir = ctx, .seed = 1, .keylog = true};
	char err[LAB_ERR] = "";
	struct lab *lab = lab_open(&cfg, err);
	int rc;

	if (!lab) {
		fprintf(stderr, "%s\n", err);
		return 3;
	}
	baton_heed_signals();
	rc = bring_up(lab);
	lab_close(lab);
	return rc;
}

void
baton_lab_doors(FILE *to, pid_t pid)
{
	const char *twinctl = baton_beside("twinctl");

	fputs("to try, in another terminal:\n", to);
	for (const char *m = "AB"; *m; m++)
		fprintf(to, "  %s -s /proc/%d/root/run/baton/%c.sock show standby\n", twinctl, pid, *m);
	fprintf(to, "  nsenter -t %d -n -m -p ip netns exec A ip address\n", pid);
	fprintf(to, "  nsenter -t %d -n -m -p ip link set A.eth0 down     (pull a cable; up puts it "
		    "back)\n",
		pid);
	fprintf(to, "  nsenter -t %d -n -m -p pkill -KILL -f 'name A'     (crash A)\n", pid);
	fprintf(to, "  nsenter -t %d -n tcpdump -ni A.eth0\n", pid);
}

static void
explain(pid_t pid, const char *dir)
{
	fputs(drawing, stdout);
	printf("logs, configurations, keys: %s\n\n", dir);
	baton_lab_doors(stdout, pid);
	printf("\nCtrl-C ends it, and all of it.\n");
	fflush(stdout);
}

/* Wait for the enclosure; a signal of ours is passed on to it, once. */
static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			return 3;
		if (baton_stopped())
			kill(pid, SIGTERM);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

int
baton_lab(int argc, char **argv)
{
	char dir[] = "/tmp/baton-lab-XXXXXX", err[LAB_ERR];
	const char *why;
	pid_t pid;
	int rc;

	if (argc > 1)
		return baton_usage("lab takes no words, not '%s'", argv[1]);
	if (lab_can(&why) == LAB_CAN_NOT) {
		printf("SKIPPED: the lab netns %s\n", why);
		return 4;
	}
	if (!mkdtemp(dir)) {
		perror(dir);
		return 3;
	}
	pid = lab_enclose(inside, dir, err);
	if (pid < 0) {
		fprintf(stderr, "%s\n", err);
		return 3;
	}
	baton_heed_signals();
	explain(pid, dir);
	rc = wait_for(pid);
	baton_remove_folder(dir);
	return rc;
}
