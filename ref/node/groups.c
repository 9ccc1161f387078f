/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HSRP groups of this router, what they answer for, and the tracking that makes them move as
 * one: an interface that goes down lowers the priority of every group that tracks it.
 */
#include <string.h>

#include "ref/node/node_in.h"

static void
frame_start(struct wr *w, uint8_t *buf, size_t cap, struct mac dst, struct mac src,
	uint16_t type)
{
	const struct eth e = {.dst = dst, .src = src, .type = type};

	wr_init(w, buf, cap);
	eth_write(w, &e);
}

static const char *
opcode_name(uint8_t opcode)
{
	static const char *const names[] = {[HSRP_HELLO] = "Hello",
		[HSRP_COUP] = "Coup",
		[HSRP_RESIGN] = "Resign",
		[HSRP_ADVERTISE] = "Advertise"};

	return opcode < sizeof names / sizeof names[0] ? names[opcode] : "?";
}

static void
message_send(struct node *n, struct node_group *g, const struct hsrp_act *a)
{
	static const struct mac all_routers = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x02}};
	const struct ipv4 ip = {
		.tos = 0xc0,
		.ttl = n->rules->hsrp.ttl,
		.src = g->hsrp.cfg.address,
		.dst = HSRP_GROUP_ADDR,
	};
	uint8_t body[HSRP_LEN], buf[128];
	struct wr w, b;

	if (!n->link[g->iface] && a->msg.opcode != HSRP_RESIGN)
		return;
	node_trace(n, NODE_DEBUG_STANDBY_PACKETS, "standby send", opcode_name(a->msg.opcode),
		g->hsrp.vip, a->msg.priority);
	wr_init(&b, body, sizeof body);
	hsrp_write(&b, &a->msg);
	frame_start(&w, buf, sizeof buf, all_routers,
		a->from_vmac ? hsrp_vmac(&g->hsrp) : n->mac[g->iface], ETH_TYPE_IP4);
	udp_packet_write(&w, &ip, HSRP_PORT, HSRP_PORT, body, b.len);
	node_emit_bytes(n, NODE_ACT_FRAME, g->iface, buf, w.len);
}

static void
arp_send(struct node *n, struct node_group *g, uint16_t op, const struct mac *to, ip4_t to_addr)
{
	struct mac vmac = hsrp_vmac(&g->hsrp);
	struct mac own = n->rules->arp_vmac ? vmac : n->mac[g->iface];
	struct arp a = {.op = op, .sha = own, .spa = g->hsrp.vip, .tha = *to, .tpa = to_addr};
	uint8_t buf[ETH_LEN + ARP_LEN];
	struct wr w;

	frame_start(&w, buf, sizeof buf, *to, own, ETH_TYPE_ARP);
	arp_write(&w, &a);
	node_emit_bytes(n, NODE_ACT_FRAME, g->iface, buf, w.len);
}

static void
state_note(struct node *n, struct node_group *g, const struct hsrp_act *a)
{
	char letter[2] = {a->event, '\0'};
	struct node_act out = {.kind = NODE_ACT_NOTE};

	out.note = (struct node_note){
		.area = "hsrp",
		.what = letter,
		.from = hsrp_state_name(a->from),
		.to = hsrp_state_name(a->to),
		.number = g->hsrp.cfg.group,
		.peer = g->hsrp.vip,
	};
	node_emit(n, &out);
}

static void
carry_out(struct node *n, struct node_group *g, const struct hsrp_acts *acts)
{
	bool changed = false;

	for (unsigned i = 0; i < acts->cnt; i++) {
		const struct hsrp_act *a = &acts->v[i];

		switch (a->kind) {
		case HSRP_ACT_SEND:
			message_send(n, g, a);
			break;
		case HSRP_ACT_GARP:
			if (n->rules->garp)
				arp_send(n, g, ARP_REPLY, &eth_broadcast, g->hsrp.vip);
			break;
		case HSRP_ACT_OWN_VIP:
			g->own = true;
			break;
		case HSRP_ACT_DROP_VIP:
			g->own = false;
			break;
		case HSRP_ACT_STATE:
			changed = true;
			state_note(n, g, a);
			break;
		}
	}
	if (changed)
		role_settle(n);
}

