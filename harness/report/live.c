/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/report/live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
live_init(struct live *l, FILE *to, size_t of)
{
	const char *term = getenv("TERM");
	struct winsize w = {0};

	*l = (struct live){.to = to, .of = of, .width = 80};
	l->on = isatty(fileno(to)) && term && *term && strcmp(term, "dumb") != 0;
	if (l->on && ioctl(fileno(to), TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
		l->width = w.ws_col;
}

void
live_clear(struct live *l)
{
	if (l->on)
		fputs("\r\033[K", l->to);
}

void
live_draw(struct live *l)
{
	char line[512];
	size_t len = 0;

	if (!l->on || l->done == l->of)
		return;
	len += (size_t)snprintf(line, sizeof(line), "%zu of %zu", l->done, l->of);
	if (l->bad)
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", %zu not passed", l->bad);
	for (size_t i = 0; i < l->cnt && len < sizeof(line); i++)
		len += (size_t)snprintf(
			line + len, sizeof(line) - len, "%s%s", i ? ", " : "; ", l->running[i]);
	live_clear(l);
	fprintf(l->to, "%.*s", (int)l->width - 1, line);
	fflush(l->to);
}

void
live_begin(struct live *l, const char *id)
{
	if (l->cnt < LIVE_RUNNING)
		l->running[l->cnt++] = id;
	live_draw(l);
}

void
live_end(struct live *l, const char *id, bool bad)
{
	l->done++;
	l->bad += bad;
	for (size_t i = 0; i < l->cnt; i++)
		if (strcmp(l->running[i], id) == 0) {
			l->running[i] = l->running[--l->cnt];
			return;
		}
}
