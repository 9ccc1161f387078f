/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_ESP_KIT_H
#define BATON_SUITES_ESP_KIT_H

/*
 * What the ESP cases share: packets told apart by their UDP port, on their way in and out, and the
 * inner packets of what A has sent.
 */
#include "suites/ike/ike_kit.h"

/* The peer sends a UDP packet with that port through the tunnel to the host. */
void esp_kit_in(struct world *w, uint16_t port);
/* The host sends one to the peer's side. */
void esp_kit_out(struct world *w, uint16_t port);
/* Send one more, and wait for it: what was sent before has been dealt with. As a precondition. */
bool esp_kit_flush(struct world *w, uint16_t port);

/* The first ESP frame (not a later fragment) from the port at or after `after`. */
size_t esp_kit_frame(struct world *w, enum lab_port p, ns_t after);
/* Wait for one from A; its frame, TRACE_NONE if none came. */
size_t esp_kit_sent(struct world *w, ns_t after, ns_t limit);
/* Open the ESP in that frame with the peer's keys; false if it does not open. */
bool esp_kit_open(struct world *w, size_t frame, uint8_t *buf, size_t cap, struct pkt *inner);
/* The first UDP packet in clear with that port from the port of the lab; TRACE_NONE if none. */
size_t esp_kit_clear(struct world *w, enum lab_port p, uint16_t port, ns_t after);

#endif
