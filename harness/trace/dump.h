/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_DUMP_H
#define BATON_TRACE_DUMP_H

/*
 * A capture file written frame by frame: pcap with nanosecond stamps, in this machine's byte order.
 * Nothing is held in memory. A file appears under its name only once it is whole (dump_close; see
 * place.h).
 *
 * For a trace with ports, comments and secrets see trace_write: a pcapng of a whole trace.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/time.h"

#define DUMP_ERR 256
#define DUMP_ETHERNET 1 /* link types, as in pcap files */

struct dump; /* owned by whoever opened it, until dump_close or dump_drop */

/* NULL and a text in err (DUMP_ERR octets) if the file cannot be made. */
struct dump *dump_open(const char *path, uint32_t link, char *err);
/* One frame. `at` counts from 1970; wire_len: its octets on the wire, at least len. */
void dump_put(struct dump *d, ns_t at, const void *bytes, size_t len, size_t wire_len);
/* Finish. False and a text in err if it could not be written whole; then no file is left
 * (a device or pipe has what was written by then). */
bool dump_close(struct dump *d, char *err);
/* Give it up: no file is left. NULL is allowed. */
void dump_drop(struct dump *d);

#endif
