/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/interop/frr/frr_kit.h"

#include <stdio.h>

#define ZEBRA "/usr/lib/frr/zebra"
#define OSPFD "/usr/lib/frr/ospfd"
#define UP_LIMIT (30 * NS_PER_S)

static const struct ip4_net behind = {LAB_REMOTE_NET, 24};

/* One namespace for both; ospfd is process 1, and takes zebra along. */
static const char *const start[] = {"/bin/sh", "-c",
	ZEBRA " -u root -g root -P 0 --vty_socket /run/frr -f /etc/frr/zebra.conf &"
	      " until [ -S /run/frr/zserv.api ]; do sleep 0.02; done;"
	      " exec " OSPFD " -u root -g root -P 0 --vty_socket /run/frr -f /etc/frr/ospfd.conf",
	NULL};

/* FRR wants its user in a group of its own, and here it runs as root. */
static const char groups[] = "root:x:0:\nfrr:x:64001:\nfrrvty:x:64002:root\n";

static const char zebra_conf[] = "log stdout informational\n"
				 "no zebra nexthop kernel enable\n";

static void
write_ospf(char *to, size_t cap, const char *interface, const char *id, bool member)
{
	(void)snprintf(to, cap,
		"log stdout informational\n"
		"interface %s\n"
		" ip ospf dead-interval minimal hello-multiplier 5\n"
		" ip ospf priority %d\n"
		"router ospf\n"
		" ospf router-id %s\n"
		" log-adjacency-changes detail\n"
		" timers throttle spf 0 50 5000\n"
		" timers throttle lsa all 0\n"
		" timers lsa min-arrival 0\n"
		" network 10.0.0.0/24 area 0\n"
		"%s",
		interface, member ? 0 : 10, id,
		member ? " redistribute kernel route-map RRI\n"
			 "ip prefix-list RRI seq 5 permit 10.2.0.0/16 le 32\n"
			 "route-map RRI permit 10\n"
			 " match ip address prefix-list RRI\n"
		       : "");
}

static struct guest *
run_frr(struct frr *f, enum lab_port p, const char *name, const char *interface, const char *id)
{
	char ospf[1024], err[LAB_ERR];
	const struct guest_program g = {.name = name,
		.argv = start,
		.hide = {"/etc/frr", "/var/tmp"},
		.file = {{"/etc/frr/zebra.conf", zebra_conf}, {"/etc/frr/ospfd.conf", ospf},
			{"/run/frr/.there", ""}},
		.over = {{"/etc/group", groups}}};
	struct guest *started;

	write_ospf(ospf, sizeof ospf, interface, id, p < PORT_PEER);
	started = guest_start(f->w.lab, p, &g, err);
	if (!started)
		case_broken(f->w.c, err);
	return started;
}

static bool
both_full(void *ctx)
{
	const struct frr *f = ctx;

	return guest_said(f->core, "Nbr 10.0.0.1,", 0) &&
	       guest_said_cnt(f->core, "-> Full", 0) >= LAB_MEMBERS;
}

bool
frr_kit_up(struct frr *f, struct case_run *c, const struct lab_text *knobs)
{
	static const struct guest_machine core = {
		.port = FRR_KIT_CORE, .net = {LAB_IN_PROBE, 24}, .forwards = true};
	struct lab_text slow = knobs ? *knobs : (struct lab_text){0};
	char err[LAB_ERR];

	case_needs(c, ZEBRA, "frr");
	case_needs(c, OSPFD, "frr");
	slow.hello_ms = (int)ns_to_ms(FRR_KIT_HELLO);
	slow.hold_ms = (int)ns_to_ms(FRR_KIT_HOLD);
	if (!pair_up(&f->w, c, &slow, NULL) || !pair_ready(&f->w, LAB_B))
		return false;
	if (!guest_machine_open(f->w.lab, &core, err) ||
		!guest_routes_watch(f->w.lab, FRR_KIT_CORE, err))
		case_broken(c, err);
	host_set_gateway(f->w.host, LAB_IN_PROBE);
	f->core = run_frr(f, FRR_KIT_CORE, "core-frr", "eth0", "10.0.0.99");
	f->member[LAB_A] = run_frr(f, PORT_A_IN, "A-frr", "eth1", "10.0.0.1");
	f->member[LAB_B] = run_frr(f, PORT_B_IN, "B-frr", "eth1", "10.0.0.2");
	return case_reach(c, "full OSPF adjacencies of the core with both", UP_LIMIT, both_full, f);
}

