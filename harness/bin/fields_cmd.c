/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton fields FILE [--keys FILE]: our own reading of a capture's HSRP, ISAKMP and ESP, field by
 * field, under the names that Wireshark gives them. A line a frame: its number, then
 * NAME=VALUE[,VALUE...], tab-separated, in the order of the wire. ci/fields lays it beside tshark's
 * reading. Numbers and octets are written as tshark -T fields writes them.
 *
 * Frames without any of the three have no line. What is malformed to us says so: "refused=<why>". A
 * message that was seen before says "repeated=1": its encrypted part is read, but other software
 * may have lost the IV by then.
 */
#include "harness/bin/baton.h"
#include "harness/bin/fields_put.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"
#include "harness/field/pkt.h"
#include "harness/keys/ikeopen.h"
#include "harness/keys/keyring.h"
#include "harness/run/verdict.h"
#include "harness/trace/trace.h"

#define PIECES 32 /* packets in fragments at once */

struct pieces {
	bool used;
	ip4_t src, dst;
	uint16_t id;
	uint8_t proto, port;
	size_t have, total;
	uint8_t bytes[65536];
};

struct reading {
	struct keyring ring;
	struct ikeopen *ike;
	struct fields_line line;
	struct pieces *pieces;
	struct msg *msg;
};

static void
read_hsrp(struct reading *r, const struct pkt *p)
{
	if (field_decode(r->msg, p->frame, p->frame_len))
		fields_refuse(&r->line, r->msg);
	fields_all(&r->line, r->msg, "hsrp");
}

static void
read_isakmp(struct reading *r, const uint8_t *bytes, size_t len)
{
	struct ikeopen_msg o;
	enum err e;

	if (len < 28)
		return;
	e = ikeopen_feed(r->ike, bytes, len, &o);
	if (field_decode_as(r->msg, "isakmp", bytes, len))
		fields_refuse(&r->line, r->msg);
	fields_all(&r->line, r->msg, "isakmp");
	if (e == ERR_OK && o.repeated)
		fields_value(&r->line, "repeated", "1");
	if (e != ERR_OK && bytes[19] & 1) /* encrypted, under cookies that no key is known for */
		fields_value(&r->line, "closed", "no key");
	if (e != ERR_OK || !o.was_encrypted)
		return;
	fields_value(&r->line, "opened", "1");
	if (field_decode_chain(r->msg, o.first, o.body, o.body_len))
		fields_refuse(&r->line, r->msg);
	fields_all(&r->line, r->msg, "isakmp");
}

static void
put_ip(struct fields_line *l, const struct pkt *p)
{
	char text[IP4_TEXT];

	fields_value(l, "ip.src", ip4_put(text, p->src));
	fields_value(l, "ip.dst", ip4_put(text, p->dst));
	fields_num(l, "ip.len", "d", p->ip_len);
	fields_num(l, "ip.ttl", "d", p->ttl);
	fields_num(l, "ip.proto", "d", p->proto);
	fields_num(l, "ip.dsfield", "x", p->tos);
}

static void
read_esp(struct reading *r, const struct pkt *p, const uint8_t *esp, size_t len)
{
	static uint8_t inner[65536];
	uint32_t spi, seq;
	size_t inner_len;
	uint8_t next;
	struct pkt in;
	const struct keyesp *k;

	if (len < 8)
		return;
	spi = (uint32_t)esp[0] << 24 | (uint32_t)esp[1] << 16 | (uint32_t)esp[2] << 8 | esp[3];
	seq = (uint32_t)esp[4] << 24 | (uint32_t)esp[5] << 16 | (uint32_t)esp[6] << 8 | esp[7];
	fields_num(&r->line, "esp.spi", "X", spi);
	fields_num(&r->line, "esp.sequence", "d", seq);
	k = keyring_esp(&r->ring, spi, p->dst);
	if (!k || keyring_open_esp(&r->ring, p->dst, esp, len, inner, sizeof inner, &inner_len,
			  &next) != ERR_OK) {
		fields_value(&r->line, "closed", k ? "wrong" : "no key");
		return;
	}
	fields_num(&r->line, "esp.pad_len", "d",
		len - 8 - keyesp_iv_len(k->suite) - keyesp_icv_len(k) - inner_len - 2);
	fields_num(&r->line, "esp.protocol", "x", next);
	if (next != 4 || !pkt_parse_ip(&in, inner, inner_len))
		return;
	put_ip(&r->line, p);
	put_ip(&r->line, &in);
}

