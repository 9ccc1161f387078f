/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of the console, in one table. Words may be shortened as long as only one command is
 * meant, as on the routers whose language this is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/console/show.h"

#define WORDS 12

struct call {
	const struct console *con;
	ip4_t peer;	  /* at A.B.C.D in the pattern */
	const char *body; /* what follows the line */
	uint32_t bits;	  /* of the command */
	char **out;	  /* text; a command that leaves it alone answers nothing */
};

struct command {
	const char *words; /* A.B.C.D: an address */
	json_t *(*show)(const struct console *con);
	void (*run)(struct call *c);
	uint32_t bits;
};

static void
feed(const struct console *con, enum node_in_kind kind, enum node_clear clear, ip4_t peer)
{
	const struct node_in in = {.kind = kind, .clear = clear, .peer = peer};

	con->feed(con->ctx, &in);
}

/* bits: the text is the whole configuration. */
static void
run_configure(struct call *c)
{
	char *why = NULL;

	if (c->con->configure(c->con->ctx, c->body, c->bits, &why)) {
		c->con->log(c->con->ctx, "config changed at the console");
	} else if (asprintf(c->out, "%% nothing is changed: %s\n", why ? why : "out of memory") < 0) {
		*c->out = NULL;
	}
	free(why);
}

static void
run_clear(struct call *c)
{
	feed(c->con, NODE_IN_CLEAR, (enum node_clear)c->bits, c->peer);
}

static void
run_clear_resync(struct call *c)
{
	run_clear(c);
	feed(c->con, NODE_IN_RESYNC, NODE_CLEAR_IKE, 0);
}

static void
run_clear_counters(struct call *c)
{
	run_clear(c);
	c->con->clear_counters(c->con->ctx);
}

static void
run_debug(struct call *c)
{
	c->con->node->debug |= c->bits;
}

static void
run_undebug(struct call *c)
{
	c->con->node->debug &= ~c->bits;
}

static json_t *show_debugging(const struct console *con);
static void run_help(struct call *c);

/* ---- the table ---- */

#define SSP_ALL                                                                                    \
	(NODE_DEBUG_SSP_FSM | NODE_DEBUG_SSP_SOCKET | NODE_DEBUG_SSP_PACKET | NODE_DEBUG_SSP_PEERS | \
		NODE_DEBUG_SSP_REDUNDANCY | NODE_DEBUG_SSP_CONFIG)
#define IKE_ALL (NODE_DEBUG_IKE_HA_DETAIL | NODE_DEBUG_IKE_HA_FSM | NODE_DEBUG_IKE_HA_UPDATE)
#define IPSEC_ALL (NODE_DEBUG_IPSEC_HA_DETAIL | NODE_DEBUG_IPSEC_HA_UPDATE)
#define STANDBY_ALL                                                                                \
	(NODE_DEBUG_STANDBY_ERRORS | NODE_DEBUG_STANDBY_EVENTS | NODE_DEBUG_STANDBY_PACKETS)

/* `debug X`, and what takes it back. */
#define DEBUG(words, bits)                                                                         \
	{"debug " words, NULL, run_debug, bits}, {"undebug " words, NULL, run_undebug, bits},      \
		{"no debug " words, NULL, run_undebug, bits}

/* clang-format off */
static const struct command commands[] = {
	{"show standby", show_standby, NULL, 0},
	{"show ssp client", show_ssp_client, NULL, 0},
	{"show ssp packet", show_ssp_packet, NULL, 0},
	{"show ssp peers", show_ssp_peers, NULL, 0},
	{"show ssp redundancy", show_ssp_redundancy, NULL, 0},
	{"show crypto isakmp sa", show_isakmp_sa, NULL, 0},
	{"show crypto isakmp ha standby", show_isakmp_ha_standby, NULL, 0},
	{"show crypto ipsec sa", show_ipsec_sa, NULL, 0},
	{"show crypto ipsec sa standby", show_ipsec_sa_standby, NULL, 0},
	{"show crypto ipsec ha", show_ipsec_ha, NULL, 0},
	{"show crypto engine connections active", show_engine, NULL, 0},
	{"show counters", show_counters, NULL, 0},
	{"show running-config", show_running, NULL, 0},
	{"show debugging", show_debugging, NULL, 0},
	{"show version", show_version, NULL, 0},
	{"clear crypto isakmp", NULL, run_clear, NODE_CLEAR_IKE},
	{"clear crypto isakmp peer A.B.C.D", NULL, run_clear, NODE_CLEAR_IKE},
	{"clear crypto sa", NULL, run_clear, NODE_CLEAR_SAS},
	{"clear crypto sa peer A.B.C.D", NULL, run_clear, NODE_CLEAR_SAS},
	{"clear crypto isakmp ha standby", NULL, run_clear, NODE_CLEAR_IKE_COPIES},
	{"clear crypto isakmp ha standby resync", NULL, run_clear_resync, NODE_CLEAR_IKE_COPIES},
	{"clear crypto sa ha standby", NULL, run_clear, NODE_CLEAR_SA_COPIES},
	{"clear crypto sa ha standby peer A.B.C.D", NULL, run_clear, NODE_CLEAR_SA_COPIES},
	{"clear crypto sa ha standby resync", NULL, run_clear_resync, NODE_CLEAR_SA_COPIES},
	{"clear counters", NULL, run_clear_counters, NODE_CLEAR_COUNTERS},
	DEBUG("ssp", SSP_ALL),
	DEBUG("ssp fsm", NODE_DEBUG_SSP_FSM),
	DEBUG("ssp socket", NODE_DEBUG_SSP_SOCKET),
	DEBUG("ssp packet", NODE_DEBUG_SSP_PACKET),
	DEBUG("ssp peers", NODE_DEBUG_SSP_PEERS),
	DEBUG("ssp redundancy", NODE_DEBUG_SSP_REDUNDANCY),
	DEBUG("ssp config", NODE_DEBUG_SSP_CONFIG),
	DEBUG("crypto isakmp ha", IKE_ALL),
	DEBUG("crypto isakmp ha detail", NODE_DEBUG_IKE_HA_DETAIL),
	DEBUG("crypto isakmp ha fsm", NODE_DEBUG_IKE_HA_FSM),
	DEBUG("crypto isakmp ha update", NODE_DEBUG_IKE_HA_UPDATE),
	DEBUG("crypto ipsec ha", IPSEC_ALL),
	DEBUG("crypto ipsec ha detail", NODE_DEBUG_IPSEC_HA_DETAIL),
	DEBUG("crypto ipsec ha update", NODE_DEBUG_IPSEC_HA_UPDATE),
	DEBUG("standby", STANDBY_ALL),
	DEBUG("standby errors", NODE_DEBUG_STANDBY_ERRORS),
	DEBUG("standby events", NODE_DEBUG_STANDBY_EVENTS),
	DEBUG("standby packets", NODE_DEBUG_STANDBY_PACKETS),
	{"undebug all", NULL, run_undebug, UINT32_MAX},
	{"no debug all", NULL, run_undebug, UINT32_MAX},
	{"configure", NULL, run_configure, false},
	{"configure replace", NULL, run_configure, true},
	{"help", NULL, run_help, 0},
};
/* clang-format on */
#define COMMANDS (sizeof commands / sizeof commands[0])

