/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame for people and for programs (decode_show.h). The tables of harness/field say everything
 * here: name, place, value, clause.
 */
#include "harness/bin/decode_show.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/line.h"
#include "harness/field/pkt.h"

/* -- opening -- */

/* Zeros behind the last payload are no part of the message (RFC 2409 Appendix B). */
static void
leave_padding(struct msg *m)
{
	const struct field *last = m->field_cnt ? &m->fields[m->field_cnt - 1] : NULL;
	size_t end = last ? last->offset + last->len : 0;

	for (size_t i = end; i < m->len; i++)
		if (m->bytes[i])
			return;
	m->len = end;
}

static void
open_ike(struct decode *d, const struct pkt *p)
{
	struct ikeopen_msg o;

	if (ikeopen_feed(d->ike, p->isakmp, p->isakmp_len, &o) != ERR_OK || !o.was_encrypted)
		return;
	memcpy(d->plain, o.body, o.body_len);
	if (field_decode_chain(&d->inner, o.first, d->plain, o.body_len) == ERR_OK)
		leave_padding(&d->inner);
	memcpy(d->iv, o.iv, sizeof d->iv);
	d->next = 0;
	d->opened = true;
}

static void
open_esp(struct decode *d, const struct pkt *p)
{
	size_t len;
	uint8_t next;

	if (p->esp_len > sizeof d->plain ||
		keyring_open_esp(d->ring, p->dst, p->esp, p->esp_len, d->plain, sizeof d->plain,
			&len, &next) != ERR_OK)
		return;
	(void)field_decode_as(&d->inner, next == 4 ? "ipv4" : "data", d->plain, len);
	memcpy(d->iv, p->esp + 8, p->esp_len >= 8 + sizeof d->iv ? sizeof d->iv : p->esp_len - 8);
	d->next = next;
	d->opened = true;
}

static void
open_tcp(struct decode *d, const struct pkt *p, ns_t at)
{
	size_t len = decode_tls_feed(d->tls, p, at, d->plain, sizeof d->plain);

	if (!len)
		return;
	(void)field_decode_as(&d->inner, "ssp", d->plain, len);
	d->opened = d->in_tls = true;
}

/* Look into the frame with the keys, if there are any: IKE's IVs go on from frame to frame. */
static void
open_frame(struct decode *d, const struct capture_frame *f)
{
	struct pkt p;

	d->opened = d->in_tls = false;
	if (!d->ring || !pkt_parse_cut(&p, f->link, f->bytes, f->len, f->wire_len) || p.mf ||
		p.frag_off || p.ip_cut)
		return;
	if (p.is_isakmp)
		open_ike(d, &p);
	else if (p.is_esp)
		open_esp(d, &p);
	else if (p.is_tcp)
		open_tcp(d, &p, f->at);
}

/* -- a line -- */

static const char *
layer_name(const struct msg *m, size_t i)
{
	const char *n = m->layers[i].format->name;

	return strncmp(n, "isakmp.", 7) ? n : n + 7;
}

/* A field's name and value, if the message came so far. */
static void
put_known(const struct msg *m, const char *before, const char *name)
{
	const struct field *f = field_find(m, name);
	char t[160];

	if (f)
		printf("%s%s", before, field_text(m, f, t, sizeof t));
}

/* What was read of a frame of which something below its message is wrong. */
static void
put_beginning(const struct msg *m)
{
	if (!m->layer_cnt)
		printf("%zu octets", m->len);
	for (size_t i = 0; i < m->layer_cnt; i++)
		printf("%s%s", i ? "/" : "", m->layers[i].format->name);
	put_known(m, " ", "ip.src");
	put_known(m, " > ", "ip.dst");
	put_known(m, " port ", "udp.sport");
	put_known(m, " > ", "udp.dport");
	put_known(m, " port ", "tcp.sport");
	put_known(m, " > ", "tcp.dport");
}

/* Which octet, which field, what it says if it could be read, and where it is laid down. */
static void
put_fault(const struct msg *m)
{
	printf("malformed (%s) at octet %zu: %s", err_name(m->err), m->bad.offset, m->bad.field);
	put_known(m, " ", m->bad.field);
	printf(", %s", m->bad.clause);
}

/* A part of a frame that is right as far as it goes. */
static bool
is_cut(const struct capture_frame *f)
{
	struct pkt p;

	return f->len < f->wire_len && pkt_parse_cut(&p, f->link, f->bytes, f->len, f->wire_len);
}

