/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/trace/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
refuse(char *err, const char *path, int why)
{
	snprintf(err, PLACE_ERR, "%.160s: %.80s", path, strerror(why));
	return false;
}

/* Path and part, by what is there. 0, or errno. */
static int
find(struct place *p, const char *path)
{
	struct stat st = {0}, at_end = {.st_mode = S_IFREG};

	*p = (struct place){0};
	if (!*path)
		return ENOENT;
	if (strlen(path) >= sizeof p->path)
		return ENAMETOOLONG;
	strcpy(p->path, path);
	p->to_stdout = strcmp(path, "-") == 0;
	if (p->to_stdout)
		return 0;
	if (lstat(path, &st) == 0 && stat(path, &at_end) < 0)
		return errno; /* a link to nothing */
	if (S_ISDIR(at_end.st_mode))
		return EISDIR;
	if (st.st_mode && access(path, W_OK) < 0)
		return errno; /* a rename would not ask */
	p->by_part = S_ISREG(at_end.st_mode);
	if (p->by_part && S_ISLNK(st.st_mode) && !realpath(path, p->path))
		return errno;
	snprintf(p->part, sizeof p->part, "%s%s", p->path, p->by_part ? ".part" : "");
	return 0;
}

bool
place_open(struct place *p, const char *path, char *err)
{
	int why = find(p, path);

	if (why)
		return refuse(err, path, why);
	p->f = p->to_stdout ? stdout : fopen(p->part, "wb");
	return p->f || refuse(err, path, errno);
}

void
place_drop(struct place *p)
{
	if (p->to_stdout) {
		fflush(p->f);
		return;
	}
	fclose(p->f);
	if (p->by_part)
		unlink(p->part);
}

bool
place_close(struct place *p, char *err)
{
	int why = p->error;

	if (fflush(p->f) != 0 && !why)
		why = errno;
	else if (ferror(p->f) && !why)
		why = EIO;
	if (why)
		snprintf(err, PLACE_ERR, "%.160s: could not be written whole: %.60s", p->path,
			strerror(why));
	if (why || p->to_stdout) {
		place_drop(p);
		return !why;
	}
	if (fclose(p->f) != 0 || (p->by_part && rename(p->part, p->path) != 0)) {
		why = errno;
		if (p->by_part)
			unlink(p->part);
		return refuse(err, p->path, why);
	}
	return true;
}

bool
place_check(const char *path, char *err)
{
	struct place p;
	int why = find(&p, path), fd;

	if (why)
		return refuse(err, path, why);
	if (!p.by_part)
		return true; /* who opens a pipe twice ends it for its reader */
	fd = open(p.part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return errno == EEXIST || refuse(err, path, errno);
	close(fd);
	unlink(p.part);
	return true;
}