/* Fragments: the packet is read with the frame that makes it whole. NULL until then. */
static struct pieces *
gather(struct reading *r, const struct pkt *p, uint8_t port)
{
	struct pieces *g = NULL;

	for (size_t i = 0; i < PIECES; i++) {
		struct pieces *at = &r->pieces[i];

		if (at->used && at->src == p->src && at->dst == p->dst && at->id == p->ip_id &&
			at->proto == p->proto && at->port == port)
			g = at;
	}
	for (size_t i = 0; i < PIECES && !g; i++)
		if (!r->pieces[i].used) {
			g = &r->pieces[i];
			*g = (struct pieces){.used = true,
				.src = p->src,
				.dst = p->dst,
				.id = p->ip_id,
				.proto = p->proto,
				.port = port};
		}
	if (!g || p->frag_off + p->l4_len > sizeof g->bytes)
		return NULL;
	memcpy(g->bytes + p->frag_off, p->l4, p->l4_len);
	g->have += p->l4_len;
	if (!p->mf)
		g->total = p->frag_off + p->l4_len;
	return g->total && g->have >= g->total ? g : NULL;
}

static void
read_whole(struct reading *r, const struct pkt *p, const struct pieces *g)
{
	static const uint8_t marker[4];
	uint16_t dport;

	if (g->proto == PKT_ESP) {
		read_esp(r, p, g->bytes, g->total);
		return;
	}
	if (g->proto != PKT_UDP || g->total < 12)
		return;
	dport = (uint16_t)(g->bytes[2] << 8 | g->bytes[3]);
	if (dport == 500)
		read_isakmp(r, g->bytes + 8, g->total - 8);
	else if (dport == 4500 && !memcmp(g->bytes + 8, marker, 4))
		read_isakmp(r, g->bytes + 12, g->total - 12);
	else if (dport == 4500)
		read_esp(r, p, g->bytes + 8, g->total - 8);
}

static void
read_frame(struct reading *r, const struct frame *f)
{
	struct pkt p;

	if (!pkt_parse(&p, f->bytes, f->len)) {
		if (p.is_ip || p.ethertype == PKT_ETH_IP4)
			fields_value(&r->line, "refused", p.bad ? p.bad : "?");
		return;
	}
	if (p.is_ip && (p.mf || p.frag_off)) {
		struct pieces *g = gather(r, &p, f->port);

		if (g) {
			read_whole(r, &p, g);
			g->used = false;
		}
	} else if (p.is_hsrp) {
		read_hsrp(r, &p);
	} else if (p.is_isakmp) {
		read_isakmp(r, p.isakmp, p.isakmp_len);
	} else if (p.is_esp) {
		read_esp(r, &p, p.esp, p.esp_len);
	}
}

static void
print(const struct fields_line *l, size_t no)
{
	if (!l->cnt)
		return;
	printf("%zu", no + 1); /* Wireshark counts from 1 */
	for (size_t i = 0; i < l->cnt; i++)
		printf("\t%s=%s", l->at[i].name, l->at[i].values);
	putchar('\n');
}

enum { OPT_KEYS = 256 };
static const struct option options[] = {
	{"keys", required_argument, NULL, OPT_KEYS},
	{NULL, 0, NULL, 0},
};

/* 0 or EXIT_USAGE. */
static int
words(int argc, char **argv, const char **file, const char **keys)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (opt == ':')
			return baton_usage("'%s' wants an argument", argv[optind - 1]);
		if (opt != OPT_KEYS)
			return baton_usage("unknown option '%s'", argv[optind - 1]);
		*keys = optarg;
	}
	if (argc - optind != 1)
		return baton_usage("fields wants one capture, not %d", argc - optind);
	*file = argv[optind];
	return 0;
}

int
baton_fields(int argc, char **argv)
{
	const char *file = NULL, *keys = NULL;
	static struct reading r;
	char err[TRACE_ERR];
	struct trace *t;
	size_t cut;

	if (words(argc, argv, &file, &keys) != 0)
		return EXIT_USAGE;
	keyring_init(&r.ring);
	if (keys && !baton_read_keys("fields", keys, &r.ring))
		return EXIT_USAGE;
	t = trace_read(file, &cut, err);
	if (!t) {
		fprintf(stderr, "baton: %s\n", err);
		return EXIT_USAGE;
	}
	r.ike = ikeopen_new(&r.ring);
	r.pieces = calloc(PIECES, sizeof *r.pieces);
	r.msg = malloc(sizeof *r.msg);
	if (!r.ike || !r.pieces || !r.msg)
		abort();
	for (size_t i = 0; i < trace_len(t); i++) {
		r.line.cnt = 0;
		read_frame(&r, trace_frame(t, i));
		print(&r.line, i);
	}
	free(r.msg);
	free(r.pieces);
	ikeopen_free(r.ike);
	trace_free(t);
	keyring_free(&r.ring);
	return 0;
}
