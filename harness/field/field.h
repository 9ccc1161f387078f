/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_FIELD_H
#define BATON_FIELD_FIELD_H

/*
 * Messages as tables of fields.
 *
 * Every format is one table (formats.c): name, width, kind, default and clause of each field, in
 * the order of the wire. The same table is read to decode, to build and to compare, so that a case
 * speaks of "hsrp.holdtime" and never of byte 5.
 *
 * A message is a list of layers (eth, ipv4, udp, isakmp, isakmp.sa, isakmp.prop, ...), each with
 * its fields. A name that occurs more than once is numbered: "isakmp.vid.data#2" is the second.
 * Without a number the first is meant.
 *
 * Formats: eth vlan sll sll2 arp ipv4 udp icmp tcp esp hsrp hsrpadv isakmp isakmp.sa isakmp.prop isakmp.transform
 * isakmp.attr (TV) isakmp.attrv (TLV) isakmp.ke isakmp.id isakmp.cert isakmp.cr isakmp.hash
 * isakmp.sig isakmp.nonce isakmp.notify isakmp.delete isakmp.vid isakmp.natd isakmp.natoa
 * isakmp.unknown isakmp.encrypted nonesp ssp ssp.<tlv in lower case> data, and trailer (octets that
 * no layer's length covers; decoding puts none, building may).
 *
 * Decoding allocates nothing and never reads outside the bytes given. What does not fit is said in
 * msg.bad (field, offset, clause); the fields before it are there, and after a wrong value those of
 * the same layer, too. All bytes are borrowed from the
 * caller and must outlive the message. Numbers are in host order.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ref/base/err.h"
#include "ref/base/ip4.h"

#define FIELD_MAX 800 /* fields in one message; more are refused as ERR_FULL */
#define LAYER_MAX 250

enum field_kind {
	FIELD_NUM,   /* up to 64 bits */
	FIELD_IP4,   /* an address, host order in .value */
	FIELD_MAC,   /* six octets, also in .value */
	FIELD_BYTES, /* octets */
	FIELD_TEXT,  /* octets that are likely to be ASCII */
	FIELD_KIND_CNT
};

/* How a field gets its value in field_build when the caller does not set it. */
enum field_auto {
	FIELD_PLAIN,	/* the table's default */
	FIELD_LENGTH,	/* octets of this layer with all that is inside it */
	FIELD_BODY,	/* the same without this layer's own header (TLV lengths) */
	FIELD_CHECKSUM, /* Internet checksum (IPv4 header; UDP, TCP, with pseudo header; ICMP) */
	FIELD_NEXT,	/* the type of the layer inside */
	FIELD_BEHIND,	/* the type of the layer that follows, at whatever level */
	FIELD_SIBLING,	/* the type of the layer beside it, 0 if it is the last */
	FIELD_SIZE,	/* octets of the sized field that counts on it */
	FIELD_COUNT,	/* number of layers directly inside */
	FIELD_TYPE,	/* this layer's own type number */
	FIELD_AUTO_CNT
};

struct field_def {
	const char *name;
	uint16_t bits; /* 0: sized by another field, or the rest of the layer */
	enum field_kind kind;
	enum field_auto fill;
	uint64_t preset;     /* default in field_build */
	const char *size_by; /* name of the field that gives its size, or NULL */
	uint8_t size_mul;    /* octets = value * size_mul - size_sub */
	uint8_t size_sub;
	bool must;	    /* another value than the preset is malformed */
	const char *clause; /* "RFC 2281 5.1" */
};

struct field_format {
	const char *name;
	const struct field_def *fields;
	uint16_t field_cnt;
	uint16_t type; /* number by which the layer around it names it (ethertype, payload...) */
	uint8_t level; /* nesting: a layer contains what follows it at higher levels */
};

struct field {
	const struct field_def *def;
	uint32_t offset; /* octets from the start of the message */
	uint32_t len;	 /* octets that it touches */
	uint64_t value;	 /* numbers, addresses; for bytes of up to 8 octets also those */
	uint8_t layer;	 /* index into msg.layers */
};

struct layer {
	const struct field_format *format;
	uint32_t offset;
	uint32_t len; /* octets including what is inside */
};

struct msg {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	struct field fields[FIELD_MAX];
	struct layer layers[LAYER_MAX];
	uint16_t field_cnt;
	uint16_t layer_cnt;
	enum err err;	/* ERR_OK, or what was wrong first */
	struct why bad; /* where, if err */
};

