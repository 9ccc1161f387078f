/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "ref/config/commands.h"

/* Try the commands of one mode; NULL if none fits. */
static const struct command *
find(enum mode mode, const struct line *l, struct arg *args, struct progress *progress)
{
	for (unsigned i = 0; i < command_cnt; i++)
		if (commands[i].mode == mode && line_match(l, commands[i].pattern, args, progress))
			return &commands[i];
	return NULL;
}

static void
complain(struct config_error *err, unsigned line, const struct line *l, unsigned word,
	const char *expected, bool refused)
{
	err->line = line;
	err->col = l->col[word < l->cnt ? word : l->cnt];
	err->refused = refused;
	(void)snprintf(err->found, sizeof err->found, "%.60s",
		word < l->cnt ? l->word[word] : "end of line");
	(void)snprintf(err->expected, sizeof err->expected, "%s", expected);
}

/* The command of the line, in the mode we are in or in the global one, and which of them it is. */
static const struct command *
find_line(enum mode *mode, const struct line *l, struct arg *args, struct progress *progress)
{
	const struct command *c = find(*mode, l, args, progress);

	if (c || *mode == MODE_GLOBAL)
		return c;
	c = find(MODE_GLOBAL, l, args, progress);
	if (c && c->run)
		*mode = MODE_GLOBAL;
	return c;
}

static bool
line_run(struct parse *p, const struct line *l, struct config_error *err)
{
	struct arg args[MATCH_ARGS];
	struct progress progress = {0};
	const struct command *c = find_line(&p->mode, l, args, NULL);

	if (!c) { /* once more, to say what could have stood there */
		(void)find_line(&p->mode, l, args, &progress);
		complain(err, p->line, l, progress.word, progress.expected, false);
		return false;
	}
	if (!c->run) {
		complain(err, p->line, l, 0, c->why_not, true);
		return false;
	}
	p->wrong = NULL;
	c->run(p, args);
	if (p->wrong) {
		complain(err, p->line, l, 0, p->wrong, true);
		return false;
	}
	return true;
}

static bool
skipped(const struct line *l)
{
	return l->cnt == 0 || l->word[0][0] == '!' ||
	       (l->cnt == 1 && (!strcmp(l->word[0], "end") || !strcmp(l->word[0], "exit")));
}

static bool
parse(const char *text, struct cfg *fresh, struct config_error *err)
{
	struct parse p = {.cfg = fresh};
	struct line l;

	while (*text) {
		size_t n = strcspn(text, "\n");

		p.line++;
		if (!line_cut(&l, text, n)) {
			l.cnt = 0;
			l.col[0] = 1;
			complain(err, p.line, &l, 0, "at most 255 characters and 24 words", false);
			return false;
		}
		if (!skipped(&l) && !line_run(&p, &l, err))
			return false;
		text += n + (text[n] == '\n');
	}
	return config_check(fresh, err);
}

/* Read the text into a copy of what *from says; only a whole one is taken over. */
static bool
take(const char *text, const struct cfg *from, struct cfg *cfg, struct config_error *err)
{
	static struct cfg fresh; /* large; only one configuration is read at a time */
	bool ok;

	memset(err, 0, sizeof *err);
	if (from)
		fresh = *from;
	else
		cfg_init(&fresh);
	ok = parse(text, &fresh, err);
	if (ok)
		*cfg = fresh;
	wipe(&fresh, sizeof fresh); /* keys, also of a text that was refused */
	return ok;
}

bool
config_parse(const char *text, struct cfg *cfg, struct config_error *err)
{
	return take(text, NULL, cfg, err);
}

bool
config_merge(const char *text, struct cfg *cfg, struct config_error *err)
{
	/* Lines of an older text mean nothing here. */
	for (unsigned i = 0; i < cfg->map_cnt; i++)
		cfg->map[i].line = 0;
	for (unsigned i = 0; i < cfg->ssp_cnt; i++)
		cfg->ssp[i].line = 0;
	return take(text, cfg, cfg, err);
}

void
config_error_text(const struct config_error *err, const char *name, char *dst, size_t cap)
{
	if (err->refused)
		(void)snprintf(dst, cap, "%s:%u:%u: refused at \"%s\": %s", name, err->line,
			err->col, err->found, err->expected);
	else
		(void)snprintf(dst, cap, "%s:%u:%u: found \"%s\", expected %s", name, err->line,
			err->col, err->found, err->expected);
}
