/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files, frame by frame (dump.h). The format is that of draft-ietf-opsawg-pcap: a header of
 * 24 octets, then 16 octets before each packet; numbers in host order, which a reader sees by the
 * magic number.
 */
#include "harness/trace/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_NS 0xa1b23c4du /* nanosecond stamps */
#define SNAP 262144u
#define PATH_CAP 1024

struct dump {
	FILE *f;
	bool to_stdout;
	char path[PATH_CAP], part[PATH_CAP + 8];
};

static struct dump *
refuse(struct dump *d, char *err, const char *path, const char *why)
{
	snprintf(err, DUMP_ERR, "%.160s: %.80s", path, why);
	free(d);
	return NULL;
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
	d->to_stdout = strcmp(path, "-") == 0;
	strcpy(d->path, path);
	snprintf(d->part, sizeof d->part, "%s.part", path);
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
	fwrite(bytes, 1, len, d->f);
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
		unlink(d->part);
	}
	free(d);
}

bool
dump_close(struct dump *d, char *err)
{
	bool good = !ferror(d->f) && fflush(d->f) == 0;

	if (!good)
		snprintf(err, DUMP_ERR, "%.160s: could not be written whole: %.60s", d->path,
			strerror(errno));
	if (good && !d->to_stdout && rename(d->part, d->path) != 0) {
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
