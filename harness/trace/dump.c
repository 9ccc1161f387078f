/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files, frame by frame (dump.h). The format is that of draft-ietf-opsawg-pcap: a header of
 * 24 octets, then 16 octets before each packet; numbers in host order, which a reader sees by the
 * magic number.
 */
#include "harness/trace/dump.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_NS 0xa1b23c4du /* nanosecond stamps */
#define SNAP 262144u
#define PATH_CAP PATH_MAX

struct dump {
	FILE *f;
	bool to_stdout, by_part; /* by_part: written as part, renamed to path */
	int error;		 /* the first one; 0 none */
	char path[PATH_CAP], part[PATH_CAP + 8];
};

static struct dump *
refuse(struct dump *d, char *err, const char *path, const char *why)
{
	snprintf(err, DUMP_ERR, "%.160s: %.80s", path, why);
	free(d);
	return NULL;
}

/*
 * Where the octets go. A regular file, there or not yet, is written beside itself; behind a link, so
 * is what it points to. A device, a pipe or a socket cannot be replaced, and is written itself.
 */
static bool
take_place(struct dump *d, const char *path)
{
	struct stat st = {0}, at_end = {.st_mode = S_IFREG};

	strcpy(d->path, path);
	d->to_stdout = strcmp(path, "-") == 0;
	if (d->to_stdout)
		return true;
	if (lstat(path, &st) == 0 && stat(path, &at_end) < 0)
		return false; /* a link to nothing */
	d->by_part = S_ISREG(at_end.st_mode);
	if (d->by_part && S_ISLNK(st.st_mode) && !realpath(path, d->path))
		return false;
	snprintf(d->part, sizeof d->part, "%s%s", d->path, d->by_part ? ".part" : "");
	return true;
}

static void
put_u32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof v, 1, f);
}

struct dump *
dump_open(const char *path, uint32_t link, char *err)
{
	struct dump *d = calloc(1, sizeof *d);
	static const uint16_t version[2] = {2, 4};

	if (!d)
		return refuse(d, err, path, "out of memory");
	if (strlen(path) >= PATH_CAP)
		return refuse(d, err, path, "the name is too long");
	if (!take_place(d, path))
		return refuse(d, err, path, strerror(errno));
	d->f = d->to_stdout ? stdout : fopen(d->part, "wb");
	if (!d->f)
		return refuse(d, err, d->part, strerror(errno));
	put_u32(d->f, MAGIC_NS);
	fwrite(version, sizeof version, 1, d->f);
	put_u32(d->f, 0); /* stamps are UTC */
	put_u32(d->f, 0);
	put_u32(d->f, SNAP);
	put_u32(d->f, link);
	return d;
}

void
dump_put(struct dump *d, ns_t at, const void *bytes, size_t len, size_t wire_len)
{
	put_u32(d->f, (uint32_t)(at / NS_PER_S));
	put_u32(d->f, (uint32_t)(at % NS_PER_S));
	put_u32(d->f, (uint32_t)len);
	put_u32(d->f, (uint32_t)wire_len);
	if (fwrite(bytes, 1, len, d->f) != len && !d->error)
		d->error = errno;
}

void
dump_drop(struct dump *d)
{
	if (!d)
		return;
	if (d->to_stdout) {
		fflush(d->f);
	} else {
		fclose(d->f);
		if (d->by_part)
			unlink(d->part);
	}
	free(d);
}

bool
dump_close(struct dump *d, char *err)
{
	bool good = fflush(d->f) == 0 && !ferror(d->f);

	if (!good)
		snprintf(err, DUMP_ERR, "%.160s: could not be written whole: %.60s", d->path,
			strerror(d->error ? d->error : errno));
	if (good && d->by_part && rename(d->part, d->path) != 0) {
		snprintf(err, DUMP_ERR, "%.160s: %.60s", d->path, strerror(errno));
		good = false;
	}
	if (!good) {
		dump_drop(d);
		return false;
	}
	if (!d->to_stdout)
		fclose(d->f);
	free(d);
	return true;
}
