/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/field/line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/field/pkt.h"

struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void
say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

static void
say_ip(struct text *t, ip4_t a)
{
	char buf[IP4_TEXT];

	say(t, "%s", ip4_put(buf, a));
}

static void
say_ends(struct text *t, const struct pkt *p)
{
	say(t, " ");
	say_ip(t, p->src);
	say(t, " > ");
	say_ip(t, p->dst);
}

static void
say_arp(struct text *t, const struct pkt *p)
{
	const uint8_t *m = p->arp_sha.b;

	say(t, "ARP ");
	if (pkt_is_garp(p))
		say(t, "gratuitous, ");
	if (p->arp_op == 1 && !pkt_is_garp(p)) {
		say(t, "who has ");
		say_ip(t, p->arp_tpa);
		say(t, "? asks ");
	}
	say_ip(t, p->arp_spa);
	say(t, " is at %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static const char *
hsrp_state(uint8_t s)
{
	switch (s) {
	case 0:
		return "Initial";
	case 1:
		return "Learn";
	case 2:
		return "Listen";
	case 4:
		return "Speak";
	case 8:
		return "Standby";
	case 16:
		return "Active";
	}
	return "state unknown";
}

static void
say_hsrp(struct text *t, const struct pkt *p)
{
	static const char *const ops[] = {"Hello", "Coup", "Resign", "Advertise"};
	const uint8_t *d = p->data;

	if (p->data_len < 2) {
		say(t, "HSRP cut short");
		return;
	}
	say(t, "HSRP %s ", d[1] < 4 ? ops[d[1]] : "operation unknown");
	say_ip(t, p->src);
	if (d[1] == 3 || p->data_len < 20)
		return;
	say(t, " group %u %s priority %u hello %u hold %u virtual ", d[6], hsrp_state(d[2]), d[5],
		d[3], d[4]);
	say_ip(t, (ip4_t)d[16] << 24 | (ip4_t)d[17] << 16 | (ip4_t)d[18] << 8 | d[19]);
}

static const char *
exchange(uint8_t x)
{
	switch (x) {
	case 2:
		return "Main Mode";
	case 4:
		return "Aggressive Mode";
	case 5:
		return "Informational";
	case 32:
		return "Quick Mode";
	case 34:
	case 35:
	case 36:
	case 37:
		return "of IKE version 2";
	}
	return "exchange unknown";
}

static void
say_isakmp(struct text *t, const struct pkt *p)
{
	const uint8_t *h = p->isakmp;

	if (p->isakmp_len < 28) {
		say(t, "ISAKMP cut short");
		say_ends(t, p);
		return;
	}
	say(t, "ISAKMP %s", exchange(h[18]));
	say_ends(t, p);
	say(t, " %02x%02x%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
	if (h[20] | h[21] | h[22] | h[23])
		say(t, " message %02x%02x%02x%02x", h[20], h[21], h[22], h[23]);
	say(t, "%s, %zu octets", h[19] & 1 ? " encrypted" : "", p->isakmp_len);
}

static void
say_tcp(struct text *t, const struct pkt *p)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flags[] = {{2, " SYN"}, {1, " FIN"}, {4, " RST"}, {16, " ACK"}};

	say(t, "TCP");
	say_ends(t, p);
	say(t, " port %u > %u", p->sport, p->dport);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (p->tcp_flags & flags[i].bit)
			say(t, "%s", flags[i].name);
	say(t, " number %" PRIu32 ", %zu octets", p->tcp_seq, p->data_len);
}

static void
say_other(struct text *t, const struct pkt *p)
{
	if (p->is_icmp && p->icmp_type == 8)
		say(t, "ICMP echo request");
	else if (p->is_icmp && p->icmp_type == 0)
		say(t, "ICMP echo reply");
	else if (p->is_icmp)
		say(t, "ICMP type %u code %u", p->icmp_type, p->icmp_code);
	else if (p->is_udp)
		say(t, "UDP port %u > %u", p->sport, p->dport);
	else
		say(t, "IP protocol %u", p->proto);
	say_ends(t, p);
	if (p->mf || p->frag_off)
		say(t, " fragment at %u%s", p->frag_off, p->mf ? "" : ", the last");
	say(t, ", %zu octets", p->ip_len);
}

/* What was found, in words; p is parsed. */
static void
say_pkt(struct text *t, const struct pkt *p, size_t len)
{
	if (p->is_arp)
		say_arp(t, p);
	else if (!p->is_ip)
		say(t, "Ethernet type 0x%04x, %zu octets", p->ethertype, len);
	else if (p->is_hsrp)
		say_hsrp(t, p);
	else if (p->is_isakmp)
		say_isakmp(t, p);
	else if (p->is_esp) {
		say(t, "ESP%s", p->is_udp ? " in UDP" : "");
		say_ends(t, p);
		say(t, " SPI 0x%08" PRIx32 " number %" PRIu32 ", %zu octets", p->spi, p->seq,
			p->esp_len);
	} else if (p->is_keepalive) {
		say(t, "NAT keepalive");
		say_ends(t, p);
	} else if (p->is_tcp)
		say_tcp(t, p);
	else
		say_other(t, p);
}

char *
line_link(const struct line_in *in, char *dst, size_t cap)
{
	struct text t = {dst, cap};
	struct pkt p;

	dst[0] = '\0';
	if (!pkt_parse_cut(&p, in->link, in->bytes, in->len, in->wire_len))
		say(&t, "malformed: %s", p.bad ? p.bad : "cut short");
	else
		say_pkt(&t, &p, in->len);
	return dst;
}

char *
line_packet(const void *ip, size_t len, char *dst, size_t cap)
{
	struct text t = {dst, cap};
	struct pkt p;

	dst[0] = '\0';
	if (!pkt_parse_ip(&p, ip, len))
		say(&t, "malformed: %s", p.bad ? p.bad : "cut short");
	else
		say_pkt(&t, &p, len);
	return dst;
}

char *
line_frame(const void *frame, size_t len, char *dst, size_t cap)
{
	const struct line_in in = {PKT_LINK_ETHERNET, frame, len, len};

	return line_link(&in, dst, cap);
}
