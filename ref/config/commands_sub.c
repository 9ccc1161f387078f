/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of the other sub-modes: policy (numbers of RFC 2409 Appendix A, RFC 3526),
 * transform-set, map, ssp. */
#include <stdio.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/commands_int.h"

void
command_policy_aes(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->cipher = 7;
	p->policy->key_bits = 128;
}

void
command_policy_sha(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->hash = 2;
}

void
command_policy_sha256(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->hash = 4;
}

void
command_policy_psk(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->pre_share = true;
}

void
command_policy_group2(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->group = 2;
}

void
command_policy_group14(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->group = 14;
}

void
command_policy_lifetime(struct parse *p, const struct arg *a)
{
	p->policy->lifetime_s = a[0].num;
}

/* transform-set, crypto map, ssp ------------------------------------------------------------- */

void
command_mode_tunnel(struct parse *p, const struct arg *a)
{
	(void)p;
	(void)a;
}

void
command_set_peer(struct parse *p, const struct arg *a)
{
	p->map->peer = a[0].ip;
}

void
command_set_tsets(struct parse *p, const struct arg *a)
{
	p->map->tset_cnt = 0;
	for (unsigned i = 0; i < CFG_MAP_TSETS && a[i].has; i++)
		config_name(p->map->tset[p->map->tset_cnt++], a[i].text);
}

void
command_set_pfs2(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->pfs = 2;
}

void
command_set_pfs14(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->pfs = 14;
}

void
command_set_seconds(struct parse *p, const struct arg *a)
{
	p->map->lifetime_s = a[0].num;
}

void
command_set_kilobytes(struct parse *p, const struct arg *a)
{
	p->map->lifetime_kb = a[0].num;
}

void
command_match_address(struct parse *p, const struct arg *a)
{
	config_name(p->map->acl, a[0].text);
}

void
command_reverse_route(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->reverse_route = true;
}

void
command_ssp_remote(struct parse *p, const struct arg *a)
{
	p->ssp->remote = a[0].ip;
}

void
command_ssp_redundancy(struct parse *p, const struct arg *a)
{
	if (p->ssp->redundancy_cnt == CFG_REDUNDANCIES) {
		p->wrong = "too many redundancy names";
		return;
	}
	config_name(p->ssp->redundancy[p->ssp->redundancy_cnt++], a[0].text);
}

void
command_ssp_port(struct parse *p, const struct arg *a)
{
	p->ssp->port = (uint16_t)a[0].num;
}

void
command_ssp_key(struct parse *p, const struct arg *a)
{
	uint8_t b[SECRET_MAX];
	long n = hex_get(b, sizeof b, a[0].text);

	if (n < 16)
		p->wrong = "16 to 64 octets in hexadecimal (at least 128 random bits)";
	else
		secret_set(&p->ssp->key, b, (size_t)n);
	wipe(b, sizeof b);
}
