/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_ESP_H
#define BATON_WIRE_ESP_H

/* The clear part of an ESP packet (RFC 4303 2): what is needed to find the SA. */
#include "ref/base/cursor.h"

#define ESP_HDR_LEN 8
#define ESP_NEXT_IPV4 4
#define ESP_NEXT_NONE 59

struct esp_hdr {
	uint32_t spi; /* host order; 0 to 255 are reserved (2.1) */
	uint32_t seq;
};

/* Read SPI and sequence number; ERR_SHORT, or ERR_VALUE for SPI 0 (never on the wire, 2.1). */
enum err esp_hdr_decode(struct rd *r, struct esp_hdr *h, struct why *why) MUST_CHECK;
void esp_hdr_write(struct wr *w, const struct esp_hdr *h);

#endif
