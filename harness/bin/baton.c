/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton: tells whether a pair of VPN routers can lose one member without its peers noticing. This
 * file finds the command; usage is checked here and in the commands, before anything is done.
 */
#include "harness/bin/baton.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/keys/keyring.h"
#include "harness/run/laws.h"
#include "harness/run/verdict.h"

#ifndef BATON_VERSION
#define BATON_VERSION "unknown"
#endif

static const char help[] =
	"usage: baton COMMAND [OPTIONS] [PREFIX...]\n"
	"\n"
	"  baton list [PREFIX...] [--json] [-k WORDS] [--suite FILE]\n"
	"                                        the cases; -k: those with all these words in them\n"
	"  baton explain ID [-o DIR] [--suite FILE]\n"
	"                                        all that is known of a case, and how it last went (in DIR)\n"
	"  baton run [PREFIX...]                 run them: each in a lab of its own\n"
	"      -k WORDS       only those with all these words in id, requirement, sentence or mutant\n"
	"      --last-failed  only those that did not pass when they last ran (implies --keep)\n"
	"      --suite FILE   cases of your own: a shared object (docs/writing-a-case.md)\n"
	"      -j N           labs side by side (default 1)\n"
	"      -x             start none after one that failed\n"
	"      --recheck      what was inconclusive once more, alone, when the rest is done\n"
	"      --repeat N     each N times, every time with another seed\n"
	"      --timeout S    seconds for each case, instead of its own limit\n"
	"      --trace        each frame as it passes\n"
	"      --pause-on-fail  the lab of a case that failed stays up until you press Enter\n"
	"      --durations[=N]  the slowest N at the end (default 10; 0: all)\n"
	"      -v             say more of each case\n"
	"      -o DIR         results go there (default baton-results); those of an earlier run go\n"
	"      --keep         leave earlier results in DIR\n"
	"      --seed S       repeat the random choices of an earlier run\n"
	"      --lab sim      in one process under a virtual clock (default netns)\n"
	"      --json FILE    results as JSON (- = standard output)\n"
	"      --tap          TAP 14 on standard output instead of text\n"
	"      --junit FILE   results as JUnit XML\n"
	"  baton mutants [PREFIX...] [-k WORDS] [--suite FILE] [--lab LAB] [-j N] [--seed S] [--timeout S]\n"
	"                [--recheck] [-o DIR] [--json FILE] [-v]\n"
	"                                        prove that every case can fail\n"
	"  baton explore [--seeds N] [--seed S] [-j N] [-v] [--mutant NAME]\n"
	"                                        faults drawn by seed, in the lab sim, judged by the laws\n"
	"      --schedule TEXT  one schedule, as explore prints it; --trace FILE: its capture; --logs DIR\n"
	"  baton judge FILE... [--keys FILE] [-v | --verbose] [--json]\n"
	"                                        what happened in captures, and which laws they decide\n"
	"  baton decode FILE|-|-i PORT [FILTER]  the frames of a capture, one a line; -c COUNT: so many\n"
	"      -v, --json     field by field: with offset and clause, as an object a line\n"
	"      --words        as craft takes it; --octets: as hexadecimal digits\n"
	"      --keys FILE    open IKE, ESP and SSP in TLS\n"
	"  baton craft -w FILE|-i PORT [LAYERS] FIELD=VALUE...\n"
	"                                        frames from words, right or wrong\n"
	"      -f FILE        the words are in a file (- = standard input)\n"
	"      --keys FILE    to seal what is in seal{...}\n"
	"      --count N --interval MS\n"
	"  baton replay FILE -i PORT | --lab SEGMENT   a capture, put in again\n"
	"      --speed X, --topspeed  faster, slower, as fast as it goes\n"
	"      -o TRACE       with --lab: its trace\n"
	"      --map-mac OLD=NEW, --map-ip OLD=NEW, --group N, --vip ADDRESS\n"
	"                     rewritten, so that it is taken for live\n"
	"      --keys FILE --new-keys FILE, --map-spi OLD=NEW[@NUMBER], --map-cookies OLD=NEW\n"
	"                     what is encrypted, too: sealed anew with the new keys\n"
	"  baton record CASE [-o DIR] [--name AREA/STORY] [--from S] [--until S] [--lab LAB] [--seed S]\n"
	"                                        a case's trace as a capture with its story (captures/)\n"
	"  baton fields CAPTURE [--keys FILE]    a capture as the harness reads it, to be compared\n"
	"  baton lab                             hold the pair up, to look at and pull plugs\n"
	"  baton bench [WHAT...]                 figures, each beside its peer or limit: esp sync through outage replay judge sim switch\n"
	"      -n N           of one bench: failovers of outage (default 500), tunnels of sync (1000, then\n"
	"                     100000), frames of judge (10000000), schedules of sim (1000)\n"
	"      --json FILE    the same as JSON (- = standard output alone)\n"
	"  baton --version\n"
	"\n"
	"A PREFIX selects the cases whose id begins so: failover/, hsrp/2281-5.7.\n"
	"Exit code of run, the first that applies: 2 wrong usage; 3 a lab could not be set up, or Baton\n"
	"failed; 1 something failed, or passed unexpectedly; 5 something was inconclusive; 4 nothing\n"
	"passed; 0.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"list", baton_list},
	{"run", baton_run},
	{"mutants", baton_mutants},
	{"explain", baton_explain},
	{"lab", baton_lab},
	{"explore", baton_explore},
	{"fields", baton_fields},
	{"decode", baton_decode},
	{"craft", baton_craft},
	{"judge", baton_judge},
	{"record", baton_record},
	{"replay", baton_replay},
	{"bench", baton_bench},
};