bool
frr_kit_carry(struct frr *f, struct case_run *c)
{
	return frr_kit_up(f, c, NULL) && pair_tunnel(&f->w) &&
	       frr_kit_reach(f, LAB_IN_A, FRR_KIT_SETTLE);
}

unsigned
frr_kit_ways(const struct frr *f, ip4_t *way)
{
	return guest_routed(f->w.lab, FRR_KIT_CORE, behind, way);
}

struct ask {
	struct frr *f;
	ip4_t way;
};

static bool
is_the_way(void *ctx)
{
	const struct ask *a = ctx;
	ip4_t way;
	unsigned ways = frr_kit_ways(a->f, &way);

	return a->way ? ways == 1 && way == a->way : ways == 0;
}

static const char *
in_words(ip4_t way, char *buf, size_t cap)
{
	char addr[IP4_TEXT];

	if (way)
		(void)snprintf(
			buf, cap, "the core to route 10.2.0.0/24 by %s alone", ip4_put(addr, way));
	else
		(void)snprintf(buf, cap, "the core to have no route to 10.2.0.0/24");
	return buf;
}

bool
frr_kit_await(struct frr *f, ip4_t way, ns_t limit)
{
	struct ask a = {f, way};
	char what[96];

	return case_await(f->w.c, in_words(way, what, sizeof what), limit, is_the_way, &a);
}

bool
frr_kit_reach(struct frr *f, ip4_t way, ns_t limit)
{
	struct ask a = {f, way};
	char what[96];

	return case_reach(f->w.c, in_words(way, what, sizeof what), limit, is_the_way, &a);
}

static bool
is_protected(const struct guest_route *r)
{
	return r->net.addr == behind.addr && r->net.len == behind.len;
}

ns_t
frr_kit_when(const struct frr *f, ip4_t way, ns_t from)
{
	const struct guest_route *log;
	size_t cnt = guest_routes(f->w.lab, FRR_KIT_CORE, &log);
	ns_t at = NS_NEVER;

	for (size_t i = 0; i < cnt; i++)
		if (is_protected(&log[i]) && log[i].at >= from && log[i].there &&
			log[i].ways == 1 && log[i].way == way)
			at = log[i].at;
	return at;
}

/* Each metric is a route of its own; FRR uses one. */
ns_t
frr_kit_beside(const struct frr *f, ns_t from)
{
	const struct guest_route *log;
	size_t cnt = guest_routes(f->w.lab, FRR_KIT_CORE, &log);
	ns_t sum = 0, since = NS_NEVER;

	for (size_t i = 0; i < cnt; i++) {
		if (!is_protected(&log[i]))
			continue;
		if (since != NS_NEVER && log[i].at > from)
			sum += log[i].at - (since > from ? since : from);
		since = log[i].there && log[i].ways > 1 ? log[i].at : NS_NEVER;
	}
	return since == NS_NEVER ? sum : sum + lab_now(f->w.lab) - (since > from ? since : from);
}

bool
frr_kit_sound(struct frr *f)
{
	const struct guest_route *log;
	size_t cnt = guest_routes(f->w.lab, FRR_KIT_CORE, &log);

	if (guest_died(f->core) || guest_died(f->member[LAB_A]) || guest_died(f->member[LAB_B])) {
		case_error(f->w.c, "a routing program ended by itself: see its log");
		return false;
	}
	for (size_t i = 0; i < cnt; i++)
		if (!case_expect(f->w.c,
			    !is_protected(&log[i]) || !log[i].there || log[i].way == LAB_IN_A ||
				    log[i].way == LAB_IN_B,
			    "expected the core to route by A or B, saw next hop 0x%x", log[i].way))
			return false;
	return true;
}
