/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_FILTER_H
#define BATON_TRACE_FILTER_H

/*
 * A capture filter, as tcpdump takes it (pcap-filter(7)), for frames that are here already. It is
 * libpcap's own: compiled for each kind of link that comes, when it first comes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_ERR 256

struct filter; /* owned, until filter_free */

/* NULL and a text in err (FILTER_ERR octets) if libpcap does not understand it. Copied. */
struct filter *filter_new(const char *expression, char *err);
void filter_free(struct filter *f); /* NULL is allowed */
/*
 * Does the frame pass? link is its LINKTYPE_ number, wire_len its octets on the wire. False for a
 * link for which the expression has no meaning (an Ethernet address on raw IP).
 */
bool filter_passes(struct filter *f, unsigned link, const void *bytes, size_t len, size_t wire_len);

#endif