static json_t *
show_debugging(const struct console *con)
{
	json_t *a = json_array();

	for (size_t i = 0; i < COMMANDS; i++) {
		uint32_t b = commands[i].bits;

		if (commands[i].run == run_debug && (b & (b - 1)) == 0 && (con->node->debug & b))
			(void)json_array_append_new(a, json_string(commands[i].words + strlen("debug ")));
	}
	return a;
}

static void
run_help(struct call *c)
{
	size_t len = 1;
	char *p;

	for (size_t i = 0; i < COMMANDS; i++)
		len += strlen(commands[i].words) + 1;
	len += strlen("monitor\n");
	p = *c->out = malloc(len);
	for (size_t i = 0; p && i < COMMANDS; i++)
		p += sprintf(p, "%s\n", commands[i].words);
	if (p)
		(void)strcpy(p, "monitor\n");
}

/* ---- finding ---- */

struct words {
	char text[512];
	char *word[WORDS];
	unsigned cnt;
	bool json, too_many;
};

static void
cut(struct words *w, const char *line)
{
	char *word, *save = NULL;

	(void)snprintf(w->text, sizeof w->text, "%s", line);
	for (word = strtok_r(w->text, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
		if (!strcmp(word, "--json"))
			w->json = true;
		else if (w->cnt < WORDS)
			w->word[w->cnt++] = word;
		else
			w->too_many = true;
	}
}

/* Does the command begin with these words, each whole or shortened? exact: all of them whole. */
static bool
fits(const struct command *c, const struct words *w, ip4_t *peer, bool *exact)
{
	const char *p = c->words;

	*exact = true;
	for (unsigned i = 0; i < w->cnt; i++) {
		size_t n = strcspn(p, " "), len = strlen(w->word[i]);

		if (n == 0)
			return false;
		if (n == strlen("A.B.C.D") && !strncmp(p, "A.B.C.D", n)) {
			if (!ip4_get(peer, w->word[i]))
				return false;
		} else if (len > n || strncmp(p, w->word[i], len) != 0) {
			return false;
		} else {
			*exact = *exact && len == n;
		}
		p += n + (p[n] == ' ');
	}
	return *p == '\0';
}

/* The one command meant; NULL with *ambiguous where there are several. */
static const struct command *
find(const struct words *w, ip4_t *peer, bool *ambiguous)
{
	const struct command *found = NULL;
	bool exact;

	*ambiguous = false;
	for (size_t i = 0; i < COMMANDS && w->cnt && !w->too_many; i++) {
		if (!fits(&commands[i], w, peer, &exact))
			continue;
		if (exact) {
			*ambiguous = false;
			return &commands[i];
		}
		*ambiguous = *ambiguous || found;
		found = &commands[i];
	}
	return *ambiguous ? NULL : found;
}

static char *
unknown(const char *line, bool ambiguous)
{
	char *out;

	if (asprintf(&out, "%% %s command \"%.80s\"; `help` lists them\n",
		    ambiguous ? "ambiguous" : "unknown", line) < 0)
		return NULL;
	return out;
}

void
console_answer(const struct console *con, const char *line, const char *body, char **out)
{
	struct call call = {.con = con, .body = body, .out = out};
	struct words w = {0};
	const struct command *c;
	bool ambiguous;

	cut(&w, line);
	c = find(&w, &call.peer, &ambiguous);
	if (!c) {
		*out = unknown(line, ambiguous);
		return;
	}
	call.bits = c->bits;
	if (c->show) {
		json_t *v = c->show(con);

		*out = w.json ? json_dumps(v, JSON_INDENT(1)) : show_text(v);
		json_decref(v);
		return;
	}
	c->run(&call);
	if (!*out)
		*out = strdup("");
}
