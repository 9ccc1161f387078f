/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an HSRP message: refused, or read and written back to the same fields. */
#include <stdlib.h>
#include <string.h>

#include "ref/wire/hsrp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hsrp_msg m, again;
	uint8_t out[64];
	struct why why;
	struct rd r;
	struct wr w;

	rd_init(&r, data, size);
	if (hsrp_decode(&r, &m, &why) != ERR_OK)
		return 0;
	wr_init(&w, out, sizeof out);
	hsrp_write(&w, &m);
	rd_init(&r, out, w.len);
	if (hsrp_decode(&r, &again, &why) != ERR_OK || memcmp(&m, &again, sizeof m) != 0)
		abort();
	return 0;
}
