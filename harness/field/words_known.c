/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What words know beside the tables: names for values, shorthands and what they bring along, and
 * which known name a mistyped one looks like. All of it is constant.
 *
 * A shorthand makes a message that a device on the wire would take: addresses of RFC 5737's first
 * test network, HSRP from its port with TTL 1 (RFC 2281 5.1) and, of the active router, from the
 * virtual MAC address (RFC 2281 6).
 */
#include "harness/field/words_in.h"

#include <string.h>

static const struct {
	const char *field, *name;
	uint64_t value;
} names[] = {
	{"hsrp.opcode", "hello", 0},
	{"hsrp.opcode", "coup", 1},
	{"hsrp.opcode", "resign", 2},
	{"hsrp.state", "initial", 0},
	{"hsrp.state", "learn", 1},
	{"hsrp.state", "listen", 2},
	{"hsrp.state", "speak", 4},
	{"hsrp.state", "standby", 8},
	{"hsrp.state", "active", 16},
	{"hsrpadv.state", "dormant", 1},
	{"hsrpadv.state", "passive", 2},
	{"hsrpadv.state", "active", 3},
	{"arp.op", "request", 1},
	{"arp.op", "reply", 2},
	{"isakmp.exchange", "base", 1},
	{"isakmp.exchange", "main", 2},
	{"isakmp.exchange", "aggressive", 4},
	{"isakmp.exchange", "informational", 5},
	{"isakmp.exchange", "quick", 32},
	{"isakmp.notify.type", "invalid-spi", 11},
	{"isakmp.notify.type", "no-proposal-chosen", 14},
	{"isakmp.notify.type", "responder-lifetime", 24576},
	{"isakmp.notify.type", "initial-contact", 24578},
	{"isakmp.notify.type", "r-u-there", 36136},
	{"isakmp.notify.type", "r-u-there-ack", 36137},
	{"ssp.type", "hello", 1},
	{"ssp.type", "role", 2},
	{"ssp.type", "bulk-begin", 3},
	{"ssp.type", "bulk-end", 4},
	{"ssp.type", "ike-sa", 5},
	{"ssp.type", "ike-sa-del", 6},
	{"ssp.type", "ipsec-sa", 7},
	{"ssp.type", "ipsec-sa-del", 8},
	{"ssp.type", "reserve", 9},
	{"ssp.type", "replay", 10},
	{"ssp.type", "volume", 11},
	{"ssp.type", "dpd", 12},
	{"ssp.type", "ack", 13},
	{"ssp.type", "keepalive", 14},
	{"ssp.type", "resync", 15},
	{"ssp.type", "refuse", 16},
	{"ssp.type", "highest", 17},
	{"ssp.type", "error", 18},
};
#define NAMES (sizeof names / sizeof names[0])

const char *
words_value_name(const char *field, uint64_t value)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].value == value && !strcmp(names[i].field, field))
			return names[i].name;
	return NULL;
}

bool
words_name(const char *field, const char *name, size_t len, uint64_t *value)
{
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(names[i].field, field) && !strncmp(names[i].name, name, len) &&
			!names[i].name[len]) {
			*value = names[i].value;
			return true;
		}
	return false;
}

const char *
words_names_of(const char *field, char *text, size_t cap)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < NAMES && at < cap; i++)
		if (!strcmp(names[i].field, field)) {
			int n = snprintf(
				text + at, cap - at, "%s%s", at ? ", " : "", names[i].name);

			at += n > 0 ? (size_t)n : 0;
		}
	return text;
}

/* -- shorthands -- */

static const struct {
	const char *first, *below;
} shorthands[] = {
	{"arp", "eth/"},
	{"udp", "eth/ipv4/"},
	{"tcp", "eth/ipv4/"},
	{"icmp", "eth/ipv4/"},
	{"esp", "eth/ipv4/"},
	{"hsrp", "eth/ipv4/udp/"},
	{"hsrpadv", "eth/ipv4/udp/"},
	{"isakmp", "eth/ipv4/udp/"},
	{"nonesp", "eth/ipv4/udp/"},
	{"ssp", "eth/ipv4/tcp/"},
};

