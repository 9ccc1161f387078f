/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BENCH_BENCH_H
#define BATON_BENCH_BENCH_H

/*
 * What the reference router costs, measured inside one process: no sockets, no harness. Each prints
 * one JSON object a line; `baton bench` reads them. 0, or 1 after a message on stderr.
 */
#include <stddef.h>

#include "ref/base/time.h"

/* ESP of a core against libcrypto's own speed on the same buffers. span: of each measurement. */
int bench_esp(ns_t span);
/* Write `cnt` tunnels as SSP records (docs/spec/ssp.md): an IKE_SA and an IPSEC_SA each. */
int bench_sync_make(const char *file, size_t cnt);
/* Feed them to a router, promote it, and let a second one take all of them by bulk sync. */
int bench_sync(const char *file);

/* CLOCK_MONOTONIC, now. */
ns_t bench_now(void);

#endif
