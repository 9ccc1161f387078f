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

#include "harness/trace/place.h"

#define MAGIC_NS 0xa1b23c4du /* nanosecond stamps */
#define SNAP 262144u

struct dump {
	struct place to;
};

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
	FILE *f;

	if (!d)
		snprintf(err, DUMP_ERR, "%.160s: out of memory", path);
	if (!d || !place_open(&d->to, path, err)) {
		free(d);
		return NULL;
	}
	f = d->to.f;
	put_u32(f, MAGIC_NS);
	fwrite(version, sizeof version, 1, f);
	put_u32(f, 0); /* stamps are UTC */
	put_u32(f, 0);
	put_u32(f, SNAP);
	put_u32(f, link);
	return d;
}

void
dump_put(struct dump *d, ns_t at, const void *bytes, size_t len, size_t wire_len)
{
	FILE *f = d->to.f;

	put_u32(f, (uint32_t)(at / NS_PER_S));
	put_u32(f, (uint32_t)(at % NS_PER_S));
	put_u32(f, (uint32_t)len);
	put_u32(f, (uint32_t)wire_len);
	if (fwrite(bytes, 1, len, f) != len && !d->to.error)
		d->to.error = errno;
}

void
dump_drop(struct dump *d)
{
	if (d)
		place_drop(&d->to);
	free(d);
}

bool
dump_close(struct dump *d, char *err)
{
	bool good = place_close(&d->to, err);

	free(d);
	return good;
}
