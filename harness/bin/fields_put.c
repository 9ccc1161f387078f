/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness's fields under the names that Wireshark gives them (fields_put.h). One table says
 * most; what has another shape there has a function.
 */
#include "harness/bin/fields_put.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fields_value(struct fields_line *l, const char *name, const char *text)
{
	size_t i = 0, len;

	while (i < l->cnt && strcmp(l->at[i].name, name) != 0)
		i++;
	if (i == FIELDS_NAMES)
		abort();
	if (i == l->cnt) {
		l->at[l->cnt].name = name;
		l->at[l->cnt++].values[0] = '\0';
		len = 0;
	} else {
		len = strlen(l->at[i].values);
		if (len + 1 < FIELDS_VALUES)
			l->at[i].values[len++] = ',';
	}
	(void)snprintf(l->at[i].values + len, FIELDS_VALUES - len, "%s", text);
}

enum how { DECIMAL, HEX8, HEX32, ADDRESS, OCTETS, STRING };

static void
put(struct fields_line *l, const char *name, enum how how, const struct msg *m,
	const struct field *f)
{
	static char text[FIELDS_VALUES];
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
	fields_value(l, name, text);
}

void
fields_num(struct fields_line *l, const char *name, const char *fmt, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof text,
		fmt[0] == 'x'	? "0x%02" PRIx64
		: fmt[0] == 'X' ? "0x%08" PRIx64
				: "%" PRIu64,
		v);
	fields_value(l, name, text);
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
put_generic(struct fields_line *l, const char *name, const struct msg *m, const struct field *f)
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
put_id(struct fields_line *l, const struct msg *m, const struct field *f, uint64_t type)
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
		fields_value(l, as[type][i / 4], text);
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
put_attribute(struct fields_line *l, const struct chain *c, const struct field *f)
{
	const char *name = attribute_name(c->phase1, c->attr);

	if (name && f->len <= 4)
		fields_num(l, name, "d", f->value);
}

static void
put_field(struct fields_line *l, struct chain *c, const struct msg *m, const struct field *f)
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
		fields_num(l, c->phase1 ? "isakmp.ike.attr.type" : "isakmp.ipsec.attr.type", "d",
			f->value);
	}
	if (!strcmp(name, "isakmp.attr.value") || !strcmp(name, "isakmp.attrv.value"))
		put_attribute(l, c, f);
	if (!strcmp(name, "isakmp.id.data"))
		put_id(l, m, f, c->id_type);
	if (!strcmp(name, "isakmp.major"))
		fields_num(l, "isakmp.version", "x", f->value << 4 | (m->bytes[f->offset] & 15u));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(names[i].ours, name) && (f->len || names[i].how != OCTETS))
			put(l, names[i].theirs, names[i].how, m, f);
}

static void
put_spis(struct fields_line *l, const struct msg *m)
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
			fields_value(l, "isakmp.delete.spi", text);
		}
	}
}

void
fields_all(struct fields_line *l, const struct msg *m, const char *from)
{
	struct chain c = {0};

	for (size_t i = 0; i < m->field_cnt; i++)
		if (strncmp(m->fields[i].def->name, from, strlen(from)) == 0)
			put_field(l, &c, m, &m->fields[i]);
	put_spis(l, m);
}

void
fields_refuse(struct fields_line *l, const struct msg *m)
{
	char why[160];

	(void)snprintf(why, sizeof why, "%s", m->bad.field ? m->bad.field : "?");
	fields_value(l, "refused", why);
}
