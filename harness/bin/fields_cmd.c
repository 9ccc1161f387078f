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

#define NAMES 64
#define VALUES 4096
#define PIECES 32 /* packets in fragments at once */

/* One frame's line: values gathered by name. */
struct line {
	size_t cnt;
	struct {
		const char *name;
		char values[VALUES];
	} at[NAMES];
};

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
	struct line line;
	struct pieces *pieces;
	struct msg *msg;
};

static void
value(struct line *l, const char *name, const char *text)
{
	size_t i = 0, len;

	while (i < l->cnt && strcmp(l->at[i].name, name) != 0)
		i++;
	if (i == NAMES)
		abort();
	if (i == l->cnt) {
		l->at[l->cnt].name = name;
		l->at[l->cnt++].values[0] = '\0';
		len = 0;
	} else {
		len = strlen(l->at[i].values);
		if (len + 1 < VALUES)
			l->at[i].values[len++] = ',';
	}
	(void)snprintf(l->at[i].values + len, VALUES - len, "%s", text);
}

enum how { DECIMAL, HEX8, HEX32, ADDRESS, OCTETS, STRING };

static void
put(struct line *l, const char *name, enum how how, const struct msg *m, const struct field *f)
{
	static char text[VALUES];
	size_t at = 0;

	switch (how) {
	case DECIMAL:
		(void)snprintf(text, sizeof text, "%" PRIu64, f->value);
		break;
	case HEX8:
		(void)snprintf(text, sizeof text, "0x%02" PRIx64, f->value);
		break;
	case HEX32:
		(void)snprintf(text, sizeof text, "0x%08" PRIx64, f->value);
		break;
	case ADDRESS:
		(void)ip4_put(text, (ip4_t)f->value);
		break;
	case OCTETS:
		text[0] = '\0';
		for (size_t i = 0; i < f->len && at + 3 < sizeof text; i++)
			at += (size_t)sprintf(text + at, "%02x", m->bytes[f->offset + i]);
		break;
	case STRING:
		(void)snprintf(
			text, sizeof text, "%.*s", (int)f->len, (const char *)m->bytes + f->offset);
		break;
	}
	value(l, name, text);
}

static void
put_num(struct line *l, const char *name, const char *fmt, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof text,
		fmt[0] == 'x'	? "0x%02" PRIx64
		: fmt[0] == 'X' ? "0x%08" PRIx64
				: "%" PRIu64,
		v);
	value(l, name, text);
}

/* Our names, and Wireshark's for the same. Sizes of payload parts have one name there for several
 * of ours. */
static const struct {
	const char *ours, *theirs;
	enum how how;
} names[] = {
	{"hsrp.version", "hsrp.version", DECIMAL},
	{"hsrp.opcode", "hsrp.opcode", DECIMAL},
	{"hsrp.state", "hsrp.state", DECIMAL},
	{"hsrp.hellotime", "hsrp.hellotime", DECIMAL},
	{"hsrp.holdtime", "hsrp.holdtime", DECIMAL},
	{"hsrp.priority", "hsrp.priority", DECIMAL},
	{"hsrp.group", "hsrp.group", DECIMAL},
	{"hsrp.reserved", "hsrp.reserved", DECIMAL},
	{"hsrp.auth", "hsrp.auth_data", STRING},
	{"hsrp.vip", "hsrp.virt_ip", ADDRESS},
	{"hsrpadv.version", "hsrp.version", DECIMAL},
	{"hsrpadv.opcode", "hsrp.opcode", DECIMAL},
	{"hsrpadv.type", "hsrp.adv.tlvtype", DECIMAL},
	{"hsrpadv.length", "hsrp.adv.tlvlength", DECIMAL},
	{"hsrpadv.state", "hsrp.adv.state", DECIMAL},
	{"hsrpadv.reserved1", "hsrp.adv.reserved1", DECIMAL},
	{"hsrpadv.active", "hsrp.adv.activegrp", DECIMAL},
	{"hsrpadv.passive", "hsrp.adv.passivegrp", DECIMAL},
	{"hsrpadv.reserved2", "hsrp.adv.reserved2", DECIMAL},
	{"isakmp.icookie", "isakmp.ispi", OCTETS},
	{"isakmp.rcookie", "isakmp.rspi", OCTETS},
	{"isakmp.next", "isakmp.nextpayload", DECIMAL},
	{"isakmp.exchange", "isakmp.exchangetype", DECIMAL},
	{"isakmp.flags", "isakmp.flags", HEX8},
	{"isakmp.msgid", "isakmp.messageid", HEX32},
	{"isakmp.length", "isakmp.length", DECIMAL},
	{"isakmp.sa.doi", "isakmp.sa.doi", DECIMAL},
	{"isakmp.sa.situation", "isakmp.sa.situation", OCTETS},
	{"isakmp.prop.number", "isakmp.prop.number", DECIMAL},
	{"isakmp.prop.protocol", "isakmp.prop.protoid", DECIMAL},
	{"isakmp.prop.spisize", "isakmp.spisize", DECIMAL},
	{"isakmp.prop.transforms", "isakmp.prop.transforms", DECIMAL},
	{"isakmp.prop.spi", "isakmp.spi", OCTETS},
	{"isakmp.transform.number", "isakmp.trans.number", DECIMAL},
	{"isakmp.transform.id", "isakmp.trans.id", DECIMAL},
	{"isakmp.ke.data", "isakmp.key_exchange.data", OCTETS},
	{"isakmp.nonce.data", "isakmp.nonce", OCTETS},
	{"isakmp.hash.data", "isakmp.hash", OCTETS},
	{"isakmp.vid.data", "isakmp.vid_bytes", OCTETS},
	{"isakmp.natd.data", "isakmp.ike.nat_hash", OCTETS},
	{"isakmp.id.type", "isakmp.id.type", DECIMAL},
	{"isakmp.id.protocol", "isakmp.id.protoid", DECIMAL},
	{"isakmp.id.port", "isakmp.id.port", DECIMAL},
	{"isakmp.notify.doi", "isakmp.notify.doi", DECIMAL},
	{"isakmp.notify.protocol", "isakmp.notify.protoid", DECIMAL},
	{"isakmp.notify.spisize", "isakmp.spisize", DECIMAL},
	{"isakmp.notify.type", "isakmp.notify.msgtype", DECIMAL},
	{"isakmp.notify.spi", "isakmp.spi", OCTETS},
	{"isakmp.delete.doi", "isakmp.delete.doi", DECIMAL},
	{"isakmp.delete.protocol", "isakmp.delete.protoid", DECIMAL},
	{"isakmp.delete.spisize", "isakmp.spisize", DECIMAL},
};

