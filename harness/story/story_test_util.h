/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_STORY_STORY_TEST_UTIL_H
#define BATON_STORY_STORY_TEST_UTIL_H

/* A story over frames that a test makes, and what it told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/field/field.h"
#include "harness/story/story_in.h"

static struct story *s;
static struct keyring ring;
static char told[65536]; /* "kind frame text", one a line */
static uint64_t no;
static ns_t last_at;

__attribute__((unused)) static void
tell(void *ctx, const struct story_event *e)
{
	size_t len = strlen(told);

	(void)ctx;
	ck_assert(e->at >= last_at);
	last_at = e->at;
	snprintf(told + len, sizeof(told) - len, "%s %llu %s\n", e->kind,
		(unsigned long long)e->frame, e->text);
}

__attribute__((unused)) static void
setup(void)
{
	struct story_in in = {.keys = &ring, .tell = tell};

	keyring_init(&ring);
	told[0] = '\0';
	no = 0;
	last_at = 0;
	s = story_new(&in);
}

__attribute__((unused)) static void
teardown(void)
{
	story_free(s);
	keyring_free(&ring);
}

/* At a second and a half, and so on. */
__attribute__((unused)) static void
put(double at, unsigned port, const uint8_t *bytes, size_t len)
{
	const struct capture_frame f = {.no = ++no,
		.at = NS_PER_S + (ns_t)(at * 1e9),
		.bytes = bytes,
		.len = (uint32_t)len,
		.wire_len = (uint32_t)len,
		.port = (uint16_t)port,
		.link = 1};

	story_frame(s, 0, &f, NULL);
}

#define VIP IP4(10, 0, 0, 1)

__attribute__((unused)) static void
hsrp(double at, unsigned port, unsigned host, unsigned op, unsigned state, unsigned priority)
{
	const struct field_set sets[] = {SET("ip.src", VIP + host),
		SET("eth.src", 0x020000000000 + host), SET("hsrp.opcode", op),
		SET("hsrp.state", state), SET("hsrp.priority", priority), SET("hsrp.hellotime", 3),
		SET("hsrp.holdtime", 10), SET("hsrp.group", 1), SET("hsrp.vip", VIP)};
	uint8_t buf[128];

	put(at, port, buf,
		field_build(buf, sizeof(buf), "eth/ipv4/udp/hsrp", sets,
			sizeof(sets) / sizeof(sets[0]), NULL));
}

__attribute__((unused)) static void
esp(double at, unsigned port, unsigned host, uint32_t spi, uint32_t seq, uint64_t fill)
{
	const struct field_set sets[] = {SET("ip.src", VIP), SET("ip.dst", IP4(9, 9, 9, 9)),
		SET("eth.src", 0x020000000000 + host), SET("esp.spi", spi), SET("esp.seq", seq),
		SET_BYTES("esp.data", &fill, 8)};
	uint8_t buf[128];

	put(at, port, buf,
		field_build(buf, sizeof(buf), "eth/ipv4/esp", sets, sizeof(sets) / sizeof(sets[0]),
			NULL));
}

__attribute__((unused)) static void
has(const char *line)
{
	ck_assert_msg(strstr(told, line), "not told: %s\n%s", line, told);
}

__attribute__((unused)) static void
has_not(const char *line)
{
	ck_assert_msg(!strstr(told, line), "told: %s\n%s", line, told);
}

/* The verdict of the n-th law of that number. */
__attribute__((unused)) static enum law_verdict
law(int number, size_t n, uint64_t *judged)
{
	struct law_result out[LAWS_MAX];
	size_t cnt = story_laws(s, out);

	for (size_t i = 0; i < cnt; i++)
		if (out[i].law == number && !n--) {
			if (judged)
				*judged = out[i].judged;
			ck_assert(out[i].verdict != LAW_NOTHING || out[i].text[0]);
			return out[i].verdict;
		}
	ck_abort_msg("no law %d", number);
}

#endif