/* Decode an Ethernet frame. Returns m->err. Checksums are compared, too (ERR_CHECKSUM). A TCP segment
 * of port 3249 that is whole SSP messages in clear is taken apart; any other is data. */
enum err field_decode(struct msg *m, const void *frame, size_t len);

/*
 * The same for a frame of another link, by its LINKTYPE_ number as capture files have it: 1
 * Ethernet, 101 (12, 14) and 228 raw IP, 113 and 276 Linux cooked. VLAN tags (802.1Q, 802.1ad) are
 * layers, here and in field_decode. Another number: ERR_UNSUPPORTED.
 */
enum err field_decode_link(struct msg *m, unsigned link, const void *frame, size_t len);

/*
 * Decode bytes that start with the named format: "ipv4", "isakmp", "ssp"... A format that is an
 * ISAKMP payload ("isakmp.hash") decodes the whole chain of payloads that starts with it.
 */
enum err field_decode_as(struct msg *m, const char *format, const void *bytes, size_t len);
/*
 * Octets of the whole SSP message that the bytes start with; 0 if it is not all there yet. A stream
 * is read message by message: one decoded at a time.
 */
size_t field_ssp_whole(const void *bytes, size_t len);
/* A decrypted chain of ISAKMP payloads; `first` is the next-payload octet of the header. */
enum err field_decode_chain(struct msg *m, uint8_t first, const void *bytes, size_t len);

/* By name, "name" or "name#2"; NULL or false if it is not there. */
const struct field *field_find(const struct msg *m, const char *name);
bool field_u32(const struct msg *m, const char *name, uint32_t *v);
bool field_u64(const struct msg *m, const char *name, uint64_t *v);
bool field_ip4(const struct msg *m, const char *name, ip4_t *v);
/* Which of its name field i is, from 1: 2 in "isakmp.vid.data#2". */
size_t field_nth(const struct msg *m, size_t i);
/* Borrowed bytes of a field. */
bool field_bytes(const struct msg *m, const char *name, const uint8_t **p, size_t *len);
/* How many layers of that format are in it; the n-th (from 0), NULL if there is none. */
size_t field_layers(const struct msg *m, const char *format);
const struct layer *field_layer(const struct msg *m, const char *format, size_t n);
/* True if the field is there and has that value. */
bool field_is(const struct msg *m, const char *name, uint64_t value);

/* One field of a message to be built. Bytes are borrowed during the call. */
struct field_set {
	const char *name; /* "isakmp.vid.data#2" */
	uint64_t value;
	const void *bytes; /* if not NULL, these instead of the value */
	size_t len;
};
#define SET(n, v) ((struct field_set){.name = (n), .value = (uint64_t)(v)})
#define SET_BYTES(n, p, l) ((struct field_set){.name = (n), .bytes = (p), .len = (l)})

/*
 * Build a message from its layers, "eth/ipv4/udp/hsrp", and the fields that shall not have their
 * defaults. Lengths, checksums and next-types are computed unless set; a value that does not fit
 * its width is cut to it. Returns octets written; 0 if it does not fit, or a name is unknown
 * (a mistake of the caller: *why says which).
 */
size_t field_build(void *out, size_t cap, const char *layers, const struct field_set *sets,
	size_t set_cnt, struct why *why);

/*
 * Compare field by field. `ignore` lists names that may differ, separated by spaces (NULL none; a
 * name that ends in '*' is a prefix). Returns the number of differences; the first are written
 * to text as "hsrp.holdtime: expected 10, seen 3 (RFC 2281 5.1)", one a line.
 */
size_t field_diff(const struct msg *expected, const struct msg *seen, const char *ignore,
	char *text, size_t cap);

/* The value as text: 10, 10.0.0.1, 02:..., 63697363..., "cisco". Returns dst. */
char *field_text(const struct msg *m, const struct field *f, char *dst, size_t cap);
/* All fields, one a line: offset, name, value. For -v and for failures. */
void field_print(const struct msg *m, FILE *to);

/* The table of a format; NULL if there is none. */
const struct field_format *field_format(const char *name);
/* All formats one after the other, from 0, for documentation and tests; NULL behind the last. */
const struct field_format *field_format_nth(size_t n);

#endif
