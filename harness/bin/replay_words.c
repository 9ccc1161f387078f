/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of baton replay (replay_cmd.h). */
#include "harness/bin/replay_cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bin/baton.h"
#include "harness/run/verdict.h"
#include "ref/base/hex.h"

static const char usage[] =
	"replay FILE -i PORT | --lab outside|inside|sync [-o TRACE]  [--speed X | --topspeed]\n"
	"       [--map-mac OLD=NEW] [--map-ip OLD=NEW] [--group N] [--vip ADDRESS]\n"
	"       [--keys FILE --new-keys FILE] [--map-spi OLD=NEW[@NUMBER]] [--map-cookies OLD=NEW]";

static int
wrong(const char *option, const char *found, const char *expected)
{
	return baton_usage("replay: %s: found '%s', expected %s", option, found, expected);
}

/* The two sides of OLD=NEW; false if there are none. */
static bool
sides(const char *text, char *from, char *to, size_t cap)
{
	const char *mid = strchr(text, '=');

	if (!mid || (size_t)(mid - text) >= cap || strlen(mid + 1) >= cap)
		return false;
	memcpy(from, text, (size_t)(mid - text));
	from[mid - text] = '\0';
	strcpy(to, mid + 1);
	return true;
}

static bool
mac_of(const char *text, struct mac *m)
{
	unsigned b[6];
	char end;

	if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2],
					  &b[3], &b[4], &b[5], &end) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		m->b[i] = (uint8_t)b[i];
	return true;
}

static bool
add_mac(struct replay_rules *k, const char *text)
{
	struct replay_mac *m = &k->macs[k->mac_cnt];
	char from[32], to[32];

	if (k->mac_cnt == REPLAY_MAPS || !sides(text, from, to, sizeof from) ||
		!mac_of(from, &m->from) || !mac_of(to, &m->to))
		return false;
	k->mac_cnt++;
	return true;
}

static bool
add_ip(struct replay_rules *k, const char *text)
{
	struct replay_ip *m = &k->ips[k->ip_cnt];
	char from[32], to[32];

	if (k->ip_cnt == REPLAY_MAPS || !sides(text, from, to, sizeof from) ||
		!ip4_get(&m->from, from) || !ip4_get(&m->to, to))
		return false;
	k->ip_cnt++;
	return true;
}

static bool
add_spi(struct replay_rules *k, const char *text)
{
	struct replay_spi *m = &k->spis[k->spi_cnt];
	char from[32], to[32], *at;
	uint64_t a, b, n = 0;

	if (k->spi_cnt == REPLAY_MAPS || !sides(text, from, to, sizeof from))
		return false;
	at = strchr(to, '@');
	if (at)
		*at++ = '\0';
	if (!baton_number(from, 0, 0, UINT32_MAX, &a) || !baton_number(to, 0, 0, UINT32_MAX, &b) ||
		(at && !baton_number(at, 0, 0, UINT32_MAX, &n)))
		return false;
	*m = (struct replay_spi){(uint32_t)a, (uint32_t)b, (uint32_t)n};
	k->spi_cnt++;
	return true;
}

static bool
add_cookies(struct replay_rules *k, const char *text)
{
	struct replay_cookies *m = &k->cookies[k->cookie_cnt];
	char from[40], to[40];

	if (k->cookie_cnt == REPLAY_MAPS || !sides(text, from, to, sizeof from) ||
		hex_get(m->from, 16, from) != 16 || hex_get(m->to, 16, to) != 16)
		return false;
	k->cookie_cnt++;
	return true;
}

enum { MAC = 256, IP, SPI, COOKIES, GROUP, VIP, KEYS, NEW_KEYS, SPEED, TOP, LAB };

static const struct option options[] = {
	{"map-mac", required_argument, NULL, MAC},
	{"map-ip", required_argument, NULL, IP},
	{"map-spi", required_argument, NULL, SPI},
	{"map-cookies", required_argument, NULL, COOKIES},
	{"group", required_argument, NULL, GROUP},
	{"vip", required_argument, NULL, VIP},
	{"keys", required_argument, NULL, KEYS},
	{"new-keys", required_argument, NULL, NEW_KEYS},
	{"speed", required_argument, NULL, SPEED},
	{"topspeed", no_argument, NULL, TOP},
	{"lab", required_argument, NULL, LAB},
	{NULL, 0, NULL, 0},
};

