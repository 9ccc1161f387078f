/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files from anywhere: pcap and pcapng, whole or broken, through trace_read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/trace/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", 0);
	char path[64], err[TRACE_ERR];
	struct trace *t;
	size_t cut, bytes = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t = trace_read(path, &cut, err);
	for (size_t i = 0; t && i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		bytes += f->len ? f->bytes[f->len - 1] : 0;
	}
	(void)bytes;
	trace_free(t);
	close(fd);
	return 0;
}
