/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP of the peer (RFC 4303): tunnel mode, one pair of SAs used for sending (the newest), any that
 * lives for receiving. The window (3.4.3) is looked at after the ICV, so that a replay in the
 * figures is a genuine packet seen twice and never a forgery.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

/* As the newest pair goes: alone, or in UDP (RFC 3948 3.4). */
static void
put_ip(struct peer *p, ns_t now, const uint8_t *esp, size_t len)
{
	const struct child *c = peer_child_out(p);
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = {.src = p->cfg.net.addr,
		.dst = p->cfg.remote,
		.proto = PKT_ESP,
		.ttl = 64,
		.id = netif_next_id(&p->net)};
	size_t n;

	if (c && c->udp) {
		peer_udp_out(p, now, &c->at, esp, len, p->wrong.esp_udp_sum);
		return;
	}
	if (c)
		h.dst = c->at.addr;
	n = pkt_put_ip(ip, sizeof ip, &h, esp, len);
	if (n)
		netif_ip(&p->net, now, ip, n);
}

void
peer_esp_wire(struct peer *p, ns_t now, const uint8_t *esp, size_t len)
{
	uint8_t b[NETIF_PACKET_MAX];
	unsigned times = 1;

	if (len > sizeof b)
		return;
	memcpy(b, esp, len);
	if (p->wrong.edit_wire)
		len = p->wrong.edit_wire(p->wrong.ctx, PEER_ESP, b, len, sizeof b);
	if (peer_spoil(p, p->wrong.drop, PEER_ESP))
		times = 0;
	else if (peer_spoil(p, p->wrong.repeat, PEER_ESP))
		times = 1u + (p->wrong.repeat_cnt ? p->wrong.repeat_cnt : 1);
	while (len && times--)
		put_ip(p, now, b, len);
	peer_spoilt_done(p);
}

static void
keep(struct peer *p, const uint8_t *esp, size_t len)
{
	struct sent *s = &p->sent[p->sent_cnt++ % SENT_MAX];

	s->len = (uint16_t)len;
	memcpy(s->bytes, esp, len);
}

bool
peer_replay(struct peer *p, ns_t now, size_t n)
{
	const struct sent *s;

	if (n >= p->sent_cnt || n >= SENT_MAX)
		return false;
	s = &p->sent[(p->sent_cnt - 1 - n) % SENT_MAX];
	put_ip(p, now, s->bytes, s->len);
	return true;
}

/* The inner packet as it is, to the other gateway's MAC. */
static void
leak(struct peer *p, ns_t now, const uint8_t *ip, size_t len)
{
	uint8_t f[NETIF_PACKET_MAX + PKT_ETH_LEN];
	const struct netif_arp *a = netif_lookup(&p->net, p->cfg.remote);

	if (!a || len > NETIF_PACKET_MAX)
		return;
	pkt_put_eth(f, sizeof f, &a->mac, &p->cfg.net.mac, PKT_ETH_IP4);
	memcpy(f + PKT_ETH_LEN, ip, len);
	netif_raw(&p->net, now, f, PKT_ETH_LEN + len);
}

/* With its padding octets changed and an ICV over them; CBC suites and NULL only. */
static size_t
bad_padding(const struct child *c, struct keyesp *k, uint32_t seq, const uint8_t *iv,
	const uint8_t *ip, size_t len, uint8_t *out, size_t cap)
{
	size_t block = c->out.suite == KEYESP_AES_GCM ? 4 : 16;
	size_t pad = (block - (len + 2) % block) % block + block, all = len + pad;
	uint8_t b[NETIF_PACKET_MAX + 64];

	/* The trailer is made here: the seal adds none if the sum with its own two octets fits. */
	memcpy(b, ip, len);
	memset(b + len, 0xee, pad);
	b[all] = (uint8_t)pad;
	b[all + 1] = 4;
	return keyesp_seal_raw(k, seq, iv, SPAN(b, all + 2), out, cap);
}

static size_t
seal(struct peer *p, struct child *c, const uint8_t *ip, size_t len, uint8_t *out, size_t cap)
{
	struct peer_wrong *w = &p->wrong;
	struct keyesp k = c->out;
	uint32_t seq;
	uint8_t iv[16];
	size_t n;

	c->seq += 1 + w->esp_seq_add;
	w->esp_seq_add = 0;
	seq = w->esp_fixed_seq ? w->esp_fixed_seq : c->seq;
	peer_random(p, iv, sizeof iv);
	if (k.suite == KEYESP_AES_GCM) {
		c->gcm_iv++; /* RFC 4106 3.1: never twice, whatever the number says */
		for (int i = 0; i < 8; i++)
			iv[i] = (uint8_t)(c->gcm_iv >> (56 - 8 * i));
	}
	if (w->esp_spi)
		k.spi = w->esp_spi;
	if (w->esp_bad_pad)
		n = bad_padding(c, &k, seq, iv, ip, len, out, cap);
	else
		n = keyesp_seal(&k, seq, iv, 4, SPAN(ip, len), out, cap);
	if (n && w->esp_bad_icv)
		out[n - 1] ^= 1;
	p->p2[c->record].seq_out = c->seq;
	return n;
}

