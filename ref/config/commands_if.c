/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of an interface: addresses, HSRP, which crypto map. */
#include <stdio.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/commands_int.h"

void
command_ip_address(struct parse *p, const struct arg *a)
{
	p->iface->addr = a[0].ip;
	p->iface->len = a[1].len;
}

void
command_shutdown(struct parse *p, const struct arg *a)
{
	(void)a;
	p->iface->shutdown = true;
}

void
command_no_shutdown(struct parse *p, const struct arg *a)
{
	(void)a;
	p->iface->shutdown = false;
}

struct cfg_standby *
config_standby(struct cfg_if *f, const struct arg *a)
{
	for (unsigned i = 0; i < f->standby_cnt; i++)
		if (f->standby[i].hsrp.group == (a->has ? a->num : 0))
			return &f->standby[i];
	return NULL;
}

/* The same, begun if it is not written yet. */
static struct cfg_standby *
group(struct parse *p, const struct arg *a)
{
	struct cfg_if *f = p->iface;
	struct cfg_standby *s = config_standby(f, a);

	if (s)
		return s;
	if (f->standby_cnt == CFG_STANDBYS) {
		p->wrong = "too many standby groups on one interface";
		return &f->standby[0];
	}
	s = &f->standby[f->standby_cnt++];
	s->hsrp.group = (uint8_t)(a->has ? a->num : 0);
	s->hsrp.priority = 100;
	memcpy(s->hsrp.auth, "cisco\0\0\0", HSRP_AUTH_LEN);
	return s;
}

void
command_standby_ip(struct parse *p, const struct arg *a)
{
	struct cfg_standby *s = group(p, a);

	s->has_ip = true;
	s->hsrp.vip = a[1].has ? a[1].ip : 0;
}

void
command_standby_priority(struct parse *p, const struct arg *a)
{
	group(p, a)->hsrp.priority = (uint8_t)a[1].num;
}

void
command_standby_preempt(struct parse *p, const struct arg *a)
{
	group(p, a)->hsrp.preempt = true;
}

/* Our addition: the RFC's reading (5.1), by which a higher address preempts an equal priority. */
void
command_preempt_rfc(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = h->preempt_equal = true;
}

void
command_preempt_minimum(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_minimum = ns_from_s(a[1].num);
	h->preempt_reload = ns_from_s(a[2].num);
	h->preempt_sync = ns_from_s(a[3].num);
}

void
command_preempt_reload(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_reload = ns_from_s(a[1].num);
	h->preempt_sync = ns_from_s(a[2].num);
}

void
command_preempt_sync(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_sync = ns_from_s(a[1].num);
}

static void
timers_set(struct parse *p, struct hsrp_cfg *h, ns_t hello, ns_t hold, bool msec)
{
	if (hold <= hello || (msec && hold < 3 * hello)) {
		p->wrong = "a hold time above the hello time, and of at least 3 hellos in "
			   "milliseconds";
		return;
	}
	h->hello = hello;
	h->hold = hold;
	h->timers_set = true;
	h->timers_msec = msec;
}

void
command_timers_s(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_s(a[1].num), ns_from_s(a[2].num), false);
}

void
command_timers_ms(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_ms(a[1].num), ns_from_ms(a[2].num), true);
}

void
command_timers_ms_s(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_ms(a[1].num), ns_from_s(a[2].num), true);
}

void
command_standby_name(struct parse *p, const struct arg *a)
{
	config_name(group(p, a)->name, a[1].text);
}

void
command_standby_track(struct parse *p, const struct arg *a)
{
	struct cfg_standby *s = group(p, a);
	unsigned i = 0;

	while (i < s->track_cnt && strcmp(s->track[i].interface, a[1].text) != 0)
		i++;
	if (i == CFG_TRACKS) {
		p->wrong = "too many tracked interfaces";
		return;
	}
	s->track_cnt += i == s->track_cnt;
	config_name(s->track[i].interface, a[1].text);
	s->track[i].decrement = (uint8_t)(a[2].has ? a[2].num : 10);
}

void
command_standby_auth(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;
	size_t n = strlen(a[1].text);

	if (n > HSRP_AUTH_LEN) {
		p->wrong = "a string of at most 8 characters (RFC 2281 5.1)";
		return;
	}
	memset(h->auth, 0, sizeof h->auth);
	memcpy(h->auth, a[1].text, n);
}

void
command_standby_delay(struct parse *p, const struct arg *a)
{
	p->iface->delay_minimum_s = a[0].num;
	p->iface->delay_reload_s = a[1].num;
}

void
command_if_map(struct parse *p, const struct arg *a)
{
	config_name(p->iface->map, a[0].text);
}

void
command_if_map_ssp(struct parse *p, const struct arg *a)
{
	config_name(p->iface->map, a[0].text);
	p->iface->ssp = (uint16_t)a[1].num;
}
