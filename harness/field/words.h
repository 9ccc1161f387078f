/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_WORDS_H
#define BATON_FIELD_WORDS_H

/*
 * A message as words, to be written by hand and read by people; and back, octet for octet.
 *
 *	eth/ipv4/udp/hsrp ip.src=10.0.0.2 hsrp.state=active hsrp.priority=120 hsrp.auth="cisco"
 *	hsrp hsrp.group=7               # shorthand: the layers below and what they need are added
 *	eth/ipv4/tcp/data data.bytes={ ssp/ssp.role ssp.type=2 }
 *	esp esp.spi=0x1000 esp.seq=5 esp.data=seal{ ipv4/icmp ip.src=192.168.1.10 }
 *
 * A message begins with its layers (field.h), joined by '/'; then come words NAME=VALUE, or
 * NAME#N=VALUE for the N-th field of that name, in any order. A word without '=' begins the next
 * message, so words may go over several lines. '#' before a word starts a comment. If the first
 * word has '=', its name says the layer: `hsrp.group=7` alone is a message, too.
 *
 * Values: numbers 10, 0x0a, or a name (hsrp.state=active); addresses 10.0.0.1; MAC addresses
 * 02:00:00:00:00:01; octets as hexadecimal digits, repeated by '*' and joined by '+' (ff+00*18), as
 * "text" with \" \\ \n \r \t \xHH, or as a message in braces, which is built and put in; a field of
 * text takes a word without quotes, too (hsrp.auth=cisco). For a field of octets, seal{...} says:
 *what is in the braces is to be encrypted and authenticated; who has keys does it
 *(harness/keys/keyseal.h). The word time=SECONDS is no field: when it was seen.
 *
 * Whatever is not said has its default or is computed (field_build), so the words of a valid
 * message are few; and words_of says only what differs from that. What the tables cannot hold (cut,
 * malformed, padding) becomes a layer `data` or `trailer`; words_of builds what it found again and
 * compares, and if it were not the same octets it would say them all as one `data`. So every frame
 * goes to words and back without loss.
 *
 * It keeps no state between messages, and judges nothing: any value that its field can hold is
 * right here. It does not split a frame's TCP stream into SSP messages.
 */
#include "harness/field/field.h"
#include "ref/base/time.h"

#define WORDS_LAYERS 6000	     /* octets of text */
#define WORDS_NAMES (FIELD_MAX * 48) /* octets of names with their numbers */
#define WORDS_OCTETS (320 * 1024)    /* octets of one message, and of its values together */
#define WORDS_WHY 240
#define WORDS_DEPTH 4 /* braces within braces */

/* One message taken apart. Large (some 450 KB): placed by the caller, static or on the heap. */
struct words {
	char layers[WORDS_LAYERS];
	struct field_set
		sets[FIELD_MAX]; /* names and octets lie in here, or (words_of) in the msg */
	const struct field_def *defs[FIELD_MAX]; /* of each set */
	size_t set_cnt;
	bool shorthand; /* layers were added to those that were said */
	bool have_time;
	ns_t time; /* since 1970 */
	/* seal{...}: which set it is; set_cnt or more if there is none. Its octets are the words in
	 * the braces, not yet built, and seal_at is where they begin in the text. */
	size_t seal, seal_at;
	char names[WORDS_NAMES];
	size_t names_len;
	uint8_t octets[WORDS_OCTETS];
	size_t octets_len;
};

/* What is wrong with a text: where (both from 1), and what was found and expected. */
struct words_why {
	size_t line, column;
	char text[WORDS_WHY];
};

/* A place in a text; borrowed. */
struct words_in {
	const char *text;
	size_t len, at;
};

void words_start(struct words_in *in, const void *text, size_t len);
/* The next message: 1 read, 0 none is left, -1 the text is wrong (*why; in stays at the fault). */
int words_next(struct words_in *in, struct words *w, struct words_why *why);
/* One message, the whole text; false and *why. A text without a message is wrong. */
bool words_read(struct words *w, const char *text, struct words_why *why);
/*
 * The words within seal{...} of w, which was read from that text: as they stand, without
 * shorthands. Their first layer may be `seal`, with what is to be done (harness/keys/keyseal.h).
 */
bool words_inner(
	struct words *inner, const char *text, const struct words *w, struct words_why *why);
/* The value that a field has: as set, else its table's default; false if it is in no layer. */
bool words_number(const struct words *w, const char *name, uint64_t *value);
/* Give a field that is in a layer this value (or octets, borrowed), if nothing is said of it yet.
 * False if there is no room. */
bool words_imply(struct words *w, const char *name, uint64_t value, const void *octets, size_t len);
/* Replace a set's octets (copied), as for what was sealed. False if there is no room. */
bool words_replace(struct words *w, size_t set, const void *octets, size_t len);
/* The octets of a message; -1 if they do not fit in cap, or if something waits to be sealed. */
long words_build(const struct words *w, void *out, size_t cap);

/* The words of a decoded message. Octets stay borrowed from m->bytes. Uses all of w. */
void words_of(struct words *w, const struct msg *m);
/* As one line, without its end; octets written, 0 if cap is too small. A closing zero is put. */
size_t words_text(const struct words *w, char *text, size_t cap);
/* Octets that words_text surely needs at most. */
size_t words_text_cap(const struct words *w);

/* The name that words have for a field's value ("bulk-begin" of ssp.type 3); NULL if it has none. */
const char *words_value_name(const char *field, uint64_t value);

#endif