bool
words_expand(const char *layers, char *whole, size_t cap)
{
	size_t first = strcspn(layers, "/");

	for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++) {
		const char *s = shorthands[i].first;

		if (strlen(s) == first && !strncmp(s, layers, first) &&
			strlen(layers) + strlen(shorthands[i].below) < cap) {
			sprintf(whole, "%s%s", shorthands[i].below, layers);
			return true;
		}
	}
	return false;
}

static bool
has_layer(const struct words *w, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = w->layers; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, name, len) && (!p[len] || p[len] == '/'))
			return true;
	}
	return false;
}

#define HERE IP4(192, 0, 2, 1)
#define THERE IP4(192, 0, 2, 2)
#define SSP_PORT 3249

struct preset {
	const char *with; /* layer */
	const char *field;
	uint64_t value;
};

/* In this order: the first that fits a field counts. */
static const struct preset presets[] = {
	{"ssp", "tcp.sport", 49152},
	{"ssp", "tcp.dport", SSP_PORT},
	{"ssp", "tcp.flags", 0x18},
	{"esp", "udp.sport", 4500}, /* in UDP: RFC 3948 2.1 */
	{"esp", "udp.dport", 4500},
	{"hsrp", "hsrp.vip", IP4(192, 0, 2, 254)},
	{"hsrp", "ip.dst", IP4(224, 0, 0, 2)},
	{"hsrpadv", "ip.dst", IP4(224, 0, 0, 2)},
	{"arp", "arp.spa", HERE},
	{"arp", "arp.tpa", THERE},
	{"ipv4", "ip.src", HERE},
	{"ipv4", "ip.dst", THERE},
};

bool
words_preset(struct words *w)
{
	uint64_t group = 0, state = 0;

	if (!w->shorthand)
		return true;
	(void)words_number(w, "hsrp.group", &group);
	(void)words_number(w, "hsrp.state", &state);
	if (has_layer(w, "hsrp") && state == 16 && /* RFC 2281 6 */
		!words_imply(w, "eth.src", 0x00000c07ac00 | group, NULL, 0))
		return false;
	for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
		if (has_layer(w, presets[i].with) &&
			!words_imply(w, presets[i].field, presets[i].value, NULL, 0))
			return false;
	return true;
}

/* -- what it looks like -- */

#define NAME_MAX_LEN 48

/* Letters to add, take away or change to come from one to the other. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], n = strlen(b);

	if (n > NAME_MAX_LEN)
		return n;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (; *a; a++) {
		size_t corner = row[0]++;

		for (size_t k = 1; k <= n; k++) {
			size_t change = corner + (*a != b[k - 1]);
			size_t other = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;

			corner = row[k];
			row[k] = change < other ? change : other;
		}
	}
	return row[n];
}

struct like {
	const char *name;
	size_t far;
};

static void
compare(struct like *best, const char *name, const char *known, size_t handicap)
{
	size_t a = strlen(name), b = strlen(known), far = (a > b ? a - b : b - a) + handicap;

	if (far >= best->far || far > a / 3 + 1) /* so much differs at least */
		return;
	far = distance(name, known) + handicap;
	if (far < best->far)
		*best = (struct like){known, far};
}

/* Near enough to be meant: less than half of the letters differ. */
static const char *
near_enough(const struct like *best, const char *name)
{
	return best->name && best->far <= strlen(name) / 3 + 1 ? best->name : NULL;
}

const char *
words_like(const char *name, const char *layers)
{
	struct like best = {NULL, SIZE_MAX};
	const struct field_format *f;

	for (size_t i = 0; (f = field_format_nth(i)); i++) {
		bool here = strstr(layers, f->name) != NULL;

		for (size_t k = 0; k < f->field_cnt; k++)
			compare(&best, name, f->fields[k].name, here ? 0 : 1);
	}
	return near_enough(&best, name);
}

const char *
words_like_format(const char *name)
{
	struct like best = {NULL, SIZE_MAX};
	const struct field_format *f;

	for (size_t i = 0; (f = field_format_nth(i)); i++)
		compare(&best, name, f->name, 0);
	return near_enough(&best, name);
}
