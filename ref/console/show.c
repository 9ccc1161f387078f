/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `show` shows: each command builds one JSON value; --json prints it, and the text is written from
 * the same value (show_text), so that the two cannot differ. No key is in any of them.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/config.h"
#include "ref/console/show.h"

static json_t *
addr_json(ip4_t a)
{
	char t[IP4_TEXT];

	return json_string(ip4_put(t, a));
}

static json_t *
mac_json(struct mac m)
{
	char t[MAC_TEXT];

	return json_string(mac_put(t, &m));
}

static json_t *
net_json(struct ip4_net n)
{
	char a[IP4_TEXT], t[24];

	(void)snprintf(t, sizeof t, "%s/%u", ip4_put(a, n.addr), n.len);
	return json_string(t);
}

static json_t *
spi_json(uint32_t spi)
{
	char t[12];

	(void)snprintf(t, sizeof t, "0x%08x", spi);
	return json_string(t);
}

static json_t *
since_json(const struct console *k, ns_t since)
{
	return json_real((double)(k->now - since) / 1e9);
}

static json_t *
counts_json(const uint64_t *count, const char *const *names, unsigned cnt)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < cnt; i++)
		if (names[i])
			(void)json_object_set_new(o, names[i], json_integer((json_int_t)count[i]));
	return o;
}

static json_t *
group_json(const struct console *con, const struct node_group *g)
{
	const struct hsrp *h = &g->hsrp;

	return json_pack(
		"{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:b, s:I, s:I, s:o, s:o, s:o}",
		"interface", con->cfg->ifs[g->iface].name, "group", (int)h->cfg.group, "name",
		g->cfg->name, "state", hsrp_state_name(h->state), "since_s", since_json(con, h->since),
		"virtual_address", addr_json(h->vip), "virtual_mac", mac_json(hsrp_vmac(h)),
		"priority", (int)h->priority, "configured_priority", (int)h->cfg.priority,
		"preempt", (int)h->cfg.preempt, "hello_ms", (json_int_t)ns_to_ms(h->hello),
		"hold_ms", (json_int_t)ns_to_ms(h->hold), "active", addr_json(h->active_addr),
		"standby", addr_json(h->standby_addr), "counters",
		counts_json(h->count, hsrp_count_names, HSRP_CNT_CNT));
}

json_t *
show_standby(const struct console *con)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < con->node->group_cnt; i++)
		(void)json_array_append_new(a, group_json(con, &con->node->group[i]));
	return a;
}

json_t *
show_ssp_client(const struct console *con)
{
	bool on = con->node->ssp_cfg != NULL;

	return json_pack("[{s:i, s:s, s:s, s:s}, {s:i, s:s, s:s, s:s}]", "doi", 1, "name",
		"IPSec HA Manager", "version", "1.0", "running_version",
		on && con->node->ssp_ipsec ? "1.0" : "-", "doi", 2, "name", "IKE HA Manager",
		"version", "1.0", "running_version", on && con->node->ssp_ike ? "1.0" : "-");
}

json_t *
show_ssp_packet(const struct console *con)
{
	const struct ssp *s = &con->node->ssp;
	json_t *o = counts_json(s->count, ssp_count_names, SSP_CNT_CNT);

	(void)json_object_set_new(o, "socket-age-s", s->up ? since_json(con, s->since) : json_null());
	(void)json_object_set_new(o, "local-port", json_integer(con->local_port));
	(void)json_object_set_new(o, "remote-port", json_integer(con->remote_port));
	(void)json_object_set_new(
		o, "server-port", json_integer(con->node->ssp_cfg ? con->node->ssp_cfg->port : 0));
	return o;
}

json_t *
show_ssp_peers(const struct console *con)
{
	const struct ssp *s = &con->node->ssp;
	const struct cfg_if *f;

	if (!con->node->ssp_cfg)
		return json_array();
	f = cfg_if_towards(con->cfg, con->node->ssp_cfg->remote);
	return json_pack("[{s:o, s:s, s:s, s:s}]", "peer", addr_json(con->node->ssp_cfg->remote),
		"state",
		s->greeted ? "Connected"
		: con->channel_up ? "Greeting"
			   : "Not connected",
		"interface", f ? f->name : "-", "peer_role", ssp_role_name(s->peer_role));
}

