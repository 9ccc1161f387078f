/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an SSP message: refused, or read, written and read again to the same. */
#include <stdlib.h>
#include <string.h>

#include "ref/wire/ssp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ssp_msg m, again;
	static uint8_t out[2 * SSP_MSG_MAX];
	struct why why;
	struct wr w;
	size_t len;

	if (ssp_frame(data, size, &len, &why) != ERR_OK)
		return 0;
	if (ssp_decode(data, len, &m, &why) != ERR_OK)
		return 0;
	m.has_optional = false; /* what may be ignored is not written again */
	wr_init(&w, out, sizeof out);
	if (ssp_encode(&w, &m) != ERR_OK || ssp_decode(out, w.len, &again, &why) != ERR_OK ||
		memcmp(&m, &again, sizeof m) != 0)
		abort();
	return 0;
}
