/* SPDX-License-Identifier: BSD-2-Clause */
/* The eight clear octets of ESP; all the rest needs a key and is core/esp.c's. */
#include "ref/wire/esp.h"

enum err
esp_hdr_decode(struct rd *r, struct esp_hdr *h, struct why *why)
{
	size_t at = rd_offset(r);
	enum err e;

	h->spi = rd_u32(r, "esp.spi");
	h->seq = rd_u32(r, "esp.seq");
	e = rd_done(r, why, "RFC 4303 2");
	if (!e && h->spi == 0)
		e = err_set(why, ERR_VALUE, "esp.spi", at, "RFC 4303 2.1");
	return e;
}

void
esp_hdr_write(struct wr *w, const struct esp_hdr *h)
{
	wr_u64(w, (uint64_t)h->spi << 32 | h->seq);
}
