/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files from anywhere, whole or broken: nothing is read outside them, and what is wrong is
 * said. */
#include <stdlib.h>
#include <string.h>

#include "harness/trace/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *from = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
	char err[CAPTURE_ERR] = "";
	struct capture_frame f;
	struct capture *c;
	uint64_t cnt = 0;
	size_t sum = 0;
	int got;

	if (!from)
		return 0;
	c = capture_stream(from, "fuzz", err);
	if (!c && !err[0])
		abort();
	while (c && (got = capture_next(c, &f)) != 0) {
		if (got < 0 && !capture_error(c)[0])
			abort();
		if (got < 0)
			break;
		if (f.no != ++cnt || f.wire_len < f.len || f.port >= CAPTURE_PORTS || f.at < 0)
			abort();
		for (uint32_t i = 0; i < f.len; i++)
			sum += f.bytes[i];
		sum += f.has_id ? f.id & 1 : 0;
		sum += f.comment ? strlen(f.comment) : 0;
	}
	if (c)
		sum += strlen(capture_secrets(c)) + strlen(capture_comment(c));
	capture_close(c);
	fclose(from);
	return sum == SIZE_MAX;
}
