/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the laws have to know of a pair, as one line of text: a trace carries it, so that it can be
 * judged from its file as it was when it was made. Words "name=number"; spans are nanoseconds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/judge.h"

void
judge_settings_put(const struct laws_in *in, char *text, size_t cap)
{
	snprintf(text, cap,
		"hello=%" PRId64 " hold=%" PRId64 " margin=%" PRId64 " route_margin=%" PRId64
		" dark_margin=%" PRId64 " replay_in=%u replay_out=%u max_jump=%u kb_steps=%u "
		"dynamic_map=%d plain_sync=%d near=%u near_bits=%u far=%u far_bits=%u skip=%u",
		in->hello, in->hold, in->margin, in->route_margin, in->dark_margin, in->replay_in,
		in->replay_out, in->max_jump, in->kb_steps, in->dynamic_map, in->plain_sync,
		in->near.addr, in->near.len, in->far.addr, in->far.len, in->skip);
}

static bool
number(const char *text, const char *name, int64_t *v)
{
	size_t len = strlen(name);
	char *end;

	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
		if ((at != text && at[-1] != ' ') || at[len] != '=')
			continue;
		*v = strtoll(at + len + 1, &end, 10);
		return end != at + len + 1 && (*end == ' ' || *end == '\0') && *v >= 0;
	}
	return false;
}

bool
judge_settings_get(struct laws_in *in, const char *text)
{
	static const char *const names[] = {"hello", "hold", "margin", "route_margin",
		"dark_margin", "replay_in", "replay_out", "max_jump", "kb_steps", "dynamic_map",
		"plain_sync", "near", "near_bits", "far", "far_bits", "skip"};
	int64_t v[sizeof(names) / sizeof(names[0])];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!number(text, names[i], &v[i]) || (i > 4 && v[i] > UINT32_MAX))
			return false;
	if (v[12] > 32 || v[14] > 32)
		return false;
	*in = (struct laws_in){.trace = in->trace,
		.keys = in->keys,
		.hello = v[0],
		.hold = v[1],
		.margin = v[2],
		.route_margin = v[3],
		.dark_margin = v[4],
		.replay_in = (uint32_t)v[5],
		.replay_out = (uint32_t)v[6],
		.max_jump = (uint32_t)v[7],
		.kb_steps = (uint32_t)v[8],
		.dynamic_map = v[9] != 0,
		.plain_sync = v[10] != 0,
		.near = {(ip4_t)v[11], (uint8_t)v[12]},
		.far = {(ip4_t)v[13], (uint8_t)v[14]},
		.skip = (unsigned)v[15]};
	return true;
}