const char *
baton_version(void)
{
	return BATON_VERSION;
}

const char *
baton_beside(const char *name)
{
	static char path[PATH_MAX + 64];
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0) {
		perror("/proc/self/exe");
		exit(3);
	}
	self[len] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	return path;
}

void
baton_remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[PATH_MAX];

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path) < 0)
			baton_remove_folder(path);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(dir);
}

bool
baton_read_keys(const char *command, const char *path, struct keyring *ring)
{
	const char *what = "";
	unsigned line = 0;
	FILE *f = fopen(path, "r");
	bool good = f && keyring_read(ring, f, &line, &what) >= 0;

	if (!good && line)
		fprintf(stderr, "baton: %s: %s:%u: %s\n", command, path, line, what);
	else if (!good)
		fprintf(stderr, "baton: %s: %s: %s\n", command, path, f ? what : strerror(errno));
	if (f)
		fclose(f);
	return good;
}

void
baton_take_secrets(struct keyring *ring, const char *text)
{
	const char *what;
	char line[512];

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len < sizeof(line)) {
			memcpy(line, text, len);
			line[len] = '\0';
			(void)keyring_line(ring, line, &what);
		}
		text += len + (text[len] == '\n');
	}
}

int
baton_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("baton: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\ntry: baton --help\n", stderr);
	return EXIT_USAGE;
}

static int
unknown(const char *word)
{
	char names[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && at < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", commands[i].name);
	return baton_usage("unknown command '%s', expected one of %s", word, names);
}

/* What the help says of one command: its line, and those below it up to the next command. */
static int
tell_command(const char *name)
{
	char head[64];
	const char *at = help, *end;

	snprintf(head, sizeof(head), "\n  baton %s ", name);
	at = strstr(help, head);
	if (!at)
		return unknown(name);
	end = strstr(at + 1, "\n  baton ");
	printf("usage:%.*s\n\nmore: man baton-%s\n", (int)((end ? end : help + sizeof(help) - 1) - at), at, name);
	return 0;
}

/* Wherever it stands behind the command. */
static bool
wants_help(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || (i == 2 && strcmp(argv[i], "-h") == 0))
			return true;
	return false;
}

/* The exit code, or 3 if what was to be told could not be written. */
static int
told(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	fprintf(stderr, "baton: standard output: %s\n", strerror(errno));
	return rc == 0 ? 3 : rc;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return baton_usage("a command is missing");
	if (strcmp(argv[1], "--version") == 0) {
		printf("baton %s\n", baton_version());
		return told(0);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		(strcmp(argv[1], "help") == 0 && argc == 2)) {
		fputs(help, stdout);
		return told(0);
	}
	if (strcmp(argv[1], "help") == 0)
		return told(tell_command(argv[2]));
	laws_set(judge_laws);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return told(wants_help(argc, argv) ? tell_command(argv[1])
					    : commands[i].run(argc - 1, argv + 1));
	return unknown(argv[1]);
}
