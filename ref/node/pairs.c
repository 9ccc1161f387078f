/* SPDX-License-Identifier: BSD-2-Clause */
/* SA pairs: their table, their lifetimes, their reservation. */
#include <assert.h>
#include <string.h>

#include "ref/node/node_in.h"

#define RESPONDER_LATER (10 * NS_PER_S)

unsigned
pairs_index(const struct node *n, const struct node_pair *p)
{
	return (unsigned)(p - n->pair);
}

struct node_pair *
pairs_new(struct node *n)
{
	for (unsigned i = n->pair_free; i < NODE_PAIRS; i++) {
		struct node_pair *p = &n->pair[i];

		if (p->used)
			continue;
		n->pair_free = i + 1;
		memset(p, 0, sizeof *p);
		p->used = true;
		p->born = ++n->born;
		p->dies_at = NS_NEVER;
		if (i >= n->pair_cnt)
			n->pair_cnt = i + 1;
		return p;
	}
	n->count[NODE_CNT_TABLE_FULL]++;
	return NULL;
}

struct node_pair *
pairs_by_spi_in(struct node *n, uint32_t spi)
{
	for (uint32_t i = index_first(&n->by_spi, index_hash(&n->by_spi, &spi, sizeof spi));
		i != INDEX_END; i = index_next(&n->by_spi, i))
		if (n->pair[i].child.spi_in == spi)
			return &n->pair[i];
	return NULL;
}

struct node_pair *
pairs_by_spis(struct node *n, const struct ssp_spis *s)
{
	for (uint32_t i = index_first(&n->by_spi, index_hash(&n->by_spi, &s->in, sizeof s->in));
		i != INDEX_END; i = index_next(&n->by_spi, i)) {
		const struct ike_child *c = &n->pair[i].child;

		if (c->spi_in == s->in && c->spi_out == s->out && c->remote.addr == s->peer)
			return &n->pair[i];
	}
	return NULL;
}

struct ssp_spis
pairs_spis(const struct node_pair *p)
{
	return (struct ssp_spis){p->child.remote.addr, p->child.spi_in, p->child.spi_out};
}

void
pairs_ends(struct node_pair *p)
{
	const struct ike_child *c = &p->child;
	bool udp = c->natt & IKE_NATT_ON;

	p->in.src = p->out.dst = c->remote.addr;
	p->in.dst = p->out.src = c->local.addr;
	p->in.sport = p->out.dport = udp ? c->remote.port : 0;
	p->in.dport = p->out.sport = udp ? c->local.port : 0;
}

/* The index has it under this SPI from now on; 0: not any more. */
static void
spi_known(struct node *n, struct node_pair *p, uint32_t spi)
{
	uint32_t was = p->child.spi_in;

	if (was)
		index_del(&n->by_spi, index_hash(&n->by_spi, &was, sizeof was), pairs_index(n, p));
	if (spi)
		index_add(&n->by_spi, index_hash(&n->by_spi, &spi, sizeof spi), pairs_index(n, p));
}

void
pairs_changed(struct node *n)
{
	if (++n->generation == 0) { /* what is older must not look new */
		memset(n->flow, 0, sizeof n->flow);
		n->generation = 1;
	}
}

/* Keys go to the two ESP SAs; the copy of the child keeps none. */
void
pairs_setup(struct node *n, struct node_pair *p, const struct ike_child *c)
{
	static const enum esp_df df[] = {
		[CFG_DF_CLEAR] = ESP_DF_CLEAR, [CFG_DF_COPY] = ESP_DF_COPY, [CFG_DF_SET] = ESP_DF_SET};

	spi_known(n, p, c->spi_in);
	p->child = *c;
	secret_wipe(&p->child.enc_in);
	secret_wipe(&p->child.auth_in);
	secret_wipe(&p->child.enc_out);
	secret_wipe(&p->child.auth_out);
	assert(c->map_id >= 1 && c->map_id <= n->map_cnt);
	p->map = c->map_id - 1;
	p->use_out = c->use_out;
	esp_sa_init(&p->in, true, c->transform, c->spi_in, c->remote.addr, c->local.addr,
		&c->enc_in, &c->auth_in);
	esp_sa_init(&p->out, false, c->transform, c->spi_out, c->local.addr, c->remote.addr,
		&c->enc_out, &c->auth_out);
	if (!n->rules->natt_encapsulate)
		p->child.natt = 0;
	pairs_ends(p);
	esp_window_init(&p->in.window, n->cfg->window);
	p->in.created = p->out.created = n->now;
	p->in.hard_at = p->out.hard_at = n->now + ns_from_s(c->lifetime_s);
	p->in.hard_kb = p->out.hard_kb = c->lifetime_kb;
	p->out.df = df[n->cfg->df];
	resv_init(&p->resv, &n->rules->resv, n->ha.outbound, n->rules->esp.first_seq);
}

static void
route(struct node *n, const struct node_pair *p, bool up)
{
	struct rri_in in = {
		.kind = up ? RRI_IN_SA_UP : RRI_IN_SA_DOWN, .net = p->child.proxy_remote.net};

	rri_step(&n->rri, n->now, &in, &n->rri_acts);
	node_emit_routes(n);
}

void
pairs_live(struct node *n, struct node_pair *p)
{
	struct node_act a = {.kind = NODE_ACT_KEY_ESP, .pair = p};

	p->dormant = false;
	p->sent_at = n->now;
	node_emit(n, &a);
	nat_wake(n);
	pairs_changed(n);
	pairs_touch(n, p);
	if ((n->map[p->map].reverse_route || !n->rules->routes_only_asked) && !p->rri) {
		p->rri = true;
		route(n, p, true);
	}
}

