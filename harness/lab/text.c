/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The standard configuration of the pair, as text, with the knobs of struct lab_text. The language
 * is the router's; this file knows only how to write it, and every line passes through one place
 * (line), where a case may have it left out or replaced.
 */
#include "harness/lab/lab_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pre-shared key of the lab and the key of its sync channel: lab values, no secrets. */
#define PEER_KEY "baton-lab-key"
#define SYNC_KEY "6261746f6e2d6c61622d73796e632d6b65792d6f662d33322d6f63746574732e"

struct out {
	char *text;
	size_t len, cap;
	const struct lab_text *k;
};

static bool
begins(const char *line, const char *with)
{
	line += strspn(line, " ");
	with += strspn(with, " ");
	return strncmp(line, with, strlen(with)) == 0;
}

static void
append(struct out *o, const char *line)
{
	size_t len = strlen(line);

	if (o->cap - o->len < len + 2) {
		o->cap = (o->cap + len + 2) * 2;
		o->text = realloc(o->text, o->cap);
		if (!o->text)
			abort();
	}
	memcpy(o->text + o->len, line, len);
	o->len += len;
	o->text[o->len++] = '\n';
	o->text[o->len] = '\0';
}

/* One line of the standard text: dropped, replaced, or as it is. */
__attribute__((format(printf, 2, 3))) static void
line(struct out *o, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < 8; i++) {
		if (o->k->drop[i] && begins(text, o->k->drop[i]))
			return;
		if (o->k->swap[i][0] && begins(text, o->k->swap[i][0])) {
			append(o, o->k->swap[i][1]);
			return;
		}
	}
	append(o, text);
}

static void
extra(struct out *o, const char *const lines[8])
{
	for (size_t i = 0; i < 8; i++)
		if (lines[i])
			append(o, lines[i]);
}

static int
or_else(int value, int standard)
{
	return value ? value : standard;
}

static void
isakmp(struct out *o)
{
	line(o, "crypto isakmp policy 10");
	line(o, " encryption aes 128");
	line(o, " hash sha");
	line(o, " authentication pre-share");
	line(o, " group 2");
	line(o, " lifetime 86400");
	line(o, "crypto isakmp key " PEER_KEY " address 172.16.31.200");
	if (o->k->dpd)
		line(o, "crypto isakmp keepalive %s", o->k->dpd);
	if (!o->k->no_ssp)
		line(o, "crypto isakmp ssp 100");
}

static void
map_entry(struct out *o)
{
	if (o->k->static_map) {
		line(o, "crypto map M 10 ipsec-isakmp");
		line(o, " set peer 172.16.31.200");
	} else {
		line(o, "crypto dynamic-map D 10");
	}
	line(o, " set transform-set T");
	line(o, " match address 101");
	line(o, " reverse-route");
	extra(o, o->k->add_map);
	if (!o->k->static_map)
		line(o, "crypto map M 10 ipsec-isakmp dynamic D");
}

static void
ipsec(struct out *o)
{
	line(o, "crypto ipsec transform-set T %s",
		o->k->transform ? o->k->transform : "esp-aes 128 esp-sha-hmac");
	line(o, "access-list 101 permit ip 10.0.0.0 0.0.0.255 10.2.0.0 0.0.0.255");
	map_entry(o);
	if (!o->k->no_ssp)
		line(o, "crypto map M ha replay-interval inbound %d outbound %d",
			or_else(o->k->replay_in, 10), or_else(o->k->replay_out, 1000));
}

static void
standby(struct out *o, enum lab_member m, int group, const char *vip, const char *track)
{
	line(o, " standby %d ip %s", group, vip);
	line(o, " standby %d priority %d", group,
		or_else(o->k->priority[m], 100));
	if (!o->k->no_preempt)
		line(o, " standby %d preempt", group);
	line(o, " standby %d timers msec %d msec %d", group, or_else(o->k->hello_ms, LAB_HELLO_MS),
		or_else(o->k->hold_ms, LAB_HOLD_MS));
	line(o, " standby %d name %s", group, group == 1 ? "PUBLIC" : "PRIVATE");
	line(o, " standby %d track %s 20", group, track);
}

static void
interfaces(struct out *o, enum lab_member m)
{
	int last = m == LAB_A ? 1 : 2;

	line(o, "interface eth0");
	line(o, " ip address 172.16.31.%d 255.255.255.0", last);
	standby(o, m, 1, "172.16.31.100", "eth1");
	line(o, o->k->no_ssp ? " crypto map M" : " crypto map M ssp 100");
	extra(o, o->k->add_outside);
	line(o, "interface eth1");
	line(o, " ip address 10.0.0.%d 255.255.255.0", last);
	standby(o, m, 2, "10.0.0.100", "eth0");
	extra(o, o->k->add_inside);
	line(o, "interface eth2");
	line(o, " ip address 10.255.0.%d 255.255.255.0", last);
	extra(o, o->k->add_sync);
}

static void
ssp(struct out *o, enum lab_member m)
{
	line(o, "ssp group 100");
	line(o, " remote 10.255.0.%d", m == LAB_A ? 2 : 1);
	line(o, " redundancy PUBLIC");
	line(o, " redundancy PRIVATE");
	line(o, " key " SYNC_KEY);
}

char *
lab_text(const struct lab_text *knobs, enum lab_member m)
{
	struct out o = {.k = knobs};

	line(&o, "hostname %s", lab_member_name(m));
	isakmp(&o);
	ipsec(&o);
	if (!knobs->no_ssp)
		ssp(&o, m);
	interfaces(&o, m);
	line(&o, "ip route 0.0.0.0 0.0.0.0 172.16.31.200");
	extra(&o, knobs->add_global);
	return o.text;
}
