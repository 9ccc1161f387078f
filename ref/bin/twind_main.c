/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/bin/twind.h"
#include "ref/sys/router.h"

static const char help[] =
	"usage: twind --config FILE [--name NAME] [--control SOCKET] [--log FILE] [--keylog FILE]\n"
	"       twind --version | --help\n";

static int
usage(const char *why, const char *word)
{
	(void)fprintf(stderr, "twind: %s%s%s\n%s", why, word ? ": " : "", word ? word : "", help);
	return 2;
}

/* Append, readable by root alone. */
static FILE *
open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");

	if (!f)
		(void)fprintf(stderr, "twind: %s: %s\n", path, strerror(errno));
	return f;
}

enum option_id { OPT_CONFIG = 1, OPT_NAME, OPT_CONTROL, OPT_LOG, OPT_KEYLOG, OPT_VERSION, OPT_HELP };

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"name", required_argument, NULL, OPT_NAME},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"log", required_argument, NULL, OPT_LOG},
	{"keylog", required_argument, NULL, OPT_KEYLOG},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

/* 0: go on; else exit code + 1. */
static int
option_take(struct router_opts *o, int c, const char *word)
{
	switch (c) {
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_NAME:
		o->name = optarg;
		return 0;
	case OPT_CONTROL:
		o->control = optarg;
		return 0;
	case OPT_LOG:
		o->log = open_private(optarg);
		return o->log ? 0 : 2;
	case OPT_KEYLOG:
		o->keylog = open_private(optarg);
		return o->keylog ? 0 : 2;
	case OPT_VERSION:
		(void)printf("twind %s\n", BATON_VERSION);
		return 1;
	case OPT_HELP:
		(void)fputs(help, stdout);
		return 1;
	default:
		return usage("unknown or incomplete option", word) + 1;
	}
}

int
twind_main(int argc, char **argv, const struct node_rules *rules)
{
	struct router_opts o = {.name = "twind", .version = BATON_VERSION, .log = stderr, .rules = rules};
	int c, rc;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		rc = option_take(&o, c, argv[optind - 1]);
		if (rc)
			return rc - 1;
	}
	if (optind < argc)
		return usage("unexpected word", argv[optind]);
	if (!o.config)
		return usage("--config is missing", NULL);
	if (o.keylog)
		(void)fprintf(stderr,
			"twind: warning: every session key is written to the key log; "
			"for a lab only\n");
	rc = router_run(&o);
	if (o.keylog)
		(void)fclose(o.keylog);
	if (o.log != stderr)
		(void)fclose(o.log);
	return rc;
}
