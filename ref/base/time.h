/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_TIME_H
#define BATON_BASE_TIME_H

/*
 * Instants and spans, both in nanoseconds. An instant is an argument everywhere below sys/; its
 * zero is whatever the caller's monotonic clock calls zero. NS_NEVER is later than any instant and
 * is what a core's _deadline returns when it waits for nothing.
 */
#include <stdint.h>

typedef int64_t ns_t;

#define NS_NEVER INT64_MAX
#define NS_PER_US ((ns_t)1000)
#define NS_PER_MS ((ns_t)1000000)
#define NS_PER_S ((ns_t)1000000000)

static inline ns_t
ns_from_ms(int64_t ms)
{
	return ms * NS_PER_MS;
}

static inline ns_t
ns_from_s(int64_t s)
{
	return s * NS_PER_S;
}

static inline int64_t
ns_to_ms(ns_t t)
{
	return t / NS_PER_MS;
}

static inline ns_t
ns_min(ns_t a, ns_t b)
{
	return a < b ? a : b;
}

#endif
