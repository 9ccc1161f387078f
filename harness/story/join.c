/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/story/join.h"

#include <stdio.h>
#include <stdlib.h>

struct join {
	unsigned cnt;
	int handed; /* whose frame the caller has; -1 nobody's */
	struct head {
		struct capture *c;
		struct capture_frame f;
		bool ready; /* f is the next one */
	} head[JOIN_FILES];
};

struct join *
join_open(char *const *paths, unsigned cnt, char *err)
{
	struct join *j;

	if (cnt > JOIN_FILES) {
		snprintf(err, CAPTURE_ERR, "%u files, expected at most %u", cnt, JOIN_FILES);
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		abort();
	j->handed = -1;
	for (; j->cnt < cnt; j->cnt++) {
		struct head *h = &j->head[j->cnt];

		h->c = capture_open(paths[j->cnt], err);
		if (!h->c) {
			join_close(j);
			return NULL;
		}
		h->ready = capture_next(h->c, &h->f) == 1;
	}
	return j;
}

void
join_close(struct join *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < j->cnt; i++)
		capture_close(j->head[i].c);
	free(j);
}

bool
join_next(struct join *j, unsigned *file, struct capture_frame *f, const char **port)
{
	int first = -1;

	if (j->handed >= 0) {
		struct head *h = &j->head[j->handed];

		h->ready = capture_next(h->c, &h->f) == 1;
	}
	for (unsigned i = 0; i < j->cnt; i++)
		if (j->head[i].ready && (first < 0 || j->head[i].f.at < j->head[first].f.at))
			first = (int)i;
	j->handed = first;
	if (first < 0)
		return false;
	*file = (unsigned)first;
	*f = j->head[first].f;
	*port = capture_port(j->head[first].c, f->port);
	return true;
}

const struct capture *
join_capture(const struct join *j, unsigned file)
{
	return j->head[file].c;
}

const char *
join_error(const struct join *j, unsigned file)
{
	return capture_error(j->head[file].c);
}