static void
step(struct node *n, struct node_group *g, const struct hsrp_in *in)
{
	struct hsrp_acts acts;

	hsrp_step(&g->hsrp, n->now, in, &acts);
	carry_out(n, g, &acts);
}

static bool
named(const struct node *n, const char *name)
{
	if (!n->ssp_cfg)
		return false;
	for (unsigned i = 0; i < n->ssp_cfg->redundancy_cnt; i++)
		if (!strcmp(n->ssp_cfg->redundancy[i], name))
			return true;
	return false;
}

static void
group_new(struct node *n, unsigned iface, const struct cfg_standby *c)
{
	struct node_group *g = &n->group[n->group_cnt++];
	uint32_t seed = 0;

	if (!entropy_take(n->entropy, &seed, sizeof seed))
		seed = (uint32_t)n->now;
	memset(g, 0, sizeof *g);
	g->iface = iface;
	g->cfg = c;
	hsrp_init(&g->hsrp, &c->hsrp, &n->rules->hsrp, seed, n->now);
}

/* Which of them decide on the role. */
static void
groups_count(struct node *n)
{
	for (unsigned i = 0; i < n->group_cnt; i++) {
		struct node_group *g = &n->group[i];

		g->counts = n->ssp_cfg ? named(n, g->cfg->name) : g->iface == n->out_if;
	}
}

void
groups_init(struct node *n)
{
	for (unsigned i = 0; i < n->cfg->if_cnt; i++)
		for (unsigned k = 0; k < n->cfg->ifs[i].standby_cnt; k++)
			group_new(n, i, &n->cfg->ifs[i].standby[k]);
	groups_count(n);
	groups_synced(n);
}

/*
 * Would the groups part, or have they? The crypto interface's is active at the other member, and
 * this one runs for active here, or is it, and the other one has spoken since. Nobody may use an SA
 * then (role.c). The outside group leads: one that tracks it counts it as down, and the other member
 * has this one as well (docs/decisions/0014).
 */
static bool
apart(const struct node *n, const struct node_group *g, const struct cfg_if *f)
{
	bool is = g->hsrp.state == HSRP_ACTIVE;

	if (!n->rules->track_apart || !g->counts || f - n->cfg->ifs != (ptrdiff_t)n->out_if ||
		(!is && g->hsrp.state != HSRP_LISTEN && g->hsrp.state != HSRP_SPEAK))
		return false;
	for (unsigned i = 0; i < n->group_cnt; i++) {
		const struct node_group *o = &n->group[i];

		if (o->iface == n->out_if && o->counts && o->hsrp.state != HSRP_ACTIVE &&
			o->hsrp.active_addr && (!is || o->hsrp.active_heard > g->hsrp.since))
			return true;
	}
	return false;
}

static void
priorities(struct node *n)
{
	for (unsigned i = 0; i < n->group_cnt; i++) {
		struct node_group *g = &n->group[i];
		struct hsrp_in in = {.kind = HSRP_IN_PRIORITY};
		unsigned p = g->cfg->hsrp.priority;

		for (unsigned t = 0; t < g->cfg->track_cnt && n->rules->track; t++) {
			const struct cfg_if *f = cfg_if(n->cfg, g->cfg->track[t].interface);
			unsigned down = g->cfg->track[t].decrement;

			if (!f || (n->link[f - n->cfg->ifs] && !apart(n, g, f)))
				continue;
			p = p > down ? p - down : 1;
			if (!n->rules->track_all)
				break;
		}
		in.priority = (uint8_t)p;
		if (p == g->hsrp.priority)
			continue;
		node_trace(n, NODE_DEBUG_STANDBY_EVENTS, "standby", "priority is now", g->hsrp.vip, p);
		step(n, g, &in);
	}
}

