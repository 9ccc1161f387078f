/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * twinctl: the console of a running twind. With words it asks one thing and prints the answer; without,
 * it reads lines until `exit`, with editing, history and completion on a terminal.
 */
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_DEFAULT "/run/twind.sock"
#define TEXT_MAX 65536

#ifndef BATON_VERSION
#define BATON_VERSION "unknown"
#endif

static const char help[] =
	"usage: twinctl [-s SOCKET]                        lines from the terminal\n"
	"       twinctl [-s SOCKET] COMMAND WORDS... [--json]\n"
	"       twinctl [-s SOCKET] configure FILE         lines added to the configuration\n"
	"       twinctl [-s SOCKET] configure replace FILE the configuration, whole\n"
	"       twinctl --version | --help\n"
	"FILE may be - for the standard input; `twinctl help` lists the commands.\n";

static int
usage(void)
{
	(void)fputs(help, stderr);
	return 2;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof a.sun_path) {
		(void)fprintf(stderr, "twinctl: %s: path too long\n", path);
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		(void)fprintf(stderr, "twinctl: %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return fd;
}

static int
send_all(int fd, const char *b, size_t len)
{
	while (len) {
		ssize_t n = send(fd, b, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		b += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Ask; the answer goes to f. 0, or 1 if the router said no or cannot be reached. */
static int
ask(const char *path, const char *line, const char *body, FILE *f)
{
	char buf[8192], last = '\n';
	int fd = connect_to(path), rc = 0, first = 1;
	ssize_t n;

	if (fd < 0)
		return 1;
	if (send_all(fd, line, strlen(line)) < 0 || send_all(fd, "\n", 1) < 0 ||
		(body && send_all(fd, body, strlen(body)) < 0) ||
		(body && shutdown(fd, SHUT_WR) < 0)) {
		(void)fprintf(stderr, "twinctl: %s\n", strerror(errno));
		rc = 1;
	}
	while (!rc && (n = recv(fd, buf, sizeof buf, 0)) > 0) {
		if (first && buf[0] == '%')
			rc = 1;
		first = 0;
		(void)fwrite(buf, 1, (size_t)n, f);
		last = buf[n - 1];
		(void)fflush(f);
		if (rc) /* the rest of the complaint */
			while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
				(void)fwrite(buf, 1, (size_t)n, f);
	}
	if (last != '\n' && f == stdout)
		(void)fputc('\n', f);
	(void)close(fd);
	return rc;
}

/* ---- configure FILE ---- */

static char *
file_read(const char *name)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char *text = f ? calloc(1, TEXT_MAX + 1) : NULL;

	if (!text) {
		(void)fprintf(stderr, "twinctl: %s: %s\n", name, strerror(errno));
		if (f && f != stdin)
			(void)fclose(f);
		return NULL;
	}
	if (fread(text, 1, TEXT_MAX, f) == TEXT_MAX || ferror(f)) {
		(void)fprintf(stderr, "twinctl: %s: cannot be read, or longer than %d octets\n", name,
			TEXT_MAX - 1);
		free(text);
		text = NULL;
	}
	if (f != stdin)
		(void)fclose(f);
	return text;
}

static int
configure(const char *path, int argc, char **argv)
{
	int whole = argc == 2 && !strcmp(argv[0], "replace"), rc;
	char *text;

	if (argc != 1 + whole)
		return usage();
	text = file_read(argv[whole]);
	if (!text)
		return 2;
	rc = ask(path, whole ? "configure replace" : "configure", text, stdout);
	explicit_bzero(text, TEXT_MAX);
	free(text);
	return rc;
}

/* ---- at a terminal ---- */

static struct {
	const char *path;
	char *commands; /* what `help` said */
	char *lines;	/* being typed under `configure terminal`, NULL outside it */
} console;

static const char *
prompt(EditLine *el)
{
	(void)el;
	return console.lines ? "twin(config)# " : "twin# ";
}

/* As ask. */
static int
commands_fetch(void)
{
	size_t len = 0;
	FILE *f = open_memstream(&console.commands, &len);
	int rc;

	if (!f)
		return 1;
	rc = ask(console.path, "help", NULL, f);
	(void)fclose(f);
	return rc;
}

/* Do the words of `line` begin the command's, each whole or shortened? *rest: its next word. */
static int
leads_to(const char *command, size_t command_len, const char *line, size_t line_len,
	const char **rest, size_t *rest_len)
{
	const char *end = command + command_len, *stop = line + line_len;

	for (;;) {
		size_t have = 0, want = 0;

		while (line < stop && *line == ' ')
			line++;
		while (line + have < stop && line[have] != ' ')
			have++;
		while (command + want < end && command[want] != ' ')
			want++;
		if (line + have == stop) { /* the word at the cursor, perhaps empty */
			*rest = command + have;
			*rest_len = want - have;
			return have <= want && want && !strncmp(command, line, have);
		}
		if (have > want || strncmp(command, line, have) != 0)
			return 0;
		line += have;
		command += want + (command + want < end);
	}
}

/* Tab: what all commands that begin so have in common is put in; nothing more: they are listed. */
static unsigned char
complete(EditLine *el, int ch)
{
	const LineInfo *li = el_line(el);
	size_t line_len = (size_t)(li->cursor - li->buffer), common_len = 0;
	const char *common = NULL, *rest;
	int same_end = 1;
	char add[128];

	(void)ch;
	if (!console.commands || console.lines)
		return CC_ERROR;
	for (const char *c = console.commands; *c; c += strcspn(c, "\n") + (*c != '\0')) {
		size_t rest_len, n = 0;

		if (!leads_to(c, strcspn(c, "\n"), li->buffer, line_len, &rest, &rest_len))
			continue;
		if (!common) {
			common = rest;
			common_len = rest_len;
			continue;
		}
		while (n < common_len && n < rest_len && common[n] == rest[n])
			n++;
		same_end = same_end && n == common_len && n == rest_len;
		common_len = n;
	}
	if (!common)
		return CC_ERROR;
	if (common_len || same_end) {
		(void)snprintf(add, sizeof add, "%.*s%s", (int)common_len, common, same_end ? " " : "");
		return el_insertstr(el, add) < 0 ? CC_ERROR : CC_REFRESH;
	}
	(void)fputc('\n', stdout);
	for (const char *c = console.commands; *c; c += strcspn(c, "\n") + (*c != '\0')) {
		size_t rest_len;

		if (leads_to(c, strcspn(c, "\n"), li->buffer, line_len, &rest, &rest_len))
			(void)printf("  %.*s\n", (int)strcspn(c, "\n"), c);
	}
	return CC_REDISPLAY;
}

/* A line under `configure terminal`; `end` gives all of them to the router. */
static int
config_line(const char *line)
{
	size_t have = strlen(console.lines);
	int rc = 0;

	if (!strcmp(line, "end")) {
		rc = ask(console.path, "configure", console.lines, stdout);
		explicit_bzero(console.lines, TEXT_MAX);
		free(console.lines);
		console.lines = NULL;
	} else if (have + strlen(line) + 2 < TEXT_MAX) {
		(void)strcat(strcat(console.lines, line), "\n");
	} else {
		(void)fprintf(stderr, "twinctl: that is too much for one change\n");
		rc = 1;
	}
	return rc;
}

/* 0, or 1 if the router said no, or was not asked. */
static int
line_do(const char *line)
{
	char *words[2] = {NULL, NULL};

	if (console.lines)
		return config_line(line);
	if (!strcmp(line, "configure") || !strcmp(line, "configure terminal")) {
		console.lines = calloc(1, TEXT_MAX);
		return !console.lines;
	}
	if (!strncmp(line, "configure replace ", 18)) {
		words[0] = (char[]){"replace"};
		words[1] = (char *)(unsigned long)(line + 18);
		return configure(console.path, 2, words) != 0;
	}
	return ask(console.path, line, NULL, stdout);
}

/* Who types sees what is refused; a script of lines has the exit code for it. */
static int
interactive(const char *path)
{
	EditLine *el;
	History *h;
	HistEvent ev;
	const char *line;
	int n, refused = 0;

	console.path = path;
	if (commands_fetch() != 0)
		return 1;
	el = el_init("twinctl", stdin, stdout, stderr);
	h = history_init();
	if (!el || !h)
		return 1;
	(void)history(h, &ev, H_SETSIZE, 200);
	(void)el_set(el, EL_PROMPT, prompt);
	(void)el_set(el, EL_EDITOR, "emacs");
	(void)el_set(el, EL_HIST, history, h);
	(void)el_set(el, EL_ADDFN, "complete", "what could stand here", complete);
	(void)el_set(el, EL_BIND, "^I", "complete", NULL);
	while ((line = el_gets(el, &n)) != NULL && n > 0) {
		char copy[512];

		(void)snprintf(copy, sizeof copy, "%s", line);
		copy[strcspn(copy, "\n")] = '\0';
		if (!copy[0])
			continue;
		if (!console.lines && (!strcmp(copy, "exit") || !strcmp(copy, "quit")))
			break;
		if (!console.lines) /* lines of a configuration may hold keys */
			(void)history(h, &ev, H_ENTER, line);
		refused |= line_do(copy);
	}
	free(console.lines);
	free(console.commands);
	history_end(h);
	el_end(el);
	return refused && !isatty(STDIN_FILENO);
}

/* The exit code, or 1 if the answer could not be written. */
static int
told(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	(void)fprintf(stderr, "twinctl: standard output: %s\n", strerror(errno));
	return 1;
}

int
main(int argc, char **argv)
{
	const char *path = getenv("TWIND_CONTROL");
	char line[512] = "";
	int i = 1;

	if (!path)
		path = CONTROL_DEFAULT;
	if (i + 1 < argc && !strcmp(argv[i], "-s")) {
		path = argv[i + 1];
		i += 2;
	}
	if (i + 1 == argc && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
		(void)fputs(help, stdout);
		return told(0);
	}
	if (i + 1 == argc && !strcmp(argv[i], "--version")) {
		(void)printf("twinctl %s\n", BATON_VERSION);
		return told(0);
	}
	if (i < argc && argv[i][0] == '-' && strcmp(argv[i], "--json") != 0) {
		(void)fprintf(stderr, "twinctl: unknown or incomplete option: %s\n", argv[i]);
		return usage();
	}
	if (i == argc)
		return told(interactive(path));
	if (!strcmp(argv[i], "configure"))
		return told(configure(path, argc - i - 1, argv + i + 1));
	for (; i < argc; i++) {
		if (strlen(line) + strlen(argv[i]) + 2 > sizeof line)
			return usage();
		if (line[0])
			(void)strcat(line, " ");
		(void)strcat(line, argv[i]);
	}
	return told(ask(path, line, NULL, stdout));
}
