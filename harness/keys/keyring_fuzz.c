/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a key file; what was read is written and read back. */
#include <stdlib.h>

#include "harness/keys/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyring r, again;
	unsigned line;
	const char *what;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (!size)
		return 0;
	keyring_init(&r);
	keyring_init(&again);
	f = fmemopen((void *)(uintptr_t)data, size, "r");
	if (f)
		(void)keyring_read(&r, f, &line, &what);
	if (f)
		fclose(f);
	f = open_memstream(&text, &len);
	keyring_write(&r, f);
	fclose(f);
	f = len ? fmemopen(text, len, "r") : NULL;
	if (f && keyring_read(&again, f, &line, &what) < 0)
		abort();
	if (f && (again.esp_cnt != r.esp_cnt || again.tls_cnt != r.tls_cnt))
		abort();
	if (f)
		fclose(f);
	free(text);
	keyring_free(&r);
	keyring_free(&again);
	return 0;
}