/* The group that goes on as this one in another configuration; NULL if it begins anew or goes. */
static const struct cfg_standby *
goes_on(const struct node_group *g, const char *iface, const struct cfg *next)
{
	const struct cfg_if *f = cfg_if(next, iface);
	const struct hsrp_cfg *h = &g->cfg->hsrp;

	for (unsigned k = 0; f && k < f->standby_cnt; k++) {
		const struct cfg_standby *c = &f->standby[k];

		if (c->hsrp.group == h->group && c->hsrp.vip == h->vip &&
			c->hsrp.address == h->address && c->has_ip == g->cfg->has_ip)
			return c;
	}
	return NULL;
}

void
groups_leave(struct node *n, const struct cfg *next)
{
	struct hsrp_in in = {.kind = HSRP_IN_DISABLE};

	for (unsigned i = 0; i < n->group_cnt; i++)
		if (!goes_on(&n->group[i], n->cfg->ifs[n->group[i].iface].name, next))
			step(n, &n->group[i], &in);
}

void
groups_configure(struct node *n, const struct cfg *before, const unsigned from[CFG_IFS])
{
	struct node_group old[CFG_IFS * CFG_STANDBYS];
	unsigned old_cnt = n->group_cnt;
	struct hsrp_in enable = {.kind = HSRP_IN_ENABLE};
	bool fresh[CFG_IFS * CFG_STANDBYS] = {false};

	memcpy(old, n->group, sizeof old);
	n->group_cnt = 0;
	for (unsigned i = 0; i < n->cfg->if_cnt; i++)
		for (unsigned k = 0; k < n->cfg->ifs[i].standby_cnt; k++) {
			const struct cfg_standby *c = &n->cfg->ifs[i].standby[k];
			unsigned o = 0;

			while (o < old_cnt && (old[o].iface != from[i] ||
						      goes_on(&old[o], before->ifs[old[o].iface].name,
							      n->cfg) != c))
				o++;
			fresh[n->group_cnt] = o == old_cnt;
			if (o == old_cnt) {
				group_new(n, i, c);
				continue;
			}
			n->group[n->group_cnt] = old[o];
			n->group[n->group_cnt].iface = i;
			n->group[n->group_cnt++].cfg = c;
		}
	groups_count(n);
	for (unsigned i = 0; i < n->group_cnt; i++) {
		struct node_group *g = &n->group[i];
		struct hsrp_in in = {.kind = HSRP_IN_CONFIGURE, .cfg = &g->cfg->hsrp};

		if (!fresh[i])
			step(n, g, &in);
		else if (n->link[g->iface] && g->cfg->has_ip)
			step(n, g, &enable);
	}
	priorities(n);
	groups_synced(n);
}

void
groups_link(struct node *n, unsigned iface, bool up, bool reload)
{
	struct hsrp_in in = {.kind = up ? HSRP_IN_ENABLE : HSRP_IN_DISABLE, .on = reload};

	if (iface >= n->cfg->if_cnt || n->link[iface] == up)
		return;
	n->link[iface] = up;
	node_note(n, "link", up ? "up" : "down", n->cfg->ifs[iface].addr, iface);
	priorities(n);
	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].iface == iface && n->group[i].cfg->has_ip)
			step(n, &n->group[i], &in);
}

void
groups_stop(struct node *n)
{
	struct hsrp_in in = {.kind = HSRP_IN_DISABLE};

	node_note(n, "node", "stopping", 0, 0);
	for (unsigned i = 0; i < n->pair_cnt && n->live; i++) {
		if (!n->pair[i].used || n->pair[i].dormant)
			continue;
		(void)sync_replay(n, &n->pair[i]);
		(void)sync_volume(n, &n->pair[i]);
	}
	for (unsigned i = 0; i < n->group_cnt; i++)
		step(n, &n->group[i], &in);
}