static bool
ends(const char *name, const char *with)
{
	size_t n = strlen(name), w = strlen(with);

	return n > w && strcmp(name + n - w, with) == 0;
}

/* What every payload has: type of the one behind it, and its length. */
static bool
put_generic(struct line *l, const char *name, const struct msg *m, const struct field *f)
{
	if (strncmp(name, "isakmp.", 7) != 0 || !strchr(name + 7, '.') ||
		strncmp(name, "isakmp.attr", 11) == 0)
		return false;
	if (ends(name, ".next"))
		put(l, "isakmp.nextpayload", DECIMAL, m, f);
	else if (ends(name, ".length"))
		put(l, "isakmp.payloadlength", DECIMAL, m, f);
	else
		return false;
	return true;
}

/* One address, a network and its mask, or a range. */
static void
put_id(struct line *l, const struct msg *m, const struct field *f, uint64_t type)
{
	static const char *const as[][2] = {
		[1] = {"isakmp.id.data.ipv4_addr", "isakmp.id.data.ipv4_addr"},
		[4] = {"isakmp.id.data.ipv4_addr", "isakmp.id.data.ipv4_subnet"},
		[7] = {"isakmp.id.data.ipv4_range_start", "isakmp.id.data.ipv4_range_end"},
	};
	const uint8_t *b = m->bytes + f->offset;
	char text[IP4_TEXT];

	if (type >= sizeof as / sizeof as[0] || !as[type][0])
		return;
	for (size_t i = 0; i + 4 <= f->len && i < 8; i += 4) {
		(void)snprintf(
			text, sizeof text, "%u.%u.%u.%u", b[i], b[i + 1], b[i + 2], b[i + 3]);
		value(l, as[type][i / 4], text);
	}
}

/* Attribute numbers of Phase 1 (RFC 2409 appendix A) and of the IPsec DOI (RFC 2407 4.5). */
static const char *
attribute_name(bool phase1, uint64_t type)
{
	static const char *const ike[] = {[1] = "isakmp.ike.attr.encryption_algorithm",
		[2] = "isakmp.ike.attr.hash_algorithm",
		[3] = "isakmp.ike.attr.authentication_method",
		[4] = "isakmp.ike.attr.group_description",
		[11] = "isakmp.ike.attr.life_type",
		[12] = "isakmp.ike.attr.life_duration",
		[14] = "isakmp.ike.attr.key_length"};
	static const char *const ipsec[] = {[1] = "isakmp.ipsec.attr.life_type",
		[2] = "isakmp.ipsec.attr.life_duration",
		[3] = "isakmp.ipsec.attr.group_description",
		[4] = "isakmp.ipsec.attr.encap_mode",
		[5] = "isakmp.ipsec.attr.auth_algorithm",
		[6] = "isakmp.ipsec.attr.key_length"};

	if (phase1)
		return type < sizeof ike / sizeof ike[0] ? ike[type] : NULL;
	return type < sizeof ipsec / sizeof ipsec[0] ? ipsec[type] : NULL;
}

struct chain {
	bool phase1; /* of the proposal that we are in */
	uint64_t id_type, attr;
};