static void
put_frame(const struct decode *d, const struct capture_frame *f)
{
	const struct line_in in = {f->link, f->bytes, f->len, f->wire_len};
	char line[LINE_CAP];
	struct pkt p;
	bool whole = pkt_parse_cut(&p, f->link, f->bytes, f->len, f->wire_len);

	if (!whole && d->msg.err)
		put_beginning(&d->msg);
	else if (!whole && p.bad && strcmp(p.bad, "ip.version") == 0 && f->len)
		printf("IP version %u, not read, %u octets", f->bytes[0] >> 4, f->len);
	else
		fputs(line_link(&in, line, sizeof line), stdout);
	if (f->len < f->wire_len)
		printf(" (%u of %u octets here)", f->len, f->wire_len);
	if (d->msg.err && !is_cut(f)) {
		fputs(" | ", stdout);
		put_fault(&d->msg);
	}
}

/* The types of SSP messages, in order. */
static void
put_ssp(const struct msg *m)
{
	const char *before = "SSP ";

	for (size_t i = 0; i < m->field_cnt; i++) {
		const struct field *f = &m->fields[i];
		const char *name = words_value_name(f->def->name, f->value);

		if (strcmp(f->def->name, "ssp.type") != 0)
			continue;
		printf("%s%s", before, name ? name : "of an unknown type");
		before = ", ";
	}
}

static void
put_opened(const struct msg *m, bool in_tls)
{
	char line[LINE_CAP];

	fputs(" | ", stdout);
	if (in_tls)
		put_ssp(m);
	else if (field_layers(m, "ipv4") && m->err)
		put_beginning(m);
	else if (field_layers(m, "ipv4"))
		fputs(line_packet(m->bytes, m->len, line, sizeof line), stdout);
	else
		for (size_t i = 0; i < m->layer_cnt; i++)
			if (m->layers[i].format->level == 4)
				printf("%s%s", i ? " " : "", layer_name(m, i));
	if (!m->err)
		return;
	fputs(" | inside ", stdout);
	put_fault(m);
}

static void
show_line(const struct decode *d, const struct capture_frame *f, const char *port)
{
	ns_t at = f->at - d->first;

	printf("%5llu %s%lld.%06lld %s%s", (unsigned long long)f->no, at < 0 ? "-" : "",
		(long long)((at < 0 ? -at : at) / NS_PER_S),
		(long long)((at < 0 ? -at : at) % NS_PER_S / NS_PER_US), port ? port : "",
		port ? " " : "");
	put_frame(d, f);
	if (d->opened)
		put_opened(&d->inner, d->in_tls);
	putchar('\n');
}

/* -- field by field -- */

/* is_cut: the capture holds a part of the frame, and its end is no fault. */
static void
show_fields(const struct msg *m, bool is_cut, const char *indent)
{
	char t[160];

	for (size_t i = 0; i < m->field_cnt; i++) {
		const struct field *f = &m->fields[i];

		if (!i || f->layer != m->fields[i - 1].layer)
			printf("%s%s, %u octets\n", indent, m->layers[f->layer].format->name,
				m->layers[f->layer].len);
		printf("%s  %5u  %-26s %-28s %s\n", indent, f->offset, f->def->name,
			field_text(m, f, t, sizeof t), f->def->clause);
	}
	if (m->err)
		printf("%s  %5zu  %s (%s): %s, %s\n", indent, m->bad.offset,
			is_cut ? "cut in the capture" : "malformed", err_name(m->err), m->bad.field,
			m->bad.clause);
}

/* -- JSON -- */