json_t *
show_ssp_redundancy(const struct console *con)
{
	struct node *n = con->node;
	json_t *rows = json_array();

	for (unsigned i = 0; i < n->group_cnt; i++) {
		const struct node_group *g = &n->group[i];

		if (g->counts)
			(void)json_array_append_new(
				rows, json_pack("{s:o, s:s, s:s, s:s}", "virtual_address",
					      addr_json(g->hsrp.vip), "name", g->cfg->name,
					      "interface", con->cfg->ifs[g->iface].name, "state",
					      hsrp_state_name(g->hsrp.state)));
	}
	return json_pack("{s:s, s:o, s:b, s:b, s:i, s:b, s:o}", "role", node_role_name(n->role),
		"since_s", since_json(con, n->role_since), "ready", (int)n->ready, "standby_ready",
		(int)n->mirrored, "epoch", (int)n->ssp.epoch, "in_lease",
		(int)ssp_in_lease(&n->ssp, con->now), "groups", rows);
}

static json_t *
ike_json(const struct console *con, const struct node_ike *k)
{
	char i[2 * ISAKMP_COOKIE_LEN + 1], c[2 * ISAKMP_COOKIE_LEN + 1];
	const struct ike_sa *sa = ike_sa_find(&con->node->ike_core, &k->cookies);
	ns_t left = k->dormant || !sa ? k->copied_at + ns_from_s(k->copy.left_s) - con->now
				      : sa->hard_at - con->now;
	struct dpd_export x = k->dpd_copy;

	if (k->dpd_on)
		dpd_export(&k->dpd, &x);
	return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:I, s:{s:b, "
			 "s:I, s:I, s:b}}",
		"dst", addr_json(k->copy.local.addr), "src", addr_json(k->copy.remote.addr),
		"state", k->copy.confirmed ? "QM_IDLE" : "MM_KEY_EXCH", "status",
		k->dormant ? "STANDBY" : "ACTIVE", "initiator_cookie",
		hex_put(i, sizeof i, k->copy.cookies.i, ISAKMP_COOKIE_LEN), "responder_cookie",
		hex_put(c, sizeof c, k->copy.cookies.r, ISAKMP_COOKIE_LEN), "side",
		k->copy.initiator ? "initiator" : "responder", "cipher", (int)k->copy.cipher,
		"hash", (int)k->copy.hash, "group", (int)k->copy.group, "confirmed",
		(int)k->copy.confirmed, "left_s", (json_int_t)(left / NS_PER_S), "dpd", "capable",
		(int)k->copy.dpd, "sent", (json_int_t)x.sent_seq, "received",
		(json_int_t)x.recv_seq, "in_flight", (int)x.in_flight);
}

static json_t *
ikes_json(const struct console *con, bool dormant_only)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < con->node->ike_cnt; i++)
		if (con->node->ike[i].used && (con->node->ike[i].dormant || !dormant_only))
			(void)json_array_append_new(a, ike_json(con, &con->node->ike[i]));
	return a;
}

json_t *
show_isakmp_sa(const struct console *con)
{
	return ikes_json(con, false);
}

json_t *
show_isakmp_ha_standby(const struct console *con)
{
	return ikes_json(con, true);
}

static json_t *
resv_json(const struct node_pair *p)
{
	if (p->dormant)
		return json_pack(
			"{s:s, s:I}", "state", "dormant", "reserved", (json_int_t)p->copy_reserve);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "state", resv_state_name(p->resv.state),
		"next", (json_int_t)p->resv.next, "limit", (json_int_t)p->resv.limit,
		"acknowledged", (json_int_t)p->resv.acked, "asked", (json_int_t)p->resv.asked,
		"interval", (json_int_t)p->resv.interval);
}

static json_t *
pair_json(const struct console *con, const struct node_pair *p)
{
	const struct ike_child *c = &p->child;
	char cookies[4 * ISAKMP_COOKIE_LEN + 1];
	uint64_t kb = (p->in.bytes + p->out.bytes) / 1024;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:i, "
		"s:{s:I, s:i}, s:o, s:o, s:o}",
		"map", con->node->map[p->map].cfg->name, "status", p->dormant ? "STANDBY" : "ACTIVE",
		"local", addr_json(c->local.addr), "peer", addr_json(c->remote.addr), "proxy_local",
		net_json(c->proxy_local.net), "proxy_remote", net_json(c->proxy_remote.net),
		"spi_in", spi_json(c->spi_in), "spi_out", spi_json(c->spi_out), "transform",
		esp_alg(c->transform)->name, "side", c->initiator ? "initiator" : "responder",
		"left_s", (json_int_t)esp_life_left_s(&p->out, con->now), "limit_kb",
		(json_int_t)c->lifetime_kb, "used_kb", (json_int_t)kb,
		"ha_last_key_lifetime_sent_kb", (json_int_t)p->last_volume_kb, "ike_cookies",
		hex_put(cookies, sizeof cookies, &c->cookies, sizeof c->cookies), "iv_size",
		(int)esp_alg(c->transform)->iv_len, "replay_window", "top",
		(json_int_t)p->in.window.top, "size", (int)p->in.window.size, "reservation",
		resv_json(p), "inbound", counts_json(p->in.count, esp_count_names, ESP_CNT_CNT),
		"outbound", counts_json(p->out.count, esp_count_names, ESP_CNT_CNT));
}