static int
take_map(struct replay_rules *k, int o)
{
	switch (o) {
	case MAC:
		return add_mac(k, optarg)
			       ? 0
			       : wrong("--map-mac", optarg, "02:00:00:00:00:01=02:00:00:00:00:02");
	case IP:
		return add_ip(k, optarg) ? 0 : wrong("--map-ip", optarg, "10.0.0.1=10.0.0.2");
	case SPI:
		return add_spi(k, optarg) ? 0 : wrong("--map-spi", optarg, "0x1000=0x2000@500");
	}
	return add_cookies(k, optarg) ? 0
				      : wrong("--map-cookies", optarg,
						"two cookies of 16 digits each, = and two others");
}

static int
take_value(struct replay_words *w, int o)
{
	uint64_t n;
	char *end;

	switch (o) {
	case GROUP:
		w->rules.set_group = baton_number(optarg, 0, 0, 255, &n);
		w->rules.group = (uint8_t)n;
		return w->rules.set_group ? 0 : wrong("--group", optarg, "a number up to 255");
	case VIP:
		w->rules.set_vip = ip4_get(&w->rules.vip, optarg);
		return w->rules.set_vip ? 0 : wrong("--vip", optarg, "an address as 10.0.0.1");
	case SPEED:
		w->pace = REPLAY_SCALED;
		w->speed = strtod(optarg, &end);
		return w->speed > 0 && w->speed < 1e9 && !*end
			       ? 0
			       : wrong("--speed", optarg, "a factor above 0");
	case KEYS:
		w->rules.old_keys = &w->old_keys;
		return baton_read_keys("replay", optarg, &w->old_keys) ? 0 : EXIT_USAGE;
	case NEW_KEYS:
		w->rules.new_keys = &w->new_keys;
		return baton_read_keys("replay", optarg, &w->new_keys) ? 0 : EXIT_USAGE;
	}
	w->segment = optarg;
	if (!strcmp(optarg, "outside") || !strcmp(optarg, "inside") || !strcmp(optarg, "sync"))
		return 0;
	return wrong("--lab", optarg, "outside, inside or sync");
}

static int
take_option(struct replay_words *w, int o, char **argv)
{
	switch (o) {
	case 'i':
		w->port = optarg;
		return 0;
	case 'o':
		w->out = optarg;
		return 0;
	case TOP:
		w->top = true;
		w->pace = REPLAY_TOP;
		return 0;
	case MAC:
	case IP:
	case SPI:
	case COOKIES:
		return take_map(&w->rules, o);
	case ':':
		return baton_usage("replay: %s needs a value", argv[optind - 1]);
	case '?':
		return baton_usage(
			"replay: unknown option '%s'\nusage: baton %s", argv[optind - 1], usage);
	}
	return take_value(w, o);
}

int
replay_words_take(struct replay_words *w, int argc, char **argv)
{
	int o, rc = 0;

	opterr = 0;
	while (!rc && (o = getopt_long(argc, argv, ":i:o:", options, NULL)) != -1)
		rc = take_option(w, o, argv);
	if (rc)
		return rc;
	if (argc - optind != 1)
		return baton_usage("replay: one capture file is expected, not %d\nusage: baton %s",
			argc - optind, usage);
	w->file = argv[optind];
	if (!w->port == !w->segment)
		return baton_usage(
			"replay: where to? -i PORT or --lab SEGMENT\nusage: baton %s", usage);
	if (w->out && !w->segment)
		return baton_usage("replay: -o is for --lab");
	if (w->speed > 0 && w->top)
		return baton_usage("replay: --speed and --topspeed exclude each other");
	if (w->segment && w->pace == REPLAY_TOP)
		return baton_usage(
			"replay: --topspeed is for a port: a lab's clock may be virtual");
	return 0;
}