/* What is not printable becomes \xHH, a backslash two. */
static json_t *
json_of_text(const uint8_t *p, size_t len)
{
	char *t = malloc(4 * len + 1);
	size_t at = 0;
	json_t *j;

	if (!t)
		return NULL;
	while (len && !p[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		at += (size_t)(p[i] < 0x20 || p[i] > 0x7e ? sprintf(t + at, "\\x%02x", p[i])
			       : p[i] == '\\'		  ? sprintf(t + at, "\\\\")
							  : sprintf(t + at, "%c", p[i]));
	t[at] = '\0';
	j = json_string(t);
	free(t);
	return j;
}

static json_t *
json_of_octets(const uint8_t *p, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	char *t = malloc(2 * len + 1);
	json_t *j;

	if (!t)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		t[2 * i] = digit[p[i] >> 4];
		t[2 * i + 1] = digit[p[i] & 15];
	}
	t[2 * len] = '\0';
	j = json_string(t);
	free(t);
	return j;
}

static json_t *
json_of_field(const struct msg *m, const struct field *f)
{
	char t[64];

	switch (f->def->kind) {
	case FIELD_NUM:
		if (f->def->bits <= 32)
			return json_integer((json_int_t)f->value);
		return json_sprintf("0x%0*llx", f->def->bits / 4, (unsigned long long)f->value);
	case FIELD_IP4:
	case FIELD_MAC:
		return json_string(field_text(m, f, t, sizeof t));
	case FIELD_TEXT:
		return json_of_text(m->bytes + f->offset, f->len);
	case FIELD_BYTES:
	case FIELD_KIND_CNT:
		break;
	}
	return json_of_octets(m->bytes + f->offset, f->len);
}

static json_t *
json_of_fields(const struct msg *m)
{
	json_t *all = json_object();
	char name[64];

	for (size_t i = 0; i < m->field_cnt; i++) {
		size_t nth = field_nth(m, i);

		if (nth > 1)
			snprintf(name, sizeof name, "%s#%zu", m->fields[i].def->name, nth);
		else
			snprintf(name, sizeof name, "%s", m->fields[i].def->name);
		json_object_set_new(all, name, json_of_field(m, &m->fields[i]));
	}
	return all;
}

static json_t *
json_of_bad(const struct msg *m)
{
	if (!m->err)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:s}", "error", err_name(m->err), "field", m->bad.field,
		"offset", (json_int_t)m->bad.offset, "clause", m->bad.clause);
}

/* The innermost protocol that was found. */
static json_t *
protocol(const struct msg *m)
{
	for (size_t i = m->layer_cnt; i-- > 0;) {
		const char *n = m->layers[i].format->name;

		if (strcmp(n, "data") != 0)
			return json_stringn(n, strcspn(n, "."));
	}
	return json_string("data");
}

static void
show_json(const struct decode *d, const struct capture_frame *f, const char *port)
{
	json_t *o = json_pack("{s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "frame",
		(json_int_t)f->no, "time",
		json_sprintf("%lld.%09lld", (long long)(f->at / NS_PER_S),
			(long long)(f->at % NS_PER_S)),
		"port", port ? json_string(port) : json_integer(f->port), "protocol",
		protocol(&d->msg), "octets", (json_int_t)f->len, "on_wire", (json_int_t)f->wire_len,
		"fields", json_of_fields(&d->msg), "malformed", json_of_bad(&d->msg));

	if (d->opened)
		json_object_set_new(o, "opened",
			json_pack("{s:o, s:o, s:o}", "protocol", protocol(&d->inner), "fields",
				json_of_fields(&d->inner), "malformed", json_of_bad(&d->inner)));
	json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(o);
}

/* -- words, octets -- */

static void
show_words(struct decode *d, const struct capture_frame *f)
{
	const struct keyseal_opened opened = {&d->inner, d->iv, d->next};
	size_t need;

	words_of(&d->words, &d->msg);
	if (d->opened && !d->in_tls)
		(void)keyseal_say(d->ring, &d->words, &d->msg, &opened);
	d->words.have_time = f->at >= 0;
	d->words.time = f->at;
	need = words_text_cap(&d->words);
	if (need > d->text_cap) {
		free(d->text);
		d->text_cap = need * 2;
		d->text = malloc(d->text_cap);
	}
	if (!d->text || !words_text(&d->words, d->text, d->text_cap))
		abort();
	puts(d->text);
}

static void
show_octets(const struct capture_frame *f)
{
	static const char digit[] = "0123456789abcdef";

	for (uint32_t i = 0; i < f->len; i++) {
		putchar_unlocked(digit[f->bytes[i] >> 4]);
		putchar_unlocked(digit[f->bytes[i] & 15]);
	}
	putchar('\n');
}

static void
begin(struct decode *d, const struct capture_frame *f)
{
	if (!d->begun)
		d->first = f->at;
	d->begun = true;
	open_frame(d, f);
}

void
decode_pass(struct decode *d, const struct capture_frame *f)
{
	begin(d, f);
}

void
decode_show(struct decode *d, const struct capture_frame *f, const char *port)
{
	begin(d, f);
	if (d->how != DECODE_OCTETS)
		(void)field_decode_link(&d->msg, f->link, f->bytes, f->len);
	switch (d->how) {
	case DECODE_LINE:
		show_line(d, f, port);
		break;
	case DECODE_FIELDS:
		show_line(d, f, port);
		show_fields(&d->msg, is_cut(f), "  ");
		if (d->opened)
			puts("    opened:");
		if (d->opened)
			show_fields(&d->inner, false, "    ");
		break;
	case DECODE_JSON:
		show_json(d, f, port);
		break;
	case DECODE_WORDS:
		show_words(d, f);
		break;
	case DECODE_OCTETS:
		show_octets(f);
		break;
	}
}