static json_t *
pairs_json(const struct console *con, bool dormant_only)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < con->node->pair_cnt; i++) {
		const struct node_pair *p = &con->node->pair[i];

		if (p->used && (p->dormant || !dormant_only))
			(void)json_array_append_new(a, pair_json(con, p));
	}
	return a;
}

json_t *
show_ipsec_sa(const struct console *con)
{
	return pairs_json(con, false);
}

json_t *
show_ipsec_sa_standby(const struct console *con)
{
	return pairs_json(con, true);
}

json_t *
show_ipsec_ha(const struct console *con)
{
	struct node *n = con->node;
	int sas = 0;

	for (unsigned i = 0; i < n->pair_cnt; i++)
		sas += n->pair[i].used;
	if (n->out_if == CFG_IFS)
		return json_array();
	return json_pack("[{s:s, s:o, s:i, s:s, s:b, s:o}]", "interface",
		con->cfg->ifs[n->out_if].name, "virtual_address", addr_json(n->vip), "sa_pairs", sas,
		"state", node_role_name(n->role), "ready",
		(int)(n->role != NODE_NEITHER && (n->ready || n->mirrored)),
		"since_s", since_json(con, n->role_since));
}

/* What did not get through the sockets, by reason. */
static json_t *
system_json(const struct console *con)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < con->system_cnt; i++)
		(void)json_object_set_new(
			o, con->system[i].name, json_integer((json_int_t)con->system[i].value));
	return o;
}

json_t *
show_counters(const struct console *con)
{
	struct node *n = con->node;

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "node",
		counts_json(n->count, node_count_names, NODE_CNT_CNT), "ike",
		counts_json(n->ike_core.count, ike_reason_names, IKE_R_CNT), "ssp",
		counts_json(n->ssp.count, ssp_count_names, SSP_CNT_CNT), "fragments",
		counts_json(n->frag.count, ipfrag_count_names, IPFRAG_CNT_CNT), "system",
		system_json(con));
}

/* One row a direction of each SA, and one an IKE SA, as the crypto engine's table has it. */
json_t *
show_engine(const struct console *con)
{
	const struct node *n = con->node;
	const char *iface = n->out_if < CFG_IFS ? con->cfg->ifs[n->out_if].name : "-";
	json_t *a = json_array();
	int id = 0;

	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && !n->ike[i].dormant)
			(void)json_array_append_new(a,
				json_pack("{s:i, s:s, s:o, s:s, s:s, s:I, s:I}", "id", ++id, "interface",
					iface, "ip_address", addr_json(n->ike[i].peer), "state",
					"set", "algorithm", "ISAKMP", "encrypt", (json_int_t)0,
					"decrypt", (json_int_t)0));
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		const struct node_pair *p = &n->pair[i];

		if (!p->used || p->dormant)
			continue;
		for (unsigned in = 0; in < 2; in++)
			(void)json_array_append_new(a,
				json_pack("{s:i, s:s, s:o, s:s, s:s, s:I, s:I}", "id", ++id, "interface",
					iface, "ip_address", addr_json(p->child.remote.addr),
					"state", "set", "algorithm",
					esp_alg(p->child.transform)->name, "encrypt",
					(json_int_t)(in ? 0 : p->out.packets), "decrypt",
					(json_int_t)(in ? p->in.packets : 0)));
	}
	return a;
}

json_t *
show_running(const struct console *con)
{
	bool keys = !con->node->rules->show_hides_keys;
	size_t len = config_print(con->cfg, keys, NULL, 0);
	char *text = malloc(len + 1), *line, *save = NULL;
	json_t *a = json_array();

	if (!text)
		return a;
	(void)config_print(con->cfg, keys, text, len + 1);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		(void)json_array_append_new(a, json_string(line));
	free(text);
	return a;
}

json_t *
show_version(const struct console *con)
{
	return json_pack("{s:s, s:s, s:o}", "twind", con->version, "hostname", con->cfg->hostname,
		"up_s", since_json(con, con->started));
}
