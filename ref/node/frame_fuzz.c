/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any frames into a whole router that is active: the first octet of each chunk says where
 * (interface, tunnel, sync channel), the second how long it is. The router must stand, and must
 * never put a protected packet out in clear.
 */
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"
#include "ref/node/node.h"
#include "ref/node/rules.h"

static const char text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha\n authentication pre-share\n group "
	"2\n lifetime 3600\n"
	"crypto isakmp key k address 10.9.0.9\ncrypto isakmp ssp 1\ncrypto ipsec transform-set T "
	"esp-gcm\n"
	"access-list 101 permit ip 10.0.0.0 0.0.0.255 10.2.0.0 0.0.0.255\n"
	"crypto dynamic-map D 1\n set transform-set T\n match address 101\n reverse-route\n"
	"crypto map M 1 ipsec-isakmp dynamic D\nssp group 1\n remote 10.8.0.2\n redundancy P\n "
	"redundancy Q\n"
	" key 000102030405060708090a0b0c0d0e0f\ninterface a\n ip address 10.9.0.1 255.255.255.0\n"
	" standby 1 ip 10.9.0.100\n standby 1 name P\n standby 1 timers msec 15 msec 50\n crypto "
	"map M ssp 1\n"
	"interface b\n ip address 10.0.0.1 255.255.255.0\n standby 2 ip 10.0.0.100\n standby 2 "
	"name Q\n"
	" standby 2 timers msec 15 msec 50\n";

static void
act(void *ctx, const struct node_act *a)
{
	(void)ctx;
	static const uint8_t from[3] = {10, 0, 0}, to[3] = {10, 2, 0}; /* what the list protects */

	if (a->kind == NODE_ACT_IP && a->len >= 20 && a->bytes[9] != IPV4_PROTO_ESP &&
		!memcmp(a->bytes + 12, from, 3) && !memcmp(a->bytes + 16, to, 3))
		abort(); /* a leak (law 9) */
}

static void
feed(struct node *n, ns_t *now, const struct node_in *in)
{
	static struct entropy e;
	const struct node_in tick = {.kind = NODE_IN_TICK};

	e.used = 0;
	*now += NS_PER_MS;
	node_step(n, *now, in, &e);
	if (*now >= node_deadline(n))
		node_step(n, *now, &tick, &e);
}

static void
start(struct node *n, struct cfg *cfg, struct node_rules *rules, ns_t *now)
{
	static const struct mac macs[CFG_IFS] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
	static struct entropy e;
	const struct node_sink sink = {.act = act};
	struct config_error err;

	if (!config_parse(text, cfg, &err))
		abort();
	node_rules_join(rules);
	node_init(n, cfg, rules, &crypto_null, macs, &sink, &e, *now);
	for (unsigned i = 0; i < 2; i++) {
		struct node_in in = {.kind = NODE_IN_LINK, .iface = i, .on = true};

		feed(n, now, &in);
	}
	for (int i = 0; i < 200; i++)
		feed(n, now, &(struct node_in){.kind = NODE_IN_TICK});
	feed(n, now, &(struct node_in){.kind = NODE_IN_SSP_UP});
	if (n->role != NODE_ACTIVE)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct node *n;
	static struct cfg cfg;
	static struct node_rules rules;
	static ns_t now;
	static unsigned runs;

	if (!n || ++runs % 2000 == 0) {
		if (!n)
			n = calloc(1, sizeof *n);
		memset(n, 0, sizeof *n);
		now = NS_PER_S;
		start(n, &cfg, &rules, &now);
	}
	while (size > 2) {
		size_t len = data[1] * 8u < size - 2 ? data[1] * 8u : size - 2;
		struct node_in in = {.kind = data[0] % 4 < 2	? NODE_IN_FRAME
					     : data[0] % 4 == 2 ? NODE_IN_TUN
								: NODE_IN_SSP_BYTES,
			.iface = data[0] % 4,
			.bytes = data + 2,
			.len = len};

		feed(n, &now, &in);
		data += len + 2;
		size -= len + 2;
	}
	return 0;
}
