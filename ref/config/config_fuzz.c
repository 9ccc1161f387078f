/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a configuration: refused with a place, or taken whole; nothing half applied. */
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"

/* What is printed is read back, and says the same. */
static void
round_trip(struct cfg *cfg)
{
	static char once[65536], twice[65536];
	struct config_error err;

	if (config_print(cfg, true, once, sizeof once) >= sizeof once)
		return;
	if (!config_parse(once, cfg, &err))
		abort();
	(void)config_print(cfg, true, twice, sizeof twice);
	if (strcmp(once, twice) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cfg cfg, before;
	struct config_error err;
	char text[8192], line[600];

	if (size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&cfg, 0x5a, sizeof cfg);
	before = cfg;
	if (!config_parse(text, &cfg, &err)) {
		config_error_text(&err, "fuzz", line, sizeof line);
		if (memcmp(&cfg, &before, sizeof cfg) != 0 || !err.expected[0])
			abort();
	} else {
		round_trip(&cfg);
	}
	return 0;
}
