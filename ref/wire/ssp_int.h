/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_SSP_INT_H
#define BATON_WIRE_SSP_INT_H

/* What ssp.c, ssp_read.c and ssp_write.c share. Nobody else includes this. */
#include "ref/wire/ssp.h"

#define CLAUSE "ssp.md 1"

/* Which TLVs a message of each type must have: one bit a TLV type. */
extern const uint64_t ssp_needs[SSP_TYPE_CNT];
/* TLVs that are keys, by type; NULL for the others. */
struct secret *ssp_secret_of(struct ssp_msg *m, unsigned type);

#endif
