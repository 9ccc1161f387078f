/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_DPD_KIT_H
#define BATON_SUITES_DPD_KIT_H

/*
 * What the DPD cases share. Numbers are those that the peer has noted: it opens the messages. The
 * router's `crypto isakmp keepalive` in these cases is "msec 500 200 periodic" where it must
 * probe: silence of 500 ms, then an answer within 200 ms each, five repetitions.
 */
#include "suites/ike/ike_kit.h"

#define DPD_KIT_PERIODIC "msec 500 200 periodic"
#define DPD_KIT_EVERY (500 * NS_PER_MS)
#define DPD_KIT_RETRY (200 * NS_PER_MS)

/* The peer asks with that number (0: the next one); is it answered within the limit? */
bool dpd_kit_ask(struct world *w, uint32_t number, ns_t limit);
/* Numbers of the R-U-THEREs that came since, in order; how many there were in all. */
size_t dpd_kit_asked(const struct world *w, ns_t since, uint32_t *v, size_t cap);
/* How many ACKs with that number came since. */
size_t dpd_kit_acked(const struct world *w, uint32_t number, ns_t since);

#endif