void
groups_message(struct node *n, unsigned iface, ip4_t src, struct rd *payload)
{
	struct hsrp_msg m;
	struct hsrp_in in = {.kind = HSRP_IN_MESSAGE, .src = src, .msg = &m};
	uint64_t bad;

	if (hsrp_decode(payload, &m, NULL) != ERR_OK) {
		n->count[NODE_CNT_HSRP_REFUSED]++;
		node_trace(n, NODE_DEBUG_STANDBY_ERRORS, "standby", "malformed", src, iface);
		return;
	}
	for (unsigned i = 0; i < n->group_cnt; i++) {
		struct node_group *g = &n->group[i];

		if (g->iface != iface || src == g->hsrp.cfg.address)
			continue;
		if (m.opcode != HSRP_ADVERTISE && m.group != g->hsrp.cfg.group)
			continue;
		node_trace(n, NODE_DEBUG_STANDBY_PACKETS, "standby receive", opcode_name(m.opcode),
			src, m.priority);
		bad = g->hsrp.count[HSRP_CNT_BAD_AUTH] + g->hsrp.count[HSRP_CNT_OTHER_VIP];
		step(n, g, &in);
		if (g->hsrp.count[HSRP_CNT_BAD_AUTH] + g->hsrp.count[HSRP_CNT_OTHER_VIP] > bad)
			node_trace(n, NODE_DEBUG_STANDBY_ERRORS, "standby",
				"other authentication or virtual address", src, m.group);
	}
	priorities(n);
}

void
groups_tick(struct node *n)
{
	struct hsrp_in in = {.kind = HSRP_IN_TICK};

	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->now >= hsrp_deadline(&n->group[i].hsrp))
			step(n, &n->group[i], &in);
	priorities(n);
}

/* A standby that is not ready does not preempt, unless half of this router is active already. */
void
groups_synced(struct node *n)
{
	struct hsrp_in in = {.kind = HSRP_IN_SYNCED,
		.on = (n->ready && n->role == NODE_STANDBY) || !n->ssp_cfg};

	if (!n->rules->preempt_when_ready || n->role == NODE_ACTIVE)
		in.on = true;
	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].counts && n->group[i].hsrp.state == HSRP_ACTIVE)
			in.on = true;
	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].hsrp.synced != in.on)
			step(n, &n->group[i], &in);
}

ns_t
groups_deadline(const struct node *n)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; i < n->group_cnt; i++)
		t = ns_min(t, hsrp_deadline(&n->group[i].hsrp));
	return t;
}

void
groups_arp(struct node *n, unsigned iface, struct rd *r)
{
	struct arp a;

	if (arp_decode(r, &a, NULL) != ERR_OK) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	for (unsigned i = 0; i < n->group_cnt && a.op == ARP_REQUEST; i++) {
		struct node_group *g = &n->group[i];

		if (g->iface != iface || !a.tpa || a.tpa != g->hsrp.vip ||
			(!g->own && n->rules->arp_only_owner))
			continue;
		n->count[NODE_CNT_ARP_ANSWERED]++;
		arp_send(n, g, ARP_REPLY, &a.sha, a.spa);
	}
}

struct node_group *
groups_owned_mac(struct node *n, unsigned iface, const struct mac *m)
{
	for (unsigned i = 0; i < n->group_cnt; i++) {
		struct mac v = hsrp_vmac(&n->group[i].hsrp);

		if (n->group[i].iface == iface && mac_equal(&v, m) &&
			(n->group[i].own || !n->rules->vip_only_owner))
			return &n->group[i];
	}
	return NULL;
}

struct node_group *
groups_owned_vip(struct node *n, unsigned iface, ip4_t a)
{
	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].iface == iface && n->group[i].hsrp.vip == a &&
			(n->group[i].own || !n->rules->vip_only_owner))
			return &n->group[i];
	return NULL;
}