void
pairs_drop(struct node *n, struct node_pair *p)
{
	if (p->rri)
		route(n, p, false);
	if (!p->dormant && !p->dying && n->live)
		replace_gone(n, p);
	if (!p->dormant)
		pairs_changed(n);
	spi_known(n, p, 0);
	if (pairs_index(n, p) < n->pair_free)
		n->pair_free = pairs_index(n, p);
	esp_sa_wipe(&p->in);
	esp_sa_wipe(&p->out);
	wipe(p, sizeof *p);
	while (n->pair_cnt && !n->pair[n->pair_cnt - 1].used)
		n->pair_cnt--;
}

void
pairs_resv(struct node *n, struct node_pair *p, const struct resv_in *in)
{
	struct resv_out out;

	resv_step(&p->resv, n->now, in, &out);
	if (out.ask)
		(void)sync_reserve(n, p, out.ask);
	if (p->resv.rekey && n->live)
		pairs_rekey(n, p);
	pairs_touch(n, p);
}

void
pairs_rekey(struct node *n, struct node_pair *p)
{
	struct ike_in in = {.kind = IKE_IN_INITIATE,
		.map_id = p->child.map_id,
		.local = p->child.local,
		.remote = p->child.remote,
		.proxy_local = p->child.proxy_local,
		.proxy_remote = p->child.proxy_remote,
		.replaces = p->child.spi_in};

	if (p->rekeying || p->dying || n->now < p->rekey_after)
		return;
	p->rekeying = true;
	n->count[NODE_CNT_REKEYS]++;
	node_note(n, "ipsec", "rekey", p->child.remote.addr, p->child.spi_out);
	keying_step(n, &in);
}

static ns_t
soft_due(const struct node *n, const struct node_pair *p)
{
	ns_t soft = p->out.hard_at - n->rules->esp.soft_before;

	if (soft < p->out.created)
		soft = p->out.created + (p->out.hard_at - p->out.created) / 2;
	if (!p->child.initiator) /* an heir may inherit little: still ahead of the end */
		soft += ns_min(RESPONDER_LATER, (p->out.hard_at - soft) / 2);
	else /* not all pairs of one moment at one moment */
		soft -= (soft - p->out.created) / 16 * (p->child.spi_in & 255) / 256;
	return soft > p->rekey_after ? soft : p->rekey_after;
}

static bool
soft_kb(const struct node *n, const struct node_pair *p)
{
	return esp_life(&p->in, &n->rules->esp, p->in.created) != ESP_LIFE_OK ||
	       esp_life(&p->out, &n->rules->esp, p->out.created) != ESP_LIFE_OK;
}

static bool
hard_kb(const struct node *n, const struct node_pair *p)
{
	return esp_life(&p->in, &n->rules->esp, p->in.created) == ESP_LIFE_HARD ||
	       esp_life(&p->out, &n->rules->esp, p->out.created) == ESP_LIFE_HARD;
}

void
pairs_delete(struct node *n, struct node_pair *p, const char *what)
{
	struct ike_in in = {.kind = IKE_IN_DELETE_CHILD, .spi = p->child.spi_in, .send = true};

	node_note(n, "ipsec", what, p->child.remote.addr, p->child.spi_out);
	keying_step(n, &in);
	if (p->used && p->child.spi_in == in.spi) { /* the ike core had no room for it */
		(void)sync_pair_del(n, p);
		pairs_drop(n, p);
	}
}

static void
life(struct node *n, struct node_pair *p)
{
	if (n->rules->honour_lifetime && (n->now >= p->out.hard_at || hard_kb(n, p))) {
		n->count[NODE_CNT_EXPIRED]++;
		pairs_delete(n, p, "expired");
	} else if (replace_due(n, p)) {
		pairs_delete(n, p, "replaced");
	} else if (!p->rekeying && !p->dying &&
		   (n->now >= soft_due(n, p) || soft_kb(n, p) || p->resv.rekey)) {
		pairs_rekey(n, p);
	}
}

void
pairs_tick(struct node *n)
{
	struct resv_in in = {.kind = RESV_IN_TICK};

	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || p->dormant)
			continue;
		if (n->now >= resv_deadline(&p->resv)) {
			pairs_resv(n, p, &in);
			traffic_flush(n, i);
		}
		if (n->live && p->used)
			life(n, p);
	}
	n->pairs_at = pairs_exact(n);
}

static ns_t
due(const struct node *n, const struct node_pair *p)
{
	ns_t t = resv_deadline(&p->resv);

	if (!n->live)
		return t;
	if (!p->rekeying && !p->dying)
		t = ns_min(t, soft_kb(n, p) || p->resv.rekey ? p->rekey_after : soft_due(n, p));
	if (n->rules->honour_lifetime)
		t = ns_min(t, hard_kb(n, p) ? n->now : p->out.hard_at);
	return ns_min(t, p->dies_at);
}

void
pairs_touch(struct node *n, struct node_pair *p)
{
	if (p->used && !p->dormant)
		n->pairs_at = ns_min(n->pairs_at, due(n, p));
}

ns_t
pairs_deadline(const struct node *n)
{
	return n->pairs_at;
}

ns_t
pairs_exact(const struct node *n)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			t = ns_min(t, due(n, &n->pair[i]));
	return t;
}