void
peer_esp_out(struct peer *p, ns_t now, const uint8_t *ip, size_t len)
{
	struct child *c = peer_child_out(p);
	uint8_t in[NETIF_PACKET_MAX], out[NETIF_PACKET_MAX];
	size_t n;

	if (len > sizeof in - 128)
		return;
	if (p->wrong.esp_clear) {
		leak(p, now, ip, len);
		return;
	}
	if (!c) {
		p->n.esp_no_sa++;
		if (!p->cfg.passive)
			peer_initiate_once(p, now);
		return;
	}
	if (c->seq == UINT32_MAX) /* RFC 4303 3.3.3: never a wrap */
		return;
	memcpy(in, ip, len);
	if (p->wrong.edit_plain)
		len = p->wrong.edit_plain(p->wrong.ctx, PEER_ESP, in, len, sizeof in - 128);
	n = seal(p, c, in, len, out, sizeof out);
	if (!n)
		return;
	p->n.esp_out++;
	p->p2[c->record].packets_out++;
	p->p2[c->record].bytes_out += len;
	keep(p, out, n);
	peer_esp_wire(p, now, out, n);
	peer_rekey_count(p, now, c);
}

/* -- in -- */

static bool
seen(const struct child *c, uint32_t n)
{
	return c->map[n % WINDOW_MAX / 8] & 1u << n % 8;
}

static void
mark(struct child *c, uint32_t n, bool on)
{
	uint8_t bit = (uint8_t)(1u << n % 8);

	if (on)
		c->map[n % WINDOW_MAX / 8] |= bit;
	else
		c->map[n % WINDOW_MAX / 8] &= (uint8_t)~bit;
}

static void
advance(struct child *c, struct peer_seqs *q, uint32_t n)
{
	uint32_t step = n - c->top;

	if (c->top && step > 1) {
		q->jumps++;
		if (step > q->jump_max) {
			q->jump_max = step;
			q->jump_from = c->top;
		}
	}
	if (step >= WINDOW_MAX)
		memset(c->map, 0, sizeof c->map);
	else
		for (uint32_t i = 1; i <= step; i++)
			mark(c, c->top + i, false);
	c->top = n;
}

/* True if the number is new and within the window; it is then marked. */
static bool
window(struct peer *p, struct child *c, uint32_t n)
{
	struct peer_seqs *q = &p->p2[c->record].in;

	if (!n || (n <= c->top && c->top - n >= p->cfg.window)) {
		q->late++;
		p->n.esp_late++;
		return false;
	}
	if (n <= c->top && seen(c, n)) {
		q->replays++;
		p->n.esp_replays++;
		return false;
	}
	if (n > c->top)
		advance(c, q, n);
	mark(c, n, true);
	q->received++;
	q->highest = c->top;
	q->lowest = q->lowest && q->lowest < n ? q->lowest : n;
	q->missing = (uint64_t)q->highest - q->lowest + 1 - q->received;
	return true;
}

static void
unknown(struct peer *p, ns_t now, uint32_t spi)
{
	p->n.esp_unknown_spi++;
	if (spi == p->unknown_spi && now < p->unknown_at + NS_PER_S)
		return;
	p->unknown_spi = spi;
	p->unknown_at = now;
	peer_note(p, now, PEER_EV_UNKNOWN_SPI, spi, NULL);
}

static void
not_opened(struct peer *p, struct child *c, enum err e)
{
	if (e == ERR_AUTH) {
		p->n.esp_bad_icv++;
		p->p2[c->record].in.bad_icv++;
	} else {
		p->n.esp_malformed++;
	}
}

void
peer_esp_in(struct peer *p, ns_t now, const struct endpoint *from, const struct pkt *k)
{
	struct child *c = peer_child_in(p, k->spi);
	struct ike *s = peer_ike_up(p);
	uint8_t inner[NETIF_PACKET_MAX];
	size_t len;
	uint8_t next;
	enum err e;

	if (!c) {
		unknown(p, now, k->spi);
		return;
	}
	if (peer_ignores(p, now, PEER_ESP))
		return;
	if (c->udp != k->is_udp) {
		p->n.esp_wrong_encap++;
		return;
	}
	e = keyesp_open(&c->in, k->esp, k->esp_len, inner, sizeof inner, &len, &next);
	if (e) {
		not_opened(p, c, e);
		return;
	}
	if (!window(p, c, k->seq))
		return;
	if (k->seq == c->top) /* not an older one that was held up on the way */
		peer_natt_heard_esp(p, now, c, from);
	p->n.esp_in++;
	p->p2[c->record].packets_in++;
	p->p2[c->record].bytes_in += len;
	peer_rekey_count(p, now, c);
	if (!c->out_ready)
		peer_commit_traffic(p, now, c);
	if (s)
		s->heard = now; /* RFC 3706 5.4: traffic proves liveliness */
	if (next == 59)
		return; /* RFC 4303 2.6: a dummy packet */
	if (next == 4)
		peer_inner_in(p, now, inner, len);
	else
		p->n.esp_wrong_inner++;
}
