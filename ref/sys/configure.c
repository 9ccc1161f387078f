/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: read at the start, and put in place of another on a router that runs. The order
 * then: everything that can fail comes first (the text, new interfaces, the kernel's rules), and is
 * undone if something does; the node obeys; what nobody wants any more goes last.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/config/config.h"
#include "ref/sys/port.h"
#include "ref/sys/router.h"

#define TEXT_MAX 65536

__attribute__((format(printf, 2, 3))) static void
say(char **why, const char *fmt, ...)
{
	char line[800];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	*why = strdup(line);
}

static void
text_free(char *text)
{
	wipe(text, TEXT_MAX);
	free(text);
}

/* The file's text, in a room of TEXT_MAX octets and a NUL; NULL, and why. For text_free. */
static char *
file_read(const char *path, char **why)
{
	char *text = calloc(1, TEXT_MAX + 1);
	FILE *f = text ? fopen(path, "r") : NULL;
	size_t n;

	if (!f) {
		say(why, "%s: %s", path, strerror(text ? errno : ENOMEM));
		free(text);
		return NULL;
	}
	n = fread(text, 1, TEXT_MAX, f);
	if (n == TEXT_MAX)
		say(why, "%s: longer than 65535 octets", path);
	else if (ferror(f))
		say(why, "%s: cannot be read", path);
	else if (strlen(text) != n)
		say(why, "%s: there is a NUL octet in it", path);
	(void)fclose(f);
	if (!*why)
		return text;
	text_free(text);
	return NULL;
}

/* What a router that applies halves would take: the lines before the one that is wrong. */
static bool
before_the_error(const char *text, bool whole, struct cfg *next, unsigned line)
{
	char *half = strdup(text), *end = half;
	struct config_error err;
	bool ok;

	while (end && --line)
		end = strchr(end, '\n') + 1;
	if (end)
		*end = '\0';
	ok = half && (whole ? config_parse(half, next, &err) : config_merge(half, next, &err));
	free(half);
	return ok;
}

static bool
parsed(const struct node_rules *rules, const char *text, const char *name, bool whole, struct cfg *next, char **why)
{
	struct config_error err;
	char line[700];

	if (whole ? config_parse(text, next, &err) : config_merge(text, next, &err))
		return true;
	if (!rules->configure_whole && err.line > 1)
		return before_the_error(text, whole, next, err.line);
	config_error_text(&err, name, line, sizeof line);
	say(why, "%s", line);
	return false;
}

int
config_load(struct router *r)
{
	char *why = NULL, *text = file_read(r->opts.config, &why);
	bool ok = text && parsed(r->opts.rules, text, r->opts.config, true, r->cfg, &why);

	if (text)
		text_free(text);
	if (ok)
		return 0;
	router_log(r, "config %s", why ? why : "out of memory");
	(void)fprintf(stderr, "%s\n", why ? why : "out of memory");
	free(why);
	return 2;
}

/* ---- on a router that runs ---- */

/* The ports of the next configuration: those that stay, and new ones. */
static bool
ports_extend(struct router *r, const struct cfg *next, struct router_port at[CFG_IFS], char **why)
{
	for (unsigned i = 0; i < CFG_IFS; i++)
		at[i] = (struct router_port){.fd = -1, .raw = -1};
	for (unsigned i = 0; i < next->if_cnt; i++) {
		const struct cfg_if *f = cfg_if(r->cfg, next->ifs[i].name);

		if (f) {
			at[i] = r->at[f - r->cfg->ifs];
			continue;
		}
		if (!router_port_open(r, next->ifs[i].name, &at[i])) {
			say(why, "interface %s: %s", next->ifs[i].name, strerror(errno));
			return false;
		}
	}
	return true;
}

/* Close those of `at` that are not among the interfaces of `stays`. */
static void
ports_shrink(struct router_port *at, const struct cfg *of, const struct cfg *stays)
{
	for (unsigned i = 0; i < of->if_cnt; i++)
		if (!cfg_if(stays, of->ifs[i].name))
			router_port_close(&at[i]);
}

static bool
channel_possible(const struct cfg *next, char **why)
{
	for (unsigned i = 0; i < next->ssp_cnt; i++)
		if (!cfg_if_towards(next, next->ssp[i].remote)) {
			say(why, "ssp group %u: no interface reaches the remote address",
				next->ssp[i].id);
			return false;
		}
	return true;
}

static void
channel_close_now(struct router *r)
{
	const struct node_in down = {.kind = NODE_IN_SSP_DOWN};

	if (!r->channel)
		return;
	channel_drop(r->channel, r->now);
	router_feed(r, &down, port_now());
	channel_close(r->channel);
	r->channel = NULL;
}

/* Nothing fails from here on. */
static void
apply(struct router *r, struct cfg *next, const struct router_port at[CFG_IFS])
{
	bool same_channel = node_channel_same(r->cfg, next);
	struct router_port old_at[CFG_IFS];
	struct cfg *old = r->cfg;
	struct mac mac[CFG_IFS];

	for (unsigned i = 0; i < CFG_IFS; i++)
		mac[i] = at[i].mac;
	if (!same_channel)
		channel_close_now(r);
	router_entropy(r);
	node_leave(&r->node, r->now, next, &r->entropy);
	memcpy(old_at, r->at, sizeof old_at);
	memcpy(r->at, at, sizeof r->at);
	r->cfg = next;
	router_entropy(r);
	node_configure(&r->node, r->now, next, mac, &r->entropy);
	host_shrink(r, old, old_at);
	ports_shrink(old_at, old, next);
	if (!same_channel && router_channel_open(r) != 0)
		router_log(r, "ssp the channel stays closed until the configuration is mended");
	router_links(r, false);
	wipe(old, sizeof *old);
	free(old);
}

bool
router_configure(struct router *r, const char *text, const char *name, bool whole, char **why)
{
	struct cfg *next = malloc(sizeof *next);
	struct router_port at[CFG_IFS];

	*why = NULL;
	if (!next)
		return false;
	*next = *r->cfg;
	if (parsed(r->opts.rules, text, name, whole, next, why) && channel_possible(next, why)) {
		bool ports = ports_extend(r, next, at, why);

		if (ports && host_extend(r, next, at) == 0) {
			apply(r, next, at);
			return true;
		}
		if (ports)
			say(why, "the kernel refused a part of it; the log says which");
		ports_shrink(at, next, r->cfg);
	}
	wipe(next, sizeof *next);
	free(next);
	return false;
}

void
router_reload(struct router *r)
{
	char *why = NULL, *text = file_read(r->opts.config, &why);

	if (text && router_configure(r, text, r->opts.config, true, &why))
		router_log(r, "config %s: read again", r->opts.config);
	else
		router_log(r, "config not changed: %s", why ? why : "out of memory");
	if (text)
		text_free(text);
	free(why);
}