static void
put_attribute(struct line *l, const struct chain *c, const struct field *f)
{
	const char *name = attribute_name(c->phase1, c->attr);

	if (name && f->len <= 4)
		put_num(l, name, "d", f->value);
}

static void
put_field(struct line *l, struct chain *c, const struct msg *m, const struct field *f)
{
	const char *name = f->def->name;

	if (put_generic(l, name, m, f))
		return;
	if (!strcmp(name, "isakmp.prop.protocol"))
		c->phase1 = f->value == 1;
	if (!strcmp(name, "isakmp.id.type"))
		c->id_type = f->value;
	if (!strcmp(name, "isakmp.attr.type") || !strcmp(name, "isakmp.attrv.type")) {
		c->attr = f->value;
		put_num(l, c->phase1 ? "isakmp.ike.attr.type" : "isakmp.ipsec.attr.type", "d",
			f->value);
	}
	if (!strcmp(name, "isakmp.attr.value") || !strcmp(name, "isakmp.attrv.value"))
		put_attribute(l, c, f);
	if (!strcmp(name, "isakmp.id.data"))
		put_id(l, m, f, c->id_type);
	if (!strcmp(name, "isakmp.major"))
		put_num(l, "isakmp.version", "x", f->value << 4 | (m->bytes[f->offset] & 15u));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(names[i].ours, name) && (f->len || names[i].how != OCTETS))
			put(l, names[i].theirs, names[i].how, m, f);
}

static void
put_spis(struct line *l, const struct msg *m)
{
	uint32_t size;

	for (size_t n = 1; n <= field_layers(m, "isakmp.delete"); n++) {
		const uint8_t *b;
		char name[48];
		size_t len;

		(void)snprintf(name, sizeof name, "isakmp.delete.spisize#%zu", n);
		if (!field_u32(m, name, &size) || !size)
			continue;
		(void)snprintf(name, sizeof name, "isakmp.delete.spis#%zu", n);
		if (!field_bytes(m, name, &b, &len))
			continue;
		for (size_t at = 0; at + size <= len; at += size) {
			char text[64] = "";

			for (size_t i = 0; i < size && i < 31; i++)
				(void)sprintf(text + 2 * i, "%02x", b[at + i]);
			value(l, "isakmp.delete.spi", text);
		}
	}
}

static void
put_all(struct line *l, const struct msg *m, const char *from)
{
	struct chain c = {0};

	for (size_t i = 0; i < m->field_cnt; i++)
		if (strncmp(m->fields[i].def->name, from, strlen(from)) == 0)
			put_field(l, &c, m, &m->fields[i]);
	put_spis(l, m);
}

static void
refuse(struct line *l, const struct msg *m)
{
	char why[160];

	(void)snprintf(why, sizeof why, "%s", m->bad.field ? m->bad.field : "?");
	value(l, "refused", why);
}

static void
read_hsrp(struct reading *r, const struct pkt *p)
{
	if (field_decode(r->msg, p->frame, p->frame_len))
		refuse(&r->line, r->msg);
	put_all(&r->line, r->msg, "hsrp");
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
		refuse(&r->line, r->msg);
	put_all(&r->line, r->msg, "isakmp");
	if (e == ERR_OK && o.repeated)
		value(&r->line, "repeated", "1");
	if (e != ERR_OK && bytes[19] & 1) /* encrypted, under cookies that no key is known for */
		value(&r->line, "closed", "no key");
	if (e != ERR_OK || !o.was_encrypted)
		return;
	value(&r->line, "opened", "1");
	if (field_decode_chain(r->msg, o.first, o.body, o.body_len))
		refuse(&r->line, r->msg);
	put_all(&r->line, r->msg, "isakmp");
}

static void
put_ip(struct line *l, const struct pkt *p)
{
	char text[IP4_TEXT];

	value(l, "ip.src", ip4_put(text, p->src));
	value(l, "ip.dst", ip4_put(text, p->dst));
	put_num(l, "ip.len", "d", p->ip_len);
	put_num(l, "ip.ttl", "d", p->ttl);
	put_num(l, "ip.proto", "d", p->proto);
	put_num(l, "ip.dsfield", "x", p->tos);
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
	put_num(&r->line, "esp.spi", "X", spi);
	put_num(&r->line, "esp.sequence", "d", seq);
	k = keyring_esp(&r->ring, spi, p->dst);
	if (!k || keyring_open_esp(&r->ring, p->dst, esp, len, inner, sizeof inner, &inner_len,
			  &next) != ERR_OK) {
		value(&r->line, "closed", k ? "wrong" : "no key");
		return;
	}
	put_num(&r->line, "esp.pad_len", "d",
		len - 8 - keyesp_iv_len(k->suite) - keyesp_icv_len(k) - inner_len - 2);
	put_num(&r->line, "esp.protocol", "x", next);
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
			value(&r->line, "refused", p.bad ? p.bad : "?");
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
print(const struct line *l, size_t no)
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
